"""The child process, one a camera: read -> sample -> mask -> gate -> encode -> envelope -> pipe.

It lives apart because some files make the decoder abort its whole process. The parent gives the job on stdin and
keeps that open; when it closes, because this camera is to stop or because the parent died, this process ends, at
once where it reads and after the whole frame where it has one in hand. Messages go out on what was
stdout; a library that prints writes to stderr, which the parent keeps a few lines of.
"""

import json
import mmap
import os
import random
import secrets
import select
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import cv2

from edge_client.clip_clock import ClipClock
from edge_client.gate import MotionGate
from edge_client.gate_settings import GateDecision, GateSettings
from edge_client.jpeg import DEFAULT_QUALITY, FrameBGR, encode_to_fit
from edge_client.masks import PrivacyMasks
from edge_client.opening import OpenFailed, Opening
from edge_client.pipe import PROGRESS, SHARED_BYTES, SLOW_BY, Facts, Job, Kind, send
from edge_client.reader import FALLBACK_FPS, Reader, open_reader
from edge_client.sampler import EveryNth, PerSecond, Sampler, SamplingHours, SlowedSampler, make_sampler
from edge_client.screen import Screen
from edge_client.screen_settings import ScreenSettings, Verdict
from edge_client.source import Source, SourceKind
from framewatch.domain.errors import FrameTooLarge, FrameTooSmall
from framewatch.domain.frames import Frame, FrameMeta, FrameRef, Gate, GateReason, VisionHint, make_boot_id
from framewatch.domain.geometry import checked_polygon
from framewatch.wire.envelope import MAX_RECORD_BYTES, encode_envelope

# A header is some 300 bytes; room for a motion gate's hundred boxes stays.
_HEADER_ROOM = 12 * 1024
_BACKOFF_FIRST_S, _BACKOFF_MOST_S = 1.0, 30.0
# A container's frame count is an estimate; a clip that yields less than this share of it is damaged.
_WHOLE_SHARE = 0.9
# A camera none of whose pictures can be decoded is opened anew, once so many were tried in vain.
_VAIN_TRIES = 3
# A camera that tears every picture must not flood the pipe with counts.
_TELL_TORN_EVERY_S = 1.0
# A frame in hand is handed over within milliseconds, unless the parent is stuck itself.
_HAND_OVER_PATIENCE_S = 2.0
_SENT_UNASKED = GateDecision(True, GateReason.FORCED)

Emit = Callable[[Kind, Facts, bytes], None]


