"""FailureStore over S3 and SQS: the raw record in the bucket, a pointer to it in the queue."""

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from framewatch.adapters.aws.errors import storage_errors
from framewatch.services.ports import RawRecord
from framewatch.wire.envelope import format_utc

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
MAX_REASON_CHARS = 1000


def reason_code(error_name: str) -> str:
    """`EnvelopeError` -> `envelope-error`, a folder name."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", error_name).lower()


def failed_key(record: RawRecord, error_name: str, at: datetime) -> str:
    """The same for every delivery of one record, so that keeping it twice keeps it once."""
    day = (record.arrived_at or at).astimezone(UTC).strftime("%Y/%m/%d")
    name = _UNSAFE.sub("_", f"{record.shard_id}-{record.record_id}")
    return f"failed/{reason_code(error_name)}/{day}/{name}.bin"


class S3SqsFailureStore:
    def __init__(
        self, s3_client: "S3Client", sqs_client: "SQSClient", *, bucket: str, queue_url: str, stream: str = ""
    ):
        self._s3 = s3_client
        self._sqs = sqs_client
        self._bucket = bucket
        self._queue_url = queue_url
        self._stream = stream

    def keep(self, record: RawRecord, reason: str, error_name: str, at: datetime) -> str:
        key = failed_key(record, error_name, at)
        with storage_errors(f"s3://{self._bucket}/{key}: put"):
            self._s3.put_object(
                Bucket=self._bucket, Key=key, Body=record.data, ContentType="application/octet-stream"
            )
        pointer = {
            "bucket": self._bucket,
            "key": key,
            "error": error_name,
            "reason": reason[:MAX_REASON_CHARS],
            "stream": self._stream,
            "shard_id": record.shard_id,
            "sequence_number": record.record_id,
            # What a replay needs to put the record back where it came from.
            "partition_key": record.partition_key,
            "arrived_at": format_utc(record.arrived_at) if record.arrived_at else None,
            "failed_at": format_utc(at),
            "size": len(record.data),
        }
        with storage_errors("the failure queue: send"):
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(pointer, sort_keys=True))
        return key
