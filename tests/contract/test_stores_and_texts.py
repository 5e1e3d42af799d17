"""ImageStore, FailureStore and TextSender on moto, and the errors that moto never gives on a stub."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from framewatch.adapters.aws.box_controls import S3BoxControls
from framewatch.adapters.aws.clients import AwsClients
from framewatch.adapters.aws.failure_store import S3SqsFailureStore
from framewatch.adapters.aws.image_store import S3ImageStore
from framewatch.adapters.aws.meter import EmfMeter
from framewatch.adapters.aws.sms import SnsTextSender, masked
from framewatch.domain.alert_settings import Alerts
from framewatch.domain.edge_control import EdgeControl
from framewatch.domain.errors import NotificationRejected, NotificationUnavailable, StorageUnavailable
from framewatch.wire.edge_control import decode_edge_control
from tests.aws import REGION, set_credentials
from tests.frames import NOON, make_record

BUCKET = "framewatch-frames-bucket"
PHONE = "+34600123456"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsClients]:
    set_credentials(monkeypatch)
    with mock_aws():
        clients = AwsClients(workers=1)
        clients.s3().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield clients


def failing(error: Exception) -> Any:
    """A client of which every call raises."""

    class Client:
        def __getattr__(self, name: str) -> Any:
            def call(**_: Any) -> None:
                raise error

            return call

    return Client()


def client_error(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Publish")


def test_a_box_finds_its_control_document_beside_its_edge_file(aws: AwsClients) -> None:
    controls = S3BoxControls(aws.s3(), BUCKET, "dev")
    control = EdgeControl(NOON, NOON + timedelta(days=3), {"front": 4})
    controls.put("shop-1", control)
    found = aws.s3().get_object(Bucket=BUCKET, Key="edge/framewatch-dev-edge-shop-1/control.json")
    assert decode_edge_control(found["Body"].read()) == control
    with pytest.raises(StorageUnavailable, match=r"/control\.json: put: "):
        S3BoxControls(failing(client_error("AccessDenied")), BUCKET, "dev").put("shop-1", control)


def test_a_picture_is_stored_as_a_jpeg_that_never_changes(aws: AwsClients) -> None:
    store = S3ImageStore(aws.s3(), BUCKET)
    store.put("frames/a.jpg", b"jpeg")
    found = aws.s3().get_object(Bucket=BUCKET, Key="frames/a.jpg")
    assert (found["Body"].read(), found["ContentType"]) == (b"jpeg", "image/jpeg")
    assert "immutable" in found["CacheControl"]


def test_a_link_names_the_object_and_its_expiry(aws: AwsClients) -> None:
    url = S3ImageStore(aws.s3(), BUCKET).url("frames/a.jpg", timedelta(minutes=5))
    assert f"{BUCKET}.s3" in url
    assert "/frames/a.jpg?" in url
    assert "Expires" in url


def test_a_custom_endpoint_is_spoken_to_by_path(aws: AwsClients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    url = S3ImageStore(aws.s3(), BUCKET).url("frames/a.jpg", timedelta(minutes=5))
    assert url.startswith(f"http://127.0.0.1:4566/{BUCKET}/frames/a.jpg?")


@pytest.mark.parametrize("error", [client_error("SlowDown"), EndpointConnectionError(endpoint_url="https://s3/")])
def test_a_bucket_that_fails_is_storage_unavailable_and_names_the_object(error: Exception) -> None:
    with pytest.raises(StorageUnavailable, match=r"s3://bucket/frames/a\.jpg"):
        S3ImageStore(failing(error), "bucket").put("frames/a.jpg", b"")


def test_a_record_that_is_kept_twice_is_one_object(aws: AwsClients) -> None:
    queue = boto3.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
    store = S3SqsFailureStore(aws.s3(), aws.sqs(), bucket=BUCKET, queue_url=queue, stream="frames")
    record = make_record(b"junk", n=7)
    key = store.keep(record, "not an envelope", "EnvelopeError", NOON)
    assert store.keep(record, "not an envelope", "EnvelopeError", NOON + timedelta(days=1)) == key
    assert key == "failed/envelope-error/2026/03/14/shardId-000000000001-000000000000000000007.bin"
    assert aws.s3().get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"junk"
    (message, *_) = boto3.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"]) == {
        "bucket": BUCKET,
        "key": key,
        "error": "EnvelopeError",
        "reason": "not an envelope",
        "stream": "frames",
        "shard_id": record.shard_id,
        "sequence_number": record.record_id,
        "partition_key": "front",
        "arrived_at": "2026-03-14T12:00:01.000000Z",
        "failed_at": "2026-03-14T12:00:00.000000Z",
        "size": 4,
    }


def test_a_queue_that_fails_is_storage_unavailable(aws: AwsClients) -> None:
    store = S3SqsFailureStore(aws.s3(), failing(client_error("AccessDenied")), bucket=BUCKET, queue_url="q")
    with pytest.raises(StorageUnavailable, match="failure queue"):
        store.keep(make_record(b"junk", n=7), "not an envelope", "EnvelopeError", NOON)


def test_a_text_goes_out_as_transactional(aws: AwsClients) -> None:
    client = aws.sns()
    asked: list[dict[str, Any]] = []
    client.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: asked.append(params))
    assert SnsTextSender(client).send(PHONE, "somebody", Alerts())
    assert asked[0]["PhoneNumber"] == PHONE
    assert asked[0]["MessageAttributes"] == {
        "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}
    }


def test_a_text_names_its_sender_and_what_it_may_cost(aws: AwsClients) -> None:
    client = aws.sns()
    asked: list[dict[str, Any]] = []
    client.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: asked.append(params))
    assert SnsTextSender(client).send(PHONE, "somebody", Alerts(sender_id="FrameWatch", max_price_usd=0.00004))
    sent = {name: value for name, value in asked[0]["MessageAttributes"].items() if not name.endswith("SMSType")}
    assert sent == {
        "AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "FrameWatch"},
        "AWS.SNS.SMS.MaxPrice": {"DataType": "Number", "StringValue": "0.00004"},
    }


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (client_error("InvalidParameter", f"Invalid parameter: PhoneNumber {PHONE}"), NotificationRejected),
        (client_error("OptedOut", f"{PHONE} has opted out"), NotificationRejected),
        (client_error("Throttled", f"slow down {PHONE}"), NotificationUnavailable),
        (client_error("AuthorizationError", PHONE), NotificationUnavailable),
        (EndpointConnectionError(endpoint_url=f"https://sns/{PHONE}"), NotificationUnavailable),
    ],
)
def test_no_error_of_a_text_holds_the_number(error: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected) as caught:
        SnsTextSender(failing(error)).send(PHONE, "somebody", Alerts())
    assert masked(PHONE) in str(caught.value)
    assert PHONE not in str(caught.value)
    assert caught.value.__suppress_context__  # or a traceback prints SNS's own message


def test_a_number_that_answered_stop_has_opted_out_and_another_has_not(aws: AwsClients) -> None:
    # moto says so of every number that ends on 99.
    texts = SnsTextSender(aws.sns())
    assert (texts.has_opted_out("+34600123499"), texts.has_opted_out(PHONE)) == (True, False)


@pytest.mark.parametrize(
    "error",
    [client_error("Throttled", f"slow down {PHONE}"), EndpointConnectionError(endpoint_url=f"https://sns/{PHONE}")],
)
def test_where_sns_does_not_say_nobody_has_opted_out_and_the_log_holds_no_number(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert SnsTextSender(failing(error)).has_opted_out(PHONE) is False
    assert f"SNS does not say whether {masked(PHONE)} has opted out" in caplog.text
    assert PHONE not in caplog.text


def test_counts_of_one_flush_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    meter = EmfMeter("image_processor", "test")
    meter.flush()
    for _ in range(3):
        meter.count("FramesStored")
    meter.time_ms("CaptureToStoredMs", 120.5)
    meter.count("Lost", 2, {"camera": "front"})
    meter.flush()
    meter.flush()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line.get("Lost"), line.get("camera")) for line in lines] == [([2.0], "front"), (None, None)]
    assert lines[1]["FramesStored"] == [1.0, 1.0, 1.0]
    assert lines[1]["CaptureToStoredMs"] == [120.5]
    assert lines[1]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Framewatch"
