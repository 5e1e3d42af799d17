"""Sums what the processes of a day say they have used: made anew each time and set, never added to.

Invariants:
- a day's sum is over all its processes, each once, and replaces the version that was read before;
- it never falls: where fewer processes are found than it holds (they expire, or a newer build's cannot be read), it
  stays as it is;
- a day is summed for SETTLES after its end, and by the first round of every watchdog: what a process says of it later
  than both is in no sum.

Each minute while much is used; at rest each pause is twice the one before, up to LONGEST.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytz

from framewatch.domain.errors import WriteConflict
from framewatch.domain.hourly import day_in, day_start
from framewatch.domain.site import SiteConfig
from framewatch.domain.use import DayUse, sum_day
from framewatch.services.meter_use import EVERY, work_in
from framewatch.services.ports import Clock
from framewatch.services.ports_cost import UseTable

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(minutes=15)
SETTLES = timedelta(hours=2)
MIN_KEPT_DAYS = 400
"""A bill is looked at by month and year, however short frames are kept."""
# With less time left nothing is begun.
_NEEDED_S = 5.0
# A camera's share of a day's item, about, beside what all share.
_BYTES_A_CAMERA, _BYTES_SHARED = 250, 700

_log = logging.getLogger(__name__)


class UseRollUp:
    """One watchdog's: it remembers what it has written, and when to look again."""

    def __init__(self, table: UseTable, clock: Clock):
        self._table = table
        self._clock = clock
        self._written: dict[date, DayUse] = {}
        self._pause = SHORTEST
        self._next_at: datetime | None = None

    def run(self, site: SiteConfig, remaining_s: Callable[[], float]) -> None:
        """Raises StorageUnavailable, and NewerItem for a day that only a newer build can write."""
        now, zone = self._clock.now(), pytz.timezone(site.site.time_zone)
        # A clock that was set back must not keep it waiting.
        waits = self._next_at is not None and timedelta() < self._next_at - now <= LONGEST
        if waits or remaining_s() < _NEEDED_S:
            return
        today = day_in(now, zone)
        days = [today]
        if self._next_at is None or now - day_start(today, zone) < SETTLES:
            days = [today - timedelta(days=1), today]
        kept = timedelta(days=max(MIN_KEPT_DAYS, site.retention.metadata_days))
        much = [self._sum(day, now + kept) for day in days]
        self._pause = SHORTEST if any(much) else min(LONGEST, self._pause * 2)
        self._next_at = now + self._pause
        self._written = {day: use for day, use in self._written.items() if day in days}

    def _sum(self, day: date, expires_at: datetime) -> bool:
        """Whether much was used since the last sum."""
        found = sum_day(day, self._table.processes(day))
        stored = self._written.get(day) or self._table.day(day)
        if found.processes < stored.processes:
            _log.warning("%s: %d of %d processes are left; its sum stays", day, found.processes, stored.processes)
            return False
        found = replace(found, version=stored.version)
        if found == stored:
            return False
        try:
            self._table.put_day(found, expires_at)
        except WriteConflict:
            _log.info("%s: somebody else sums it at this moment", day)
            self._written.pop(day, None)
            return False
        self._written[day] = replace(found, version=stored.version + 1)
        units = 1 + (_BYTES_SHARED + _BYTES_A_CAMERA * len(found.by_camera)) // 1024
        return work_in(found.total) - work_in(stored.total) >= EVERY * units
