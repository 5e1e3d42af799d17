"""What the API takes and answers about alerts: those there were, those that were withheld, and how long they took."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from framewatch.domain.access import Caller
from framewatch.domain.alert_settings import Severity
from framewatch.domain.alerts import Alert, Delivery, DeliveryState, IncidentSighting
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.visits import AlertState, Reason, Visit, Withheld
from framewatch.wire.api_people import AnswerView, NoteView
from framewatch.wire.api_values import (
    DEFAULT_LIMIT,
    Answer,
    Flag,
    Limit,
    Percent,
    Query,
    Time,
    TimeParameter,
    Word,
    Words,
    parse_query,
    text_only,
)

MAX_VALUE_CHARS = 1500  # a cursor may hold a label of a hundred characters of any script

ALERT_STATES = tuple(s for s in AlertState if s is not AlertState.JOINED)


def _one_of(kind: type[StrEnum], values: Iterable[StrEnum]) -> BeforeValidator:
    allowed = tuple(values)

    def parse(text: str) -> StrEnum:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return kind(text)

    return text_only(parse)


_State = Annotated[
    AlertState, _one_of(AlertState, ALERT_STATES), WithJsonSchema({"type": "string", "enum": list(ALERT_STATES)})
]
_Reason = Annotated[Reason, _one_of(Reason, Reason), WithJsonSchema({"type": "string", "enum": list(Reason)})]


_Severity = Annotated[
    Severity, _one_of(Severity, Severity), WithJsonSchema({"type": "string", "enum": list(Severity)})
]
ZONE = "a zone's id: only where the middle of the box's lower edge lies in that zone of its camera"


class SpanQuery(Query):
    """Which cameras and rules, and from when to when: the last seven days unless it says so."""

    camera: Words = Field(default=(), description="a camera's id, once for each; absent: every camera of the site")
    rule: Word | None = Field(default=None, description="one rule's id; the watch list is `watch`")
    from_: TimeParameter | None = Field(
        default=None, alias="from", description="at this time or later; absent: seven days before the end"
    )
    to: TimeParameter | None = Field(default=None, description="before this time; absent: now")


class PagedQuery(SpanQuery):
    limit: Limit = Field(default=DEFAULT_LIMIT, description="the most rows to answer")
    cursor: Annotated[str, Field(max_length=MAX_VALUE_CHARS)] | None = Field(
        default=None, description="next_cursor of the page before, with the same filters"
    )


class AlertsQuery(PagedQuery):
    """The parameters of GET /v1/alerts. Times are captures."""

    state: _State | None = Field(
        default=None, description="claimed: not yet sent; sent; failed: nobody could be told; held: by a limit"
    )
    severity: _Severity | None = Field(default=None, description="of the rule when it alerted")
    label: Words = Field(default=(), description="a word of the rules, once for each; case does not count")
    min_confidence: Percent | None = Field(default=None, description="in percent")
    answered: Flag | None = Field(default=None, description="whether anybody has answered, whatever they said")
    zone: Word | None = Field(default=None, description=ZONE)
    alert: Annotated[str, Field(max_length=MAX_VALUE_CHARS)] | None = Field(
        default=None,
        description="one alert's id. Give its camera, its captured_at as `from` and an instant after it as `to`:"
        " then nothing else is read",
    )


class WithheldQuery(PagedQuery):
    """The parameters of GET /v1/withheld. Times are those at which visits began."""

    reason: _Reason | None = Field(default=None, description="why no alert was given")


class LatencyQuery(SpanQuery):
    """The parameters of GET /v1/latency. Times are captures."""


def parse_alerts_query(pairs: Iterable[tuple[str, str]]) -> AlertsQuery:
    """Raises InvalidQuery, as do the others."""
    return parse_query(AlertsQuery, pairs, max_value_chars=MAX_VALUE_CHARS)


def parse_withheld_query(pairs: Iterable[tuple[str, str]]) -> WithheldQuery:
    return parse_query(WithheldQuery, pairs, max_value_chars=MAX_VALUE_CHARS)


def parse_latency_query(pairs: Iterable[tuple[str, str]]) -> LatencyQuery:
    return parse_query(LatencyQuery, pairs, max_value_chars=MAX_VALUE_CHARS)


class DeliveryView(Answer):
    """What became of one contact's text. Never a number."""

    contact_id: str
    state: DeliveryState
    at: Time
    reason: str | None = Field(description="why it was not sent")

    @classmethod
    def of(cls, contact_id: str, delivery: Delivery) -> "DeliveryView":
        return cls(contact_id=contact_id, state=delivery.state, at=delivery.at, reason=delivery.reason)


