"""What a site file's rules make of frames: visits, alerts with their texts, and what was withheld and why.

Answered by the API when rules are tried, and written by the tool that tries them on a clip.
"""

from pydantic import Field

from framewatch.domain.alert_settings import Severity
from framewatch.domain.alerts import DeliveryState
from framewatch.domain.frames import BoxXYXYRel
from framewatch.wire.api_alerts import JoinedView, WithheldView
from framewatch.wire.api_values import Answer, Time


class TriedVisit(Answer):
    visit_id: str
    camera_id: str
    camera_name: str
    label: str
    first_seen: Time
    last_seen: Time
    frames: int
    best_confidence: float = Field(description="percent")
    best_frame_id: str


class TriedText(Answer):
    """What one contact would have got."""

    at: Time
    contact_id: str
    state: DeliveryState
    escalation: int = Field(description="0: told at once; n: as the n-th of escalate_to, as nobody answered")
    words: str | None = Field(description="null when a limit held it back")
    reason: str | None = Field(description="why it was not sent")


class TriedAlert(Answer):
    alert_id: str
    rule_id: str
    severity: Severity
    visit_id: str
    camera_id: str
    camera_name: str
    label: str
    confidence: float = Field(description="percent")
    captured_at: Time
    frame_id: str
    box_xyxy_rel: BoxXYXYRel | None
    texts: tuple[TriedText, ...] = Field(description="oldest first")
    joined: tuple[JoinedView, ...] = Field(description="visits of the same incident, which were not told again")


class TriedDigest(Answer):
    """One text that tells of all that limits held back."""

    at: Time
    contact_id: str
    words: str


class Timeline(Answer):
    """Oldest first, each by its own time. Nobody answers, and every frame is judged at the moment it was captured."""

    frames: int = Field(description="that were looked at")
    visits: tuple[TriedVisit, ...]
    alerts: tuple[TriedAlert, ...]
    digests: tuple[TriedDigest, ...]
    withheld: tuple[WithheldView, ...] = Field(description="one row a visit, rule and reason")
