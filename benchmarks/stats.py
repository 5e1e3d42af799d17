"""What GET /v1/stats costs on a thousand to a million stored frames, and what counting adds to a stored frame.

    python -m benchmarks.stats        prints two tables; exits 1 when a cost grows or passes its bound

On a DynamoDB that moto plays in this process; requests, items and units are counted as in frame_pages.py, writes by
DynamoDB's rule, too: an item's bytes, rounded up to 1 KiB. A write unit costs what five read units do. Up to 100,000
frames lie in the table itself; of a million only the counts, for a gigabyte of items would only wait beside them.
"""

import json
import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytz
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends

from benchmarks.frame_pages import (
    ACCOUNT,
    CAMERAS,
    NEWEST,
    REGION,
    TABLE,
    FixedClock,
    fill,
    item_bytes,
    set_up,
    taking_turns,
    viewer_event,
)
from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.count_table import DynamoCountTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_pages import DynamoFramePages
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.frames import FrameMeta, GateReason
from framewatch.domain.hourly import (
    BucketCounts,
    Counts,
    DayCounts,
    HourCounts,
    SeenFrame,
    add_up,
    bucket_of,
    count_frames,
    day_in,
    hour_of,
)
from framewatch.domain.labels import Instance, Label
from framewatch.domain.site import Camera, SiteConfig
from framewatch.services.roll_up import CountDeps, roll_up
from framewatch.services.tally import Tally
from framewatch.wire.frame_items import StoredFrame
from lambdas.frame_fetcher import handler

SPAN = timedelta(days=1)  # with a thousand frames, some in each ten minutes of each camera
SIZES = (1_000, 10_000, 100_000, 1_000_000)
IN_THE_TABLE = 100_000
EXPIRES = NEWEST + timedelta(days=90)
FRAMES_IN_TEN_MINUTES = (1, 10, 100)
WRITE_PRICE = 5
MOST_ADDED = 0.10
"""Of the price of a stored frame's own writes, where ten or more come in ten minutes."""
# As many as Rekognition names for a street.
LABELS = tuple(
    Label(
        f"Thing {n}",
        80 + n / 4,
        (Instance((0.1, 0.2, 0.3, 0.4), 80 + n / 4),) if n < 4 else (),
        parents=("Vehicle", "Transportation"),
        categories=("Vehicles and Automotive",),
    )
    for n in range(12)
)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Cost:
    queries: int = 0
    items: int = 0
    read_units: float = 0.0
    write_units: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def query(self, answer: dict[str, Any], asked: dict[str, Any]) -> None:
        size = sum(item_bytes(item) for item in answer["Items"])
        with self.lock:
            self.queries += 1
            self.items += answer["ScannedCount"]
            self.read_units += max(1, math.ceil(size / 4096)) / (1 if asked.get("ConsistentRead") else 2)

    def get(self, answer: dict[str, Any], _: dict[str, Any]) -> None:
        with self.lock:
            self.read_units += max(1, math.ceil(item_bytes(answer.get("Item", {})) / 4096))

    def put(self, _: dict[str, Any], asked: dict[str, Any]) -> None:
        self._write(asked["Item"])

    def batch(self, _: dict[str, Any], asked: dict[str, Any]) -> None:
        for request in asked["RequestItems"][TABLE]:
            self._write(request["PutRequest"]["Item"])

    def _write(self, item: dict[str, Any]) -> None:
        with self.lock:
            self.write_units += max(1, math.ceil(item_bytes(item) / 1024))

    @property
    def price(self) -> float:
        """In read units."""
        return self.read_units + WRITE_PRICE * self.write_units


