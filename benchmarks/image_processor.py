"""What overlapping the requests of a batch is worth: one invocation of 100 records against the same work one by one.

Baseline: the same handler code with one worker and one record an invocation. Both go through real boto3 clients,
so that signing, JSON and base64 are in; only the wire is replaced, by answers after a fixed time: vision 200 ms,
S3 30 ms, DynamoDB 10 ms, SNS 30 ms. Every frame shows a person; four cameras, so four visits and four texts.

    python -m benchmarks.image_processor [--records 100] [--rounds 3] [--workers 16]
"""

import argparse
import base64
import contextlib
import io
import json
import os
import statistics
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse

from framewatch.adapters.aws.clients import AwsClients
from framewatch.adapters.aws.function import start_ledger
from framewatch.domain.frames import Frame, FrameMeta, Gate, GateReason
from framewatch.services.process_frames import process_batch
from framewatch.wire.envelope import encode_envelope
from lambdas.image_processor import handler
from lambdas.image_processor.settings import Settings

TARGET_RATIO = 8.0
ANSWER_S = {"rekognition": 0.200, "s3": 0.030, "dynamodb": 0.010, "sns": 0.030, "sqs": 0.010}
CAMERAS = ("front", "yard", "gate", "shed")
# 100 records of this size fill the 6 MB that Lambda hands over at once.
JPEG_BYTES = 40_000
# Now: what is old when it arrives texts nobody.
START = datetime.now(UTC)
SITE = f"""
cameras: [{", ".join(f"{{id: {c}}}" for c in CAMERAS)}]
contacts: [{{id: ana, phone: "+34600123456"}}]
watch: {{labels: [Person], notify: [ana]}}
"""
PERSON = {
    "Labels": [
        {
            "Name": name,
            "Confidence": 98.0,
            "Instances": [
                {"BoundingBox": {"Left": 0.4, "Top": 0.1, "Width": 0.2, "Height": 0.8}, "Confidence": 98.0}
            ],
            "Parents": [],
            "Aliases": [{"Name": alias}],
            "Categories": [{"Name": "Person Description"}],
        }
        for name, alias in (("Person", "Human"), ("Adult", "Grown-up"), ("Face", "Head"))
    ]
}


