"""Which rules are snoozed now. One query of all that rules remember."""

from framewatch.domain.access import Caller
from framewatch.services.ports import AlertTable, Clock, SiteSource
from framewatch.wire.api_actions import SnoozesView, SnoozeView


def list_snoozes(caller: Caller | None, alerts: AlertTable, site: SiteSource, clock: Clock) -> SnoozesView:
    """Raises RetryableError."""
    config, now = site.current(), clock.now()
    snoozed = [(state, state.snoozed_until) for state in alerts.rule_states() if state.is_snoozed(now)]
    views = [SnoozeView.of(state, until, config, caller) for state, until in snoozed if until is not None]
    # A scope without cameras is one that has left the site, or that the caller may not see.
    views = [view for view in views if view.camera_ids]
    return SnoozesView(snoozes=tuple(sorted(views, key=lambda v: (v.until, v.rule_id, v.scope))))
