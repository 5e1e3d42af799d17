"""Samplers: which frames are taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_client.reader import next_media_time_s
from edge_client.sampler import EveryNth, PerSecond, make_sampler


def taken(sampling, times_s):
    sampler = make_sampler(sampling)
    return [i for i, t in enumerate(times_s) if sampler.wants(i, t)]


def test_every_thirtieth_frame_starts_with_the_first():
    assert taken(EveryNth(30), [i / 25 for i in range(100)]) == [0, 30, 60, 90]


def test_one_a_second_follows_media_time_and_not_the_frame_number():
    assert taken(PerSecond(1.0), [0, 0.1, 0.2, 1.5, 1.9, 2.0, 2.1, 9.0, 9.9, 10.0]) == [0, 3, 5, 7, 9]


def test_a_timestamp_rounded_down_a_hair_is_not_a_frame_late():
    assert taken(PerSecond(1.0), [i / 25 - (1e-6 if i else 0) for i in range(76)]) == [0, 25, 50, 75]


def test_a_clip_slower_than_asked_gives_every_frame():
    assert taken(PerSecond(100), [i / 25 for i in range(10)]) == list(range(10))


@given(st.lists(st.floats(0, 50), min_size=1, max_size=200), st.floats(0.1, 50))
def test_never_more_than_asked_and_always_the_first(gaps_s, fps):
    times_s, now_s = [], 0.0
    for gap_s in gaps_s:
        times_s.append(now_s)
        now_s += gap_s
    got = taken(PerSecond(fps), times_s)
    assert got[0] == 0
    assert len(got) <= times_s[-1] * fps + 1.01


@pytest.mark.parametrize("make", [lambda: EveryNth(0), lambda: PerSecond(0), lambda: PerSecond(float("nan"))])
def test_a_senseless_rate_is_refused(make):
    with pytest.raises(ValueError, match="must be"):
        make()


@pytest.mark.parametrize(
    ("claimed_s", "last_s", "fps", "expected_s"),
    [
        (0.0, -0.04, 25.0, 0.0),
        (0.07, 0.04, 25.0, 0.07),  # variable rate: the clip's own time
        (0.04, 0.04, 25.0, 0.08),  # stands still
        (0.0, 5.0, 25.0, 5.04),  # falls back to nought
        (float("nan"), 1.0, 10.0, 1.1),
        (-3.0, -0.04, 25.0, 0.0),
        (9e18, 1.0, None, 1.04),  # no rate either
    ],
)
def test_media_time_is_the_clip_s_own_where_that_rises(claimed_s, last_s, fps, expected_s):
    assert next_media_time_s(claimed_s, last_s, fps) == pytest.approx(expected_s)
