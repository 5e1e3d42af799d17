"""Heartbeats among the frames of a batch."""

from dataclasses import replace
from datetime import timedelta

import pytest

from framewatch.domain.errors import StorageUnavailable, VisionUnavailable
from framewatch.domain.heartbeats import CameraState
from tests.batches import failing_record, record, run
from tests.fakes import Crash, World, make_site
from tests.frames import NOON, PERSON, beat_record, make_heartbeat


def newest(world: World) -> list[tuple[str, int]]:
    return [(beat.camera_id, beat.seq) for beat in world.heartbeats.newest()]


def test_a_heartbeat_is_kept_with_its_arrival_and_expires_with_the_sites_metadata() -> None:
    world = World(make_site(retention={"frames_days": 3, "metadata_days": 7}))
    heartbeat = make_heartbeat(4, state=CameraState.STALLED)
    outcome = run(world, beat_record(heartbeat, arrived_at=NOON + timedelta(seconds=3)))
    assert outcome.failed_record_ids == ()
    (stored,) = world.heartbeats.newest()
    assert stored.to_domain() == heartbeat
    assert stored.received_at == NOON + timedelta(seconds=3)
    assert world.heartbeats.expiry == {("front", "shop-1"): world.clock.now() + timedelta(days=7)}
    assert (outcome.counts["HeartbeatsStored"], world.vision.calls) == (1, [])


def test_frames_and_heartbeats_of_one_batch_are_both_done() -> None:
    world = World()
    outcome = run(
        world,
        beat_record(make_heartbeat(1), n=100),
        record(world, 0, PERSON),
        beat_record(make_heartbeat(9, camera_id="yard"), n=101),
    )
    assert outcome.failed_record_ids == ()
    assert (len(world.frames.stored), newest(world)) == (1, [("front", 1), ("yard", 9)])
    assert (outcome.counts["FramesStored"], outcome.counts["HeartbeatsStored"]) == (1, 2)


def test_the_newest_of_a_batch_stays_whatever_the_order_and_the_rest_is_counted() -> None:
    world = World()
    beats = [beat_record(make_heartbeat(n, at=60.0 * n), n=k) for k, n in enumerate([3, 1, 5, 5, 2])]
    outcome = run(world, *beats)
    assert (outcome.failed_record_ids, newest(world)) == ((), [("front", 5)])
    assert outcome.counts["HeartbeatsStored"] + outcome.counts["HeartbeatsStale"] == 5
    assert run(world, *beats).counts["HeartbeatsStale"] == 5  # delivered once more


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        (replace(beat_record(make_heartbeat()), data=b"FWH1{}"), "HeartbeatError", "bad heartbeat: box"),
        (replace(beat_record(make_heartbeat()), data=b"FWH9"), "HeartbeatError", "heartbeat version b'9' is unknown"),
        (
            beat_record(make_heartbeat(camera_id="cellar")),
            "UnknownCamera",
            "heartbeat 0 of box shop-1: the site file has no camera 'cellar'",
        ),
        (
            replace(beat_record(make_heartbeat()), partition_key="yard"),
            "UnknownCamera",
            "heartbeat 0 of box shop-1: the partition key 'yard' is not its camera id",
        ),
    ],
)
def test_a_bad_heartbeat_is_kept_raw_and_costs_itself_alone(bad, error, says) -> None:
    world = World()
    bad = replace(bad, record_id="bad")
    outcome = run(world, bad, record(world, 0), beat_record(make_heartbeat(camera_id="yard"), n=5))
    assert outcome.failed_record_ids == ()
    assert world.failures.reasons["bad"][0] == error
    assert says in world.failures.reasons["bad"][1]
    assert (len(world.frames.stored), newest(world)) == (1, [("yard", 0)])
    assert outcome.counts["RecordsRejected"] == 1


def test_one_that_cannot_be_stored_now_is_delivered_again_and_holds_up_no_other() -> None:
    world = World(workers=1)
    world.faults.on("heartbeat put", StorageUnavailable("down"))
    first, second = beat_record(make_heartbeat(1), n=1), beat_record(make_heartbeat(1, camera_id="yard"), n=2)
    outcome = run(world, first, second, record(world, 3))
    assert outcome.failed_record_ids == (first.record_id,)
    assert (newest(world), len(world.frames.stored)) == ([("yard", 1)], 1)
    assert run(world, first).failed_record_ids == ()
    assert newest(world) == [("front", 1), ("yard", 1)]


def test_a_camera_is_known_to_live_while_vision_is_down() -> None:
    world = World()
    frame = failing_record(world, 0, VisionUnavailable("down"))
    outcome = run(world, frame, beat_record(make_heartbeat(1), n=100))
    assert outcome.failed_record_ids == (frame.record_id,)
    assert newest(world) == [("front", 1)]


@pytest.mark.parametrize("step", range(2))
def test_a_crash_around_the_write_and_a_redelivery_leave_the_newest(step: int) -> None:
    world = World(workers=1)
    world.faults.crash_at(step)
    beats = [beat_record(make_heartbeat(n, at=60.0 * n), n=n) for n in (1, 2)]
    with pytest.raises(Crash):
        run(world, *beats)
    world.faults.clear()
    assert run(world, *beats).failed_record_ids == ()
    assert newest(world) == [("front", 2)]
