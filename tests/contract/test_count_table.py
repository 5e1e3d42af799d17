"""CountTable: the fake and DynamoDB keep the same promises."""

import json
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from framewatch.adapters.aws.count_table import DynamoCountTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.domain.analysis import Analysis
from framewatch.domain.errors import NewerItem, WriteConflict
from framewatch.domain.frames import GateReason
from framewatch.domain.hourly import (
    BUCKET,
    HOUR,
    BucketCounts,
    Counts,
    DayCounts,
    EdgeCounts,
    EdgeReading,
    HourCounts,
)
from framewatch.services.ports import CountTable
from tests.aws import TABLE, all_items
from tests.frames import BOOT, NOON
from tests.watch_fakes import FakeCounts

# What was ever written is read: this file is never changed, a new form gets one of its own.
_EVENTS = Path(__file__).parents[1] / "events"
GOLDEN = json.loads((_EVENTS / "stored-counts-v1.json").read_text("utf-8"))
# Version 2 knows what became of the frames at vision, and the weight of their pictures.
GOLDEN_2 = json.loads((_EVENTS / "stored-counts-v2.json").read_text("utf-8"))
EXPIRES = NOON + timedelta(days=90)
COUNTS_1 = Counts(
    3, {GateReason.KEEPALIVE: 1, GateReason.MOTION: 2}, {"Person": 2, "…": 1}, 4, 2, 1, 1, {Analysis.ANALYSED: 3}
)
"""As version 1 is read: every frame was analysed then."""
COUNTS = replace(COUNTS_1, by_analysis={Analysis.ANALYSED: 1, Analysis.INHERITED: 2}, jpeg_bytes=270_000)
ONE = Counts(frames=1, by_analysis={Analysis.ANALYSED: 1})
READING = EdgeReading(f"shop-1/{BOOT}", NOON - HOUR, NOON + timedelta(minutes=12), 1500, 60, 53)
HOUR_OF_NOON = HourCounts("front", NOON, {NOON: BucketCounts(COUNTS, READING), NOON + BUCKET: BucketCounts(ONE)})
DAY = DayCounts("front", date(2026, 3, 14), COUNTS, EdgeCounts(1500, 60, 53))
MARKS = [("front", NOON), ("yard", NOON - BUCKET)]


def in_dynamodb(client: Any) -> DynamoCountTable:
    stamps = count(1)
    return DynamoCountTable(DynamoTable(client, TABLE), lambda: f"stamp-{next(stamps)}")


@pytest.fixture(params=["memory", "aws"])
def table(request: pytest.FixtureRequest) -> CountTable:
    if request.param == "memory":
        return FakeCounts()
    return in_dynamodb(request.getfixturevalue("dynamodb"))


def test_an_hour_is_read_back_whole_and_written_in_place_of_what_was_read(table: CountTable) -> None:
    empty = table.hour("front", NOON)
    assert empty == HourCounts("front", NOON)
    table.put_hour(HOUR_OF_NOON, EXPIRES)
    stored = table.hour("front", NOON)
    assert stored == replace(HOUR_OF_NOON, version=1)
    with pytest.raises(WriteConflict):
        table.put_hour(empty, EXPIRES)
    table.put_hour(replace(stored, buckets={}), EXPIRES)
    assert table.hour("front", NOON) == HourCounts("front", NOON, version=2)
    with pytest.raises(WriteConflict):
        table.put_hour(stored, EXPIRES)


def test_a_day_is_read_back_whole_and_written_in_place_of_what_was_read(table: CountTable) -> None:
    empty = table.day("front", DAY.day)
    assert empty == DayCounts("front", DAY.day, Counts(), None)
    table.put_day(DAY, EXPIRES)
    assert table.day("front", DAY.day) == replace(DAY, version=1)
    with pytest.raises(WriteConflict):
        table.put_day(empty, EXPIRES)


@pytest.mark.parametrize("fresh", [False, True])
def test_hours_are_one_cameras_from_the_first_to_before_the_end_oldest_first(table: CountTable, fresh: bool) -> None:
    for n in (3, 0, 2, 1):
        table.put_hour(HourCounts("front", NOON + n * HOUR), EXPIRES)
    table.put_hour(HourCounts("front-2", NOON + HOUR), EXPIRES)
    found = table.hours("front", NOON + HOUR, NOON + 3 * HOUR, fresh=fresh)
    assert [(h.camera_id, h.hour) for h in found] == [("front", NOON + HOUR), ("front", NOON + 2 * HOUR)]
    assert table.hours("front", NOON + HOUR, NOON + HOUR) == []


