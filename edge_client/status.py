"""What the service knows of itself, for a person (/state.json), a health check (/healthz) and Prometheus (/metrics).

The pages answer on 127.0.0.1 alone and hold no secrets. All three are made from one look, a `BoxState`, so that no
counter is kept twice.
"""

import http.server
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from edge_client.buffer import Depth
from edge_client.ledger import Account
from edge_client.supervisor import CameraStatus
from framewatch.domain.heartbeats import CameraState
from framewatch.wire.envelope import format_utc

HOST = "127.0.0.1"
_REQUEST_TIMEOUT_S = 5.0
_LOCAL_NAMES = frozenset((HOST, "localhost", "[::1]"))


@dataclass(frozen=True, slots=True)
class CameraView:
    """status: None for a camera that is no longer in the file and still has frames in the spool."""

    camera_id: str
    status: CameraStatus | None
    account: Account
    depth: Depth


@dataclass(frozen=True, slots=True)
class BoxState:
    """stream_error, config_error, control_error: what is wrong now, in words; empty when nothing is. control: where
    the control document is looked for, None: nowhere. control_until: of the one that holds."""

    box: str
    version: str
    at: datetime
    started_at: datetime
    stream: str
    stream_error: str
    config: str
    config_error: str
    config_loaded_at: datetime
    control: str | None
    control_error: str
    control_until: datetime | None
    spool_folder: str
    spool_bytes: int
    spool_max_bytes: int
    clock_offset_s: float | None
    cameras: tuple[CameraView, ...]

    @property
    def is_healthy(self) -> bool:
        """Every camera that is to run does, or has come to its end in peace, and the stream takes frames."""
        return not self.stream_error and all(_is_well(c.status) for c in self.cameras if c.status is not None)


def _is_well(status: CameraStatus) -> bool:
    if status.state is CameraState.ENDED:
        return not status.last_error
    return status.state in (CameraState.ONLINE, CameraState.DISABLED)


def state_json(state: BoxState) -> dict[str, Any]:
    return {
        "box": state.box,
        "version": state.version,
        "healthy": state.is_healthy,
        "at": format_utc(state.at),
        "started_at": format_utc(state.started_at),
        "clock_offset_s": state.clock_offset_s,
        "stream": {"name": state.stream, "error": state.stream_error or None},
        "config": {
            "from": state.config,
            "loaded_at": format_utc(state.config_loaded_at),
            "error": state.config_error or None,
        },
        "control": {
            "from": state.control,
            "until": format_utc(state.control_until) if state.control_until is not None else None,
            "error": state.control_error or None,
        },
        "spool": {"folder": state.spool_folder, "bytes": state.spool_bytes, "max_bytes": state.spool_max_bytes},
        "cameras": {report.camera_id: _camera_json(report, state.at) for report in state.cameras},
    }


def _camera_json(report: CameraView, at: datetime) -> dict[str, Any]:
    status, account, depth = report.status, report.account, report.depth
    frames = {
        "read": status.read if status is not None else 0,
        "sampled": account.sampled,
        "sent": account.sent,
        "gated": dict(account.gated),
        "dropped": account.dropped,
        "failed": account.failed,
        "waiting": account.waiting,
        "recovered": account.recovered,
        "repeated": account.repeated,
        "screened_out": account.screened_out,
        "screen_failed": account.screen_failed,
    }
    spool = {"records": depth.records, "bytes": depth.bytes, "oldest_age_s": _rounded(depth.oldest_age_s(at))}
    if status is None:
        return {"state": "removed", "frames": frames, "spool": spool}
    return {
        "state": status.state,
        "last_error": status.last_error or None,
        "source": status.source,
        "slowed_by": status.slowed_by,
        "restarts": status.restarts,
        "next_try_in_s": _rounded(status.next_try_in_s),
        "last_frame_at": format_utc(status.last_frame_at) if status.last_frame_at is not None else None,
        "width": status.size_wh[0] if status.size_wh is not None else None,
        "height": status.size_wh[1] if status.size_wh is not None else None,
        "fps": status.fps,
        "share_done": _rounded(status.share_done, 4),
        "eta_s": _rounded(status.eta_s),
        "memory_bytes": status.memory_bytes,
        "frames": frames,
        "spool": spool,
    }


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def health_json(state: BoxState) -> dict[str, Any]:
    return {
        "healthy": state.is_healthy,
        "stream_error": state.stream_error or None,
        "config_error": state.config_error or None,
        "cameras": {c.camera_id: c.status.state for c in state.cameras if c.status is not None},
    }


class StateCollector(Collector):
    def __init__(self, look: Callable[[], BoxState]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        return ()  # so that registering it looks at nothing yet

    def collect(self) -> Iterator[Metric]:
        state = self._look()
        yield from _box_metrics(state)
        yield from _camera_metrics(state)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"framewatch_edge_{name}", text, value=value)


