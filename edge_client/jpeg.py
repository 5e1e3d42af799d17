"""Pixels to a JPEG that fits a stream record, and a camera's picture to pixels."""

import cv2
import numpy as np
from numpy.typing import NDArray

from framewatch.adapters.vision.images import check_parts
from framewatch.domain.errors import FrameTooLarge, FrameTooSmall, ImageRejected
from framewatch.domain.frames import MAX_SIDE_PX, MIN_SIDE_PX

# 90 keeps what a detector looks at, at half the bytes of OpenCV's default 95.
DEFAULT_QUALITY = 90
_LOWER_QUALITIES = (75, 60, 45)
_SHRINK = 0.75

FrameBGR = NDArray[np.uint8]


def decode_picture(picture: bytes) -> FrameBGR | None:
    """uint8 (H, W, 3), turned as its Exif orientation says; None where it is not readable, or would take too much."""
    try:
        check_parts(picture)
        return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)  # type: ignore[return-value]
    except (ImageRejected, cv2.error):  # the latter: such as more pixels than OpenCV allows
        return None


def encode_to_fit(frame_bgr: FrameBGR, max_bytes: int, quality: int = DEFAULT_QUALITY) -> tuple[bytes, int, int]:
    """The JPEG with its width and height. Lowers quality first, then size, until it has at most max_bytes.

    frame_bgr: uint8 (H, W, 3). Raises FrameTooLarge where even the smallest that vision takes does not fit, and
    FrameTooSmall for what it would refuse.
    """
    height, width = frame_bgr.shape[:2]
    if max(height, width) > MAX_SIDE_PX:
        frame_bgr = _resized(frame_bgr, MAX_SIDE_PX / max(height, width))
    if min(frame_bgr.shape[:2]) < MIN_SIDE_PX:
        raise FrameTooSmall(
            f"vision takes none of {width}x{height}, each side must have {MIN_SIDE_PX} to {MAX_SIDE_PX} pixels;"
            " use another stream of the camera, or other pictures"
        )
    for q in (quality, *(lower for lower in _LOWER_QUALITIES if lower < quality)):
        jpeg = _encode(frame_bgr, q)
        if len(jpeg) <= max_bytes:
            return jpeg, frame_bgr.shape[1], frame_bgr.shape[0]
    lowest = min(quality, _LOWER_QUALITIES[-1])
    while min(frame_bgr.shape[:2]) * _SHRINK >= MIN_SIDE_PX:
        frame_bgr = _resized(frame_bgr, _SHRINK)
        jpeg = _encode(frame_bgr, lowest)
        if len(jpeg) <= max_bytes:
            return jpeg, frame_bgr.shape[1], frame_bgr.shape[0]
    raise FrameTooLarge(
        f"a picture of {width}x{height} does not fit {max_bytes} bytes even at quality {lowest}"
        f" and {frame_bgr.shape[1]}x{frame_bgr.shape[0]}"
    )


def _resized(frame_bgr: FrameBGR, factor: float) -> FrameBGR:
    height, width = frame_bgr.shape[:2]
    size_wh = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(frame_bgr, size_wh, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _encode(frame_bgr: FrameBGR, quality: int) -> bytes:
    try:
        ok, jpeg = cv2.imencode(".jpg", frame_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise FrameTooLarge(f"a picture of shape {frame_bgr.shape} cannot be a JPEG: {error.err}") from None
    if not ok:
        raise FrameTooLarge(f"a picture of shape {frame_bgr.shape} cannot be a JPEG")
    return jpeg.tobytes()
