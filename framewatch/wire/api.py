"""What the API takes and answers. The OpenAPI document, the checks and the answers are all made from these models."""

import difflib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, WithJsonSchema

from framewatch.domain.errors import InvalidQuery
from framewatch.domain.frames import BoxXYXYRel, GateReason
from framewatch.domain.labels import fold
from framewatch.domain.site import SiteConfig
from framewatch.wire.envelope import format_utc
from framewatch.wire.items import StoredFrame, StoredLabel

MAX_LIMIT = 100
DEFAULT_LIMIT = 24
MAX_VALUE_CHARS = 600  # the longest good value is a cursor, of about 250

Time = Annotated[
    datetime,
    PlainSerializer(format_utc, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339, UTC, microseconds"}),
]

# RFC 3339 with its zone; a blank before the offset is a plus that was not written as %2B in the address.
_RFC3339 = re.compile(
    r"^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:([Zz])|([+\- ])(\d{2}):(\d{2}))$", re.ASCII
)
_TIME_ALLOWED = "an RFC 3339 time with its zone, such as 2026-01-31T18:00:00Z or 2026-01-31T19:00:00+01:00"


def parse_time(text: str) -> datetime:
    """In UTC. Raises ValueError."""
    match = _RFC3339.match(text)
    if not match:
        raise ValueError(_TIME_ALLOWED)
    day, time, fraction, zulu, sign, hours, minutes = match.groups()
    zone = "+00:00" if zulu else f"{'-' if sign == '-' else '+'}{hours}:{minutes}"
    try:
        at = datetime.fromisoformat(f"{day}T{time}.{(fraction or '0').ljust(6, '0')[:6]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(_TIME_ALLOWED) from None
    if at.year < 1000:  # its text would be shorter, and so sort wrong
        raise ValueError(_TIME_ALLOWED)
    return at


def _parse_flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


def _parse_limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise ValueError(f"a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _parse_word(text: str) -> str:
    if not fold(text) or len(text) > 100:
        raise ValueError("1 to 100 characters")
    return text


def _text_only(parse: Any) -> BeforeValidator:
    """Query values are text; a value that is not comes from our own code, already parsed."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


_Word = Annotated[str, _text_only(_parse_word)]
_TimeParameter = Annotated[
    datetime, _text_only(parse_time), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]


class FramesQuery(BaseModel):
    """The parameters of GET /v1/frames."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

    camera: _Word | None = Field(default=None, description="one camera's id; absent: every camera of the site")
    label: _Word | None = Field(
        default=None,
        description="only frames with this label, by its name, an alias or a parent; case does not count",
    )
    from_: _TimeParameter | None = Field(default=None, alias="from", description="captured at this time or later")
    to: _TimeParameter | None = Field(default=None, description="captured before this time")
    watch_only: Annotated[bool, _text_only(_parse_flag)] = Field(
        default=False, description="only frames with a label of the watch list, as it was when they were analysed"
    )
    limit: Annotated[int, _text_only(_parse_limit)] = Field(
        default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="the most frames to answer"
    )
    cursor: Annotated[str, Field(max_length=MAX_VALUE_CHARS)] | None = Field(
        default=None, description="next_cursor of the page before, with the same filters"
    )


PARAMETERS = tuple(field.alias or name for name, field in FramesQuery.model_fields.items())


def parse_frames_query(pairs: Iterable[tuple[str, str]]) -> FramesQuery:
    """pairs: the decoded query string. Raises InvalidQuery, naming the parameter and what is allowed.

    An unknown parameter is refused: a misspelt filter that is ignored would show the wrong frames.
    """
    values: dict[str, str] = {}
    for name, value in pairs:
        if name not in PARAMETERS:
            near = difflib.get_close_matches(name[:40], PARAMETERS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(PARAMETERS)}"
            raise InvalidQuery(f"unknown parameter {name[:40]!r}; {hint}")
        if name in values:
            raise InvalidQuery(f"{name}: stands twice; give it once")
        if not value:
            raise InvalidQuery(f"{name}: is empty; leave it out or give it a value")
        if len(value) > MAX_VALUE_CHARS:
            raise InvalidQuery(f"{name}: is longer than {MAX_VALUE_CHARS} characters")
        values[name] = value
    try:
        query = FramesQuery.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        allowed = str(first.get("ctx", {}).get("error", first["msg"]))
        raise InvalidQuery(f"{first['loc'][0]}: must be {allowed}") from None
    if query.from_ and query.to and query.from_ >= query.to:
        raise InvalidQuery("from: must be before to")
    return query


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class InstanceView(_Answer):
    box_xyxy_rel: BoxXYXYRel = Field(description="left, top, right, bottom as shares of width and height")
    confidence: float = Field(description="percent")


class LabelView(_Answer):
    name: str
    confidence: float = Field(description="percent")
    aliases: tuple[str, ...]
    parents: tuple[str, ...]
    categories: tuple[str, ...]
    watch_hit: bool
    instances: tuple[InstanceView, ...]

    @classmethod
    def of(cls, label: StoredLabel) -> "LabelView":
        return cls(
            name=label.name,
            confidence=label.confidence,
            aliases=label.aliases,
            parents=label.parents,
            categories=label.categories,
            watch_hit=label.watch_hit,
            instances=tuple(
                InstanceView(box_xyxy_rel=i.box_xyxy_rel, confidence=i.confidence) for i in label.instances
            ),
        )


class FrameView(_Answer):
    frame_id: str
    camera_id: str
    camera_name: str
    captured_at: Time
    stored_at: Time
    width: int
    height: int
    gate_reason: GateReason
    image_url: str = Field(description="opens without credentials until image_url_expires_at; never keep it")
    image_url_expires_at: Time
    watch_hit: bool
    labels: tuple[LabelView, ...]

    @classmethod
    def of(
        cls, frame: StoredFrame, *, camera_name: str, image_url: str, image_url_expires_at: datetime
    ) -> "FrameView":
        return cls(
            frame_id=frame.frame_id,
            camera_id=frame.camera_id,
            camera_name=camera_name,
            captured_at=frame.captured_at,
            stored_at=frame.stored_at,
            width=frame.width,
            height=frame.height,
            gate_reason=frame.gate_reason,
            image_url=image_url,
            image_url_expires_at=image_url_expires_at,
            watch_hit=frame.watch_hit,
            labels=tuple(LabelView.of(label) for label in frame.labels),
        )


class FramesPage(_Answer):
    frames: tuple[FrameView, ...] = Field(description="newest first")
    next_cursor: str | None = Field(
        description="gives the next page; null when there is none. A page may hold fewer than `limit`, even none,"
        " and still have a next one."
    )


class CameraView(_Answer):
    camera_id: str
    name: str


class SiteView(_Answer):
    """What a page needs of the site. Never contacts, phone numbers or camera addresses."""

    name: str
    time_zone: str = Field(description="IANA name")
    cameras: tuple[CameraView, ...]
    watch_labels: tuple[str, ...]
    watch_min_confidence: float = Field(description="percent")

    @classmethod
    def of(cls, config: SiteConfig) -> "SiteView":
        return cls(
            name=config.site.name,
            time_zone=config.site.time_zone,
            cameras=tuple(CameraView(camera_id=c.id, name=c.display_name) for c in config.cameras),
            watch_labels=config.watch.labels,
            watch_min_confidence=config.watch.min_confidence,
        )


class ErrorDetail(_Answer):
    code: Literal["invalid_parameter", "forbidden", "not_found", "unavailable", "internal"]
    message: str


class ErrorBody(_Answer):
    error: ErrorDetail
