"""What a frame is, and the one name it carries from the camera to the last table."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

CAMERA_ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
BOOT_ID_PATTERN = r"^[0-9]{8}T[0-9]{6}Z[0-9a-f]{6}$"
MAX_SEQ = 9_999_999_999
# Of a picture's side: what DetectLabels takes. With a smaller or a larger one it refuses the picture.
MIN_SIDE_PX, MAX_SIDE_PX = 80, 10_000

_CAMERA_ID = re.compile(CAMERA_ID_PATTERN)
_BOOT_ID = re.compile(BOOT_ID_PATTERN)

BoxXYXYRel = tuple[float, float, float, float]
"""Left, top, right, bottom as shares (0..1) of the frame's width and height."""


class GateReason(StrEnum):
    """Why the edge sent a frame."""

    MOTION = "motion"
    KEEPALIVE = "keepalive"
    FIRST = "first"
    FORCED = "forced"  # no gate was asked: every sampled frame is sent


def is_camera_id(text: str) -> bool:
    return _CAMERA_ID.fullmatch(text) is not None


def is_boot_id(text: str) -> bool:
    return _BOOT_ID.fullmatch(text) is not None


def make_boot_id(started_at_utc: datetime, entropy: bytes) -> str:
    """One camera worker's life: its start to the second, then 6 hex digits, so that boot ids sort by time.

    entropy: at least 3 random bytes, so that two starts within a second differ.
    """
    return started_at_utc.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") + entropy[:3].hex()


def boot_began_at(boot_id: str) -> datetime:
    """When that life began, by its own clock. Raises ValueError for what is no boot id."""
    return datetime.strptime(boot_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def make_frame_id(camera_id: str, boot_id: str, seq: int) -> str:
    """The idempotency key of a frame: `camera.boot.seq`, the sequence padded so that ids of a camera sort by time.

    Raises ValueError when a part is malformed.
    """
    if not is_camera_id(camera_id):
        raise ValueError(f"camera id {camera_id!r} does not match {CAMERA_ID_PATTERN}")
    if not is_boot_id(boot_id):
        raise ValueError(f"boot id {boot_id!r} does not match {BOOT_ID_PATTERN}")
    if not 0 <= seq <= MAX_SEQ:
        raise ValueError(f"sequence {seq} is outside 0..{MAX_SEQ}")
    return f"{camera_id}.{boot_id}.{seq:010d}"


@dataclass(frozen=True, slots=True)
class Gate:
    """Why this frame was sent, with the moving regions when motion was the reason."""

    reason: GateReason
    boxes_xyxy_rel: tuple[BoxXYXYRel, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameRef:
    """Another frame of the same camera."""

    boot_id: str
    seq: int
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class VisionHint:
    """What the edge knows that may spare an analysis; whether it does, is decided where it would be paid.

    same_as: an earlier frame, itself without such a hint, that this one nearly equals. screened_out: a model at the
    edge saw nothing in it that is watched.
    """

    same_as: FrameRef | None = None
    screened_out: bool = False


@dataclass(frozen=True, slots=True)
class FrameMeta:
    """Everything known of a frame at the edge except its pixels. `captured_at` is aware and in UTC."""

    camera_id: str
    boot_id: str
    seq: int
    captured_at: datetime
    width: int
    height: int
    gate: Gate = field(default_factory=lambda: Gate(GateReason.FORCED))
    hint: VisionHint = VisionHint()

    @property
    def frame_id(self) -> str:
        return make_frame_id(self.camera_id, self.boot_id, self.seq)

    @property
    def order_key(self) -> tuple[str, int]:
        """Frames of one camera read in this order, whatever order they arrive in."""
        return (self.boot_id, self.seq)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it crosses the stream. jpeg: one whole JPEG file."""

    meta: FrameMeta
    jpeg: bytes
