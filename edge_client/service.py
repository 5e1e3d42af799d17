"""The unattended service: supervised cameras -> spool -> stream, reloaded when its file changes, told on 127.0.0.1.

Everything here is wiring; each part says in its own file what it promises.
"""

import importlib.metadata
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from edge_client.buffer import Dropped, DropReason, Named, Record
from edge_client.config import EdgeConfig, EdgeFileError
from edge_client.config_watch import ConfigSource, ConfigWatch
from edge_client.control import beside
from edge_client.control_watch import ControlWatch
from edge_client.events import CameraWarning, EdgeEvent, FrameGated, FrameSampled, Opened
from edge_client.folder_lock import SpoolError
from edge_client.heartbeat import HEARTBEAT_EVERY_S, CameraReport, Heartbeats
from edge_client.ledger import Ledger
from edge_client.lifecycle import Tell
from edge_client.service_log import ServiceLog
from edge_client.spool import Spool
from edge_client.status import BoxState, CameraView, StatusServer
from edge_client.supervisor import CameraPlan, CameraStatus, Supervisor
from edge_client.uplink import Uplink
from framewatch.domain.edge_control import EdgeControl
from framewatch.domain.frames import make_boot_id
from framewatch.domain.heartbeats import CameraCounts, SpoolDepth
from framewatch.wire.envelope import format_utc

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

FLUSH_S = 5.0
_TICK_S = 1.0
_PROGRESS_EVERY_S = 10.0
_NEWS_OF_LOSSES_EVERY_S = 60.0
# The sections of the edge file that a running service cannot take in.
_FIXED = ("box", "stream", "spool", "status", "control")
_MIB = 1024 * 1024
_LOST: dict[DropReason | None, str] = {
    DropReason.NO_ROOM: "the spool is full, so its oldest frames made room; give it more (spool.max_mib)",
    DropReason.NOT_WRITTEN: "the disk did not take them and the stream did not in time; check the disk",
    DropReason.DAMAGED: "the disk gave them back damaged; check the disk",
    None: "they came after the end",
}

KinesisFactory = Callable[[str | None], "KinesisClient"]


