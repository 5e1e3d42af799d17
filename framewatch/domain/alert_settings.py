"""The site file's sections about alerts: who is told, of what, when, and how often."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from framewatch.domain.geometry import PolygonField, PolygonRel
from framewatch.domain.labels import fold
from framewatch.domain.schedule import WeeklyHours
from framewatch.domain.settings_base import CameraId, DisplayName, LabelName, Percent, Phone, Section, SiteProblems

WATCH_RULE_ID = "watch"
"""The rule that the site file's watch list is."""

WATCH_CONTACT_ID = "watch"
"""The contact whose number stands in the watch list itself."""


def _checked_hours(value: tuple[str, ...]) -> tuple[str, ...]:
    if value:
        WeeklyHours.parse(value)
    return value


Hours = Annotated[
    tuple[str, ...],
    AfterValidator(_checked_hours),
    Field(description="days and hours in the site's time zone, such as `mon-fri 08:00-18:00` or `daily 22:00-06:00`"),
]


def distinct_labels(value: tuple[str, ...]) -> tuple[str, ...]:
    folded = [fold(v) for v in value]
    twice = [
        ((n,), f"the label {v!r} stands twice (case and blanks do not count); remove one")
        for n, v in enumerate(value)
        if fold(v) in folded[:n]
    ]
    if twice:
        raise SiteProblems(twice)
    return value


Labels = Annotated[tuple[LabelName, ...], AfterValidator(distinct_labels)]


class Severity(StrEnum):
    """critical: limits may not hold it back. alert: a text. notice: kept and published, no phone rings."""

    CRITICAL = "critical"
    ALERT = "alert"
    NOTICE = "notice"


class Zone(Section):
    """A part of a camera's picture that rules name. An object is in it when the middle of its box's lower edge is."""

    id: CameraId
    points: PolygonField = Field(description="corners as shares of the picture's width and height, from 0 to 1")


class Contact(Section):
    """A phone, or the stack's topic for alerts, which programs, mailboxes and queues subscribe to."""

    id: CameraId
    name: DisplayName | None = None
    phone: Phone | None = Field(default=None, description="E.164: a plus, the country code, the number, no blanks")
    topic: bool = Field(
        default=False, description="true: alerts go to the stack's alert topic as JSON, not to a phone"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.phone is not None) == self.topic:
            raise ValueError("a contact has either a phone or `topic: true`")
        return self

    @property
    def display_name(self) -> str:
        return self.name or self.id


class Watch(Section):
    """The watch list: text these contacts when one of these labels turns up. The shortest of rules."""

    labels: Labels = ()
    min_confidence: Percent = 80.0
    notify: tuple[CameraId, ...] = Field(default=(), description="contact ids")
    phone: Phone | None = Field(default=None, description="the one number to text, where contacts are not needed")
    cool_down_s: float = Field(default=60.0, ge=0, le=86_400, description="as in a rule")


class Rule(Section):
    """When a visit of a label is worth a text, and whose."""

    id: Annotated[CameraId, StringConstraints(max_length=40)]
    cameras: tuple[CameraId, ...] = Field(default=(), description="camera ids; left out, every camera")
    labels: Labels = Field(default=(), description="a visit of any of these")
    all_of: Labels = Field(default=(), description="only when each of these is in the same frame")
    none_of: Labels = Field(default=(), description="only when none of these is in the same frame")
    min_confidence: Percent = 80.0
    min_area_share: float = Field(default=0.0, ge=0, le=1, description="of the picture, that the object's box covers")
    zones: tuple[CameraId, ...] = Field(default=(), description="ids of zones of the cameras; in any of them")
    min_frames: int = Field(default=1, ge=1, le=1000, description="of a visit, that fulfil all of this")
    require_motion: bool = Field(
        default=False, description="only an object that has itself moved since it was first seen: no parked cars"
    )
    schedule: Hours = Field(default=(), description="the rule holds only then; left out, always")
    quiet_hours: Hours = Field(default=(), description="then nobody is texted; what happens is kept")
    severity: Severity = Severity.ALERT
    notify: tuple[CameraId, ...] = Field(default=(), description="contact ids, told at once")
    escalate_to: tuple[CameraId, ...] = Field(
        default=(), description="contact ids, one after the other, until somebody has answered"
    )
    escalate_after_s: float = Field(
        default=300.0, ge=60, le=86_400, description="without an answer, the next contact is told after so long"
    )
    cool_down_s: float = Field(
        default=60.0,
        ge=0,
        le=86_400,
        description="no second text for this rule and camera within so long",
    )

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        if not self.labels and not self.all_of:
            raise ValueError("the rule names no label; write labels: [Person], or all_of")
        return self

    @property
    def anchor_labels(self) -> tuple[str, ...]:
        """Whose visits the rule follows."""
        return self.labels or self.all_of[:1]

    def covers(self, camera_id: str, zone_ids: Sequence[str]) -> bool:
        """zone_ids: of the camera. A rule for every camera is one for those that have its zones."""
        if self.cameras:
            return camera_id in self.cameras
        return not self.zones or any(z in self.zones for z in zone_ids)


class Alerts(Section):
    """What holds for every rule."""

    incident_window_s: float = Field(
        default=60.0,
        ge=0,
        le=3600,
        description="what cameras of one group see within so long of each other is one incident, and one text",
    )
    max_alert_age_s: float = Field(
        default=900.0, ge=60, le=86_400, description="frames that arrive later than this text nobody; a digest tells"
    )
    link_hours: float = Field(default=24.0, gt=0, le=168, description="how long the link in a text can be opened")
    link_base_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#]+$",
        max_length=70,
        description="where links lead, such as https://cams.example.com; left out, the deployed dashboard's address",
    )
    sender_id: str | None = Field(
        default=None,
        pattern=r"^[0-9]*[A-Za-z][A-Za-z0-9]*$",
        max_length=11,
        description="shown as the sender where the country allows it: letters and digits, at most 11",
    )
    max_price_usd: float | None = Field(default=None, gt=0, le=10, description="a text that costs more is not sent")


class Limits(Section):
    """How many texts may go out. What is held back is told in one digest."""

    per_contact_and_hour: int = Field(default=10, ge=0, le=200)
    per_day: int = Field(default=100, ge=0, le=10_000, description="for the whole site, by its calendar")
    monthly_budget_usd: float | None = Field(default=None, ge=0, le=100_000)
    usd_per_text: float = Field(default=0.08, ge=0, le=10, description="what one text is counted as")
    critical_passes: bool = Field(default=True, description="texts of critical rules are counted, never held back")
    digest_after_s: float = Field(default=900.0, ge=60, le=86_400)


class Watchdog(Section):
    """Texts when a camera, a box, the stream or the vision service is silent, and when it is back."""

    enabled: bool = True
    grace_s: float = Field(default=180.0, ge=60, le=86_400, description="silent for longer than this is told")
    notify: tuple[CameraId, ...] = Field(
        default=(), description="contact ids; left out, everybody who hears of alerts"
    )
    stream_lag_s: float = Field(
        default=300.0, ge=60, le=86_400, description="frames that are processed later than this"
    )


def zone_polygons(zones: Sequence[Zone], wanted: Sequence[str]) -> list[PolygonRel]:
    return [zone.points for zone in zones if zone.id in wanted]
