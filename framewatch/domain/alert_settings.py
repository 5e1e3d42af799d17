"""The site file's sections about alerts: who is told, of what, when, and how often."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from framewatch.domain.geometry import PolygonField, PolygonRel
from framewatch.domain.labels import fold
from framewatch.domain.schedule import MAX_SPANS, WeeklyHours
from framewatch.domain.settings_base import (
    CameraId,
    DisplayName,
    LabelName,
    Percent,
    Phone,
    Problem,
    Section,
    SiteProblems,
)

WATCH_RULE_ID = "watch"
"""The rule that the site file's watch list is."""

WATCH_CONTACT_ID = "watch"
"""The contact whose number stands in the watch list itself."""


_WHOLE_WEEK = WeeklyHours.parse(("daily 00:00-24:00",))


def _checked_hours(value: tuple[str, ...]) -> tuple[str, ...]:
    wrong: list[Problem] = []
    for n, text in enumerate(value):
        try:
            WeeklyHours.parse((text,))
        except ValueError as error:
            wrong.append(((n,), str(error)))
    if wrong:
        raise SiteProblems(wrong)
    return value


Hours = Annotated[tuple[str, ...], AfterValidator(_checked_hours), Field(max_length=MAX_SPANS)]


def _distinct_labels(value: tuple[str, ...]) -> tuple[str, ...]:
    folded = [fold(v) for v in value]
    twice: list[Problem] = [
        ((n,), f"the label {v!r} stands twice (case and blanks do not count); remove one")
        for n, v in enumerate(value)
        if fold(v) in folded[:n]
    ]
    if twice:
        raise SiteProblems(twice)
    return value


Labels = Annotated[tuple[LabelName, ...], AfterValidator(_distinct_labels)]


def _distinct_ids(value: tuple[str, ...]) -> tuple[str, ...]:
    twice: list[Problem] = [
        ((n,), f"{v!r} stands twice here; remove one") for n, v in enumerate(value) if v in value[:n]
    ]
    if twice:
        raise SiteProblems(twice)
    return value


Ids = Annotated[tuple[CameraId, ...], AfterValidator(_distinct_ids)]


def _sender_id(value: str) -> str:
    if not _SENDER_ID.fullmatch(value):
        raise ValueError("a sender id is 1 to 11 letters and digits, at least one of them a letter, such as MyShop")
    return value


_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{1,11}")


def _link_base(value: str) -> str:
    """The value may hold a password and is not repeated."""
    if len(value) > _MAX_LINK_BASE:
        raise ValueError(
            f"is longer than {_MAX_LINK_BASE} characters, which a text has no room for; use a shorter host"
        )
    if not re.match(r"^https?://", value):
        raise ValueError("does not begin with https://; write scheme and host, such as https://cams.example.com")
    if not _LINK_BASE.fullmatch(value):
        raise ValueError(
            "is more than scheme and host; write it without user, path, question mark and slash at its end,"
            " such as https://cams.example.com"
        )
    if value.startswith("http:") and not re.match(r"^http://(localhost|127\.0\.0\.1)(:|$)", value):
        raise ValueError(
            "whoever hears the link on its way could answer the alert; write https:// (http is for this machine)"
        )
    return value


