"""Counts what a process uses, where it uses it, and says so in an item of the process's own.

Invariants:
- what is said is what the process has used on that day since the day, or the process, began; it replaces what was
  said before, so that a write that is repeated changes nothing;
- the ledger writes once in EVERY units of the process's work for each unit of its own item: less than a hundredth
  of what the process writes. One that hardly writes says so after two minutes, then four, eight and so on, at last
  each LONGEST_S;
- whatever fails here fails alone: no work waits for the ledger or is repeated for it.

What dies with a process is what it did since it last said so: at most EVERY units of work for each unit of the
item's size, what hardly writes LONGEST_S, and the invocation that it died in.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import takewhile
from typing import ParamSpec, TypeVar
from uuid import uuid4

import pytz

from framewatch.domain.site import SiteConfig
from framewatch.domain.usage import Number, Usage, UsageKind, to_decimal
from framewatch.domain.use import ProcessUse
from framewatch.services.ports import Clock, RawRecord, SiteSource
from framewatch.services.ports_cost import UseNotes

EVERY = 200
"""Units of work, each a write unit or an image that was analysed, for each unit that saying so costs."""
SHORTEST_S, LONGEST_S = 120.0, 1800.0
KEPT = timedelta(days=3)
"""Each process's item, from its day's end: by then the day's sum has settled."""

_SHARED = ""
_WORK = frozenset({UsageKind.DYNAMODB_WRITE_UNITS, UsageKind.IMAGES_ANALYSED})
_MICRO = Decimal("0.000001")
_GIGA = Decimal(10**9)
_STREAM_KB = 1024
_PUT_UNIT_BYTES = 25 * 1024
# What an item holds besides, for a camera, and for an amount with its kind.
_ITEM_BYTES, _CAMERA_BYTES, _AMOUNT_BYTES = 300, 40, 34

_log = logging.getLogger(__name__)
_camera: ContextVar[str] = ContextVar("camera", default=_SHARED)

P = ParamSpec("P")
T = TypeVar("T")


