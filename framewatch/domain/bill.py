"""What days of use cost, day by day and camera by camera: a month's free units and tiers count in their order.

What is used for one camera is its own. What is used for all of them, and what stands whether or not anything happens,
is shared: each day's is split by the frames that were stored of each camera on that day, evenly on a day without any.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from framewatch.domain.cost import NOTHING, PriceTable, Service, Usage, UsageKind, price

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Prices:
    """usd_per_text: of each part, as the site file says: what a country's carriers ask is in no table."""

    table: PriceTable
    usd_per_text: Decimal

    def by_kind(self, usage: Usage, month_so_far: Usage) -> dict[UsageKind, Decimal]:
        """What the usage adds to a month that has seen so much. Raises PriceMissing."""
        texts = usage.amount(UsageKind.SMS_PARTS)
        tabled = Usage({kind: amount for kind, amount in usage.items() if kind is not UsageKind.SMS_PARTS})
        found = {line.kind: line.usd for line in price(tabled, self.table, month_so_far=month_so_far).lines}
        return found | ({UsageKind.SMS_PARTS: texts * self.usd_per_text} if texts else {})

    def usd(self, usage: Usage, month_so_far: Usage) -> Decimal:
        return sum(self.by_kind(usage, month_so_far).values(), _ZERO)


def add_up(usages: Iterable[Usage]) -> Usage:
    """As `+` does, without a sum in between for each of a hundred cameras."""
    amounts: dict[UsageKind, Decimal] = {}
    for usage in usages:
        for kind, amount in usage.items():
            amounts[kind] = amounts.get(kind, _ZERO) + amount
    return Usage(amounts)


@dataclass(frozen=True, slots=True)
class DayFacts:
    """Of one day of the site. standing: beside what was used. frames: stored, by camera."""

    day: date
    shared: Usage = NOTHING
    by_camera: Mapping[str, Usage] = field(default_factory=dict)
    standing: Usage = NOTHING
    frames: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> Usage:
        return add_up((self.shared, self.standing, *self.by_camera.values()))


@dataclass(frozen=True, slots=True)
class DayBill:
    """In USD. own, part: by camera, what was used for it alone and its part of the rest; together they are `usd`."""

    day: date
    by_service: Mapping[Service, Decimal]
    standing_usd: Decimal
    own: Mapping[str, Decimal]
    part: Mapping[str, Decimal]

    @property
    def usd(self) -> Decimal:
        return sum(self.by_service.values(), _ZERO)

    def of_camera(self, camera_id: str) -> Decimal:
        return self.own.get(camera_id, _ZERO) + self.part.get(camera_id, _ZERO)


def bill(day: DayFacts, camera_ids: Sequence[str], prices: Prices, month_so_far: Usage) -> DayBill:
    """camera_ids: who shares a day on which no frame was stored. Raises PriceMissing."""
    total = day.total
    by_kind = prices.by_kind(total, month_so_far)
    by_service: dict[Service, Decimal] = {}
    for kind, usd in by_kind.items():
        by_service[kind.service] = by_service.get(kind.service, _ZERO) + usd

    def part_of(usage: Usage) -> Decimal:
        """Of each kind, what it costs in proportion: who used the free units first is not asked."""
        return sum((by_kind[kind] * amount / total.amount(kind) for kind, amount in usage.items()), _ZERO)

    own = {camera_id: part_of(usage) for camera_id, usage in day.by_camera.items()}
    rest = sum(by_kind.values(), _ZERO) - sum(own.values(), _ZERO)
    part = {camera_id: rest * share for camera_id, share in _shares(day.frames, camera_ids).items()}
    return DayBill(day.day, by_service, part_of(day.standing), own, part)


def bill_month(
    days: Iterable[DayFacts], camera_ids: Sequence[str], prices: Prices
) -> tuple[tuple[DayBill, ...], Usage]:
    """Each day on top of those before it, and what the month has seen by then. days: of one month, oldest first."""
    so_far, bills = NOTHING, []
    for day in days:
        bills.append(bill(day, camera_ids, prices, so_far))
        so_far += day.total
    return tuple(bills), so_far


def mean_day(day: date, days: Sequence[DayFacts], count: Decimal, times: Decimal) -> DayFacts:
    """What would be used in `times` days like these. count: how many days these are, perhaps a part of one.

    Without what stands: that hangs on the clock alone.
    """
    scale = times / count
    used = dict.fromkeys(i for facts in days for i in facts.by_camera)
    frames: dict[str, int] = {}
    for facts in days:
        for camera_id, number in facts.frames.items():
            frames[camera_id] = frames.get(camera_id, 0) + number
    return DayFacts(
        day,
        add_up(facts.shared for facts in days) * scale,
        {i: add_up(facts.by_camera.get(i, NOTHING) for facts in days) * scale for i in used},
        frames=frames,
    )


def _shares(frames: Mapping[str, int], camera_ids: Sequence[str]) -> dict[str, Decimal]:
    if total := sum(frames.values()):
        return {camera_id: Decimal(number) / total for camera_id, number in frames.items() if number}
    return {camera_id: Decimal(1) / len(camera_ids) for camera_id in camera_ids}
