"""What a visit's new frames lead to, rule by rule: an alert, a place in an incident, or a reason why not.

Frames are judged one by one in order of capture, so that how they are cut into batches does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytz

from framewatch.domain.alert_settings import Rule, zone_polygons
from framewatch.domain.alerts import Alert, AlertRef, IncidentSighting, alert_id_for
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.limits import Held
from framewatch.domain.motion import moved
from framewatch.domain.path import join_paths
from framewatch.domain.rule_state import RecentAlert, RuleState
from framewatch.domain.rules import Observation, incident_of, judge_frame, judge_hour
from framewatch.domain.site import Camera, SiteConfig
from framewatch.domain.visits import (
    AlertClaim,
    AlertState,
    Reason,
    RuleProgress,
    VisitChange,
    note_withheld,
)
from framewatch.services.ports import AlertTable, Decided
from framewatch.services.send_alerts import PROCESSOR_OWNS


@dataclass(slots=True)
class Decision:
    """change: with everything that the rules noted in the visit. late: to be kept before the change is written."""

    change: VisitChange
    decided: Decided
    late: tuple[Held, ...] = ()
    reasons: list[Reason] = field(default_factory=list)


def decide(
    change: VisitChange, seen: Sequence[Observation], site: SiteConfig, table: AlertTable, now: datetime
) -> Decision:
    """seen: one for each of change.sightings, oldest first."""
    camera = site.camera(change.after.camera_id)
    if camera is None:
        return Decision(change, Decided())
    return _Deciding(change, camera, site, table, now).run(seen)


class _Deciding:
    def __init__(self, change: VisitChange, camera: Camera, site: SiteConfig, table: AlertTable, now: datetime):
        self._change = change
        self._visit = change.after
        self._camera = camera
        self._rules = site.rules_for(camera.id, change.after.label)
        self._zones = {rule.id: zone_polygons(camera.zones, rule.zones) for rule in self._rules}
        self._site = site
        self._time_zone = pytz.timezone(site.site.time_zone)
        self._table = table
        self._now = now
        self._claims = dict(change.after.alerts)
        self._progress = dict(change.after.rules)
        self._states: dict[str, RuleState] = {}
        self._changed: set[str] = set()
        self._alerts: list[Alert] = []
        self._joins: list[tuple[AlertRef, IncidentSighting]] = []
        self._late: list[Held] = []
        self._reasons: list[Reason] = []

    def run(self, seen: Sequence[Observation]) -> Decision:
        path = join_paths(*(v.path for v in self._change.before))
        asks_motion = any(rule.require_motion for rule in self._rules)
        for frame in seen:
            point = frame.point
            flags = moved(path, point) if asks_motion else ()
            path = join_paths(path, (point,))
            for rule in self._rules:
                if rule.id not in self._claims:
                    self._judge(rule, frame, flags)
        after = replace(self._visit, alerts=self._claims, rules=self._progress, path=path)
        decided = Decided(
            alerts=tuple(self._alerts),
            due_at=self._now + PROCESSOR_OWNS,
            joins=tuple(self._joins),
            states=tuple(self._states[rule_id] for rule_id in sorted(self._changed)),
        )
        return Decision(replace(self._change, after=after), decided, tuple(self._late), self._reasons)

    def _judge(self, rule: Rule, frame: Observation, flags: Sequence[bool]) -> None:
        reason, box = judge_frame(rule, self._zones[rule.id], frame, flags)
        if reason is None:
            progress = self._progress.get(rule.id, RuleProgress())
            progress = replace(progress, matched=progress.matched + 1)
            self._progress[rule.id] = progress
            reason = self._judge_visit(rule, progress, frame)
        if reason is None:
            reason = self._tell(rule, frame, box)
        if reason is not None:
            self._withhold(rule, reason, frame)

    def _judge_visit(self, rule: Rule, progress: RuleProgress, frame: Observation) -> Reason | None:
        if progress.matched < rule.min_frames:
            return Reason.TOO_FEW_FRAMES
        if reason := judge_hour(rule, frame.captured_at, self._time_zone):
            return reason
        if (self._now - frame.captured_at).total_seconds() > self._site.alerts.max_alert_age_s:
            return Reason.LATE
        return None

    def _tell(self, rule: Rule, frame: Observation, box: BoxXYXYRel | None) -> Reason | None:
        """Claims an alert, or a place in an incident; else why not."""
        state = self._state(rule)
        if state.is_snoozed(self._now):
            return Reason.SNOOZED
        visit, at = self._visit, frame.captured_at
        incident = incident_of(
            state,
            visit.camera_id,
            visit.label,
            at,
            window_s=self._site.alerts.incident_window_s,
            grouped=self._camera.group is not None,
        )
        if incident is not None:
            self._join(rule, frame, state, incident)
            return Reason.DUPLICATE_INCIDENT
        if state.is_cooling(visit.camera_id, at, timedelta(seconds=rule.cool_down_s)):
            return Reason.COOL_DOWN
        alert = self._alert(rule, frame, box)
        self._alerts.append(alert)
        self._claims[rule.id] = AlertClaim(frame.sighting.frame_id, AlertState.CLAIMED, alert.alert_id)
        self._remember(rule, state, frame, alert.ref, told=True)
        return None

    def _join(self, rule: Rule, frame: Observation, state: RuleState, incident: RecentAlert) -> None:
        ref = AlertRef(incident.incident_camera_id, incident.incident_captured_at, incident.incident_alert_id)
        s, visit = frame.sighting, self._visit
        more = IncidentSighting(visit.camera_id, visit.label, visit.visit_id, s.frame_id, s.captured_at, s.confidence)
        self._joins.append((ref, more))
        self._claims[rule.id] = AlertClaim(s.frame_id, AlertState.JOINED, ref.alert_id)
        self._remember(rule, state, frame, ref, told=False)

    def _alert(self, rule: Rule, frame: Observation, box: BoxXYXYRel | None) -> Alert:
        visit, s = self._visit, frame.sighting
        return Alert(
            alert_id=alert_id_for(visit.visit_id, rule.id),
            rule_id=rule.id,
            scope=self._camera.alert_scope,
            visit_id=visit.visit_id,
            camera_id=visit.camera_id,
            label=visit.label,
            confidence=s.confidence,
            frame_id=s.frame_id,
            captured_at=s.captured_at,
            decided_at=self._now,
            notify=rule.notify,
            escalate_to=rule.escalate_to,
            escalate_after_s=rule.escalate_after_s,
            severity=rule.severity,
            box_xyxy_rel=box,
            trace=frame.trace,
        )

    def _remember(self, rule: Rule, state: RuleState, frame: Observation, incident: AlertRef, *, told: bool) -> None:
        recent = RecentAlert(
            camera_id=self._visit.camera_id,
            label=self._visit.label,
            visit_id=self._visit.visit_id,
            captured_at=frame.captured_at,
            incident_alert_id=incident.alert_id,
            incident_camera_id=incident.camera_id,
            incident_captured_at=incident.captured_at,
            told=told,
        )
        self._states[rule.id] = state.with_recent(recent)
        self._changed.add(rule.id)

    def _state(self, rule: Rule) -> RuleState:
        if rule.id not in self._states:
            self._states[rule.id] = self._table.rule_state(rule.id, self._camera.alert_scope)
        return self._states[rule.id]

    def _withhold(self, rule: Rule, reason: Reason, frame: Observation) -> None:
        progress = self._progress.get(rule.id, RuleProgress())
        if reason is Reason.LATE and Reason.LATE not in progress.withheld:
            self._late += [
                Held(contact_id, self._visit.camera_id, "late", self._now, frame.captured_at)
                for contact_id in rule.notify
                if (contact := self._site.contact(contact_id)) and contact.phone
            ]
        self._progress[rule.id] = note_withheld(progress, reason, frame.captured_at, frame.sighting.confidence)
        self._reasons.append(reason)
