"""Frame envelope: one Kinesis record.

    b"FWF1" | header length, big-endian u32 | UTF-8 JSON header | JPEG

Nothing in it can run code, and a reader trusts none of it: every length and field is checked, and whatever is
wrong rejects this record alone with an EnvelopeError that says what. The magic's last byte is the version: edges
write the newest one, and a reader keeps those before it, for boxes that were not updated yet.
"""

import json
import re
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from framewatch.domain.errors import EnvelopeError
from framewatch.domain.frames import (
    BOOT_ID_PATTERN,
    CAMERA_ID_PATTERN,
    MAX_SEQ,
    Frame,
    FrameMeta,
    FrameRef,
    Gate,
    GateReason,
    VisionHint,
    boot_began_at,
    make_frame_id,
)

MAGIC = b"FWF1"
MAX_HEADER_BYTES = 16 * 1024
# Kinesis Data Streams: a record is at most 1 MiB, its partition key included.
MAX_RECORD_BYTES = 1024 * 1024
_PREFIX = struct.Struct(">4sI")
# A box that lost its clock says 1970; that frame would be filed where nobody finds it.
EARLIEST_YEAR, LATEST_YEAR = 2000, 2199
_JPEG_START = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_PLAIN_KEY = re.compile(r"\[key\]|[A-Za-z_][A-Za-z0-9_-]{0,39}")


def _holds_a_time(boot_id: str) -> str:
    try:
        boot_began_at(boot_id)
    except ValueError:
        raise ValueError("begins with no time of the calendar") from None
    return boot_id


BootId = Annotated[str, Field(pattern=BOOT_ID_PATTERN), AfterValidator(_holds_a_time)]
_Share = Annotated[float, Field(ge=0, le=1)]


class _Gate(BaseModel):
    model_config = ConfigDict(extra="ignore")
    reason: GateReason
    boxes_xyxy_rel: list[tuple[_Share, _Share, _Share, _Share]] = Field(default=[], max_length=100)


class _FrameRef(BaseModel):
    model_config = ConfigDict(extra="ignore")
    boot_id: BootId
    seq: int = Field(ge=0, le=MAX_SEQ, strict=True)
    captured_at: AwareDatetime


class _Header(BaseModel):
    # A later writer may add keys that this reader does not know; what it knows must be right.
    model_config = ConfigDict(extra="ignore")
    frame_id: str
    camera_id: str = Field(pattern=CAMERA_ID_PATTERN)
    captured_at: AwareDatetime
    boot_id: BootId
    seq: int = Field(ge=0, le=MAX_SEQ, strict=True)
    width: int = Field(ge=1, le=65_535, strict=True)
    height: int = Field(ge=1, le=65_535, strict=True)
    gate: _Gate
    jpeg_crc32: int = Field(ge=0, le=0xFFFFFFFF, strict=True)
    # Absent in what most frames and all older edges send.
    same_as: _FrameRef | None = None
    screened_out: bool = Field(default=False, strict=True)

    @property
    def hint(self) -> VisionHint:
        ref = self.same_as
        if ref is None:
            return VisionHint(None, self.screened_out)
        return VisionHint(FrameRef(ref.boot_id, ref.seq, ref.captured_at.astimezone(UTC)), self.screened_out)


