"""Paths: one bounded memory of a set of points, against joining all of them at once."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.labels import Instance
from framewatch.domain.path import MAX_BOXES, MEMORY, RECENT, Path, PathPoint, join_paths, make_point
from tests.frames import BOOT, NOON


def point(at_s: float, frame: int = 0, boxes: int = 1) -> PathPoint:
    box = (0.111, 0.222, 0.333, 0.444)
    frame_id = f"front-door.{BOOT}.{int(at_s * 10) * 10 + frame:010d}"
    return PathPoint(frame_id, NOON + timedelta(seconds=at_s), (box,) * boxes)


# From a second to weeks apart, many within a bucket, some at the same instant.
seconds = st.one_of(
    st.integers(-50, 400).map(lambda tenths: tenths / 10), st.integers(-4000, 90_000), st.integers(0, 2_000_000)
)
points = st.lists(st.builds(point, seconds, st.integers(0, 3)), max_size=60)


@given(points, st.data())
def test_a_path_is_the_same_whatever_the_order_the_batches_and_the_joins(all_points: list[PathPoint], data) -> None:
    whole = join_paths(tuple(all_points))
    paths: list[Path] = [(p,) for p in data.draw(st.permutations(all_points + all_points[:7]))]
    while len(paths) > 1:
        taken = data.draw(st.integers(2, min(len(paths), 12)))
        start = data.draw(st.integers(0, len(paths) - taken))
        paths[start : start + taken] = [join_paths(*paths[start : start + taken])]
    assert join_paths(*paths) == whole


@given(points, points)
def test_joins_commute_and_a_second_join_changes_nothing(one: list[PathPoint], other: list[PathPoint]) -> None:
    a, b = join_paths(tuple(one)), join_paths(tuple(other))
    assert join_paths(a, b) == join_paths(b, a) == join_paths(a, b, b, a)
    assert join_paths(a) == a


@given(points)
def test_a_path_is_bounded_in_order_and_keeps_the_first_and_the_newest(all_points: list[PathPoint]) -> None:
    path = join_paths(tuple(all_points))
    ordered = sorted(set(all_points), key=lambda p: (p.captured_at, p.frame_id))
    assert len(path) <= RECENT + MEMORY
    assert list(path) == sorted(path, key=lambda p: (p.captured_at, p.frame_id))
    assert path[-RECENT:] == tuple(ordered[-RECENT:])
    assert path[:1] == tuple(ordered[:1])


def test_the_memory_of_a_steady_visit_spans_it_and_fills_more_than_half() -> None:
    for length_s in (30, 61, 100, 3600, 10_000):
        path = join_paths(tuple(point(s) for s in range(length_s)))
        memory = path[:-RECENT]
        assert MEMORY // 2 < len(memory) <= MEMORY
        gaps = [(b.captured_at - a.captured_at).total_seconds() for a, b in pairwise(memory)]
        assert max(gaps) <= length_s / 2


def test_a_steady_visit_that_grows_frame_by_frame_has_the_path_of_all_its_frames_at_once() -> None:
    """What the drawn sets hardly meet: a memory thinned many times over."""
    frames = [point(s) for s in range(300)]
    path: Path = ()
    for n, frame in enumerate(frames, start=1):
        path = join_paths(path, (frame,))
        assert path == join_paths(tuple(frames[:n]))


def test_a_frame_that_was_somehow_analysed_twice_is_one_point_in_any_order() -> None:
    one, other = point(1, boxes=1), point(1, boxes=2)
    assert join_paths((one,), (other,)) == join_paths((other,), (one,)) == (one,)


def test_a_point_holds_the_most_confident_boxes_first_and_rounded_whatever_their_order() -> None:
    instances = [Instance((n / 100, 0.12345, 0.5, 0.98765), 50.0 + n % 7) for n in range(20)]
    made = make_point("f", NOON, instances)
    assert len(made.boxes_xyxy_rel) == MAX_BOXES
    assert made.boxes_xyxy_rel[:3] == (
        (0.06, 0.123, 0.5, 0.988),
        (0.13, 0.123, 0.5, 0.988),
        (0.05, 0.123, 0.5, 0.988),
    )
    assert make_point("f", NOON, instances[::-1]) == made


def test_the_longest_path_is_under_three_kib_of_compact_json() -> None:
    """Written as frame id, microseconds of the epoch, and the edges in thousandths, all boxes in one list."""
    longest = [
        PathPoint(f"front-door.{BOOT}.{n:010d}", NOON, ((0.987, 0.876, 1.0, 1.0),) * MAX_BOXES)
        for n in range(RECENT + MEMORY)
    ]
    rows = [
        [p.frame_id, round(p.captured_at.timestamp() * 1e6), [round(e * 1000) for b in p.boxes_xyxy_rel for e in b]]
        for p in longest
    ]
    assert len(json.dumps(rows, separators=(",", ":"))) <= 3 * 1024


def test_times_before_the_epoch_have_buckets_too() -> None:
    old = [
        PathPoint(f"{s:03}", datetime(1969, 12, 31, 23, 59, tzinfo=UTC) + timedelta(seconds=s), ())
        for s in range(120)
    ]
    assert join_paths(*((p,) for p in old)) == join_paths(tuple(old))
