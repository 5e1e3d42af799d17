"""Who moved, as the local models see it in real clips: parked cars never, people who walk soon.

FRAMEWATCH_DATA names a directory with ``videos`` and ``models``. What truly moves was read off the clips by eye.
The bounds stand at what was measured: a worse link, place or step fails them.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import cv2
import pytest

from framewatch.adapters.vision.base import Detection, ObjectDetector
from framewatch.adapters.vision.load import DEFAULT_MODEL, load_detector
from framewatch.domain.labels import Instance
from framewatch.domain.motion import moved
from framewatch.domain.path import Path as Track
from framewatch.domain.path import join_paths, make_point
from tests.frames import NOON

DATA = Path(os.environ.get("FRAMEWATCH_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
VIDEOS = DATA / "videos"
YOLOX = DATA / "models" / "yolox_nano_416.onnx"
MIN_CONFIDENCE = 50.0  # vision.min_confidence: what is below it is not stored

pytestmark = [
    pytest.mark.slow,
    pytest.mark.pixels,
    pytest.mark.skipif(not VIDEOS.is_dir(), reason=f"FRAMEWATCH_DATA has no videos: {VIDEOS} is missing"),
]
needs_yolox = pytest.mark.skipif(
    not YOLOX.is_file(), reason=f"FRAMEWATCH_DATA has no YOLOX model: {YOLOX} is missing"
)
MODELS = [
    pytest.param(DEFAULT_MODEL, id="ssd-mobilenet-v2"),
    pytest.param(str(YOLOX), id="yolox-nano", marks=needs_yolox),
]
# More frames a second are more of the same pictures: one a second is what most sites send.
FPS = [1, pytest.param(2, marks=pytest.mark.long), pytest.param(5, marks=pytest.mark.long)]
# By eye, in seconds: when somebody is in the room of one-by-one-person.mp4.
PRESENT_S = [(6.0, 20.0), (22.7, 45.0), (50.5, 70.0), (74.5, 86.8), (92.7, 120.0), (123.7, 136.3)]


@cache
def detector_of(model: str) -> ObjectDetector:
    return load_detector(model)


@cache
def seen(clip: str, model: str, fps: int, until_s: float) -> tuple[tuple[float, tuple[Detection, ...]], ...]:
    """So many frames a second, each with its media time."""
    detector = detector_of(model)
    capture = cv2.VideoCapture(str(VIDEOS / clip))
    clip_fps = capture.get(cv2.CAP_PROP_FPS)
    found = []
    index = 0
    next_s = 0.0
    while index / clip_fps <= until_s and capture.grab():
        if index / clip_fps >= next_s - 1e-6:
            next_s += 1 / fps
            _, frame = capture.retrieve()
            _, jpeg = cv2.imencode(".jpg", frame)  # a detector is only ever given JPEGs
            frame = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
            found.append((index / clip_fps, tuple(detector.detect(frame, MIN_CONFIDENCE))))
        index += 1
    return tuple(found)


def sightings(
    clip: str, model: str, class_name: str, fps: int, *, gap_s: float = 30.0, until_s: float = 1e9
) -> Iterator[tuple[float, tuple[bool, ...]]]:
    """Media time and flags of each frame with the class; a new visit starts after the gap."""
    path: Track = ()
    last_s = 0.0
    for at_s, detections in seen(clip, model, fps, until_s):
        instances = [Instance(d.box_xyxy_rel, d.confidence) for d in detections if d.class_name == class_name]
        if not instances:
            continue
        path = path if at_s - last_s <= gap_s else ()
        last_s = at_s
        now = make_point(f"{at_s:09.3f}", NOON + timedelta(seconds=at_s), instances)
        yield at_s, moved(path, now)
        path = join_paths(path, (now,))


@pytest.mark.parametrize("fps", FPS)
@pytest.mark.parametrize("model", MODELS)
def test_no_parked_car_moves_behind_the_pedestrians(model: str, fps: int) -> None:
    answers = list(sightings("vtest.avi", model, "car", fps, until_s=66.0))
    assert len(answers) > 60 * fps
    assert [at_s for at_s, flags in answers if any(flags)] == []


@pytest.mark.parametrize("fps", FPS)
@pytest.mark.parametrize("model", MODELS)
def test_among_pedestrians_one_counts_at_the_third_sighting(model: str, fps: int) -> None:
    answers = list(sightings("vtest.avi", model, "person", fps, until_s=66.0))
    assert [any(flags) for _, flags in answers[:3]] == [False, False, True]


# Of six. At one frame a second the default model misses so much of the third visitor that nothing is left to tell,
# and YOLOX sees the fifth only where she stands at the table.
@pytest.mark.parametrize(
    ("fps", "least"),
    [(1, 5), pytest.param(2, 6, marks=pytest.mark.long), pytest.param(5, 6, marks=pytest.mark.long)],
)
@pytest.mark.parametrize("model", MODELS)
def test_visitors_who_come_and_go_one_by_one_are_recognised(model: str, fps: int, least: int) -> None:
    answers = list(sightings("one-by-one-person.mp4", model, "person", fps, gap_s=2.0))
    recognised = [
        any(any(flags) for at_s, flags in answers if start - 0.6 <= at_s <= end + 0.6) for start, end in PRESENT_S
    ]
    assert sum(recognised) >= least, recognised


@pytest.mark.parametrize("fps", FPS)
@pytest.mark.parametrize("model", MODELS)
def test_a_woman_who_stays_where_she_is_does_not_move_while_her_dog_runs(model: str, fps: int) -> None:
    people = list(sightings("person-dog.mp4", model, "person", fps))
    assert len(people) > 8 * fps
    assert [at_s for at_s, flags in people if any(flags)] == []
    if fps == 5:
        assert any(any(flags) for _, flags in sightings("person-dog.mp4", model, "dog", fps))


@pytest.mark.parametrize("fps", FPS)
@pytest.mark.parametrize("model", MODELS)
def test_nothing_moves_by_itself_in_a_swaying_tree(model: str, fps: int) -> None:
    classes = {d.class_name for _, detections in seen("tree.avi", model, fps, 1e9) for d in detections}
    for class_name in classes:
        assert not any(any(flags) for _, flags in sightings("tree.avi", model, class_name, fps))