class Worker:
    """One camera's life. Ends by returning; its last message says why."""

    def __init__(
        self, job: Job, emit: Emit, progress: Callable[[int], None], slow_by: Callable[[], int] = lambda: 1
    ) -> None:
        """slow_by: asked for each frame that would be sampled; see SlowedSampler."""
        self._job = job
        self._emit = emit
        self._progress = progress
        self._source = Source(SourceKind(job.kind), job.target, "")
        sampling = PerSecond(job.per_second) if job.per_second is not None else EveryNth(job.every_nth or 1)
        self._sampler: Sampler = SlowedSampler(make_sampler(sampling), slow_by)
        self._hours = SamplingHours(tuple(job.hours), job.time_zone) if job.hours else None
        polygons = [checked_polygon([(x, y) for x, y in polygon]) for polygon in job.privacy_masks]
        self._masks = PrivacyMasks(polygons)
        settings = GateSettings.model_validate_json(json.dumps(job.gate)) if job.gate is not None else None
        self._gate = MotionGate(settings, polygons) if settings is not None and settings.enabled else None
        screen = ScreenSettings.model_validate_json(json.dumps(job.screen)) if job.screen is not None else None
        self._screen = Screen(screen, self._warn) if screen is not None else None
        self._analysed: FrameRef | None = None
        """Of the frames that were sent, the last that repeated no other."""
        self._verdict: Verdict | None = None
        """The screen's on that one."""
        self._boot_id = make_boot_id(datetime.now(UTC), secrets.token_bytes(3))
        self._seq = 0
        self._index = 0  # of the next frame, over all passes and reconnects
        self._announced_wh: tuple[int, int] | None = None
        self._skipped: set[str] = set()
        """For their size: why, as far as it was told since the source was opened."""
        self._unreadable = 0
        self._in_vain = 0  # wanted pictures that could not be decoded or sent, since the last that could
        self._why_in_vain = ("", "")  # the last of them, for explain.py
        self._last_good_s = 0.0
        self._told_torn = 0
        self._next_torn_s = 0.0
        self._opening = Opening(
            timeout_s=job.timeout_s,
            accept_self_signed=job.accept_self_signed,
            poll_every_s=1.0 / job.per_second if job.per_second else 1.0,
        )
        self._first_unreadable = ""
        self.frame_in_hand = threading.Lock()

    def run(self) -> None:
        if self._source.is_live:
            self._run_live()
        else:
            self._run_clip()

    def _run_live(self) -> None:
        started = time.monotonic()
        tries = 0
        while True:
            read_before = self._index
            try:
                reader = open_reader(self._source, self._opening)
            except OpenFailed as error:
                if read_before == 0 or not self._job.reopen:
                    self._fail(error.why, error.detail)
                    return
                why, detail = error.why, error.detail
            else:
                why, detail = self._read_live(reader, started)
                finite = reader.duration_s is not None
                reader.close()
                if self._index == 0 or (self._seq == 0 and why in ("undecodable", "all_skipped")):
                    self._fail("no_frames" if why == "lost" else why, detail)
                    return
                if finite or not self._job.reopen:
                    reason = "the clip behind the URL ended" if finite else "the stream ended"
                    self._emit(Kind.ENDED, {"reason": reason, "why": why, "detail": detail}, b"")
                    return
            if self._index > read_before:
                tries = 0
            # Full jitter would hammer a camera that is starting up; half is enough to spread many of them.
            wait_s = min(_BACKOFF_MOST_S, _BACKOFF_FIRST_S * 2**tries) * random.uniform(0.5, 1.0)  # noqa: S311
            tries += 1
            self._announced_wh = None
            self._skipped.clear()
            self._emit(Kind.LOST, {"why": why, "detail": detail, "retry_in_s": round(wait_s, 1)}, b"")
            time.sleep(wait_s)

    def _read_live(self, reader: Reader, started_s: float) -> tuple[str, str]:
        """Until it ends; returns why, for explain.py."""
        opened_s = self._last_good_s = time.monotonic()
        self._in_vain = self._told_torn = 0
        while reader.grab():
            now_s, at = time.monotonic(), datetime.now(UTC)
            self._take(reader, now_s - started_s, lambda at=at: at, now_s - opened_s, loop=0)  # type: ignore[misc]
            if now_s >= self._next_torn_s:
                self._tell_torn(reader)
                self._next_torn_s = now_s + _TELL_TORN_EVERY_S
            if self._in_vain >= _VAIN_TRIES and now_s - self._last_good_s > self._job.timeout_s:
                self._tell_torn(reader)
                return self._why_in_vain
        self._tell_torn(reader)
        return reader.end

    def _tell_torn(self, reader: Reader) -> None:
        if new := reader.torn - self._told_torn:
            self._told_torn = reader.torn
            self._emit(Kind.UNREADABLE, {"reason": "torn", "count": new}, b"")

    def _run_clip(self) -> None:
        offset_s, loop = 0.0, 0
        clock = ClipClock(self._job)
        while True:
            try:
                reader = open_reader(self._source, self._opening)
            except OpenFailed as error:
                self._fail(error.why, error.detail)
                return
            if loop == 0:
                clock.start(reader.duration_s)
            read_before, seq_before, last_s = self._index, self._seq, 0.0
            while reader.grab():
                last_s = reader.media_time_s
                total_s = offset_s + last_s
                self._take(reader, total_s, lambda t=total_s: clock.stamp(t), last_s, loop=loop)  # type: ignore[misc]
            claimed, period_s = reader.frame_count, 1.0 / (reader.fps or FALLBACK_FPS)
            reader.close()  # here at the latest a heap that the decoder broke aborts: before the end is told
            read = self._index - read_before
            if loop == 0 and not self._is_sound(read, claimed):
                return
            if not self._job.loop:
                self._emit(Kind.ENDED, {"reason": "the end of the source", "why": "", "detail": ""}, b"")
                return
            if self._seq == seq_before and self._unreadable:
                self._fail("all_unreadable")
                return
            offset_s += last_s + period_s
            loop += 1

    def _is_sound(self, read: int, claimed: int | None) -> bool:
        if read == 0:
            self._fail("no_frames")
            return False
        if self._unreadable:
            if self._seq == 0:
                self._fail("all_unreadable")
                return False
            many = f"{self._unreadable} unreadable pictures, the first of them"
            what = "an unreadable picture" if self._unreadable == 1 else many
            message = f"skipped {what} {self._first_unreadable}".rstrip()
            self._warn(message)
        if self._skipped and self._seq == 0:
            self._fail(*self._why_in_vain)
            return False
        if claimed and read < claimed * _WHOLE_SHARE:
            message = f"the clip says it has {claimed} frames, {read} could be decoded; it may be damaged"
            self._warn(message)
        return True

    def _take(
        self, reader: Reader, total_s: float, stamp: Callable[[], datetime], media_time_s: float, *, loop: int
    ) -> None:
        """One grabbed frame: count it, and send it if the sampler wants it."""
        index = self._index
        self._index = index + 1
        self._progress(self._index)
        if not self._sampler.wants(index, total_s):
            return
        captured_at, read_at = stamp(), datetime.now(UTC)
        if self._hours is not None and not self._hours.are_open(captured_at):
            return
        with self.frame_in_hand:
            frame_bgr = reader.retrieve()
            if frame_bgr is None:
                self._note_unreadable(reader)
                return
            self._announce(reader, frame_bgr)
            # First of all: what is masked is seen by nothing, not even the gate.
            self._masks.apply(frame_bgr)
            decision = _SENT_UNASKED if self._gate is None else self._gate.consider(frame_bgr, total_s)
            if isinstance(decision.reason, GateReason):
                facts: Facts = {"media_time_s": media_time_s, "loop": loop}
                gate = Gate(decision.reason, decision.boxes_xyxy_rel)
                self._send(frame_bgr, gate, captured_at, read_at, facts, repeats=decision.repeats)
            else:
                self._note_good()
                facts = {"reason": decision.reason, "captured_at": captured_at.isoformat()}
                self._emit(Kind.GATED, facts | {"media_time_s": media_time_s}, b"")

    def _note_good(self) -> None:
        self._in_vain, self._last_good_s = 0, time.monotonic()

    def _note_unreadable(self, reader: Reader) -> None:
        self._unreadable += 1
        self._in_vain += 1
        self._why_in_vain = ("undecodable", f"{self._job.timeout_s:g}")
        if self._unreadable == 1:
            self._first_unreadable = reader.last_name
        self._emit(Kind.UNREADABLE, {"reason": "undecodable", "count": 1}, b"")

    def _announce(self, reader: Reader, frame_bgr: FrameBGR) -> None:
        """At the first picture, and again where a camera changes their size."""
        height, width = frame_bgr.shape[:2]
        if self._announced_wh == (width, height):
            return
        if self._announced_wh and not self._source.is_live:
            return  # images of a folder differ as they like
        self._announced_wh = (width, height)
        facts = {"width": width, "height": height, "fps": reader.fps, "duration_s": reader.duration_s}
        facts |= {"frame_count": reader.frame_count, "codec": reader.codec}
        self._emit(Kind.OPENED, facts, b"")

    def _send(
        self,
        frame_bgr: FrameBGR,
        gate: Gate,
        captured_at: datetime,
        read_at: datetime,
        facts: Facts,
        *,
        repeats: bool,
    ) -> None:
        try:
            jpeg, width, height = encode_to_fit(frame_bgr, MAX_RECORD_BYTES - _HEADER_ROOM, DEFAULT_QUALITY)
        except FrameTooLarge as error:
            self._skip("too_large", error)
            return
        except FrameTooSmall as error:
            self._skip("too_small", error)
            return
        self._note_good()
        hint = self._hint(frame_bgr, repeats=repeats)
        meta = FrameMeta(self._job.camera_id, self._boot_id, self._seq, captured_at, width, height, gate, hint)
        self._seq += 1
        if hint.same_as is None:
            self._analysed = FrameRef(meta.boot_id, meta.seq, captured_at)
        record = encode_envelope(Frame(meta, jpeg))
        facts |= {
            "frame_id": meta.frame_id,
            "captured_at": captured_at.isoformat(),
            "read_at": read_at.isoformat(),
            "width": width,
            "height": height,
            "repeats": hint.same_as is not None,
            "screen": self._verdict,
        }
        self._emit(Kind.FRAME, facts, record)

    def _skip(self, reason: str, error: Exception) -> None:
        if reason not in self._skipped:
            self._skipped.add(reason)
            self._warn(f"frames are skipped: {error}")
        self._in_vain += 1
        self._why_in_vain = ("all_skipped", str(error))
        self._emit(Kind.UNREADABLE, {"reason": reason, "count": 1}, b"")
        self._analysed = None  # what the gate compares with from now on was never sent

    def _hint(self, frame_bgr: FrameBGR, *, repeats: bool) -> VisionHint:
        """What the screen said of a frame holds for those that repeat it: it need not be asked again."""
        same_as = self._analysed if repeats else None
        if same_as is None and self._screen is not None:
            self._verdict = self._screen.look(frame_bgr)
        return VisionHint(same_as, screened_out=self._verdict is Verdict.NOTHING)

    def _warn(self, message: str) -> None:
        self._emit(Kind.WARNING, {"message": message}, b"")

    def _fail(self, why: str, detail: str = "") -> None:
        self._emit(Kind.FAILED, {"why": why, "detail": detail}, b"")


