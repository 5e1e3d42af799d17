"""The bounded room between the cameras and the stream: what any such room offers, and the one in memory.

`RecordStore` is the face that the producer's side sees; `FrameBuffer` keeps records in memory and loses them with the
process, `edge_client.spool.Spool` keeps them on disk until the stream has taken them.

Invariants of FrameBuffer: each camera has its own room, so a fast one cannot push out a slow one; a camera's records
leave in the order in which they came; what came in either leaves through `take`, or is handed back to who put it in.
When a camera's room is full, a clip waits (nothing is lost) and a live source gives up its oldest record.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from framewatch.domain.errors import EnvelopeError
from framewatch.wire.envelope import decode_envelope

# Kinesis takes 500 records a request. In bytes it takes 10 MiB since late 2025 and 5 MiB before; emulators still
# refuse more than 5, and a shard takes 1 MiB a second anyway, so nothing is gained by more.
MAX_BATCH_RECORDS = 500
MAX_BATCH_BYTES = 5 * 1024 * 1024
ROOM_RECORDS = 256
ROOM_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """One frame on its way. The camera id is the partition key: one camera's frames stay on one shard."""

    camera_id: str
    frame_id: str
    data: bytes
    is_backlog: bool = field(default=False, compare=False)
    """It goes after every live record, in requests of its own."""
    perishable: bool = field(default=False, compare=False)
    """Worth one try: what it says is old by the next one. A heartbeat, for example."""
    place: object = field(default=None, compare=False, repr=False)
    """Where its store keeps it; nobody else's business."""

    @property
    def size(self) -> int:
        """As Kinesis counts: the partition key included."""
        return len(self.data) + len(self.camera_id)


class Named(Protocol):
    """A frame without its bytes: enough to count it and to say which."""

    @property
    def camera_id(self) -> str: ...

    @property
    def frame_id(self) -> str: ...


class DropReason(StrEnum):
    """Why a store let go of a record that the stream never took."""

    NO_ROOM = "no room"
    NOT_WRITTEN = "not written"  # the disk refused it, and the stream did not take it while it was live
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Dropped:
    """frame_id: empty when the disk no longer says."""

    camera_id: str
    frame_id: str
    reason: DropReason


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits of one camera, what is on its way at this moment included.

    oldest_captured_at: None when nothing waits, or when the oldest record tells no time.
    """

    records: int = 0
    bytes: int = 0
    backlog_records: int = 0
    backlog_bytes: int = 0
    oldest_captured_at: datetime | None = None

    def oldest_age_s(self, now: datetime | None = None) -> float | None:
        if self.oldest_captured_at is None:
            return None
        return max(0.0, ((now or datetime.now(UTC)) - self.oldest_captured_at).total_seconds())


class RecordStore(Protocol):
    """Where records wait for the stream. For several threads: cameras put, one pump takes and settles."""

    @property
    def keeps(self) -> bool:
        """What waits outlives the process, so the producer never gives a record up."""
        ...

    def open(self, camera_id: str) -> None:
        """Records of this camera may come."""
        ...

    def put(self, record: Record, *, drop_oldest: bool) -> Sequence[Named]:
        """Returns what was lost for it: older records, or after `abort` the record itself. Never raises OSError."""
        ...

    def take(self, *, timeout_s: float, backlog_bytes: int = 0) -> list[Record]:
        """At most one request's records, all of one lane: live ones where there are any, else about backlog_bytes
        of the backlog (at least one record, unless it is 0). Empty after timeout_s, or when nothing more can come.

        A live record is waited with for no other: what comes while its request is under way shares the next one.
        """
        ...

    def ack(self, record: Record) -> None:
        """A record that was taken is settled: sent, or given up for good. One that was never put is ignored."""
        ...

    def close(self, camera_id: str) -> None:
        """Nothing more comes from this camera."""
        ...

    def wake(self) -> None:
        """Ends a `take` that waits."""
        ...

    def abort(self) -> Sequence[Named]:
        """The end: takes nothing in any more, and returns what is lost with it."""
        ...

    def depth(self, camera_id: str) -> Depth: ...

    @property
    def is_finished(self) -> bool:
        """Every camera is closed and there is nothing left to take."""
        ...


def captured_at(data: bytes) -> datetime | None:
    """When a record's frame was captured (UTC); None when it is no frame."""
    try:
        return decode_envelope(data).meta.captured_at
    except EnvelopeError:
        return None


