"""Hours of the week, as a person writes them: `mon-fri 08:00-18:00`, `daily 22:00-06:00`.

The clock on the wall decides. Of the hour that a clock change doubles both passes count alike; what lies in the hour
that it skips does not happen that day. A span over midnight belongs to the day it starts: `fri 22:00-06:00` ends on
Saturday morning.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_SPANS = 50

_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
_EXAMPLE = "write days and hours, such as mon-fri 08:00-18:00, sat,sun 00:00-24:00 or daily 22:00-06:00"
_MEANT = {"weekday": "mon-fri", "workday": "mon-fri", "weekend": "sat,sun", "everyday": "daily", "alway": "daily"}
_TIME = re.compile(r"^([0-9]{1,2}):([0-9]{2})$")
# A weekly span that falls wholly into a skipped hour comes again a week later.
_LOOK_AHEAD_DAYS = 16


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """spans: [first, last) minutes of a week that begins on Monday at 00:00, in order, apart from each other."""

    spans: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, texts: Sequence[str]) -> Self:
        """Open in any of them. Raises ValueError with a sentence about the first that is wrong."""
        if not texts:
            raise ValueError(f"no hours; {_EXAMPLE}")
        if len(texts) > MAX_SPANS:
            raise ValueError(f"{len(texts)} lines of hours are more than {MAX_SPANS}; join some of them")
        return cls(tuple(_joined(span for text in texts for span in _parse(text))))

    def is_open(self, at_utc: datetime, zone: tzinfo) -> bool:
        """at_utc: aware. zone: of pytz, such as `pytz.timezone("Europe/Madrid")`."""
        local = at_utc.astimezone(zone)
        minute = local.weekday() * _DAY_MINUTES + local.hour * 60 + local.minute
        return any(first <= minute < last for first, last in self.spans)

    def next_change(self, at_utc: datetime, zone: tzinfo) -> datetime | None:
        """When it next opens or closes, after at_utc and in UTC; None when it never does."""
        is_open = self.is_open(at_utc, zone)
        start = at_utc.astimezone(UTC)
        for day in range(_LOOK_AHEAD_DAYS):
            for at in sorted(self._edges(start + timedelta(days=day), zone)):
                if at > start and self.is_open(at, zone) != is_open:
                    return at
        return None

    def _edges(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Every instant within the next 24 hours at which something may change."""
        until = after + timedelta(days=1)
        pieces = [(after, until)]
        if after.astimezone(zone).utcoffset() != until.astimezone(zone).utcoffset():
            # The wall clock jumps in between, and with it perhaps over an edge.
            jump = _offset_change(after, until, zone)
            yield jump
            pieces = [(after, jump), (jump, until)]
        for begin, end in pieces:
            # Within a piece the wall clock runs evenly, so that its minutes are a matter of adding.
            local = begin.astimezone(zone)
            week_began = begin - timedelta(
                days=local.weekday(),
                hours=local.hour,
                minutes=local.minute,
                seconds=local.second,
                microseconds=local.microsecond,
            )
            for minute in {edge for span in self.spans for edge in span}:
                for week in (0, _WEEK_MINUTES):
                    at = week_began + timedelta(minutes=minute + week)
                    if begin < at <= end:
                        yield at


def _offset_change(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """The first whole second at which the zone's offset is the one at `high`. Changes lie on whole seconds."""
    after = high.astimezone(zone).utcoffset()
    low, high = low.replace(microsecond=0), high.replace(microsecond=0) + timedelta(seconds=1)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high


def _parse(text: str) -> list[tuple[int, int]]:
    """The text's spans of the week, cut where the week ends."""
    words = text.lower().split()
    if len(words) != 2 or len(text) > 100:
        raise ValueError(f"{text[:60]!r} is not days, a blank and hours; {_EXAMPLE}")
    days, (first, last) = _parse_days(words[0], text), _parse_hours(words[1], text)
    spans = []
    for day in days:
        begin, end = day * _DAY_MINUTES + first, day * _DAY_MINUTES + last
        spans.append((begin, min(end, _WEEK_MINUTES)))
        if end > _WEEK_MINUTES:  # Sunday night goes on into Monday
            spans.append((0, end - _WEEK_MINUTES))
    return spans


def _parse_days(word: str, text: str) -> list[int]:
    if word == "daily":
        return list(range(7))
    days: list[int] = []
    for part in word.split(","):
        first, dash, last = part.partition("-")
        begin, end = _day(first, text), _day(last if dash else first, text)
        days += [day % 7 for day in range(begin, end + 1 if begin <= end else end + 8)]
    return days


def _day(name: str, text: str) -> int:
    if name in DAYS:
        return DAYS.index(name)
    # A name in full begins with its day; what is merely alike, as `weekday` is to `wed`, would mislead.
    near = _MEANT.get(name.removesuffix("s")) or next((day for day in DAYS if name.startswith(day)), None)
    near = near or next(iter(difflib.get_close_matches(name[:20], (*DAYS, "daily"), n=1, cutoff=0.65)), None)
    fix = f"did you mean {near!r}?" if near else f"the days are {', '.join(DAYS)}, or daily for all of them"
    raise ValueError(f"{text[:60]!r}: {name[:20]!r} is not a day; {fix}")


def _parse_hours(word: str, text: str) -> tuple[int, int]:
    """Minutes since the day's midnight; the end may lie in the next day."""
    begin_text, dash, end_text = word.partition("-")
    if not dash:
        raise ValueError(f"{text[:60]!r}: {word[:20]!r} is not hours; write from and to, such as 08:00-18:00")
    begin, end = _minute(begin_text, text), _minute(end_text, text)
    if begin == _DAY_MINUTES:
        raise ValueError(f"{text[:60]!r}: 24:00 ends a day and begins none; write 00:00 and the next day")
    if begin == end:
        raise ValueError(f"{text[:60]!r} is no time at all; write 00:00-24:00 for a whole day")
    return begin, end if end > begin else end + _DAY_MINUTES


def _minute(word: str, text: str) -> int:
    found = _TIME.match(word)
    minute = int(found[1]) * 60 + int(found[2]) if found else _DAY_MINUTES + 1
    if not found or int(found[2]) > 59 or minute > _DAY_MINUTES:
        raise ValueError(f"{text[:60]!r}: {word[:20]!r} is not a time of day; write it as 08:00, up to 24:00")
    return minute


def _joined(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, those that touch or overlap made one."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined
