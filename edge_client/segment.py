"""A spool's files: how records lie in one, and what of them is found after a crash.

A segment is a run of records, appended with one write each and never moved:

    b"FWS1" | WAIT or SENT | id length u16 | data length u32 | data's CRC-32 | head's CRC-32 | frame id | data

The head's CRC-32 covers the lengths, the data's CRC-32 and the frame id; so a record is found, named and measured
without its data. The mark is outside of it: settling a record writes four bytes in place, and only an exact SENT
counts, so that no flipped bit makes a waiting record look sent.
"""

import contextlib
import os
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from errno import EACCES, EPERM, EROFS
from pathlib import Path

MAGIC = b"FWS1"
SUFFIX = ".seg"
_HEAD = struct.Struct(">4s4sHII")
_HEAD_CRC = struct.Struct(">I")
_FIXED = _HEAD.size + _HEAD_CRC.size
_MARK_AT = len(MAGIC)
_WAIT, _SENT = b"WAIT", b"SENT"
_MAX_ID_BYTES = 1024
_MAX_DATA_BYTES = 64 * 1024 * 1024

# What has become of a record, as far as this process knows.
BACKLOG, LIVE, TAKEN, SETTLED = range(4)


class Disk:
    """Every call that changes a file or reads one, in one place: a test puts a full or a dying disk here."""

    def open(self, path: Path, flags: int) -> int:
        return os.open(path, flags | os.O_CLOEXEC, 0o600)

    def close(self, fd: int) -> None:
        os.close(fd)

    def write(self, fd: int, buffers: Sequence[bytes], offset: int) -> int:
        return os.pwritev(fd, buffers, offset)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        return os.pread(fd, size, offset)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def make_folder(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)

    def sync(self, path: Path) -> None:
        """A file's or a folder's content onto the medium. What is gone needs none."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


@dataclass(frozen=True, slots=True)
class Head:
    frame_id: str
    data_bytes: int
    data_crc32: int
    is_sent: bool
    data_at: int
    """From the record's start."""

    @property
    def record_bytes(self) -> int:
        return self.data_at + self.data_bytes


def frame_head(frame_id: str, data: bytes) -> bytes:
    """What stands before the data on the disk."""
    name = frame_id.encode()
    head = _HEAD.pack(MAGIC, _WAIT, len(name), len(data), zlib.crc32(data))
    return head + _HEAD_CRC.pack(_head_crc32(head, name)) + name


def _head_crc32(head: bytes, name: bytes) -> int:
    return zlib.crc32(name, zlib.crc32(head[_MARK_AT + len(_WAIT) :]))


def parse_head(data: bytes) -> Head | None:
    """The head at the start of data; None where there is no whole and undamaged one."""
    if len(data) < _FIXED or not data.startswith(MAGIC):
        return None
    _, mark, id_bytes, data_bytes, data_crc32 = _HEAD.unpack_from(data)
    name = data[_FIXED : _FIXED + id_bytes]
    (head_crc32,) = _HEAD_CRC.unpack_from(data, _HEAD.size)
    whole = len(name) == id_bytes <= _MAX_ID_BYTES and data_bytes <= _MAX_DATA_BYTES
    if not whole or head_crc32 != _head_crc32(data[: _HEAD.size], name):
        return None
    return Head(name.decode(errors="replace"), data_bytes, data_crc32, mark == _SENT, _FIXED + id_bytes)


