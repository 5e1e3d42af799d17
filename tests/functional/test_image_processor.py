"""The whole function on moto, from a Kinesis event to table, buckets, queue and texts; DetectLabels is stubbed."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from framewatch.adapters.aws.budget_table import DynamoBudgetTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.domain.budget import BudgetCause, BudgetState, BudgetStep, CameraStep
from framewatch.domain.frames import FrameRef, VisionHint
from framewatch.wire.items import HEALTH_KEY
from lambdas.image_processor import handler
from tests.aws import DETECTIONS, REGION, TABLE, all_items, create_table, set_credentials, stub_detect_labels
from tests.fakes import FakeClock
from tests.frames import NOON, beat_record, kinesis_event, make_frame, make_heartbeat, make_record, scene_of

STREAM = "framewatch-frames"
FRAMES, CONFIG = "framewatch-frames-bucket", "framewatch-config-bucket"
SITE = """
site: {name: Shop, time_zone: Europe/Madrid}
cameras:
  - {id: front, name: Front door}
contacts:
  - {id: ana, phone: "+34600123456"}
watch: {labels: [Human, Vehicle], min_confidence: 80, notify: [ana]}
visits: {gap_s: 30}
"""


class Context:
    aws_request_id = "request-1"
    remaining_ms = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


class Cloud:
    """The deployed function's surroundings, and what can be seen in them from outside."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.s3 = boto3.client("s3")
        self.dynamodb = boto3.client("dynamodb")
        self.sqs = boto3.client("sqs")
        create_table(self.dynamodb)
        for bucket in (FRAMES, CONFIG):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.put_site(SITE)
        self.queue = self.sqs.create_queue(QueueName="failures")["QueueUrl"]
        for name, value in {
            "FW_TABLE": TABLE,
            "FW_FRAMES_BUCKET": FRAMES,
            "FW_CONFIG_BUCKET": CONFIG,
            "FW_FAILURE_QUEUE_URL": self.queue,
            "FW_STAGE": "test",
            "FW_LINK_BASE_URL": "https://cams.example",
            "FW_ALERT_TOPIC_ARN": f"arn:aws:sns:{REGION}:{DEFAULT_ACCOUNT_ID}:alerts",
        }.items():
            monkeypatch.setenv(name, value)
        # Frames of the tests are a moment old, not late.
        monkeypatch.setattr(handler, "SystemClock", lambda: FakeClock(NOON + timedelta(seconds=60)))
        self.scenes: dict[str, Any] = {}
        self.asked: list[bytes] = []

    def put_site(self, text: str) -> None:
        self.s3.put_object(Bucket=CONFIG, Key="site.yaml", Body=text.encode())

    def start(self) -> None:
        """A fresh process."""
        handler.app.cache_clear()
        client = handler.app(STREAM).deps.vision._client  # type: ignore[attr-defined]
        answers = DETECTIONS | self.scenes
        self.asked = stub_detect_labels(client, lambda jpeg: answers[scene_of(jpeg)])

    def invoke(self, *frames: Any, context: Context | None = None) -> list[str]:
        """The sequence numbers to deliver again."""
        records = [f if hasattr(f, "record_id") else make_record(f) for f in frames]
        answer = handler.lambda_handler(kinesis_event(records), context or Context())  # type: ignore[arg-type]
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def effects(self) -> list[dict[str, Any]]:
        """Every item but how far behind the shard is, which the process says anew, and not of any record."""
        return [i for i in all_items(self.dynamodb) if i["pk"]["S"] != HEALTH_KEY]

    def items(self, prefix: str) -> list[dict[str, Any]]:
        found = [i for i in self.effects() if i["pk"]["S"].startswith(prefix)]
        return sorted(found, key=lambda i: (i["pk"]["S"], i["sk"]["S"]))

    def objects(self, prefix: str) -> list[str]:
        return [o["Key"] for o in self.s3.list_objects_v2(Bucket=FRAMES, Prefix=prefix).get("Contents", [])]

    def pointers(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [json.loads(m["Body"]) for m in answer.get("Messages", [])]

    @property
    def texts(self) -> list[tuple[str, str]]:
        sent = sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages.values()
        return [(phone, text) for phone, text, *_ in sent]


def without_token(text: str) -> str:
    """The link's last part is another each time: twenty letters and digits."""
    assert re.fullmatch(r"[A-Za-z0-9]{20}", text[-20:])
    return text[:-20]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    set_credentials(monkeypatch)
    with mock_aws():
        world = Cloud(monkeypatch)
        world.start()
        yield world
    handler.app.cache_clear()


def test_a_visitor_is_stored_and_is_one_text(cloud: Cloud) -> None:
    frames = [make_frame(n, at=n, scene="person") for n in range(5)]
    assert cloud.invoke(*frames) == []
    ((phone, text),) = cloud.texts
    assert (phone, without_token(text)) == (
        "+34600123456",
        "Framewatch: Human 97% at Front door, 14 Mar 13:00 (CET). Shop https://cams.example/a/",
    )
    assert len(cloud.objects("frames/front/2026/03/14/")) == 5
    assert len(cloud.items("F#front#2026-03-14")) == 5
    for name in ("L#front#person#2026-03-14", "WL#front#human#2026-03-14", "W#front#2026-03-14", "L#front#door#"):
        assert len(cloud.items(name)) == 5, name
    assert cloud.items("WL#front#door#") != []  # a frame of a watched label is found by all of its names
    visit = json.loads(cloud.items("V#front#human")[0]["doc"]["S"])
    assert (visit["frame_count"], visit["alerts"]["watch"]["state"]) == (5, "sent")


def test_an_equal_frame_has_labels_that_it_is_found_by_and_a_step_of_the_budget_keeps_others_from_vision(
    cloud: Cloud,
) -> None:
    first, again = make_frame(0, scene="person"), make_frame(1, at=1, scene="empty")
    ref = FrameRef(first.meta.boot_id, first.meta.seq, first.meta.captured_at)
    again = replace(again, meta=replace(again.meta, hint=VisionHint(same_as=ref)))
    assert cloud.invoke(first, again) == []
    assert cloud.asked == [first.jpeg]
    found = [json.loads(item["doc"]["S"]) for item in cloud.items("WL#front#human#2026-03-14")]
    assert [(doc["seq"], doc.get("analysis"), doc["jpeg_bytes"]) for doc in found] == [
        (0, None, len(first.jpeg)),
        (1, "inherited", len(again.jpeg)),
    ]
    step = CameraStep(BudgetStep.KEEP_ONLY, BudgetCause.SITE_DAY, NOON, NOON + timedelta(hours=1))
    table = DynamoBudgetTable(DynamoTable(cloud.dynamodb, TABLE))
    table.put_state(BudgetState({"front": step}), NOON + timedelta(days=1))
    handler.app(STREAM).deps.clock.advance(30)  # type: ignore[attr-defined]  # it is read twice a minute
    assert cloud.invoke(make_frame(2, at=2, scene="person")) == []
    assert cloud.asked == [first.jpeg]
    (kept,) = (doc for doc in map(_doc, cloud.items("F#front#2026-03-14")) if doc["seq"] == 2)
    assert (kept["analysis"], kept["labels"]) == ("budget", [])
    assert len(cloud.objects("frames/front/2026/03/14/")) == 3


def _doc(item: dict[str, Any]) -> dict[str, Any]:
    doc: dict[str, Any] = json.loads(item["doc"]["S"])
    return doc


def test_the_same_batch_again_changes_and_bills_nothing(cloud: Cloud) -> None:
    frames = [make_frame(n, at=n, scene="person") for n in range(3)]
    cloud.invoke(*frames)
    before, asked = cloud.effects(), len(cloud.asked)
    assert cloud.invoke(*frames) == []
    cloud.start()
    assert cloud.invoke(*frames) == []
    assert cloud.effects() == before
    assert (asked, len(cloud.asked), len(cloud.texts)) == (3, 0, 1)


def test_a_frame_that_a_newer_build_stored_waits_for_that_build_and_is_not_analysed_again(cloud: Cloud) -> None:
    frame = make_frame(0, scene="person")
    cloud.invoke(frame)
    (item,) = cloud.items("F#front#")
    newer = item | {"doc": {"S": json.dumps({"item_version": 2, "frame": "in another form"})}}
    cloud.dynamodb.put_item(TableName=TABLE, Item=newer)
    before = cloud.effects()
    cloud.start()
    assert cloud.invoke(frame) == [make_record(frame).record_id]
    assert (cloud.asked, len(cloud.texts), cloud.objects("failed/")) == ([], 1, [])
    assert cloud.effects() == before


def test_a_visit_that_a_newer_build_wrote_is_left_alone_and_its_frames_wait(cloud: Cloud) -> None:
    cloud.invoke(make_frame(0, scene="person"))
    visit = cloud.items("V#front#human")[0]
    doc = json.loads(visit["doc"]["S"]) | {"item_version": 3, "mood": "good"}
    newer = visit | {"doc": {"S": json.dumps(doc)}}
    cloud.dynamodb.put_item(TableName=TABLE, Item=newer)
    second = make_frame(1, at=1, scene="person")
    assert cloud.invoke(second) == [make_record(second).record_id]
    assert cloud.items("V#front#human") == [newer]
    assert len(cloud.texts) == 1


def test_a_watch_on_vehicle_texts_for_a_car(cloud: Cloud) -> None:
    assert cloud.invoke(make_frame(0, scene="car")) == []
    assert [without_token(text) for _, text in cloud.texts] == [
        "Framewatch: Vehicle 99% at Front door, 14 Mar 13:00 (CET). Shop https://cams.example/a/"
    ]


def test_damaged_records_are_kept_raw_with_a_pointer_and_the_rest_goes_on(cloud: Cloud) -> None:
    good = make_frame(0, scene="empty")
    stranger = make_frame(2, camera_id="attic")
    broken = make_record(b"FWF9" + b"\0" * 20, n=1)
    assert cloud.invoke(good, broken, make_record(stranger)) == []
    assert len(cloud.items("F#front#")) == 1
    assert cloud.objects("failed/") == [
        "failed/envelope-error/2026/03/14/shardId-000000000001-000000000000000000001.bin",
        "failed/unknown-camera/2026/03/14/shardId-000000000001-000000000000000000002.bin",
    ]
    pointer = next(p for p in cloud.pointers() if p["error"] == "EnvelopeError")
    assert pointer["stream"] == STREAM
    assert pointer["partition_key"] == "front"
    assert "version b'9' is unknown" in pointer["reason"]
    body = cloud.s3.get_object(Bucket=pointer["bucket"], Key=pointer["key"])["Body"].read()
    assert body == broken.data


@pytest.mark.parametrize(
    ("answer", "name"),
    [("InvalidParameterException", "too small"), ("ImageTooLargeException", "too large")],
)
def test_a_picture_that_vision_refuses_is_kept_raw_and_costs_itself_alone(
    cloud: Cloud, answer: str, name: str
) -> None:
    cloud.scenes["bad"] = answer
    cloud.start()
    assert cloud.invoke(make_frame(0, scene="bad"), make_frame(1, scene="person")) == []
    assert [key.split("/")[1] for key in cloud.objects("failed/")] == ["image-rejected"], name
    assert len(cloud.items("F#front#")) == 1
    assert len(cloud.texts) == 1


@pytest.mark.parametrize(
    "answer",
    [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "InternalServerError",
        "AccessDeniedException",
        ReadTimeoutError(endpoint_url="https://rekognition.example/"),
    ],
)
def test_a_vision_that_fails_sends_that_frame_round_again(cloud: Cloud, answer: Any) -> None:
    cloud.scenes["trouble"] = answer
    cloud.start()
    bad, good = make_frame(0, scene="trouble"), make_frame(1, scene="person")
    assert cloud.invoke(bad, good) == [make_record(bad).record_id]
    assert len(cloud.items("F#front#")) == 1
    assert cloud.objects("failed/") == []
    cloud.scenes["trouble"] = DETECTIONS["empty"]
    cloud.start()
    assert cloud.invoke(bad, good) == []
    assert len(cloud.asked) == 1  # the good one was stored and is not billed again
    assert len(cloud.texts) == 1


def test_an_invocation_that_is_nearly_over_starts_nothing(cloud: Cloud) -> None:
    class Late(Context):
        remaining_ms = 100_000

        def get_remaining_time_in_millis(self) -> int:
            left = self.remaining_ms
            self.remaining_ms = 1_000  # after the first look
            return left

    frames = [make_frame(n, scene="person") for n in range(3)]
    assert cloud.invoke(*frames, context=Late()) == [make_record(f).record_id for f in frames]
    assert cloud.asked == []


def test_without_a_site_file_every_record_waits_and_the_log_says_what_to_do(
    cloud: Cloud, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.s3.delete_object(Bucket=CONFIG, Key="site.yaml")
    cloud.start()
    ours = logging.getLogger("framewatch")
    monkeypatch.setattr(ours, "handlers", [caplog.handler])  # the function's own writes JSON lines to stdout
    frames = [make_frame(n) for n in range(2)]
    assert cloud.invoke(*frames) == [make_record(f).record_id for f in frames]
    assert f"s3://{CONFIG}/site.yaml does not exist; check and upload the site file with `pynt configure`" in (
        caplog.text
    )
    cloud.put_site(SITE)
    cloud.start()
    assert cloud.invoke(*frames) == []


def test_a_heartbeat_is_one_item_and_an_older_one_changes_nothing(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cloud.invoke(beat_record(make_heartbeat(2, at=60), n=1), make_frame(2)) == []
    (item,) = cloud.items("H")
    assert (item["sk"]["S"], json.loads(item["doc"]["S"])["state"]) == ("front#shop-1", "online")
    assert cloud.invoke(beat_record(make_heartbeat(1, at=0), n=3)) == []
    assert cloud.items("H") == [item]
    metrics = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "_aws" in line]
    assert [m["HeartbeatsStored"] for m in metrics if "HeartbeatsStored" in m] == [[1.0]]
    assert [m["HeartbeatsStale"] for m in metrics if "HeartbeatsStale" in m] == [[1.0]]


def test_a_wrong_environment_names_every_variable(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FW_TABLE")
    monkeypatch.setenv("FW_WORKERS", "many")
    with pytest.raises(ValueError, match=r"FW_TABLE: is not set.*FW_WORKERS: Input should be a valid integer"):
        cloud.start()


def test_metrics_and_logs_are_json_lines_without_phone_numbers(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = StringIO()  # the logger keeps the stdout of the process's first invocation
    for stream_handler in logging.getLogger("framewatch").handlers:
        if type(stream_handler) is logging.StreamHandler:  # pytest adds handlers of its own
            monkeypatch.setattr(stream_handler, "stream", written)
    cloud.invoke(make_frame(0, scene="person"), make_record(b"junk", n=1))
    lines = [json.loads(line) for line in (capsys.readouterr().out + written.getvalue()).splitlines()]
    metrics = [line for line in lines if "_aws" in line]
    assert metrics[0]["FramesStored"] == [1.0]
    assert (metrics[0]["service"], metrics[0]["stage"]) == ("image_processor", "test")
    errors = [line for line in lines if line.get("level") == "ERROR"]
    assert [e["message"].partition(":")[0] for e in errors] == ["record rejected"]
    assert errors[0]["request_id"] == "request-1"
    assert "600123456" not in json.dumps(lines)


def test_how_far_behind_its_shard_is_is_noted_for_the_watchdog(cloud: Cloud) -> None:
    cloud.invoke(make_frame(0))
    (note,) = [i for i in all_items(cloud.dynamodb) if i["pk"]["S"] == HEALTH_KEY]
    assert note["sk"]["S"] == "shardId-000000000001"
    said = json.loads(note["doc"]["S"])
    assert (said["behind_s"] > 0, said["vision_failing_since"]) == (True, None)
