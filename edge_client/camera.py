"""The parent's end of one camera: starts its child, turns its messages into events, tells how it died."""

import contextlib
import mmap
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO

from edge_client.buffer import Record
from edge_client.events import (
    CameraEnded,
    CameraFailed,
    CameraLost,
    CameraWarning,
    EdgeEvent,
    FrameGated,
    FrameSampled,
    FramesUnreadable,
    Opened,
)
from edge_client.explain import (
    Cause,
    cause_of,
    explain_crash,
    explain_loss,
    explain_open_failure,
    explain_unreadable,
)
from edge_client.gate_settings import WithheldReason
from edge_client.pipe import PROGRESS, SHARED_BYTES, SLOW_BY, Facts, Job, Kind, receive
from edge_client.screen_settings import Verdict
from edge_client.source import Source

_NOISE_LINES = 40
_NOISE_LINE_BYTES = 4096
_NOISE_LINE_CHARS = 300
_TERM_PATIENCE_S = 2.0
# "[OPENCV:FFMPEG:24] ", "[h264 @ 0x55d0c0] ", "[ WARN:0@1.2] global cap.cpp:212 open ": of no use to a reader.
_NOISE_PREFIX = re.compile(r"^(\[[^\]]*\]\s*)+")
CHILD_ENV = {
    # UDP loses packets that then show as smeared pictures; every camera can do TCP.
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp",
    # Warnings (24) hold what the sentences need: HTTP status, refused connections. They go no further than the tail.
    "OPENCV_FFMPEG_DEBUG": "1",
    "OPENCV_FFMPEG_LOGLEVEL": "24",
    "OPENCV_LOG_LEVEL": "ERROR",
    # A few kilobytes can say that they are a picture of a gigapixel. An 8K picture has half of this.
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(64 * 1024 * 1024),
}