class Wire:
    """Answers every request after its service's fixed time. DynamoDB remembers what is written; nobody races here."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self._items: dict[tuple[str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()

    def send(self, request: AWSRequest, event_name: str, **_: Any) -> AWSResponse:
        _, service, operation = event_name.split(".")
        with self._lock:
            self.requests[service] += 1
        time.sleep(ANSWER_S[service])
        if service == "s3":
            return response(SITE.encode() if operation == "GetObject" else b"", "text/plain")
        if service == "sns":
            return sns_response(operation)
        if service == "rekognition":
            return response(json.dumps(PERSON).encode(), "application/x-amz-json-1.1")
        with self._lock:
            answer = getattr(self, f"_{operation}")(json.loads(request.body))
        return response(json.dumps(answer).encode(), "application/x-amz-json-1.0")

    def _write(self, item: dict[str, Any]) -> None:
        self._items[item["pk"]["S"], item["sk"]["S"]] = item

    def _read(self, key: dict[str, Any]) -> dict[str, Any] | None:
        return self._items.get((key["pk"]["S"], key["sk"]["S"]))

    def _BatchGetItem(self, ask: dict[str, Any]) -> dict[str, Any]:
        found = {t: [i for k in keys["Keys"] if (i := self._read(k))] for t, keys in ask["RequestItems"].items()}
        return {"Responses": found, "UnprocessedKeys": {}}

    def _BatchWriteItem(self, ask: dict[str, Any]) -> dict[str, Any]:
        for puts in ask["RequestItems"].values():
            for put in puts:
                self._write(put["PutRequest"]["Item"])
        return {"UnprocessedItems": {}}

    def _PutItem(self, ask: dict[str, Any]) -> dict[str, Any]:
        self._write(ask["Item"])
        return {}

    def _GetItem(self, ask: dict[str, Any]) -> dict[str, Any]:
        item = self._read(ask["Key"])
        return {"Item": item} if item else {}

    def _DeleteItem(self, ask: dict[str, Any]) -> dict[str, Any]:
        self._items.pop((ask["Key"]["pk"]["S"], ask["Key"]["sk"]["S"]), None)
        return {}

    def _UpdateItem(self, _: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _Query(self, ask: dict[str, Any]) -> dict[str, Any]:
        values = ask["ExpressionAttributeValues"]
        pk, most = values[":pk"]["S"], values.get(":sk", values.get(":last", {})).get("S", "~")
        found = [item for (its_pk, sk), item in self._items.items() if its_pk == pk and sk <= most]
        return {"Items": sorted(found, key=lambda i: i["sk"]["S"], reverse=True)[: ask.get("Limit")]}

    def _TransactWriteItems(self, ask: dict[str, Any]) -> dict[str, Any]:
        for action in ask["TransactItems"]:
            if put := action.get("Put"):
                self._write(put["Item"])
            if delete := action.get("Delete"):
                self._items.pop((delete["Key"]["pk"]["S"], delete["Key"]["sk"]["S"]), None)
        return {}


def response(body: bytes, content_type: str) -> AWSResponse:
    raw = io.BytesIO(body)
    raw.stream = lambda *_, **__: iter([body])  # type: ignore[attr-defined]  # as urllib3's response does
    headers = {"content-type": content_type, "content-length": str(len(body)), "etag": '"1"'}
    return AWSResponse("https://benchmark.invalid/", 200, headers, raw)


def sns_response(operation: str) -> AWSResponse:
    """Nobody has opted out, and every text is taken."""
    result = "<MessageId>1</MessageId>" if operation == "Publish" else "<isOptedOut>false</isOptedOut>"
    body = (
        f'<{operation}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/">'
        f"<{operation}Result>{result}</{operation}Result></{operation}Response>"
    )
    return response(body.encode(), "text/xml")


class StubbedAws(AwsClients):
    """Real clients that end at the wire."""

    def __init__(self, workers: int, wire: Wire):
        super().__init__(workers, region="eu-west-1")
        self._session.get_component("event_emitter").register_first("before-send", wire.send)


def make_settings(**more: Any) -> Settings:
    """As if a stage were deployed."""
    return Settings.model_validate(
        {
            "FW_TABLE": "framewatch",
            "FW_FRAMES_BUCKET": "framewatch-frames",
            "FW_CONFIG_BUCKET": "framewatch-config",
            "FW_FAILURE_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/failures",
            "FW_LINK_BASE_URL": "https://d1example.cloudfront.net",
            "FW_ALERT_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:alerts",
            "FW_STAGE": "benchmark",
            "FW_LOG_LEVEL": "ERROR",
            **more,
        }
    )


def build(workers: int) -> tuple[handler.App, Wire]:
    wire, settings = Wire(), make_settings(FW_WORKERS=workers)
    return handler.build_app(settings, StubbedAws(workers, wire), start_ledger("benchmark"), "frames"), wire


def event_of(first: int, size: int) -> dict[str, Any]:
    records = []
    for n in range(first, first + size):
        camera_id = CAMERAS[n % len(CAMERAS)]
        meta = FrameMeta(
            camera_id,
            "20260314T110000Z0a1b2c",
            n,
            START + timedelta(seconds=n / 10),
            1280,
            720,
            Gate(GateReason.MOTION),
        )
        jpeg = b"\xff\xd8\xff" + os.urandom(JPEG_BYTES) + b"\xff\xd9"
        records.append(
            {
                "eventID": f"shardId-000000000000:{n}",
                "kinesis": {
                    "partitionKey": camera_id,
                    "sequenceNumber": str(n),
                    "data": base64.b64encode(encode_envelope(Frame(meta, jpeg))).decode(),
                    "approximateArrivalTimestamp": START.timestamp(),
                },
            }
        )
    return {"Records": records}


def measure(workers: int, events: list[dict[str, Any]]) -> tuple[float, Counter[str]]:
    """Seconds for all events, by a process that is warm: its clients are built, its pools are not empty."""
    app, wire = build(workers)
    process = lambda event: process_batch(handler.to_records(event), app.deps, lambda: 900.0)  # noqa: E731
    with contextlib.redirect_stdout(io.StringIO()):
        process(event_of(1_000_000, workers))
        wire.requests.clear()
        start = time.perf_counter()
        for event in events:
            outcome = process(event)
            assert not outcome.failed_record_ids
            app.meter.flush()
        return time.perf_counter() - start, Counter(wire.requests)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3, help="of the batch; the baseline runs once, it takes long")
    parser.add_argument("--workers", type=int, default=16)
    options = parser.parse_args()
    os.environ |= {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark"}

    singles = [event_of(n, 1) for n in range(options.records)]
    alone_s, alone_requests = measure(1, singles)
    batch_event = [event_of(0, options.records)]
    rounds = [measure(options.workers, batch_event) for _ in range(options.rounds)]
    batch_s, batch_requests = statistics.median(s for s, _ in rounds), rounds[0][1]
    ratio = alone_s / batch_s

    print(f"{options.records} records of {JPEG_BYTES // 1000} kB, {options.workers} workers, {options.rounds} rounds")
    print(f"{'':24}{'seconds':>10}{'frames/s':>10}{'vision':>8}{'s3':>6}{'dynamodb':>10}{'sns':>5}")
    rows = (("one by one", alone_s, alone_requests), ("one invocation", batch_s, batch_requests))
    for name, seconds, requests in rows:
        counts = f"{requests['rekognition']:>8}{requests['s3']:>6}{requests['dynamodb']:>10}{requests['sns']:>5}"
        print(f"{name:24}{seconds:>10.2f}{options.records / seconds:>10.1f}{counts}")
    print(f"ratio {ratio:.1f} (target: at least {TARGET_RATIO:g})")
    return 0 if ratio >= TARGET_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
