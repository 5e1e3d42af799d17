"""A Kinesis event source with Lambda's semantics, set up from the deployed mapping.

The emulator's own mapping ignores batching windows, partial responses, bisect, retries, age and failure
destinations; all of those are what the image processor is built on. This stands in for it.

Invariants:
- Every record from the starting position on is either acknowledged by the function or given up (counted, and sent to
  the failure destination); never skipped. At least once: a record may be delivered again, never zero times.
- Records of one partition key are settled in stream order. A shard's records are spread over its lanes
  (ParallelizationFactor) by key; a lane has one invocation in flight and blocks while its batch fails.
- A child of a split or merged shard is read only after its parents are settled.
- What is read but not settled is bounded for each shard, in records and in bytes; a full buffer stops the reading, so
  a lane that blocks for long holds up its shard, and loses nothing.
- Checkpoints live in memory: one run, one start.

`stream_batches` says when a batch closes, `stream_delivery` what becomes of it, `stream_targets` where what is
given up goes; `stream_shards` reads.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local_cloud.clients import ClientFactory
from local_cloud.stream_batches import EventEncoder, MappingSettings, StreamRecord
from local_cloud.stream_delivery import Answer, DeliveryCounters, GivenUp, NotInvoked, Stopped
from local_cloud.stream_shards import Shard
from local_cloud.stream_targets import FailureDestination, LambdaInvoker

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

_log = logging.getLogger(__name__)

_DESTINATION_TRIES = 3
POLL_INTERVAL_S = 0.05


@dataclass(frozen=True, slots=True)
class EventSourceStats:
    """A snapshot. iterator_age_ms: how long the oldest unsettled record has been in the stream; 0 with none."""

    records_read: int
    records_waiting: int
    invocations: int
    function_errors: int
    partial_responses: int
    retries: int
    bisects: int
    throttles: int
    acknowledged: int
    given_up: int
    destination_failures: int
    read_errors: int
    iterator_age_ms: int
    last_error: str | None

    @property
    def settled(self) -> int:
        return self.acknowledged + self.given_up


class EventSource:
    """Reads the stream and drives the function until `stop`."""

    def __init__(
        self,
        settings: MappingSettings,
        kinesis: "KinesisClient",
        invoke: Callable[[Sequence[StreamRecord]], Answer],
        encoder: EventEncoder,
        give_up: Callable[[GivenUp], None],
        *,
        on_invoke: Callable[[Sequence[StreamRecord]], None] = lambda _: None,
        poll_interval_s: float = POLL_INTERVAL_S,
        reshard_check_s: float = 5.0,
    ) -> None:
        """on_invoke: told of every invocation's records, from several threads."""
        self.settings = settings
        self._kinesis = kinesis
        self._function = invoke
        self.encoder = encoder
        self._destination = give_up
        self._on_invoke = on_invoke
        self.poll_interval_s = poll_interval_s
        self._reshard_check_s = reshard_check_s
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._shards: dict[str, Shard] = {}
        self._threads: list[threading.Thread] = []
        self._last_error: str | None = None
        self.read_errors = 0

    def start(self) -> None:
        self._find_shards(first=True)
        self._spawn(self._watch_shards, f"shards-{self.settings.stream_name}")

    def stop(self, timeout_s: float = 10.0) -> None:
        """An invocation in flight is waited for, for so long; what is not settled then stays so."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
            for shard in self._shards.values():
                shard.look()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def look_at(self, shard_ids: Iterable[str]) -> None:
        """Somebody has just written to these shards: they are read at once, and not when the interval is over."""
        with self._changed:
            shards = [self._shards[i] for i in shard_ids if i in self._shards]
        for shard in shards:
            shard.look()

    def wait_drained(self, timeout_s: float) -> bool:
        """True once every record that was in the stream when this was called is settled, and nothing is in flight."""
        asked_at = time.monotonic()
        self._find_shards(first=False)
        with self._changed:
            return (
                self._changed.wait_for(
                    lambda: self._stop.is_set() or all(s.drained_since(asked_at) for s in self._shards.values()),
                    timeout_s,
                )
                and not self._stop.is_set()
            )

    def stats(self) -> EventSourceStats:
        with self._changed:
            shards = list(self._shards.values())
            counters = [lane.counters for s in shards for lane in s.lanes]
            unsettled = [lane.oldest_unsettled for s in shards for lane in s.lanes]
            arrived = [r.arrived_at for r in unsettled if r is not None]
            age = (datetime.now(UTC) - min(arrived)).total_seconds() if arrived else 0.0
            return EventSourceStats(
                records_read=sum(s.records_read for s in shards),
                records_waiting=sum(lane.unsettled for s in shards for lane in s.lanes),
                invocations=sum(c.invocations for c in counters),
                function_errors=sum(c.function_errors for c in counters),
                partial_responses=sum(c.partial_responses for c in counters),
                retries=sum(c.retries for c in counters),
                bisects=sum(c.bisects for c in counters),
                throttles=sum(c.throttles for c in counters),
                acknowledged=sum(c.acknowledged for c in counters),
                given_up=sum(c.given_up for c in counters),
                destination_failures=sum(c.destination_failures for c in counters),
                read_errors=self.read_errors,
                iterator_age_ms=max(0, round(age * 1000)),
                last_error=self._last_error,
            )

    # -- for the shards and lanes

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    @property
    def changed(self) -> threading.Condition:
        """Guards all buffers; notified when records come, are settled, or a shard ends."""
        return self._changed

    @property
    def kinesis(self) -> "KinesisClient":
        return self._kinesis

    def sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped

    def note_error(self, what: str) -> None:
        _log.warning("event source of %s: %s", self.settings.stream_name, what)
        self._last_error = what

    def invoke(self, records: Sequence[StreamRecord]) -> Answer:
        if self._stop.is_set():
            raise Stopped
        self._on_invoke(records)
        try:
            answer = self._function(records)
        except NotInvoked as error:
            self.note_error(f"the function was not invoked: {error}")
            raise
        if answer.function_error is not None:
            self.note_error(f"the function failed: {str(answer.payload)[:500]}")
        return answer

    def give_up(self, counters: DeliveryCounters, given_up: GivenUp) -> None:
        """A destination that cannot be reached costs the record there, as on AWS (DestinationDeliveryFailures)."""
        for attempt in range(_DESTINATION_TRIES):
            try:
                self._destination(given_up)
                return
            except Exception as error:  # noqa: BLE001 - the shard must go on; counted below
                self.note_error(f"the failure destination: {error}")
                self._stop.wait(0.2 * 2**attempt)
        counters.destination_failures += 1

    def _spawn(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _watch_shards(self) -> None:
        while not self._stop.is_set():
            with self._changed:
                self._changed.wait_for(
                    lambda: self._stop.is_set() or any(s.waits_for_nobody() for s in self._shards.values()),
                    self._reshard_check_s,
                )
            try:
                self._find_shards(first=False)
            except Exception as error:  # noqa: BLE001 - without this thread no shard of a split is ever read
                self.read_errors += 1
                self.note_error(f"listing shards: {error!r}")
                self._stop.wait(1.0)

    def _find_shards(self, *, first: bool) -> None:
        listed: list[Any] = []
        page = self._kinesis.list_shards(StreamName=self.settings.stream_name)
        listed += page["Shards"]
        while page.get("NextToken"):
            page = self._kinesis.list_shards(NextToken=page["NextToken"])
            listed += page["Shards"]
        with self._changed:
            for entry in listed:
                if entry["ShardId"] not in self._shards:
                    parents = [entry.get("ParentShardId"), entry.get("AdjacentParentShardId")]
                    known = [self._shards[p] for p in parents if p in self._shards]
                    # A shard that appears later is read whole: its first records may be older than the discovery.
                    position = self.settings.starting_position if first else "TRIM_HORIZON"
                    self._shards[entry["ShardId"]] = Shard(self, entry["ShardId"], position, known)
            ready = [s for s in self._shards.values() if s.waits_for_nobody()]
            for shard in ready:
                shard.started = True
        for shard in ready:
            for lane in shard.lanes:
                self._spawn(lane.run, f"lane-{shard.shard_id}")
            self._spawn(shard.run, f"read-{shard.shard_id}")


def connect(
    settings: MappingSettings,
    client: ClientFactory,
    *,
    as_role: Callable[[str], ClientFactory] | None = None,
    on_invoke: Callable[[Sequence[StreamRecord]], None] = lambda _: None,
    poll_interval_s: float = POLL_INTERVAL_S,
) -> EventSource:
    """The event source of a deployed mapping, not yet started; `MappingSettings.from_mapping` gives the settings.

    as_role: role ARN -> clients of that role. Given it, the stream is read and the failure destination written as
    the function's role, as Lambda does; only the invocation is the service's own. Without, `client` does it all.
    """
    invoke = LambdaInvoker(settings, client)
    own = as_role(invoke.role_arn) if as_role else client
    destination = FailureDestination(settings, invoke.encoder, own, lambda: datetime.now(UTC))
    return EventSource(
        settings,
        own("kinesis"),
        invoke,
        invoke.encoder,
        destination,
        on_invoke=on_invoke,
        poll_interval_s=poll_interval_s,
    )
