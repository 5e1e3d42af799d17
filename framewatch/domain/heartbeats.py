"""What an edge box says of itself and of each of its cameras, once a minute, also when nothing moves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# With the stage it must fit the name of an IAM user, which AWS cuts at 64 characters.
BOX_ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}$"
BOX_ID_RULE = "lower-case letters, digits and hyphens, at most 32, a letter or digit first"

_BOX_ID = re.compile(BOX_ID_PATTERN)


def is_box_id(text: str) -> bool:
    return _BOX_ID.fullmatch(text) is not None


def edge_user(stage: str, box: str) -> str:
    """The name of the box's IAM user: what lies in S3 for this box alone lies below it."""
    return f"framewatch-{stage}-edge-{box}"


class CameraState(StrEnum):
    """How a camera is, seen from its box."""

    ONLINE = "online"
    STALLED = "stalled"  # open, and no picture comes
    RECONNECTING = "reconnecting"
    AUTH_FAILED = "auth-failed"
    NOT_FOUND = "not-found"
    DISABLED = "disabled"
    ENDED = "ended"  # a clip that was played to its end


@dataclass(frozen=True, slots=True)
class CameraCounts:
    """Frames since the box's service started: sampled == sent + gated + dropped + failed + those that still wait.

    read: grabbed from the camera, sampled or not. gated: kept back, by the motion gate's reason.
    """

    read: int = 0
    sampled: int = 0
    sent: int = 0
    gated: Mapping[str, int] = field(default_factory=dict)
    dropped: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class SpoolDepth:
    """What waits on the box for the stream, of one camera. oldest_age_s: None when nothing waits."""

    records: int = 0
    bytes: int = 0
    oldest_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One camera, at one moment.

    at: the box's clock, aware and in UTC. boot_id: one life of the box's service. seq: counts up within it, so that
    the order is known whatever that clock does. last_error: a sentence without secrets. clock_offset_s: the box's
    clock less AWS's, None while it is not known. version: of the edge client. slowed_by: it samples so many times
    less often than its edge file says.
    """

    box: str
    camera_id: str
    at: datetime
    boot_id: str
    seq: int
    state: CameraState
    version: str
    last_error: str | None = None
    counts: CameraCounts = field(default_factory=CameraCounts)
    spool: SpoolDepth = field(default_factory=SpoolDepth)
    clock_offset_s: float | None = None
    slowed_by: int = 1