class CameraProcess:
    """One camera while it runs. When its child is gone and its last event out: on_finished, and `finished` is set."""

    def __init__(
        self,
        job: Job,
        source: Source,
        *,
        on_event: Callable[[EdgeEvent], None],
        on_record: Callable[[Record], None],
        on_finished: Callable[[], None],
    ) -> None:
        self._job = job
        self._source = source
        self._on_event = on_event
        self._on_record = on_record
        self._on_finished = on_finished
        self._stopping = False
        self._noise: deque[str] = deque(maxlen=_NOISE_LINES)
        self._told: set[str] = set()  # reasons of unreadable pictures, since the source was opened
        self._last_word: tuple[Kind, Facts] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._shared: mmap.mmap | None = None
        self._slow_by = 1
        self.finished = threading.Event()
        self.is_delivering = False
        """A record of it waits for room: that the child then reads nothing is no fault of the camera."""

    @property
    def frames_read(self) -> int:
        return int(PROGRESS.unpack_from(self._shared)[0]) if self._shared is not None else 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        # Shared memory, so that the count survives a child that aborts without a word.
        with tempfile.TemporaryFile() as file:
            file.truncate(SHARED_BYTES)
            self._shared = mmap.mmap(file.fileno(), SHARED_BYTES)
            self.slow_down(self._slow_by)
            root = str(Path(__file__).resolve().parent.parent)
            path = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)
            # A group of its own: Ctrl-C in a terminal is the parent's to handle.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "edge_client.worker", self._job.camera_id],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **CHILD_ENV, "PYTHONPATH": path},
                pass_fds=(file.fileno(),),
                process_group=0,
            )
            self._tell_job(file.fileno())
            threading.Thread(target=self._follow, name=f"camera {self._job.camera_id}", daemon=True).start()

    def _tell_job(self, progress_fd: int) -> None:
        assert self._process is not None and self._process.stdin is not None  # noqa: S101 - opened as a pipe
        job = replace(self._job, progress_fd=progress_fd)
        with contextlib.suppress(BrokenPipeError):  # it died at once; its end tells how
            self._process.stdin.write(job.to_json().encode() + b"\n")
            self._process.stdin.flush()

    def slow_down(self, slow_by: int) -> None:
        """From the next frame on, takes only each so many-th of those that it would sample. Before or after start."""
        self._slow_by = slow_by
        if self._shared is not None:
            SLOW_BY.pack_into(self._shared, PROGRESS.size, slow_by)

    def stop(self) -> None:
        """Asks the child to end: at once where it is reading, after the whole frame where it has one in hand."""
        self._stopping = True
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def kill(self) -> None:
        self._stopping = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def _follow(self) -> None:
        """A thread of its own, from the child's first message until it is gone."""
        process = self._process
        assert process is not None and process.stdout is not None and process.stderr is not None  # noqa: S101
        listener = threading.Thread(target=self._listen, args=(process.stderr,), daemon=True)
        listener.start()
        try:
            while (message := receive(process.stdout)) is not None:
                self._handle(*message)
        finally:
            process.stdout.close()
            assert process.stdin is not None  # noqa: S101
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(_TERM_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
            returncode = process.wait()
            listener.join(_TERM_PATIENCE_S)
            try:
                self._on_event(self._farewell(returncode))
            finally:
                self._on_finished()
                self.finished.set()

    def _listen(self, stderr: IO[bytes]) -> None:
        """Keeps the last lines of what libraries print: it must neither flood a terminal nor block the child."""
        with stderr:
            in_long_line = False
            while line := stderr.readline(_NOISE_LINE_BYTES):
                # The rest of an overlong line could start with half a secret, which redacting would not know.
                was_in_long_line, in_long_line = in_long_line, not line.endswith(b"\n")
                if was_in_long_line:
                    continue
                text = _NOISE_PREFIX.sub("", self._source.redact(line.decode(errors="replace")).strip())
                if text:
                    self._noise.append(text[:_NOISE_LINE_CHARS])

    def _handle(self, kind: Kind, facts: Facts, data: bytes) -> None:
        camera_id = self._job.camera_id
        if kind is Kind.FRAME:
            facts["captured_at"] = datetime.fromisoformat(facts["captured_at"])
            facts["read_at"] = datetime.fromisoformat(facts["read_at"])
            facts["screen"] = Verdict(facts["screen"]) if facts["screen"] is not None else None
            self._on_event(FrameSampled(camera_id=camera_id, **facts))
            self.is_delivering = True
            self._on_record(Record(camera_id, facts["frame_id"], data))
            self.is_delivering = False
        elif kind is Kind.GATED:
            reason, captured_at = WithheldReason(facts["reason"]), datetime.fromisoformat(facts["captured_at"])
            self._on_event(FrameGated(camera_id, reason, captured_at, facts["media_time_s"]))
        elif kind is Kind.OPENED:
            self._noise.clear()  # what was said on the way there explains no later trouble
            self._on_event(Opened(camera_id=camera_id, source=self._source.redacted, **facts))
        elif kind is Kind.WARNING:
            message = f"{camera_id}: {self._source.redacted}: {facts['message']}."
            self._on_event(CameraWarning(camera_id, message))
        elif kind is Kind.LOST:
            why, noise, retry_in_s = facts["why"], list(self._noise), facts["retry_in_s"]
            message = explain_loss(camera_id, self._source, why, noise, retry_in_s, detail=facts["detail"])
            self._noise.clear()
            self._told.clear()
            self._on_event(CameraLost(camera_id, message, retry_in_s, cause_of(self._source, why, noise)))
        elif kind is Kind.UNREADABLE:
            reason = facts["reason"]
            self._on_event(FramesUnreadable(camera_id, reason, facts["count"]))
            # A clip tells of its unreadable pictures once, at its end; of their size the worker gives the figures.
            if self._source.is_live and not reason.startswith("too_") and reason not in self._told:
                self._told.add(reason)
                self._on_event(CameraWarning(camera_id, explain_unreadable(camera_id, self._source, reason)))
        elif kind is Kind.ENDED or kind is Kind.FAILED:
            self._last_word = (kind, facts)

    def _farewell(self, returncode: int) -> EdgeEvent:
        camera_id = self._job.camera_id
        noise = list(self._noise)
        if self._last_word is not None:
            kind, facts = self._last_word
            why, detail = facts["why"], facts["detail"]
            cause = cause_of(self._source, why, noise)
            if kind is Kind.FAILED:
                return CameraFailed(
                    camera_id, explain_open_failure(camera_id, self._source, why, detail, noise), cause
                )
            if self._job.supervised and self._source.is_live:
                message = explain_loss(camera_id, self._source, why, noise, None, detail=detail)
                return CameraFailed(camera_id, message, cause)
            return CameraEnded(camera_id, facts["reason"])
        if self._stopping:
            return CameraEnded(camera_id, "stopped")
        message = explain_crash(camera_id, self._source, returncode, self.frames_read, noise)
        return CameraFailed(camera_id, message, Cause.CRASHED)
