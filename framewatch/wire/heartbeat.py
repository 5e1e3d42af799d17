"""Heartbeat: a Kinesis record that holds no frame.

    b"FWH1" | UTF-8 JSON

Its partition key is the camera's id, as that of the camera's frames. The magic's last byte is the version, read as
the frame envelope's is: edges write the newest one, a reader keeps those before it. Nothing in a record is trusted;
whatever is wrong rejects this record alone with a HeartbeatError that says what.
"""

import json
from collections.abc import Callable
from datetime import UTC
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from framewatch.domain.edge_control import MOST_SLOW_BY
from framewatch.domain.errors import HeartbeatError
from framewatch.domain.frames import CAMERA_ID_PATTERN, MAX_SEQ
from framewatch.domain.heartbeats import (
    BOX_ID_PATTERN,
    CameraCounts,
    CameraState,
    Heartbeat,
    SpoolDepth,
)
from framewatch.wire.envelope import EARLIEST_YEAR, LATEST_YEAR, BootId, first_problem, format_utc

MAGIC = b"FWH1"
# Ten times what one has.
MAX_BYTES = 8 * 1024
MAX_ERROR_CHARS = 500
MAX_REASONS = 16

# JavaScript reads this table's numbers one day; above this they lose their last digits.
_Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
_Seconds = Annotated[float, Field(ge=0, le=1e10)]
_Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]


class _Part(BaseModel):
    # A later writer may add keys that this reader does not know; what it knows must be right.
    model_config = ConfigDict(extra="ignore", strict=True)


class _Frames(_Part):
    read: _Count
    sampled: _Count
    sent: _Count
    gated: dict[_Reason, _Count] = Field(max_length=MAX_REASONS)
    dropped: _Count
    failed: _Count


class _Spool(_Part):
    records: _Count
    bytes: _Count
    oldest_age_s: _Seconds | None


class _Body(_Part):
    box: str = Field(pattern=BOX_ID_PATTERN)
    camera_id: str = Field(pattern=CAMERA_ID_PATTERN)
    at: AwareDatetime
    boot_id: BootId
    seq: int = Field(ge=0, le=MAX_SEQ)
    state: CameraState
    version: str = Field(pattern=r"^[!-~]{1,40}$")
    last_error: str | None = Field(max_length=MAX_ERROR_CHARS)
    frames: _Frames
    spool: _Spool
    clock_offset_s: float | None = Field(ge=-1e10, le=1e10)
    slowed_by: int = Field(default=1, ge=1, le=MOST_SLOW_BY)


def encode_heartbeat(heartbeat: Heartbeat) -> bytes:
    """One record's bytes. An error that is too long is cut: it is there to be read by a person."""
    counts, spool = heartbeat.counts, heartbeat.spool
    body = {
        "box": heartbeat.box,
        "camera_id": heartbeat.camera_id,
        "at": format_utc(heartbeat.at),
        "boot_id": heartbeat.boot_id,
        "seq": heartbeat.seq,
        "state": heartbeat.state,
        "version": heartbeat.version,
        "last_error": heartbeat.last_error[:MAX_ERROR_CHARS] if heartbeat.last_error else None,
        "frames": {
            "read": counts.read,
            "sampled": counts.sampled,
            "sent": counts.sent,
            "gated": dict(counts.gated),
            "dropped": counts.dropped,
            "failed": counts.failed,
        },
        "spool": {"records": spool.records, "bytes": spool.bytes, "oldest_age_s": spool.oldest_age_s},
        "clock_offset_s": heartbeat.clock_offset_s,
    }
    if heartbeat.slowed_by != 1:
        body["slowed_by"] = heartbeat.slowed_by
    return MAGIC + json.dumps(body, separators=(",", ":")).encode()


def is_heartbeat(data: bytes) -> bool:
    """Of whatever version; everything else is a frame, or nothing of ours."""
    return data[:3] == MAGIC[:3]


def decode_heartbeat(data: bytes) -> Heartbeat:
    """The heartbeat in a record. Raises HeartbeatError for anything that is not a whole one."""
    magic = data[: len(MAGIC)]
    if magic in _READERS:
        return _READERS[magic](data)
    if is_heartbeat(data):
        known = ", ".join(repr(version[3:]) for version in sorted(_READERS))
        raise HeartbeatError(f"heartbeat version {magic[3:]!r} is unknown; this reader knows version {known}")
    raise HeartbeatError(f"not a heartbeat: starts with {magic!r}, not {MAGIC!r}")


def _decode_v1(data: bytes) -> Heartbeat:
    if len(data) > MAX_BYTES:
        raise HeartbeatError(f"heartbeat of {len(data)} bytes is over the limit of {MAX_BYTES}")
    try:
        body = _Body.model_validate_json(data[len(MAGIC) :])
    except ValidationError as error:
        raise HeartbeatError(f"bad heartbeat: {first_problem(error, 'body')}") from None
    if not EARLIEST_YEAR <= body.at.year <= LATEST_YEAR:
        raise HeartbeatError(
            f"bad heartbeat: at: the year {body.at.year} is outside {EARLIEST_YEAR}..{LATEST_YEAR};"
            " set the camera box's clock"
        )
    frames, spool = body.frames, body.spool
    return Heartbeat(
        box=body.box,
        camera_id=body.camera_id,
        at=body.at.astimezone(UTC),
        boot_id=body.boot_id,
        seq=body.seq,
        state=body.state,
        version=body.version,
        last_error=body.last_error,
        counts=CameraCounts(frames.read, frames.sampled, frames.sent, frames.gated, frames.dropped, frames.failed),
        spool=SpoolDepth(spool.records, spool.bytes, spool.oldest_age_s),
        clock_offset_s=body.clock_offset_s,
        slowed_by=body.slowed_by,
    )


_READERS: dict[bytes, Callable[[bytes], Heartbeat]] = {b"FWH1": _decode_v1}
