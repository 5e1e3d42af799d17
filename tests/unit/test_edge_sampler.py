"""Samplers: which frames are taken."""

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_client.pipe import Job, Kind
from edge_client.reader import FolderReader, next_media_time_s
from edge_client.sampler import EveryNth, PerSecond, SamplingHours, SlowedSampler, make_sampler
from edge_client.worker import Worker
from tests.edge_jobs import folder_job


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


@pytest.mark.parametrize(("by", "expected"), [(0, 1), (1, 1), (4, 4), (60, 60)])
@pytest.mark.parametrize("sampling", [EveryNth(5), PerSecond(5.0)])
def test_slowed_it_takes_the_first_and_then_each_so_many_th_of_what_it_would_take(sampling, by, expected):
    sampler, usual = SlowedSampler(make_sampler(sampling), lambda: by), taken(sampling, [n / 25 for n in range(5000)])
    got = [n for n in range(5000) if sampler.wants(n, n / 25)]
    assert got == usual[::expected]


def test_how_much_it_is_slowed_may_change_at_any_frame():
    by = {0: 1, 10: 4, 21: 2, 30: 1}
    now = []
    sampler = SlowedSampler(make_sampler(EveryNth(1)), lambda: now[-1])
    got = []
    for n in range(33):
        now.append(by.get(n, now[-1] if now else 1))
        if sampler.wants(n, float(n)):
            got.append(n)
    assert got == [*range(10), 13, 17, 21, 23, 25, 27, 29, 30, 31, 32]


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


# -- hours -----------------------------------------------------------------------------------------------------------


def test_hours_are_those_of_the_sites_time_zone():
    hours = SamplingHours(("mon-fri 08:00-18:00",), "Europe/Madrid")
    # Monday 1 June 2026: Madrid is two hours ahead of UTC.
    assert hours.are_open(datetime(2026, 6, 1, 6, 0, tzinfo=UTC))
    assert not hours.are_open(datetime(2026, 6, 1, 5, 59, tzinfo=UTC))
    assert not hours.are_open(datetime(2026, 6, 1, 16, 0, tzinfo=UTC))


def test_a_time_zone_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="'Europe/Madrit' is not a time zone"):
        SamplingHours(("daily 08:00-18:00",), "Europe/Madrit")


def test_frames_outside_the_hours_are_grabbed_and_neither_converted_nor_sent(tmp_path, monkeypatch):
    for n in range(10):  # a folder is played at one image a second
        cv2.imwrite(str(tmp_path / f"{n}.png"), np.full((90, 120, 3), 100 + n, np.uint8))
    converted = []
    retrieve = FolderReader.retrieve
    monkeypatch.setattr(FolderReader, "retrieve", lambda self: (converted.append(self.last_name), retrieve(self))[1])
    hours = {"hours": ("mon 08:00-18:00",), "time_zone": "Europe/Madrid"}
    job = folder_job(tmp_path, base_time="2026-06-01T05:59:56+00:00", **hours)
    sent, read = [], []
    worker = Worker(Job.from_json(job.to_json()), lambda kind, facts, record: sent.append((kind, facts)), read.append)
    worker.run()
    assert read[-1] == 10
    assert converted == ["4.png", "5.png", "6.png", "7.png", "8.png", "9.png"]
    frames = [facts for kind, facts in sent if kind is Kind.FRAME]
    assert [f["captured_at"] for f in frames] == [f"2026-06-01T06:00:0{n}+00:00" for n in range(6)]
