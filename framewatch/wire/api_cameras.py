"""What the API answers about cameras: how each is, since when, and what it last saw."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from framewatch.domain.analysis import Analysis
from framewatch.domain.heartbeats import CameraState
from framewatch.domain.troubles import TroubleKind
from framewatch.wire.api import LabelView
from framewatch.wire.api_costs import CameraStepView
from framewatch.wire.api_values import Answer, Time
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.heartbeat_items import StoredHeartbeat

SILENT: Literal["silent"] = "silent"
UNKNOWN: Literal["unknown"] = "unknown"


class CountsView(Answer):
    """Frames since the box's service started."""

    read: int = Field(description="grabbed from the camera, sampled or not")
    sampled: int
    sent: int
    gated: Mapping[str, int] = Field(description="kept back by the motion gate, by its reason")
    dropped: int
    failed: int


class SpoolView(Answer):
    """What waits on the box for the stream."""

    records: int
    bytes: int
    oldest_age_s: float | None = Field(description="null when nothing waits")


class HeartbeatView(Answer):
    """The camera's newest."""

    box: str
    at: Time = Field(description="when the stream took it")
    age_s: float
    version: str = Field(description="of the edge client")
    counts: CountsView
    spool: SpoolView
    slowed_by: int = Field(
        description="it samples so many times less often than its edge file says, for a budget; 1: as it says"
    )

    @classmethod
    def of(cls, beat: StoredHeartbeat, now: datetime) -> "HeartbeatView":
        counts, spool = beat.counts, beat.spool
        return cls(
            box=beat.box,
            at=beat.received_at,
            age_s=age_s(beat.received_at, now),
            version=beat.version,
            counts=CountsView(
                read=counts.read,
                sampled=counts.sampled,
                sent=counts.sent,
                gated=dict(counts.gated),
                dropped=counts.dropped,
                failed=counts.failed,
            ),
            spool=SpoolView(records=spool.records, bytes=spool.bytes, oldest_age_s=spool.oldest_age_s),
            slowed_by=beat.slowed_by,
        )


class NewestFrameView(Answer):
    frame_id: str
    captured_at: Time
    stored_at: Time
    age_s: float = Field(description="since the capture")
    width: int
    height: int
    analysis: Analysis = Field(description="as in /v1/frames")
    labels: tuple[LabelView, ...]
    image_url: str = Field(description="opens without credentials until image_url_expires_at; never keep it")
    image_url_expires_at: Time

    @classmethod
    def of(
        cls, frame: StoredFrame, now: datetime, image_url: str, image_url_expires_at: datetime
    ) -> "NewestFrameView":
        return cls(
            frame_id=frame.frame_id,
            captured_at=frame.captured_at,
            stored_at=frame.stored_at,
            age_s=age_s(frame.captured_at, now),
            width=frame.width,
            height=frame.height,
            analysis=frame.analysis,
            labels=tuple(LabelView.of(label) for label in frame.labels),
            image_url=image_url,
            image_url_expires_at=image_url_expires_at,
        )


class CameraStatusView(Answer):
    camera_id: str
    name: str
    group: str | None
    state: CameraState | Literal["silent", "unknown"] = Field(
        description="as the camera's box said last; silent: nothing has been heard for longer than the site's grace;"
        " unknown: nothing was ever heard of it"
    )
    since: Time | None = Field(description="when that began, where it is a trouble; else null")
    why: str | None = Field(description="a sentence, where there is more to say than the state")
    heartbeat: HeartbeatView | None = Field(description="null for a camera whose box sends none")
    newest_frame: NewestFrameView | None = Field(description="by capture; null where none is stored")
    budget: CameraStepView | None = Field(description="what it has given up for the budget; null: nothing")


class TroubleView(Answer):
    """Something that concerns the whole site."""

    kind: TroubleKind
    since: Time


class CamerasView(Answer):
    at: Time = Field(description="when this was found; ages count from it")
    cameras: tuple[CameraStatusView, ...] = Field(description="in the order of the site file")
    troubles: tuple[TroubleView, ...] = Field(description="what is wrong with the site as a whole, if anything is")


class HealthStatus(StrEnum):
    OK = "ok"
    TROUBLED = "troubled"


class HealthTroubleView(Answer):
    """Of the site, or of one camera."""

    kind: TroubleKind
    camera_id: str | None = Field(description="null for what concerns the whole site")
    camera_name: str | None
    state: CameraState | Literal["silent", "unknown"] | None = Field(description="of the camera")
    since: Time | None
    why: str | None = Field(description="a sentence, where there is more to say than kind and state")


class HealthView(Answer):
    at: Time = Field(description="when this was found")
    status: HealthStatus
    troubles: tuple[HealthTroubleView, ...] = Field(
        description="the site's first, then cameras in the order of the site file. One that is switched off, whose"
        " source has ended, or of which nothing was ever heard is none"
    )


def age_s(at: datetime, now: datetime) -> float:
    """A clock that is ahead makes nothing younger than now."""
    return max((now - at).total_seconds(), 0.0)