class FrameBuffer:
    keeps = False

    def __init__(
        self, camera_ids: Sequence[str], *, room_records: int = ROOM_RECORDS, room_bytes: int = ROOM_BYTES
    ) -> None:
        self._rooms: dict[str, deque[Record]] = {camera_id: deque() for camera_id in camera_ids}
        self._bytes = dict.fromkeys(camera_ids, 0)
        self._on_the_way: dict[str, dict[int, Record]] = {camera_id: {} for camera_id in camera_ids}
        self._open = set(camera_ids)
        self._room_records = room_records
        self._room_bytes = room_bytes
        self._aborted = False
        self._changed = threading.Condition()

    def open(self, camera_id: str) -> None:
        with self._changed:
            self._rooms.setdefault(camera_id, deque())
            self._bytes.setdefault(camera_id, 0)
            self._on_the_way.setdefault(camera_id, {})
            self._open.add(camera_id)

    def put(self, record: Record, *, drop_oldest: bool) -> list[Record]:
        """Returns the records that found no room: the oldest ones with drop_oldest, after an abort the record itself.

        Without drop_oldest it waits for room.
        """
        with self._changed:
            room = self._rooms[record.camera_id]
            dropped: list[Record] = []
            while not self._aborted and self._is_full(record):
                if drop_oldest:
                    dropped.append(self._pop(record.camera_id))
                else:
                    self._changed.wait()
            if self._aborted:
                return [*dropped, record]
            room.append(record)
            self._bytes[record.camera_id] += record.size
            self._changed.notify_all()
            return dropped

    def _is_full(self, record: Record) -> bool:
        room = self._rooms[record.camera_id]
        too_heavy = self._bytes[record.camera_id] + record.size > self._room_bytes
        return bool(room) and (len(room) >= self._room_records or too_heavy)

    def _pop(self, camera_id: str) -> Record:
        record = self._rooms[camera_id].popleft()
        self._bytes[camera_id] -= record.size
        return record

    def close(self, camera_id: str) -> None:
        """Nothing more comes from this camera."""
        with self._changed:
            self._open.discard(camera_id)
            self._changed.notify_all()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def abort(self) -> list[Record]:
        """Hands back all that is waiting; whatever is put from now on is handed back too."""
        with self._changed:
            self._aborted = True
            left = [record for room in self._rooms.values() for record in room]
            for camera_id, room in self._rooms.items():
                room.clear()
                self._bytes[camera_id] = 0
            self._changed.notify_all()
            return left

    @property
    def is_finished(self) -> bool:
        with self._changed:
            return not self._open and not any(self._rooms.values())

    def ack(self, record: Record) -> None:
        with self._changed:
            self._on_the_way.get(record.camera_id, {}).pop(id(record), None)

    def depth(self, camera_id: str) -> Depth:
        with self._changed:
            waiting = [*self._on_the_way.get(camera_id, {}).values(), *self._rooms.get(camera_id, ())]
        oldest = captured_at(waiting[0].data) if waiting else None
        return Depth(len(waiting), sum(r.size for r in waiting), oldest_captured_at=oldest)

    def take(self, *, timeout_s: float, backlog_bytes: int = 0) -> list[Record]:  # noqa: ARG002
        """The cameras in turn. Nothing in memory is backlog: a full room gives up its oldest instead."""
        with self._changed:
            self._changed.wait_for(lambda: any(self._rooms.values()) or not self._open, timeout_s)
            batch = self._collect()
            if batch:
                self._changed.notify_all()
            return batch

    def _collect(self) -> list[Record]:
        batch: list[Record] = []
        size = 0
        waiting = [camera_id for camera_id, room in self._rooms.items() if room]
        while waiting and len(batch) < MAX_BATCH_RECORDS:
            for camera_id in list(waiting):
                room = self._rooms[camera_id]
                if not room or size + room[0].size > MAX_BATCH_BYTES or len(batch) >= MAX_BATCH_RECORDS:
                    waiting.remove(camera_id)
                    continue
                size += room[0].size
                record = self._pop(camera_id)
                self._on_the_way[camera_id][id(record)] = record
                batch.append(record)
        return batch