def _box_metrics(state: BoxState) -> Iterator[Metric]:
    info = GaugeMetricFamily("framewatch_edge_info", "Which client runs.", labels=["box", "version"])
    info.add_metric([state.box, state.version], 1)
    yield info
    yield _gauge("start_time_seconds", "When the service started.", state.started_at.timestamp())
    yield _gauge("stream_up", "1 while the stream takes frames.", float(not state.stream_error))
    yield _gauge("config_ok", "1 while the newest edge file is the one that is used.", float(not state.config_error))
    yield _gauge(
        "control_ok", "1 while the control document can be read, or is none.", float(not state.control_error)
    )
    yield _gauge("config_loaded_time_seconds", "When it was taken in.", state.config_loaded_at.timestamp())
    yield _gauge("spool_bytes", "Of the spool on the disk.", state.spool_bytes)
    yield _gauge("spool_max_bytes", "What it may take.", state.spool_max_bytes)
    if state.clock_offset_s is not None:
        yield _gauge("clock_offset_seconds", "This machine's clock less that of AWS.", state.clock_offset_s)


def _camera_metrics(state: BoxState) -> Iterator[Metric]:
    def gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"framewatch_edge_{name}", text, labels=["camera", *labels])

    def counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
        return CounterMetricFamily(f"framewatch_edge_{name}", text, labels=["camera", *labels])

    states = gauge("camera_state", "1 for the state that the camera is in.", "state")
    restarts = counter("camera_restarts", "Processes of the camera after the first.")
    slowed_by = gauge("camera_slowed_by", "It samples so many times less often than its edge file says.")
    memory = gauge("camera_memory_bytes", "Resident memory of the camera's process.")
    last_frame = gauge("camera_last_frame_time_seconds", "When its last sampled frame that was not gated was read.")
    read = counter("frames_read", "Frames grabbed from the camera.")
    sampled = counter("frames_sampled", "Frames taken: sent + gated + dropped + failed + waiting.")
    recovered = counter("frames_recovered", "Of those sampled, what an earlier process had left in the spool.")
    repeated = counter("frames_repeated", "Of those sampled, what nearly equals an earlier frame.")
    screened_out = counter("frames_screened_out", "Of those sampled, in what the screen saw nothing.")
    screen_failed = counter("frames_screen_failed", "Of those sampled, what the screen could not look at.")
    gated = counter("frames_gated", "Frames that the motion gate kept back.", "reason")
    sent = counter("frames_sent", "Frames that the stream has taken.")
    dropped = counter("frames_dropped", "Frames that gave way to newer ones.")
    failed = counter("frames_failed", "Frames that could not be sent.")
    waiting = gauge("frames_waiting", "Frames that wait for the stream.")
    spool_bytes = gauge("camera_spool_bytes", "What waits on the disk.")
    oldest = gauge("spool_oldest_age_seconds", "Age of the oldest frame that waits.")
    for report in state.cameras:
        camera, status, account = [report.camera_id], report.status, report.account
        if status is not None:
            for each in CameraState:
                states.add_metric([*camera, each], float(status.state is each))
            restarts.add_metric(camera, status.restarts)
            slowed_by.add_metric(camera, status.slowed_by)
            read.add_metric(camera, status.read)
            if status.memory_bytes is not None:
                memory.add_metric(camera, status.memory_bytes)
            if status.last_frame_at is not None:
                last_frame.add_metric(camera, status.last_frame_at.timestamp())
        for reason, count in sorted(account.gated.items()):
            gated.add_metric([*camera, reason], count)
        for metric, value in (
            (sampled, account.sampled),
            (recovered, account.recovered),
            (repeated, account.repeated),
            (screened_out, account.screened_out),
            (screen_failed, account.screen_failed),
            (sent, account.sent),
            (dropped, account.dropped),
            (failed, account.failed),
            (waiting, account.waiting),
            (spool_bytes, report.depth.bytes),
            (oldest, report.depth.oldest_age_s(state.at) or 0.0),
        ):
            metric.add_metric(camera, value)
    yield from (states, restarts, slowed_by, memory, last_frame, read, sampled, recovered, repeated, gated)
    yield from (screened_out, screen_failed, sent, dropped, failed)
    yield from (waiting, spool_bytes, oldest)


class StatusServer:
    """Answers on 127.0.0.1. Raises OSError where the port is taken."""

    def __init__(self, port: int, look: Callable[[], BoxState]) -> None:
        """port: 0 lets the system choose; see `port`."""
        registry = CollectorRegistry()
        registry.register(StateCollector(look))
        self._server = _Server((HOST, port), _Handler)
        self._server.look, self._server.registry = look, registry
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="status", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    look: Callable[[], BoxState]
    registry: CollectorRegistry


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = _REQUEST_TIMEOUT_S
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        # A page in somebody's browser may ask this port under a name of its own (DNS rebinding): it gets nothing.
        if self.headers.get("Host", HOST).rsplit(":", 1)[0] not in _LOCAL_NAMES:
            self._answer(403, b"ask for 127.0.0.1\n", "text/plain; charset=utf-8")
            return
        path = self.path.split("?")[0]
        if path == "/metrics":
            self._answer(200, generate_latest(self.server.registry), CONTENT_TYPE_LATEST)
        elif path == "/healthz":
            state = self.server.look()
            self._answer_json(200 if state.is_healthy else 503, health_json(state))
        elif path == "/state.json":
            self._answer_json(200, state_json(self.server.look()))
        else:
            self._answer(404, b"/healthz /metrics /state.json\n", "text/plain; charset=utf-8")

    def _answer_json(self, status: int, value: dict[str, Any]) -> None:
        self._answer(status, json.dumps(value, indent=1).encode() + b"\n", "application/json")

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)
