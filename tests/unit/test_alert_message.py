"""What subscribers of the alert topic can count on."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from framewatch.domain.alert_settings import Severity
from framewatch.domain.alerts import Alert, IncidentSighting
from framewatch.domain.site import SiteConfig
from framewatch.wire.alert_message import AlertMessage, message_schema

AT = datetime(2026, 11, 21, 20, 4, 17, 250_000, tzinfo=UTC)
SITE = SiteConfig.model_validate(
    {
        "site": {"name": "Shop", "time_zone": "Europe/Madrid"},
        "cameras": [{"id": "front", "name": "Front door"}, {"id": "yard"}, {"id": "garage"}],
        "contacts": [{"id": "ana", "phone": "+34600123456"}],
    }
)


def joined(camera: str, seconds: float) -> IncidentSighting:
    return IncidentSighting(camera, "Person", f"{camera}-visit", "f", AT + timedelta(seconds=seconds), 88.0)


ALERT = Alert(
    alert_id="front-1/Person/night",
    rule_id="night",
    scope="group:outside",
    visit_id="front-1/Person",
    camera_id="front",
    label="Person",
    confidence=97.25,
    frame_id="front-1",
    captured_at=AT,
    decided_at=AT + timedelta(seconds=2),
    notify=("ana",),
    severity=Severity.CRITICAL,
    box_xyxy_rel=(0.1, 0.2, 0.3, 0.9),
    joined={s.visit_id: s for s in (joined("garage", 20), joined("yard", 10))},
)


def test_a_message_says_all_that_a_program_needs():
    link = "https://cams.example/a/token"
    assert json.loads(AlertMessage.of(ALERT, SITE, "Framewatch: ...", link).model_dump_json()) == {
        "version": 1,
        "kind": "alert",
        "alert_id": "front-1/Person/night",
        "visit_id": "front-1/Person",
        "rule_id": "night",
        "severity": "critical",
        "site": "Shop",
        "time_zone": "Europe/Madrid",
        "camera_id": "front",
        "camera": "Front door",
        "cameras": ["front", "yard", "garage"],
        "label": "Person",
        "confidence": 97.25,
        "captured_at": "2026-11-21T20:04:17.250000Z",
        "decided_at": "2026-11-21T20:04:19.250000Z",
        "frame_id": "front-1",
        "box_xyxy_rel": [0.1, 0.2, 0.3, 0.9],
        "text": "Framewatch: ...",
        "link": link,
    }


def test_a_message_names_no_contact_and_no_number():
    sent = AlertMessage.of(ALERT, SITE, "text", None).model_dump_json()
    assert "ana" not in sent and "+34600123456" not in sent


def test_a_camera_that_has_left_the_site_file_goes_by_its_id():
    one = SITE.model_copy(update={"cameras": SITE.cameras[1:]})
    assert AlertMessage.of(ALERT, one, "text", None).camera == "front"


def test_the_schema_asks_for_every_field_and_allows_those_to_come():
    schema = message_schema()
    assert set(schema["required"]) == set(AlertMessage.model_fields)
    assert "additionalProperties" not in schema


def test_the_published_schema_is_the_codes_own():
    stored = Path(__file__).parents[2] / "docs" / "alert-message.schema.json"
    ran = subprocess.run([sys.executable, "-m", "framewatch.wire.alert_message"], capture_output=True, check=True)
    assert ran.stdout == stored.read_bytes(), (
        "run: python -m framewatch.wire.alert_message > docs/alert-message.schema.json"
    )
