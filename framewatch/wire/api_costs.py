"""What the API answers about money: what was spent, of what it is made, what was saved, and what the budget holds.

Amounts are USD by the price table, not by a bill. Days and months are the site's.
"""

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, WithJsonSchema

from framewatch.domain.budget import BudgetCause, BudgetStep, CameraStep
from framewatch.wire.api_values import Answer, Query, Time, parse_query, text_only

MAX_VALUE_CHARS = 20
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)


def _parse_month(text: str) -> date:
    if not _MONTH.fullmatch(text) or int(text[:4]) < 1970:
        raise ValueError("a year and month, such as 2026-11")
    return date(int(text[:4]), int(text[5:]), 1)


class CostsQuery(Query):
    """The parameters of GET /v1/costs."""

    month: (
        Annotated[
            date,
            text_only(_parse_month),
            WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}, mode="validation"),
        ]
        | None
    ) = Field(default=None, description="of the site's calendar, such as 2026-11; absent: the one that it is")


def parse_costs_query(pairs: Iterable[tuple[str, str]]) -> CostsQuery:
    """Raises InvalidQuery."""
    return parse_query(CostsQuery, pairs, max_value_chars=MAX_VALUE_CHARS)


class StepName(StrEnum):
    """What is given up for the budget, each on top of those before it."""

    FULL = "full"
    SLOWER = "slower"
    ZONES_ONLY = "zones-only"
    WATCHED_ONLY = "watched-only"
    KEEP_ONLY = "keep-only"

    @classmethod
    def of(cls, step: BudgetStep) -> "StepName":
        return tuple(cls)[int(step)]


class CameraStepView(Answer):
    """What a camera has given up for the budget."""

    step: StepName = Field(
        description="slower: its box samples less often; zones-only: only motion is analysed, in its zones where it"
        " has any; watched-only: it is analysed only if a rule with somebody to tell covers it; keep-only: nothing is"
        " analysed. Each on top of those before it; every frame is kept"
    )
    cause: BudgetCause = Field(description="whose budget: the site's or the camera's; set: an administrator set it")
    since: Time
    until: Time = Field(description="it ends by itself then")

    @classmethod
    def of(cls, held: CameraStep) -> "CameraStepView":
        return cls(step=StepName.of(held.step), cause=held.cause, since=held.since, until=held.until)


class Saver(StrEnum):
    """What kept a frame from vision, or from being sent at all."""

    GATE = "gate"
    NEAR_DUPLICATES = "near-duplicates"
    SCREEN = "screen"
    BUDGET = "budget"


class SavedView(Answer):
    by: Saver
    frames: int = Field(description="kept back beside the camera (gate), else stored and not analysed")
    usd: float = Field(
        description="what they would have cost: one more analysis each, and of the gate's also one more frame sent"
        " and stored, at the price that the month has reached"
    )


class ServiceCostView(Answer):
    service: str = Field(description="as a bill groups it")
    today_usd: float | None = Field(description="null for a month that is over")
    month_usd: float


class DayCostView(Answer):
    day: date
    usd: float = Field(description="a day's share: a month's free units and lower tiers count in their order")
    by_service: dict[str, float]


class BudgetAmountsView(Answer):
    per_month_usd: float | None
    per_day_usd: float | None


class SiteCostsView(Answer):
    """Of the whole site."""

    today_usd: float | None = Field(description="null for a month that is over")
    month_usd: float = Field(description="to date")
    forecast_usd: float | None = Field(
        description="at the month's end, if it goes on as it has since forecast_since; null without that"
    )
    standing_usd: float = Field(description="the part of month_usd that is paid whether or not anything happens")
    by_service: tuple[ServiceCostView, ...] = Field(description="dearest first")
    by_day: tuple[DayCostView, ...] = Field(description="oldest first; the days of the month so far")
    budget: BudgetAmountsView | None = Field(description="of the site file; null: there is none")


class CameraCostsView(Answer):
    camera_id: str
    name: str
    today_usd: float | None
    month_usd: float = Field(description="with its part of what is shared, by its share of the frames")
    own_usd: float = Field(description="the part of month_usd that was used for this camera alone")
    forecast_usd: float | None
    frames: int = Field(description="stored in the month, each once")
    images_analysed: int = Field(description="of these frames, each once: exact")
    images_billed: int = Field(description="calls that were answered, or may have been: a repeated one counts again")
    alerts: int
    usd_per_alert: float | None = Field(description="month_usd by alert; null without an alert")
    saved: tuple[SavedView, ...]
    budget: BudgetAmountsView | None = Field(description="the camera's own; null: it has none")
    critical: bool = Field(description="gives up last, and has a reserve of the site's budget")
    step: CameraStepView | None = Field(description="null: it gives nothing up")
    next_step: StepName | None = Field(description="what it would give up next; null: there is nothing more")


class PricesView(Answer):
    table: str
    region: str
    as_of: date = Field(description="the day on which the newest price was read")


class CostsView(Answer):
    month: date = Field(description="its first day")
    begins: Time
    ends: Time
    is_over: bool
    metered_from: Time | None = Field(
        description="what was used before is not known: later than `begins` where the meter began within the month;"
        " null: nothing of it was metered"
    )
    known_until: Time | None = Field(description="what was used later is not in yet")
    forecast_since: Time | None = Field(
        description="what is left of the month is taken to go on as it went since then: up to seven whole days, or"
        " less where less is known; null for a month that is over, or with nothing to go by"
    )
    prices: PricesView
    site: SiteCostsView | None = Field(description="null for who may see some cameras only")
    cameras: tuple[CameraCostsView, ...] = Field(description="in the order of the site file")
