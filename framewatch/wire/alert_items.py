"""The bodies of alerts, of what is still to be done about them, and of their links.

Their keys stand in framewatch.wire.items. An alert's `doc` never changes; what happens to it later stands beside it,
so that two writers cannot undo each other: `state`; `deliveries` and `joined`, maps of contact id and of visit id to
JSON; `reserved`, the contacts whose texts are counted in the limits; `answer:<kind>` for each kind of answer;
`note:<digest>` for each note, and `note_count`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from framewatch.domain.alert_settings import Severity
from framewatch.domain.alerts import (
    Alert,
    AlertLink,
    AlertRef,
    Answer,
    AnswerKind,
    Delivery,
    DeliveryState,
    FalseAlarm,
    IncidentSighting,
    Note,
    OpenAlert,
    Trace,
)
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.limits import Held
from framewatch.domain.visits import AlertState
from framewatch.wire.items import StoredItem


class StoredDelivery(BaseModel):
    model_config = ConfigDict(frozen=True)
    state: DeliveryState
    at: AwareDatetime
    message_id: str | None = None
    reason: str | None = None

    @classmethod
    def of(cls, delivery: Delivery) -> "StoredDelivery":
        return cls(state=delivery.state, at=delivery.at, message_id=delivery.message_id, reason=delivery.reason)

    def to_domain(self) -> Delivery:
        return Delivery(self.state, self.at, self.message_id, self.reason)


def is_none(value: object) -> bool:
    return value is None


class StoredAnswer(BaseModel):
    model_config = ConfigDict(frozen=True)
    by: str
    at: AwareDatetime
    name: str | None = Field(default=None, exclude_if=is_none)

    @classmethod
    def of(cls, answer: Answer) -> "StoredAnswer":
        return cls(by=answer.by, at=answer.at, name=answer.name)

    def to_domain(self) -> Answer:
        return Answer(self.by, self.at, self.name)


class StoredNote(BaseModel):
    model_config = ConfigDict(frozen=True)
    text: str
    by: str
    at: AwareDatetime
    name: str | None = None

    @classmethod
    def of(cls, note: Note) -> "StoredNote":
        return cls(text=note.text, by=note.by, at=note.at, name=note.name)

    def to_domain(self) -> Note:
        return Note(self.text, self.by, self.at, self.name)


class StoredTrace(BaseModel):
    model_config = ConfigDict(frozen=True)
    arrived_at: AwareDatetime | None = None
    received_at: AwareDatetime | None = None
    labelled_at: AwareDatetime | None = None
    stored_at: AwareDatetime | None = None

    @classmethod
    def of(cls, trace: Trace) -> "StoredTrace":
        return cls(
            arrived_at=trace.arrived_at,
            received_at=trace.received_at,
            labelled_at=trace.labelled_at,
            stored_at=trace.stored_at,
        )

    def to_domain(self) -> Trace:
        return Trace(self.arrived_at, self.received_at, self.labelled_at, self.stored_at)


class StoredIncidentSighting(BaseModel):
    model_config = ConfigDict(frozen=True)
    camera_id: str
    label: str
    visit_id: str
    frame_id: str
    captured_at: AwareDatetime
    confidence: float

    @classmethod
    def of(cls, sighting: IncidentSighting) -> "StoredIncidentSighting":
        return cls(
            camera_id=sighting.camera_id,
            label=sighting.label,
            visit_id=sighting.visit_id,
            frame_id=sighting.frame_id,
            captured_at=sighting.captured_at,
            confidence=sighting.confidence,
        )

    def to_domain(self) -> IncidentSighting:
        return IncidentSighting(
            self.camera_id, self.label, self.visit_id, self.frame_id, self.captured_at, self.confidence
        )


class StoredRef(BaseModel):
    model_config = ConfigDict(frozen=True)
    camera_id: str
    captured_at: AwareDatetime
    alert_id: str

    @classmethod
    def of(cls, ref: AlertRef) -> "StoredRef":
        return cls(camera_id=ref.camera_id, captured_at=ref.captured_at, alert_id=ref.alert_id)

    def to_domain(self) -> AlertRef:
        return AlertRef(self.camera_id, self.captured_at, self.alert_id)


class StoredAlert(StoredItem):
    """Everything of an alert that never changes. It names contacts, never their numbers.

    Version 2: scope, escalation, severity, box and trace; the text is made when it is sent, and not kept.
    """

    current_version: ClassVar[int] = 2

    alert_id: str
    rule_id: str
    scope: str
    visit_id: str
    camera_id: str
    label: str
    confidence: float
    frame_id: str
    captured_at: AwareDatetime
    decided_at: AwareDatetime
    notify: tuple[str, ...]
    escalate_to: tuple[str, ...] = ()
    escalate_after_s: float = 300.0
    severity: Severity = Severity.ALERT
    box_xyxy_rel: BoxXYXYRel | None = None
    trace: StoredTrace = StoredTrace()

    @model_validator(mode="before")
    @classmethod
    def _of_version_1(cls, doc: Any) -> Any:
        """Version 1 knew no groups, and nobody but those who are told at once."""
        if isinstance(doc, dict) and doc.get("item_version", 1) == 1 and "contact_ids" in doc:
            return {"scope": doc.get("camera_id"), "notify": doc["contact_ids"], **doc}
        return doc

    @classmethod
    def of(cls, alert: Alert) -> "StoredAlert":
        return cls(
            item_version=cls.current_version,
            alert_id=alert.alert_id,
            rule_id=alert.rule_id,
            scope=alert.scope,
            visit_id=alert.visit_id,
            camera_id=alert.camera_id,
            label=alert.label,
            confidence=alert.confidence,
            frame_id=alert.frame_id,
            captured_at=alert.captured_at,
            decided_at=alert.decided_at,
            notify=alert.notify,
            escalate_to=alert.escalate_to,
            escalate_after_s=alert.escalate_after_s,
            severity=alert.severity,
            box_xyxy_rel=alert.box_xyxy_rel,
            trace=StoredTrace.of(alert.trace),
        )

    def to_domain(
        self,
        state: AlertState,
        reserved: frozenset[str],
        deliveries: Mapping[str, Delivery],
        joined: Mapping[str, IncidentSighting],
        answers: Mapping[AnswerKind, Answer],
        *,
        notes: tuple[Note, ...] = (),
    ) -> Alert:
        return Alert(
            alert_id=self.alert_id,
            rule_id=self.rule_id,
            scope=self.scope,
            visit_id=self.visit_id,
            camera_id=self.camera_id,
            label=self.label,
            confidence=self.confidence,
            frame_id=self.frame_id,
            captured_at=self.captured_at,
            decided_at=self.decided_at,
            notify=self.notify,
            escalate_to=self.escalate_to,
            escalate_after_s=self.escalate_after_s,
            severity=self.severity,
            box_xyxy_rel=self.box_xyxy_rel,
            trace=self.trace.to_domain(),
            state=state,
            reserved=reserved,
            deliveries=dict(deliveries),
            joined=dict(joined),
            answers=dict(answers),
            notes=notes,
        )


class StoredOpenAlert(StoredItem):
    """`due_at` and `steps_told` stand beside it: whoever takes the work changes them, and the body never changes."""

    ref: StoredRef

    @classmethod
    def of(cls, work: OpenAlert) -> "StoredOpenAlert":
        return cls(item_version=cls.current_version, ref=StoredRef.of(work.ref))


class StoredHeld(StoredItem):
    contact_id: str
    camera_id: str
    reason: str
    at: AwareDatetime
    captured_at: AwareDatetime

    @classmethod
    def of(cls, held: Held) -> "StoredHeld":
        return cls(
            item_version=cls.current_version,
            contact_id=held.contact_id,
            camera_id=held.camera_id,
            reason=held.reason,
            at=held.at,
            captured_at=held.captured_at,
        )

    def to_domain(self) -> Held:
        return Held(self.contact_id, self.camera_id, self.reason, self.at, self.captured_at)


class StoredLink(StoredItem):
    """`revoked` and `uses` stand beside it. The token is nowhere: the key holds a digest of it."""

    ref: StoredRef
    contact_id: str
    link_expires_at: AwareDatetime

    @classmethod
    def of(cls, link: AlertLink) -> "StoredLink":
        return cls(
            item_version=cls.current_version,
            ref=StoredRef.of(link.ref),
            contact_id=link.contact_id,
            link_expires_at=link.expires_at,
        )

    def to_domain(self, revoked: bool, uses: int) -> AlertLink:
        return AlertLink(self.ref.to_domain(), self.contact_id, self.link_expires_at, revoked, uses)


class StoredFalseAlarm(StoredItem):
    rule_id: str
    ref: StoredRef
    label: str
    frame_id: str
    confidence: float
    answer: StoredAnswer

    @classmethod
    def of(cls, alarm: FalseAlarm) -> "StoredFalseAlarm":
        return cls(
            item_version=cls.current_version,
            rule_id=alarm.rule_id,
            ref=StoredRef.of(alarm.ref),
            label=alarm.label,
            frame_id=alarm.frame_id,
            confidence=alarm.confidence,
            answer=StoredAnswer.of(alarm.answer),
        )

    def to_domain(self) -> FalseAlarm:
        return FalseAlarm(
            self.rule_id, self.ref.to_domain(), self.label, self.frame_id, self.confidence, self.answer.to_domain()
        )
