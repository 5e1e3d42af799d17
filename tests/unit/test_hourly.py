"""Counting ten minutes, and making steps, days and a box's counts of them."""

from datetime import UTC, date, datetime, timedelta

import pytest
import pytz
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.domain.analysis import Analysis
from framewatch.domain.frames import GateReason
from framewatch.domain.hourly import (
    BUCKET,
    HOUR,
    MAX_LABELS,
    BucketCounts,
    Counts,
    EdgeCounts,
    EdgeReading,
    HourCounts,
    SeenFrame,
    add_up,
    bucket_of,
    count_frames,
    day_start,
    is_late,
    is_settled,
    steps_of,
)
from tests.frames import NOON

MINUTE = timedelta(minutes=1)


def seen(*labels: str, reason: GateReason = GateReason.MOTION, watch_hit: bool = False) -> SeenFrame:
    return SeenFrame(reason, frozenset(labels), watch_hit)


def reading(at: datetime, read: int, run: str = "shop-1/a", began_at: datetime = NOON - HOUR) -> EdgeReading:
    return EdgeReading(run, began_at, at, read, read // 10, read // 20)


def hours_of(buckets: dict[datetime, BucketCounts]) -> list[HourCounts]:
    hours: dict[datetime, dict[datetime, BucketCounts]] = {}
    for at, bucket in sorted(buckets.items()):
        hours.setdefault(at.replace(minute=0), {})[at] = bucket
    return [HourCounts("front", hour, of_hour) for hour, of_hour in hours.items()]


def test_frames_are_counted_by_reason_and_by_each_label_they_show() -> None:
    counts = count_frames(
        [
            seen("Person", "Car", watch_hit=True),
            seen("Person"),
            seen(reason=GateReason.KEEPALIVE),
        ]
    )
    assert counts == Counts(
        3,
        {GateReason.MOTION: 2, GateReason.KEEPALIVE: 1},
        {"Person": 2, "Car": 1},
        watch_frames=1,
        by_analysis={Analysis.ANALYSED: 3},
    )


def test_frames_are_counted_by_what_vision_made_of_them_and_their_pictures_bytes_are_summed() -> None:
    def of(analysis: Analysis, jpeg_bytes: int) -> SeenFrame:
        return SeenFrame(GateReason.MOTION, frozenset(), False, analysis, jpeg_bytes)

    parts = [
        count_frames([of(Analysis.ANALYSED, 1000), of(Analysis.INHERITED, 900), of(Analysis.ANALYSED, 0)]),
        count_frames([of(Analysis.SCREENED, 80), of(Analysis.BUDGET, 7), of(Analysis.INHERITED, 600)]),
    ]
    whole = add_up(parts)
    assert whole.by_analysis == {
        Analysis.ANALYSED: 2,
        Analysis.INHERITED: 2,
        Analysis.SCREENED: 1,
        Analysis.BUDGET: 1,
    }
    assert (whole.jpeg_bytes, [part.jpeg_bytes for part in parts]) == (2587, [1900, 687])


def test_the_most_frequent_labels_are_named_and_the_others_counted_together() -> None:
    names = [f"label-{n:03d}" for n in range(MAX_LABELS + 20)]
    counts = count_frames([seen(*names), seen(names[-1])])
    assert (len(counts.by_label), counts.by_label[names[-1]], counts.other_labels) == (MAX_LABELS, 2, 20)
    assert names[MAX_LABELS - 2] in counts.by_label  # of those that are seen equally often, the first by name
    assert names[MAX_LABELS - 1] not in counts.by_label


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sets(st.sampled_from("abc")), max_size=4), max_size=5))
def test_buckets_that_are_added_up_are_what_all_frames_give_at_once(parts: list[list[set[str]]]) -> None:
    whole = count_frames(seen(*labels) for part in parts for labels in part)
    assert add_up(count_frames(seen(*labels) for labels in part) for part in parts) == whole