def for_camera(camera_id: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do the work; what it uses in this thread is the camera's. camera_id: one of the site file's."""
    token = _camera.set(camera_id)
    try:
        return work(*args, **kwargs)
    finally:
        _camera.reset(token)


def work_in(use: Usage) -> Decimal:
    """In the units of EVERY."""
    return sum((use.amount(kind) for kind in _WORK), Decimal(0))


def gigabytes(size: int) -> Decimal:
    """Of 1000 MB."""
    return size / _GIGA


class UseLedger:
    """One process's. `count` is safe from several threads; the rest is for the thread that handles invocations."""

    def __init__(
        self,
        function: str,
        clock: Clock,
        *,
        memory_mb: int = 0,
        process_id: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ):
        """memory_mb: what the function has; 0 where it is none."""
        self._function = function
        self._memory_mb = memory_mb
        self._process_id = process_id or uuid4().hex
        self._clock = clock
        self._monotonic = monotonic
        self._notes: UseNotes | None = None
        self._lock = threading.Lock()
        self._days: dict[date, _Day] = {}
        self._work = Decimal(0)  # since it was last said
        self._began_at = self._tried_at = clock.now()
        self.zone: tzinfo = UTC
        """Whose days are counted. The site's, once it is known: see LedgerSite."""

    def keep_in(self, notes: UseNotes) -> None:
        self._notes = notes

    def count(self, kind: UsageKind, amount: Number = 1) -> None:
        """For the camera that is worked for in this thread; else for all."""
        self.count_for(_camera.get(), kind, amount)

    def count_for(self, camera_id: str, kind: UsageKind, amount: Number = 1) -> None:
        quantity = to_decimal(amount)
        if not quantity:
            return
        with self._lock:
            day = self._days.setdefault(self._today(), _Day())
            day.add(camera_id, kind, quantity)
            if kind in _WORK:
                self._work += quantity

    @contextmanager
    def invocation(self) -> Iterator[None]:
        """One call of a Lambda function; what it used is said at its end, when that is due."""
        began_s = self._monotonic()
        try:
            yield
        finally:
            seconds = to_decimal(self._monotonic() - began_s)
            self.count(UsageKind.LAMBDA_REQUESTS)
            self.count(UsageKind.LAMBDA_GB_S, (seconds * self._memory_mb / 1024).quantize(_MICRO))
            self.say_if_due()

    def count_acknowledged(self, records: Sequence[RawRecord], failed_ids: Collection[str], site: SiteSource) -> None:
        """What came in by the stream, once: from the lowest record that failed on, all are delivered again.

        records: in the order of their shard. An on-demand stream is paid by bytes in and out, each record rounded up
        to 1 KB; one of fixed size by units of 25 KB.
        """
        done = list(takewhile(lambda record: record.record_id not in failed_ids, records))
        if not done:
            return  # perhaps because there is no site file
        config = site.current()
        known, on_demand = {camera.id for camera in config.cameras}, config.deployment.shards is None
        for record in done:
            # Anybody who may write to the stream names the key: what is no camera's id gets no line of its own.
            camera_id = record.partition_key if record.partition_key in known else _SHARED
            size = len(record.data) + len(record.partition_key)
            if on_demand:
                rounded = gigabytes(-(-size // _STREAM_KB) * _STREAM_KB)
                self.count_for(camera_id, UsageKind.KINESIS_GB_IN, rounded)
                self.count_for(camera_id, UsageKind.KINESIS_GB_OUT, rounded)
            else:
                self.count_for(camera_id, UsageKind.KINESIS_PUT_UNITS, -(-size // _PUT_UNIT_BYTES))

    def say_if_due(self) -> None:
        """Never raises. What could not be said is tried again with the next invocation that is due."""
        notes, now = self._notes, self._clock.now()
        if notes is None or not self._is_due(now):
            return
        self._tried_at = now
        try:
            self._say(notes, now)
        except Exception as error:  # noqa: BLE001  whatever it is, the work is done and must not be repeated
            _log.warning("what was used could not be said, it is tried again: %s", error)

    def _is_due(self, now: datetime) -> bool:
        with self._lock:
            if not any(day.unsaid for day in self._days.values()):
                return False
            over = any(day != self._today() for day in self._days)
            worth = self._work >= EVERY * self._units_to_say()
        since_s, before_s = (now - self._tried_at).total_seconds(), (self._tried_at - self._began_at).total_seconds()
        if worth or since_s < 0:  # a clock that was set back must not silence it
            return True
        return since_s >= (SHORTEST_S if over else min(LONGEST_S, max(SHORTEST_S, before_s)))

    def _say(self, notes: UseNotes, now: datetime) -> None:
        with self._lock:
            said = {day: (found.changes, self._use_of(day, found, now)) for day, found in self._days.items()}
        for day, (changes, use) in said.items():
            if not self._days[day].unsaid:
                continue
            notes.put_process(use, _end_of(day) + KEPT)
            with self._lock:
                self._days[day].said = changes
        with self._lock:
            # What saying so has cost is counted, too, and said the next time.
            self._work = Decimal(0)
            today = self._today()
            self._days = {day: found for day, found in self._days.items() if day == today}

    def _use_of(self, day: date, found: "_Day", now: datetime) -> ProcessUse:
        by_camera = {camera_id: Usage(amounts) for camera_id, amounts in sorted(found.amounts.items())}
        shared = by_camera.pop(_SHARED, Usage())
        return ProcessUse(day, self._function, self._process_id, now, shared, by_camera)

    def _units_to_say(self) -> int:
        """About how many write units it costs: by the amounts that the items of its days hold."""
        return sum(
            -(-(_ITEM_BYTES + sum(_CAMERA_BYTES + _AMOUNT_BYTES * len(a) for a in found.amounts.values())) // 1024)
            for found in self._days.values()
            if found.unsaid
        )

    def _today(self) -> date:
        return self._clock.now().astimezone(self.zone).date()


@dataclass(slots=True)
class _Day:
    """amounts: by camera. changes: how many there were; said: how many of them have been said."""

    amounts: dict[str, dict[UsageKind, Decimal]] = field(default_factory=dict)
    changes: int = 0
    said: int = 0

    @property
    def unsaid(self) -> bool:
        return self.changes != self.said

    def add(self, camera_id: str, kind: UsageKind, quantity: Decimal) -> None:
        of_camera = self.amounts.setdefault(camera_id, {})
        of_camera[kind] = of_camera.get(kind, Decimal(0)) + quantity
        self.changes += 1


@dataclass(frozen=True, slots=True)
class LedgerSite:
    """A SiteSource from which the ledger learns whose days it counts. Until then they are UTC's."""

    whole: SiteSource
    ledger: UseLedger

    def current(self) -> SiteConfig:
        site = self.whole.current()
        self.ledger.zone = pytz.timezone(site.site.time_zone)
        return site


def _end_of(day: date) -> datetime:
    """In UTC, give or take half a day: for how long an item is kept."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