def format_utc(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds: the one form in which times are written anywhere."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def first_problem(error: ValidationError, whole: str) -> str:
    """Where and what, without the value that was met. whole: what the place is called when it is everything."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) if _is_plain(part) else "?" for part in first["loc"]) or whole
    return f"{where}: {first['msg']}"


def _is_plain(part: int | str) -> bool:
    """A key may be anything that somebody sent, an address with its password too, and this goes into a log."""
    return isinstance(part, int) or _PLAIN_KEY.fullmatch(part) is not None


def encode_envelope(frame: Frame) -> bytes:
    """One record's bytes. Raises EnvelopeError when the frame does not fit a record."""
    meta = frame.meta
    header = json.dumps(
        {
            "frame_id": meta.frame_id,
            "camera_id": meta.camera_id,
            "captured_at": format_utc(meta.captured_at),
            "boot_id": meta.boot_id,
            "seq": meta.seq,
            "width": meta.width,
            "height": meta.height,
            "gate": {"reason": meta.gate.reason, "boxes_xyxy_rel": meta.gate.boxes_xyxy_rel},
            "jpeg_crc32": zlib.crc32(frame.jpeg),
            **_hint_keys(meta.hint),
        },
        separators=(",", ":"),
    ).encode()
    if len(header) > MAX_HEADER_BYTES:
        raise EnvelopeError(f"header of {len(header)} bytes is over the limit of {MAX_HEADER_BYTES}")
    size = _PREFIX.size + len(header) + len(frame.jpeg)
    if size + len(meta.camera_id) > MAX_RECORD_BYTES:
        raise EnvelopeError(f"record of {size} bytes with its key is over the limit of {MAX_RECORD_BYTES}")
    return _PREFIX.pack(MAGIC, len(header)) + header + frame.jpeg


def _hint_keys(hint: VisionHint) -> dict[str, Any]:
    """Only those that say something: a reader that knows neither looks at every frame, which is never wrong."""
    keys: dict[str, Any] = {}
    if (ref := hint.same_as) is not None:
        keys["same_as"] = {"boot_id": ref.boot_id, "seq": ref.seq, "captured_at": format_utc(ref.captured_at)}
    if hint.screened_out:
        keys["screened_out"] = True
    return keys


def decode_envelope(data: bytes) -> Frame:
    """The frame in a record. Raises EnvelopeError for anything that is not a whole, undamaged envelope."""
    if len(data) < _PREFIX.size:
        raise EnvelopeError(f"truncated: {len(data)} bytes, the prefix alone has {_PREFIX.size}")
    magic = data[: len(MAGIC)]
    if magic in _READERS:
        return _READERS[magic](data)
    if magic[:3] == MAGIC[:3]:
        known = ", ".join(repr(version[3:]) for version in sorted(_READERS))
        raise EnvelopeError(f"envelope version {magic[3:]!r} is unknown; this reader knows version {known}")
    raise EnvelopeError(f"not a frame envelope: starts with {magic!r}, not {MAGIC!r}")


def _decode_v1(data: bytes) -> Frame:
    _, header_len = _PREFIX.unpack_from(data)
    if header_len > MAX_HEADER_BYTES:
        raise EnvelopeError(f"header length {header_len} is over the limit of {MAX_HEADER_BYTES}")
    body_at = _PREFIX.size + header_len
    if len(data) < body_at:
        raise EnvelopeError(f"truncated: the header needs {header_len} bytes, {len(data) - _PREFIX.size} are there")
    header = _parse_header(data[_PREFIX.size : body_at])
    jpeg = data[body_at:]
    if zlib.crc32(jpeg) != header.jpeg_crc32:
        raise EnvelopeError(f"{header.frame_id}: the picture's CRC-32 does not match: damaged or truncated")
    if not (jpeg.startswith(_JPEG_START) and jpeg.rstrip(b"\0").endswith(_JPEG_END)):
        raise EnvelopeError(f"{header.frame_id}: the picture is not a whole JPEG file")
    return Frame(
        FrameMeta(
            camera_id=header.camera_id,
            boot_id=header.boot_id,
            seq=header.seq,
            captured_at=header.captured_at.astimezone(UTC),
            width=header.width,
            height=header.height,
            gate=Gate(header.gate.reason, tuple(header.gate.boxes_xyxy_rel)),
            hint=header.hint,
        ),
        jpeg,
    )


_READERS: dict[bytes, Callable[[bytes], Frame]] = {b"FWF1": _decode_v1}


def _parse_header(raw: bytes) -> _Header:
    try:
        header = _Header.model_validate_json(raw)
    except ValidationError as error:
        raise EnvelopeError(f"bad header: {first_problem(error, 'header')}") from None
    expected = make_frame_id(header.camera_id, header.boot_id, header.seq)
    if header.frame_id != expected:
        raise EnvelopeError(f"bad header: frame_id: is not {expected!r}")
    _check_year("captured_at", header.captured_at)
    if header.same_as is not None:
        _check_year("same_as.captured_at", header.same_as.captured_at)
    return header


def _check_year(field: str, at: datetime) -> None:
    if not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
        raise EnvelopeError(
            f"bad header: {field}: the year {at.year} is outside {EARLIEST_YEAR}..{LATEST_YEAR};"
            " set the camera box's clock"
        )
