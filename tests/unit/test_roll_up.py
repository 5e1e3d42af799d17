"""What the watchdog counts, however frames come: compared with a count of all that is stored."""

from dataclasses import replace
from datetime import timedelta
from itertools import count as numbers

import pytest
import pytz
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.domain.analysis import Analysis
from framewatch.domain.budget import BudgetCause, BudgetState, BudgetStep, CameraStep
from framewatch.domain.errors import NewerItem, RetryableError, StorageUnavailable
from framewatch.domain.hourly import BUCKET, BucketCounts, Counts, EdgeCounts, bucket_of, day_in, hour_of
from framewatch.domain.site import Camera
from framewatch.services.process_frames import process_batch
from framewatch.wire.heartbeat_items import StoredHeartbeat
from tests.fakes import Crash, make_site
from tests.frames import CAR, NOON, PERSON, make_frame, make_heartbeat, make_record
from tests.watch_fakes import WatchWorld

MADRID = pytz.timezone("Europe/Madrid")
QUIET = {"labels": ["Person"], "notify": []}


class CountWorld(WatchWorld):
    """Nothing is told; frames come through the image processor."""

    def __init__(self, cameras: int = 1) -> None:
        names = [Camera(id=f"camera-{n:02d}") for n in range(cameras)]
        super().__init__(make_site(cameras=names, watchdog={"enabled": False}))
        self.seqs = numbers()

    def frame(self, minute: float, *labels: object, camera: int = 0) -> object:
        """A record captured so many minutes after noon."""
        frame = make_frame(next(self.seqs), camera_id=f"camera-{camera:02d}", at=minute * 60)
        self.vision.see(frame.jpeg, list(labels))  # type: ignore[arg-type]
        return make_record(frame)

    def process(self, *records: object) -> None:
        process_batch(records, self.deps(), lambda: 100.0)  # type: ignore[arg-type]

    def minutes(self, count: int = 1) -> None:
        for _ in range(count):
            self.clock.advance(60)
            self.count()

    def count(self) -> None:
        self.pages.frames = list(self.frames.stored.values())
        self.look()

    def counted(self, camera: int = 0) -> dict[int, Counts]:
        """By minutes since noon."""
        return {
            (at - NOON) // timedelta(minutes=1): bucket.counts
            for (camera_id, _), hour in self.counts.by_hour.items()
            if camera_id == f"camera-{camera:02d}"
            for at, bucket in hour.buckets.items()
            if bucket.counts
        }

    def frames_counted(self, camera: int = 0) -> dict[int, int]:
        return {minute: counts.frames for minute, counts in self.counted(camera).items()}


def test_frames_labels_alerts_and_withheld_visits_are_counted_as_they_come() -> None:
    world = CountWorld()
    world.minutes(3)
    world.process(world.frame(2, PERSON), world.frame(2.5, PERSON, CAR), world.frame(2.7))
    world.count()
    (counts,) = world.counted().values()
    assert (counts.frames, dict(counts.by_label), counts.watch_frames) == (3, {"Person": 2, "Car": 1}, 2)
    assert counts.alerts == 1
    world.minutes(20)
    world.process(world.frame(22, replace(PERSON, confidence=60)))
    world.count()
    assert world.counted()[20].alerts == 0
    assert world.counted()[20].withheld == 1
    assert world.counted()[0] == counts


def test_frames_are_counted_by_what_vision_made_of_them_however_often_they_come() -> None:
    world = CountWorld()
    world.minutes(3)
    looked_at = [world.frame(1 + n / 10, PERSON) for n in range(3)]
    world.process(*looked_at)
    keep_only = CameraStep(BudgetStep.KEEP_ONLY, BudgetCause.SITE_DAY, NOON, NOON + timedelta(days=1))
    world.budget.state = BudgetState({"camera-00": keep_only})
    spared = [world.frame(2 + n / 10, PERSON) for n in range(2)]
    for _ in range(3):
        world.process(*looked_at, *spared, *looked_at)
        world.count()
        (counts,) = world.counted().values()
        assert (counts.frames, dict(counts.by_analysis)) == (5, {Analysis.ANALYSED: 3, Analysis.BUDGET: 2})
        assert counts.by_label == {"Person": 3}
        assert counts.jpeg_bytes == sum(len(jpeg) for jpeg in world.images.objects.values())
    world.minutes(12)
    (day,) = world.counts.by_day.values()
    assert (day.counts.by_analysis, day.counts.jpeg_bytes) == (counts.by_analysis, counts.jpeg_bytes)


