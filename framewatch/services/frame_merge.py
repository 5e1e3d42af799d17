"""Frames of several cameras, newest first, read from one index a camera and day.

A lazy k-way merge. Of a camera that is not read, only a bound is known: its next key is below it. Frames are read
only where they may be the next to show, so a page costs what it holds:

- frames read <= frames shown + one a camera (its head, which the page did not get to);
- one small pointer item for each day boundary that a camera crosses, whatever lies between the days;
- queries <= 1.5 x frames shown + one a camera + two for each such boundary. Cameras that take turns cost a
  query a frame; one that is alone, or that has won twice in a row, is read in one query down to where the next
  camera may come in, and all of that is shown.

Expired frames that DynamoDB has not deleted yet are read and not shown. Reading them is bounded, too: a request that
meets more than EXPIRED_ALLOWANCE of them ends its page early, with a cursor that goes on from there. Only where they
are met is more than one frame of a camera read ahead.

Where a caller wants only some of the frames, those that it does not want are read and counted as if they were shown,
at most MAX_UNWANTED of them: then the page ends early, too.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import index_name

EXPIRED_ALLOWANCE = 1000
MAX_UNWANTED = 500
_STRIDE = 100  # where most of what is read may not be shown
# Sorts after every day.
_AFTER_ALL = "~"
_RUN = 2  # wins in a row after which a camera is read ahead as far as is certain


@dataclass(frozen=True, slots=True)
class FrameRead:
    """Frames of one index and day with from_sk <= sort key < before_sk, highest first."""

    index: str
    day: str
    before_sk: str
    from_sk: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class Slice:
    """frames: those that may be shown. items_read: with those that have expired.

    next_before_sk: where the next read goes on; None when the range holds nothing more.
    """

    frames: Sequence[StoredFrame]
    items_read: int
    next_before_sk: str | None


class FramePages(Protocol):
    """Reads that may be a moment old. Called from several threads. Raises StorageUnavailable."""

    def query(self, read: FrameRead) -> Slice: ...

    def previous_day(self, index: str, before_day: str, not_before_day: str | None) -> str | None:
        """The latest day before `before_day` on which the index has frames."""
        ...


@dataclass(frozen=True, slots=True)
class Merged:
    """resume_before: show what is below it next; None when everything is shown."""

    frames: list[StoredFrame]
    resume_before: str | None


@dataclass(slots=True)
class _Stream:
    """One camera's frames. `bound`: the next key that is not read yet is below it. A day is below its own keys."""

    index: str
    day: str
    bound: str
    floor: str | None  # sort keys below it are not wanted
    ready: deque[StoredFrame] = field(default_factory=deque)
    day_is_read: bool = False
    done: bool = False
    expired: int = 0

    @property
    def top(self) -> str:
        """The highest key that may come next."""
        return self.ready[0].sort_key if self.ready else self.bound

    def read_on(self, pages: FramePages, limit: int, down_to: str | None) -> None:
        """Raises the knowledge of this camera by one request: frames, or which day has some."""
        if self.day_is_read:
            self._find_day(pages)
        else:
            self._read_frames(pages, limit, down_to)

    def _find_day(self, pages: FramePages) -> None:
        found = pages.previous_day(self.index, self.day, self.floor[:10] if self.floor else None)
        if found is None:
            self.done = True
        else:
            self.day, self.bound, self.day_is_read = found, end_of_day(found), False

    def _read_frames(self, pages: FramePages, limit: int, down_to: str | None) -> None:
        # Keys of a day begin with it, so a limit at or below the day itself leaves nothing out.
        lowest = max((sk for sk in (down_to, self.floor) if sk and sk > self.day), default=None)
        found = pages.query(FrameRead(self.index, self.day, self.bound, lowest, limit))
        self.ready.extend(found.frames)
        self.expired += found.items_read - len(found.frames)
        if found.next_before_sk is not None:
            self.bound = found.next_before_sk
        elif lowest is not None and lowest != self.floor:
            self.bound = lowest
        else:
            self.bound, self.day_is_read = self.day, True
            self.done = self.floor is not None and self.floor[:10] >= self.day


def end_of_day(day: str) -> str:
    """Above every sort key of the day, below those of the next: keys go on with a `T`."""
    return f"{day}U"


def merge_newest_first(
    pages: FramePages,
    indexes: Sequence[str],
    *,
    before_sk: str,
    floor_sk: str | None,
    limit: int,
    wanted: Callable[[StoredFrame], bool] | None = None,
    executor: Executor | None = None,
) -> Merged:
    """At most `limit` frames with floor_sk <= sort key < before_sk. executor: for reads that can go together."""
    streams = [_Stream(index, before_sk[:10], before_sk, floor_sk) for index in indexes]
    shown: list[StoredFrame] = []
    last: _Stream | None = None
    wins = unwanted = 0
    while len(shown) < limit:
        live = [s for s in streams if s.ready or not s.done]
        if not live:
            return Merged(shown, None)
        top = max(s.top for s in live)
        # An unread camera's keys are below its bound, so a head that equals the bound comes first.
        first = next((s for s in live if s.ready and s.top == top), None)
        if first is not None:
            frame = first.ready.popleft()
            wins = wins + 1 if first is last else 1
            last = first
            if wanted is None or wanted(frame):
                shown.append(frame)
            elif (unwanted := unwanted + 1) == MAX_UNWANTED:
                return Merged(shown, frame.sort_key)
            continue
        expired = sum(s.expired for s in streams)
        if expired >= EXPIRED_ALLOWANCE:
            return Merged(shown, top)
        unread = [s for s in live if s.top == top]
        rest = max((s.top for s in live if s.top != top), default=None)
        alone = len(unread) == 1
        if alone and (rest is None or rest <= unread[0].day or (unread[0] is last and wins >= _RUN)):
            ahead = limit - len(shown) if wanted is None else _STRIDE
            unread[0].read_on(pages, _stride(unread[0], ahead), rest)
        else:
            _together(executor, [_reader(s, pages) for s in unread])
    return Merged(shown, shown[-1].sort_key)


def _stride(stream: _Stream, limit: int) -> int:
    # Where one frame has expired the older ones most likely have, too: step over them in few requests.
    return max(limit, _STRIDE) if stream.expired else limit


def _reader(stream: _Stream, pages: FramePages) -> Callable[[], None]:
    return lambda: stream.read_on(pages, _stride(stream, 1), None)


def _together(executor: Executor | None, reads: Sequence[Callable[[], None]]) -> None:
    if executor is None or len(reads) == 1:
        for read in reads:
            read()
        return
    for future in [executor.submit(read) for read in reads]:
        future.result()


def newest_frame(pages: FramePages, camera_id: str) -> StoredFrame | None:
    """The camera's newest by capture; None when there is none. Two queries, an item each."""
    index = index_name(camera_id)
    day = pages.previous_day(index, _AFTER_ALL, None)
    if day is None:
        return None
    found = pages.query(FrameRead(index, day, end_of_day(day), None, 1)).frames
    return found[0] if found else None
