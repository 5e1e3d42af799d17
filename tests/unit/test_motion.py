"""Who moved by himself: plain scenes, and what two real models saw of parked cars and of people who walk."""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.labels import Instance
from framewatch.domain.motion import moved
from framewatch.domain.path import Path as Track
from framewatch.domain.path import PathPoint, join_paths, make_point
from tests.frames import NOON

EVENTS = Path(__file__).resolve().parent.parent / "events"
CAR: BoxXYXYRel = (0.4, 0.5, 0.6, 0.65)


def at(box: BoxXYXYRel, right: float = 0.0, down: float = 0.0) -> BoxXYXYRel:
    return (box[0] + right, box[1] + down, box[2] + right, box[3] + down)


def flags(frames: Sequence[Sequence[BoxXYXYRel]], step_s: float = 1.0) -> list[tuple[bool, ...]]:
    """What `moved` says of each frame, with the path that a visit would have kept by then."""
    path: Track = ()
    answers = []
    for n, boxes in enumerate(frames):
        instances = [Instance(box, 90.0 - i) for i, box in enumerate(boxes)]
        now = make_point(f"{n:06d}", NOON + timedelta(seconds=n * step_s), instances)
        answers.append(moved(path, now))
        path = join_paths(path, (now,))
    return answers


def anything(frames: Sequence[Sequence[BoxXYXYRel]]) -> bool:
    return any(any(answer) for answer in flags(frames))


def test_who_has_just_appeared_has_not_moved_yet() -> None:
    assert flags([[CAR]]) == [(False,)]
    assert flags([[CAR], [at(CAR, 0.3)]])[-1] == (False,)


def test_a_car_that_drives_past_counts_at_its_third_sighting_though_its_boxes_do_not_touch() -> None:
    assert flags([[at(CAR, right)] for right in (-0.4, -0.1, 0.2)]) == [(False,), (False,), (True,)]


def test_somebody_who_walks_across_counts_at_the_third_sighting() -> None:
    person = (0.1, 0.2, 0.2, 0.6)
    assert flags([[at(person, 0.04 * n)] for n in range(4)])[2:] == [(True,), (True,)]


def test_a_car_that_starts_after_an_hour_counts_at_its_second_step() -> None:
    path = join_paths(
        tuple(make_point(f"{n:06d}", NOON + timedelta(seconds=n), [Instance(CAR, 90)]) for n in range(3600))
    )
    answers = []
    for n, right in enumerate((0.0, 0.03, 0.13, 0.3)):
        now = make_point(f"{3600 + n:06d}", NOON + timedelta(seconds=3600 + n), [Instance(at(CAR, right), 90)])
        answers.append(moved(path, now))
        path = join_paths(path, (now,))
    assert answers == [(False,), (False,), (True,), (True,)]


def test_somebody_who_walks_straight_to_the_camera_counts() -> None:
    frames = [[(0.5 - w / 2, 0.4 - w, 0.5 + w / 2, 0.4 + w * 1.5)] for w in (0.1, 0.125, 0.16, 0.2)]
    assert flags(frames)[2] == (True,)


def test_only_the_one_who_moves_is_flagged() -> None:
    person = (0.1, 0.2, 0.2, 0.6)
    other = (0.7, 0.2, 0.8, 0.6)
    assert flags([[other, at(person, 0.05 * n)] for n in range(4)])[-1] == (False, True)


def test_the_flag_stays_with_its_box_when_the_order_of_confidence_changes() -> None:
    person = (0.1, 0.2, 0.2, 0.6)
    frames = [[CAR, at(person, 0.05 * n)][:: 1 if n % 2 else -1] for n in range(4)]
    assert flags(frames)[-1] == (False, True)


def test_a_parked_car_behind_somebody_who_passes_has_not_moved() -> None:
    left, top, right, bottom = CAR
    hidden = [[(left, top, right - cut, bottom)] for cut in (0, 0.05, 0.1, 0.15)]
    shown = [[(right - cut, top, right, bottom)] for cut in (0.05, 0.1, 0.15, 0.2)]
    assert not anything([[CAR]] * 3 + hidden + [[(left, top, 0.47, bottom), (0.53, top, right, bottom)]] + shown)


def test_a_car_that_was_first_seen_half_hidden_has_not_moved_when_the_rest_of_it_shows() -> None:
    left, top, right, bottom = CAR
    parts = [[(left, top, left + width, bottom)] for width in (0.05, 0.08, 0.12, 0.16, 0.2)]
    assert not anything([*parts, [CAR], [CAR]])
    assert not anything([[(left, bottom - 0.06, right, bottom)], [(left, bottom - 0.1, right, bottom)], [CAR], [CAR]])


