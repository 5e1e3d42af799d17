"""What a rule remembers of its newest alerts on a group of cameras: for cool-downs, incidents and snoozes.

One small value for each rule and scope (a camera, or a group of them). It is written in the transaction of the visit
that alerts, under its version: whoever decides at the same time reads again, and sees the alert.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from framewatch.domain.alerts import Answer

MAX_RECENT = 50
"""Alerts remembered. A cool-down bounds how many fall into it; without one, none are needed."""


@dataclass(frozen=True, slots=True)
class RecentAlert:
    """One alert, or a visit that joined its incident. incident: the alert that was sent."""

    camera_id: str
    label: str
    visit_id: str
    captured_at: datetime
    incident_alert_id: str
    incident_camera_id: str
    incident_captured_at: datetime
    told: bool = True  # False for a visit that only joined


@dataclass(frozen=True, slots=True)
class RuleState:
    """version: counts writes; 0 means not yet stored. snoozed_until: the injected clock.

    snoozed_by, snoozed_name: as of an Answer. snooze_ended: who ended the newest snooze before its time.
    """

    rule_id: str
    scope: str
    recent: tuple[RecentAlert, ...] = ()
    snoozed_until: datetime | None = None
    snoozed_by: str | None = None
    snoozed_name: str | None = None
    snooze_ended: Answer | None = None
    version: int = 0

    def with_recent(self, alert: RecentAlert) -> "RuleState":
        """The newest by capture time are kept."""
        kept = sorted((*self.recent, alert), key=lambda a: (a.captured_at, a.camera_id, a.label))
        return replace(self, recent=tuple(kept[-MAX_RECENT:]))

    def is_cooling(self, camera_id: str, captured_at: datetime, cool_down: timedelta) -> bool:
        """Whether the rule has texted for this camera within the cool-down, before or (frames may be late) after."""
        return any(
            a.told and a.camera_id == camera_id and abs(captured_at - a.captured_at) < cool_down for a in self.recent
        )

    def is_snoozed(self, now: datetime) -> bool:
        return self.snoozed_until is not None and now < self.snoozed_until
