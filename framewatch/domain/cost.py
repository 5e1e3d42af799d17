"""What usage costs, to the last decimal: tiers and free tiers by calendar month.

Invariant: a month priced in any number of pieces, each on top of what the month had seen, costs what it costs whole.
So the same function prices a plan, and what a meter counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from framewatch.domain.prices import Price, PriceFile, PriceMissing, PriceTable
from framewatch.domain.usage import NOTHING, Number, Service, Usage, UsageKind, to_decimal

__all__ = [
    "NOTHING",
    "CostLine",
    "CostTable",
    "Free",
    "Number",
    "Price",
    "PriceFile",
    "PriceMissing",
    "PriceTable",
    "Service",
    "Share",
    "Usage",
    "UsageKind",
    "price",
    "to_decimal",
]

DAYS_A_MONTH = 30


class Free(StrEnum):
    """Which free tiers are taken off."""

    NONE = "none"
    ALWAYS = "always"  # those that never end
    FIRST_YEAR = "first-year"  # those of an account's first twelve months, too


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a line at one price. usd_each: of a single unit; 0 where it is free."""

    quantity: Decimal
    usd_each: Decimal

    @property
    def usd(self) -> Decimal:
        return self.quantity * self.usd_each


@dataclass(frozen=True, slots=True)
class CostLine:
    """One kind of usage. free: units of the quantity that cost nothing. shares: the rest, by tier."""

    kind: UsageKind
    quantity: Decimal
    free: Decimal
    shares: tuple[Share, ...]
    price: Price

    @property
    def usd(self) -> Decimal:
        return sum((share.usd for share in self.shares), Decimal(0))


@dataclass(frozen=True, slots=True)
class CostTable:
    table_id: str
    lines: tuple[CostLine, ...]

    @property
    def usd(self) -> Decimal:
        return sum((line.usd for line in self.lines), Decimal(0))

    def by_service(self) -> dict[Service, Decimal]:
        """Only those that were used, also where it cost nothing; as Service orders them."""
        found: dict[Service, Decimal] = {}
        for service in Service:
            of_it = [line.usd for line in self.lines if line.kind.service is service]
            if of_it:
                found[service] = sum(of_it, Decimal(0))
        return found

    def of(self, kind: UsageKind) -> Decimal:
        return sum((line.usd for line in self.lines if line.kind is kind), Decimal(0))

    def unchecked(self) -> list[UsageKind]:
        """What is paid by a price that nobody has looked up."""
        return [line.kind for line in self.lines if line.usd and not line.price.checked]

    def as_json(self) -> dict[str, Any]:
        return {
            "table": self.table_id,
            "currency": "USD",
            "usd": text_of(self.usd),
            "services": {service.value: text_of(usd) for service, usd in self.by_service().items()},
            "lines": [
                {
                    "kind": line.kind.value,
                    "service": line.kind.service.value,
                    "unit": line.price.unit,
                    "quantity": text_of(line.quantity),
                    "free": text_of(line.free),
                    "shares": [
                        {"quantity": text_of(s.quantity), "usd_each": text_of(s.usd_each)} for s in line.shares
                    ],
                    "usd": text_of(line.usd),
                    "checked": line.price.checked,
                }
                for line in self.lines
            ],
        }


def price(
    usage: Usage,
    table: PriceTable,
    *,
    month_so_far: Usage = NOTHING,
    free: Free = Free.ALWAYS,
    sms_country: str | None = None,
) -> CostTable:
    """What `usage` adds to the bill of a calendar month that has seen `month_so_far`. Raises PriceMissing.

    sms_country: two letters; whose price a text has. A month's first units are the free ones; tiers count them, too.
    """
    lines = []
    for kind, quantity in usage.items():
        of_kind = table.price(kind, sms_country)
        before = month_so_far.amount(kind)
        free_units = _free_units(of_kind, before, quantity, free)
        shares = tuple(_shares(of_kind, before + free_units, before + quantity))
        lines.append(CostLine(kind, quantity, free_units, shares, of_kind))
    return CostTable(table.id, tuple(lines))


def _free_units(of_kind: Price, before: Decimal, quantity: Decimal, free: Free) -> Decimal:
    if of_kind.free is None or free is Free.NONE or (of_kind.free.first_year_only and free is not Free.FIRST_YEAR):
        return Decimal(0)
    return min(quantity, max(of_kind.free.per_month - before, Decimal(0)))


def _shares(of_kind: Price, first: Decimal, last: Decimal) -> Iterator[Share]:
    """The units of a month from the one mark to the other, by tier."""
    begin = Decimal(0)
    for end, usd_each in of_kind.steps:
        inside = (last if end is None else min(last, end)) - max(first, begin)
        if inside > 0:
            yield Share(inside, usd_each)
        if end is None or end >= last:
            return
        begin = end


def text_of(number: Decimal) -> str:
    """Plain digits, without noughts at the end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
