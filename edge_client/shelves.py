"""All segments of a spool: one shelf a camera, one bound for all of them, and what a crash left.

Knows neither lanes nor threads; spool.py brings both.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import EDQUOT, EIO, ENOSPC
from pathlib import Path

from edge_client.segment import (
    BACKLOG,
    SETTLED,
    TAKEN,
    Disk,
    Segment,
    number_of,
    path_in,
    segment_paths,
)
from framewatch.domain.frames import is_camera_id

SEGMENT_BYTES = 4 * 1024 * 1024
# With so many, a sync need not wait for their age: 64 MB that nobody sends will not be gone in a second.
FULL_UNSYNCED = 16
_LEAST_SEGMENTS = 8
# Somebody else may eat what a drop freed; one record is not worth the whole backlog.
_DROPS_A_RECORD = 3


class Shelf:
    """One camera's segments, oldest first. active: the one that is written."""

    def __init__(self, camera_id: str, folder: Path) -> None:
        self.camera_id = camera_id
        self.folder = folder
        self.segments: list[Segment] = []
        self.active: Segment | None = None
        self.reading: Segment | None = None
        self.next_number = 0
        self.rests_until_s = 0.0
        """Its disk does not give its backlog now."""

    @property
    def disk_bytes(self) -> int:
        return sum(segment.size for segment in self.segments)

    def with_backlog(self) -> Segment | None:
        """The oldest segment that holds backlog."""
        return next((segment for segment in self.segments if segment.counts[BACKLOG]), None)

    def oldest_unsettled(self) -> tuple[Segment, int] | None:
        for segment in self.segments:
            if segment.unsettled:
                return segment, next(i for i, state in enumerate(segment.states) if state != SETTLED)
        return None


