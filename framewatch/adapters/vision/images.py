"""What an image file says of itself, read before anything is decoded, and the decoding.

A few kilobytes can unfold into gigabytes of pixels, so format and size are taken from the header first.
Sources: ITU-T T.81 (JPEG, annex B) and the PNG specification (third edition, section 11.2.1).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from framewatch.domain.errors import ImageRejected

if TYPE_CHECKING:
    from framewatch.adapters.vision.base import ImageBgr

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_IHDR = struct.Struct(">I4sII")
_JPEG_START = b"\xff\xd8\xff"
_JPEG_FILL = 0xFF
_JPEG_START_OF_SCAN = 0xDA
_JPEG_END = 0xD9
# Start-of-frame markers C0 to CF, less the three in that range that mean something else.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_NO_FILL = re.compile(rb"[^\xff]")
_JPEG_BARE = frozenset(range(0xD0, 0xD8)) | {0x01}  # markers without a length
# Bytes between two segments are passed over, as decoders do. In coded data 00 or a restart marker follows an FF.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
# Each scan is another pass over every block, and may be written in ten bytes. Cameras write one to ten.
MAX_SCANS = 64
# 15 MB of metadata, in segments of 64 KB at most, take 240.
_MAX_SEGMENTS = 2000
_MAX_CHUNKS = 20_000  # those of pixels have 8 KB where they are smallest
_MIN_DETAIL = 1.5  # a reduced image keeps at least this many pixels a side for each one the model looks at
_REDUCED = (
    (8, cv2.IMREAD_REDUCED_COLOR_8),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (2, cv2.IMREAD_REDUCED_COLOR_2),
)


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """As stored in the file, before any rotation that its metadata asks for."""

    format: Literal["JPEG", "PNG"]
    width_px: int
    height_px: int


def read_header(data: bytes) -> ImageHeader:
    """Raises ImageRejected when the bytes are neither JPEG nor PNG, or their header is damaged."""
    if data.startswith(_PNG_SIGNATURE):
        return _png_header(data)
    if data.startswith(_JPEG_START):
        return _jpeg_header(data)
    raise ImageRejected("the image is neither JPEG nor PNG")


def _png_header(data: bytes) -> ImageHeader:
    if len(data) < len(_PNG_SIGNATURE) + _PNG_IHDR.size:
        raise ImageRejected("the PNG ends inside its header")
    length, kind, width_px, height_px = _PNG_IHDR.unpack_from(data, len(_PNG_SIGNATURE))
    if length != 13 or kind != b"IHDR" or not width_px or not height_px:
        raise ImageRejected("the PNG header is damaged")
    return ImageHeader("PNG", width_px, height_px)


def _jpeg_header(data: bytes) -> ImageHeader:
    at = 2
    for _ in range(_MAX_SEGMENTS):
        if at + 4 > len(data):
            break
        if data[at] != _JPEG_FILL:
            raise ImageRejected("the JPEG header is damaged")
        marker = data[at + 1]
        if marker == _JPEG_FILL:  # fill bytes may stand before any marker
            found = _JPEG_NO_FILL.search(data, at)
            at = found.start() - 1 if found else len(data)
            continue
        if marker in _JPEG_BARE:
            at += 2
            continue
        if marker in (_JPEG_START_OF_SCAN, _JPEG_END):
            break
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _JPEG_FRAMES:
            if at + 9 > len(data):
                break
            height_px, width_px = struct.unpack_from(">HH", data, at + 5)
            if not width_px or not height_px:
                break
            return ImageHeader("JPEG", width_px, height_px)
        at += 2 + length
    raise ImageRejected("the JPEG header is damaged or holds no picture")


def check_parts(data: bytes) -> None:
    """Raises ImageRejected for what takes a decoder far more time or memory than its pixels do: a JPEG of more scans
    or segments than any camera writes, a PNG with a chunk that says it is longer than the file."""
    if data.startswith(_PNG_SIGNATURE):
        _check_chunks(data)
    elif data.startswith(_JPEG_START):
        _check_scans(data)


def _check_chunks(data: bytes) -> None:
    at = len(_PNG_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if at >= len(data):
            return
        # A length, a name, as many bytes, a CRC. OpenCV makes room for the length: 4 GB for a file of 200 bytes.
        at += 12 + int.from_bytes(data[at : at + 4], "big")
        if at > len(data):
            raise ImageRejected("the PNG ends inside a chunk")
    raise ImageRejected(f"the PNG has more than {_MAX_CHUNKS} chunks")


def _check_scans(data: bytes) -> None:
    at, scans = len(_JPEG_START) - 1, 0
    for _ in range(_MAX_SEGMENTS):
        found = _JPEG_MARKER.search(data, at)
        if found is None or found[0][1] == _JPEG_END:
            return
        scans += found[0][1] == _JPEG_START_OF_SCAN
        if scans > MAX_SCANS:
            raise ImageRejected(f"the JPEG is coded in more than {MAX_SCANS} scans")
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    raise ImageRejected(f"the JPEG has more than {_MAX_SEGMENTS} segments")


def decode(data: bytes, header: ImageHeader, *, model_input_px: tuple[int, int] | None = None) -> ImageBgr:
    """uint8 (H, W, 3). A JPEG is turned as its Exif orientation says, a PNG never, as Rekognition documents.

    With ``model_input_px`` a JPEG far larger than the model's input is decoded at a half, a quarter or an eighth:
    several times faster, and the model resizes anyway. Raises ImageRejected when the pixels cannot be decoded.
    """
    check_parts(data)
    flags = cv2.IMREAD_COLOR_BGR
    if header.format == "PNG":
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    elif model_input_px is not None:
        flags = _reduced_flag(header, model_input_px)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageRejected(f"the {header.format} picture cannot be decoded") from error
    if image is None:
        raise ImageRejected(f"the {header.format} picture cannot be decoded")
    decoded: ImageBgr = image.astype(np.uint8, copy=False)
    return decoded


def _reduced_flag(header: ImageHeader, model_input_px: tuple[int, int]) -> int:
    spare = min(header.width_px, header.height_px) / (max(model_input_px) * _MIN_DETAIL)
    return next((flag for factor, flag in _REDUCED if spare >= factor), cv2.IMREAD_COLOR_BGR)
