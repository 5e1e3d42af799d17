"""Once a minute: alerts that are due, digests, whatever has fallen silent, the budget, and counts of what is stored
and used. No part waits for another's success.

What failed is tried again a minute later; that it failed is an error of the function, so that its alarm rings. Two
passes at once tell nothing twice: an alert is taken by moving its due time, a digest by a version of the limits, and
troubles belong to whoever has the turn. Of two who count the same, one is refused.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from framewatch.domain.errors import FramewatchError, RetryableError, SiteFileError
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import Visit
from framewatch.services.frame_merge import FramePages
from framewatch.services.hold_budget import BudgetDeps, SpendSource, hold_budget
from framewatch.services.list_pages import ReadDay
from framewatch.services.meter_use import for_camera
from framewatch.services.ports import CountTable, HealthTable, HeartbeatTable, Meter, SiteSource, TroubleTable
from framewatch.services.ports_cost import BoxControls, BudgetTable
from framewatch.services.roll_up import CountDeps, roll_up
from framewatch.services.roll_up_use import UseRollUp
from framewatch.services.send_alerts import SendDeps, continue_alert
from framewatch.services.send_digests import send_digests
from framewatch.services.tally import Tally
from framewatch.services.tell_troubles import TroubleDeps, tell_troubles

_log = logging.getLogger(__name__)

# What digests and troubles need at least, however many alerts are due.
KEPT_FOR_THE_REST_S = 20.0


@dataclass(frozen=True, slots=True)
class WatchDeps:
    """executor: for reads that can go together."""

    site: SiteSource
    sending: SendDeps
    heartbeats: HeartbeatTable
    frames: FramePages
    troubles: TroubleTable
    health: HealthTable
    counts: CountTable
    visits: ReadDay[Visit]
    use: UseRollUp
    budget: BudgetTable
    controls: BoxControls
    spend: SpendSource
    meter: Meter
    executor: Executor | None = None

    def for_troubles(self) -> TroubleDeps:
        return TroubleDeps(
            sending=self.sending,
            heartbeats=self.heartbeats,
            frames=self.frames,
            troubles=self.troubles,
            health=self.health,
            executor=self.executor,
        )

    def for_budget(self) -> BudgetDeps:
        return BudgetDeps(
            table=self.budget,
            spend=self.spend,
            heartbeats=self.heartbeats,
            controls=self.controls,
            troubles=self.troubles,
            sending=self.sending,
        )

    def for_counts(self) -> CountDeps:
        return CountDeps(
            counts=self.counts,
            frames=self.frames,
            alerts=self.sending.alerts,
            visits=self.visits,
            heartbeats=self.heartbeats,
            clock=self.sending.clock,
            executor=self.executor,
        )


def watch_over(deps: WatchDeps, remaining_s: Callable[[], float]) -> None:
    """One pass. remaining_s: how many seconds the invocation has left, after which it is ended.

    Raises RetryableError when any part of it failed, after the others have been tried.
    """
    try:
        site = deps.site.current()
    except (SiteFileError, RetryableError) as error:
        _log.error("no site configuration, nothing is watched: %s", error)
        raise RetryableError(f"nothing is watched without a site file: {error}") from error
    tally = Tally()
    parts: dict[str, Callable[[], None]] = {
        "alerts": lambda: continue_due(site, deps.sending, tally, remaining_s),
        "digests": lambda: send_digests(site, deps.sending, tally, remaining_s),
        "troubles": lambda: tell_troubles(site, deps.for_troubles(), tally, remaining_s),
        "budget": lambda: hold_budget(site, deps.for_budget(), tally, remaining_s),
        # Last: nobody is told later because there is much to count.
        "counts": lambda: roll_up(site, deps.for_counts(), tally, remaining_s),
        "use": lambda: deps.use.run(site, remaining_s),
    }
    failed: dict[str, Exception] = {}
    for name, part in parts.items():
        try:
            part()
        except Exception as error:  # noqa: BLE001  the edge of a part
            failed[name] = error
            _log_failure(name, error)
    tally.tell(deps.meter)
    if failed:
        whys = "; ".join(f"{name}: {error}" for name, error in failed.items())
        raise RetryableError(f"not all was watched over; it is tried again in a minute. {whys}")


def continue_due(site: SiteConfig, deps: SendDeps, tally: Tally, remaining_s: Callable[[], float]) -> None:
    """Every alert that is due, the longest first. Raises RetryableError when one failed, after trying the others."""
    margin_s = min(KEPT_FOR_THE_REST_S, remaining_s() / 2)
    now = deps.clock.now()
    open_alerts, _ = deps.alerts.open_work()
    due = [work for work in open_alerts if work.due_at <= now]
    failed = 0
    for n, work in enumerate(due):
        if remaining_s() < margin_s:
            _log.warning("%d alerts wait for the next minute: this one's time is used up", len(due) - n)
            tally.count("AlertsDeferred", len(due) - n)
            break
        try:
            for_camera(work.ref.camera_id, continue_alert, work, site, deps, tally)
        except Exception as error:  # noqa: BLE001  one alert fails alone
            failed += 1
            _log_failure(work.ref.alert_id, error)
    if failed:
        raise RetryableError(f"{failed} of {len(due)} due alerts failed")


def _log_failure(what: str, error: Exception) -> None:
    expected = isinstance(error, FramewatchError)
    _log.error("%s: %s: %s", what, type(error).__name__, error, exc_info=None if expected else error)
