"""Records into the stream: PutRecords, its partial failures, throttling, outages.

Invariants: a record handed to `send` ends in exactly one of on_sent and on_failed; only what failed is sent again;
what waits for its next try is bounded by `is_full`, which the caller asks before it brings more.
A request whose answer was lost may have been taken in, so its records can come twice: the frame id tells the reader.
"""

import heapq
import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
)

from edge_client.buffer import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, Record

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

# With full jitter between 0.1 and 5 s, ten tries ride out about 15 s.
MAX_TRIES = 10
BACKOFF_BASE_S = 0.1
BACKOFF_CAP_S = 5.0
_MAX_WAITING_RECORDS = 1000
_MAX_WAITING_BYTES = 32 * 1024 * 1024

_THROTTLED = frozenset(
    (
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "LimitExceededException",
        "KMSThrottlingException",
    )
)
# The same request cannot succeed until a person changes something. Anything else may pass.
_HOPELESS = {
    "ResourceNotFoundException": "there is no such stream in this region and account; check its name, or deploy",
    "AccessDeniedException": "the credentials may not write to it; grant kinesis:PutRecords on it",
    "UnrecognizedClientException": "the credentials are not valid; check the access key",
    "InvalidSignatureException": "the signature does not match; check the secret key and this machine's clock",
    "SignatureDoesNotMatch": "the signature does not match; check the secret key and this machine's clock",
    "InvalidClientTokenId": "the credentials are not valid; check the access key",
    "IncompleteSignature": "the credentials are not valid; check the access key",
    "ExpiredTokenException": "the session token has expired; sign in again",
    "ExpiredToken": "the session token has expired; sign in again",
    "KMSAccessDeniedException": "the credentials may not use its encryption key; grant kms:GenerateDataKey",
    "KMSDisabledException": "its encryption key is disabled; enable it",
    "KMSInvalidStateException": "its encryption key is not usable; check its state",
    "KMSNotFoundException": "its encryption key does not exist; check the stream's encryption",
    "KMSOptInRequired": "the account has no access to the key service; subscribe to it",
    "ValidationException": "the request was refused as malformed; check the stream's name",
    "InvalidArgumentException": "the request was refused as malformed; check the stream's name",
}


class StreamUnusable(Exception):
    """No record can get into this stream. The message is a sentence for a person."""


@dataclass(order=True, slots=True)
class _Retry:
    due_s: float
    number: int  # among those due at once, the older first
    tries: int = field(compare=False)
    record: Record = field(compare=False)
    code: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    record: Record
    shard_id: str
    sequence_number: str
    tries: int


class Producer:
    """Not for several threads. clock: monotonic seconds."""

    def __init__(
        self,
        client: "KinesisClient",
        stream_name: str,
        *,
        on_sent: Callable[[Accepted], None],
        on_failed: Callable[[Record, str], None],
        max_tries: int = MAX_TRIES,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._client = client
        self._stream_name = stream_name
        self._on_sent = on_sent
        self._on_failed = on_failed
        self._max_tries = max_tries
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - it spreads retries, it keeps no secret
        self._waiting: list[_Retry] = []
        self._waiting_bytes = 0
        self._numbers = itertools.count()
        self._refused_in_a_row = 0
        self._pause_until_s = 0.0

    @property
    def is_full(self) -> bool:
        """No new records now: too many wait for another try, or the whole stream asked for a pause."""
        return (
            len(self._waiting) >= _MAX_WAITING_RECORDS
            or self._waiting_bytes >= _MAX_WAITING_BYTES
            or self._clock() < self._pause_until_s
        )

    @property
    def is_idle(self) -> bool:
        return not self._waiting

    def until_next_s(self) -> float | None:
        """Seconds until there is something to send again; None when nothing waits."""
        if not self._waiting:
            return None
        return max(0.0, max(self._waiting[0].due_s, self._pause_until_s) - self._clock())

    def send(self, records: Sequence[Record]) -> None:
        """One request of new records, within the limits of one. Raises StreamUnusable, with all of them failed."""
        self._request([(record, 1) for record in records])

    def send_due(self) -> None:
        """One request of those whose time has come again, if any."""
        now_s = self._clock()
        if now_s < self._pause_until_s:
            return
        batch: list[tuple[Record, int]] = []
        size = 0
        while self._waiting and self._waiting[0].due_s <= now_s and len(batch) < MAX_BATCH_RECORDS:
            if size + self._waiting[0].record.size > MAX_BATCH_BYTES:
                break
            retry = heapq.heappop(self._waiting)
            size += retry.record.size
            batch.append((retry.record, retry.tries + 1))
        self._waiting_bytes -= size
        if batch:
            self._request(batch)

    def give_up(self, message: str) -> None:
        """Fails all that waits."""
        waiting, self._waiting, self._waiting_bytes = sorted(self._waiting), [], 0
        for retry in waiting:
            self._on_failed(retry.record, f"{message} (last answer: {retry.code})")

    def _request(self, batch: list[tuple[Record, int]]) -> None:
        try:
            answer = self._client.put_records(
                StreamName=self._stream_name,
                Records=[{"Data": record.data, "PartitionKey": record.camera_id} for record, _ in batch],
            )
        except (ClientError, BotoCoreError) as error:
            self._request_refused(batch, error)
            return
        self._refused_in_a_row = 0
        jitter = self._rng.random()
        for (record, tries), result in zip(batch, answer["Records"], strict=True):
            code = result.get("ErrorCode")
            if code:
                self._try_again(record, tries, code, jitter)
            else:
                self._on_sent(Accepted(record, result["ShardId"], result["SequenceNumber"], tries))

    def _request_refused(self, batch: list[tuple[Record, int]], error: ClientError | BotoCoreError) -> None:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        hopeless = _HOPELESS.get(code)
        if isinstance(error, NoCredentialsError | PartialCredentialsError):
            hopeless = "there are no AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"
        elif isinstance(error, NoRegionError | ParamValidationError):
            hopeless = str(error)
        if hopeless:
            message = f"cannot write to stream {self._stream_name}: {hopeless} ({code})."
            for record, _ in batch:
                self._on_failed(record, message)
            self.give_up(message)
            raise StreamUnusable(message)
        # One pause for all: every camera's next request would meet the same outage.
        self._refused_in_a_row += 1
        jitter = self._rng.random()
        self._pause_until_s = self._clock() + _backoff_s(self._refused_in_a_row, jitter)
        for record, tries in batch:
            self._try_again(record, tries, code, jitter)

    def _try_again(self, record: Record, tries: int, code: str, jitter: float) -> None:
        """jitter: 0..1, one for a whole request, so that what failed together goes together and in its order."""
        if tries >= self._max_tries:
            self._on_failed(record, self._exhausted(record, code))
            return
        due_s = self._clock() + _backoff_s(tries, jitter)
        heapq.heappush(self._waiting, _Retry(due_s, next(self._numbers), tries, record, code))
        self._waiting_bytes += record.size

    def _exhausted(self, record: Record, code: str) -> str:
        advice = "check the network and the service's status"
        if code in _THROTTLED:
            advice = "add shards, or sample fewer frames"
        return (
            f"{record.camera_id}: stream {self._stream_name} did not take frames after {self._max_tries} tries"
            f" ({code}); {advice}."
        )


def _backoff_s(tries: int, jitter: float) -> float:
    # Full jitter: many clients that failed together must not come back together.
    return jitter * min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** (tries - 1))
