"""Which sighting of a visit raises an alert, and what an alert is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from framewatch.domain.visits import AlertState, Visit, VisitSighting

WATCH_RULE_ID = "watch"
"""The rule that the site file's watch list is."""


class DeliveryState(StrEnum):
    SENT = "sent"
    REJECTED = "rejected"  # the number is invalid or has opted out


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one contact's text. message_id: the provider's, when it was sent."""

    state: DeliveryState
    at: datetime
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of one rule for one visit. It names contacts, never their numbers."""

    alert_id: str
    rule_id: str
    visit_id: str
    camera_id: str
    label: str
    confidence: float
    frame_id: str
    captured_at: datetime
    decided_at: datetime
    contact_ids: tuple[str, ...]
    text: str
    state: AlertState = AlertState.CLAIMED
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)  # by contact id


def alert_id_for(visit_id: str, rule_id: str) -> str:
    return f"{visit_id}/{rule_id}"


def first_to_alert(
    visit: Visit, rule_id: str, min_confidence: float, sightings: Sequence[VisitSighting]
) -> VisitSighting | None:
    """The sighting for which the rule alerts now: the earliest confident one, once in the life of a visit."""
    if rule_id in visit.alerts:
        return None
    confident = [s for s in sightings if s.confidence >= min_confidence]
    return min(confident, key=lambda s: (s.captured_at, s.frame_id), default=None)
