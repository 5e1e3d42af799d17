"""What GET /v1/stats makes of the counts that are kept."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from framewatch.domain.analysis import Analysis
from framewatch.domain.errors import InvalidQuery
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
from framewatch.services.fetch_stats import StatsDeps, fetch_stats
from framewatch.wire.api_stats import StatsView, Step, parse_stats_query
from tests.fakes import FakeClock, FakeSite, make_site
from tests.frames import NOON
from tests.watch_fakes import FakeCounts

DAY = timedelta(days=1)


def counts_of(*frames: tuple[datetime, int], camera_id: str = "front") -> FakeCounts:
    """So many frames in the bucket that begins then."""
    table = FakeCounts()
    for at, count in frames:
        hour = table.hour(camera_id, at.replace(minute=0))
        buckets = {**hour.buckets, at: BucketCounts(Counts(count, by_label={"Person": count}))}
        table.put_hour(HourCounts(camera_id, hour.hour, buckets, hour.version), NOON)
    return table


def ask(table: FakeCounts, zone: str = "Europe/Madrid", **query: Any) -> StatsView:
    given = {name.rstrip("_"): value if isinstance(value, list) else [value] for name, value in query.items()}
    pairs = [(name, str(value)) for name, values in given.items() for value in values]
    site = FakeSite(make_site(site={"name": "Shop", "time_zone": zone}))
    return fetch_stats(parse_stats_query(pairs), StatsDeps(site, table, FakeClock(NOON + timedelta(minutes=15))))


def shown(view: StatsView, camera: int = 0) -> list[tuple[datetime, int]]:
    return [(bucket.at, bucket.frames) for bucket in view.cameras[camera].buckets]


def test_hours_are_sums_of_their_ten_minutes_and_empty_ones_are_left_out() -> None:
    table = counts_of((NOON - 3 * HOUR, 2), (NOON - 3 * HOUR + BUCKET, 3), (NOON + BUCKET, 7))
    table.until = {"front": NOON, "yard": NOON - BUCKET}
    view = ask(table)
    assert shown(view) == [(NOON - 3 * HOUR, 5), (NOON, 7)]
    assert view.cameras[0].buckets[0].by_label == {"Person": 5}
    assert (view.cameras[1].camera_id, view.cameras[1].buckets) == ("yard", ())
    assert (view.from_, view.to, view.step_s) == (NOON - 7 * DAY, NOON + HOUR, 3600)
    assert view.counted_until == NOON - BUCKET
    assert ask(table, camera="front").counted_until == NOON


def test_what_vision_made_of_the_frames_and_their_weight_are_summed_like_they_are() -> None:
    table = FakeCounts()
    first = Counts(3, by_analysis={Analysis.ANALYSED: 2, Analysis.BUDGET: 1}, jpeg_bytes=300)
    second = Counts(1, by_analysis={Analysis.ANALYSED: 1}, jpeg_bytes=80)
    buckets = {NOON: BucketCounts(first), NOON + BUCKET: BucketCounts(second)}
    table.put_hour(HourCounts("front", NOON, buckets), NOON)
    (bucket,) = ask(table).cameras[0].buckets
    assert (bucket.frames, bucket.jpeg_bytes) == (4, 380)
    assert bucket.by_analysis == {Analysis.ANALYSED: 3, Analysis.BUDGET: 1}


def test_without_a_count_of_every_camera_it_is_not_known_until_when_all_are_counted() -> None:
    table = counts_of((NOON, 1))
    table.until = {"front": NOON}
    assert ask(table).counted_until is None


def test_the_span_is_widened_to_whole_steps() -> None:
    table = counts_of((NOON, 1), (NOON + BUCKET, 2), (NOON + 2 * BUCKET, 4))
    view = ask(table, step=600, from_="2026-03-14T12:13:00Z", to="2026-03-14T12:20:00Z")
    assert (view.from_, view.to) == (NOON + BUCKET, NOON + 2 * BUCKET)
    assert shown(view) == [(NOON + BUCKET, 2)]


def test_days_are_those_of_the_sites_zone_and_of_their_own_items() -> None:
    table = counts_of((NOON, 1))
    for n, frames in enumerate((10, 20, 0, 40)):
        table.put_day(DayCounts("front", date(2026, 3, 28) + n * DAY, Counts(frames), None), NOON)
    view = ask(table, step=86_400, from_="2026-03-28T12:00:00+01:00", to="2026-03-31T12:00:00+02:00", camera="front")
    assert shown(view) == [
        (datetime(2026, 3, 27, 23, tzinfo=UTC), 10),
        (datetime(2026, 3, 28, 23, tzinfo=UTC), 20),  # 23 hours long
        (datetime(2026, 3, 30, 22, tzinfo=UTC), 40),
    ]
    assert (view.from_, view.to) == (datetime(2026, 3, 27, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC))
    kolkata = ask(
        table, "Asia/Kolkata", step=86_400, from_="2026-03-28T00:00:00+05:30", to="2026-03-29T00:00:00+05:30"
    )
    assert shown(kolkata) == [(datetime(2026, 3, 27, 18, 30, tzinfo=UTC), 10)]


def test_what_a_box_counted_in_the_first_step_is_the_difference_to_the_hour_before() -> None:
    table = FakeCounts()
    for n in range(2):
        at = NOON - HOUR + 5 * BUCKET + n * BUCKET
        reading = EdgeReading("shop-1/a", NOON - 9 * HOUR, at, 100 + 50 * n, 10 + 5 * n, 5 + n)
        table.put_hour(HourCounts("front", at.replace(minute=0), {at: BucketCounts(Counts(), reading)}), NOON)
    view = ask(table, step=600, from_="2026-03-14T12:00:00Z", to="2026-03-14T12:10:00Z")
    ((bucket,), _) = (camera.buckets for camera in view.cameras)
    assert bucket.edge is not None
    assert EdgeCounts(bucket.edge.read, bucket.edge.sampled, bucket.edge.gated) == EdgeCounts(50, 5, 1)


def test_cameras_are_those_asked_for_each_once() -> None:
    view = ask(counts_of((NOON, 1)), camera=["yard", "front", "yard"])
    assert [camera.camera_id for camera in view.cameras] == ["front", "yard"]
    assert [camera.camera_id for camera in ask(FakeCounts(), camera="yard").cameras] == ["yard"]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"step": "60"}, "step: must be one of 600, 3600, 86400"),
        ({"camera": "attic"}, "camera: 'attic' is not a camera"),
        ({"camera": ["front", ""]}, "camera: is empty; leave it out"),
        ({"to": ["2026-03-14T12:00:00Z"] * 2}, "to: stands twice"),
        ({"from_": "2026-03-15T12:00:00Z"}, "from: lies in the future"),
        ({"from_": "2026-01-01T12:00:00Z"}, "from: lies more than 62 days before the end"),
        ({"from_": "2026-03-11T12:00:00Z", "step": 600}, "from: lies more than 2 days before the end"),
        ({"from_": "2025-01-01T12:00:00Z", "step": 86_400}, "from: lies more than 400 days before the end"),
        ({"to": "9999-12-31T23:59:59Z", "step": 86_400}, "from: lies outside the calendar"),
        ({"label": "Person"}, "unknown parameter 'label'"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_reason(query: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidQuery, match=why):
        ask(FakeCounts(), **query)


def test_more_steps_than_an_answer_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framewatch.services.fetch_stats.MAX_STEPS", 2 * 62 * 24)
    span = {"from_": "2026-01-11T12:00:00Z", "to": "2026-03-14T12:00:00Z"}
    ask(FakeCounts(), **span)
    with pytest.raises(InvalidQuery, match="gives 1489 steps of 2 cameras"):
        ask(FakeCounts(), **(span | {"from_": "2026-01-11T11:59:00Z"}))


@pytest.mark.parametrize("step", Step)
def test_the_longest_span_of_each_step_is_answered(step: Step) -> None:
    view = ask(
        FakeCounts(), step=int(step), from_=f"{NOON - step.longest:%Y-%m-%dT%H:%M:%SZ}", to="2026-03-14T12:00:00Z"
    )
    assert view.to - view.from_ >= step.longest
