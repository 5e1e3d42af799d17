"""The neighbours of an instant against the sorted list of all frames, with every read counted."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.domain.errors import InvalidQuery
from framewatch.services.frame_merge import EXPIRED_ALLOWANCE, Slice, end_of_day
from framewatch.services.frames_around import frames_around
from framewatch.wire.api import FramesAround, parse_around_query
from framewatch.wire.envelope import format_utc
from tests.unit.test_fetch_frames import NOON, CountingPages, deps_for, frame


@dataclass
class PagesUp(CountingPages):
    """queries_up: of frames and of days."""

    queries_up: int = 0

    def query_up(self, index: str, day: str, above_sk: str, limit: int) -> Slice:
        assert limit >= 1
        self.queries_up += 1
        rows = self.indexes.get(index, [])
        first = bisect_right(rows, max(day, above_sk), key=itemgetter(0))
        found = [f for sk, f in rows[first:] if sk < end_of_day(day)][:limit]
        more = found[-1].sort_key if len(found) == limit else None
        return Slice([f for f in found if f.frame_id not in self.expired], len(found), more)

    def next_day(self, index: str, after_day: str) -> str | None:
        self.queries_up += 1
        return min((sk[:10] for sk, _ in self.indexes.get(index, []) if sk[:10] > after_day), default=None)


def ask(pages: PagesUp, **parameters) -> FramesAround:
    asked = {"camera": "front", "at": format_utc(NOON)} | {k: str(v) for k, v in parameters.items()}
    return frames_around(parse_around_query(asked.items()), deps_for(pages), pages)


_FRAMES = st.lists(
    st.tuples(
        st.sampled_from([-40, -2, -1, 0, 0, 1, 30]), st.integers(-3, 3), st.sampled_from(["front", "front", "yard"])
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(_FRAMES, st.sets(st.integers(0, 29)), st.integers(1, 6))
def test_the_nearest_of_the_camera_on_both_sides_are_answered_and_never_the_frame_itself(rows, expired, limit):
    frames = [frame(c, n, NOON + timedelta(days=d, seconds=s)) for n, (d, s, c) in enumerate(rows)]
    gone = {f.frame_id for n, f in enumerate(frames) if n in expired}
    own = sorted((f for f in frames if f.camera_id == "front" and f.frame_id not in gone), key=lambda f: f.sort_key)
    found = ask(PagesUp(frames, gone), limit=limit)
    before = [f.frame_id for f in own if f.captured_at < NOON][::-1]
    after = [f.frame_id for f in own if f.captured_at > NOON]
    assert [f.frame_id for f in found.before] == before[:limit]
    assert [f.frame_id for f in found.after] == after[:limit]


def test_a_gap_of_weeks_costs_two_reads_more_on_each_side():
    pages = PagesUp([frame("front", n, NOON + timedelta(days=d)) for n, d in enumerate([-40, 40])])
    ask(pages, limit=1)
    assert (pages.queries_up, len(pages.reads) + pages.pointer_reads) == (3, 3)


def test_a_heap_of_expired_frames_ends_the_search():
    frames = [frame("front", n, NOON + timedelta(seconds=n + 1)) for n in range(EXPIRED_ALLOWANCE + 500)]
    pages = PagesUp(frames, {f.frame_id for f in frames})
    assert ask(pages, limit=100).after == ()
    assert pages.queries_up == EXPIRED_ALLOWANCE // 100


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"camera": "frnt"}, "camera: 'frnt' is not a camera of this site"),
        ({"at": "noon"}, "at: must be an RFC 3339 time"),
        ({"limit": 101}, "limit: must be"),
    ],
)
def test_a_wrong_query_is_refused(changed, said):
    with pytest.raises(InvalidQuery, match=said):
        ask(PagesUp(), **changed)


@pytest.mark.parametrize("left_out", ["camera", "at"])
def test_without_a_camera_or_an_instant_it_is_refused(left_out):
    pairs = [(name, value) for name, value in (("camera", "front"), ("at", format_utc(NOON))) if name != left_out]
    with pytest.raises(InvalidQuery, match=f"{left_out}: is missing"):
        parse_around_query(pairs)
