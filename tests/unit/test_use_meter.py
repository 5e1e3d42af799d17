"""What is counted of botocore's requests: answered on the wire here, attempt by attempt."""

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from moto import mock_aws

from framewatch.adapters.aws.clients import VISION, AwsClients
from framewatch.adapters.aws.dynamo import DynamoTable, make_item
from framewatch.domain.usage import Number, Usage, UsageKind
from framewatch.wire.sms import parts_of
from tests.aws import REGION, TABLE, create_table, json_response, set_credentials, stub_detect_labels
from tests.frames import NOON

URL = "https://stub.example"


class Counted:
    def __init__(self) -> None:
        self.use = Usage()

    def count(self, kind: UsageKind, amount: Number = 1) -> None:
        self.use += Usage({kind: amount})


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch, counted: Counted) -> Iterator[AwsClients]:
    set_credentials(monkeypatch)
    monkeypatch.setattr("time.sleep", lambda _: None)
    yield AwsClients(workers=1, region=REGION, use=counted)


def detect(clients: AwsClients, *answers: Any) -> None:
    """One call, whose attempts are answered so, one after the other."""
    rekognition, left = clients.rekognition(), list(answers)
    stub_detect_labels(rekognition, lambda _: left.pop(0))
    with suppress(ClientError, BotoCoreError):
        rekognition.detect_labels(Image={"Bytes": b"a picture"})
    assert not left


@pytest.mark.parametrize(
    ("answers", "billed"),
    [
        ([{"Labels": []}], 1),
        ([ReadTimeoutError(endpoint_url=URL), {"Labels": []}], 2),
        ([ConnectionClosedError(endpoint_url=URL), {"Labels": []}], 2),
        ([ReadTimeoutError(endpoint_url=URL)] * VISION.attempts, VISION.attempts),
        (["ThrottlingException", {"Labels": []}], 1),
        (["ProvisionedThroughputExceededException"] * VISION.attempts, 0),
        ([ConnectTimeoutError(endpoint_url=URL), EndpointConnectionError(endpoint_url=URL)], 0),
        (["InvalidImageFormatException"], 0),
        (["AccessDeniedException"], 0),
    ],
    ids=str,
)
def test_an_attempt_counts_when_it_may_have_been_billed(
    clients: AwsClients, counted: Counted, answers: list[Any], billed: int
) -> None:
    detect(clients, *answers)
    assert counted.use == Usage({UsageKind.IMAGES_ANALYSED: billed})


def test_what_fails_inside_the_service_may_have_been_billed(clients: AwsClients, counted: Counted) -> None:
    rekognition: Any = clients.rekognition()

    def send(request: AWSRequest, **_: Any) -> AWSResponse:
        return json_response(500, {"__type": "InternalServerError"})

    rekognition.meta.events.register_first("before-send.rekognition.DetectLabels", send)
    with pytest.raises(ClientError):
        rekognition.detect_labels(Image={"Bytes": b"a picture"})
    assert counted.use == Usage({UsageKind.IMAGES_ANALYSED: VISION.attempts})


@pytest.fixture
def aws(clients: AwsClients) -> Iterator[AwsClients]:
    with mock_aws():
        create_table(boto3.client("dynamodb"))
        boto3.client("s3").create_bucket(
            Bucket="frames", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield clients


def test_dynamodb_says_what_each_request_has_consumed(aws: AwsClients, counted: Counted) -> None:
    client: Any = aws.dynamodb()
    answers: Iterator[dict[str, Any]] = iter(
        [
            {"ConsumedCapacity": {"TableName": TABLE, "CapacityUnits": 2.0}},
            {"ConsumedCapacity": {"TableName": TABLE, "CapacityUnits": 0.5}, "Items": []},
            {"ConsumedCapacity": [{"TableName": TABLE, "CapacityUnits": 7.0}]},
            {"ConsumedCapacity": [{"TableName": TABLE, "CapacityUnits": 3.0}], "Responses": {}},
        ]
    )
    seen: list[Any] = []

    def send(request: AWSRequest, **_: Any) -> AWSResponse:
        seen.append(request.body)
        return json_response(200, next(answers))

    client.meta.events.register_first("before-send.dynamodb", send)
    table = DynamoTable(client, TABLE)
    item = make_item(("a", "b"), NOON)
    table.put(item)
    list(table.query_up("a", first="a", last="z"))
    table.transact([table.to_put(item)])
    table.batch_get([("a", "b")])
    assert counted.use == Usage({UsageKind.DYNAMODB_WRITE_UNITS: 9, UsageKind.DYNAMODB_READ_UNITS: Decimal("3.5")})
    assert all(b'"ReturnConsumedCapacity": "TOTAL"' in body for body in seen)


def test_a_condition_that_does_not_hold_costs_a_unit_an_item(aws: AwsClients, counted: Counted) -> None:
    table = DynamoTable(aws.dynamodb(), TABLE)
    item = make_item(("a", "b"), NOON)
    assert table.put_new(item)
    before = counted.use
    assert not table.put_new(item)
    assert counted.use - before == Usage({UsageKind.DYNAMODB_WRITE_UNITS: 1})
    before = counted.use
    new = {"ConditionExpression": "attribute_not_exists(pk)"}
    other = make_item(("a", "c"), NOON)
    with pytest.raises(Exception, match="somebody else"):
        table.transact([table.to_put(item, new), table.to_put(other)])
    assert counted.use - before == Usage({UsageKind.DYNAMODB_WRITE_UNITS: 4})


def test_s3_requests_are_of_two_classes_and_links_are_none(aws: AwsClients, counted: Counted) -> None:
    s3 = aws.s3()
    s3.put_object(Bucket="frames", Key="a", Body=b"x")
    s3.get_object(Bucket="frames", Key="a")
    with pytest.raises(ClientError):
        s3.get_object(Bucket="frames", Key="none")
    s3.generate_presigned_url("get_object", Params={"Bucket": "frames", "Key": "a"})
    s3.delete_object(Bucket="frames", Key="a")
    assert counted.use == Usage({UsageKind.S3_PUT_REQUESTS: 1, UsageKind.S3_GET_REQUESTS: 2})


def test_texts_are_counted_by_their_parts_and_the_topic_by_itself(aws: AwsClients, counted: Counted) -> None:
    sns = aws.sns()
    sns.publish(PhoneNumber="+34600123456", Message="a" * 160)
    sns.publish(PhoneNumber="+34600123456", Message="Ж" * 71)
    topic = boto3.client("sns").create_topic(Name="alerts")["TopicArn"]
    sns.publish(TopicArn=topic, Message="a" * 1000)
    assert counted.use == Usage({UsageKind.SMS_PARTS: 3, UsageKind.TOPIC_PUBLISHES: 1})


def test_a_number_that_is_refused_costs_nothing(aws: AwsClients, counted: Counted) -> None:
    with pytest.raises(ClientError):
        aws.sns().publish(PhoneNumber="nobody", Message="a")
    assert counted.use == Usage()


def test_queue_requests_are_counted(aws: AwsClients, counted: Counted) -> None:
    url = boto3.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
    aws.sqs().send_message(QueueUrl=url, MessageBody="x")
    assert counted.use == Usage({UsageKind.SQS_REQUESTS: 1})


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("Ж" * 70, 1),
        ("Ж" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("one\nline", 1),
    ],
)
def test_a_text_has_as_many_parts_as_a_carrier_makes_of_it(text: str, parts: int) -> None:
    assert parts_of(text) == parts
