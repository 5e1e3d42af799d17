"""What an alert is, and what becomes of it: told to contacts, escalated, answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from framewatch.domain.alert_settings import Severity
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.visits import AlertState, Reason, RuleProgress, Visit, note_withheld


class DeliveryState(StrEnum):
    SENT = "sent"
    REJECTED = "rejected"  # the number is invalid or has opted out, or the contact has left the site file
    HELD = "held"  # a limit held it back, or the alert was late; a digest tells


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one contact's text. message_id: the provider's, when it was sent. reason: else, in words."""

    state: DeliveryState
    at: datetime
    message_id: str | None = None
    reason: str | None = None


class AnswerKind(StrEnum):
    TAKEN = "taken"
    SNOOZED = "snoozed"
    FALSE_ALARM = "false-alarm"
    CLOSED = "closed"  # dealt with; nothing further


@dataclass(frozen=True, slots=True)
class Answer:
    """by: a contact's id, or `user:` and the user's id in the pool. name: of a user, as others are shown it."""

    by: str
    at: datetime
    name: str | None = None


MAX_NOTES = 50
"""Of one alert: what is longer is a report, and has another place."""


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody has written about an alert: text, never markup. by, name: as of an Answer."""

    text: str
    by: str
    at: datetime
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """When the frame that alerted passed each stage; captured_at and decided_at stand in the alert itself.

    arrived_at: in the stream. received_at: by the image processor. None where a redelivery can no longer know.
    """

    arrived_at: datetime | None = None
    received_at: datetime | None = None
    labelled_at: datetime | None = None
    stored_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentSighting:
    """Another visit of the same incident: a later camera, or another label, that was not texted again."""

    camera_id: str
    label: str
    visit_id: str
    frame_id: str
    captured_at: datetime
    confidence: float


@dataclass(frozen=True, slots=True)
class AlertRef:
    """Where an alert lies in the table."""

    camera_id: str
    captured_at: datetime
    alert_id: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a rule for one visit, and for the incident that it opens. It names contacts, never their numbers.

    scope: the cameras that share incidents and snoozes with this one, as `Camera.alert_scope`. notify: contact ids
    told at once. escalate_to: those told one by one until somebody answers. box_xyxy_rel: of the object that alerted.
    From `state` on is what happens to it later. reserved: contacts whose text was counted against the limits.
    deliveries are by contact id, joined by visit id; of each kind of answer the first stands; notes: oldest first.
    """

    alert_id: str
    rule_id: str
    scope: str
    visit_id: str
    camera_id: str
    label: str
    confidence: float
    frame_id: str
    captured_at: datetime
    decided_at: datetime
    notify: tuple[str, ...]
    escalate_to: tuple[str, ...] = ()
    escalate_after_s: float = 300.0
    severity: Severity = Severity.ALERT
    box_xyxy_rel: BoxXYXYRel | None = None
    trace: Trace = field(default_factory=Trace)
    state: AlertState = AlertState.CLAIMED
    reserved: frozenset[str] = frozenset()
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)
    joined: Mapping[str, IncidentSighting] = field(default_factory=dict)
    answers: Mapping[AnswerKind, Answer] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @property
    def ref(self) -> AlertRef:
        return AlertRef(self.camera_id, self.captured_at, self.alert_id)

    @property
    def answered(self) -> bool:
        """Somebody has seen it: nobody further is told."""
        return bool(self.answers)

    @property
    def contact_ids(self) -> tuple[str, ...]:
        """Everybody who may be told, in their order."""
        return tuple(dict.fromkeys((*self.notify, *self.escalate_to)))


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert about which something is still to be done, by the watchdog, from due_at on (the injected clock).

    steps_told: how many of escalate_to have been told (or could not be); 0 as long as only `notify` have.
    """

    ref: AlertRef
    due_at: datetime
    steps_told: int = 0


@dataclass(frozen=True, slots=True)
class AlertLink:
    """What a token opens: one alert, for one contact, until it expires or is revoked. uses: answers given by it."""

    ref: AlertRef
    contact_id: str
    expires_at: datetime
    revoked: bool = False
    uses: int = 0


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """Somebody said that an alert was none; kept for its rule and camera, with the frame it was about."""

    rule_id: str
    ref: AlertRef
    label: str
    frame_id: str
    confidence: float
    answer: Answer


def alert_id_for(visit_id: str, rule_id: str) -> str:
    return f"{visit_id}/{rule_id}"


def finish_claim(visit: Visit, alert: Alert, state: AlertState) -> Visit | None:
    """The visit with the alert's claim in this state; None when it holds no claim of that alert.

    HELD is noted as withheld for the limit, once, however often it is said.
    """
    claim = visit.alerts.get(alert.rule_id)
    if claim is None or claim.alert_id != alert.alert_id:
        return None
    rules = visit.rules
    if state is AlertState.HELD and claim.state is not AlertState.HELD:
        progress = rules.get(alert.rule_id, RuleProgress())
        noted = note_withheld(progress, Reason.LIMIT, alert.captured_at, alert.confidence)
        rules = {**rules, alert.rule_id: noted}
    return replace(visit, alerts={**visit.alerts, alert.rule_id: replace(claim, state=state)}, rules=rules)
