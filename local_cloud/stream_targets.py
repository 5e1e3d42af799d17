"""The function that is invoked, and where batches go that are given up.

That is an S3 bucket (with the records in the object), or an SQS queue or SNS topic (metadata only). The invocation
record and the S3 key are those of "Retain discarded batch records for a Kinesis Data Streams event source in Lambda"
in the Lambda developer guide.
"""

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.clients import ClientFactory
from local_cloud.stream_batches import EventEncoder, MappingSettings, StreamRecord
from local_cloud.stream_delivery import Answer, GivenUp, NotInvoked, PayloadTooLarge

# A synchronous invocation answers when the function does, which may be after 15 minutes.
_LAMBDA_READ_TIMEOUT_S = 15 * 60 + 30


class LambdaInvoker:
    """Invokes the mapping's function, synchronously, once for each call."""

    def __init__(self, settings: MappingSettings, client: ClientFactory) -> None:
        self._function_arn = settings.function_arn
        # Never retried here: how often a batch is tried is the mapping's business.
        self._client = client(
            "lambda",
            Config(retries={"total_max_attempts": 1}, read_timeout=_LAMBDA_READ_TIMEOUT_S, max_pool_connections=64),
        )
        self.role_arn: str = self._client.get_function_configuration(FunctionName=settings.function_arn)["Role"]
        self.encoder = EventEncoder(settings, self.role_arn)

    def __call__(self, records: Sequence[StreamRecord]) -> Answer:
        try:
            response = self._client.invoke(
                FunctionName=self._function_arn,
                InvocationType="RequestResponse",
                Payload=self.encoder.encode(records),
            )
            raw = response["Payload"].read()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code == "RequestTooLargeException":
                raise PayloadTooLarge(str(error)) from None
            raise NotInvoked(str(error)) from None
        except BotoCoreError as error:
            raise NotInvoked(str(error)) from None
        try:
            payload = json.loads(raw) if raw else None
        except ValueError:
            payload = raw.decode(errors="replace")
        return Answer(response.get("FunctionError"), payload)


def _iso_ms(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def invocation_record(settings: MappingSettings, given_up: GivenUp, now: datetime) -> dict[str, Any]:
    """The metadata of a batch that was given up; the records themselves are not in it."""
    first, last = given_up.records[0], given_up.records[-1]
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": settings.function_arn,
            "condition": str(given_up.reason),
            "approximateInvokeCount": given_up.invocations,
        },
        "version": "1.0",
        "timestamp": _iso_ms(now),
        "KinesisBatchInfo": {
            "shardId": first.shard_id,
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": _iso_ms(first.arrived_at),
            "approximateArrivalOfLastRecord": _iso_ms(last.arrived_at),
            "batchSize": len(given_up.records),
            "streamArn": settings.stream_arn,
        },
    }
    if given_up.last is not None:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": given_up.last.function_error,
        }
    return record


def failure_key(settings: MappingSettings, shard_id: str, now: datetime) -> str:
    at = now.astimezone(UTC)
    return f"aws/lambda/{settings.uuid}/{shard_id}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


class FailureDestination:
    """Sends one invocation record for each batch that is given up. Raises whatever the client raises."""

    def __init__(
        self,
        settings: MappingSettings,
        encoder: EventEncoder,
        client: ClientFactory,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._encoder = encoder
        self._client = client
        self._now = now

    def __call__(self, given_up: GivenUp) -> None:
        arn = self._settings.destination_arn
        if arn is None:
            return
        now = self._now()
        body = invocation_record(self._settings, given_up, now)
        service = arn.split(":")[2]
        if service == "s3":
            body["payload"] = self._encoder.encode(given_up.records).decode()
            s3, bucket = self._client("s3"), arn.rpartition(":")[2]
            # Lambda wants both s3:ListBucket and s3:PutObject of the function's role; a put alone would not show it.
            s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
            s3.put_object(
                Bucket=bucket,
                Key=failure_key(self._settings, given_up.records[0].shard_id, now),
                Body=json.dumps(body).encode(),
                ContentType="application/json",
            )
        elif service == "sqs":
            sqs = self._client("sqs")
            _, _, _, _, account, queue = arn.split(":")
            url = sqs.get_queue_url(QueueName=queue, QueueOwnerAWSAccountId=account)["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
        elif service == "sns":
            self._client("sns").publish(TopicArn=arn, Message=json.dumps(body))
        else:
            raise ValueError(f"a failure destination in {service} is not something that Lambda offers for a stream")
