"""What AWS asks for what is used: one table for a region, every price with its source and the day it was read.

Bounds are stated here once; the errors with file and line are made from them.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from framewatch.domain.errors import PermanentError
from framewatch.domain.settings_base import DisplayName, Section, SiteProblems
from framewatch.domain.usage import UsageKind

Usd = Annotated[Decimal, Field(ge=0, le=1_000_000)]
Amount = Annotated[Decimal, Field(gt=0, le=10**15)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=8, max_length=400)]


class PriceMissing(PermanentError):
    """Something was used that the table has no price for."""


class Tier(Section):
    usd: Usd
    up_to: Amount | None = Field(
        default=None, description="units of a month, the free ones among them; the last tier has no end"
    )


class FreeTier(Section):
    per_month: Amount = Field(description="units of each calendar month that cost nothing: the month's first")
    first_year_only: bool = Field(
        default=False, description="for an account's first twelve months, where it was opened before 2025-07-15"
    )


class Price(Section):
    """`usd` for each `per` units, or `tiers`: by how many the month has seen."""

    unit: DisplayName
    usd: Usd | None = None
    tiers: tuple[Tier, ...] = Field(default=(), max_length=10)
    per: Amount = Decimal(1)
    free: FreeTier | None = None
    source: Words = Field(description="where it was read, an address as a rule")
    read_on: date
    checked: bool = Field(default=True, description="false: nobody has looked it up there")

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if (self.usd is None) == (not self.tiers):
            raise ValueError("has neither or both of usd and tiers; give one of them")
        ends = [tier.up_to for tier in self.tiers]
        if ends and (ends[-1] is not None or None in ends[:-1]):
            raise SiteProblems(
                [(("tiers",), "each but the last needs up_to, and the last has none: it is the rest of the month")]
            )
        bounds = [end for end in ends if end is not None]
        if any(a >= b for a, b in pairwise(bounds)):
            raise SiteProblems([(("tiers",), "up_to does not rise from tier to tier; put the lowest first")])
        return self

    @cached_property
    def steps(self) -> tuple[tuple[Decimal | None, Decimal], ...]:
        """(units of the month up to which, USD a single unit), the last without an end."""
        if self.usd is not None:
            return ((None, self.usd / self.per),)
        return tuple((tier.up_to, tier.usd / self.per) for tier in self.tiers)


class PriceTable(Section):
    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    region: Region
    currency: Literal["USD"] = "USD"
    as_of: date = Field(description="the day on which the newest of them was read")
    note: Words | None = None
    prices: dict[UsageKind, Price] = Field(min_length=1)
    sms: dict[Country, Price] = Field(
        default_factory=dict, description="by country of who is texted: the price of a part of a text"
    )

    @model_validator(mode="after")
    def _texts_go_somewhere(self) -> Self:
        if UsageKind.SMS_PARTS in self.prices:
            raise SiteProblems(
                [(("prices", "sms_parts"), "depends on the country; write it under sms, as `ES: ...`")]
            )
        return self

    def price(self, kind: UsageKind, sms_country: str | None = None) -> Price:
        """sms_country: two letters; only a text needs it. Raises PriceMissing."""
        if kind is not UsageKind.SMS_PARTS:
            if kind in self.prices:
                return self.prices[kind]
            raise PriceMissing(f"the price table {self.id} has no price for {kind}; add it there under prices")
        if sms_country is None:
            raise PriceMissing(f"which country's price is asked for? The table {self.id} has {self._countries}")
        if sms_country in self.sms:
            return self.sms[sms_country]
        raise PriceMissing(
            f"the price table {self.id} has no price for a text to {sms_country}, only for {self._countries};"
            " add it there under sms"
        )

    def unchecked(self) -> Iterator[str]:
        """Names of the prices that nobody has looked up."""
        yield from (kind.value for kind, price in self.prices.items() if not price.checked)
        yield from (f"sms.{country}" for country, price in self.sms.items() if not price.checked)

    @property
    def _countries(self) -> str:
        return ", ".join(self.sms) or "none"


class PriceFile(Section):
    tables: tuple[PriceTable, ...] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        regions = [table.region for table in self.tables]
        wrong = [
            (("tables", n, "region"), f"{region} stands twice; remove one")
            for n, region in enumerate(regions)
            if region in regions[:n]
        ]
        if wrong:
            raise SiteProblems(wrong)
        return self

    def table(self, region: str | None = None) -> PriceTable:
        """region: None for the first. Raises PriceMissing."""
        if region is None:
            return self.tables[0]
        for table in self.tables:
            if table.region == region:
                return table
        known = ", ".join(t.region for t in self.tables)
        raise PriceMissing(f"there are no prices for the region {region}, only for {known}; add a table for it")