class EscalationStep(Answer):
    """One of those who are told while nobody has answered, in their order."""

    contact_id: str
    told: bool
    at: Time | None = Field(description="when it was this contact's turn; null: not yet, or never")


class JoinedView(Answer):
    """Another visit of the same incident, which was not told again."""

    camera_id: str
    camera_name: str
    label: str
    frame_id: str
    captured_at: Time
    confidence: float = Field(description="percent")

    @classmethod
    def of(cls, sighting: IncidentSighting, camera_name: str) -> "JoinedView":
        return cls(
            camera_id=sighting.camera_id,
            camera_name=camera_name,
            label=sighting.label,
            frame_id=sighting.frame_id,
            captured_at=sighting.captured_at,
            confidence=sighting.confidence,
        )


class TraceView(Answer):
    """When the frame that alerted passed each stage; null where a redelivery could no longer know."""

    captured_at: Time
    arrived_at: Time | None = Field(description="in the stream")
    received_at: Time | None = Field(description="by the image processor")
    labelled_at: Time | None
    stored_at: Time | None
    decided_at: Time
    published_at: Time | None = Field(description="the first text or message that went out")


class AlertView(Answer):
    alert_id: str
    rule_id: str
    severity: Severity
    state: AlertState
    camera_id: str
    camera_name: str
    label: str
    confidence: float = Field(description="percent")
    captured_at: Time
    decided_at: Time
    visit_id: str
    frame_id: str
    box_xyxy_rel: BoxXYXYRel | None = Field(description="of the object that alerted, where the model gave one")
    image_url: str | None = Field(
        description="opens without credentials until image_url_expires_at; never keep it."
        " null once the picture's time is over"
    )
    image_url_expires_at: Time | None
    deliveries: tuple[DeliveryView, ...] = Field(description="of those who have been told, or could not be")
    escalation: tuple[EscalationStep, ...]
    escalates_at: Time | None = Field(
        description="about when the next of `escalation` is told, unless somebody answers; null: nobody further is"
    )
    answers: tuple[AnswerView, ...] = Field(description="the first of each kind stands, oldest first")
    notes: tuple[NoteView, ...] = Field(description="oldest first")
    joined: tuple[JoinedView, ...] = Field(description="oldest first")
    trace: TraceView

    @classmethod
    def of(
        cls,
        alert: Alert,
        *,
        camera_names: dict[str, str],
        image_url: str | None,
        image_url_expires_at: datetime | None,
        you: Caller | None = None,
    ) -> "AlertView":
        """camera_names: by id; a camera that has left the site file goes by its id. you: who asks.

        Of cameras that you may not see, nothing that joined is shown.
        """
        trace = alert.trace
        limited = you is not None and bool(you.camera_groups)
        return cls(
            alert_id=alert.alert_id,
            rule_id=alert.rule_id,
            severity=alert.severity,
            state=alert.state,
            camera_id=alert.camera_id,
            camera_name=camera_names.get(alert.camera_id, alert.camera_id),
            label=alert.label,
            confidence=alert.confidence,
            captured_at=alert.captured_at,
            decided_at=alert.decided_at,
            visit_id=alert.visit_id,
            frame_id=alert.frame_id,
            box_xyxy_rel=alert.box_xyxy_rel,
            image_url=image_url,
            image_url_expires_at=image_url_expires_at if image_url is not None else None,
            deliveries=tuple(
                DeliveryView.of(contact_id, alert.deliveries[contact_id])
                for contact_id in sorted(alert.deliveries, key=lambda c: (alert.deliveries[c].at, c))
            ),
            escalation=tuple(_step(alert, contact_id) for contact_id in alert.escalate_to),
            escalates_at=_escalates_at(alert),
            answers=tuple(
                AnswerView.given(kind, answer, you)
                for kind, answer in sorted(alert.answers.items(), key=lambda a: (a[1].at, a[0]))
            ),
            notes=tuple(NoteView.of(note, you) for note in alert.notes),
            joined=tuple(
                JoinedView.of(s, camera_names.get(s.camera_id, s.camera_id))
                for s in sorted(alert.joined.values(), key=lambda s: (s.captured_at, s.visit_id))
                if s.camera_id in camera_names or not limited
            ),
            trace=TraceView(
                captured_at=alert.captured_at,
                arrived_at=trace.arrived_at,
                received_at=trace.received_at,
                labelled_at=trace.labelled_at,
                stored_at=trace.stored_at,
                decided_at=alert.decided_at,
                published_at=published_at(alert),
            ),
        )


