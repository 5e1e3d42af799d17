"""What the tests of AWS adapters share: the table on moto, and a DetectLabels that answers from a file."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

REGION = "eu-west-1"
TABLE = "framewatch"
# Where a function finds its stage.
STAGE_ENVIRONMENT = {
    "FW_TABLE": "table",
    "FW_FRAMES_BUCKET": "frames-bucket",
    "FW_CONFIG_BUCKET": "config-bucket",
    "FW_STAGE": "test",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}
DETECTIONS: dict[str, Any] = json.loads((Path(__file__).parent / "events" / "detections.json").read_text("utf-8"))


def set_credentials(monkeypatch: Any) -> None:
    """Never the machine's own."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


def create_table(client: Any, name: str = TABLE) -> None:
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def forget(*functions: Any) -> None:
    """The next invocations of the API's functions are the first of new processes. functions: handler modules."""
    for function in functions:
        function.settings.cache_clear()
        function.deps.cache_clear()


@contextmanager
def processes_of(function: Any) -> Iterator[Callable[..., None]]:
    """Gives what begins a new process, with variables. (Clients take a moment to build, so tests share one.)"""
    with pytest.MonkeyPatch.context() as patch:

        def start(**variables: str) -> None:
            for name, value in variables.items():
                patch.setenv(name, value)
            forget(function)

        yield start
    forget(function)


@contextmanager
def stage_on_moto(site: str) -> Iterator[tuple[Any, Any]]:
    """What STAGE_ENVIRONMENT names: buckets, an empty table, `site` as the site file. Gives clients: S3, DynamoDB."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        _one_request_at_a_time(patch)
        for name, value in STAGE_ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        for bucket in ("frames-bucket", "config-bucket"):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="config-bucket", Key="site.yaml", Body=site.encode())
        create_table(dynamodb, "table")
        yield s3, dynamodb


def _one_request_at_a_time(patch: pytest.MonkeyPatch) -> None:
    """moto's transactions copy the whole table, and fail where another thread writes to it meanwhile."""
    lock, process = threading.RLock(), BotocoreStubber.process_request

    def locked(self: BotocoreStubber, request: Any) -> Any:
        with lock:
            return process(self, request)

    patch.setattr(BotocoreStubber, "process_request", locked)


def all_items(client: Any, name: str = TABLE) -> list[dict[str, Any]]:
    pages = client.get_paginator("scan").paginate(TableName=name)
    return [item for page in pages for item in page["Items"]]


def items_of_the_site(client: Any, name: str = TABLE) -> list[dict[str, Any]]:
    """By key, but for what functions say of their own use, which they do whenever it is due."""
    found = [item for item in all_items(client, name) if not item["pk"]["S"].startswith("USE")]
    return sorted(found, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def json_response(status: int, body: dict[str, Any]) -> AWSResponse:
    raw = BytesIO(json.dumps(body).encode())
    raw.stream = lambda *a, **k: iter([raw.getvalue()])  # type: ignore[attr-defined]  # as urllib3's response does
    headers = {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "stub"}
    return AWSResponse("https://stub.example/", status, headers, raw)


def stub_detect_labels(client: Any, answer: Callable[[bytes], Any]) -> list[bytes]:
    """Answer DetectLabels on the wire. answer(jpeg): a body, an error code, or an exception to raise.

    Returns the list into which the pictures that were asked about go.
    """
    asked: list[bytes] = []

    def send(request: AWSRequest, **_: Any) -> AWSResponse:
        jpeg = base64.b64decode(json.loads(request.body)["Image"]["Bytes"])
        asked.append(jpeg)
        found = answer(jpeg)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, str):
            return json_response(400, {"__type": found, "message": f"stubbed {found}"})
        return json_response(200, found)

    client.meta.events.register_first("before-send.rekognition.DetectLabels", send)
    return asked
