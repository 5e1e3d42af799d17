"""What becomes of one batch: delivered, retried, split, or given up, as Lambda does it for a stream.

Invariants, whatever the function answers:
- Every record of the batch is acknowledged by the function or handed to `give_up`, each exactly once.
- Records leave in stream order: none is settled while an earlier one of the batch is not.
- Nothing is invoked beyond the retry limit, and nothing older than the age limit is invoked at all.

The rules and where they are from ("Retain discarded batch records", "Configuring partial batch response with Kinesis"
and "Process Amazon Kinesis Data Streams records with Lambda" of the Lambda developer guide):
- A function error fails the whole batch. So does an answer that names an empty, null or unknown record.
- `batchItemFailures` acknowledges the records before the lowest named one; the rest is tried again.
- With bisect set, a failed batch is split, at the named record where there is one, else in half; a split costs no
  retry. Without it, and for a single record, each further try costs one.
- Throttles and service errors mean that the function never ran: they cost no retry, only time.
- A batch out of retries, or records past their age, go to the failure destination; then the shard goes on.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from local_cloud.stream_batches import MappingSettings, StreamRecord

_BACKOFF_FIRST_S = 0.2
_BACKOFF_MAX_S = 30.0


class NotInvoked(Exception):
    """The function was not run: throttled, or the service did not answer. The same call may work later."""


class PayloadTooLarge(Exception):
    """The records can never be put into one invocation."""


@dataclass(frozen=True, slots=True)
class Answer:
    """function_error: what `FunctionError` said; None when the function returned, and `payload` is what."""

    function_error: str | None
    payload: Any


class Invoke(Protocol):
    def __call__(self, records: Sequence[StreamRecord]) -> Answer:
        """Raises NotInvoked and PayloadTooLarge."""
        ...


class GiveUpReason(StrEnum):
    """The `condition` of the invocation record."""

    RETRIES = "RetryAttemptsExhausted"
    AGE = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Records that are not tried any more. last: what the function answered last, if it ever ran with them."""

    records: list[StreamRecord]
    reason: GiveUpReason
    invocations: int
    last: Answer | None


class Stopped(Exception):
    """The event source is being stopped; what is not settled stays unsettled."""


@dataclass(slots=True)
class DeliveryCounters:
    invocations: int = 0
    function_errors: int = 0
    partial_responses: int = 0
    retries: int = 0
    bisects: int = 0
    throttles: int = 0
    acknowledged: int = 0
    given_up: int = 0
    destination_failures: int = 0


@dataclass(frozen=True, slots=True)
class _Part:
    """A run of records still to settle. failures: tries that count against the retry limit."""

    records: list[StreamRecord]
    failures: int
    invocations: int
    last: Answer | None


def failed_from(records: Sequence[StreamRecord], answer: Answer, report_item_failures: bool) -> int:
    """Where trying again must start: the position of the lowest failed record; len(records) when all succeeded."""
    if answer.function_error is not None:
        return 0
    if not report_item_failures or answer.payload is None:
        return len(records)
    failures = answer.payload.get("batchItemFailures") if isinstance(answer.payload, dict) else [answer.payload]
    if failures is None:
        return len(records)
    position = {r.sequence_number: i for i, r in enumerate(records)}
    lowest = len(records)
    for failure in failures if isinstance(failures, list) else [failures]:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        lowest = min(lowest, position.get(identifier, 0) if isinstance(identifier, str) else 0)
    return lowest


class Delivery:
    """Settles batches of one lane, one after another. `deliver` returns when every record of the batch is settled."""

    def __init__(
        self,
        settings: MappingSettings,
        invoke: Invoke,
        give_up: Callable[[GivenUp], None],
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        counters: DeliveryCounters,
        jitter: random.Random | None = None,
    ) -> None:
        """sleep: raises Stopped when the event source is to stop."""
        self._settings = settings
        self._invoke = invoke
        self._give_up_to = give_up
        self._now = now
        self._sleep = sleep
        self._counters = counters
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads retries, guards nothing

    def deliver(self, batch: Sequence[StreamRecord]) -> None:
        """Raises Stopped, with the batch partly settled."""
        todo = [_Part(list(batch), 0, 0, None)]  # a stack: the earliest records on top
        while todo:
            part = self._without_expired(todo.pop())
            if part.records:
                todo.extend(reversed(self._attempt(part)))

    def _attempt(self, part: _Part) -> list[_Part]:
        """One invocation; what is left to settle, in order."""
        try:
            answer = self._invoke_when_possible(part)
        except PayloadTooLarge:
            self._give_up(part, GiveUpReason.RETRIES)
            return []
        if answer is None:
            return [part]  # some of it may have expired meanwhile
        start = failed_from(part.records, answer, self._settings.report_item_failures)
        self._counters.acknowledged += start
        if start == len(part.records):
            return []
        self._counters.function_errors += answer.function_error is not None
        self._counters.partial_responses += start > 0
        failed = _Part(part.records[start:], part.failures, part.invocations + 1, answer)
        return self._after_failure(failed, acknowledged_some=start > 0)

    def _after_failure(self, failed: _Part, *, acknowledged_some: bool) -> list[_Part]:
        if self._settings.bisect_on_error and (acknowledged_some or len(failed.records) > 1):
            self._counters.bisects += 1
            if acknowledged_some:
                return [failed]
            middle = len(failed.records) // 2
            return [
                replace(failed, records=failed.records[:middle]),
                replace(failed, records=failed.records[middle:]),
            ]
        if 0 <= self._settings.max_retries <= failed.failures:
            self._give_up(failed, GiveUpReason.RETRIES)
            return []
        self._counters.retries += 1
        self._pause(failed.failures, failed)
        return [replace(failed, failures=failed.failures + 1)]

    def _invoke_when_possible(self, part: _Part) -> Answer | None:
        """None when the function could not be run for so long that records may have come of age."""
        tries = 0
        while True:
            self._counters.invocations += 1
            try:
                return self._invoke(part.records)
            except NotInvoked:
                self._counters.invocations -= 1
                self._counters.throttles += 1
                self._pause(tries, part)
                tries += 1
                if self._expired_count(part):
                    return None

    def _pause(self, failures: int, part: _Part) -> None:
        full = min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2 ** min(failures, 16))
        wait = full * self._jitter.uniform(0.5, 1.0)
        if self._settings.max_record_age_s >= 0:
            age = (self._now() - part.records[0].arrived_at).total_seconds()
            wait = min(wait, max(0.0, self._settings.max_record_age_s - age) + 0.001)
        self._sleep(wait)

    def _expired_count(self, part: _Part) -> int:
        if self._settings.max_record_age_s < 0:
            return 0
        limit = self._now() - timedelta(seconds=self._settings.max_record_age_s)
        count = 0
        # Only a leading run: a record behind a younger one waits for its turn, so that order holds.
        while count < len(part.records) and part.records[count].arrived_at < limit:
            count += 1
        return count

    def _without_expired(self, part: _Part) -> _Part:
        count = self._expired_count(part)
        if not count:
            return part
        self._give_up(replace(part, records=part.records[:count]), GiveUpReason.AGE)
        return replace(part, records=part.records[count:])

    def _give_up(self, part: _Part, reason: GiveUpReason) -> None:
        self._counters.given_up += len(part.records)
        self._give_up_to(GivenUp(part.records, reason, part.invocations, part.last))