@contextmanager
def counted(client: Any) -> Iterator[Cost]:
    cost = Cost()
    kinds: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
        "Query": cost.query,
        "GetItem": cost.get,
        "PutItem": cost.put,
        "BatchWriteItem": cost.batch,
    }
    events = client.meta.events

    def asked(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked"] = params

    def answered(model: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        kinds[model.name](parsed, context["asked"])

    for kind in kinds:
        events.register(f"before-parameter-build.dynamodb.{kind}", asked, unique_id=f"asked-{kind}")
        events.register(f"after-call.dynamodb.{kind}", answered, unique_id=f"answered-{kind}")
    try:
        yield cost
    finally:
        for kind in kinds:
            events.unregister(f"before-parameter-build.dynamodb.{kind}", unique_id=f"asked-{kind}")
            events.unregister(f"after-call.dynamodb.{kind}", unique_id=f"answered-{kind}")


# -- what reading costs ---------------------------------------------------------------------------------------------

QUERIES: dict[str, dict[str, str]] = {
    "ten minutes, a day": {"step": "600", "from": _text(NEWEST - SPAN), "to": _text(NEWEST)},
    "hours, a day": {"from": _text(NEWEST - SPAN), "to": _text(NEWEST)},
    "hours, one camera": {"from": _text(NEWEST - SPAN), "to": _text(NEWEST), "camera": "back"},
    "days, 400 days": {"step": "86400", "from": _text(NEWEST - timedelta(days=400)), "to": _text(NEWEST)},
}


def fill_counts(table: DynamoCountTable, frames: int) -> None:
    """As the watchdog would have counted so many frames of CAMERAS, taking turns over SPAN."""
    zone = pytz.utc
    person = frozenset(("Person",))
    for c, camera_id in enumerate(CAMERAS):
        seen: dict[datetime, list[SeenFrame]] = {}
        for n in range(c, frames, len(CAMERAS)):
            at = NEWEST - timedelta(seconds=1) - n * (SPAN - timedelta(seconds=2)) / frames
            seen.setdefault(bucket_of(at), []).append(SeenFrame(GateReason.MOTION, person, False))
        hours: dict[datetime, dict[datetime, BucketCounts]] = {}
        days: dict[Any, list[Counts]] = {}
        for at, inside in seen.items():
            hours.setdefault(hour_of(at), {})[at] = BucketCounts(count_frames(inside))
            days.setdefault(day_in(at, zone), []).append(count_frames(inside))
        for hour, buckets in hours.items():
            table.put_hour(HourCounts(camera_id, hour, buckets), EXPIRES)
        for day, parts in days.items():
            table.put_day(DayCounts(camera_id, day, add_up(parts), None), EXPIRES)
        table.put_counted_until(camera_id, bucket_of(NEWEST), EXPIRES)


def measure_reading(client: Any) -> dict[tuple[str, int], Cost]:
    costs = {}
    table = DynamoCountTable(DynamoTable(client, TABLE))
    for size in SIZES:
        fill(taking_turns, min(size, IN_THE_TABLE), SPAN)
        fill_counts(table, size)
        for name, query in QUERIES.items():
            with counted(handler.deps().stats.counts._table._client) as cost:  # type: ignore[attr-defined]
                event = viewer_event("/v1/stats", query)
                answer = handler.lambda_handler(event, SimpleNamespace())  # type: ignore[arg-type]
            assert answer["statusCode"] == 200, answer["body"]
            cameras = json.loads(answer["body"])["cameras"]
            assert all(camera["buckets"] for camera in cameras), name
            costs[name, size] = cost
    return costs


# -- what counting costs --------------------------------------------------------------------------------------------


def measure_counting(client: Any, frames: int, every_min: int) -> tuple[Cost, Cost]:
    """Ten minutes of one camera, until they are settled: what its frames' own writes cost, and what counting does."""
    dynamodb_backends[ACCOUNT][REGION].tables[TABLE].items.clear()
    table = DynamoTable(client, TABLE)
    stored = DynamoFrameTable(table)
    start = NEWEST.replace(minute=0)
    site = SiteConfig(cameras=(Camera(id="front"),))
    deps = CountDeps(
        counts=DynamoCountTable(table),
        frames=DynamoFramePages(client, TABLE, FixedClock()),
        alerts=DynamoAlertTable(table),
        visits=DynamoVisitTable(table).newest_first,
        heartbeats=DynamoHeartbeatTable(table),
        clock=FixedClock(),
    )
    deps.counts.put_counted_until("front", start, EXPIRES)
    own, rolled = Cost(), Cost()
    seq = 0
    for minute in range(15):
        with counted(client) as cost:
            while seq < frames and seq * 10 / frames < minute:
                at = start + seq * timedelta(minutes=10) / frames
                meta = FrameMeta("front", "20260110T000000Zabcdef", seq, at, 1280, 720)
                stored.put(StoredFrame.of(meta, LABELS, (), meta.captured_at), EXPIRES)
                seq += 1
        own.write_units += cost.write_units
        if minute % every_min == 0:
            FixedClock.at = start + timedelta(minutes=minute)
            with counted(client) as cost:
                roll_up(site, deps, Tally(), lambda: 50.0)
            rolled.read_units += cost.read_units
            rolled.write_units += cost.write_units
    assert not frames or deps.counts.hour("front", start).buckets[start].counts.frames == frames
    return own, rolled


def main() -> int:
    wrong = []
    with mock_aws():
        set_up()
        client = boto3.client("dynamodb")
        costs = measure_reading(client)
        added = {
            (every, frames): measure_counting(client, frames, every)
            for every in (1, 5)
            for frames in FRAMES_IN_TEN_MINUTES
        }
        idle = {every: measure_counting(client, 0, every)[1] for every in (1, 5)}
    print(f"GET /v1/stats, {len(CAMERAS)} cameras   queries / items / read units at so many stored frames")
    print(f"{'':22}" + "".join(f"{size:>22,}" for size in SIZES))
    for name in QUERIES:
        row = [costs[name, size] for size in SIZES]
        print(f"{name:22}" + "".join(f"{f'{c.queries} / {c.items} / {c.read_units:g}':>22}" for c in row))
        if len({(c.queries, c.items) for c in row}) > 1:
            wrong.append(f"{name}: other queries or items for more frames")
        if max(c.read_units for c in row) > 1.2 * min(c.read_units for c in row):
            wrong.append(f"{name}: read units grow with the frames by more than the digits of a count")
    print("\nCounting, of each stored frame    read units, write units, share of the price of its own writes")
    for every in (1, 5):
        for frames in FRAMES_IN_TEN_MINUTES:
            own, rolled = added[every, frames]
            share = rolled.price / own.price
            print(
                f"every {every} min, {frames:3} in ten minutes   {rolled.read_units / frames:8.2f}"
                f"  {rolled.write_units / frames:6.2f}  {share:7.1%}   ({own.write_units / frames:.0f} write units)"
            )
            if frames >= 10 and share > MOST_ADDED:
                wrong.append(f"counting every {every} min adds {share:.1%} to {frames} frames in ten minutes")
        quiet = idle[every]
        print(f"every {every} min, nothing stored   {quiet.read_units:g} read, {quiet.write_units} written in 15 min")
    print("\n".join(wrong) or "the same queries and items at every size, and within the bounds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
