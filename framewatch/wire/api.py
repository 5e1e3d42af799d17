"""What the API takes and answers. The OpenAPI document, the checks and the answers are all made from these models."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from framewatch.domain.alert_settings import Rule, Severity
from framewatch.domain.analysis import Analysis
from framewatch.domain.frames import BoxXYXYRel, GateReason
from framewatch.domain.geometry import PolygonRel
from framewatch.domain.site import Camera, SiteConfig
from framewatch.wire.api_values import (
    DEFAULT_LIMIT,
    Answer,
    Flag,
    Limit,
    Percent,
    Query,
    Time,
    TimeParameter,
    Word,
    parse_query,
)
from framewatch.wire.frame_items import StoredFrame, StoredLabel

DEFAULT_AROUND = 8
MAX_VALUE_CHARS = 600  # the longest good value is a cursor, of about 250


class FramesQuery(Query):
    """The parameters of GET /v1/frames."""

    camera: Word | None = Field(default=None, description="one camera's id; absent: every camera of the site")
    label: Word | None = Field(
        default=None,
        description="only frames with this label, by its name, an alias or a parent; case does not count",
    )
    from_: TimeParameter | None = Field(default=None, alias="from", description="captured at this time or later")
    to: TimeParameter | None = Field(default=None, description="captured before this time")
    min_confidence: Percent | None = Field(
        default=None, description="in percent: only frames with that label, or else any, at this confidence or above"
    )
    watch_only: Flag = Field(
        default=False, description="only frames with a label of the watch list, as it was when they were analysed"
    )
    limit: Limit = Field(default=DEFAULT_LIMIT, description="the most frames to answer")
    cursor: Annotated[str, Field(max_length=MAX_VALUE_CHARS)] | None = Field(
        default=None, description="next_cursor of the page before, with the same filters"
    )


def parse_frames_query(pairs: Iterable[tuple[str, str]]) -> FramesQuery:
    """pairs: the decoded query string. Raises InvalidQuery, naming the parameter and what is allowed."""
    return parse_query(FramesQuery, pairs, max_value_chars=MAX_VALUE_CHARS)


class AroundQuery(Query):
    """The parameters of GET /v1/frames/around."""

    camera: Word = Field(description="one camera's id")
    at: TimeParameter = Field(description="an instant; a frame that was captured exactly then is not answered")
    limit: Limit = Field(default=DEFAULT_AROUND, description="the most frames on each side")


def parse_around_query(pairs: Iterable[tuple[str, str]]) -> AroundQuery:
    """Raises InvalidQuery."""
    return parse_query(AroundQuery, pairs, max_value_chars=MAX_VALUE_CHARS)


class InstanceView(Answer):
    box_xyxy_rel: BoxXYXYRel = Field(description="left, top, right, bottom as shares of width and height")
    confidence: float = Field(description="percent")


class LabelView(Answer):
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


class FrameView(Answer):
    frame_id: str
    camera_id: str
    camera_name: str
    captured_at: Time
    stored_at: Time
    width: int
    height: int
    gate_reason: GateReason
    analysis: Analysis = Field(
        description="what vision made of it: inherited ones have the labels of an earlier frame that they nearly"
        " equal; screened and budget ones were not analysed and have none, whatever the picture shows"
    )
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
            analysis=frame.analysis,
            image_url=image_url,
            image_url_expires_at=image_url_expires_at,
            watch_hit=frame.watch_hit,
            labels=tuple(LabelView.of(label) for label in frame.labels),
        )


class FramesPage(Answer):
    frames: tuple[FrameView, ...] = Field(description="newest first")
    next_cursor: str | None = Field(
        description="gives the next page; null when there is none. A page may hold fewer than `limit`, even none,"
        " and still have a next one."
    )


class FramesAround(Answer):
    before: tuple[FrameView, ...] = Field(description="nearest first")
    after: tuple[FrameView, ...] = Field(description="nearest first")


class ZoneView(Answer):
    zone_id: str
    points: PolygonRel = Field(description="corners as shares of the picture's width and height")


class CameraView(Answer):
    camera_id: str
    name: str
    group: str | None = Field(description="cameras of one group see the same people: one incident, one text")
    zones: tuple[ZoneView, ...]

    @classmethod
    def of(cls, camera: Camera) -> "CameraView":
        return cls(
            camera_id=camera.id,
            name=camera.display_name,
            group=camera.group,
            zones=tuple(ZoneView(zone_id=z.id, points=z.points) for z in camera.zones),
        )


class RuleView(Answer):
    rule_id: str
    severity: Severity
    labels: tuple[str, ...] = Field(description="whose visits the rule follows")
    cameras: tuple[str, ...] = Field(description="camera ids; empty: every camera that has the zones it names")
    zones: tuple[str, ...] = Field(description="zone ids; empty: anywhere in the picture")
    min_confidence: float = Field(description="percent")

    @classmethod
    def of(cls, rule: Rule) -> "RuleView":
        return cls(
            rule_id=rule.id,
            severity=rule.severity,
            labels=rule.anchor_labels,
            cameras=rule.cameras,
            zones=rule.zones,
            min_confidence=rule.min_confidence,
        )


class SiteView(Answer):
    """What a page needs of the site. Never contacts, phone numbers or camera addresses."""

    name: str
    time_zone: str = Field(description="IANA name")
    cameras: tuple[CameraView, ...]
    watch_labels: tuple[str, ...] = Field(description="the words that any rule follows")
    watch_min_confidence: float = Field(description="percent; the watch list's")
    rules: tuple[RuleView, ...] = Field(description="the watch list is the rule `watch`")

    @classmethod
    def of(cls, config: SiteConfig) -> "SiteView":
        return cls(
            name=config.site.name,
            time_zone=config.site.time_zone,
            cameras=tuple(CameraView.of(c) for c in config.cameras),
            watch_labels=config.watch_words,
            watch_min_confidence=config.watch.min_confidence,
            rules=tuple(RuleView.of(rule) for rule in config.all_rules),
        )


class ErrorDetail(Answer):
    code: Literal[
        "invalid_parameter", "forbidden", "not_found", "full", "unsupported_media_type", "unavailable", "internal"
    ]
    message: str


class ErrorBody(Answer):
    error: ErrorDetail
