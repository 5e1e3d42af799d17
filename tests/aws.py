"""What the tests of AWS adapters share: the table on moto, and a DetectLabels that answers from a file."""

import base64
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse

REGION = "eu-west-1"
TABLE = "framewatch"
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


def all_items(client: Any, name: str = TABLE) -> list[dict[str, Any]]:
    pages = client.get_paginator("scan").paginate(TableName=name)
    return [item for page in pages for item in page["Items"]]


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