def test_another_parked_car_that_is_found_while_the_first_is_missed_is_no_move() -> None:
    a, b = CAR, at(CAR, 0.22)
    assert not anything([[a], [a], [b], [b], [a], [b], [a, b], [a], [b]])
    assert not anything([[a]] * 20 + [[b]] * 5)


def test_a_box_that_widens_on_both_sides_by_turns_has_not_moved() -> None:
    assert not anything([[(0.4, 0.5, 0.45, 0.65)], [(0.37, 0.5, 0.5, 0.65)], [(0.3, 0.5, 0.56, 0.65)]])


def test_parked_cars_that_blink_in_turn_do_not_add_up_to_a_drive() -> None:
    row = [at((0.02, 0.5, 0.14, 0.6), 0.15 * n) for n in range(6)]
    known = [row[0::2], row[1::2]]
    assert not anything([*known, *([row[n]] for n in range(6))])


def test_a_car_that_passes_where_cars_blink_counts_at_its_fourth_sighting() -> None:
    parked = (0.02, 0.1, 0.14, 0.2)
    car = (0.0, 0.5, 0.15, 0.65)
    frames = [[parked], [(0.5, 0.1, 0.62, 0.2)], [parked]]
    frames += [[parked, at(car, 0.25 * n)] for n in range(4)]
    assert flags(frames)[-2:] == [(False, False), (False, True)]


@pytest.mark.parametrize("width", [0.03, 0.08, 0.2])
@pytest.mark.parametrize("seen_share", [0.6, 0.9, 1.0])
def test_two_parked_cars_do_not_move_when_the_detector_blinks_and_jitters(seen_share: float, width: float) -> None:
    """Edges jitter by a fiftieth of the width: boxes shift as far as those of real parked cars did (vtest.avi)."""
    rng = random.Random(7)  # noqa: S311  a test's scene
    for _ in range(20):
        assert not anything(list(blinking_and_jittering(rng, seen_share, width)))


def blinking_and_jittering(rng: random.Random, seen_share: float, width: float) -> Iterator[list[BoxXYXYRel]]:
    homes = [(0.1 + n * 1.2 * width, 0.4, 0.1 + (n * 1.2 + 1) * width, 0.4 + 0.8 * width) for n in range(2)]
    for _ in range(40):
        edges = [[e + rng.gauss(0, 0.02) * width for e in box] for box in homes if rng.random() < seen_share]
        if edges:
            yield [(left, top, right, bottom) for left, top, right, bottom in edges]


def test_points_that_are_not_before_now_are_ignored() -> None:
    points = [make_point(f"{n}", NOON + timedelta(seconds=n), [Instance(at(CAR, 0.1 * n), 90)]) for n in range(-3, 4)]
    past = tuple(points[:4])
    assert moved(past[:-1], past[-1]) == moved(tuple(points), past[-1]) == (True,)
    assert moved(tuple(points[:2]), points[0]) == moved((), points[0]) == (False,)


def test_a_frame_without_boxes_has_no_flags() -> None:
    assert moved((make_point("a", NOON, [Instance(CAR, 90)]),), PathPoint("b", NOON, ())) == ()


def test_a_box_without_an_area_breaks_nothing() -> None:
    assert flags([[(0.5, 0.5, 0.5, 0.5)]] * 3)[-1] == (False,)


def recorded(name: str, label: str, *, every: int = 1, min_confidence: float = 50.0) -> Iterator[list[BoxXYXYRel]]:
    for frame in json.loads((EVENTS / f"{name}.json").read_text("utf-8"))["frames"][::every]:
        boxes = []
        for instance in (i for found in frame["labels"] if found["Name"] == label for i in found["Instances"]):
            b = instance["BoundingBox"]
            if instance["Confidence"] >= min_confidence:
                boxes.append((b["Left"], b["Top"], b["Left"] + b["Width"], b["Top"] + b["Height"]))
        if boxes:
            yield boxes


@pytest.mark.parametrize("min_confidence", [40.0, 50.0])
@pytest.mark.parametrize("model", ["ssd", "yolox"])
def test_no_parked_car_behind_the_pedestrians_moves(model: str, min_confidence: float) -> None:
    frames = list(recorded(f"vtest-{model}", "Car", min_confidence=min_confidence))
    assert sum(map(len, frames)) > 80
    assert not anything(frames)


@pytest.mark.parametrize("model", ["ssd", "yolox"])
def test_of_people_who_walk_one_counts_at_the_third_sighting(model: str) -> None:
    answers = flags(list(recorded(f"vtest-{model}", "Person")))
    assert [any(answer) for answer in answers[:3]] == [False, False, True]
