"""What a page of GET /v1/frames costs on 1,000 and on 100,000 stored frames of 4 cameras: it must be the same.

    python -m benchmarks.frame_pages [1000000]      prints a table; exits 1 when a cost grows or passes its bound

Given, the larger number; a million takes several GB and a while.

The function's handler runs on a DynamoDB that moto plays in this process. Counted from the requests and answers of
its own client: Query requests, items that DynamoDB had to look at (ScannedCount) and read units. moto reports the
same units for every request, so they are worked out from the items by DynamoDB's rule: a query's bytes, rounded up
to 4 KiB, half a unit each when eventually consistent. No time is measured: an emulator's says nothing of DynamoDB's.
"""

import json
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import boto3
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from framewatch.adapters.aws.dynamo import make_item
from framewatch.domain.frames import GateReason, make_frame_id
from framewatch.domain.labels import Instance, Label
from framewatch.wire.frame_items import StoredFrame, StoredLabel
from framewatch.wire.items import day_of, days_key, index_key, index_name
from lambdas.frame_fetcher import handler

CAMERAS = ("front", "back", "garage", "yard")
SMALL, LARGE = 1_000, 100_000
REGION, ACCOUNT, TABLE = "eu-west-1", "123456789012", "frames"
NEWEST = datetime(2026, 1, 10, 20, tzinfo=UTC)
SPAN = timedelta(days=3)  # the same span for each size: a hundred times the frames in each partition
PERSON = Label("Person", 91.5, instances=(Instance((0.1, 0.2, 0.3, 0.9), 91.5),), aliases=("Human",))

Camera = Callable[[int, int], str]
"""Which camera took the n-th newest of so many frames."""


def taking_turns(n: int, _count: int) -> str:
    return CAMERAS[n % 4]


def one_has_all_the_newest(n: int, count: int) -> str:
    return CAMERAS[0] if n < count // 5 else CAMERAS[n % 4]


def one_has_nine_of_ten(n: int, _count: int) -> str:
    return CAMERAS[1 + n // 10 % 3] if n % 10 == 9 else CAMERAS[0]


@dataclass
class Scenario:
    name: str
    camera_of: Camera
    query: dict[str, str]
    page: int = 1
    quiet: timedelta = timedelta()  # since the newest frame
    pointers: int = 0  # how many day boundaries are crossed


SCENARIOS = [
    Scenario("turns, first page", taking_turns, {}),
    Scenario("turns, page of 100", taking_turns, {"limit": "100"}),
    Scenario("turns, fourth page", taking_turns, {}, page=4),
    Scenario("turns, one camera", taking_turns, {"camera": "back"}),
    Scenario("turns, a label", taking_turns, {"label": "human"}),
    Scenario("turns, after 5 quiet days", taking_turns, {}, quiet=timedelta(days=5), pointers=4),
    Scenario("turns, nothing found", taking_turns, {"label": "unicorn"}),
    Scenario("skewed, first page", one_has_all_the_newest, {}),
    Scenario("skewed, page of 100", one_has_all_the_newest, {"limit": "100"}),
    Scenario("nine of ten, first page", one_has_nine_of_ten, {}),
]


@dataclass
class Cost:
    frames: int = 0
    queries: int = 0
    items: int = 0
    read_units: float = 0.0

    def add_query(self, answer: dict[str, Any]) -> None:
        self.queries += 1
        self.items += answer["ScannedCount"]
        size = sum(item_bytes(item) for item in answer["Items"])
        self.read_units += max(1, math.ceil(size / 4096)) / 2


def item_bytes(item: dict[str, Any]) -> int:
    """DynamoDB's rule: names and texts in UTF-8; a number takes a byte for two digits and one more; a map three and
    one a member."""
    total = 0
    for name, value in item.items():
        ((kind, content),) = value.items()
        if kind == "M":
            size = 3 + len(content) + item_bytes(content)
        else:
            size = len(content) // 2 + 2 if kind == "N" else len(content.encode())
        total += len(name) + size
    return total


class FixedClock:
    at = NEWEST

    def now(self) -> datetime:
        return self.at


def frames_of(camera_of: Camera, count: int, span: timedelta) -> Iterator[StoredFrame]:
    for n in range(count):
        camera, at = camera_of(n, count), NEWEST - timedelta(seconds=1) - n * span / count
        yield StoredFrame(
            frame_id=make_frame_id(camera, "20260101T000000Zabcdef", count - n),
            camera_id=camera,
            boot_id="20260101T000000Zabcdef",
            seq=count - n,
            captured_at=at,
            stored_at=at + timedelta(seconds=2),
            width=1280,
            height=720,
            gate_reason=GateReason.MOTION,
            image_key=f"frames/{camera}/{count - n:010d}.jpg",
            labels=(StoredLabel.of(PERSON, False),),
            watch_hit=False,
        )


def fill(camera_of: Camera, count: int, span: timedelta = SPAN) -> None:
    """Straight into moto's memory: through its API a hundred thousand frames would take half an hour."""
    items = dynamodb_backends[ACCOUNT][REGION].tables[TABLE].items
    items.clear()
    expires_at = NEWEST + timedelta(days=90)

    def put(raw: dict[str, Any]) -> None:
        pk, sk = DynamoType(raw["pk"]), DynamoType(raw["sk"])
        items[pk][sk] = Item(pk, sk, raw)

    pointers = set()
    for frame in frames_of(camera_of, count, span):
        doc, day = frame.model_dump_json(), day_of(frame.captured_at)
        for index in (index_name(frame.camera_id), index_name(frame.camera_id, "human")):
            put(make_item((index_key(index, day), frame.sort_key), expires_at, doc))
            pointers.add((days_key(index), day))
    for key in pointers:
        put(make_item(key, expires_at))


def look_through_one_partition_only() -> None:
    """moto sorts the whole table for each query, then leaves other partitions out; here they are left out first."""
    query, one_at_a_time = Table.query, threading.Lock()

    def query_partition(self: Table, hash_key: DynamoType, *args: Any, **more: Any) -> Any:
        with one_at_a_time:
            whole = self.items
            self.items = {hash_key: whole.get(hash_key, {})}  # type: ignore[assignment]
            try:
                return query(self, hash_key, *args, **more)
            finally:
                self.items = whole

    Table.query = query_partition  # type: ignore[method-assign]


def set_up() -> None:
    os.environ.update(
        FW_TABLE=TABLE,
        FW_FRAMES_BUCKET="frames-bucket",
        FW_CONFIG_BUCKET="config-bucket",
        FW_STAGE="benchmark",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",  # noqa: S106  moto takes anything
        AWS_DEFAULT_REGION=REGION,
        AWS_REGION=REGION,
        MOTO_ACCOUNT_ID=ACCOUNT,
    )
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="config-bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    site = "cameras: [" + ", ".join(f"{{id: {c}}}" for c in CAMERAS) + "]"
    s3.put_object(Bucket="config-bucket", Key="site.yaml", Body=site.encode())
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    look_through_one_partition_only()
    handler.SystemClock = FixedClock  # type: ignore[misc,assignment]


def measure(path: str, query: dict[str, str], page: int) -> Cost:
    """The cost of the so many-th page, from 1; pages before it only lead there."""
    events = handler.deps().frames.pages._client.meta.events  # type: ignore[attr-defined]
    cursor: dict[str, str] = {}
    for _ in range(page):
        cost, lock = Cost(), threading.Lock()

        def count(parsed: dict[str, Any], cost: Cost = cost, lock: Any = lock, **_: Any) -> None:
            with lock:
                cost.add_query(parsed)

        events.register("after-call.dynamodb.Query", count, unique_id="count")
        answer = handler.lambda_handler(viewer_event(path, query | cursor), SimpleNamespace())  # type: ignore[arg-type]
        events.unregister("after-call.dynamodb.Query", unique_id="count")
        assert answer["statusCode"] == 200, answer["body"]
        body = json.loads(answer["body"])
        cost.frames = len(body[path.rpartition("/")[2]])
        cursor = {"cursor": body["next_cursor"]}
    return cost


def viewer_event(path: str, query: dict[str, str]) -> dict[str, Any]:
    http = {"method": "GET", "path": path}
    viewer = {"jwt": {"claims": {"sub": "a-viewer", "cognito:groups": "[viewer]"}}}
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": urlencode(query),
        "headers": {},
        "requestContext": {"http": http, "stage": "$default", "authorizer": viewer},
    }


def main(large_size: int = LARGE) -> int:
    sizes = (SMALL, large_size)
    costs: dict[tuple[str, int], Cost] = {}
    with mock_aws():
        set_up()
        for camera_of in dict.fromkeys(s.camera_of for s in SCENARIOS):
            for size in sizes:
                fill(camera_of, size)
                for scenario in SCENARIOS:
                    if scenario.camera_of is camera_of:
                        FixedClock.at = NEWEST + scenario.quiet
                        costs[scenario.name, size] = measure("/v1/frames", scenario.query, scenario.page)
    wrong = []
    print(f"{'':26}  frames   queries at        items at          read units at     items")
    print(f"{'':26}  shown  {f'{SMALL:7,}{large_size:11,}' * 3}  allowed")
    for scenario in SCENARIOS:
        small, large = (costs[scenario.name, size] for size in sizes)
        allowed = small.frames + (1 if "camera" in scenario.query else len(CAMERAS)) + scenario.pointers
        print(
            f"{scenario.name:26}  {small.frames:5}  {small.queries:7}{large.queries:11}{small.items:7}"
            f"{large.items:11}{small.read_units:7g}{large.read_units:11g}  {allowed:7}"
        )
        if small != large:
            wrong.append(f"{scenario.name}: costs more or less on {large_size:,} frames than on {SMALL:,}")
        if max(small.items, large.items) > allowed:
            wrong.append(f"{scenario.name}: reads more than the page, one a camera and one a day boundary")
    print("\n".join(wrong) or "the same at both sizes, and within the bound")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
