"""Run cameras into a stream: one child process a camera, one producer for all of them."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

from edge_client.buffer import FrameBuffer, Record
from edge_client.camera import CameraProcess
from edge_client.events import (
    CameraFailed,
    EdgeEvent,
    FrameDropped,
    FrameFailed,
    FrameGated,
    FrameSampled,
    FrameSent,
    FramesUnreadable,
)
from edge_client.gate_settings import GateSettings
from edge_client.pipe import Job
from edge_client.producer import Accepted, Producer, StreamUnusable, pump_once
from edge_client.sampler import EveryNth, PerSecond, Sampling, SamplingHours
from edge_client.screen_settings import ScreenSettings
from edge_client.source import Source, SourceError, parse_source
from framewatch.domain.frames import is_camera_id
from framewatch.domain.geometry import PolygonRel

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

DEFAULT_SAMPLING = EveryNth(30)
_END_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class EdgeCamera:
    """One camera and how to read it.

    source: device number, file, image folder, rtsp://, http:// or https:// URL; `${NAME}` comes from the environment.
    pace: matters for clips and folders alone. "realtime" plays at the clip's speed and stamps the wall clock;
        "fast" reads as fast as it can and stamps base_time + media time.
    base_time: for "fast", when the clip's first frame happened (aware). By default the start of the run less the
        clip's length, so that the last frame is about now.
    loop: a clip starts again at its end; sequence and capture time go on rising.
    reopen: a live source that worked and dropped is opened again, with backoff.
    hours: when frames are sampled at all, by capture time; None for always.
    gate: None sends every sampled frame.
    screen: what says of frames that nothing watched is in them; None says it of none.
    privacy_masks: blacked out before anything else sees the picture.
    timeout_s: a camera that does not answer, or sends nothing, for this long is gone.
    accept_self_signed: for https alone, any certificate will do.
    """

    camera_id: str
    source: str
    sampling: Sampling = DEFAULT_SAMPLING
    pace: Literal["realtime", "fast"] = "realtime"
    loop: bool = False
    base_time: datetime | None = None
    reopen: bool = True
    hours: SamplingHours | None = None
    gate: GateSettings | None = None
    screen: ScreenSettings | None = None
    privacy_masks: tuple[PolygonRel, ...] = ()
    timeout_s: float = 10.0
    accept_self_signed: bool = False


@dataclass(slots=True)
class CameraCounters:
    """sampled == gated + sent + dropped + failed when `run_edge` has returned. gated: 0 without a motion gate.

    unreadable: pictures that came and could not be used, so that none of them was sampled.
    """

    read: int = 0
    sampled: int = 0
    gated: int = 0
    sent: int = 0
    dropped: int = 0
    failed: int = 0
    unreadable: int = 0
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class EdgeReport:
    cameras: dict[str, CameraCounters]
    errors: list[str]
    """Every camera's sentences and the stream's own, in the order they happened."""

    @property
    def ok(self) -> bool:
        """No camera failed and no frame was lost. Frames dropped by a live source do not count as lost."""
        return not self.errors and all(c.failed == 0 for c in self.cameras.values())


def run_edge(
    cameras: Sequence[EdgeCamera],
    kinesis_client: "KinesisClient",
    stream_name: str,
    *,
    on_event: Callable[[EdgeEvent], None] = lambda _: None,
    stop: threading.Event | None = None,
    flush_timeout_s: float = 15.0,
) -> EdgeReport:
    """Blocks until every source has ended or `stop` is set; then no child is left and what was buffered is sent.

    A camera that fails is reported, and the others go on. Sending what is left takes at most flush_timeout_s after a
    stop; what is still unsent then is counted as failed. Raises ValueError for two cameras of one id or a malformed
    one; nothing has been started then. An exception out of `on_event` stops the run and comes out here.
    """
    stop = stop or threading.Event()
    _check(cameras)
    return _Run(cameras, kinesis_client, stream_name, on_event, stop).run(flush_timeout_s)


def _check(cameras: Sequence[EdgeCamera]) -> None:
    ids = [camera.camera_id for camera in cameras]
    for camera in cameras:
        if not is_camera_id(camera.camera_id):
            raise ValueError(
                f"camera id {camera.camera_id!r} is not lower-case letters, digits and hyphens, such as front-door"
            )
        if ids.count(camera.camera_id) > 1:
            raise ValueError(f"camera id {camera.camera_id!r} stands twice; ids must differ")
        if camera.base_time is not None and camera.base_time.tzinfo is None:
            raise ValueError(f"{camera.camera_id}: base_time has no time zone")


class _Run:
    """One call of run_edge. Its lock keeps on_event and the counters to one thread at a time."""

    def __init__(
        self,
        cameras: Sequence[EdgeCamera],
        kinesis_client: "KinesisClient",
        stream_name: str,
        on_event: Callable[[EdgeEvent], None],
        stop: threading.Event,
    ) -> None:
        self._cameras = cameras
        self._stop = stop
        self._user_on_event = on_event
        self._lock = threading.RLock()
        self._error: BaseException | None = None
        self._report = EdgeReport({c.camera_id: CameraCounters() for c in cameras}, [])
        self._buffer = FrameBuffer([c.camera_id for c in cameras])
        self._producer = Producer(kinesis_client, stream_name, on_sent=self._on_sent, on_failed=self._on_failed)
        self._processes: dict[str, CameraProcess] = {}
        self._unsent_because = "the run was broken off."

    def run(self, flush_timeout_s: float) -> EdgeReport:
        try:
            self._start_cameras()
            self._pump(flush_timeout_s)
        except StreamUnusable as error:
            self._unsent_because = str(error)
        finally:
            self._end()
        if self._error is not None:
            raise self._error
        return self._report

    def _start_cameras(self) -> None:
        started_at = datetime.now(UTC)
        for camera in self._cameras:
            camera_id = camera.camera_id
            try:
                source = parse_source(camera.source)
                if source.is_live and camera.pace == "fast":
                    raise SourceError("a live source comes at its own pace; it cannot be read fast")
                process = CameraProcess(
                    make_job(camera, source, started_at),
                    source,
                    on_event=self._on_event,
                    on_record=partial(self._on_record, drop_oldest=source.is_live),
                    on_finished=partial(self._buffer.close, camera_id),
                )
                process.start()
            except (SourceError, OSError) as error:
                self._on_event(CameraFailed(camera_id, f"{camera_id}: {error}."))
                self._buffer.close(camera_id)
            else:
                self._processes[camera_id] = process

    def _pump(self, flush_timeout_s: float) -> None:
        """The calling thread's work: brings what the cameras put into the buffer into the stream."""
        deadline_s: float | None = None
        while not (self._buffer.is_finished and self._producer.is_idle):
            if self._error is not None:
                return
            if deadline_s is None and self._stop.is_set():
                deadline_s = time.monotonic() + flush_timeout_s
                for process in self._processes.values():
                    process.stop()
            if deadline_s is not None and time.monotonic() > deadline_s:
                self._unsent_because = f"not sent within {flush_timeout_s:g} s after the stop."
                return
            pump_once(self._buffer, self._producer)

    def _end(self) -> None:
        """Whatever happened: no child is left, and every record that is still here has been counted."""
        for process in self._processes.values():
            process.stop()
        self._producer.give_up(self._unsent_because)
        for record in self._buffer.abort():
            self._on_failed(record, self._unsent_because)
        for camera_id, process in self._processes.items():
            if not process.finished.wait(_END_PATIENCE_S):
                process.kill()
                process.finished.wait(_END_PATIENCE_S)
            self._report.cameras[camera_id].read = process.frames_read

    def _on_event(self, event: EdgeEvent) -> None:
        with self._lock:
            counters = self._report.cameras[event.camera_id]
            match event:
                case FrameSampled():
                    counters.sampled += 1
                case FrameGated():
                    counters.sampled += 1
                    counters.gated += 1
                case FrameSent():
                    counters.sent += 1
                case FrameDropped():
                    counters.dropped += 1
                case FramesUnreadable(count=count):
                    counters.unreadable += count
                case FrameFailed(message=message):
                    counters.failed += 1
                    self._add_error(counters, message)
                case CameraFailed(message=message):
                    self._add_error(counters, message)
                case _:
                    pass
            if self._error is not None:
                return
            try:
                self._user_on_event(event)
            except BaseException as error:  # noqa: BLE001 - run_edge raises it again, in the caller's thread
                self._error = error
                self._buffer.wake()

    def _add_error(self, counters: CameraCounters, message: str) -> None:
        """Once each: a thousand frames that fail for one reason are one sentence and a count."""
        for errors in (counters.errors, self._report.errors):
            if message not in errors:
                errors.append(message)

    def _on_record(self, record: Record, *, drop_oldest: bool) -> None:
        for homeless in self._buffer.put(record, drop_oldest=drop_oldest):
            if homeless is record:
                self._on_failed(record, self._unsent_because)
            else:
                self._on_event(FrameDropped(homeless.camera_id, homeless.frame_id))

    def _on_sent(self, accepted: Accepted) -> None:
        self._buffer.ack(accepted.record)
        self._on_event(
            FrameSent(
                camera_id=accepted.record.camera_id,
                frame_id=accepted.record.frame_id,
                shard_id=accepted.shard_id,
                sequence_number=accepted.sequence_number,
                sent_at=datetime.now(UTC),
                tries=accepted.tries,
            )
        )

    def _on_failed(self, record: Record, message: str) -> None:
        self._buffer.ack(record)
        self._on_event(FrameFailed(record.camera_id, record.frame_id, message))


def make_job(camera: EdgeCamera, source: Source, started_at: datetime, *, supervised: bool = False) -> Job:
    sampling = camera.sampling
    return Job(
        camera_id=camera.camera_id,
        kind=source.kind,
        target=source.target,
        every_nth=sampling.n if isinstance(sampling, EveryNth) else None,
        per_second=sampling.fps if isinstance(sampling, PerSecond) else None,
        pace=camera.pace,
        loop=camera.loop,
        reopen=camera.reopen and not supervised,
        base_time=camera.base_time.astimezone(UTC).isoformat() if camera.base_time else None,
        run_started_at=started_at.isoformat(),
        progress_fd=None,
        hours=camera.hours.texts if camera.hours else (),
        time_zone=camera.hours.time_zone if camera.hours else "UTC",
        supervised=supervised,
        gate=camera.gate.model_dump(mode="json") if camera.gate is not None else None,
        screen=camera.screen.model_dump(mode="json") if camera.screen is not None else None,
        privacy_masks=[[list(point) for point in polygon] for polygon in camera.privacy_masks],
        timeout_s=camera.timeout_s,
        accept_self_signed=camera.accept_self_signed,
    )
