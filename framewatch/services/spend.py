"""What a site has spent: what its processes said they used, what was stored, what stands; by the price table.

Read are one item a day for what was used and one a camera and day for what was counted. Days that are over are kept
in memory for a while, so that who asks each minute reads today's and yesterday's alone.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import accumulate
from typing import Generic, TypeVar

import pytz

from framewatch.domain.analysis import Analysis
from framewatch.domain.bill import DayBill, DayFacts, Prices, add_up, bill, bill_month, mean_day
from framewatch.domain.cost import NOTHING, PriceTable, Usage, UsageKind
from framewatch.domain.estimate import item_bytes
from framewatch.domain.hourly import HOUR, DayCounts, StepCounts, day_in, day_start, hour_of, steps_of
from framewatch.domain.site import SiteConfig
from framewatch.domain.spend import CameraSpend, Spend
from framewatch.domain.use import DayUse
from framewatch.services.ports import CountTable
from framewatch.services.ports_cost import UseTable

WINDOW_DAYS = 7
"""What is left of a month is taken to go on like so many whole days before today."""
SHORTEST_WINDOW = timedelta(minutes=10)
"""With less known than that, nothing is foretold."""
KEPT_FOR = timedelta(hours=1)
"""Days that are over, but for yesterday, are read again after so long: late frames may change them a little."""
# Of what is kept for longer, the older is in no figure.
_MOST_DAYS_BACK = 400
_DAY = timedelta(days=1)
# As the price table counts: a GB of 1000 MB, kept for thirty days.
_BYTES_A_GB_MONTH = Decimal(30 * 10**9)
# What is used for more than that a frame is kept.
_NOT_KEEPING = frozenset({UsageKind.IMAGES_ANALYSED, UsageKind.SMS_PARTS, UsageKind.TOPIC_PUBLISHES})

T = TypeVar("T", DayUse, DayCounts)


@dataclass(frozen=True, slots=True)
class SpendDeps:
    """standing: what a site uses in an hour though nothing happens. executor: for reads that can go together."""

    uses: UseTable
    counts: CountTable
    prices: Callable[[], PriceTable]
    standing: Callable[[SiteConfig], Usage]
    executor: Executor | None = None


@dataclass(frozen=True, slots=True)
class CameraMonth:
    """analysed: frames, each once. billed: at least as many calls. gated: frames kept back beside the camera."""

    frames: int
    by_analysis: Mapping[Analysis, int]
    billed: int
    alerts: int
    gated: int

    @property
    def analysed(self) -> int:
        return self.by_analysis.get(Analysis.ANALYSED, 0)


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a month, if it goes on as since `since`."""

    since: datetime
    bill: DayBill


@dataclass(frozen=True, slots=True)
class Recent:
    """What was used in so many days, which may lie in two months."""

    facts: DayFacts
    days: Decimal


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the site, as it stands. bills: of each day so far, oldest first; none where nothing was metered.

    used: by then. metered_from: within the month, what was used before is not known; None: nothing of it is.
    """

    first: date
    begins: datetime
    ends: datetime
    is_over: bool
    prices: Prices
    bills: tuple[DayBill, ...]
    used: Usage
    cameras: Mapping[str, CameraMonth]
    metered_from: datetime | None
    known_until: datetime | None
    rest: Rest | None = None
    recent: Recent | None = None

    @property
    def usd(self) -> Decimal:
        return sum((b.usd for b in self.bills), Decimal(0))

    def of_camera(self, camera_id: str) -> Decimal:
        return sum((b.of_camera(camera_id) for b in self.bills), Decimal(0))

    def bill_of(self, day: date) -> DayBill | None:
        return next((b for b in self.bills if b.day == day), None)

    @property
    def usd_per_analysis(self) -> Decimal:
        """One more, at the price that the month has reached."""
        return self.prices.usd(Usage({UsageKind.IMAGES_ANALYSED: 1}), self.used)

    @property
    def own_usd_per_kept_frame(self) -> Decimal:
        """One more frame that is sent and stored, and not analysed: what is used for frames alone."""
        return self._per_frame(NOTHING)

    @property
    def usd_per_kept_frame(self) -> Decimal:
        """With a frame's part of what is shared and does not stand: nobody knows how much of that hangs on frames."""
        return self._per_frame(self.recent.facts.shared if self.recent else NOTHING)

    def _per_frame(self, besides: Usage) -> Decimal:
        if self.recent is None or not (frames := sum(self.recent.facts.frames.values())):
            return Decimal(0)
        used = add_up((besides, *self.recent.facts.by_camera.values()))
        kept = Usage({kind: amount for kind, amount in used.items() if kind not in _NOT_KEEPING})
        return self.prices.usd(kept, self.used) / frames


