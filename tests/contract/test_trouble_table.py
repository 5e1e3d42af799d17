"""TroubleTable and HealthTable: the fakes and DynamoDB keep the same promises."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.trouble_table import DynamoHealthTable, DynamoTroubleTable
from framewatch.domain.silence import ShardHealth
from framewatch.domain.trouble_life import Stage, TroubleLife
from framewatch.domain.troubles import TroubleKind
from framewatch.services.ports import HealthTable, TroubleTable
from tests.aws import TABLE, all_items
from tests.frames import NOON
from tests.watch_fakes import FakeHealth, FakeTroubles

# What was ever written is read: this file is never changed, a new form gets one of its own.
GOLDEN = json.loads((Path(__file__).parents[1] / "events" / "stored-trouble-v1.json").read_text("utf-8"))
EXPIRES = NOON + timedelta(days=90)
MINUTE = timedelta(seconds=60)
CAMERA = TroubleLife(TroubleKind.CAMERA, "front", NOON, Stage.SUSPECTED)
BOX = TroubleLife(
    TroubleKind.BOX,
    "shop-1",
    NOON,
    Stage.OVER,
    NOON + timedelta(seconds=180, microseconds=7),
    ("front", "yard"),
    {"ana": NOON + 4 * MINUTE, "bo": NOON + 5 * MINUTE},
    ("bo",),
    NOON + 9 * MINUTE,
)


@pytest.fixture(params=["memory", "aws"])
def table(request: pytest.FixtureRequest) -> TroubleTable:
    if request.param == "memory":
        return FakeTroubles()
    return DynamoTroubleTable(DynamoTable(request.getfixturevalue("dynamodb"), TABLE))


@pytest.fixture(params=["memory", "aws"])
def health(request: pytest.FixtureRequest) -> HealthTable:
    if request.param == "memory":
        return FakeHealth()
    return DynamoHealthTable(DynamoTable(request.getfixturevalue("dynamodb"), TABLE))


def test_a_trouble_is_read_back_whole_and_replaced_as_one(table: TroubleTable) -> None:
    assert table.all() == []
    table.put([CAMERA, BOX], EXPIRES)
    assert {life.subject: life for life in table.all()} == {CAMERA.subject: CAMERA, BOX.subject: BOX}
    later = replace(CAMERA, stage=Stage.OPEN, opened_at=NOON + 3 * MINUTE)
    table.put([later], EXPIRES)
    assert {life.subject: life for life in table.all()} == {CAMERA.subject: later, BOX.subject: BOX}


def test_a_camera_and_a_box_of_one_name_are_two_and_the_nameless_ones_each_their_own(table: TroubleTable) -> None:
    kinds = [TroubleKind.STREAM, TroubleKind.VISION, TroubleKind.PROCESSING]
    lives = [replace(CAMERA, kind=TroubleKind.BOX), CAMERA, *(replace(CAMERA, kind=k, name="") for k in kinds)]
    table.put(lives, EXPIRES)
    assert len(table.all()) == 5


def test_what_is_forgotten_is_gone_and_forgetting_it_again_does_no_harm(table: TroubleTable) -> None:
    table.put([CAMERA, BOX], EXPIRES)
    table.forget([CAMERA.subject])
    table.forget([CAMERA.subject, (TroubleKind.CAMERA, "never")])
    table.forget([])
    assert table.all() == [BOX]


def test_more_than_one_request_holds_are_put_read_and_forgotten(table: TroubleTable) -> None:
    lives = [replace(CAMERA, name=f"camera-{n:03d}") for n in range(120)]
    table.put(lives, EXPIRES)
    assert len(table.all()) == 120
    table.forget([life.subject for life in lives])
    assert table.all() == []


def test_the_turn_is_one_passs_until_it_ends_or_its_time_is_up(table: TroubleTable) -> None:
    until = NOON + MINUTE
    assert table.take_turn(NOON, until)
    assert not table.take_turn(NOON, until)
    assert not table.take_turn(until - timedelta(microseconds=1), until + MINUTE)
    assert table.take_turn(until, until + MINUTE)  # its holder has died
    table.end_turn(until + timedelta(seconds=3), until + MINUTE)
    assert table.take_turn(until + timedelta(seconds=3), until + 2 * MINUTE)


def test_who_has_lost_the_turn_cannot_end_the_next_ones(table: TroubleTable) -> None:
    table.take_turn(NOON, NOON + MINUTE)
    table.take_turn(NOON + MINUTE, NOON + 2 * MINUTE)
    table.end_turn(NOON + MINUTE, NOON + MINUTE)
    assert not table.take_turn(NOON + MINUTE, NOON + 3 * MINUTE)


def test_the_turn_is_no_trouble(table: TroubleTable) -> None:
    table.take_turn(NOON, NOON + MINUTE)
    assert table.all() == []


def test_a_shards_newest_note_is_kept(health: HealthTable) -> None:
    assert (health.get("a"), health.all()) == (None, [])
    notes = [ShardHealth("b", NOON, 0.25), ShardHealth("a", NOON, 301.5, NOON - MINUTE)]
    for note in notes:
        health.put(note, EXPIRES)
    assert sorted(health.all(), key=lambda h: h.shard_id) == [notes[1], notes[0]]
    newer = ShardHealth("a", NOON + MINUTE, 2.0)
    health.put(newer, EXPIRES)
    assert health.get("a") == newer


def test_troubles_and_notes_of_version_1_are_read_and_are_what_is_written(dynamodb: Any) -> None:
    table = DynamoTable(dynamodb, TABLE)
    troubles, notes = DynamoTroubleTable(table), DynamoHealthTable(table)
    note = ShardHealth("shardId-000000000001", NOON, 301.5, NOON - MINUTE)
    troubles.put([BOX], EXPIRES)
    notes.put(note, EXPIRES)
    assert sorted(all_items(dynamodb), key=lambda i: str(i["pk"])) == GOLDEN["items"]
    assert (troubles.all(), notes.all()) == ([BOX], [note])


# -- the table itself ------------------------------------------------------------------------------------------------


def test_all_is_one_query_and_items_expire(dynamodb: Any) -> None:
    table = DynamoTroubleTable(DynamoTable(dynamodb, TABLE))
    table.put([replace(CAMERA, name=f"camera-{n:03d}") for n in range(200)], EXPIRES)
    table.take_turn(NOON, NOON + MINUTE)
    asked: list[str] = []
    dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    assert len(table.all()) == 200
    assert asked == ["Query"]
    lives = {i["pk"]["S"]: i["expires_at"]["N"] for i in all_items(dynamodb)}
    assert lives == {
        "TROUBLE": str(int(EXPIRES.timestamp())),
        "TURN": str(int((NOON + MINUTE).timestamp())),
    }


def test_what_cannot_be_read_is_left_out_and_said(dynamodb: Any, caplog: pytest.LogCaptureFixture) -> None:
    table = DynamoTroubleTable(DynamoTable(dynamodb, TABLE))
    table.put([BOX], EXPIRES)
    for name, doc in (("newer", '{"item_version": 99}'), ("odd", "{}")):
        key = {"pk": {"S": "TROUBLE"}, "sk": {"S": f"camera#{name}"}}
        dynamodb.put_item(TableName=TABLE, Item=key | {"doc": {"S": doc}})
    assert table.all() == [BOX]
    assert "camera#newer is left out: StoredTrouble of version 99" in caplog.text
    assert "camera#odd cannot be read; left out" in caplog.text