def test_a_frame_that_may_have_missed_the_last_count_of_its_bucket_is_late() -> None:
    at = NOON + timedelta(minutes=7)
    assert bucket_of(at) == NOON
    settles = NOON + BUCKET + 2 * MINUTE
    assert not is_settled(NOON, settles - timedelta(microseconds=1))
    assert is_settled(NOON, settles)
    assert is_late(at, settles - timedelta(seconds=30))
    assert not is_late(at, settles - timedelta(seconds=31))


def test_a_boxs_counts_are_the_differences_of_its_readings() -> None:
    at = [NOON + n * BUCKET for n in range(6)]
    buckets = {
        at[0]: BucketCounts(Counts(), reading(at[0] + 12 * MINUTE, 1000)),
        at[1]: BucketCounts(Counts(), reading(at[1] + 12 * MINUTE, 1600)),
        at[2]: BucketCounts(Counts(frames=1)),  # nothing was heard of it
        at[3]: BucketCounts(Counts(), reading(at[3] + 12 * MINUTE, 2800)),
        # Its service began anew: what it counted since is all of this bucket's.
        at[4]: BucketCounts(Counts(), reading(at[4] + 12 * MINUTE, 500, "shop-1/b", at[4] + 3 * MINUTE)),
        # The camera went to a box that has run for days: how much of that is this camera's last ten minutes?
        at[5]: BucketCounts(Counts(), reading(at[5] + 12 * MINUTE, 90_000, "shop-2/c", NOON - 50 * HOUR)),
    }
    steps = steps_of(hours_of(buckets), at, at[5] + BUCKET)
    assert [(step.at, step.edge) for step in steps] == [
        (at[1], EdgeCounts(600, 60, 30)),
        (at[2], None),
        (at[3], EdgeCounts(1200, 120, 60)),
        (at[4], EdgeCounts(500, 50, 25)),
    ]
    (whole,) = steps_of(hours_of(buckets), [NOON], NOON + HOUR)
    assert (whole.edge, whole.counts.frames) == (EdgeCounts(2300, 230, 115), 1)


def test_a_run_that_began_in_its_first_bucket_is_counted_from_there() -> None:
    buckets = {NOON: BucketCounts(Counts(), reading(NOON + 12 * MINUTE, 70, began_at=NOON))}
    (step,) = steps_of(hours_of(buckets), [NOON], NOON + BUCKET)
    assert step.edge == EdgeCounts(70, 7, 3)


def test_what_lies_outside_the_steps_is_left_out_and_so_are_empty_steps() -> None:
    one = BucketCounts(Counts(frames=1))
    buckets = {NOON - BUCKET: one, NOON: one, NOON + HOUR: one, NOON + 3 * HOUR: one}
    starts = [NOON + n * HOUR for n in range(3)]
    assert [step.at for step in steps_of(hours_of(buckets), starts, NOON + 3 * HOUR)] == starts[:2]


@pytest.mark.parametrize(
    ("zone", "day", "starts", "hours"),
    [
        ("Europe/Madrid", date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        ("Europe/Madrid", date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        ("Asia/Kolkata", date(2026, 3, 29), datetime(2026, 3, 28, 18, 30, tzinfo=UTC), 24),
        # The clock jumps at midnight, forward and back: the first moment of the day.
        ("America/Havana", date(2026, 3, 8), datetime(2026, 3, 8, 5, tzinfo=UTC), 23),
        ("America/Havana", date(2024, 11, 3), datetime(2024, 11, 3, 4, tzinfo=UTC), 25),
        ("UTC", date(2026, 3, 29), datetime(2026, 3, 29, tzinfo=UTC), 24),
    ],
)
def test_a_day_of_the_site_begins_with_its_first_moment(zone: str, day: date, starts: datetime, hours: int) -> None:
    begins, ends = (day_start(d, pytz.timezone(zone)) for d in (day, day + timedelta(days=1)))
    assert (begins, (ends - begins) / HOUR) == (starts, hours)