class Books:
    """Of one process, for one thread at a time."""

    def __init__(self, deps: SpendDeps):
        self.deps = deps
        self._uses = _Days[DayUse](deps.uses.days)
        self._counts: dict[str, _Days[DayCounts]] = {}
        self._began_at: dict[date, datetime] = {}

    def spend(self, site: SiteConfig, now: datetime) -> Spend:
        """What a budget goes by. Raises RetryableError, PriceMissing."""
        today = day_in(now, pytz.timezone(site.site.time_zone))
        month = self.month(site, today.replace(day=1), now)
        newest, recent = month.bill_of(today), month.recent
        ids = dict.fromkeys([c.id for c in site.cameras] + [i for b in month.bills for i in (*b.own, *b.part)])
        return Spend(
            day=today,
            month=month.first,
            today_usd=float(newest.usd) if newest else 0.0,
            month_usd=float(month.usd),
            standing_usd_per_hour=float(month.prices.usd(self.deps.standing(site), month.used)),
            usd_per_kept_frame=float(month.usd_per_kept_frame),
            usd_per_analysis=float(month.usd_per_analysis),
            by_camera={
                camera_id: CameraSpend(
                    today_usd=float(newest.of_camera(camera_id)) if newest else 0.0,
                    month_usd=float(month.of_camera(camera_id)),
                    frames_per_day=float(recent.facts.frames.get(camera_id, 0) / recent.days) if recent else 0.0,
                )
                for camera_id in ids
            },
            known_until=month.known_until,
        )

    def month(self, site: SiteConfig, first: date, now: datetime, *, to_the_minute: bool = False) -> Month:
        """first: of the month's days. Raises RetryableError, PriceMissing.

        to_the_minute: today is counted by its hours, which costs up to 24 items a camera; else as its day's item has
        it, which lacks the last twenty minutes.
        """
        return _Reading(self, site, first, now.astimezone(UTC), to_the_minute=to_the_minute).month()

    def uses(self, first: date, last: date, today: date, now: datetime) -> dict[date, DayUse]:
        return {use.day: use for use in self._uses.read(first, last, today, now)}

    def counts(
        self, camera_ids: Sequence[str], first: date, last: date, today: date, now: datetime
    ) -> dict[str, dict[date, DayCounts]]:
        def read(camera_id: str) -> dict[date, DayCounts]:
            if camera_id not in self._counts:
                self._counts[camera_id] = _Days(partial(self.deps.counts.days, camera_id))
            days = self._counts[camera_id]
            return {counts.day: counts for counts in days.read(first, last, today, now)}

        run = self.deps.executor.map if self.deps.executor else map
        return dict(zip(camera_ids, run(read, camera_ids), strict=True))

    def counts_since(self, camera_ids: Sequence[str], begins: datetime, now: datetime) -> dict[str, StepCounts]:
        """From then on, of those cameras of which there is anything."""

        def read(camera_id: str) -> list[StepCounts]:
            # The hour before: what a box counted is the difference to it.
            return steps_of(self.deps.counts.hours(camera_id, hour_of(begins) - HOUR, now), [begins], now)

        run = self.deps.executor.map if self.deps.executor else map
        return {i: step for i, steps in zip(camera_ids, run(read, camera_ids), strict=True) for step in steps}

    def began_at(self, day: date, begins: datetime, ends: datetime, camera_ids: Sequence[str]) -> datetime:
        """When the first frame of a day was captured, to ten minutes; the day's begin where none is counted."""
        if day not in self._began_at:
            hours = [h for i in camera_ids for h in self.deps.counts.hours(i, begins, ends)]
            buckets = [at for hour in hours for at, counted in hour.buckets.items() if counted.counts.frames]
            if not buckets:
                return begins
            self._began_at[day] = max(min(buckets), begins)
        return self._began_at[day]


