"""The bodies of visit and alert items. Their keys stand in framewatch.wire.items.

A visit's body is its `doc`, guarded by the attribute `version`. An alert's `doc` never changes; what happens to it
later stands beside it, as `state` and as the map `deliveries` (contact id to a delivery as JSON), so that two
writers cannot undo each other.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

from framewatch.domain.alerts import Alert, Delivery, DeliveryState
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.visits import AlertClaim, AlertState, Visit, VisitSighting
from framewatch.wire.items import StoredItem


class StoredSighting(BaseModel):
    model_config = ConfigDict(frozen=True)
    frame_id: str
    captured_at: AwareDatetime
    confidence: float
    box_xyxy_rel: BoxXYXYRel | None = None


class StoredClaim(BaseModel):
    model_config = ConfigDict(frozen=True)
    frame_id: str
    state: AlertState
    alert_id: str


class StoredVisit(StoredItem):
    # Not to be mixed up with the attribute `version`, which counts the writes and guards them.
    written_back: ClassVar[bool] = True

    visit_id: str
    camera_id: str
    label: str
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    frame_count: int
    best: StoredSighting
    alerts: dict[str, StoredClaim]

    @classmethod
    def of(cls, visit: Visit) -> "StoredVisit":
        best = visit.best
        return cls(
            item_version=cls.current_version,
            visit_id=visit.visit_id,
            camera_id=visit.camera_id,
            label=visit.label,
            first_seen=visit.first_seen,
            last_seen=visit.last_seen,
            frame_count=visit.frame_count,
            best=StoredSighting(
                frame_id=best.frame_id,
                captured_at=best.captured_at,
                confidence=best.confidence,
                box_xyxy_rel=best.box_xyxy_rel,
            ),
            alerts={
                rule: StoredClaim(frame_id=c.frame_id, state=c.state, alert_id=c.alert_id)
                for rule, c in visit.alerts.items()
            },
        )

    def to_domain(self, version: int) -> Visit:
        b = self.best
        return Visit(
            visit_id=self.visit_id,
            camera_id=self.camera_id,
            label=self.label,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            frame_count=self.frame_count,
            best=VisitSighting(b.frame_id, b.captured_at, b.confidence, b.box_xyxy_rel),
            alerts={rule: AlertClaim(c.frame_id, c.state, c.alert_id) for rule, c in self.alerts.items()},
            version=version,
        )


class StoredDelivery(BaseModel):
    model_config = ConfigDict(frozen=True)
    state: DeliveryState
    at: AwareDatetime
    message_id: str | None = None

    @classmethod
    def of(cls, delivery: Delivery) -> "StoredDelivery":
        return cls(state=delivery.state, at=delivery.at, message_id=delivery.message_id)

    def to_domain(self) -> Delivery:
        return Delivery(self.state, self.at, self.message_id)


class StoredAlert(StoredItem):
    """Everything of an alert that never changes. It names contacts, never their numbers."""

    alert_id: str
    rule_id: str
    visit_id: str
    camera_id: str
    label: str
    confidence: float
    frame_id: str
    captured_at: AwareDatetime
    decided_at: AwareDatetime
    contact_ids: tuple[str, ...]
    text: str

    @classmethod
    def of(cls, alert: Alert) -> "StoredAlert":
        return cls(
            item_version=cls.current_version,
            alert_id=alert.alert_id,
            rule_id=alert.rule_id,
            visit_id=alert.visit_id,
            camera_id=alert.camera_id,
            label=alert.label,
            confidence=alert.confidence,
            frame_id=alert.frame_id,
            captured_at=alert.captured_at,
            decided_at=alert.decided_at,
            contact_ids=alert.contact_ids,
            text=alert.text,
        )

    def to_domain(self, state: AlertState, deliveries: Mapping[str, Delivery]) -> Alert:
        captured_at: datetime = self.captured_at
        return Alert(
            alert_id=self.alert_id,
            rule_id=self.rule_id,
            visit_id=self.visit_id,
            camera_id=self.camera_id,
            label=self.label,
            confidence=self.confidence,
            frame_id=self.frame_id,
            captured_at=captured_at,
            decided_at=self.decided_at,
            contact_ids=self.contact_ids,
            text=self.text,
            state=state,
            deliveries=dict(deliveries),
        )
