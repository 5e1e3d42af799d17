"""The box's edge file in S3."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from moto import mock_aws

from edge_client.config import EdgeFileError, read_edge_text
from edge_client.control import ControlObject, parse_control_url
from framewatch.wire.yaml_reading import MAX_BYTES
from tests.aws import REGION, set_credentials

BUCKET, KEY = "framewatch-config", "edge/framewatch-dev-edge-shop-1/edge.yaml"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    set_credentials(monkeypatch)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield client


def put(s3: Any, text: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=text)


def test_the_version_changes_with_the_text_and_the_text_comes_with_it(s3: Any) -> None:
    put(s3, b"box: shop-1")
    control = ControlObject(s3, BUCKET, KEY)
    first = control.version()
    assert control.read() == b"box: shop-1"
    put(s3, b"box: shop-2")
    assert control.read() == b"box: shop-1"
    assert control.version() != first
    assert control.read() == b"box: shop-2"


def test_a_file_that_did_not_change_is_not_sent_again(s3: Any) -> None:
    put(s3, b"box: shop-1")
    control = ControlObject(s3, BUCKET, KEY)
    statuses: list[int] = []
    s3.meta.events.register(
        "after-call.s3.GetObject", lambda http_response, **_: statuses.append(http_response.status_code)
    )
    assert control.read() == b"box: shop-1"
    assert control.version() == control.version()
    assert control.read() == b"box: shop-1"
    assert statuses == [200, 304, 304]


def test_what_is_far_too_long_is_not_read_to_its_end_and_refused(s3: Any) -> None:
    put(s3, b"#" * (3 * MAX_BYTES))
    text = ControlObject(s3, BUCKET, KEY).read()
    assert len(text) == MAX_BYTES + 1
    with pytest.raises(EdgeFileError, match="more than the limit"):
        read_edge_text(text)


def test_a_file_that_is_missing_is_a_sentence_and_may_come_later(s3: Any) -> None:
    control = ControlObject(s3, BUCKET, KEY)
    with pytest.raises(
        EdgeFileError, match=rf"^s3://{BUCKET}/{KEY}: does not exist; upload it with `pynt configureedge`"
    ):
        control.version()
    put(s3, b"box: shop-1")
    assert control.read() == b"box: shop-1"


class Refusing:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_object(self, **_: Any) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            "AccessDenied",
            r"does not exist, or this box may not read it: each box reads its own alone.*\(AccessDenied\)$",
        ),
        ("NoSuchBucket", "there is no such bucket"),
        ("InvalidAccessKeyId", "the access key is not valid, perhaps revoked"),
        ("RequestTimeTooSkewed", "this machine's clock is wrong"),
        ("SlowDown", r"S3 could not be asked.*\(SlowDown\)$"),
        (NoCredentialsError(), "there are no AWS credentials; set AWS_PROFILE"),
        (
            EndpointConnectionError(endpoint_url="https://x"),
            r"check this machine's network.*\(EndpointConnectionError\)$",
        ),
    ],
)
def test_what_stands_in_the_way_is_one_sentence_with_the_fix(error: Any, says: str) -> None:
    if isinstance(error, str):
        error = ClientError({"Error": {"Code": error, "Message": "arn:aws:iam::123456789012:user/x"}}, "GetObject")
    with pytest.raises(EdgeFileError, match=says) as caught:
        ControlObject(Refusing(error), BUCKET, KEY).version()  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"s3://{BUCKET}/{KEY}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"s3://{BUCKET}/{KEY}", (BUCKET, KEY)),
        ("s3://config/a b", ("config", "a b")),
        ("s3://config", None),
        ("s3://config/", None),
        ("s3://UPPER/x", None),
        ("edge.yaml", None),
        ("/etc/framewatch/edge.yaml", None),
    ],
)
def test_an_s3_address_is_told_from_a_path(text: str, found: tuple[str, str] | None) -> None:
    assert parse_control_url(text) == found
