"""BudgetTable: the fake and DynamoDB keep the same promises."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from framewatch.adapters.aws.budget_table import DynamoBudgetTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.domain.budget import (
    BudgetCause,
    BudgetChange,
    BudgetPin,
    BudgetState,
    BudgetStep,
    CameraStep,
    ChangeKind,
    Untold,
)
from framewatch.domain.errors import NewerItem, WriteConflict
from framewatch.services.ports_cost import BudgetTable
from tests.aws import TABLE, all_items
from tests.budget_fakes import FakeBudgetTable
from tests.frames import NOON

# What was ever written is read: this file is never changed, a new form gets one of its own.
GOLDEN = json.loads((Path(__file__).parents[1] / "events" / "stored-budget-v1.json").read_text("utf-8"))
EXPIRES = NOON + timedelta(days=90)
HELD = CameraStep(BudgetStep.SLOWER, BudgetCause.SITE_MONTH, NOON, NOON + timedelta(days=17))
SET = CameraStep(BudgetStep.FULL, BudgetCause.SET, NOON, NOON + timedelta(hours=2))
CHANGE = BudgetChange(
    NOON,
    ChangeKind.GIVES_UP,
    BudgetCause.SITE_MONTH,
    ("front", "yard"),
    BudgetStep.FULL,
    BudgetStep.SLOWER,
    HELD.until,
    60.0,
    48.5,
    3.25,
)
ENDED = BudgetChange(
    NOON, ChangeKind.TAKES_BACK, BudgetCause.SET, ("attic",), BudgetStep.KEEP_ONLY, BudgetStep.FULL, NOON
)
STATE = BudgetState(
    {"front": HELD, "yard": HELD, "attic": SET},
    NOON,
    frozenset({(BudgetCause.SITE_MONTH, "", HELD.until), (BudgetCause.CAMERA_DAY, "front", HELD.until)}),
    (Untold(CHANGE, ("ana", "bo")),),
    {"shop-1": "0123456789abcdef"},
)
PIN = BudgetPin(None, BudgetStep.KEEP_ONLY, NOON + timedelta(hours=2), "user:1", "maria", NOON)


@pytest.fixture(params=["memory", "aws"])
def table(request: pytest.FixtureRequest) -> BudgetTable:
    if request.param == "memory":
        return FakeBudgetTable()
    return DynamoBudgetTable(DynamoTable(request.getfixturevalue("dynamodb"), TABLE))


def test_a_state_is_read_back_whole_with_its_version(table: BudgetTable) -> None:
    assert table.state() == BudgetState()
    table.put_state(STATE, EXPIRES)
    assert table.state() == replace(STATE, version=1)
    table.put_state(replace(STATE, boxes={}, version=1), EXPIRES, [CHANGE])
    assert table.state() == replace(STATE, boxes={}, version=2)


def test_who_read_an_older_state_writes_neither_it_nor_a_change(table: BudgetTable) -> None:
    table.put_state(STATE, EXPIRES)
    for changes in ((), (CHANGE,)):
        with pytest.raises(WriteConflict):
            table.put_state(BudgetState(), EXPIRES, changes)
    assert table.state() == replace(STATE, version=1) and table.changes(9) == []


def test_changes_are_given_newest_first_and_not_many_more_than_asked_for(table: BudgetTable) -> None:
    later = [replace(CHANGE, at=NOON + timedelta(minutes=n)) for n in range(1, 4)]
    table.put_state(STATE, EXPIRES, [CHANGE, ENDED])
    for n, change in enumerate(later, 1):
        table.put_state(replace(STATE, version=n), EXPIRES, [change])
    assert table.changes(50) == [*reversed(later), CHANGE, ENDED]
    assert table.changes(2) == [later[2], later[1]]
    assert table.pins() == []


def test_a_step_that_is_set_replaces_the_one_of_the_same_camera(table: BudgetTable) -> None:
    own = replace(PIN, camera_id="front", step=BudgetStep.FULL)
    table.put_pin(PIN, EXPIRES)
    table.put_pin(own, EXPIRES)
    table.put_pin(replace(PIN, step=BudgetStep.SLOWER), EXPIRES)
    assert table.pins() == [replace(PIN, step=BudgetStep.SLOWER), own]
    table.put_state(STATE, EXPIRES, [CHANGE])
    assert len(table.pins()) == 2 and table.changes(9) == [CHANGE]


def test_what_this_build_writes_is_pinned_and_read(dynamodb: Any) -> None:
    table = DynamoBudgetTable(DynamoTable(dynamodb, TABLE))
    table.put_state(STATE, EXPIRES, [CHANGE, ENDED])
    table.put_pin(PIN, EXPIRES)
    found = sorted(all_items(dynamodb), key=lambda item: item["sk"]["S"])
    assert found == GOLDEN["items"]


def test_a_newer_state_is_never_written_over_and_newer_changes_are_left_out(dynamodb: Any) -> None:
    for item in json.loads(json.dumps(GOLDEN["items"])):
        doc = json.loads(item["doc"]["S"]) | {"item_version": 2, "mood": "good"}
        doc.pop("changes", None)
        item["doc"]["S"] = json.dumps(doc)
        dynamodb.put_item(TableName=TABLE, Item=item)
    table = DynamoBudgetTable(DynamoTable(dynamodb, TABLE))
    with pytest.raises(NewerItem, match="StoredBudgetState of version 2"):
        table.state()
    assert (table.changes(9), table.pins()) == ([], [PIN])


def test_a_hundred_cameras_that_do_alike_fit_four_read_units(dynamodb: Any) -> None:
    """Each process of the image processor reads the state twice a minute."""
    table = DynamoBudgetTable(DynamoTable(dynamodb, TABLE))
    table.put_state(replace(STATE, by_camera={f"camera-{n:03}": HELD for n in range(100)}, untold=()), EXPIRES)
    (item,) = all_items(dynamodb)
    assert len(item["doc"]["S"]) < 4096
