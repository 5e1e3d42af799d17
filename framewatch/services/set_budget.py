"""What cameras give up for the budget, set by an administrator until a time; the watchdog makes it so."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from framewatch.domain.access import Caller
from framewatch.domain.budget import BudgetPin
from framewatch.domain.errors import InvalidQuery, NotForThisCaller
from framewatch.services.list_filters import choose_cameras
from framewatch.services.ports import Clock, SiteSource
from framewatch.services.ports_cost import BudgetTable
from framewatch.wire.api_budget import MAX_DAYS, BudgetPinView, BudgetRequest, BudgetSetView

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SetBudgetDeps:
    """site: as the caller may know it."""

    site: SiteSource
    budget: BudgetTable
    clock: Clock


def set_budget(request: BudgetRequest, caller: Caller, deps: SetBudgetDeps) -> BudgetSetView:
    """In place of what was set before. Raises InvalidQuery, NotForThisCaller, RetryableError."""
    site, now = deps.site.current(), deps.clock.now()
    if request.camera is not None:
        choose_cameras([request.camera], site)
    elif caller.camera_groups:
        raise NotForThisCaller(
            "without a camera this is the whole site's, and you may see the cameras of some groups only; name one"
        )
    if request.until is not None and request.until > now + timedelta(days=MAX_DAYS):
        raise InvalidQuery(f"until: must be within {MAX_DAYS} days; what holds for longer is the site file's budget")
    until = request.until or now
    pin = BudgetPin(request.camera, request.domain_step, until, caller.by, caller.name, now)
    # One that is shorter than what it replaces must not vanish before that would have ended.
    expires_at = now + timedelta(days=max(site.retention.metadata_days, MAX_DAYS))
    deps.budget.put_pin(pin, expires_at)
    what = pin.step.name if pin.holds(now) else "what the budget decides"
    _log.info("%s set to %s by %s until %s", pin.camera_id or "all cameras", what, caller.by, until.isoformat())
    return BudgetSetView(set=BudgetPinView.of(pin, caller) if pin.holds(now) else None)
