"""How much there was, from what the watchdog has counted (roll_up.py).

One query a camera for a few hours or a year of days, and one more for each megabyte of it: what it costs hangs on the
span that is asked for, not on how many frames there were. And one query of until when all are counted.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytz
from pytz.tzinfo import BaseTzInfo

from framewatch.domain.errors import InvalidQuery
from framewatch.domain.hourly import HOUR, StepCounts, day_in, day_start, hour_of, steps_of
from framewatch.services.list_filters import choose_cameras
from framewatch.services.ports import Clock, CountTable, SiteSource
from framewatch.wire.api_stats import StatsQuery, StatsView, Step

MAX_STEPS = 6_000
"""Of all cameras together: eight for a month of hours. With fifteen labels each they are 3 MB and a second of CPU."""
_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)

# A year of three digits has a shorter text, which would sort wrong.
_FIRST_YEAR = 1970


@dataclass(frozen=True, slots=True)
class StatsDeps:
    """executor: for reads that can go together."""

    site: SiteSource
    counts: CountTable
    clock: Clock
    executor: Executor | None = None


def fetch_stats(query: StatsQuery, deps: StatsDeps) -> StatsView:
    """Raises InvalidQuery, RetryableError."""
    site = deps.site.current()
    zone = pytz.timezone(site.site.time_zone)
    cameras = choose_cameras(query.camera, site)
    *starts, end = _starts(query, zone, deps.clock.now().astimezone(UTC))
    if len(cameras) * len(starts) > MAX_STEPS:
        raise InvalidQuery(
            f"from: gives {len(starts)} steps of {len(cameras)} cameras, and {MAX_STEPS} in all are answered;"
            " give a shorter span, a longer step or fewer cameras"
        )

    def count(camera_id: str) -> list[StepCounts]:
        if query.step is Step.DAY:
            return _days(deps.counts, camera_id, starts, end, zone)
        # The hour before: what a box counted is the difference to it.
        hours = deps.counts.hours(camera_id, hour_of(starts[0]) - HOUR, end)
        return steps_of(hours, starts, end)

    run = deps.executor.map if deps.executor else map
    counted = list(zip(cameras, run(count, cameras), strict=True))
    until = deps.counts.counted_until()
    counted_until = min((until[i] for i in cameras), default=None) if set(cameras) <= until.keys() else None
    return StatsView.of(starts[0], end, query.step, counted, counted_until)


def _starts(query: StatsQuery, zone: BaseTzInfo, now: datetime) -> list[datetime]:
    """Where each step begins, and where the last one ends. Raises InvalidQuery."""
    step = query.step
    try:
        end = query.to or now
        first = query.from_ or end - step.usual
        if first.year < _FIRST_YEAR:
            raise InvalidQuery("from: lies before there was anything to count; give a later one, or a later `to`")
        if first >= end:
            raise InvalidQuery("from: lies in the future; give an earlier one")
        if end - first > step.longest + HOUR:
            raise InvalidQuery(
                f"from: lies more than {step.longest.days} days before the end, the most for steps of {int(step)} s;"
                " give a longer step or a shorter span"
            )
        if step is Step.DAY:
            day, last = day_in(first, zone), day_in(end - _MOMENT, zone)
            return [day_start(day + n * _DAY, zone) for n in range((last - day).days + 2)]
        width = timedelta(seconds=int(step))
        hour = hour_of(first)
        first = hour + (first - hour) // width * width
        count = -((first - end) // width)
        return [first + n * width for n in range(count + 1)]
    except OverflowError:
        raise InvalidQuery("from: lies outside the calendar") from None


def _days(
    counts: CountTable, camera_id: str, starts: Sequence[datetime], end: datetime, zone: BaseTzInfo
) -> list[StepCounts]:
    """A day that was counted under another zone, before the site's was changed, is shown as the day of its date."""
    at = {day_in(start, zone): start for start in starts}
    found = counts.days(camera_id, day_in(starts[0], zone), day_in(end - _MOMENT, zone))
    steps = [StepCounts(at[day.day], day.counts, day.edge) for day in found if day.day in at]
    return [step for step in steps if step]
