"""FrameTable, as the image processor uses it: the fake and DynamoDB keep the same promises."""

from datetime import timedelta
from typing import Any

import pytest

from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.domain.errors import StorageUnavailable
from framewatch.domain.frames import FrameMeta
from framewatch.domain.labels import Label
from framewatch.services.ports import FrameTable
from framewatch.wire.frame_items import StoredFrame
from tests.aws import TABLE, all_items
from tests.fakes import FakeFrames
from tests.frames import CAR, NOON, PERSON, make_frame

EXPIRES = NOON + timedelta(days=90)


def stored(meta: FrameMeta, *labels: Label, watch_hit: bool = False) -> StoredFrame:
    return StoredFrame.of(meta, labels, {label.name for label in labels} if watch_hit else set(), NOON)


@pytest.fixture(params=["memory", "aws"])
def table(request: pytest.FixtureRequest) -> FrameTable:
    if request.param == "memory":
        return FakeFrames()
    return DynamoFrameTable(DynamoTable(request.getfixturevalue("dynamodb"), TABLE))


def test_what_was_put_is_read_back_whole(table: FrameTable) -> None:
    meta = make_frame(7, at=0.000001).meta
    frame = stored(meta, PERSON, CAR, watch_hit=True)
    assert table.put(frame, EXPIRES)
    assert table.get_stored([meta]) == {meta.frame_id: frame}


def test_only_stored_frames_are_found(table: FrameTable) -> None:
    metas = [make_frame(n, at=n).meta for n in range(250)]
    for meta in metas[::5]:
        table.put(stored(meta), EXPIRES)
    assert set(table.get_stored(metas)) == {m.frame_id for m in metas[::5]}
    assert table.get_stored([]) == {}


def test_the_first_put_wins(table: FrameTable) -> None:
    meta = make_frame(0).meta
    first = stored(meta, PERSON)
    assert table.put(first, EXPIRES)
    assert not table.put(stored(meta, CAR), EXPIRES)
    assert table.get_stored([meta]) == {meta.frame_id: first}


def test_a_frame_asked_for_twice_is_found_once(table: FrameTable) -> None:
    meta = make_frame(0).meta
    table.put(stored(meta), EXPIRES)
    assert list(table.get_stored([meta, meta])) == [meta.frame_id]


# -- what only DynamoDB shows -------------------------------------------------------------------------------------


def test_every_name_and_the_watch_have_an_index_item_with_the_whole_body(dynamodb: Any) -> None:
    meta = make_frame(0).meta
    DynamoFrameTable(DynamoTable(dynamodb, TABLE)).put(stored(meta, CAR, watch_hit=True), EXPIRES)
    frames = [i for i in all_items(dynamodb) if "doc" in i]
    assert sorted(i["pk"]["S"] for i in frames) == [
        "F#front#2026-03-14",
        "L#front#car#2026-03-14",
        "L#front#transportation#2026-03-14",
        "L#front#vehicle#2026-03-14",
        "W#front#2026-03-14",
        "WL#front#car#2026-03-14",
        "WL#front#transportation#2026-03-14",
        "WL#front#vehicle#2026-03-14",
    ]
    assert len({(i["sk"]["S"], i["doc"]["S"], i["expires_at"]["N"]) for i in frames}) == 1
    days = [i for i in all_items(dynamodb) if i["pk"]["S"].startswith("DAYS#")]
    assert {(i["pk"]["S"][5:] + "#" + i["sk"]["S"]) for i in days} == {i["pk"]["S"] for i in frames}


def test_a_days_pointer_outlives_its_frames_and_is_written_once_a_day(dynamodb: Any) -> None:
    writes: list[str] = []
    dynamodb.meta.events.register(
        "before-parameter-build.dynamodb.BatchWriteItem",
        lambda params, **_: writes.extend(
            put["PutRequest"]["Item"]["pk"]["S"] for put in params["RequestItems"][TABLE]
        ),
    )
    table = DynamoFrameTable(DynamoTable(dynamodb, TABLE))
    for hour in range(0, 72, 6):  # a late backlog: frames of one day stored over three
        table.put(stored(make_frame(hour, at=hour).meta), EXPIRES + timedelta(hours=hour))
    assert writes.count("DAYS#F#front") <= 4
    items = {i["pk"]["S"]: int(i["expires_at"]["N"]) for i in all_items(dynamodb)}
    frames = [int(i["expires_at"]["N"]) for i in all_items(dynamodb) if i["pk"]["S"].startswith("F#")]
    assert items["DAYS#F#front"] >= max(frames)


def test_items_that_a_throttled_table_leaves_undone_are_asked_again(dynamodb: Any) -> None:
    waits: list[float] = []
    left = [3]

    def leave_some(parsed: dict[str, Any], **_: Any) -> None:
        if left[0] > 0:
            left[0] -= 1
            item = {"pk": {"S": f"L#late#{left[0]}"}, "sk": {"S": "x"}}
            parsed["UnprocessedItems"] = {TABLE: [{"PutRequest": {"Item": item}}]}

    dynamodb.meta.events.register("after-call.dynamodb.BatchWriteItem", leave_some)
    table = DynamoFrameTable(DynamoTable(dynamodb, TABLE, sleep=waits.append))
    assert table.put(stored(make_frame(0).meta, PERSON), EXPIRES)
    assert len(waits) == 3
    assert {"L#late#0", "L#late#1", "L#late#2"} <= {i["pk"]["S"] for i in all_items(dynamodb)}


def test_a_table_that_stays_throttled_is_given_up_before_the_frame_item(dynamodb: Any) -> None:
    def leave_all(parsed: dict[str, Any], **_: Any) -> None:
        parsed["UnprocessedItems"] = {TABLE: [{"PutRequest": {"Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}}}]}

    dynamodb.meta.events.register("after-call.dynamodb.BatchWriteItem", leave_all)
    table = DynamoFrameTable(DynamoTable(dynamodb, TABLE, sleep=lambda _: None))
    meta = make_frame(0).meta
    with pytest.raises(StorageUnavailable, match="throttled"):
        table.put(stored(meta, PERSON), EXPIRES)
    assert table.get_stored([meta]) == {}


def test_keys_that_a_throttled_table_leaves_unread_are_asked_again(dynamodb: Any) -> None:
    metas = [make_frame(n, at=n).meta for n in range(3)]
    table = DynamoFrameTable(DynamoTable(dynamodb, TABLE, sleep=lambda _: None))
    for meta in metas:
        table.put(stored(meta), EXPIRES)
    once = [True]

    def leave_one(parsed: dict[str, Any], **_: Any) -> None:
        if once.pop() if once else False:
            item = parsed["Responses"][TABLE].pop()
            parsed["UnprocessedKeys"] = {TABLE: {"Keys": [{"pk": item["pk"], "sk": item["sk"]}]}}

    dynamodb.meta.events.register("after-call.dynamodb.BatchGetItem", leave_one)
    assert len(table.get_stored(metas)) == 3


def test_a_missing_table_is_storage_unavailable_and_names_it(dynamodb: Any) -> None:
    table = DynamoFrameTable(DynamoTable(dynamodb, "nowhere"))
    with pytest.raises(StorageUnavailable, match="table nowhere"):
        table.get_stored([make_frame(0).meta])