def _end_with_stdin(frame_in_hand: threading.Lock) -> None:
    """Returns never: waits for the end of stdin, which comes when the parent closes it or dies.

    By a thread and not by a signal: Python handles signals between two steps of the main thread, which may hang in
    the decoder.
    """
    while os.read(0, 4096):
        pass
    frame_in_hand.acquire(timeout=_HAND_OVER_PATIENCE_S)
    os._exit(0)


def main() -> None:
    # Messages keep the old stdout to themselves; anything that prints goes where noise goes.
    out_fd = os.dup(1)
    os.dup2(2, 1)
    # The gate's pictures are small, and the box has other cameras: OpenCV's threads would mostly wait for each other
    # (measured: 4.6 ms of CPU a frame instead of 3.3). Decoding has threads of its own.
    cv2.setNumThreads(1)
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            os._exit(0)
        line += byte
    job = Job.from_json(bytes(line))
    # Without the parent's memory, one of its own that nobody reads.
    shared = mmap.mmap(-1 if job.progress_fd is None else job.progress_fd, SHARED_BYTES)

    def progress(read: int) -> None:
        PROGRESS.pack_into(shared, 0, read)

    def slow_by() -> int:
        return int(SLOW_BY.unpack_from(shared, PROGRESS.size)[0])

    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(out_fd, view) :]

    if select.select([0], [], [], 0)[0]:  # stopped while this process was starting: not one frame more
        os._exit(0)
    worker = Worker(job, lambda kind, facts, record: send(write, kind, facts, record), progress, slow_by)
    threading.Thread(target=_end_with_stdin, args=(worker.frame_in_hand,), daemon=True).start()
    try:
        worker.run()
    except BrokenPipeError:
        os._exit(0)  # the parent is gone; there is nobody to tell
    sys.stderr.flush()
    # Without Python's and the decoder's own clean-up: all is said, and a library may hang or abort there.
    os._exit(0)


if __name__ == "__main__":
    main()