def published_at(alert: Alert) -> datetime | None:
    """When the first text or message about it went out, to one of those who are told at once."""
    sent = [d.at for c, d in alert.deliveries.items() if c in alert.notify and d.state is DeliveryState.SENT]
    return min(sent, default=None)


def _escalates_at(alert: Alert) -> datetime | None:
    """Counted from when the last of those before was told, or could not be; the watchdog looks once a minute."""
    told = [delivery.at for delivery in alert.deliveries.values()]
    if alert.answered or not told or all(contact_id in alert.deliveries for contact_id in alert.escalate_to):
        return None
    return max(told) + timedelta(seconds=alert.escalate_after_s)


def _step(alert: Alert, contact_id: str) -> EscalationStep:
    delivery = alert.deliveries.get(contact_id)
    return EscalationStep(
        contact_id=contact_id,
        told=delivery is not None and delivery.state is DeliveryState.SENT,
        at=delivery.at if delivery is not None else None,
    )


NEXT_CURSOR = (
    "gives the next page; null when there is none. A page may hold fewer than `limit`, even none, and still have a"
    " next one."
)


class AlertsPage(Answer):
    alerts: tuple[AlertView, ...] = Field(description="newest capture first")
    next_cursor: str | None = Field(description=NEXT_CURSOR)


class WithheldView(Answer):
    """Why one rule gave no alert for some frames of one visit."""

    visit_id: str
    rule_id: str
    reason: Reason
    camera_id: str
    camera_name: str
    label: str
    visit_from: Time = Field(description="the visit's first frame")
    first_at: Time = Field(description="the first frame that was withheld for this reason")
    last_at: Time
    count: int = Field(description="frames")
    best_confidence: float = Field(description="percent")
    alerted: bool = Field(description="whether the rule did alert for the visit, by another frame")

    @classmethod
    def of(cls, visit: Visit, rule_id: str, reason: Reason, row: Withheld, camera_name: str) -> "WithheldView":
        claim = visit.alerts.get(rule_id)
        return cls(
            visit_id=visit.visit_id,
            rule_id=rule_id,
            reason=reason,
            camera_id=visit.camera_id,
            camera_name=camera_name,
            label=visit.label,
            visit_from=visit.first_seen,
            first_at=row.first_at,
            last_at=row.last_at,
            count=row.count,
            best_confidence=row.best_confidence,
            alerted=claim is not None and claim.state in (AlertState.CLAIMED, AlertState.SENT),
        )


class WithheldPage(Answer):
    withheld: tuple[WithheldView, ...] = Field(description="newest visit first; one row a visit, rule and reason")
    next_cursor: str | None = Field(description=NEXT_CURSOR)


class Stage(StrEnum):
    """From one point of a frame's way to the next; the last is the whole of it."""

    ARRIVE = "captured-arrived"
    RECEIVE = "arrived-received"
    LABEL = "received-labelled"
    STORE = "labelled-stored"
    DECIDE = "stored-decided"
    PUBLISH = "decided-published"
    WHOLE = "captured-published"


class StageView(Answer):
    stage: Stage
    count: int = Field(description="alerts whose two points are both known; for what is published, texts")
    p50_ms: float | None = Field(description="nearest rank; null when there is none")
    p95_ms: float | None


class LatencyView(Answer):
    from_: Time = Field(serialization_alias="from", description="the span that was looked at")
    to: Time
    alerts: int
    cut_at: Time | None = Field(
        description="only the newest were counted: there are older ones before this time, which `to` reaches."
        " null: all of the span"
    )
    stages: tuple[StageView, ...]