def test_a_bucket_is_settled_two_minutes_after_its_end_and_the_day_follows() -> None:
    world = CountWorld()
    world.minutes(2)
    world.process(world.frame(1, PERSON))
    world.minutes(9)
    assert world.counts.until["camera-00"] == NOON
    assert world.counts.by_day == {}
    world.minutes(1)
    assert world.counts.until["camera-00"] == NOON + BUCKET
    (day,) = world.counts.by_day.values()
    assert (day.day, day.counts.frames, day.counts.by_label) == (day_in(NOON, MADRID), 1, {"Person": 1})


def test_a_frame_that_comes_late_leaves_one_mark_and_is_counted() -> None:
    world = CountWorld()
    world.minutes(60)
    assert world.counted() == {}
    world.process(*(world.frame(3 + n / 10) for n in range(5)), world.frame(58), world.frame(14))
    assert sorted(world.counts.marks) == [(NOON, "camera-00"), (NOON + BUCKET, "camera-00")]
    assert world.meter.counts["FramesLate"] == 6
    world.minutes()
    assert world.frames_counted() == {0: 5, 10: 1, 50: 1}
    assert world.counts.marks == {}
    world.minutes(20)
    (day,) = world.counts.by_day.values()
    assert day.counts.frames == 7


def test_a_mark_that_is_set_while_its_bucket_is_counted_stays() -> None:
    world = CountWorld()
    world.minutes(60)
    world.process(world.frame(3))
    put = world.counts.put_hour

    def put_while_another_comes(*args: object) -> None:
        world.counts.put_hour = put  # type: ignore[method-assign]
        world.process(world.frame(4))
        put(*args)  # type: ignore[arg-type]

    world.clock.advance(60)
    world.counts.put_hour = put_while_another_comes  # type: ignore[method-assign,assignment]
    world.count()
    assert world.frames_counted() == {0: 1}
    assert len(world.counts.marks) == 1
    world.minutes()
    assert world.frames_counted() == {0: 2}
    assert world.counts.marks == {}


def test_a_mark_that_was_just_set_waits_until_every_read_shows_its_frame() -> None:
    world = CountWorld()
    world.minutes(60)
    world.process(world.frame(3))
    world.count()
    assert len(world.counts.marks) == 1
    world.minutes()
    assert world.counts.marks == {}


def test_a_batch_whose_mark_cannot_be_set_comes_again() -> None:
    world = CountWorld()
    world.minutes(60)
    late, live = world.frame(3), world.frame(59)
    world.faults.on("mark", StorageUnavailable("down"))
    outcome = process_batch([late, live], world.deps(), lambda: 100.0)  # type: ignore[list-item]
    assert outcome.failed_record_ids == (late.record_id,)  # type: ignore[attr-defined]
    world.process(late)  # stored already, and marked all the same
    assert len(world.counts.marks) == 1


def test_of_two_passes_at_once_the_older_count_is_refused() -> None:
    world = CountWorld()
    world.minutes(3)
    world.process(world.frame(1))
    get = world.counts.hour

    def other_first(*args: object) -> object:
        world.counts.hour = get  # type: ignore[method-assign]
        stored = get(*args)  # type: ignore[arg-type]
        world.count()
        world.pages.frames = []  # what this pass reads is of before
        return stored

    world.pages.frames = list(world.frames.stored.values())
    world.counts.hour = other_first  # type: ignore[method-assign,assignment]
    world.look()
    assert world.frames_counted() == {0: 1}


def test_a_quiet_watchdog_makes_up_for_what_it_missed() -> None:
    world = CountWorld()
    world.minutes(3)
    world.process(world.frame(1))
    world.count()
    world.clock.advance(5 * 3600)
    world.process(world.frame(200))
    world.minutes(2)
    assert world.counts.until["camera-00"] < NOON + timedelta(hours=5)
    world.minutes(3)
    assert world.frames_counted() == {0: 1, 200: 1}
    assert world.counts.until["camera-00"] == bucket_of(world.clock.at - timedelta(minutes=2))


def test_in_a_large_site_each_camera_has_its_turn_every_fifth_minute() -> None:
    world = CountWorld(cameras=20)
    world.minutes(30)
    for camera in range(20):
        world.process(world.frame(30.5, camera=camera))
    seen = []
    for _ in range(5):
        world.minutes()
        seen.append(sum(bool(world.counted(camera)) for camera in range(20)))
    assert seen == [4, 8, 12, 16, 20]
    world.minutes(12)
    assert set(world.counts.until.values()) == {NOON + 4 * BUCKET}