# With /a/ and a token of 20 behind it, a link is at most as long as a text leaves room for.
_MAX_LINK_BASE = 67
_LINK_BASE = re.compile(r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")


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
        if self.phone is None and not self.topic:
            raise SiteProblems([(("phone",), "is missing; add the number, or `topic: true` for the alert topic")])
        if self.phone is not None and self.topic:
            raise SiteProblems([(("topic",), "is true beside a phone; make two contacts of them")])
        return self

    @property
    def display_name(self) -> str:
        return self.name or self.id


class Watch(Section):
    """The watch list: text these contacts when one of these labels turns up. The shortest of rules."""

    labels: Labels = ()
    min_confidence: Percent = 80.0
    notify: Ids = Field(default=(), description="contact ids")
    phone: Phone | None = Field(default=None, description="the one number to text, where contacts are not needed")
    cool_down_s: float = Field(default=60.0, ge=0, le=86_400, description="as in a rule")


class Rule(Section):
    """When a visit of a label is worth a text, and whose."""

    id: Annotated[CameraId, StringConstraints(max_length=40)]
    cameras: Ids = Field(default=(), description="camera ids; left out, every camera")
    labels: Labels = Field(default=(), description="a visit of any of these")
    all_of: Labels = Field(default=(), description="only when each of these is in the same frame")
    none_of: Labels = Field(default=(), description="only when none of these is in the same frame")
    min_confidence: Percent = 80.0
    min_area_share: float = Field(default=0.0, ge=0, le=1, description="of the picture, that the object's box covers")
    zones: Ids = Field(default=(), description="ids of zones of the cameras; in any of them")
    min_frames: int = Field(default=1, ge=1, le=1000, description="of a visit, that fulfil all of this")
    require_motion: bool = Field(
        default=False, description="only an object that has itself moved since it was first seen: no parked cars"
    )
    schedule: Hours = Field(
        default=(),
        description="the rule holds only then: `mon-fri 08:00-18:00`, `daily 22:00-06:00`, in the site's time zone;"
        " left out, always",
    )
    quiet_hours: Hours = Field(
        default=(), description="then nobody is texted, whatever the severity; what happens is kept"
    )
    severity: Severity = Field(
        default=Severity.ALERT,
        description="critical: limits may not hold it back; alert: a text; notice: kept, and no phone rings",
    )
    notify: Ids = Field(default=(), description="contact ids, told at once; left out, nobody is, and it is kept")
    escalate_to: Ids = Field(default=(), description="contact ids, one after the other, until somebody has answered")
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

    @model_validator(mode="after")
    def _can_ever_tell(self) -> Self:
        found = [*_label_problems(self), *_hour_problems(self), *_escalation_problems(self)]
        if found:
            raise SiteProblems(found)
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


def _label_problems(rule: Rule) -> list[Problem]:
    wanted = {fold(w) for w in (*rule.labels, *rule.all_of)}
    return [
        (("none_of", n), f"{word!r} is also wanted, in labels or all_of, so that it never alerts; remove one")
        for n, word in enumerate(rule.none_of)
        if fold(word) in wanted
    ]


def _hour_problems(rule: Rule) -> list[Problem]:
    if not rule.quiet_hours:
        return []
    held = WeeklyHours.parse(rule.schedule) if rule.schedule else _WHOLE_WEEK
    quiet = WeeklyHours.parse(rule.quiet_hours)
    if any(not any(a <= first and last <= b for a, b in quiet.spans) for first, last in held.spans):
        return []
    when = "the schedule" if rule.schedule else "the week"
    return [(("quiet_hours",), f"leave no time of {when} in which somebody could be told; make them shorter")]


def _escalation_problems(rule: Rule) -> list[Problem]:
    found: list[Problem] = []
    if "escalate_after_s" in rule.model_fields_set and not rule.escalate_to:
        found.append((("escalate_after_s",), "there is nobody to escalate to; add escalate_to, or remove it"))
    if rule.escalate_to and rule.severity is Severity.NOTICE:
        found.append((("escalate_to",), "a notice rings no phone and so waits for no answer; set severity: alert"))
    found += [
        (("escalate_to", n), f"{who!r} is told at once already, by notify; remove one of the two")
        for n, who in enumerate(rule.escalate_to)
        if who in rule.notify
    ]
    return found


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
    link_base_url: Annotated[str, AfterValidator(_link_base)] | None = Field(
        default=None,
        description="where links lead: scheme and host, such as https://cams.example.com;"
        " left out, the deployed dashboard's address",
    )
    sender_id: Annotated[str, AfterValidator(_sender_id)] | None = Field(
        default=None,
        description="shown as the sender where the country allows it: letters and digits, at most 11",
    )
    max_price_usd: float | None = Field(default=None, gt=0, le=10, description="a text that costs more is not sent")


class Limits(Section):
    """How many texts may go out. What is held back is told in one digest."""

    per_contact_and_hour: int = Field(default=10, ge=0, le=200, description="in any 60 minutes")
    per_day: int = Field(default=100, ge=0, le=10_000, description="for the whole site, by its calendar")
    monthly_budget_usd: float | None = Field(
        default=None, ge=0, le=100_000, description="for the texts of a calendar month; left out, no budget"
    )
    usd_per_text: float = Field(default=0.08, ge=0, le=10, description="what one text counts against the budget")
    critical_passes: bool = Field(default=True, description="texts of critical rules are counted, never held back")
    digest_after_s: float = Field(
        default=900.0, ge=60, le=86_400, description="the digest goes so long after the first text that was held back"
    )

    @model_validator(mode="after")
    def _pays_for_one(self) -> Self:
        # None at all may be meant: then only critical texts go out.
        if self.monthly_budget_usd and self.monthly_budget_usd < self.usd_per_text:
            message = f"does not pay for one text ({self.usd_per_text:g} USD); raise it, or write 0 for none"
            raise SiteProblems([(("monthly_budget_usd",), message)])
        return self


class Watchdog(Section):
    """Texts when a camera, a box, the stream or the vision service is silent, and when it is back."""

    enabled: bool = True
    grace_s: float = Field(default=180.0, ge=60, le=86_400, description="silent for longer than this is told")
    notify: Ids = Field(default=(), description="contact ids; left out, everybody who hears of alerts")
    stream_lag_s: float = Field(
        default=300.0, ge=60, le=86_400, description="frames that are processed later than this"
    )


def zone_polygons(zones: Sequence[Zone], wanted: Sequence[str]) -> list[PolygonRel]:
    return [zone.points for zone in zones if zone.id in wanted]
