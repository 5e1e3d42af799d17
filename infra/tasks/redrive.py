"""Failed records back onto the stream, after what made them fail is mended.

Two places hold them: the failure queue points at records that the processor rejected, and Lambda keeps whole batches
that it gave up. Invariants:
- a record is removed from either only after the stream has taken it, so a crash in between puts it there twice;
- twice is once: the processor knows a frame by its id;
- what fails while this runs is left for the next time, so this ends.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.settings import GIVEN_UP_PREFIX
from infra.tasks.objects import objects_below
from infra.tasks.problem import TaskProblem, code_of
from infra.tasks.session import Stage
from infra.tasks.stacks import outputs

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# One PutRecords takes 500 records and 5 MiB with their keys.
_MAX_RECORDS = 500
_MAX_BYTES = 4_500_000
# A shard takes 1 MB/s; 1 + 2 + 4 + ... s is patience enough for a full request.
_ATTEMPTS = 7
# How long a pointer is ours; one that outlives it is redriven twice, which is once.
_HOLD_S = 900
# Asks every server of the queue; without a wait it would be a sample of them.
WAIT_S = 1


@dataclass(slots=True)
class Tally:
    """by_error: records by what was wrong with them; reasons: the last reason of each."""

    by_error: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    put: int = 0
    gone: int = 0
    newer: int = 0

    def count(self, error: str, reason: str, records: int = 1) -> None:
        self.by_error[error] = self.by_error.get(error, 0) + records
        self.reasons[error] = reason


@dataclass(frozen=True, slots=True)
class _Record:
    partition_key: str
    data: bytes


def redrive(
    stage: Stage, *, error: str = "", dry: bool = False, sleep: Callable[[float], None] = time.sleep
) -> Tally:
    """error: only records that failed with it. dry: only counts. Raises TaskProblem; then the rest stays as it is."""
    tally = Tally()
    _Redrive(stage, outputs(stage), error=error, dry=dry, tally=tally, sleep=sleep).run()
    for name, count in sorted(tally.by_error.items()):
        print(f"{name}: {count} record{'s' if count != 1 else ''}, such as: {tally.reasons[name]}")
    if dry:
        print(f"{sum(tally.by_error.values())} records would be put back on the stream; nothing was changed")
        return tally
    print(f"{tally.put} records are back on the stream")
    if tally.gone:
        print(f"{tally.gone} pointers led to no record (put back before, or past its days) and are removed")
    if tally.newer:
        print(f"{tally.newer} failed since this began and are left")
    if tally.put:
        print(f"one that fails again comes back with its reason: `pynt redrive[{stage.name},dry=true]` in a minute")
    return tally


class _Redrive:
    def __init__(
        self,
        stage: Stage,
        found: dict[str, str],
        *,
        error: str,
        dry: bool,
        tally: Tally,
        sleep: Callable[[float], None],
    ):
        self._stage = stage
        self._queue, self._bucket = found["FailureQueueUrl"], found["FramesBucketName"]
        self._stream = found["StreamName"]
        self._error, self._dry, self._tally, self._sleep = error, dry, tally, sleep
        self._s3 = stage.session.client("s3")
        self._sqs = stage.session.client("sqs")
        self._kinesis = stage.session.client("kinesis")
        self._began = datetime.now(UTC)
        # Messages that are only looked at: they are invisible to everybody until they are let go.
        self._held: list[str] = []

    def run(self) -> None:
        try:
            while messages := self._receive():
                for message in messages:
                    self._pointer(message)
        finally:
            for receipt in self._held:
                self._sqs.change_message_visibility(QueueUrl=self._queue, ReceiptHandle=receipt, VisibilityTimeout=0)
        for key in list(self._batches()):
            self._batch(key)

    # -- what the processor rejected -------------------------------------------------------------------------------

    def _receive(self) -> Sequence["MessageTypeDef"]:
        return self._sqs.receive_message(
            QueueUrl=self._queue,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_HOLD_S,
            WaitTimeSeconds=WAIT_S,
            MessageSystemAttributeNames=["SentTimestamp"],
        ).get("Messages", [])

    def _pointer(self, message: "MessageTypeDef") -> None:
        receipt = message["ReceiptHandle"]
        if int(message["Attributes"]["SentTimestamp"]) >= self._began.timestamp() * 1000:
            self._tally.newer += 1
            self._held.append(receipt)
            return
        try:
            pointer = json.loads(message["Body"])
            error, reason = str(pointer["error"]), str(pointer["reason"])
            bucket, key, partition_key = pointer["bucket"], pointer["key"], pointer["partition_key"]
        except (ValueError, KeyError, TypeError):
            self._tally.count("not a pointer", message["Body"][:100])
            self._held.append(receipt)
            return
        if self._error and error != self._error:
            self._held.append(receipt)
            return
        self._tally.count(error, reason)
        if self._dry:
            self._held.append(receipt)
            return
        data = self._read(bucket, key)
        if data is None:
            self._tally.gone += 1
        else:
            self._put([_Record(partition_key, data)])
            self._s3.delete_object(Bucket=bucket, Key=key)
        self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=receipt)

    def _read(self, bucket: str, key: str) -> bytes | None:
        try:
            return self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if code_of(error) == "NoSuchKey":
                return None
            raise

    # -- what Lambda gave up ---------------------------------------------------------------------------------------

    def _batches(self) -> Iterator[str]:
        for found in objects_below(self._stage, self._bucket, GIVEN_UP_PREFIX):
            if found["LastModified"] < self._began:
                yield found["Key"]
            else:
                self._tally.newer += 1

    def _batch(self, key: str) -> None:
        data = self._read(self._bucket, key)
        if data is None:
            return
        try:
            condition, records = given_up(data)
        except (ValueError, KeyError, TypeError) as error:
            self._tally.count("not a batch of Lambda's", f"{key}: {error!r}")
            return
        if self._error and condition != self._error:
            return
        self._tally.count(condition, f"given up by Lambda, kept as {key}", len(records))
        if not self._dry:
            self._put(records)
            self._s3.delete_object(Bucket=self._bucket, Key=key)

    # -- back to the stream ----------------------------------------------------------------------------------------

    def _put(self, records: Sequence[_Record]) -> None:
        """Returns when the stream has every one of them. Raises TaskProblem."""
        for request in _requests(records):
            waiting = list(request)
            for attempt in range(_ATTEMPTS):
                answer = self._kinesis.put_records(
                    StreamName=self._stream,
                    Records=[{"Data": r.data, "PartitionKey": r.partition_key} for r in waiting],
                )["Records"]
                refused = [(r, a) for r, a in zip(waiting, answer, strict=True) if a.get("ErrorCode")]
                self._tally.put += len(waiting) - len(refused)
                if not refused:
                    break
                waiting = [record for record, _ in refused]
                if attempt + 1 == _ATTEMPTS:
                    raise TaskProblem(
                        f"the stream {self._stream} refuses records ({refused[0][1].get('ErrorCode')});"
                        " what was not put stays where it was, run the same command again later"
                    )
                self._sleep(2.0**attempt)


def given_up(data: bytes) -> tuple[str, list[_Record]]:
    """Why Lambda gave the batch up, and its records. Raises ValueError, KeyError or TypeError for anything else.

    The format is that of "Retain discarded batch records for a Kinesis Data Streams event source in Lambda" in the
    Lambda developer guide: with an S3 destination `payload` is the whole event, as a string.
    """
    body = json.loads(data)
    payload: Any = body["payload"]
    event = json.loads(payload) if isinstance(payload, str) else payload
    records = [
        _Record(r["kinesis"]["partitionKey"], base64.b64decode(r["kinesis"]["data"], validate=True))
        for r in event["Records"]
    ]
    return str(body["requestContext"]["condition"]), records


def _requests(records: Sequence[_Record]) -> Iterator[list[_Record]]:
    """In order, each small enough for one PutRecords."""
    request: list[_Record] = []
    size = 0
    for record in records:
        own = len(record.data) + len(record.partition_key)
        if request and (len(request) == _MAX_RECORDS or size + own > _MAX_BYTES):
            yield request
            request, size = [], 0
        request.append(record)
        size += own
    if request:
        yield request
