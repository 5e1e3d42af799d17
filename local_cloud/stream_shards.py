"""The readers of a stream: a shard reads and spreads its records over lanes, a lane delivers them in order."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from local_cloud.stream_batches import BatchBuffer, EventEncoder, MappingSettings, StreamRecord
from local_cloud.stream_delivery import Answer, Delivery, DeliveryCounters, GivenUp, Stopped

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

_MAX_BUFFERED_BYTES = 32 * 1024 * 1024  # each shard, as payload; five batches of the largest size
# A read is of at most this many records: of 1 MiB each they double the bound above, no more.
_READ_LIMIT = 32


class Source(Protocol):
    """What a shard and its lanes need of the event source that they belong to."""

    settings: MappingSettings
    encoder: EventEncoder
    poll_interval_s: float
    read_errors: int

    @property
    def stopping(self) -> bool: ...

    @property
    def changed(self) -> threading.Condition:
        """Guards all buffers; notified when records come, are settled, or a shard ends."""
        ...

    @property
    def kinesis(self) -> "KinesisClient": ...

    def sleep(self, seconds: float) -> None:
        """Raises Stopped."""
        ...

    def note_error(self, what: str) -> None: ...

    def invoke(self, records: Sequence[StreamRecord]) -> Answer: ...

    def give_up(self, counters: DeliveryCounters, given_up: GivenUp) -> None: ...


class Shard:
    """Reads one shard into its lanes."""

    def __init__(self, source: Source, shard_id: str, position: str, parents: "list[Shard]") -> None:
        self._source = source
        self.shard_id = shard_id
        self._position = position
        self._parents = parents
        self.lanes = [Lane(source) for _ in range(source.settings.parallelization_factor)]
        self.started = False
        self.read_to_end = False
        self.records_read = 0
        self._told = threading.Event()
        self._tip_seen_at: float | None = None  # when the last read that found nothing new was begun
        self._last_sequence: str | None = None
        self._max_buffered = 4 * source.settings.batch_size * len(self.lanes)

    @property
    def ended(self) -> bool:
        return self.read_to_end and all(lane.unsettled == 0 for lane in self.lanes)

    def waits_for_nobody(self) -> bool:
        """Not started, and may be."""
        return not self.started and all(p.ended for p in self._parents)

    def drained_since(self, asked_at: float) -> bool:
        at_tip = self.read_to_end or (self._tip_seen_at is not None and self._tip_seen_at >= asked_at)
        return at_tip and all(lane.unsettled == 0 for lane in self.lanes)

    def look(self) -> None:
        """Read now, however long it is until the next look."""
        self._told.set()

    def run(self) -> None:
        iterator: str | None = None
        failures = 0
        while self._wait_for_room():
            begun_at = time.monotonic()
            # Before the read: what is written while it is under way is told of again.
            self._told.clear()
            try:
                iterator = iterator or self._new_iterator()
                # AWS knows the stream from the iterator; the emulator, asked to check a role's rights, does not.
                page = self._source.kinesis.get_records(
                    ShardIterator=iterator, StreamARN=self._source.settings.stream_arn, Limit=_READ_LIMIT
                )
                entries = page["Records"]
            except Exception as error:  # noqa: BLE001 - a reader that dies would hold its shard for ever
                expired = isinstance(error, ClientError) and "ExpiredIterator" in str(error)
                iterator = None
                failures += not expired
                if not expired:
                    self._source.read_errors += 1
                    self._source.note_error(f"reading {self.shard_id}: {error!r}")
                    if self._pause(min(5.0, 0.1 * 2 ** min(failures, 8))):
                        return
                continue
            failures = 0
            iterator = page.get("NextShardIterator")
            self._hand_out(entries, begun_at, at_end=not iterator)
            if not iterator:
                return
            if not entries:
                self._told.wait(self._source.poll_interval_s)

    def _pause(self, seconds: float) -> bool:
        try:
            self._source.sleep(seconds)
        except Stopped:
            return True
        return False

    def _wait_for_room(self) -> bool:
        """False when the source stops."""
        with self._source.changed:
            self._source.changed.wait_for(
                lambda: (
                    self._source.stopping
                    or (
                        sum(lane.unsettled for lane in self.lanes) < self._max_buffered
                        and sum(lane.waiting_bytes for lane in self.lanes) < _MAX_BUFFERED_BYTES
                    )
                )
            )
        return not self._source.stopping

    def _new_iterator(self) -> str:
        asked: dict[str, Any] = {"StreamName": self._source.settings.stream_name, "ShardId": self.shard_id}
        if self._last_sequence is not None:
            asked |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self._last_sequence}
        elif self._position == "AT_TIMESTAMP":
            asked |= {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self._source.settings.starting_timestamp}
        else:
            asked |= {"ShardIteratorType": self._position}
        return self._source.kinesis.get_shard_iterator(**asked)["ShardIterator"]

    def _hand_out(self, entries: Sequence[Any], begun_at: float, *, at_end: bool) -> None:
        with self._source.changed:
            for entry in entries:
                record = StreamRecord(
                    shard_id=self.shard_id,
                    sequence_number=entry["SequenceNumber"],
                    partition_key=entry["PartitionKey"],
                    data=entry["Data"],
                    arrived_at=entry["ApproximateArrivalTimestamp"],
                )
                self.lanes[record.lane(len(self.lanes))].add(record)
                self._last_sequence = record.sequence_number
            self.records_read += len(entries)
            self.read_to_end = at_end
            if not entries:
                self._tip_seen_at = begun_at
            self._source.changed.notify_all()


class Lane:
    """One invocation at a time, batch after batch."""

    def __init__(self, source: Source) -> None:
        self._source = source
        s = source.settings
        self._buffer = BatchBuffer(source.encoder, s.batch_size, s.window_s)
        self._in_flight: list[StreamRecord] = []
        self.counters = DeliveryCounters()
        self._delivery = Delivery(
            s,
            source.invoke,
            lambda given_up: source.give_up(self.counters, given_up),
            now=lambda: datetime.now(UTC),
            sleep=source.sleep,
            counters=self.counters,
        )

    @property
    def unsettled(self) -> int:
        return len(self._buffer) + len(self._in_flight)

    @property
    def waiting_bytes(self) -> int:
        return self._buffer.waiting_bytes

    @property
    def oldest_unsettled(self) -> StreamRecord | None:
        return self._in_flight[0] if self._in_flight else self._buffer.oldest

    def add(self, record: StreamRecord) -> None:
        """The caller holds `changed`."""
        self._buffer.add(record, time.monotonic())

    def run(self) -> None:
        try:
            while self._take_batch():
                self._deliver()
                with self._source.changed:
                    self._in_flight = []
                    self._source.changed.notify_all()
        except Stopped:
            return

    def _deliver(self) -> None:
        while True:
            try:
                return self._delivery.deliver(self._in_flight)
            except Stopped:
                raise
            except Exception as error:  # noqa: BLE001 - a lane that dies would hold its records for ever
                self._source.note_error(f"delivering a batch, which is tried again: {error!r}")
                self._source.sleep(1.0)

    def _take_batch(self) -> bool:
        """Waits until a batch closes. False when the source stops."""
        with self._source.changed:
            while not self._source.stopping:
                wait_s = self._buffer.ready_in(time.monotonic())
                if wait_s == 0.0:
                    self._in_flight = self._buffer.take()
                    return True
                self._source.changed.wait(wait_s)
        return False
