"""The bounded room between the cameras and the stream.

Invariants: each camera has its own room, so a fast one cannot push out a slow one; a camera's records leave in the
order in which they came; what came in either leaves through `take`, or is handed back to who put it in.
When a camera's room is full, a clip waits (nothing is lost) and a live source gives up its oldest record.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

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

    @property
    def size(self) -> int:
        """As Kinesis counts: the partition key included."""
        return len(self.data) + len(self.camera_id)


class FrameBuffer:
    def __init__(
        self, camera_ids: Sequence[str], *, room_records: int = ROOM_RECORDS, room_bytes: int = ROOM_BYTES
    ) -> None:
        self._rooms: dict[str, deque[Record]] = {camera_id: deque() for camera_id in camera_ids}
        self._bytes = dict.fromkeys(camera_ids, 0)
        self._open = set(camera_ids)
        self._room_records = room_records
        self._room_bytes = room_bytes
        self._aborted = False
        self._changed = threading.Condition()

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

    def take(self, *, timeout_s: float, linger_s: float) -> list[Record]:
        """At most one request's records, the cameras in turn. Empty after timeout_s, or when nothing more can come.

        Once there is a record, waits linger_s at most for others to share its request.
        """
        with self._changed:
            self._changed.wait_for(lambda: any(self._rooms.values()) or not self._open, timeout_s)
            if self._open and any(self._rooms.values()):
                deadline = time.monotonic() + linger_s
                while self._open and not self._fills_a_batch() and (left := deadline - time.monotonic()) > 0:
                    self._changed.wait(left)
            batch = self._collect()
            if batch:
                self._changed.notify_all()
            return batch

    def _fills_a_batch(self) -> bool:
        waiting = sum(len(room) for room in self._rooms.values())
        return waiting >= MAX_BATCH_RECORDS or sum(self._bytes.values()) >= MAX_BATCH_BYTES

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
                batch.append(self._pop(camera_id))
        return batch
