"""Invoking the function, and where batches go that are given up: against moto, and against answers of Lambda's."""

import io
import json
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from local_cloud.event_source import connect
from local_cloud.stream_batches import EventEncoder, MappingSettings, StreamRecord
from local_cloud.stream_delivery import Answer, DeliveryCounters, GivenUp, GiveUpReason, NotInvoked, PayloadTooLarge
from local_cloud.stream_targets import FailureDestination, LambdaInvoker, failure_key

NOW = datetime(2026, 5, 1, 12, 30, 5, tzinfo=UTC)
RECORDS = [StreamRecord("shardId-000000000001", f"4959{n}", "cam", b"data", NOW) for n in range(2)]
GIVEN_UP = GivenUp(RECORDS, GiveUpReason.RETRIES, 3, Answer("Unhandled", {"errorMessage": "boom"}))


def settings(destination: str | None = None) -> MappingSettings:
    return MappingSettings(
        uuid="11111111-2222-3333-4444-555555555555",
        stream_arn="arn:aws:kinesis:us-east-1:123456789012:stream/frames",
        function_arn="arn:aws:lambda:us-east-1:123456789012:function:processor",
        destination_arn=destination,
    )


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        clients = {}

        def client(service, config=None, /):
            return clients.setdefault(service, boto3.client(service, region_name="us-east-1"))

        yield client


def give_up(client, destination: str | None) -> None:
    s = settings(destination)
    FailureDestination(s, EventEncoder(s, "role"), client, lambda: NOW)(GIVEN_UP)


def test_a_bucket_gets_the_batch_with_its_records(aws):
    aws("s3").create_bucket(Bucket="failed")
    give_up(aws, "arn:aws:s3:::failed")
    (entry,) = aws("s3").list_objects_v2(Bucket="failed")["Contents"]
    assert entry["Key"].startswith(
        "aws/lambda/11111111-2222-3333-4444-555555555555/shardId-000000000001/2026/05/01/2026-05-01T12.30.05-"
    )
    body = json.loads(aws("s3").get_object(Bucket="failed", Key=entry["Key"])["Body"].read())
    assert [r["kinesis"]["data"] for r in json.loads(body["payload"])["Records"]] == ["ZGF0YQ==", "ZGF0YQ=="]
    assert body["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert body["KinesisBatchInfo"]["batchSize"] == 2


def test_a_queue_gets_metadata_alone(aws):
    url = aws("sqs").create_queue(QueueName="failed")["QueueUrl"]
    give_up(aws, "arn:aws:sqs:us-east-1:123456789012:failed")
    (message,) = aws("sqs").receive_message(QueueUrl=url)["Messages"]
    body = json.loads(message["Body"])
    assert "payload" not in body
    assert body["KinesisBatchInfo"]["startSequenceNumber"] == "49590"


def test_without_a_destination_nothing_is_sent(aws):
    give_up(aws, None)


def test_a_destination_that_lambda_does_not_offer_is_refused(aws):
    with pytest.raises(ValueError, match="dynamodb"):
        give_up(aws, "arn:aws:dynamodb:us-east-1:123456789012:table/t")


def test_two_batches_given_up_in_one_second_do_not_share_a_key():
    assert failure_key(settings(), "s", NOW) != failure_key(settings(), "s", NOW)


class FakeLambda:
    def __init__(self, outcome):
        self.outcome = outcome
        self.asked = []

    def get_function_configuration(self, FunctionName):
        return {"Role": "arn:aws:iam::123456789012:role/processor"}

    def invoke(self, **request):
        self.asked.append(request)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        function_error, payload = self.outcome
        answer = {"StatusCode": 200, "Payload": io.BytesIO(payload)}
        return answer | ({"FunctionError": function_error} if function_error else {})


def invoke(outcome) -> tuple[Answer, FakeLambda, object]:
    fake, given_config = FakeLambda(outcome), []

    def client(service, config=None, /):
        given_config.append(config)
        return fake

    return LambdaInvoker(settings(), client)(RECORDS), fake, given_config[0]


def test_lambda_invokes_as_itself_and_does_the_rest_as_the_functions_role(aws):
    asked: list[tuple[str, str]] = []
    aws("s3").create_bucket(Bucket="failed")

    def clients_of(who):
        def client(service, config=None, /):
            asked.append((who, service))
            return FakeLambda((None, b"")) if service == "lambda" else aws(service)

        return client

    source = connect(settings("arn:aws:s3:::failed"), clients_of("Lambda"), as_role=clients_of)
    source.give_up(DeliveryCounters(), GIVEN_UP)
    role = "arn:aws:iam::123456789012:role/processor"
    assert asked == [("Lambda", "lambda"), (role, "kinesis"), (role, "s3")]
    assert aws("s3").list_objects_v2(Bucket="failed")["KeyCount"] == 1


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Invoke")


def test_the_function_is_invoked_synchronously_with_the_whole_batch_and_never_retried_by_the_sdk():
    answer, fake, config = invoke((None, b'{"batchItemFailures": []}'))
    assert answer == Answer(None, {"batchItemFailures": []})
    (request,) = fake.asked
    assert request["InvocationType"] == "RequestResponse"
    assert len(json.loads(request["Payload"])["Records"]) == 2
    assert config.retries == {"total_max_attempts": 1}
    assert config.read_timeout > 900  # the longest a function may run


def test_a_function_error_is_an_answer():
    assert invoke(("Unhandled", b'{"errorMessage": "boom"}'))[0].function_error == "Unhandled"


def test_an_answer_that_is_no_json_is_kept_as_text_and_an_empty_one_is_none():
    assert invoke((None, b"<html>"))[0].payload == "<html>"
    assert invoke((None, b""))[0].payload is None


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ServiceException", "ResourceNotFoundException"])
def test_throttles_and_service_errors_mean_that_the_function_did_not_run(code):
    with pytest.raises(NotInvoked, match=code):
        invoke(client_error(code))


def test_no_answer_means_that_the_function_did_not_run():
    with pytest.raises(NotInvoked):
        invoke(ReadTimeoutError(endpoint_url="http://127.0.0.1"))


def test_a_payload_over_the_limit_can_never_be_invoked():
    with pytest.raises(PayloadTooLarge):
        invoke(client_error("RequestTooLargeException"))
