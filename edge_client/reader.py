"""Open a source and step through its frames. Runs in the worker only: a decoder may take its process down.

`grab` moves to the next frame and knows its time; `retrieve` makes pixels of it. A frame that is not wanted is
grabbed alone, which saves its conversion (for images in a folder and over HTTP, its whole decoding).

Who reads what:
    device                          OpenCV with V4L2
    clip                            OpenCV with FFmpeg
    image, folder                   OpenCV, one file at a time
    rtsp, rtsps                     OpenCV with FFmpeg, over TCP
    onvif                           the camera is asked for its RTSP address (onvif.py), then as rtsp
    http, https: JPEGs              mjpeg.py: a stream of them, or a snapshot address that is polled
    http, https: anything else      OpenCV with FFmpeg
benchmarks/mjpeg_reading.py compares the two that can read a stream of JPEGs.
"""

import math
import re
import sys
import time
from pathlib import Path
from typing import Protocol

import cv2

from edge_client.jpeg import FrameBGR, decode_picture
from edge_client.opening import OpenFailed, Opening
from edge_client.source import IMAGE_SUFFIXES, Source, SourceKind

FOLDER_FPS = 1.0
# What a clip that does not say its frame rate is played at.
FALLBACK_FPS = 25.0
# A container says 90000 or 1000 where it means a time base; no camera is that fast.
_MAX_SANE_FPS = 500.0
_MAX_SANE_DURATION_S = 30 * 86_400.0
_TIMED_OUT_SHARE = 0.9
# The largest picture that is decoded, with nothing packed.
_MOST_IMAGE_BYTES = 256 * 1024 * 1024


PATIENT = Opening()


class Reader(Protocol):
    fps: float | None
    duration_s: float | None
    """None for a live source, and where the clip does not say."""
    frame_count: int | None
    """What the container claims; fewer may decode."""
    media_time_s: float
    """Of the frame grabbed last: rises from frame to frame."""
    last_name: str
    """Of the image grabbed last; empty for a clip."""
    torn: int
    """Pictures that came empty or cut short, so that they were never grabbed."""
    end: tuple[str, str]
    """Why `grab` gave False: a key of explain.py and its detail."""

    codec: str | None
    """Such as h264; None where it is not known."""

    def grab(self) -> bool: ...

    def retrieve(self) -> FrameBGR | None:
        """uint8 (H, W, 3), or None where the grabbed frame is not readable."""
        ...

    def close(self) -> None: ...


def open_reader(source: Source, opening: Opening = PATIENT) -> Reader:
    """Raises OpenFailed."""
    if source.kind is SourceKind.DEVICE:
        return _open_device(int(source.target))
    if source.kind is SourceKind.PATH:
        return _open_path(Path(source.target))
    # Imported where they are needed: a worker pays for the libraries of its own kind of source alone.
    if source.kind is SourceKind.HTTP:
        from edge_client.mjpeg import open_http  # noqa: PLC0415

        return open_http(source.target, opening) or _open_url(source.target, opening)
    if source.kind is SourceKind.ONVIF:
        from edge_client.onvif import resolve  # noqa: PLC0415

        return _open_url(resolve(source.target, opening.timeout_s), opening)
    return _open_url(source.target, opening)


def _open_device(number: int) -> "CaptureReader":
    on_linux = sys.platform.startswith("linux")
    if on_linux and not Path(f"/dev/video{number}").exists():
        present = sorted(p.name.removeprefix("video") for p in Path("/dev").glob("video[0-9]*"))
        raise OpenFailed("no_device", ", ".join(present))
    capture = cv2.VideoCapture(number, cv2.CAP_V4L2 if on_linux else cv2.CAP_ANY)
    if not capture.isOpened():
        raise OpenFailed("device_busy")
    return CaptureReader(capture, live=True)


def _open_url(url: str, opening: Opening) -> "CaptureReader":
    timeout_ms = round(opening.timeout_s * 1000)
    capture = cv2.VideoCapture(
        url,
        cv2.CAP_FFMPEG,
        [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms),
            *(cv2.CAP_PROP_N_THREADS, 2),  # a live 4K stream is more than one core of a small board can decode
        ],
    )
    if not capture.isOpened():
        raise OpenFailed("unreachable")
    return CaptureReader(capture, live=True, timeout_s=opening.timeout_s)


