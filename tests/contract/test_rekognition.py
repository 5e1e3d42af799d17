"""LabelDetector over DetectLabels, answered on the wire in Rekognition's own shape."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from framewatch.adapters.aws.clients import VISION, AwsClients
from framewatch.adapters.aws.rekognition import RekognitionDetector
from framewatch.domain.errors import ImageRejected, VisionDenied, VisionThrottled, VisionUnavailable
from framewatch.domain.labels import Instance, Label
from tests.aws import DETECTIONS, set_credentials, stub_detect_labels

JPEG = b"\xff\xd8\xff\xff\xd9"


class Vision:
    def __init__(self, answer: Callable[[bytes], Any]):
        client = AwsClients(workers=1).rekognition()
        self.asked = stub_detect_labels(client, answer)
        self._detector = RekognitionDetector(client)

    def detect(self) -> list[Label]:
        return self._detector.detect(JPEG, min_confidence=50, max_labels=25)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    set_credentials(monkeypatch)


def test_labels_keep_boxes_parents_aliases_and_categories() -> None:
    car = Vision(lambda _: DETECTIONS["car"]).detect()[0]
    assert car == Label(
        "Car",
        99.1,
        (
            Instance((pytest.approx(0.7), 0.5, 1.0, 0.8), 99.1),  # type: ignore[arg-type]  # 0.7 + 0.4 is over the edge
            Instance((0.1, 0.5, pytest.approx(0.2), 0.6), 88.0),  # type: ignore[arg-type]
        ),
        parents=("Transportation", "Vehicle"),
        aliases=("Automobile",),
        categories=("Vehicles and Automotive",),
    )


def test_boxes_over_the_edge_are_clipped_to_the_picture() -> None:
    person = Vision(lambda _: DETECTIONS["person"]).detect()[0]
    assert person.instances[0].box_xyxy_rel == pytest.approx((0.40, 0.0, 0.61, 0.82))


def test_the_most_confident_label_comes_first() -> None:
    labels = [{"Name": "Door", "Confidence": 51.0}, {"Name": "Person", "Confidence": 99.0}]
    assert [label.name for label in Vision(lambda _: {"Labels": labels}).detect()] == ["Person", "Door"]


def test_an_empty_picture_has_no_labels() -> None:
    assert Vision(lambda _: DETECTIONS["empty"]).detect() == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("InvalidImageFormatException", ImageRejected),
        ("ImageTooLargeException", ImageRejected),
        ("InvalidParameterException", ImageRejected),
        ("ProvisionedThroughputExceededException", VisionThrottled),
        ("ThrottlingException", VisionThrottled),
        ("LimitExceededException", VisionThrottled),
        ("AccessDeniedException", VisionDenied),
        ("UnrecognizedClientException", VisionDenied),
        ("ExpiredTokenException", VisionDenied),
        ("InternalServerError", VisionUnavailable),
        ("SomethingNewException", VisionUnavailable),
        (ReadTimeoutError(endpoint_url="https://r.example/"), VisionUnavailable),
        (ConnectTimeoutError(endpoint_url="https://r.example/"), VisionUnavailable),
        (EndpointConnectionError(endpoint_url="https://r.example/"), VisionUnavailable),
    ],
)
def test_each_answer_has_one_error_of_ours(answer: Any, expected: type[Exception]) -> None:
    vision = Vision(lambda _: answer)
    with pytest.raises(expected, match="DetectLabels"):
        vision.detect()
    assert len(vision.asked) <= VISION.attempts


def test_a_picture_that_is_refused_is_asked_about_once() -> None:
    vision = Vision(lambda _: "InvalidImageFormatException")
    with pytest.raises(ImageRejected):
        vision.detect()
    assert len(vision.asked) == 1
