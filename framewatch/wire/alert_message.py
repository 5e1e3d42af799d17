"""What the alert topic's subscribers get: every alert as JSON."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from framewatch.domain.alert_settings import Severity
from framewatch.domain.frames import BoxXYXYRel


class AlertMessage(BaseModel):
    """Version 1. Fields are only ever added. Times are RFC 3339 in UTC; confidence is percent."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    kind: Literal["alert"] = "alert"
    alert_id: str
    rule_id: str
    severity: Severity
    site: str
    camera_id: str
    camera: str
    cameras: tuple[str, ...]
    label: str
    confidence: float
    captured_at: AwareDatetime
    decided_at: AwareDatetime
    frame_id: str
    box_xyxy_rel: BoxXYXYRel | None = None
    text: str
    link: str | None = None