class Shelves:
    """on_dropped: a segment and the frame ids of its backlog that went with it, before anything else happens.
    on_trouble: a sentence. Neither may call back.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        disk: Disk,
        *,
        on_dropped: Callable[[Shelf, Segment, list[str]], None],
        on_trouble: Callable[[str], None],
    ) -> None:
        self.folder = folder
        self.bytes = 0
        """Of all segment files."""
        self.full_unsynced = 0
        """Segments that were filled since the last sync, about."""
        self._shelves: dict[str, Shelf] = {}
        self._max_bytes = max_bytes
        self._segment_bytes = min(SEGMENT_BYTES, max_bytes // _LEAST_SEGMENTS)
        self._disk = disk
        self._on_dropped = on_dropped
        self._on_trouble = on_trouble

    def __iter__(self) -> Iterator[Shelf]:
        return iter(self._shelves.values())

    def get(self, camera_id: str) -> Shelf:
        if camera_id not in self._shelves:
            self._shelves[camera_id] = Shelf(camera_id, self.folder / camera_id)
        return self._shelves[camera_id]

    def recover(self) -> None:
        """Takes stock of what is there. What cannot be read is left alone until its room is needed."""
        for folder in sorted(p for p in self.folder.iterdir() if p.is_dir() and is_camera_id(p.name)):
            shelf = self.get(folder.name)
            for path in segment_paths(folder):
                shelf.next_number = number_of(path) + 1
                try:
                    segment = Segment.load(path, self._disk)
                except OSError as error:
                    self._on_trouble(f"{path} in the spool cannot be read: {error.strerror}; check the disk.")
                    continue
                if segment.damaged:
                    self._on_trouble(
                        f"{path} in the spool holds damaged records ({segment.damaged}); the rest is kept."
                    )
                shelf.segments.append(segment)
                self.bytes += segment.size
                if not segment.unsettled:
                    self._delete(shelf, segment)
        self.make_room(0)

    def has_room(self, size: int) -> bool:
        return self.bytes + size <= self._max_bytes

    def make_room(self, size: int) -> bool:
        while self.bytes + size > self._max_bytes:
            if size > self._max_bytes or not self._drop_oldest():
                return False
        return True

    def append(self, shelf: Shelf, head: bytes, data: bytes, now_s: float) -> tuple[Segment, int] | None:
        """head: from frame_head. Where the record lies now; None when the disk does not take it."""
        size = len(head) + len(data)
        if not self.make_room(size):
            return None
        for _ in range(_DROPS_A_RECORD + 1):
            try:
                segment = self._writable(shelf, size)
                index = segment.append(head, data, now_s)
            except OSError as error:
                self._seal(shelf)
                full = error.errno in (ENOSPC, EDQUOT)
                advice = "the oldest frames make room; free some disk" if full else "check the disk"
                self._on_trouble(f"the spool {self.folder} cannot be written: {error.strerror or error}; {advice}.")
                if not (full and self._drop_oldest()):
                    return None
            else:
                self.bytes += size
                return segment, index
        return None

    def _writable(self, shelf: Shelf, size: int) -> Segment:
        if shelf.active is not None and shelf.active.size and shelf.active.size + size > self._segment_bytes:
            self._seal(shelf)
            self.full_unsynced += 1
        if shelf.active is None:
            self._disk.make_folder(shelf.folder)
            shelf.active = Segment(path_in(shelf.folder, shelf.next_number), self._disk)
            shelf.active.keep_open = True
            shelf.next_number += 1
            shelf.segments.append(shelf.active)
        return shelf.active

    def _seal(self, shelf: Shelf) -> None:
        active, shelf.active = shelf.active, None
        if active is not None:
            active.keep_open = active is shelf.reading
            if not active.keep_open:
                active.close()
            if not active.unsettled:
                self._delete(shelf, active)

    def _drop_oldest(self) -> bool:
        """Of the camera that takes most, the oldest segment of which nothing is on its way. False: there is none."""
        for shelf in sorted(self, key=lambda shelf: shelf.disk_bytes, reverse=True):
            for segment in shelf.segments:
                if segment.size and not segment.counts[TAKEN]:
                    lost = [i for i, state in enumerate(segment.states) if state == BACKLOG]
                    names = [segment.frame_id(index) for index in lost]
                    if not self._delete(shelf, segment):
                        return False
                    self._on_dropped(shelf, segment, names)
                    return True
        return False

    def _delete(self, shelf: Shelf, segment: Segment) -> bool:
        """False: the disk refuses. It is tried again when room is needed, and at the next start."""
        try:
            segment.delete()
        except OSError as error:
            self._on_trouble(f"the spool {self.folder} cannot delete: {error.strerror or error}; check the disk.")
            return False
        self.bytes -= segment.size
        shelf.segments.remove(segment)
        if shelf.active is segment:
            shelf.active = None
        if shelf.reading is segment:
            shelf.reading = None
        return True

    def read(self, shelf: Shelf, segment: Segment, index: int) -> tuple[str, bytes] | None:
        """Frame id and data; None when they are damaged. Raises OSError when the disk does not give them now."""
        if shelf.reading is not segment:
            if shelf.reading is not None and shelf.reading is not shelf.active:
                shelf.reading.keep_open = False
                shelf.reading.close()
            shelf.reading = segment
            segment.keep_open = True
        try:
            found = segment.read(index)
        except OSError as error:
            self._on_trouble(f"{segment.path} in the spool cannot be read: {error.strerror}; check the disk.")
            if error.errno != EIO:  # too many open files, for example: not the record's fault
                raise
            return None
        if found is None:
            self._on_trouble(f"{segment.path} in the spool is damaged; what cannot be read is dropped.")
        return found

    def peek(self, segment: Segment, index: int) -> tuple[str, bytes] | None:
        """As read, for whoever only looks: silent."""
        with suppress(OSError):
            return segment.read(index)
        return None

    def settle(self, shelf: Shelf, segment: Segment, index: int) -> None:
        """The record need not come again, and a segment without any other goes."""
        segment.set_state(index, SETTLED)
        if not segment.unsettled:
            if segment is not shelf.active:
                if self._delete(shelf, segment):
                    return
            elif self._empty(segment):
                return
        with suppress(OSError):  # then it comes once more after a crash
            segment.mark_sent(index)

    def _empty(self, segment: Segment) -> bool:
        """Cheaper than a new file for every frame of a camera whose frames leave at once."""
        size = segment.size
        with suppress(OSError):
            segment.empty()
            self.bytes -= size
            return True
        return False

    def begin_sync(self, before_s: float) -> list[Path]:
        """What to sync, in this order: what was written before then, and full segments once they are many."""
        paths: list[Path] = []
        many = self.full_unsynced >= FULL_UNSYNCED
        if many:
            self.full_unsynced = 0
        for shelf in self:
            for segment in shelf.segments:
                since_s = segment.dirty_since_s
                if since_s is not None and (since_s <= before_s or (many and segment is not shelf.active)):
                    segment.dirty_since_s = None
                    paths.append(segment.path)
                    if segment.is_new:
                        segment.is_new = False
                        paths += [shelf.folder, self.folder]
        return list(dict.fromkeys(paths))

    def close(self) -> None:
        for shelf in self:
            for segment in list(shelf.segments):
                segment.close()
                if not segment.unsettled:
                    self._delete(shelf, segment)