def _open_path(path: Path) -> Reader:
    try:
        if path.is_dir():
            images = [p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()]
            if not images:
                raise OpenFailed("empty_folder")
            return FolderReader(sorted(images, key=_natural))
        with path.open("rb") as file:
            if not file.read(1):
                raise OpenFailed("empty_file")
    except FileNotFoundError:
        raise OpenFailed("no_file") from None
    except OSError as error:
        raise OpenFailed("unreadable_file", error.strerror or type(error).__name__) from None
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return FolderReader([path])
    # One decoder thread: threads cost CPU for hand-over and finish no sampled frame sooner than it is needed.
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        raise OpenFailed("not_a_video")
    return CaptureReader(capture, live=False)


class CaptureReader:
    """A clip or a stream through OpenCV. The caller stamps live sources; here a clip's own times are kept honest."""

    last_name = ""
    torn = 0

    def __init__(self, capture: cv2.VideoCapture, *, live: bool, timeout_s: float = math.inf) -> None:
        self._timeout_s = timeout_s
        self.end = ("lost", "")
        self._capture = capture
        self._live = live
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps: float | None = fps if math.isfinite(fps) and 0 < fps <= _MAX_SANE_FPS else None
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_count: int | None = int(count) if math.isfinite(count) and count >= 1 else None
        duration_s = self.frame_count / (self.fps or FALLBACK_FPS) if self.frame_count else None
        self.duration_s: float | None = duration_s if duration_s and duration_s <= _MAX_SANE_DURATION_S else None
        self.media_time_s = -1.0 / (self.fps or FALLBACK_FPS)
        self.codec = _four_letters(capture.get(cv2.CAP_PROP_FOURCC))

    def grab(self) -> bool:
        asked_s = time.monotonic()
        if not self._capture.grab():
            # FFmpeg gives up at the time-out without a word of its own.
            if time.monotonic() - asked_s >= self._timeout_s * _TIMED_OUT_SHARE:
                self.end = ("stalled", f"{self._timeout_s:g}")
            return False
        if not self._live:
            self.media_time_s = next_media_time_s(
                self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0, self.media_time_s, self.fps
            )
        return True

    def retrieve(self) -> FrameBGR | None:
        ok, frame_bgr = self._capture.retrieve()
        return frame_bgr if ok and frame_bgr is not None and frame_bgr.size else None  # type: ignore[return-value]

    def close(self) -> None:
        self._capture.release()


def _four_letters(code: float) -> str | None:
    """A FourCC as OpenCV gives it: four characters in one number."""
    if not math.isfinite(code) or code <= 0:
        return None
    text = "".join(chr(int(code) >> shift & 0xFF) for shift in (0, 8, 16, 24)).strip("\0 ")
    return text.lower() if text.isascii() and text.isalnum() else None


def next_media_time_s(claimed_s: float, last_s: float, fps: float | None) -> float:
    """The container's time where it rises, one frame period after the last where it does not."""
    if math.isfinite(claimed_s) and last_s < claimed_s <= _MAX_SANE_DURATION_S and claimed_s >= 0:
        return claimed_s
    return max(0.0, last_s + 1.0 / (fps or FALLBACK_FPS))


class FolderReader:
    """Images in natural order, one a second. An image that is not wanted is not even opened."""

    codec: str | None = None

    def __init__(self, images: list[Path]) -> None:
        self._images = images
        self._at = -1
        self.fps: float | None = FOLDER_FPS
        self.frame_count: int | None = len(images)
        self.duration_s: float | None = len(images) / FOLDER_FPS
        self.media_time_s = -1.0 / FOLDER_FPS
        self.last_name = ""
        self.torn = 0
        self.end = ("lost", "")

    def grab(self) -> bool:
        if self._at + 1 >= len(self._images):
            return False
        self._at += 1
        self.media_time_s = self._at / FOLDER_FPS
        self.last_name = self._images[self._at].name
        return True

    def retrieve(self) -> FrameBGR | None:
        image = self._images[self._at]
        try:
            return decode_picture(image.read_bytes()) if image.stat().st_size <= _MOST_IMAGE_BYTES else None
        except OSError:
            return None

    def close(self) -> None:
        pass


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """img2 before img10."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts if part]
