"""What the meter writes of all that the stack writes to its table, at several loads: it must be 2 % at most.

    python -m benchmarks.meter        prints a table; exits 1 when a share passes its bound

Processes of the image processor, the watchdog's rounds and boxes' heartbeats run on a simulated clock against a
DynamoDB that moto plays in this process, with every meter in place. Write units are worked out from each request by
DynamoDB's rule, an item's bytes rounded up to 1 KiB and twice that in a transaction, and answered as consumed. Visits
and alerts are left out: they would only make the meter's share smaller. A frame has the labels of a street (as in
stats.py), or one. The function that answers the dashboard writes nothing.
"""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import boto3
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends

from benchmarks.frame_pages import ACCOUNT, NEWEST, PERSON, REGION, TABLE, FixedClock, item_bytes, set_up
from benchmarks.stats import EXPIRES, LABELS
from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.count_table import DynamoCountTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_pages import DynamoFramePages
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.adapters.aws.trouble_table import DynamoHealthTable, DynamoTroubleTable
from framewatch.adapters.aws.use_meter import meter
from framewatch.adapters.aws.use_table import DynamoUseTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.frames import FrameMeta
from framewatch.domain.heartbeats import CameraCounts, CameraState, Heartbeat
from framewatch.domain.labels import Label
from framewatch.domain.site import Camera, SiteConfig
from framewatch.domain.usage import UsageKind
from framewatch.services.meter_use import UseLedger, for_camera
from framewatch.services.note_health import HealthNotes
from framewatch.services.ports import RawRecord
from framewatch.services.roll_up import CountDeps, roll_up
from framewatch.services.roll_up_use import UseRollUp
from framewatch.services.tally import Tally
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.heartbeat_items import StoredHeartbeat

MOST = 0.02
STEP_S = 10
BOOT = "20260110T000000Zabcdef"


@dataclass(frozen=True, slots=True)
class Load:
    """per_minute: frames stored of each camera. processes: image processors, each of which sees every camera."""

    name: str
    cameras: int
    per_minute: float
    minutes: int
    processes: int = 1
    labels: Sequence[Label] = LABELS


LOADS = (
    Load("1 camera, nothing moves, a frame in 10 min", 1, 0.1, 120),
    Load("1 camera, a frame a minute, one label each", 1, 1, 120, labels=(PERSON,)),
    Load("1 camera, 6 a minute", 1, 6, 60),
    Load("4 cameras, 6 a minute, one label each", 4, 6, 60, labels=(PERSON,)),
    Load("4 cameras, 6 a minute", 4, 6, 20),
    Load("8 cameras, one a second", 8, 60, 2, processes=2),
    Load("100 cameras, 6 a minute", 100, 6, 2, processes=4),
)


def write_units(operation: str, asked: dict[str, Any]) -> int:
    """What is deleted or updated counts as an item of 1 KiB: it is not in the request."""

    def of(item: dict[str, Any]) -> int:
        return max(1, math.ceil(item_bytes(item) / 1024))

    if operation == "PutItem":
        return of(asked["Item"])
    if operation == "BatchWriteItem":
        puts = [request.get("PutRequest") for request in asked["RequestItems"][TABLE]]
        return sum(of(put["Item"]) if put else 1 for put in puts)
    if operation == "TransactWriteItems":
        return sum(2 * of(action["Put"]["Item"]) if "Put" in action else 2 for action in asked["TransactItems"])
    return 1 if operation in ("UpdateItem", "DeleteItem") else 0


@dataclass
class Written:
    all: int = 0
    by_meter: int = 0
    flushes: int = 0
    read_by_meter: float = 0.0


