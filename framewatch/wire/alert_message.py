"""What the alert topic's subscribers get: every alert as JSON.

`python -m framewatch.wire.alert_message > docs/alert-message.schema.json`
"""

import json
import sys
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from framewatch.domain.alert_settings import Severity
from framewatch.domain.alerts import Alert
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.site import SiteConfig


class AlertMessage(BaseModel):
    """Version 1. Fields are only ever added, so a reader passes over those it does not know. Names and labels are
    what people and models wrote: text, never markup.
    """

    model_config = ConfigDict(
        frozen=True,
        title="Framewatch alert",
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,  # what is published holds every field
    )

    version: Literal[1] = 1
    kind: Literal["alert"] = "alert"
    alert_id: str
    """The same whenever this alert is told again: to know a doubled message by."""
    visit_id: str
    rule_id: str
    """`watch` for the watch list."""
    severity: Severity
    site: str
    time_zone: str
    """IANA name of the site's zone; all times here are RFC 3339 in UTC."""
    camera_id: str
    camera: str
    """The camera's name."""
    cameras: tuple[str, ...]
    """Ids of all cameras that have seen the incident so far, the alert's own first."""
    label: str
    confidence: float
    """Percent, from 0 to 100."""
    captured_at: AwareDatetime
    """When the camera saw it."""
    decided_at: AwareDatetime
    """When the rule alerted."""
    frame_id: str
    box_xyxy_rel: BoxXYXYRel | None = None
    """Left, top, right and bottom of the object as shares of the picture, where the model gave them."""
    text: str
    """What a phone is texted, the link within."""
    link: str | None = None
    """Where the alert is looked at and answered, for as long as the site file lets links live. Whoever has it may."""

    @classmethod
    def of(cls, alert: Alert, site: SiteConfig, text: str, link: str | None) -> "AlertMessage":
        camera = site.camera(alert.camera_id)
        joined = sorted(alert.joined.values(), key=lambda s: (s.captured_at, s.visit_id))
        return cls(
            alert_id=alert.alert_id,
            visit_id=alert.visit_id,
            rule_id=alert.rule_id,
            severity=alert.severity,
            site=site.site.name,
            time_zone=site.site.time_zone,
            camera_id=alert.camera_id,
            camera=camera.display_name if camera else alert.camera_id,
            cameras=tuple(dict.fromkeys((alert.camera_id, *(s.camera_id for s in joined)))),
            label=alert.label,
            confidence=alert.confidence,
            captured_at=alert.captured_at,
            decided_at=alert.decided_at,
            frame_id=alert.frame_id,
            box_xyxy_rel=alert.box_xyxy_rel,
            text=text,
            link=link,
        )


def message_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of what is published."""
    body = AlertMessage.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **body}


if __name__ == "__main__":
    json.dump(message_schema(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
