"""Limits of texts: what holds, how much of it is used, and another one until a time, by an administrator."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytz

from framewatch.domain.access import Caller
from framewatch.domain.alert_settings import Limits
from framewatch.domain.errors import InvalidQuery, NotForThisCaller
from framewatch.domain.limits import LimitOverride, LimitState, use_of
from framewatch.domain.site import SiteConfig
from framewatch.services.ports import Clock, LimitOverrides, SiteSource
from framewatch.wire.api_limits import (
    MAX_DAYS,
    LimitsOverrideView,
    LimitsRequest,
    LimitsSettingsView,
    LimitsSetView,
    LimitsUseView,
    LimitsView,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LimitDeps:
    site: SiteSource
    overrides: LimitOverrides
    clock: Clock


def set_limits(request: LimitsRequest, caller: Caller, deps: LimitDeps) -> LimitsSetView:
    """In place of what was set before. Raises InvalidQuery, NotForThisCaller, RetryableError."""
    if caller.camera_groups:
        raise NotForThisCaller(
            "limits are the whole site's, and you may see the cameras of some groups only; ask an administrator who"
            " is in no such group"
        )
    config, now = deps.site.current(), deps.clock.now()
    if request.until > now + timedelta(days=MAX_DAYS):
        raise InvalidQuery(f"until: must be within {MAX_DAYS} days; what holds for longer belongs into the site file")
    override = LimitOverride(
        until=request.until,
        by=caller.by,
        name=caller.name,
        at=now,
        per_contact_and_hour=request.per_contact_and_hour,
        per_day=request.per_day,
        monthly_budget_usd=request.monthly_budget_usd,
    )
    after = override.over(config.limits)
    if after.monthly_budget_usd and after.monthly_budget_usd < after.usd_per_text:
        raise InvalidQuery(
            f"monthly_budget_usd: must pay for one text ({after.usd_per_text:g} USD); raise it, or give 0 for none"
        )
    deps.overrides.put_override(override, now + timedelta(days=config.retention.metadata_days))
    _log.info(
        "limits set by %s until %s: per contact and hour %s, per day %s, monthly budget %s",
        caller.by,
        override.until.isoformat(),
        override.per_contact_and_hour,
        override.per_day,
        override.monthly_budget_usd,
    )
    site_file, holds, shown = _stand(config, override, now, caller)
    return LimitsSetView(
        site_file=LimitsSettingsView.of(site_file), holds=LimitsSettingsView.of(holds), override=shown
    )


def show_limits(
    config: SiteConfig, state: LimitState, override: LimitOverride | None, now: datetime, caller: Caller
) -> LimitsView:
    site_file, holds, shown = _stand(config, override, now, caller)
    return LimitsView(
        site_file=LimitsSettingsView.of(site_file),
        holds=LimitsSettingsView.of(holds),
        override=shown,
        used=LimitsUseView.of(use_of(state, now, pytz.timezone(config.site.time_zone)), holds),
    )


def _stand(
    config: SiteConfig, override: LimitOverride | None, now: datetime, caller: Caller
) -> tuple[Limits, Limits, LimitsOverrideView | None]:
    """The site file's limits, those that hold, and what was set where it does."""
    if override is None or not override.holds(now):
        return config.limits, config.limits, None
    return config.limits, override.over(config.limits), LimitsOverrideView.of(override, caller)