def counting(client: Any, written: Written) -> None:
    """Before the meter's own hooks, so that they see as consumed what DynamoDB would have said."""

    def asked(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked"] = dict(params)

    def answered(parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        units = write_units(model.name, context["asked"])
        pk = context["asked"].get("Item", {}).get("pk", {}).get("S", "")
        values = context["asked"].get("ExpressionAttributeValues", {})
        if model.name == "Query" and values.get(":pk", {}).get("S", "").startswith("USE"):
            size = sum(item_bytes(item) for item in parsed["Items"])
            written.read_by_meter += max(1, math.ceil(size / 4096))
        written.all += units
        if pk.startswith("USE"):
            written.by_meter += units
            written.flushes += 1
        parsed["ConsumedCapacity"] = {"TableName": TABLE, "CapacityUnits": float(units)}

    client.meta.events.register_first("before-parameter-build.dynamodb", asked)
    client.meta.events.register_first("after-call.dynamodb", answered)


class Process:
    """What every function has: a table of its own making, and a ledger of what it uses."""

    def __init__(self, function: str, written: Written) -> None:
        self.client = boto3.client("dynamodb")
        self.ledger = UseLedger(function, FixedClock(), memory_mb=1024)
        counting(self.client, written)
        meter(self.client, self.ledger)
        self.table = DynamoTable(self.client, TABLE)
        self.ledger.keep_in(DynamoUseTable(self.table))


class Processor(Process):
    def __init__(self, written: Written) -> None:
        super().__init__("image_processor", written)
        self.frames = DynamoFrameTable(self.table)
        self.heartbeats = DynamoHeartbeatTable(self.table)
        self.health = HealthNotes(DynamoHealthTable(self.table), FixedClock())

    def batch(self, work: Sequence[Callable[[], object]]) -> None:
        with self.ledger.invocation():
            for each in work:
                each()
            now = FixedClock.at
            self.health.note([RawRecord("1", "front", b"", "shardId-0", now)], {"FramesStored": 1})

    def frame(self, camera_id: str, seq: int, labels: Sequence[Label]) -> None:
        meta = FrameMeta(camera_id, BOOT, seq, FixedClock.at, 1280, 720)
        for_camera(camera_id, self.ledger.count, UsageKind.IMAGES_ANALYSED)
        for_camera(camera_id, self.ledger.count, UsageKind.S3_PUT_REQUESTS)
        for_camera(camera_id, self.frames.put, StoredFrame.of(meta, labels, (), meta.captured_at), EXPIRES)

    def beat(self, camera_id: str, seq: int) -> None:
        counts = CameraCounts(read=1500, sampled=60, sent=5, gated={"no_motion": 53}, dropped=0, failed=0)
        beat = Heartbeat("box", camera_id, FixedClock.at, BOOT, seq, CameraState.ONLINE, "0.1.0", counts=counts)
        self.heartbeats.put(StoredHeartbeat.of(beat, FixedClock.at), EXPIRES)


class Watchdog(Process):
    def __init__(self, written: Written, site: SiteConfig) -> None:
        super().__init__("watchdog", written)
        self.site = site
        self.troubles = DynamoTroubleTable(self.table)
        self.use = UseRollUp(DynamoUseTable(self.table), FixedClock())
        self.counts = CountDeps(
            counts=DynamoCountTable(self.table),
            frames=DynamoFramePages(self.client, TABLE, FixedClock()),
            alerts=DynamoAlertTable(self.table),
            visits=DynamoVisitTable(self.table).newest_first,
            heartbeats=DynamoHeartbeatTable(self.table),
            clock=FixedClock(),
        )

    def round(self) -> None:
        with self.ledger.invocation():
            until = FixedClock.at + timedelta(seconds=50)
            self.troubles.take_turn(FixedClock.at, until)
            self.troubles.end_turn(FixedClock.at, until)
            roll_up(self.site, self.counts, Tally(), lambda: 50.0)
            self.use.run(self.site, lambda: 50.0)


def measure(load: Load) -> Written:
    dynamodb_backends[ACCOUNT][REGION].tables[TABLE].items.clear()
    rng, written = Random(1), Written()  # noqa: S311
    cameras = [f"camera-{n:03d}" for n in range(load.cameras)]
    site = SiteConfig(cameras=tuple(Camera(id=camera_id) for camera_id in cameras))
    start = FixedClock.at = NEWEST.replace(hour=8, minute=0)
    processors = [Processor(written) for _ in range(load.processes)]
    watchdog = Watchdog(written, site)
    stored = dict.fromkeys(cameras, 0)
    for second in range(0, load.minutes * 60, STEP_S):
        FixedClock.at = start + timedelta(seconds=second)
        work: dict[Processor, list[Callable[[], object]]] = {}
        for camera_id in cameras:
            processor = rng.choice(processors)
            if second % 60 == 0:
                work.setdefault(processor, []).append(partial(processor.beat, camera_id, second // 60))
            while stored[camera_id] < load.per_minute * second / 60:
                stored[camera_id] += 1
                frame = partial(processor.frame, camera_id, stored[camera_id], load.labels)
                work.setdefault(processor, []).append(frame)
        for processor, batch in work.items():
            processor.batch(batch)
        if second % 60 == 0:
            watchdog.round()
    return written


def main() -> int:
    wrong = []
    print(f"{'load':46}{'units a minute':>16}{'of the meter':>14}{'share':>8}{'writes':>8}{'read units a min':>18}")
    with mock_aws():
        set_up()
        for load in LOADS:
            found = measure(load)
            share = found.by_meter / found.all
            print(
                f"{load.name:46}{found.all / load.minutes:16.1f}{found.by_meter / load.minutes:14.2f}{share:8.2%}"
                f"{found.flushes:8}{found.read_by_meter / load.minutes:18.2f}"
            )
            if share > MOST:
                wrong.append(f"{load.name}: the meter writes {share:.1%}")
    print("\n".join(wrong) or f"at most {MOST:.0%} at every load")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
