"""The site file's budgets: what may be spent, of the whole site and of one camera."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from framewatch.domain.alert_settings import Ids
from framewatch.domain.settings_base import Section, SiteProblems

Usd = Annotated[float, Field(gt=0, le=1_000_000)]


class _Amounts(Section):
    per_month_usd: Usd | None = Field(
        default=None, description="for a month of the site's calendar, by the price table; left out, no limit"
    )
    per_day_usd: Usd | None = Field(default=None, description="for a day of the site's calendar; left out, no limit")

    @model_validator(mode="after")
    def _day_is_within_month(self) -> Self:
        if self.per_month_usd is not None and self.per_day_usd is not None and self.per_day_usd > self.per_month_usd:
            message = f"is more than the whole month may cost ({self.per_month_usd:g}); lower it, or leave it out"
            raise SiteProblems([(("per_day_usd",), message)])
        return self

    @property
    def is_set(self) -> bool:
        return self.per_month_usd is not None or self.per_day_usd is not None


class CameraBudget(_Amounts):
    """Of one camera, with its part of what is shared. It holds beside the site's, for critical cameras, too."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.is_set:
            raise SiteProblems([(("per_month_usd",), "is missing; add it or per_day_usd, or remove the budget")])
        return self


class Budget(_Amounts):
    """What the site may cost. As it nears, cameras give up analyses step by step; no frame is lost for it."""

    reserve_share: float = Field(
        default=0.2, ge=0, le=0.9, description="of the budget, kept for cameras that are critical, where some are"
    )
    notice_at: float = Field(
        default=0.8,
        ge=0.1,
        le=0.95,
        description="share of what ordinary cameras may use at which a text tells that it nears; the steps follow",
    )
    notify: Ids = Field(default=(), description="contact ids; left out, who hears that something is silent")
