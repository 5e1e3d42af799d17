"""What the API takes and answers about limits: how many texts may go out, and how many have."""

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from framewatch.domain.access import Caller
from framewatch.domain.alert_settings import Limits
from framewatch.domain.limits import LimitOverride, LimitUse
from framewatch.wire.api_actions import At, parse_body
from framewatch.wire.api_people import PersonView, who
from framewatch.wire.api_values import Answer, Query, Time

MAX_DAYS = 31


def _whole(most: int) -> BeforeValidator:
    def parse(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise ValueError(f"a whole number from 0 to {most}")
        return value

    return BeforeValidator(parse)


def _parse_usd(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 100_000:
        raise ValueError("a number from 0 to 100000")
    return float(value)


class LimitsRequest(Query):
    """The body of POST /v1/limits. What is left out is as the site file says."""

    until: At = Field(
        description=f"the site file's limits hold again from then on: at most {MAX_DAYS} days ahead; a time that is"
        " past ends what was set"
    )
    per_contact_and_hour: Annotated[int, _whole(200)] | None = Field(
        default=None, description="texts to one contact in any 60 minutes"
    )
    per_day: Annotated[int, _whole(10_000)] | None = Field(
        default=None, description="texts of the whole site, by its calendar"
    )
    monthly_budget_usd: Annotated[float, BeforeValidator(_parse_usd)] | None = Field(
        default=None, description="for the texts of a calendar month"
    )


def parse_limits(body: str) -> LimitsRequest:
    """Raises InvalidQuery."""
    return parse_body(LimitsRequest, body)


class LimitsSettingsView(Answer):
    per_contact_and_hour: int = Field(description="texts to one contact in any 60 minutes")
    per_day: int = Field(description="texts of the whole site, by its calendar")
    monthly_budget_usd: float | None = Field(description="for the texts of a calendar month; null: no budget")
    usd_per_text: float = Field(description="what one text counts against the budget")
    critical_passes: bool = Field(description="texts of critical rules are counted, never held back")

    @classmethod
    def of(cls, limits: Limits) -> "LimitsSettingsView":
        return cls(
            per_contact_and_hour=limits.per_contact_and_hour,
            per_day=limits.per_day,
            monthly_budget_usd=limits.monthly_budget_usd,
            usd_per_text=limits.usd_per_text,
            critical_passes=limits.critical_passes,
        )


class LimitsOverrideView(PersonView):
    """by: who set it."""

    at: Time = Field(description="when it was set")
    until: Time
    per_contact_and_hour: int | None = Field(description="null, as for the others: as the site file says")
    per_day: int | None
    monthly_budget_usd: float | None

    @classmethod
    def of(cls, override: LimitOverride, you: Caller) -> "LimitsOverrideView":
        return cls(
            at=override.at,
            until=override.until,
            per_contact_and_hour=override.per_contact_and_hour,
            per_day=override.per_day,
            monthly_budget_usd=override.monthly_budget_usd,
            **who(override.by, override.name, you),
        )


class LimitsUseView(Answer):
    day: date = Field(description="today, by the site's calendar")
    texts: int = Field(description="counted today, with those that no limit holds back")
    texts_left: int = Field(description="until the day's limit")
    month: date = Field(description="the first day of the month")
    spent_usd: float = Field(description="by usd_per_text, not by a bill")
    usd_left: float | None = Field(description="of the budget; null: there is none")

    @classmethod
    def of(cls, use: LimitUse, limits: Limits) -> "LimitsUseView":
        budget = limits.monthly_budget_usd
        return cls(
            day=use.day,
            texts=use.texts,
            texts_left=max(limits.per_day - use.texts, 0),
            month=use.month,
            spent_usd=use.spent_usd,
            usd_left=None if budget is None else round(max(budget - use.spent_usd, 0.0), 6),
        )


class LimitsSetView(Answer):
    site_file: LimitsSettingsView
    holds: LimitsSettingsView = Field(description="what is in force: everywhere within a minute of being set")
    override: LimitsOverrideView | None = Field(
        description="what an administrator has set; null: nothing, or its time is over"
    )


class LimitsView(LimitsSetView):
    used: LimitsUseView