def test_with_little_time_left_nothing_is_begun_and_nothing_lost() -> None:
    world = CountWorld(cameras=3)
    world.minutes(3)
    world.process(world.frame(1))
    world.pages.frames = list(world.frames.stored.values())
    world.look(remaining_s=7.0)
    assert world.counted() == {}
    assert world.meter.counts["CountsDeferred"] == 3
    world.minutes()
    assert world.frames_counted() == {0: 1}


def test_a_camera_that_cannot_be_counted_stops_no_other() -> None:
    world = CountWorld(cameras=2)
    world.minutes(3)
    world.process(world.frame(1), world.frame(1, camera=1))
    world.faults.on("hour get", NewerItem("StoredHourCounts of version 2"))
    world.clock.advance(60)
    with pytest.raises(RetryableError, match="counts of camera-00: StoredHourCounts of version 2"):
        world.count()
    assert (world.frames_counted(0), world.frames_counted(1)) == ({}, {0: 1})
    world.minutes()
    assert world.frames_counted(0) == {0: 1}


def test_what_boxes_say_is_kept_once_a_bucket_and_told_as_differences() -> None:
    world = CountWorld()
    for minute in range(1, 40):
        world.clock.advance(60)
        said = make_heartbeat(minute, camera_id="camera-00", at=60.0 * minute)
        counts = replace(said.counts, read=minute * 1500, sampled=minute * 60, gated={"no_motion": minute * 50})
        world.heartbeats.put(StoredHeartbeat.of(replace(said, counts=counts), world.clock.now()), NOON)
        world.count()
    readings = [
        b.reading.read for b in world.counts.by_hour["camera-00", hour_of(NOON)].buckets.values() if b.reading
    ]
    assert readings == [12 * 1500, 22 * 1500, 32 * 1500]
    (day,) = world.counts.by_day.values()
    assert day.edge == EdgeCounts(30 * 1500, 30 * 60, 30 * 50)  # from the reading of 11:50 on
    world.process(world.frame(3))
    world.minutes()
    assert world.counts.by_hour["camera-00", hour_of(NOON)].buckets[NOON].reading is not None


# -- any order -------------------------------------------------------------------------------------------------------

DELIVERIES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 1)), min_size=1, max_size=25)


@settings(max_examples=30, deadline=None)
@given(DELIVERIES, st.lists(st.integers(0, 120), max_size=4), st.integers(1, 20))
def test_whatever_comes_late_twice_or_between_crashes_the_count_is_that_of_all_stored_frames(
    deliveries: list[tuple[int, int]], crashes: list[int], pace: int
) -> None:
    """deliveries: numbers of frames that were captured eight minutes apart, in any order and some of them twice."""
    world = CountWorld(cameras=2)
    records = {
        (n, camera): world.frame(8 * n, *([CAR] if n % 2 else []), camera=camera)
        for n in range(12)
        for camera in range(2)
    }
    world.clock.advance(60 * 40)
    for n, delivery in enumerate(deliveries):
        if n < len(crashes):
            world.faults.crash_at(len(world.faults.steps) + crashes[n])
        try:
            world.process(records[delivery])
            world.minutes(pace)
        except Crash:
            world.faults.clear()
            world.process(records[delivery])  # Kinesis delivers again what was not acknowledged
    world.faults.clear()
    world.minutes(30 + 100)
    stored = list(world.frames.stored.values())
    for camera in range(2):
        own = [f for f in stored if f.camera_id == f"camera-{camera:02d}"]
        expected: dict[int, tuple[int, int]] = {}
        for f in own:
            minute = (bucket_of(f.captured_at) - NOON) // timedelta(minutes=1)
            frames, cars = expected.get(minute, (0, 0))
            expected[minute] = (frames + 1, cars + bool(f.labels))
        assert {m: (c.frames, c.by_label.get("Car", 0)) for m, c in world.counted(camera).items()} == expected
        days = [day.counts for (i, _), day in world.counts.by_day.items() if i == f"camera-{camera:02d}"]
        assert sum(day.frames for day in days) == len(own)
    assert world.counts.marks == {}
    assert BucketCounts(Counts()) not in [b for h in world.counts.by_hour.values() for b in h.buckets.values()]
