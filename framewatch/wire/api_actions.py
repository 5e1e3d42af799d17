"""What the API takes and answers where somebody acts: on an alert, on a snooze, on their own mark of what is seen."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from framewatch.domain.access import Caller
from framewatch.domain.alerts import AlertRef, AnswerKind
from framewatch.domain.errors import InvalidQuery
from framewatch.domain.rule_state import RuleState
from framewatch.domain.site import SiteConfig
from framewatch.wire.api_alerts import AlertView
from framewatch.wire.api_people import AnswerView, PersonView, who
from framewatch.wire.api_values import Answer, Q, Query, Time, checked, json_object, parse_time, refuse_unknown

MAX_BODY_CHARS = 10_000
MAX_NOTE_CHARS = 500
MIN_SNOOZE_MIN, MAX_SNOOZE_MIN, DEFAULT_SNOOZE_MIN = 5, 480, 30
# A key of the table takes 1024 bytes, and a time stands before the alert's id.
_MAX_ID_BYTES = 900
# What would be shown as something else than it is: control characters but line breaks and tabs, and marks that turn
# the direction of writing around.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _parse_id(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value.encode()) <= _MAX_ID_BYTES:
        raise ValueError(f"text of 1 to {_MAX_ID_BYTES} bytes, as the API gave it")
    return value


def _parse_name(value: Any) -> str:
    """Of a camera, rule or scope. No key of another thing can be made of it."""
    if not isinstance(value, str) or not re.fullmatch(r"(group:)?[a-z0-9][a-z0-9-]{0,99}", value):
        raise ValueError("an id of the site file, as the API gave it")
    return value


def _parse_at(value: Any) -> datetime:
    return parse_time(value if isinstance(value, str) else "")


def _parse_kind(value: Any) -> AnswerKind:
    if not isinstance(value, str) or value not in tuple(AnswerKind):
        raise ValueError(f"one of {', '.join(AnswerKind)}")
    return AnswerKind(value)


def _parse_minutes(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not MIN_SNOOZE_MIN <= value <= MAX_SNOOZE_MIN:
        raise ValueError(f"a whole number from {MIN_SNOOZE_MIN} to {MAX_SNOOZE_MIN}")
    return value


def _parse_note(value: Any) -> str:
    text = value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""
    if not 1 <= len(text) <= MAX_NOTE_CHARS or _UNSHOWN.search(text):
        raise ValueError(f"text of 1 to {MAX_NOTE_CHARS} characters, without control characters but line breaks")
    return text


_Id = Annotated[str, BeforeValidator(_parse_id)]
Name = Annotated[str, BeforeValidator(_parse_name)]
At = Annotated[
    datetime, BeforeValidator(_parse_at), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]


class AlertRequest(Query):
    """Which alert: as GET /v1/alerts names it."""

    camera: Name = Field(description="camera_id of the alert")
    captured_at: At = Field(description="captured_at of the alert, to the microsecond")
    alert_id: _Id

    @property
    def ref(self) -> AlertRef:
        return AlertRef(self.camera, self.captured_at, self.alert_id)


class AnswerRequest(AlertRequest):
    """The body of POST /v1/alerts/answer."""

    kind: Annotated[AnswerKind, BeforeValidator(_parse_kind)] = Field(
        description="whichever it is, nobody further is told. taken: somebody has it; snoozed: its rule texts nothing"
        " of these cameras for a while; false-alarm: kept for its rule; closed: dealt with"
    )
    minutes: Annotated[int, BeforeValidator(_parse_minutes)] | None = Field(
        default=None,
        description=f"of a snooze, from now, {MIN_SNOOZE_MIN} to {MAX_SNOOZE_MIN}; absent: {DEFAULT_SNOOZE_MIN}."
        " Only with kind snoozed",
    )


class NoteRequest(AlertRequest):
    """The body of POST /v1/alerts/notes."""

    text: Annotated[str, BeforeValidator(_parse_note)] = Field(
        description=f"1 to {MAX_NOTE_CHARS} characters of text; markup is shown as it is written"
    )


class EndSnoozeRequest(Query):
    """The body of POST /v1/snoozes/end."""

    rule: Name = Field(description="rule_id of the snooze")
    scope: Name = Field(description="scope of the snooze")


class SeenRequest(Query):
    """The body of POST /v1/me/seen."""

    until: At = Field(description="what happened until then is seen; a time that is still to come means now")


def parse_answer(body: str) -> AnswerRequest:
    """Raises InvalidQuery, as do the others, naming the field and what is allowed."""
    request = parse_body(AnswerRequest, body)
    if request.minutes is not None and request.kind is not AnswerKind.SNOOZED:
        raise InvalidQuery(f"minutes: only goes with the kind {AnswerKind.SNOOZED}; leave it out")
    return request


def parse_note(body: str) -> NoteRequest:
    return parse_body(NoteRequest, body)


def parse_end_snooze(body: str) -> EndSnoozeRequest:
    return parse_body(EndSnoozeRequest, body)


def parse_seen(body: str) -> SeenRequest:
    return parse_body(SeenRequest, body)


def parse_body(model: type[Q], body: str) -> Q:
    """Raises InvalidQuery."""
    fields = model.model_fields
    values = json_object(
        body, max_chars=MAX_BODY_CHARS, example="{" + ", ".join(f'"{name}": ...' for name in fields) + "}"
    )
    for name in values:
        refuse_unknown(name, list(fields))
    for name, field in fields.items():
        if field.is_required() and values.get(name) is None:
            raise InvalidQuery(f"{name}: is missing; {field.description or 'as the API gave it'}")
    return checked(model, {name: value for name, value in values.items() if value is not None})


class AnsweredView(Answer):
    answer: AnswerView = Field(description="the one of this kind that stands: of two people, the first's")
    snoozed_until: Time | None = Field(
        description="for a snooze: until when the rule texts nothing of these cameras, perhaps by a longer snooze"
        " that was there; else null"
    )
    alert: AlertView = Field(description="as it stands, with everybody's answers; its image_url is null here")


class SnoozeView(PersonView):
    """A rule that texts nothing of some cameras for a while. by: who snoozed it."""

    rule_id: str
    scope: str = Field(description="which cameras, as POST /v1/snoozes/end takes it")
    camera_ids: tuple[str, ...] = Field(description="the cameras of the scope that the site has")
    until: Time

    @classmethod
    def of(cls, state: RuleState, until: datetime, site: SiteConfig, you: Caller | None) -> "SnoozeView":
        return cls(
            rule_id=state.rule_id,
            scope=state.scope,
            camera_ids=tuple(c.id for c in site.cameras if c.alert_scope == state.scope),
            until=until,
            **who(state.snoozed_by or "", state.snoozed_name, you),
        )


class SnoozesView(Answer):
    snoozes: tuple[SnoozeView, ...] = Field(description="those that hold now, the one that ends first first")


class SnoozeEndView(Answer):
    rule_id: str
    scope: str
    over_since: Time
    ended_by: PersonView | None = Field(description="who ended it, perhaps before you; null: its time was over")
