"""HeartbeatTable: the fake and DynamoDB keep the same promises."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.domain.heartbeats import CameraState, Heartbeat
from framewatch.services.ports import HeartbeatTable
from framewatch.wire.heartbeat_items import StoredHeartbeat
from tests.aws import TABLE, all_items
from tests.fakes import FakeHeartbeats
from tests.frames import BOOT, NOON, make_heartbeat

EXPIRES = NOON + timedelta(days=90)
LATER_BOOT = "20260314T130000Z0d0e0f"


@pytest.fixture(params=["memory", "aws"])
def table(request: pytest.FixtureRequest) -> HeartbeatTable:
    if request.param == "memory":
        return FakeHeartbeats()
    return DynamoHeartbeatTable(DynamoTable(request.getfixturevalue("dynamodb"), TABLE))


def stored(heartbeat: Heartbeat, received_after_s: float = 0.5) -> StoredHeartbeat:
    return StoredHeartbeat.of(heartbeat, heartbeat.at + timedelta(seconds=received_after_s))


def test_the_newest_is_kept_and_read_back_whole(table: HeartbeatTable) -> None:
    first = stored(make_heartbeat(1, at=0))
    newer = stored(make_heartbeat(2, at=60, state=CameraState.AUTH_FAILED, last_error="front: wrong password."))
    assert table.put(first, EXPIRES)
    assert table.newest() == [first]
    assert table.put(newer, EXPIRES)
    assert table.newest() == [newer]


def test_an_older_one_and_a_doubled_one_change_nothing(table: HeartbeatTable) -> None:
    newest = stored(make_heartbeat(2, at=60))
    table.put(newest, EXPIRES)
    assert not table.put(newest, EXPIRES)
    assert not table.put(stored(make_heartbeat(1, at=0)), EXPIRES)
    assert table.newest() == [newest]


def test_a_clock_that_is_set_back_while_the_box_runs_hides_no_heartbeat(table: HeartbeatTable) -> None:
    table.put(stored(make_heartbeat(7, at=3600)), EXPIRES)
    corrected = stored(make_heartbeat(8, at=60))
    assert table.put(corrected, EXPIRES)
    assert table.newest() == [corrected]


def test_after_a_restart_the_later_one_counts_whatever_its_number(table: HeartbeatTable) -> None:
    table.put(stored(make_heartbeat(500, at=0)), EXPIRES)
    restarted = stored(make_heartbeat(0, at=60, boot_id=LATER_BOOT))
    assert table.put(restarted, EXPIRES)
    assert not table.put(stored(make_heartbeat(499, at=30)), EXPIRES)  # from before, on a long way round
    assert table.newest() == [restarted]


def test_a_box_from_the_future_does_not_outlast_its_restart(table: HeartbeatTable) -> None:
    # A day ahead: sent, by AWS's clock, when it arrived.
    table.put(stored(make_heartbeat(500, at=86_400), received_after_s=-86_400), EXPIRES)
    restarted = stored(make_heartbeat(0, at=60, boot_id=LATER_BOOT))
    assert table.put(restarted, EXPIRES)
    assert table.newest() == [restarted]


def test_cameras_and_boxes_do_not_touch_each_other_and_come_in_order(table: HeartbeatTable) -> None:
    beats = [
        stored(make_heartbeat(n, camera_id=camera_id, box=box))
        for n, (camera_id, box) in enumerate(
            [("yard", "shop-1"), ("front", "shop-2"), ("front", "shop-1"), ("front-2", "shop-1")]
        )
    ]
    for beat in beats:
        assert table.put(beat, EXPIRES)
    places = [(beat.camera_id, beat.box) for beat in table.newest()]
    assert places == [("front", "shop-1"), ("front", "shop-2"), ("front-2", "shop-1"), ("yard", "shop-1")]


BEATS = st.builds(
    lambda seq, minute, boot: stored(make_heartbeat(seq, at=60.0 * minute, boot_id=boot)),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from([BOOT, LATER_BOOT]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(BEATS, max_size=8))
def test_dynamodb_and_the_fake_agree_on_what_is_newer(dynamodb: Any, beats: list[StoredHeartbeat]) -> None:
    for item in all_items(dynamodb):
        dynamodb.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})
    fake, real = FakeHeartbeats(), DynamoHeartbeatTable(DynamoTable(dynamodb, TABLE))
    for beat in beats:
        assert real.put(beat, EXPIRES) == fake.put(beat, EXPIRES)
    assert real.newest() == fake.newest()


# -- the table itself ------------------------------------------------------------------------------------------------


def test_all_cameras_are_read_with_one_query(dynamodb: Any) -> None:
    table = DynamoHeartbeatTable(DynamoTable(dynamodb, TABLE))
    for n in range(300):
        table.put(stored(make_heartbeat(camera_id=f"camera-{n:03d}")), EXPIRES)
    asked = []
    dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    assert len(table.newest()) == 300
    assert asked == ["Query"]


def test_an_item_expires_and_what_a_newer_build_wrote_is_left_out(dynamodb: Any) -> None:
    table = DynamoHeartbeatTable(DynamoTable(dynamodb, TABLE))
    table.put(stored(make_heartbeat()), EXPIRES)
    (item,) = all_items(dynamodb)
    assert item["expires_at"] == {"N": str(int(EXPIRES.timestamp()))}
    dynamodb.put_item(TableName=TABLE, Item=item | {"doc": {"S": '{"item_version": 2}'}, "sk": {"S": "yard#shop-1"}})
    assert [beat.camera_id for beat in table.newest()] == ["front"]
