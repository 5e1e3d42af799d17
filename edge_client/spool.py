"""The room between the cameras and the stream, on disk: what was sampled outlives an outage, a crash, a restart.

Invariants, which tests/unit/test_edge_spool_machine.py attacks:

1.  A record that `put` took in is waiting, settled by `ack`, or reported as dropped: exactly one of the three, and
    through any kill -9 too. (A write that the kill cut short was never taken in.)
2.  What is settled does not come again. Where the disk refused the mark of it, it may come once more after a crash:
    harmless, for the frame id is the idempotency key of everything behind the stream.
3.  A camera's records leave in the order of their `put`, within each lane. Order comes from the segments' own
    numbers and the place in a segment; no clock, neither the wall's nor a file's, takes part in it.
4.  The segment files hold `max_bytes` at most. When a record finds no room, the oldest segment of the camera that
    takes most goes, whole and counted. Records on their way at that moment are never dropped: their segment stays.
5.  `put` never raises for the disk's sake. What a full or broken disk refuses is in memory alone while it is live;
    then it is dropped, counted. A card that died costs the backlog and what a kill finds in memory, not live frames.
6.  Memory holds 13 bytes a record on the disk, and the data of live records, `live_bytes` at most.

Lanes: a record is live until it is older than `live_max_age_s` (monotonic), or until newer live records fill
`live_bytes`; then it moves to the end of its camera's backlog. What an earlier process left is backlog.

On disk: one folder a camera, in it segments of about 4 MB (segment.py), deleted when all their records are settled;
the one being written is emptied then. So there is no cursor file that could disagree with them.

Power loss: a kill loses nothing, since what was written is in the kernel's page cache. Power loss costs at most what
is younger than `sync_after_s`. Nothing but a burst of 64 MB is forced to the medium sooner: while the stream takes
frames, a record is gone again before it ever reaches the flash, which keeps an SD card alive. Closing syncs.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from edge_client.buffer import MAX_BATCH_RECORDS, Depth, Dropped, DropReason, Named, Record, captured_at
from edge_client.folder_lock import FolderLock, SpoolError
from edge_client.pace import MAX_REQUEST_BYTES
from edge_client.segment import BACKLOG, TAKEN, Disk, Segment, frame_head
from edge_client.shelves import FULL_UNSYNCED, Shelf, Shelves

MAX_BYTES = 2 * 1024**3
LIVE_BYTES = 32 * 1024 * 1024
LIVE_MAX_AGE_S = 10.0
SYNC_AFTER_S = 5.0
_SAY_AGAIN_AFTER_S = 60.0
# After a disk did not give a camera's backlog for a reason that may pass.
_REST_S = 5.0
_SYNCS_AT_ONCE = 8


@dataclass(eq=False, slots=True)
class _Place:
    """Where a record lies. segment: None when it is in memory alone."""

    shelf: Shelf
    frame_id: str
    segment: Segment | None
    index: int
    is_settled: bool = False


@dataclass(slots=True)
class _Live:
    record: Record
    place: _Place
    put_at_s: float


class Spool:
    """For several threads, in one process. Raises SpoolError, with a sentence, when it cannot be used at all."""

    keeps = True

    def __init__(
        self,
        folder: Path,
        camera_ids: Sequence[str] = (),
        *,
        max_bytes: int = MAX_BYTES,
        live_max_age_s: float = LIVE_MAX_AGE_S,
        live_bytes: int = LIVE_BYTES,
        sync_after_s: float | None = SYNC_AFTER_S,
        on_dropped: Callable[[Dropped], None] = lambda _: None,
        on_trouble: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        disk: Disk | None = None,
    ) -> None:
        """on_dropped: each record lost other than for a `put`, which returns its own. on_trouble: a sentence about
        the disk. Both are called from whichever thread is here, without a lock. sync_after_s: None syncs at the end.
        """
        self._live_max_age_s = live_max_age_s
        self._live_room = live_bytes
        self._on_dropped = on_dropped
        self._on_trouble = on_trouble
        self._clock = clock
        self._disk = disk or Disk()
        self._live: dict[str, deque[_Live]] = {}
        self._live_bytes = 0
        self._unwritten: dict[_Place, None] = {}  # in memory alone, in their order
        self._turns: deque[Shelf] = deque()
        self._open: set[str] = set()
        self._lost: list[Dropped] = []
        self._sentences: list[str] = []
        self._said_at_s: dict[str, float] = {}
        self._oldest: dict[str, tuple[Segment, int, datetime | None]] = {}
        self._aborted = False
        self._changed = threading.Condition()
        self._shelves = Shelves(
            folder, max_bytes, self._disk, on_dropped=self._segment_dropped, on_trouble=self._sentences.append
        )
        self._lock = FolderLock(folder, self._disk)
        try:
            self._shelves.recover()
        except OSError as error:
            self._lock.release()
            raise SpoolError(f"the spool folder {folder} cannot be read: {error.strerror}; check its disk.") from None
        for shelf in self._shelves:
            self._add(shelf)
        for camera_id in camera_ids:
            self.open(camera_id)
        self._tell()
        self._sync_soon = threading.Event()
        self._syncing: threading.Thread | None = None
        if sync_after_s is not None:
            self._syncing = threading.Thread(target=self._keep_syncing, args=(sync_after_s,), daemon=True)
            self._syncing.start()

    def _add(self, shelf: Shelf) -> None:
        if shelf.camera_id not in self._live:
            self._live[shelf.camera_id] = deque()
            self._turns.append(shelf)

    def open(self, camera_id: str) -> None:
        with self._changed:
            self._add(self._shelves.get(camera_id))
            self._open.add(camera_id)

    def put(self, record: Record, *, drop_oldest: bool) -> Sequence[Named]:
        """Without drop_oldest it waits for room as long as anything waits that could make some."""
        head = frame_head(record.frame_id, record.data)  # its checksum takes a while: before the lock
        size = len(head) + len(record.data)
        with self._changed:
            while not (drop_oldest or self._aborted or self._shelves.has_room(size) or self._is_empty()):
                self._changed.wait()
            if self._aborted:
                return [record]
            shelf = self._shelves.get(record.camera_id)
            self._add(shelf)
            now_s = self._clock()
            segment, index = self._shelves.append(shelf, head, record.data, now_s) or (None, -1)
            place = _Place(shelf, record.frame_id, segment, index)
            if segment is None:
                self._unwritten[place] = None
            self._live[shelf.camera_id].append(_Live(record, place, now_s))
            self._live_bytes += record.size
            self._age()
            dropped, self._lost = self._lost, []
            if self._shelves.full_unsynced >= FULL_UNSYNCED:
                self._sync_soon.set()
            self._changed.notify_all()
        self._tell()
        return dropped

    def _is_empty(self) -> bool:
        return not any(segment.unsettled for shelf in self._shelves for segment in shelf.segments)

    def _segment_dropped(self, shelf: Shelf, segment: Segment, backlog: list[str]) -> None:
        self._lost += [Dropped(shelf.camera_id, frame_id, DropReason.NO_ROOM) for frame_id in backlog]
        for live in self._live.get(shelf.camera_id, ()):  # memory still has these
            if live.place.segment is segment:
                live.place.segment = None
                self._unwritten[live.place] = None

    def _age(self) -> None:
        now_s = self._clock()
        for lane in self._live.values():
            while lane and now_s - lane[0].put_at_s > self._live_max_age_s:
                self._into_backlog(lane.popleft())
        while self._live_bytes > self._live_room:
            oldest = min((lane for lane in self._live.values() if lane), key=lambda lane: lane[0].put_at_s)
            self._into_backlog(oldest.popleft())

    def _into_backlog(self, live: _Live) -> None:
        self._live_bytes -= live.record.size
        place = live.place
        if place.segment is None:
            del self._unwritten[place]
            self._lost.append(Dropped(place.shelf.camera_id, place.frame_id, DropReason.NOT_WRITTEN))
        else:
            place.segment.set_state(place.index, BACKLOG)

    def take(self, *, timeout_s: float, backlog_bytes: int = 0) -> list[Record]:
        with self._changed:
            self._changed.wait_for(
                lambda: self._has_live() or self._has_backlog(backlog_bytes) or not self._open, timeout_s
            )
            self._age()
            batch = [] if self._aborted else self._take_live() or self._take_backlog(backlog_bytes)
            if batch:
                self._turns.rotate(-1)
        self._tell()
        return batch

    def _has_live(self) -> bool:
        return any(self._live.values())

    def _has_backlog(self, backlog_bytes: int) -> bool:
        return backlog_bytes > 0 and any(map(self._gives_backlog, self._turns))

    def _take_live(self) -> list[Record]:
        batch: list[Record] = []
        size = 0
        waiting = [lane for shelf in self._turns if (lane := self._live[shelf.camera_id])]
        while waiting and len(batch) < MAX_BATCH_RECORDS:
            for lane in list(waiting):
                if not lane or size + lane[0].record.size > MAX_REQUEST_BYTES or len(batch) >= MAX_BATCH_RECORDS:
                    waiting.remove(lane)
                    continue
                live = lane.popleft()
                size += live.record.size
                self._live_bytes -= live.record.size
                if live.place.segment is not None:
                    live.place.segment.set_state(live.place.index, TAKEN)
                batch.append(replace(live.record, place=live.place))
        return batch

    def _take_backlog(self, room_bytes: int) -> list[Record]:
        batch: list[Record] = []
        size = 0
        waiting = [shelf for shelf in self._turns if self._gives_backlog(shelf)] if room_bytes > 0 else []
        while waiting and len(batch) < MAX_BATCH_RECORDS:
            for shelf in list(waiting):
                segment = shelf.with_backlog()
                index = segment.oldest_in(BACKLOG) if segment is not None else -1
                too_much = segment is not None and bool(batch) and size + segment.length(index) > room_bytes
                if segment is None or too_much or len(batch) >= MAX_BATCH_RECORDS:
                    waiting.remove(shelf)
                    continue
                try:
                    record = self._read(shelf, segment, index)
                except OSError:
                    shelf.rests_until_s = self._clock() + _REST_S
                    waiting.remove(shelf)
                    continue
                if record is not None:
                    size += record.size
                    batch.append(record)
        return batch

    def _gives_backlog(self, shelf: Shelf) -> bool:
        return shelf.with_backlog() is not None and self._clock() >= shelf.rests_until_s

    def _read(self, shelf: Shelf, segment: Segment, index: int) -> Record | None:
        found = self._shelves.read(shelf, segment, index)
        if found is None:
            self._lost.append(Dropped(shelf.camera_id, segment.frame_id(index), DropReason.DAMAGED))
            self._shelves.settle(shelf, segment, index)
            return None
        frame_id, data = found
        segment.set_state(index, TAKEN)
        return Record(shelf.camera_id, frame_id, data, is_backlog=True, place=_Place(shelf, frame_id, segment, index))

    def ack(self, record: Record) -> None:
        place = record.place
        if not isinstance(place, _Place):
            return
        with self._changed:
            if place.is_settled or self._aborted:
                return
            place.is_settled = True
            if place.segment is None:
                del self._unwritten[place]
            else:
                self._shelves.settle(place.shelf, place.segment, place.index)
            self._changed.notify_all()
        self._tell()

    def close(self, camera_id: str) -> None:
        with self._changed:
            self._open.discard(camera_id)
        self.wake()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def abort(self) -> Sequence[Named]:
        """Everything onto the medium, and the folder is free for the next. Returns what was in memory alone."""
        with self._changed:
            if self._aborted:
                return []
            self._aborted = True
            self._changed.notify_all()
        self._sync_soon.set()
        if self._syncing is not None:
            self._syncing.join()
        self.sync(older_than_s=0.0)
        with self._changed:
            alone = [Dropped(p.shelf.camera_id, p.frame_id, DropReason.NOT_WRITTEN) for p in self._unwritten]
            lost, self._lost = [*self._lost, *alone], []
            self._unwritten.clear()
            self._shelves.close()
        self._lock.release()
        self._tell()
        return lost

    @property
    def is_finished(self) -> bool:
        with self._changed:
            return not self._open and not self._has_live() and not any(shelf.with_backlog() for shelf in self._turns)

    @property
    def disk_bytes(self) -> int:
        return self._shelves.bytes

    @property
    def in_memory_alone(self) -> list[str]:
        """Frame ids of what waits and the disk does not have."""
        with self._changed:
            return [place.frame_id for place in self._unwritten]

    @property
    def camera_ids(self) -> list[str]:
        """Those that are open, and those of which an earlier process left something."""
        with self._changed:
            return sorted(self._live)

    def depth(self, camera_id: str) -> Depth:
        """Bytes as they lie on the disk. Reads the oldest record for its time, once while it is the oldest."""
        with self._changed:
            shelf = self._shelves.get(camera_id)
            unwritten = [place for place in self._unwritten if place.shelf is shelf]
            segments = shelf.segments
            return Depth(
                records=sum(s.unsettled for s in segments) + len(unwritten),
                bytes=sum(s.unsettled_bytes for s in segments),
                backlog_records=sum(s.counts[BACKLOG] for s in segments),
                backlog_bytes=sum(s.bytes_in[BACKLOG] for s in segments),
                oldest_captured_at=self._oldest_at(shelf),
            )

    def _oldest_at(self, shelf: Shelf) -> datetime | None:
        oldest = shelf.oldest_unsettled()
        if oldest is None:
            lane = self._live.get(shelf.camera_id)
            return captured_at(lane[0].record.data) if lane else None
        known = self._oldest.get(shelf.camera_id)
        if known is None or known[:2] != oldest:
            found = self._shelves.peek(*oldest)
            known = self._oldest[shelf.camera_id] = (*oldest, captured_at(found[1]) if found else None)
        return known[2]

    def sync(self, *, older_than_s: float) -> None:
        """Onto the medium what was written longer ago, without holding anybody up."""
        with self._changed:
            paths = self._shelves.begin_sync(self._clock() - older_than_s)
        # Several at once share one commit of the file system's journal.
        with ThreadPoolExecutor(_SYNCS_AT_ONCE) as pool:
            list(pool.map(self._sync, paths))
        self._tell()

    def _sync(self, path: Path) -> None:
        try:
            self._disk.sync(path)
        except OSError as error:
            self._sentences.append(f"{path} in the spool cannot be synced: {error.strerror}; check the disk.")

    def _keep_syncing(self, sync_after_s: float) -> None:
        step_s = sync_after_s / 4
        while not self._aborted:
            self._sync_soon.wait(step_s)
            self._sync_soon.clear()
            self.sync(older_than_s=sync_after_s - step_s)

    def _tell(self) -> None:
        """Hands on what piled up under the lock, outside of it. The same sentence once a minute at most."""
        if not self._lost and not self._sentences:
            return
        with self._changed:
            lost, self._lost = self._lost, []
            sentences = list(dict.fromkeys(self._sentences))
            self._sentences.clear()
            now_s = self._clock()
            sentences = [s for s in sentences if now_s - self._said_at_s.get(s, -1e9) >= _SAY_AGAIN_AFTER_S]
            self._said_at_s = {s: t for s, t in self._said_at_s.items() if now_s - t < _SAY_AGAIN_AFTER_S}
            self._said_at_s |= dict.fromkeys(sentences, now_s)
        for dropped in lost:
            self._on_dropped(dropped)
        for sentence in sentences:
            self._on_trouble(sentence)