class _Days(Generic[T]):
    """Items of days; those that change no more, as good as, are read once in KEPT_FOR."""

    def __init__(self, days: Callable[[date, date], list[T]]):
        self._days: Callable[[date, date], list[T]] = days
        self._old: tuple[date, date, datetime, list[T]] | None = None

    def read(self, first: date, last: date, today: date, now: datetime) -> list[T]:
        """Both included, oldest first."""
        new = max(first, today - _DAY)
        found = self._over(first, min(last, new - _DAY), now) if first < new else []
        return found + (self._days(new, last) if new <= last else [])

    def _over(self, first: date, last: date, now: datetime) -> list[T]:
        old = self._old
        # A clock that was set back must not keep it for years.
        if old is None or old[:2] != (first, last) or not timedelta() <= now - old[2] < KEPT_FOR:
            self._old = old = (first, last, now, self._days(first, last))
        return old[3]


class _Reading:
    """One month of one site, at one moment."""

    def __init__(self, books: Books, site: SiteConfig, first: date, now: datetime, *, to_the_minute: bool):
        self._books, self._site, self._now = books, site, now
        self._zone = pytz.timezone(site.site.time_zone)
        self._ids = [camera.id for camera in site.cameras]
        self._today = day_in(now, self._zone)
        self._first, self._after = first, (first + 31 * _DAY).replace(day=1)
        self._last = min(self._after - _DAY, self._today)
        self._ends = self._starts(self._after)
        self._is_over = self._after <= self._today
        # A day more than is looked at: whether the meter ran before.
        self._back = min(first, self._last if self._is_over else self._today - WINDOW_DAYS * _DAY) - _DAY
        self._standing = books.deps.standing(site)
        frames_days, metadata_days = site.retention.frames_days, site.retention.metadata_days
        self._uses = books.uses(self._back, self._last, self._today, now)
        stored_from = self._back - min(max(frames_days, metadata_days), _MOST_DAYS_BACK) * _DAY
        self._counts = books.counts(self._ids, stored_from, self._last, self._today, now)
        if to_the_minute and not self._is_over:
            for i, step in books.counts_since(self._ids, self._starts(self._today), now).items():
                self._counts[i][self._today] = DayCounts(i, self._today, step.counts, step.edge)
        self._pictures = {
            i: _kept({day: c.counts.jpeg_bytes for day, c in counts.items()}, frames_days)
            for i, counts in self._counts.items()
        }
        self._items = {
            i: _kept({day: item_bytes(c.counts) for day, c in counts.items()}, metadata_days)
            for i, counts in self._counts.items()
        }
        self._metered_from = self._began()

    def month(self) -> Month:
        prices = Prices(self._books.deps.prices(), Decimal(str(self._site.limits.usd_per_text)))
        begins = self._starts(self._first)
        known = [u.known_until for u in self._uses.values() if u.known_until is not None and u.day >= self._first]
        days = [self._facts(day) for day in _days(self._first, self._last)] if known else []
        bills, used = bill_month(days, self._ids, prices)
        month = Month(
            first=self._first,
            begins=begins,
            ends=self._ends,
            is_over=self._is_over,
            prices=prices,
            bills=bills,
            used=used,
            cameras={camera_id: self._camera(camera_id) for camera_id in self._ids},
            metered_from=max(self._metered_from, begins) if known and self._metered_from is not None else None,
            known_until=max(known, default=None),
        )
        return month if self._is_over else self._with_rest(month)

    def _began(self) -> datetime | None:
        """Since when is metered, or that day's begin where it is longer than is looked back; None: never."""
        if not self._uses:
            return None
        first = min(self._uses)
        begins = self._starts(first)
        return (
            begins
            if first == self._back
            else self._books.began_at(first, begins, self._starts(first + _DAY), self._ids)
        )

    def _facts(self, day: date) -> DayFacts:
        use = self._uses.get(day) or DayUse(day)
        begins, ends = self._starts(day), self._starts(day + _DAY)
        so_far = min(ends, self._now) - begins
        by_camera = dict(use.by_camera)
        for camera_id, counts in self._counts.items():
            used = by_camera.get(camera_id, NOTHING)
            # A process that was killed may have said less than was stored of what it analysed.
            images = max(used.amount(UsageKind.IMAGES_ANALYSED), Decimal(_analysed(counts.get(day))))
            lies = Decimal(so_far / _DAY) / _BYTES_A_GB_MONTH
            table = self._items[camera_id](day) * lies
            kept = {
                UsageKind.S3_GB_MONTHS: self._pictures[camera_id](day) * lies,
                UsageKind.DYNAMODB_GB_MONTHS: table,
                UsageKind.DYNAMODB_BACKUP_GB_MONTHS: table,
            }
            found = Usage({**used, **kept, UsageKind.IMAGES_ANALYSED: images})
            if found:
                by_camera[camera_id] = found
        return DayFacts(
            day,
            use.shared,
            by_camera,
            self._standing * self._hours(begins, min(ends, self._now)),
            {i: counts[day].counts.frames for i, counts in self._counts.items() if day in counts},
        )

    def _hours(self, begins: datetime, ends: datetime) -> Decimal:
        """How many of them are metered."""
        if self._metered_from is None:
            return Decimal(0)
        return Decimal(max(ends - max(begins, self._metered_from), timedelta()) / HOUR)

    def _camera(self, camera_id: str) -> CameraMonth:
        frames = alerts = billed = gated = 0
        by_analysis: dict[Analysis, int] = {}
        for day in _days(self._first, self._last):
            counts = self._counts[camera_id].get(day)
            calls = self._uses[day].billed_images_by_camera.get(camera_id, 0) if day in self._uses else 0
            billed += max(calls, _analysed(counts))
            if counts is None:
                continue
            frames += counts.counts.frames
            alerts += counts.counts.alerts
            gated += counts.edge.gated if counts.edge is not None else 0
            for analysis, number in counts.counts.by_analysis.items():
                by_analysis[analysis] = by_analysis.get(analysis, 0) + number
        return CameraMonth(frames, by_analysis, billed, alerts, gated)

    def _with_rest(self, month: Month) -> Month:
        metered_from = self._metered_from
        if metered_from is None:
            return month
        whole = [
            d for d in _days(self._today - WINDOW_DAYS * _DAY, self._today - _DAY) if self._starts(d) >= metered_from
        ]
        if whole:
            since, days, count = self._starts(whole[0]), whole, Decimal(len(whole))
        else:
            known_until = max((u.known_until for u in self._uses.values() if u.known_until), default=metered_from)
            if known_until - metered_from < SHORTEST_WINDOW:
                return month
            since, days = metered_from, list(_days(min(self._uses), self._today))
            count = Decimal((known_until - metered_from) / _DAY)
        facts = [self._facts(day) for day in days]
        left = Decimal((self._ends - self._now) / _DAY)
        rest = replace(mean_day(self._today, facts, count, left), standing=self._standing * (left * 24))
        return replace(
            month,
            rest=Rest(since, bill(rest, self._ids, month.prices, month.used)),
            recent=Recent(mean_day(self._today, facts, Decimal(1), Decimal(1)), count),
        )

    def _starts(self, day: date) -> datetime:
        return day_start(day, self._zone)


def _kept(bytes_of: Mapping[date, int], days: int) -> Callable[[date], int]:
    """How many bytes lie there on a day: those of the day and of as many before it as they are kept."""
    ordered = sorted(bytes_of)
    sums = [0, *accumulate(bytes_of[day] for day in ordered)]

    def at(day: date) -> int:
        return sums[bisect_right(ordered, day)] - sums[bisect_right(ordered, day - days * _DAY)]

    return at


def _analysed(counts: DayCounts | None) -> int:
    return 0 if counts is None else counts.counts.by_analysis.get(Analysis.ANALYSED, 0)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + n * _DAY for n in range((last - first).days + 1))
