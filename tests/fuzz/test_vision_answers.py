"""What vision answers to the processor, and what is asked of the local vision server."""

import base64
import json
from io import BytesIO

import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import given
from hypothesis import strategies as st

from framewatch.adapters.aws.clients import AwsClients
from framewatch.adapters.aws.rekognition import RekognitionDetector
from framewatch.domain.errors import FramewatchError, VisionUnavailable
from framewatch.wire.frame_items import StoredLabel
from local_cloud.vision_server.protocol import ApiError, parse_detect_labels
from tests.aws import DETECTIONS, set_credentials
from tests.fuzz import SECRETS, cases, read
from tests.fuzz.mutations import broken, broken_json

_ANSWERS = list(DETECTIONS.values())
_ERRORS = [
    {"__type": "ThrottlingException", "message": "slow"},
    {"__type": "x#AccessDeniedException", "Message": "no"},
]
_REQUEST = {
    "Image": {"Bytes": base64.b64encode(b"\xff\xd8\xff\xd9").decode()},
    "MaxLabels": 10,
    "MinConfidence": 50.0,
    "Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"],
    "Settings": {
        "GeneralLabels": {"LabelInclusionFilters": ["Person"], "LabelCategoryExclusionFilters": ["Animals and Pets"]},
        "ImageProperties": {"MaxDominantColors": 5},
    },
}
_S3_REQUEST = {"Image": {"S3Object": {"Bucket": "frames", "Name": "frames/front/1.jpg", "Version": "v"}}}


class Wire:
    """A Rekognition client whose next answer is these bytes."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"{}"
        client = AwsClients(workers=1).rekognition()
        client.meta.events.register_first("before-send.rekognition.DetectLabels", self._send)
        self.detector = RekognitionDetector(client)

    def _send(self, **_):
        raw = BytesIO(self.body)
        raw.stream = lambda *a, **k: iter([self.body])
        return AWSResponse("https://stub.example/", self.status, {"content-type": "application/x-amz-json-1.1"}, raw)

    def detect(self, status, body):
        self.status, self.body = status, body
        return self.detector.detect(b"\xff\xd8\xff\xff\xd9", min_confidence=50, max_labels=25)


@pytest.fixture(scope="module")
def wire():
    with pytest.MonkeyPatch.context() as patch:
        set_credentials(patch)
        yield Wire()


@cases(60)
@given(
    status=st.sampled_from([200, 200, 200, 400, 413]),
    body=broken_json(_ANSWERS + _ERRORS) | broken([json.dumps(_ANSWERS[0]).encode()]),
)
def test_any_answer_of_vision_is_labels_or_one_of_our_errors(wire, status, body):
    if status != 200:  # what AWS says of an error is told
        for secret in SECRETS:
            body = body.replace(secret.encode(), b"x")
    for label in read(wire.detect, status, body, refuses=FramewatchError) or ():
        assert isinstance(label.name, str) and 0 <= label.confidence <= 100
        for instance in label.instances:
            x1, y1, x2, y2 = instance.box_xyxy_rel
            assert 0 <= x1 <= x2 <= 1 and 0 <= y1 <= y2 <= 1
        # What cannot be stored would stop the shard.
        assert StoredLabel.model_validate_json(StoredLabel.of(label, False).model_dump_json()).to_domain() == label


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"Labels": ',
        b'{"Labels": null}',
        b'{"Labels": [{}]}',
        b'{"Labels": [{"Name": null, "Confidence": 99}]}',
        b'{"Labels": [{"Name": "Car", "Confidence": "much"}]}',
        b'{"Labels": [{"Name": "Car", "Instances": [{"BoundingBox": {"Left": 0.5}}]}]}',
        b'{"Labels": [{"Name": "Car", "Parents": [null, {}]}]}',
        b'{"Labels": "Car"}',
        b'{"Labels": [["Car"]]}',
        b"[" * 100_000,
        b"<html>502</html>",
    ],
)
def test_an_answer_that_is_none_is_asked_for_again_and_is_no_fault_of_the_picture(wire, body):
    with pytest.raises(VisionUnavailable, match="DetectLabels"):
        wire.detect(200, body)


@cases(60)
@given(broken_json([_REQUEST, _S3_REQUEST]))
def test_any_request_to_the_vision_server_is_read_or_refused_as_documented(body):
    read(parse_detect_labels, body, refuses=ApiError)
