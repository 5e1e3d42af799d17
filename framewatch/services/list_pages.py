"""Newest first over cameras and UTC days: how alerts and visits are walked through, page by page.

Which days have any is not known beforehand, as the days of frames are: the walk goes back day by day. What one page
costs is bounded by what it may walk through, not by what there is:

- one query for each camera and day, and one more for each further `page` items that are read there;
- at most MAX_CAMERA_DAYS camera days (one day of all cameras, if these are more);
- at most MAX_ITEMS items that are looked at, and of each camera at most `page` that are read ahead.

A page that reaches a bound ends early, with a place from which the next goes on.
"""

import base64
import binascii
import hashlib
import heapq
import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from operator import itemgetter
from typing import Any, Generic, Protocol, TypeVar

from framewatch.domain.errors import InvalidQuery
from framewatch.domain.site import SiteConfig
from framewatch.services.frame_merge import end_of_day
from framewatch.wire.envelope import format_utc

MAX_CAMERA_DAYS = 400
MAX_ITEMS = 2000
DEFAULT_SPAN = timedelta(days=7)
# A camera's clock may be this far ahead. What is further ahead is found by asking with `to`.
CLOCK_AHEAD = timedelta(minutes=10)
# A year before it has a shorter text, which would sort wrong.
EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)
CURSOR_VERSION = 1
_START_AGAIN = "start again without cursor"
_DAY = timedelta(days=1)
_DAY_FIRST = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[TU]")
# DynamoDB takes 1024, and one more character may follow.
MAX_KEY_BYTES = 1000

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class ReadDay(Protocol[T_co]):
    """As the tables' newest_first."""

    def __call__(
        self, camera_id: str, day: str, *, before_sk: str | None = None, page: int = 100
    ) -> Iterator[tuple[str, T_co]]: ...


class Spanned(Protocol):
    """A query with a span of time, either end of which may be left open."""

    @property
    def from_(self) -> datetime | None: ...

    @property
    def to(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Span:
    """first <= time < end."""

    first: datetime
    end: datetime


def choose_span(query: Spanned, site: SiteConfig, now: datetime) -> Span:
    """Raises InvalidQuery for a span longer than things are kept."""
    end = query.to or now + CLOCK_AHEAD
    first = query.from_ or max(end - DEFAULT_SPAN, EARLIEST)
    most = site.retention.metadata_days
    if end - first > timedelta(days=most) + CLOCK_AHEAD:
        raise InvalidQuery(f"from: lies more than {most} days before the end, which is as long as anything is kept")
    if query.from_ is not None and first >= end:
        raise InvalidQuery("from: lies in the future; give an earlier one")
    return Span(first, end)


@dataclass(slots=True)
class Walk(Generic[T]):
    """Items with first <= sort key < before_sk, newest first, each with its sort key; once.

    resume_before: after the walk, the sort key below which it would go on; None when it is at its end.
    """

    read_day: ReadDay[T]
    cameras: Sequence[str]
    span: Span
    before_sk: str | None = None
    page: int = 100
    executor: Executor | None = None
    resume_before: str | None = field(default=None, init=False)

    def __iter__(self) -> Iterator[tuple[str, T]]:
        floor = format_utc(self.span.first)
        before = min(filter(None, (self.before_sk, format_utc(self.span.end))))
        day, last_day = date.fromisoformat(before[:10]), date.fromisoformat(floor[:10])
        camera_days = items = 0
        while day >= last_day:
            if camera_days and camera_days + len(self.cameras) > MAX_CAMERA_DAYS:
                self.resume_before = end_of_day(day.isoformat())
                return
            camera_days += len(self.cameras)
            for sk, item in self._day(day.isoformat(), before):
                if sk < floor:
                    break
                yield sk, item
                items += 1
                if items == MAX_ITEMS:
                    self.resume_before = sk
                    return
            if day == date.min:
                return
            day -= _DAY

    def _day(self, day: str, before: str) -> Iterator[tuple[str, T]]:
        before_sk = before if before[:10] == day else None
        streams = [self.read_day(c, day, before_sk=before_sk, page=self.page) for c in self.cameras]
        if self.executor is not None and len(streams) > 1:
            # What comes first of each is asked for side by side.
            streams = list(self.executor.map(_begun, streams))
        return heapq.merge(*streams, key=itemgetter(0), reverse=True)


def _begun(stream: Iterator[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    for first in stream:
        return chain((first,), stream)
    return stream


# -- cursors ----------------------------------------------------------------------------------------------------


def encode_place(place: str, filters: Sequence[Any], within: str | None = None) -> str:
    """Opaque to clients. place: a sort key, not a count, so that what arrives meanwhile shifts nothing.

    within: how far the page came in the item at that place.
    """
    body = {"v": CURSOR_VERSION, "k": place, "f": _hash(filters)} | ({"w": within} if within is not None else {})
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_place(cursor: str, filters: Sequence[Any], is_place: Callable[[str], bool]) -> tuple[str, str | None]:
    """The place, and how far in it. Raises InvalidQuery when it is damaged or from other filters."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        body = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):  # ValueError: not ASCII, not UTF-8, not JSON
        body = None
    if not isinstance(body, dict) or body.get("v") != CURSOR_VERSION:
        raise InvalidQuery(f"cursor: is not one that this API gave; {_START_AGAIN}")
    if body.get("f") != _hash(filters):
        raise InvalidQuery(f"cursor: belongs to a query with other filters; {_START_AGAIN}")
    place, within = body.get("k"), body.get("w")
    if not isinstance(place, str) or not is_place(place) or not (within is None or isinstance(within, str)):
        raise InvalidQuery(f"cursor: is not one that this API gave; {_START_AGAIN}")
    return place, within


def is_sort_key(text: str) -> bool:
    """Whether it begins with a day of the calendar, and is text that a table can be asked for.

    A label stands in the sort keys of alerts and visits, and may hold any character.
    """
    try:
        date.fromisoformat(text[:10])
        size = len(text.encode())
    except ValueError:  # what cannot be encoded raises one, too
        return False
    return bool(_DAY_FIRST.match(text)) and size <= MAX_KEY_BYTES


def time_of(place: str) -> datetime:
    """Of a sort key, or of the end of a day."""
    if place[10:11] == "U":
        return datetime.fromisoformat(place[:10]).replace(tzinfo=UTC) + _DAY
    return datetime.fromisoformat(place.partition("#")[0])


def _hash(filters: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(filters).encode()).hexdigest()[:16]
