"""The frames of one camera before and after an instant: what somebody steps through who looks at one of them.

Those before are read as any page of frames is (frame_merge.py). Those after are read upwards, one query for each day
that has some, and one for each step from such a day to the next; what has expired and is still there is read and not
shown, at most EXPIRED_ALLOWANCE of it.
"""

from datetime import datetime
from typing import Protocol

from framewatch.services.fetch_frames import FetchDeps, frame_views
from framewatch.services.frame_merge import EXPIRED_ALLOWANCE, FramePages, Slice, merge_newest_first
from framewatch.services.list_filters import choose_cameras
from framewatch.wire.api import AroundQuery, FramesAround
from framewatch.wire.envelope import format_utc
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import day_of, index_name

# Above every sort key of the instant that it follows: frame ids are plain ASCII.
_AFTER_ALL = "#~"


class FramesUp(FramePages, Protocol):
    """The same frames, lowest first. Raises StorageUnavailable."""

    def query_up(self, index: str, day: str, above_sk: str, limit: int) -> Slice:
        """next_before_sk of the answer: above which the next read goes on."""
        ...

    def next_day(self, index: str, after_day: str) -> str | None:
        """The earliest day after `after_day` on which the index has frames."""
        ...


def frames_around(query: AroundQuery, deps: FetchDeps, pages: FramesUp) -> FramesAround:
    """Raises InvalidQuery, StorageUnavailable."""
    site = deps.site.current()
    choose_cameras([query.camera], site)
    index = index_name(query.camera)
    at = format_utc(query.at)
    before = merge_newest_first(pages, [index], before_sk=at, floor_sk=None, limit=query.limit)
    after = _after(pages, index, query.at, query.limit)
    return FramesAround(before=frame_views(before.frames, site, deps), after=frame_views(after, site, deps))


def _after(pages: FramesUp, index: str, at: datetime, limit: int) -> list[StoredFrame]:
    found: list[StoredFrame] = []
    day: str | None = day_of(at)
    above: str | None = f"{format_utc(at)}{_AFTER_ALL}"
    expired = 0
    while day is not None and len(found) < limit and expired < EXPIRED_ALLOWANCE:
        if above is None:
            day = pages.next_day(index, day)
            above = day
            continue
        read = pages.query_up(index, day, above, limit - len(found))
        found += read.frames
        expired += read.items_read - len(read.frames)
        above = read.next_before_sk
    return found
