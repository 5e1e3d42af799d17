"""Records into the stream: PutRecords, its partial failures, throttling, outages.

Invariants: a record handed to `send` ends in exactly one of on_sent and on_failed, or with `keeps` goes on waiting
where it came from; only what failed is sent again; what waits for its next try is bounded by `is_full`, which the
caller asks before it brings more. Live records and backlog are never in one request, no backlog goes while a live
record waits for its next try, and what is not sent again goes in the order in which it came.
A request whose answer was lost may have been taken in, so its records can come twice: the frame id tells the reader.

Credentials: botocore refreshes what a profile, a role, an instance or a process gives out. A session token from the
environment or from a file it has read once it cannot; so after a refusal that says so, a client_factory builds a new
client, which reads everything afresh.
"""

import heapq
import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from edge_client.buffer import MAX_BATCH_RECORDS, Record, RecordStore
from edge_client.pace import MAX_REQUEST_BYTES, BacklogPace
from edge_client.stream_errors import MALFORMED, THROTTLED, code_of, hopeless_because

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

# With full jitter between 0.1 and 5 s, ten tries ride out about 15 s.
MAX_TRIES = 10
BACKOFF_BASE_S = 0.1
BACKOFF_CAP_S = 5.0
_KEPT_THROTTLED_CAP_S = 1.0
# While a person has to change something, asking often helps nobody.
_UNUSABLE_BASE_S, _UNUSABLE_CAP_S = 1.0, 60.0
_MAX_WAITING_RECORDS = 1000
_MAX_WAITING_BYTES = 32 * 1024 * 1024
# How soon a stop is noticed.
_POLL_S = 0.2
_LEAST_WAIT_S = 0.005


class StreamUnusable(Exception):
    """No record can get into this stream. The message is a sentence for a person."""


