"""JPEGs over HTTP: a stream of them that never ends (multipart/x-mixed-replace), or a snapshot address to poll.

FFmpeg reads such streams too. This reader is here because FFmpeg decodes every picture, wanted or not, knows no
SHA-256 digest, accepts any certificate, and takes a camera's boundary and lengths at their word
(benchmarks/mjpeg_reading.py). What turns out to be no JPEG stream goes to FFmpeg: `open_http` decides.

Invariants: pictures are given in the order in which they came; one that waited while newer ones came is passed over
once it is older than _STALE_S, so that what is looked at is never older than that.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

import httpx

from edge_client.http_camera import HttpCamera
from edge_client.jpeg import FrameBGR, decode_picture
from edge_client.jpeg_stream import MAX_PICTURE_BYTES, START, JpegStream, is_whole
from edge_client.opening import OpenFailed, Opening

_STALE_S = 0.5
_MOST_WAITING_BYTES = 2 * MAX_PICTURE_BYTES
# Enough to tell a stream of JPEGs whatever its Content-Type says.
_SNIFF_BYTES = 4096


class _LiveReader:
    """What both kinds have in common, in the shape of reader.Reader."""

    fps: float | None = None
    duration_s: float | None = None
    frame_count: int | None = None
    codec: str | None = "mjpeg"
    media_time_s = 0.0
    last_name = ""

    def __init__(self) -> None:
        self.torn = 0
        self.end = ("lost", "")
        self._picture = b""

    def retrieve(self) -> FrameBGR | None:
        return decode_picture(self._picture)


class MjpegReader(_LiveReader):
    """A thread takes in what comes, so that nothing old piles up in the socket while a picture is worked on."""

    def __init__(
        self,
        chunks: Iterator[bytes],
        close: Callable[[], None],
        opening: Opening,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """chunks: may raise httpx.HTTPError. close: ends a read that another thread is waiting in."""
        super().__init__()
        self._chunks = chunks
        self._close = close
        self._timeout_s = opening.timeout_s
        self._clock = clock
        self._stream = JpegStream()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._waiting_bytes = 0
        self._last_bytes_s = clock()
        self._over: tuple[str, str] | None = None
        self._changed = threading.Condition()
        self.passed_over = 0
        """Pictures that were too old by the time they could have been looked at."""
        self._thread = threading.Thread(target=self._take_in, name="mjpeg", daemon=True)
        self._thread.start()

    def _take_in(self) -> None:
        over = ("lost", "")
        try:
            for chunk in self._chunks:
                pictures = self._stream.feed(chunk)
                with self._changed:
                    self._last_bytes_s = self._clock()
                    for picture in pictures:
                        self._waiting.append((self._last_bytes_s, picture))
                        self._waiting_bytes += len(picture)
                    while len(self._waiting) > 1 and self._waiting_bytes > _MOST_WAITING_BYTES:
                        self._pass_over()
                    self.torn = self._stream.torn
                    self._changed.notify_all()
        except httpx.TimeoutException:
            over = ("stalled", f"{self._timeout_s:g}")
        except (httpx.HTTPError, OSError):
            over = ("broken_off", "")
        with self._changed:
            self._over = over
            self._changed.notify_all()

    def _pass_over(self) -> bytes:
        _, picture = self._waiting.popleft()
        self._waiting_bytes -= len(picture)
        self.passed_over += 1
        return picture

    def grab(self) -> bool:
        with self._changed:
            deadline_s = self._clock() + self._timeout_s
            while not self._waiting:
                if self._over is not None:
                    self.end = self._over
                    return False
                left_s = deadline_s - self._clock()
                if left_s <= 0:
                    quiet = self._clock() - self._last_bytes_s >= self._timeout_s
                    self.end = ("stalled" if quiet else "no_picture", f"{self._timeout_s:g}")
                    return False
                self._changed.wait(left_s)
            while len(self._waiting) > 1 and self._clock() - self._waiting[0][0] > _STALE_S:
                self._pass_over()
            _, self._picture = self._waiting.popleft()
            self._waiting_bytes -= len(self._picture)
            return True

    def close(self) -> None:
        self._close()
        self._thread.join(1.0)  # it is a daemon: whatever holds it does not hold the process


class SnapshotReader(_LiveReader):
    """An address that answers with one picture, asked every so often. One that fails is left out and counted."""

    def __init__(
        self,
        fetch: Callable[[], bytes],
        close: Callable[[], None],
        opening: Opening,
        first: bytes,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """fetch: the next picture. Raises OpenFailed. first: the one that was fetched to find out what this is."""
        super().__init__()
        self._fetch = fetch
        self.close = close
        self._every_s = opening.poll_every_s
        self._timeout_s = opening.timeout_s
        self._clock = clock
        self._sleep = sleep
        self._first: bytes | None = first
        self._due_s = self._last_good_s = clock()
        self.fps = 1.0 / opening.poll_every_s

    def grab(self) -> bool:
        while True:
            now_s = self._clock()
            if now_s < self._due_s:
                self._sleep(self._due_s - now_s)
            # By a fixed grid; a camera that answers slowly is not asked in a rush afterwards.
            self._due_s = max(self._due_s + self._every_s, now_s)
            try:
                picture, self._first = self._first if self._first is not None else self._fetch(), None
            except OpenFailed as error:
                if error.why in ("auth", "forbidden", "no_path") or self._is_too_long():
                    self.end = (error.why, error.detail)
                    return False
                continue
            if is_whole(picture):
                self._picture, self._last_good_s = picture, self._clock()
                return True
            self.torn += 1
            if self._is_too_long():
                self.end = ("no_picture", f"{self._timeout_s:g}")
                return False

    def _is_too_long(self) -> bool:
        return self._clock() - self._last_good_s > max(self._timeout_s, 3 * self._every_s)


def open_http(target: str, opening: Opening) -> MjpegReader | SnapshotReader | None:
    """The one place that decides who reads an HTTP address: None means that FFmpeg is to try.

    FFmpeg gets what is no JPEG (clips, HLS), and what does not speak HTTP well enough for httpx. target: with its
    secrets. Raises OpenFailed.
    """
    camera = HttpCamera(target, opening)
    try:
        response = camera.get()
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind == "image/jpeg":
            first = camera.read_picture(response)
            return SnapshotReader(camera.fetch_picture, camera.close, opening, first)
        chunks = camera.chunks(response)
        head = b""
        while not _is_jpegs(kind, head) and len(head) < _SNIFF_BYTES and (chunk := next(chunks, b"")):
            head += chunk
    except httpx.RemoteProtocolError:
        camera.close()
        return None
    except BaseException:
        camera.close()
        raise
    if _is_jpegs(kind, head):
        return MjpegReader(_joined(head, chunks, camera), lambda: camera.hang_up(response), opening)
    camera.close()
    if kind in ("text/html", "application/xhtml+xml"):
        raise OpenFailed("web_page")
    return None


def _is_jpegs(kind: str, head: bytes) -> bool:
    """By its type, or by its first bytes where a camera calls it something else."""
    if kind in ("multipart/x-mixed-replace", "multipart/mixed", "video/x-motion-jpeg", "video/mjpeg"):
        return True
    return head.startswith(START) or (head.lstrip(b"\r\n").startswith(b"--") and b"image/jp" in head.lower())


def _joined(head: bytes, chunks: Iterator[bytes], camera: HttpCamera) -> Iterator[bytes]:
    """Closes the client at the end, in the thread that reads."""
    try:
        if head:
            yield head
        yield from chunks
    finally:
        camera.close()
