"""UseTable: in memory and in DynamoDB the same promises are kept."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.use_table import DynamoUseTable
from framewatch.adapters.memory_use import MemoryUse
from framewatch.domain.errors import NewerItem, WriteConflict
from framewatch.domain.usage import Usage, UsageKind
from framewatch.domain.use import DayUse, ProcessUse, sum_day
from framewatch.services.ports_cost import UseTable
from tests.aws import TABLE, all_items
from tests.frames import NOON

# What was ever written is read: this file is never changed, a new form gets one of its own.
GOLDEN = json.loads((Path(__file__).parents[1] / "events" / "stored-use-v1.json").read_text("utf-8"))
DAY = date(2026, 3, 14)
EXPIRES = NOON + timedelta(days=3)
SHARED = Usage({UsageKind.LAMBDA_REQUESTS: 7, UsageKind.LAMBDA_GB_S: Decimal("1.25")})
FRONT = Usage({UsageKind.IMAGES_ANALYSED: 3, UsageKind.DYNAMODB_WRITE_UNITS: Decimal("12.5")})
ONE = ProcessUse(DAY, "image_processor", "one", NOON, SHARED, {"front": FRONT})
TWO = ProcessUse(DAY, "watchdog", "two", NOON + timedelta(minutes=1), SHARED, {"yard": FRONT})
SUM = DayUse(DAY, SHARED * 2, {"front": FRONT, "yard": FRONT}, TWO.counted_until, 2)


@pytest.fixture(params=["memory", "aws"])
def table(request: pytest.FixtureRequest) -> UseTable:
    if request.param == "memory":
        return MemoryUse()
    return DynamoUseTable(DynamoTable(request.getfixturevalue("dynamodb"), TABLE))


def test_what_a_process_says_again_replaces_what_it_said(table: UseTable) -> None:
    table.put_process(ONE, EXPIRES)
    more = replace(ONE, shared=SHARED * 2, counted_until=NOON + timedelta(minutes=5))
    for _ in range(2):
        table.put_process(more, EXPIRES)
    table.put_process(TWO, EXPIRES)
    table.put_process(replace(ONE, day=DAY + timedelta(days=1)), EXPIRES)
    assert table.processes(DAY) == [more, TWO]
    assert table.processes(DAY - timedelta(days=1)) == []


def test_a_day_is_written_in_place_of_what_was_read(table: UseTable) -> None:
    empty = table.day(DAY)
    assert empty == DayUse(DAY)
    table.put_day(SUM, EXPIRES)
    assert table.day(DAY) == replace(SUM, version=1)
    with pytest.raises(WriteConflict):
        table.put_day(SUM, EXPIRES)
    table.put_day(replace(SUM, shared=SHARED * 3, version=1), EXPIRES)
    assert table.day(DAY) == replace(SUM, shared=SHARED * 3, version=2)


def test_days_are_read_from_one_to_the_other(table: UseTable) -> None:
    days = [DAY + timedelta(days=n) for n in range(4)]
    for day in reversed(days):
        table.put_day(replace(SUM, day=day), EXPIRES)
    assert [use.day for use in table.days(days[1], days[2])] == days[1:3]
    assert table.days(days[2], days[1]) == []


def test_a_day_is_the_sum_over_its_processes_in_any_order() -> None:
    assert sum_day(DAY, [ONE, TWO]) == sum_day(DAY, [TWO, ONE]) == SUM
    assert SUM.total == (SHARED + FRONT) * 2
    assert SUM.billed_images_by_camera == {"front": 3, "yard": 3}
    assert sum_day(DAY, []) == DayUse(DAY)


def test_what_version_1_wrote_is_read(dynamodb: object) -> None:
    for item in GOLDEN:
        dynamodb.put_item(TableName=TABLE, Item=item)  # type: ignore[attr-defined]
    table = DynamoUseTable(DynamoTable(dynamodb, TABLE))  # type: ignore[arg-type]
    assert table.processes(DAY) == [ONE, TWO]
    assert table.day(DAY) == replace(SUM, version=1)


def test_the_form_is_still_that_of_version_1(dynamodb: object) -> None:
    table = DynamoUseTable(DynamoTable(dynamodb, TABLE))  # type: ignore[arg-type]
    table.put_process(ONE, EXPIRES)
    table.put_process(TWO, EXPIRES)
    table.put_day(SUM, EXPIRES)
    assert sorted(all_items(dynamodb), key=str) == sorted(GOLDEN, key=str)


def test_a_newer_builds_day_is_left_alone_and_left_out(dynamodb: object) -> None:
    table = DynamoUseTable(DynamoTable(dynamodb, TABLE))  # type: ignore[arg-type]
    table.put_day(SUM, EXPIRES)
    (item,) = all_items(dynamodb)
    newer = json.loads(item["doc"]["S"]) | {"item_version": 99}
    dynamodb.put_item(TableName=TABLE, Item=item | {"doc": {"S": json.dumps(newer)}})  # type: ignore[attr-defined]
    with pytest.raises(NewerItem):
        table.day(DAY)
    assert table.days(DAY, DAY) == []


def test_a_kind_that_this_build_does_not_know_is_left_out_and_the_rest_is_read(dynamodb: object) -> None:
    table = DynamoUseTable(DynamoTable(dynamodb, TABLE))  # type: ignore[arg-type]
    table.put_process(ONE, EXPIRES)
    (item,) = all_items(dynamodb)
    doc = json.loads(item["doc"]["S"])
    doc["shared"]["moon_dust_kg"] = "3"
    dynamodb.put_item(TableName=TABLE, Item=item | {"doc": {"S": json.dumps(doc)}})  # type: ignore[attr-defined]
    assert table.processes(DAY) == [ONE]
