"""Exams of the local models on real pictures with known contents.

FRAMEWATCH_DATA names a directory with ``images/coco`` (128 COCO train images with YOLO-format truth) and ``models``.
The floors stand just under what was measured with the images at a score of 0.3, so a wrong colour order, scale or
class numbering fails them; a few points up or down from a library's update do not.
"""

import os
from pathlib import Path

import cv2
import pytest

from framewatch.adapters.vision.base import Detection, ObjectDetector
from framewatch.adapters.vision.coco import COCO_80
from framewatch.adapters.vision.images import decode, read_header
from framewatch.adapters.vision.load import DEFAULT_MODEL, load_detector

DATA = Path(os.environ.get("FRAMEWATCH_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
COCO = DATA / "images" / "coco"
YOLOX = DATA / "models" / "yolox_nano_416.onnx"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.pixels,
    pytest.mark.skipif(not COCO.is_dir(), reason=f"FRAMEWATCH_DATA has no images: {COCO} is missing"),
]
needs_yolox = pytest.mark.skipif(
    not YOLOX.is_file(), reason=f"FRAMEWATCH_DATA has no YOLOX model: {YOLOX} is missing"
)

MODELS = [
    # measured: precision .889, recall .644, person .966 and .934, boxes .651 and .382
    pytest.param(DEFAULT_MODEL, (0.86, 0.61, 0.94, 0.90, 0.63, 0.365), id="ssd-mobilenet-v2"),
    # measured: precision .842, recall .616, person .967 and .951, boxes .711 and .406
    pytest.param(str(YOLOX), (0.81, 0.58, 0.94, 0.92, 0.69, 0.39), id="yolox-nano", marks=needs_yolox),
]


def truths() -> list[tuple[Path, list[Detection]]]:
    """Each image with its true objects. An image without a truth file has none."""
    found = []
    for image in sorted(COCO.glob("*.jpg")):
        boxes = image.with_suffix(".txt")
        rows = [line.split() for line in boxes.read_text().splitlines()] if boxes.is_file() else []
        objects = []
        for class_id, *box in rows:
            x, y, width, height = map(float, box)
            edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            objects.append(Detection(COCO_80[int(class_id)], 100.0, edges))
        found.append((image, objects))
    return found


def iou(one, other) -> float:
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[2], other[2]), min(one[3], other[3])
    shared = max(0.0, right - left) * max(0.0, bottom - top)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared)


def one_to_one(true: list[Detection], seen: list[Detection]) -> int:
    """How many detections, the surest first, lie on a true box of their class that no surer one has taken."""
    left = list(true)
    count = 0
    for detection in seen:
        fits = [
            t
            for t in left
            if t.class_name == detection.class_name and iou(t.box_xyxy_rel, detection.box_xyxy_rel) >= 0.5
        ]
        if fits:
            left.remove(max(fits, key=lambda t: iou(t.box_xyxy_rel, detection.box_xyxy_rel)))
            count += 1
    return count


def seen_by(detector: ObjectDetector, image: Path) -> list[Detection]:
    data = image.read_bytes()
    return detector.detect(decode(data, read_header(data), model_input_px=detector.input_size_px), 30.0)


def precision_and_recall(pairs: list[tuple[set[str], set[str]]]) -> tuple[float, float]:
    right = sum(len(true & seen) for true, seen in pairs)
    return right / sum(len(seen) for _, seen in pairs), right / sum(len(true) for true, _ in pairs)


@pytest.mark.parametrize(("model", "floors"), MODELS)
def test_a_model_names_what_is_in_real_pictures_and_where(model, floors):
    detector = load_detector(model)
    answers = [(true, seen_by(detector, image)) for image, true in truths()]
    assert len(answers) == 128
    pairs = [({d.class_name for d in true}, {d.class_name for d in seen}) for true, seen in answers]
    precision, recall = precision_and_recall(pairs)
    people = [(true & {"person"}, seen & {"person"}) for true, seen in pairs]
    person_precision, person_recall = precision_and_recall(people)
    matched = sum(one_to_one(true, seen) for true, seen in answers)
    objects = sum(len(true) for true, _ in answers)
    boxes = sum(len(seen) for _, seen in answers)
    measured = (precision, recall, person_precision, person_recall, matched / boxes, matched / objects)
    print(model, [round(share, 3) for share in measured])
    assert all(share >= floor for share, floor in zip(measured, floors, strict=True)), (measured, floors)


@pytest.mark.parametrize("pictures", [4, pytest.param(64, marks=pytest.mark.long)])
@pytest.mark.parametrize(("model", "floors"), MODELS)
def test_detections_are_sorted_within_the_picture_and_over_the_threshold(model, floors, pictures):
    detector = load_detector(model)
    for image, _ in truths()[:pictures]:
        frame = cv2.imread(str(image))
        for min_confidence in (0.0, 30.0, 100.0):
            seen = detector.detect(frame, min_confidence)
            confidences = [d.confidence for d in seen]
            assert confidences == sorted(confidences, reverse=True)
            assert all(min_confidence <= confidence <= 100.0 for confidence in confidences)
            for left, top, right, bottom in (d.box_xyxy_rel for d in seen):
                assert 0.0 <= left < right <= 1.0
                assert 0.0 <= top < bottom <= 1.0
            assert {d.class_name for d in seen} <= set(detector.class_names)


@needs_yolox
def test_the_yolox_file_tells_its_input_size():
    assert load_detector(str(YOLOX)).input_size_px == (416, 416)