class UnreadableAnswer(Exception):
    """It is no answer to PutRecords."""


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
    """Not for several threads. clock: monotonic seconds.

    keeps: whoever hands records in keeps them until on_sent. Then none fails for want of tries or because the stream
    cannot be used; on_trouble is told why nothing goes, once, and None when it goes again. Only a perishable record,
    and one that the stream refuses as malformed while it takes others, still ends in on_failed.
    client_factory: builds another client after a refusal that a change of credentials could end.
    """

    def __init__(
        self,
        client: "KinesisClient",
        stream_name: str,
        *,
        on_sent: Callable[[Accepted], None],
        on_failed: Callable[[Record, str], None],
        max_tries: int = MAX_TRIES,
        keeps: bool = False,
        on_trouble: Callable[[str | None], None] = lambda _: None,
        client_factory: Callable[[], "KinesisClient"] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        rng: random.Random | None = None,
    ) -> None:
        self._client = client
        self._stream_name = stream_name
        self._on_sent = on_sent
        self._on_failed = on_failed
        self._max_tries = max_tries
        self._keeps = keeps
        self._on_trouble = on_trouble
        self._client_factory = client_factory
        self._clock = clock
        self._wall_clock = wall_clock
        self._rng = rng or random.Random()  # noqa: S311 - it spreads retries, it keeps no secret
        self._live: list[_Retry] = []
        self._backlog: list[_Retry] = []
        self._waiting_bytes = 0
        self._numbers = itertools.count()
        self._refused_in_a_row = 0
        self._pause_until_s = 0.0
        self._pace = BacklogPace()
        self._wants_new_client = False
        self._trouble_code: str | None = None
        self._has_sent = False
        self._one_by_one = False
        self.clock_offset_s: float | None = None
        """Add to this machine's clock to get the stream's, to within about a second. None before the first answer."""

    @property
    def is_full(self) -> bool:
        """No new records now: too many wait for another try, or the whole stream asked for a pause."""
        return (
            len(self._live) + len(self._backlog) >= _MAX_WAITING_RECORDS
            or self._waiting_bytes >= _MAX_WAITING_BYTES
            or self._clock() < self._pause_until_s
        )

    @property
    def is_idle(self) -> bool:
        return not self._live and not self._backlog

    @property
    def backlog_bytes(self) -> int:
        """How much backlog the next request may hold, for `RecordStore.take`; 0: none may go now."""
        return 0 if self._live or self._backlog else self._pace.room_bytes(self._clock())

    def until_next_s(self) -> float | None:
        """Seconds until there is something to send again; None when nothing waits."""
        now_s = self._clock()
        if self._live:  # backlog waits for these
            return max(0.0, max(self._live[0].due_s, self._pause_until_s) - now_s)
        if self._backlog:
            return max(0.0, max(self._backlog[0].due_s, self._pause_until_s) - now_s, self._pace.until_s(now_s))
        return None

    def until_backlog_s(self) -> float:
        """Seconds until new backlog may be brought, as far as its pace goes."""
        return self._pace.until_s(self._clock())

    def send(self, records: Sequence[Record]) -> None:
        """One request of new records of one lane, within the limits of one.

        Raises StreamUnusable, with all of them failed, unless they are kept.
        """
        self._request([(record, 1) for record in records])

    def send_due(self) -> None:
        """One request of those whose time has come again, if any; live ones before backlog."""
        now_s = self._clock()
        if now_s < self._pause_until_s:
            return
        batch = self._due(self._live, now_s, MAX_REQUEST_BYTES)
        if not batch and not self._live and (room_bytes := self._pace.room_bytes(now_s)):
            batch = self._due(self._backlog, now_s, room_bytes)
        if batch:
            self._request(batch)

    def _due(self, retries: list[_Retry], now_s: float, room_bytes: int) -> list[tuple[Record, int]]:
        batch: list[tuple[Record, int]] = []
        size = 0
        most = 1 if self._one_by_one else MAX_BATCH_RECORDS
        while retries and retries[0].due_s <= now_s and len(batch) < most:
            if batch and size + retries[0].record.size > room_bytes:
                break
            retry = heapq.heappop(retries)
            size += retry.record.size
            batch.append((retry.record, retry.tries + 1))
        self._waiting_bytes -= size
        return batch

    def give_up(self, message: str) -> None:
        """The end for all that waits: it has failed, or stays where it is kept."""
        waiting = sorted([*self._live, *self._backlog])
        self._live, self._backlog, self._waiting_bytes = [], [], 0
        for retry in waiting:
            if not self._keeps:
                self._on_failed(retry.record, f"{message} (last answer: {retry.code})")

    def _request(self, batch: list[tuple[Record, int]]) -> None:
        began_s = self._clock()
        try:
            if self._wants_new_client and self._client_factory is not None:
                self._client = self._client_factory()
                self._wants_new_client = False
            answer: Any = self._client.put_records(
                StreamName=self._stream_name,
                Records=[{"Data": record.data, "PartitionKey": record.camera_id} for record, _ in batch],
            )
            results = answer.get("Records", ())
            if len(results) != len(batch):
                raise UnreadableAnswer("what answered is not Kinesis; look for a proxy or a sign-in page in between")
        except (ClientError, BotoCoreError, ResponseParserError, UnreadableAnswer, ValueError) as error:
            if isinstance(error, ClientError):
                self._compare_clocks(error.response, began_s)
            self._request_refused(batch, error)
            return
        self._compare_clocks(answer, began_s)
        self._it_works()
        jitter = self._rng.random()
        accepted_bytes = 0
        for (record, tries), result in zip(batch, results, strict=True):
            code = result.get("ErrorCode")
            if code:
                if code in THROTTLED:
                    self._pace.throttled(self._clock())
                self._try_again(record, tries, code, jitter)
            else:
                accepted_bytes += record.size
                self._on_sent(Accepted(record, result["ShardId"], result["SequenceNumber"], tries))
        if batch[0][0].is_backlog:
            now_s = self._clock()
            self._pace.sent(accepted_bytes, now_s - began_s, now_s)

    def _it_works(self) -> None:
        self._refused_in_a_row = 0
        self._has_sent = True
        if self.is_idle:
            self._one_by_one = False
        if self._trouble_code is not None:
            self._trouble_code = None
            self._on_trouble(None)

    def _request_refused(self, batch: list[tuple[Record, int]], error: Exception) -> None:
        code = code_of(error)
        hopeless = hopeless_because(error)
        message = f"cannot write to stream {self._stream_name}: {hopeless or error} ({code})."
        if hopeless and not self._keeps:
            for record, _ in batch:
                self._on_failed(record, message)
            self.give_up(message)
            raise StreamUnusable(message)
        if hopeless and code in MALFORMED:
            if len(batch) == 1 and self._has_sent:
                self._on_failed(batch[0][0], message)
                return
            self._one_by_one = True  # one of them may be the reason; the others need not suffer for it
        if code != self._trouble_code:
            self._trouble_code = code
            self._on_trouble(message)
        self._wants_new_client = bool(hopeless)
        # One pause for all: every camera's next request would meet the same outage.
        self._refused_in_a_row += 1
        jitter = self._rng.random()
        base_s, cap_s = (_UNUSABLE_BASE_S, _UNUSABLE_CAP_S) if hopeless else (BACKOFF_BASE_S, BACKOFF_CAP_S)
        self._pause_until_s = self._clock() + _backoff_s(self._refused_in_a_row, jitter, base_s, cap_s)
        if code in THROTTLED:
            self._pace.throttled(self._clock())
        for record, tries in batch:
            self._try_again(record, tries, code, jitter)

    def _try_again(self, record: Record, tries: int, code: str, jitter: float) -> None:
        """jitter: 0..1, one for a whole request, so that what failed together goes together and in its order."""
        if record.perishable or (tries >= self._max_tries and not self._keeps):
            self._on_failed(record, self._exhausted(record, code, tries))
            return
        # A shard counts by the second: what is never given up need not wait longer for it, and be overtaken.
        cap_s = _KEPT_THROTTLED_CAP_S if self._keeps and code in THROTTLED else BACKOFF_CAP_S
        due_s = self._clock() + _backoff_s(tries, jitter, cap_s=cap_s)
        retries = self._backlog if record.is_backlog else self._live
        heapq.heappush(retries, _Retry(due_s, next(self._numbers), tries, record, code))
        self._waiting_bytes += record.size

    def _exhausted(self, record: Record, code: str, tries: int) -> str:
        advice = "check the network and the service's status"
        if code in THROTTLED:
            advice = "add shards, or sample fewer frames"
        stream = f"stream {self._stream_name}"
        return f"{record.camera_id}: {stream} did not take frames after {tries} tries ({code}); {advice}."

    def _compare_clocks(self, answer: Any, began_s: float) -> None:
        """Its Date is a whole second: that second's middle against the middle of the way there and back."""
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date is None:
            return
        try:
            said = parsedate_to_datetime(date)
        except ValueError:
            return
        halfway_s = (self._clock() - began_s) / 2
        self.clock_offset_s = said.timestamp() + 0.5 - (self._wall_clock().timestamp() - halfway_s)


def _backoff_s(tries: int, jitter: float, base_s: float = BACKOFF_BASE_S, cap_s: float = BACKOFF_CAP_S) -> float:
    # Full jitter: many clients that failed together must not come back together.
    return jitter * min(cap_s, base_s * 2.0 ** min(tries - 1, 30))


def pump_once(store: RecordStore, producer: Producer) -> None:
    """One step from a store into the stream: two requests at most, or a short wait. Raises StreamUnusable."""
    producer.send_due()
    waits_s = [_POLL_S]
    if (until_next_s := producer.until_next_s()) is not None:
        waits_s.append(max(until_next_s, _LEAST_WAIT_S))
    if producer.is_full or store.is_finished:
        time.sleep(min(waits_s))
        return
    if (until_backlog_s := producer.until_backlog_s()) > 0:
        waits_s.append(max(until_backlog_s, _LEAST_WAIT_S))
    batch = store.take(timeout_s=min(waits_s), backlog_bytes=producer.backlog_bytes)
    if batch:
        producer.send(batch)