class Segment:
    """One file and one byte a record of what became of it; offsets and lengths are kept, frame ids and data are not.

    Its methods raise OSError, and leave it as it was when they do, but for a torn tail.
    """

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self.size = 0
        self.states = bytearray()
        self.counts = [0, 0, 0, 0]  # records in each state
        self.bytes_in = [0, 0, 0, 0]  # and their bytes as they lie here
        self.damaged = 0
        self.dirty_since_s: float | None = None
        self.is_new = True  # its folder does not hold it durably yet
        self.keep_open = False
        self._offsets = array("Q")
        self._lengths = array("I")
        self._disk = disk
        self._fd: int | None = None

    @staticmethod
    def load(path: Path, disk: Disk) -> "Segment":
        """What is left after a crash: a torn tail is cut off, a damaged record is passed over. Data is not read."""
        segment = Segment(path, disk)
        segment.is_new = False
        segment.size = path.stat().st_size
        with segment._file() as fd:
            end = 0
            for offset, head in segment._heads(fd):
                segment._add(offset, head.record_bytes, SETTLED if head.is_sent else BACKLOG)
                end = offset + head.record_bytes
            if end < segment.size:
                with contextlib.suppress(OSError):  # then it only takes room
                    disk.truncate(fd, end)
                    segment.size = end
        return segment

    def _heads(self, fd: int) -> Iterator[tuple[int, Head]]:
        at = 0
        while at < self.size:
            head = parse_head(self._disk.read(fd, _FIXED + 128, at)) or parse_head(
                self._disk.read(fd, _FIXED + _MAX_ID_BYTES, at)
            )
            if head is not None and at + head.record_bytes <= self.size:
                yield at, head
                at += head.record_bytes
                continue
            rest = self._disk.read(fd, self.size - at, at)
            found = _next_head(rest)
            if found is None:
                return
            self.damaged += 1
            at += found

    @contextlib.contextmanager
    def _file(self) -> Iterator[int]:
        if self._fd is None:
            self._fd = self._open()
        try:
            yield self._fd
        finally:
            if not self.keep_open:
                self.close()

    def _open(self) -> int:
        try:
            return self._disk.open(self.path, os.O_RDWR | (os.O_CREAT if self.is_new and not self.size else 0))
        except OSError as error:
            if error.errno not in (EROFS, EACCES, EPERM) or not self.size:
                raise
            return self._disk.open(self.path, os.O_RDONLY)  # a disk that has turned read-only still gives what it has

    def _add(self, offset: int, length: int, state: int) -> None:
        self._offsets.append(offset)
        self._lengths.append(length)
        self.states.append(state)
        self.counts[state] += 1
        self.bytes_in[state] += length

    @property
    def unsettled(self) -> int:
        return len(self.states) - self.counts[SETTLED]

    @property
    def unsettled_bytes(self) -> int:
        return sum(self.bytes_in) - self.bytes_in[SETTLED]

    def append(self, head: bytes, data: bytes, now_s: float) -> int:
        """head: from frame_head. Returns the new record's index; it is live."""
        length = len(head) + len(data)
        if self._fd is None:
            self._fd = self._open()
        try:
            written = self._disk.write(self._fd, (head, data), self.size)
            while written < length:  # cut short by the last free block: the next call says why
                rest = (head + data)[written:]
                written += self._disk.write(self._fd, (rest,), self.size + written)
        except OSError:
            with contextlib.suppress(OSError):  # else the next record overwrites it
                self._disk.truncate(self._fd, self.size)
            raise
        self._add(self.size, length, LIVE)
        self.size += length
        if self.dirty_since_s is None:
            self.dirty_since_s = now_s
        return len(self.states) - 1

    def read(self, index: int) -> tuple[str, bytes] | None:
        """Frame id and data; None when they are damaged."""
        with self._file() as fd:
            record = self._disk.read(fd, self._lengths[index], self._offsets[index])
        head = parse_head(record)
        if head is None:
            return None
        data = record[head.data_at :]
        if len(data) != head.data_bytes or zlib.crc32(data) != head.data_crc32:
            return None
        return head.frame_id, data

    def frame_id(self, index: int) -> str:
        """Empty when it cannot be read."""
        with contextlib.suppress(OSError), self._file() as fd:
            head = parse_head(self._disk.read(fd, _FIXED + _MAX_ID_BYTES, self._offsets[index]))
            return head.frame_id if head else ""
        return ""

    def length(self, index: int) -> int:
        return self._lengths[index]

    def oldest_in(self, state: int) -> int:
        """The oldest record's index in this state; -1 without one."""
        return self.states.find(state) if self.counts[state] else -1

    def set_state(self, index: int, state: int) -> None:
        for before_or_after, change in ((self.states[index], -1), (state, 1)):
            self.counts[before_or_after] += change
            self.bytes_in[before_or_after] += change * self._lengths[index]
        self.states[index] = state

    def mark_sent(self, index: int) -> None:
        with self._file() as fd:
            self._disk.write(fd, (_SENT,), self._offsets[index] + _MARK_AT)

    def empty(self) -> None:
        """Starts anew with no record."""
        with self._file() as fd:
            self._disk.truncate(fd, 0)
        self.size = 0
        self.states.clear()
        self.counts = [0, 0, 0, 0]
        self.bytes_in = [0, 0, 0, 0]
        del self._offsets[:], self._lengths[:]
        self.dirty_since_s = None

    def delete(self) -> None:
        self._disk.unlink(self.path)
        self.keep_open = False
        self.close()

    def close(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            self._disk.close(fd)


def _next_head(data: bytes) -> int | None:
    """Where the first whole record after the start of data lies."""
    at = data.find(MAGIC, 1)
    while at >= 0:
        head = parse_head(data[at : at + _FIXED + _MAX_ID_BYTES])
        if head is not None and at + head.record_bytes <= len(data):
            return at
        at = data.find(MAGIC, at + 1)
    return None


def number_of(path: Path) -> int:
    return int(path.stem)


def path_in(folder: Path, number: int) -> Path:
    return folder / f"{number:020d}{SUFFIX}"


def segment_paths(folder: Path) -> list[Path]:
    """A camera's segments in the order in which they were begun."""
    return sorted((p for p in folder.glob(f"*{SUFFIX}") if p.stem.isdecimal()), key=number_of)