class EdgeService:
    """One run. kinesis: makes a client for a region; called again when new credentials may help. sources: opens the
    control document, a path or s3://bucket/key; it raises ValueError with a sentence."""

    def __init__(
        self,
        source: ConfigSource,
        kinesis: KinesisFactory,
        log: ServiceLog,
        *,
        sources: Callable[[str], ConfigSource],
        stop: threading.Event,
        flush_s: float = FLUSH_S,
        heartbeat_every_s: float = HEARTBEAT_EVERY_S,
    ) -> None:
        self._source = source
        self._kinesis = kinesis
        self._log = log
        self._stop = stop
        self._flush_s = flush_s
        self._heartbeat_every_s = heartbeat_every_s
        self._reload = threading.Event()
        self._started_at = self._loaded_at = datetime.now(UTC)
        self._version = importlib.metadata.version("framewatch")
        self._config_error = self._control_error = ""
        self._sources = sources
        self._control: ControlWatch | None = None
        self._ledger = Ledger()
        self._watch = ConfigWatch(source, on_change=self._on_config, on_error=self._on_config_error)
        self._supervisor = Supervisor(on_event=self._on_event, on_record=self._on_record, on_news=self._on_news)
        self._losses: dict[str, int] = {}
        self._losses_lock = threading.Lock()

    def ask_reload(self) -> None:
        """Read the edge file, and try the cameras that wait. May be called in a signal handler."""
        self._reload.set()

    def run(self) -> int:
        """Until `stop` is set. Returns 0, or 1 where it cannot start, and then it has said why."""
        try:
            self._config = self._first = self._watch.load()
            self._control = self._open_control(self._config)
            self._spool = self._open_spool(self._config)
        except (EdgeFileError, SpoolError, ValueError) as error:
            self._log.say("cannot-start", str(error), error=True)
            return 1
        try:
            server = StatusServer(self._config.status.port, self.look)
        except OSError as error:
            port = self._config.status.port
            message = f"port {port} of 127.0.0.1 is not free ({error.strerror}); set status.port to another one."
            self._log.say("cannot-start", message, error=True)
            self._spool.abort()
            return 1
        self._uplink = Uplink(
            self._spool,
            self._ledger,
            self._config.stream.name,
            lambda: self._kinesis(self._first.stream.region),
            on_trouble=self._on_stream,
            on_failed=lambda record, message: self._lose(record.camera_id, message),
        )
        self._log.say(
            "start",
            f"{self._config.box}: {len(self._config.cameras)} cameras into {self._config.stream.name};"
            f" state on http://127.0.0.1:{server.port}/state.json",
        )
        self._uplink.start()
        self._supervisor.start()
        self._supervisor.apply(_plans(self._config))
        server.start()
        self._watch.start()
        if self._control is not None:
            self._control.start()
        notify("READY=1")
        try:
            self._loop()
        finally:
            self._end()
            server.stop()
        return 0

    def _open_control(self, config: EdgeConfig) -> ControlWatch | None:
        where = config.control or beside(self._source.name)
        return ControlWatch(self._sources(where), on_error=self._on_control_error) if where else None

    def _open_spool(self, config: EdgeConfig) -> Spool:
        spool = Spool(
            Path(config.spool.folder).expanduser(),
            max_bytes=config.spool.max_mib * _MIB,
            on_dropped=self._on_lost,
            on_trouble=lambda message: self._log.say("spool", message, error=True),
        )
        left = {camera_id: spool.depth(camera_id).records for camera_id in spool.camera_ids}
        for camera_id, records in left.items():
            self._ledger.recovered(camera_id, records)
        if any(left.values()):
            self._log.say("spool", f"the spool holds {sum(left.values())} frames of an earlier run; they are sent.")
        for camera in config.cameras:
            spool.open(camera.id)
        return spool

    def _loop(self) -> None:
        boot_id = make_boot_id(self._started_at, secrets.token_bytes(3))
        heartbeats = Heartbeats(self._config.box, boot_id, self._version)
        # The first one soon: that a box came up is news.
        next_heartbeat_s = time.monotonic() + min(10.0, self._heartbeat_every_s)
        next_progress_s = time.monotonic() + _PROGRESS_EVERY_S
        next_losses_s = time.monotonic()
        while not self._stop.wait(_TICK_S):
            now_s = time.monotonic()
            if self._reload.is_set():
                self._reload.clear()
                self._watch.ask()
                self._supervisor.retry_now()
            self._slow_down()
            if now_s >= next_heartbeat_s:
                next_heartbeat_s = now_s + self._heartbeat_every_s
                self._send_heartbeats(heartbeats)
            if now_s >= next_progress_s:
                next_progress_s = now_s + _PROGRESS_EVERY_S
                self._tell_progress()
            if now_s >= next_losses_s:
                next_losses_s = now_s + _NEWS_OF_LOSSES_EVERY_S
                self._tell_losses()
            if self._uplink.is_alive and self._supervisor.is_looking:
                notify("WATCHDOG=1")

    def _end(self) -> None:
        notify("STOPPING=1")
        self._log.say("stop", "stopping: the cameras end, what they hold goes to the spool.")
        self._watch.stop()
        if self._control is not None:
            self._control.stop()
        self._supervisor.stop()
        self._uplink.stop(self._flush_s)
        for lost in self._spool.abort():
            self._on_lost(lost)
        self._tell_losses()
        accounts = {camera_id: self._ledger.account(camera_id) for camera_id in self._ledger.camera_ids}
        for camera_id, a in accounts.items():
            self._log.say(
                "account",
                f"{camera_id}: {a.sampled} taken, {a.sent} sent, {sum(a.gated.values())} kept back by the gate,"
                f" {a.dropped} dropped, {a.failed} failed, {a.waiting} wait in the spool",
                camera_id=camera_id,
            )

    # -- what comes from the cameras

    def _on_event(self, event: EdgeEvent) -> None:
        match event:
            case FrameSampled():
                self._ledger.sampled(event.camera_id, repeats=event.repeats, screen=event.screen)
                if self._log.verbose:
                    self._log.say("frame", f"{event.camera_id}: took {event.frame_id}", camera_id=event.camera_id)
            case FrameGated():
                self._ledger.gated(event.camera_id, event.reason)
                if self._log.verbose:
                    message = f"{event.camera_id}: kept a frame back: {event.reason}"
                    self._log.say("gated", message, camera_id=event.camera_id)
            case Opened():
                fps = f", {event.fps:g} frames/s" if event.fps else ""
                message = f"{event.camera_id}: reading {event.source}, {event.width}x{event.height}{fps}"
                self._log.say("opened", message, camera_id=event.camera_id)
            case CameraWarning():
                self._log.say("warning", event.message, error=True, camera_id=event.camera_id)

    def _on_record(self, record: Record, live: bool) -> None:
        for lost in self._spool.put(record, drop_oldest=live):
            self._on_lost(lost)

    def _on_lost(self, lost: Named) -> None:
        self._ledger.dropped(lost.camera_id)
        reason = lost.reason if isinstance(lost, Dropped) else None
        self._lose(lost.camera_id, _LOST[reason])

    def _on_news(self, camera_id: str, news: Tell) -> None:
        message = news.message if news.message.startswith(camera_id) else f"{camera_id}: {news.message}"
        self._log.say(news.state, message, error=news.is_error, camera_id=camera_id)

    # -- what comes from the stream and the file

    def _on_stream(self, trouble: str | None) -> None:
        self._log.say("stream", trouble or "the stream takes frames again.", error=trouble is not None)

    def _lose(self, camera_id: str, message: str) -> None:
        """Told once a minute at most: a full spool loses a frame for each that comes."""
        with self._losses_lock:
            key = f"{camera_id}: {message}"
            self._losses[key] = self._losses.get(key, 0) + 1

    def _tell_losses(self) -> None:
        with self._losses_lock:
            losses, self._losses = self._losses, {}
        for message, count in losses.items():
            self._log.say("lost", f"{message} ({count} frames).", error=True)

    def _on_config(self, config: EdgeConfig) -> None:
        self._config, self._loaded_at = config, datetime.now(UTC)
        for camera in config.cameras:
            self._spool.open(camera.id)
        changed = self._supervisor.apply(_plans(config))
        what = ", ".join(f"{camera_id} {how}" for camera_id, how in sorted(changed.items())) or "no camera changed"
        self._log.say("config", f"{self._source.name} is read again: {what}.")
        if late := [name for name in _FIXED if getattr(config, name) != getattr(self._first, name)]:
            self._log.say("config", f"what changed in {', '.join(late)} counts from the next start.", error=True)

    def _on_config_error(self, error: str | None) -> None:
        self._config_error = error or ""
        if error:
            self._log.say("config", f"the edge file is not taken in, the last good one stays:\n{error}", error=True)
        else:
            self._log.say("config", "the edge file is good again.")

    def _on_control_error(self, error: str | None) -> None:
        self._control_error = error or ""
        if error:
            self._log.say("control", f"the control document is not taken in: {error}", error=True)
        else:
            self._log.say("control", "the control document can be read again.")

    def _slow_down(self) -> None:
        """Each second, for what was asked may be over, and cameras come and go."""
        control = self._control_now()
        asked = control.slow_by if control is not None else {}
        changed = self._supervisor.slow_down({c.id: asked.get(c.id, 1) for c in self._config.cameras})
        for camera_id, by in sorted(changed.items()):
            how = "as its edge file says again"
            if control is not None and by > 1:
                how = f"{by} times less often until {format_utc(control.until)}, to keep a budget"
            self._log.say("sampling", f"{camera_id}: it samples {how}.", camera_id=camera_id)

    def _control_now(self) -> EdgeControl | None:
        if self._control is None:
            return None
        # By the clock of who wrote it, where that is known: a box whose clock is wrong is not slow for longer.
        return self._control.at(datetime.now(UTC) - timedelta(seconds=self._uplink.clock_offset_s or 0.0))

    # -- what is told

    def look(self) -> BoxState:
        statuses = {status.camera_id: status for status in self._supervisor.statuses()}
        ids = sorted({*statuses, *self._ledger.camera_ids})
        return BoxState(
            box=self._first.box,
            version=self._version,
            at=datetime.now(UTC),
            started_at=self._started_at,
            stream=self._first.stream.name,
            stream_error=self._uplink.trouble,
            config=self._source.name,
            config_error=self._config_error,
            config_loaded_at=self._loaded_at,
            control=self._control.name if self._control is not None else None,
            control_error=self._control_error,
            control_until=control.until if (control := self._control_now()) is not None else None,
            spool_folder=self._first.spool.folder,
            spool_bytes=self._spool.disk_bytes,
            spool_max_bytes=self._first.spool.max_mib * _MIB,
            clock_offset_s=self._uplink.clock_offset_s,
            cameras=tuple(CameraView(i, statuses.get(i), self._ledger.account(i), self._spool.depth(i)) for i in ids),
        )

    def _send_heartbeats(self, heartbeats: Heartbeats) -> None:
        state = self.look()
        reports = [_heartbeat(view, view.status, state.at) for view in state.cameras if view.status is not None]
        self._uplink.offer_heartbeats(heartbeats.records(reports, state.at, state.clock_offset_s))

    def _tell_progress(self) -> None:
        for status in self._supervisor.statuses():
            if status.share_done is not None and status.eta_s is not None:
                message = f"{status.camera_id}: {status.share_done:.0%} read, {status.eta_s:.0f} s left"
                self._log.say("progress", message, camera_id=status.camera_id)


def _plans(config: EdgeConfig) -> dict[str, CameraPlan]:
    plans = {}
    for camera in config.cameras:
        supervision = config.supervision(camera)
        plans[camera.id] = CameraPlan(
            config.edge_camera(camera), camera.enabled, supervision.stall_s, supervision.max_memory_mib * _MIB
        )
    return plans


def _heartbeat(view: CameraView, status: CameraStatus, at: datetime) -> CameraReport:
    a, depth = view.account, view.depth
    return CameraReport(
        view.camera_id,
        status.state,
        status.last_error or None,
        CameraCounts(status.read, a.sampled, a.sent, dict(a.gated), a.dropped, a.failed),
        SpoolDepth(depth.records, depth.bytes, depth.oldest_age_s(at)),
        status.slowed_by,
    )


def notify(state: str) -> None:
    """To systemd, where it started this process with Type=notify; else nothing. See sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # Linux's abstract namespace
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.sendto(state.encode(), address)
    except OSError:
        pass  # nobody listens; the service does its work all the same