def test_days_are_one_cameras_both_ends_included(table: CountTable) -> None:
    for n in range(4):
        table.put_day(replace(DAY, day=date(2026, 3, 30) + timedelta(days=n)), EXPIRES)
    table.put_hour(HOUR_OF_NOON, EXPIRES)
    found = table.days("front", date(2026, 3, 31), date(2026, 4, 1))
    assert [d.day for d in found] == [date(2026, 3, 31), date(2026, 4, 1)]


def test_until_when_each_camera_is_counted(table: CountTable) -> None:
    assert table.counted_until() == {}
    table.put_counted_until("front", NOON, EXPIRES)
    table.put_counted_until("yard", NOON, EXPIRES)
    table.put_counted_until("front", NOON + BUCKET, EXPIRES)
    assert table.counted_until() == {"front": NOON + BUCKET, "yard": NOON}


def test_marks_come_oldest_bucket_first_and_as_many_as_are_asked_for(table: CountTable) -> None:
    table.mark([("front", NOON), ("front", NOON + BUCKET), ("yard", NOON - BUCKET)], NOON + HOUR, EXPIRES)
    assert [(m.camera_id, m.bucket) for m in table.recounts(2)] == [("yard", NOON - BUCKET), ("front", NOON)]
    assert len(table.recounts(50)) == 3
    assert {m.marked_at for m in table.recounts(50)} == {NOON + HOUR}


def test_a_mark_is_done_with_unless_it_was_set_again(table: CountTable) -> None:
    table.mark([("front", NOON)], NOON + HOUR, EXPIRES)
    (first,) = table.recounts(9)
    table.mark([("front", NOON)], NOON + HOUR, EXPIRES)
    table.done(first)
    (again,) = table.recounts(9)
    assert again.stamp != first.stamp
    table.done(again)
    table.done(again)
    assert table.recounts(9) == []


def test_counts_of_version_1_are_read_as_all_analysed_and_written_on(dynamodb: Any) -> None:
    for item in GOLDEN["items"]:
        dynamodb.put_item(TableName=TABLE, Item=item)
    table = in_dynamodb(dynamodb)
    buckets = {NOON: BucketCounts(COUNTS_1, READING), NOON + BUCKET: BucketCounts(ONE)}
    stored = table.hour("front", NOON)
    assert stored == replace(HOUR_OF_NOON, buckets=buckets, version=1)
    assert table.hours("front", NOON, NOON + HOUR) == [stored]
    assert table.day("front", DAY.day) == replace(DAY, counts=COUNTS_1, version=1)
    assert table.counted_until() == {"front": NOON + BUCKET}
    assert [m.bucket for m in table.recounts(9)] == [NOON]
    table.put_hour(replace(stored, buckets=HOUR_OF_NOON.buckets), EXPIRES)
    assert table.hour("front", NOON) == replace(HOUR_OF_NOON, version=2)


def test_counts_of_version_2_are_what_is_written(dynamodb: Any) -> None:
    table = in_dynamodb(dynamodb)
    table.put_hour(HOUR_OF_NOON, EXPIRES)
    table.put_day(DAY, EXPIRES)
    table.put_counted_until("front", NOON + BUCKET, EXPIRES)
    table.mark([("front", NOON)], NOON + HOUR, EXPIRES)
    written = sorted(all_items(dynamodb), key=lambda i: str(i["pk"]))
    assert written == GOLDEN_2["items"]
    assert table.hour("front", NOON) == replace(HOUR_OF_NOON, version=1)


def test_what_a_newer_build_wrote_is_left_alone(dynamodb: Any, caplog: pytest.LogCaptureFixture) -> None:
    table = in_dynamodb(dynamodb)
    for pk, sk in (("C#front", "2026-03-14T12:00:00.000000Z"), ("CD#front", "2026-03-14")):
        item = {"pk": {"S": pk}, "sk": {"S": sk}, "version": {"N": "1"}, "doc": {"S": '{"item_version": 99}'}}
        dynamodb.put_item(TableName=TABLE, Item=item)
    with pytest.raises(NewerItem):
        table.hour("front", NOON)
    with pytest.raises(NewerItem):
        table.day("front", DAY.day)
    assert table.hours("front", NOON, NOON + HOUR) == []
    assert "is left out: StoredHourCounts of version 99" in caplog.text


def test_hours_are_one_query_whatever_their_number(dynamodb: Any) -> None:
    table = in_dynamodb(dynamodb)
    for n in range(48):
        table.put_hour(replace(HOUR_OF_NOON, hour=NOON + n * HOUR), EXPIRES)
    asked: list[str] = []
    dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    assert len(table.hours("front", NOON, NOON + 48 * HOUR)) == 48
    assert asked == ["Query"]
