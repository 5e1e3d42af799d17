"""One run: cameras into the stream, until they end or a stop is asked; then everything is waited for."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from edge_client.client import CameraCounters, EdgeCamera, EdgeReport, run_edge
from edge_client.events import CameraFailed, CameraLost, CameraWarning, EdgeEvent
from edge_client.sampler import Sampling
from local_cloud.cameras import CameraChoice
from local_cloud.event_source import EventSourceStats
from local_cloud.journal import Journal, SeenSms
from local_cloud.stack import LocalStack

# Nothing settled for so long means that nothing will be: the longest that one invocation may take, and its retries.
_STALLED_S = 120.0
_SMS_POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Pace:
    """fast: clips are read as fast as they can be, and capture times follow the clip's own clock."""

    sampling: Sampling
    fast: bool
    loop: bool


def edge_cameras(cameras: Sequence[CameraChoice], pace: Pace) -> list[EdgeCamera]:
    return [
        EdgeCamera(
            c.camera_id,
            c.source_text,
            sampling=pace.sampling,
            pace="fast" if pace.fast and not c.source.is_live else "realtime",
            loop=pace.loop and not c.source.is_live,
            reopen=pace.loop,
        )
        for c in cameras
    ]


def sms_line(seen: SeenSms) -> str:
    """For the terminal: whose phone is enough, all of the number is too much."""
    number = seen.sms.number
    return f"[SMS to {number[:3]}...{number[-3:]}] {seen.sms.text}"


class Run:
    """The edge in a thread of its own, the texts watched in another."""

    def __init__(
        self,
        stack: LocalStack,
        cameras: Sequence[EdgeCamera],
        journal: Journal,
        say: Callable[[str], None],
        *,
        kinesis: Any = None,
    ) -> None:
        """kinesis: what the edge writes with, where it is not the stack's own client."""
        self._kinesis = kinesis if kinesis is not None else stack.kinesis_for_the_edge()
        self._stack = stack
        self._cameras = cameras
        self._journal = journal
        self._say = say
        self._stop_edge = threading.Event()
        self._stop_watching = threading.Event()
        self._edge_done = threading.Event()
        self._edge_report = EdgeReport({c.camera_id: CameraCounters() for c in cameras}, [])
        self._watcher = threading.Thread(target=self._watch_texts, name="texts", daemon=True)
        self._edge = threading.Thread(target=self._run_edge, name="edge", daemon=True)
        self.errors: list[str] = []

    @property
    def edge_report(self) -> EdgeReport:
        return self._edge_report

    def start(self) -> None:
        self._watcher.start()
        self._edge.start()

    def wait_for_cameras(self, timeout_s: float | None = None) -> bool:
        """True when every camera has ended. In short waits, so that signals are handled."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._edge_done.wait(0.2):
            if (broken := self._stack.broken()) is not None:
                self.errors.append(broken)
                self._stop_edge.set()
                return False
            if deadline is not None and time.monotonic() > deadline:
                return False
        return True

    def wait_until_processed(self) -> bool:
        """True once everything that was sent is settled. False when nothing moves any more."""
        settled, moved_at = -1, time.monotonic()
        while not self._stack.wait_drained(1.0):
            stats = self._stack.event_source.stats()
            if stats.settled != settled:
                settled, moved_at = stats.settled, time.monotonic()
            if (broken := self._stack.broken()) is not None:
                self.errors.append(broken)
                return False
            if time.monotonic() - moved_at > _STALLED_S:
                self.errors.append(
                    f"{stats.records_waiting} frames were still not processed, and nothing moved for"
                    f" {time.monotonic() - moved_at:.0f} s; the last error was: {stats.last_error or 'none'}."
                )
                return False
        self.look_for_texts()
        return True

    def stats(self) -> EventSourceStats:
        return self._stack.event_source.stats()

    def stop(self, timeout_s: float = 8.0) -> None:
        """Ends the cameras' processes; what they have buffered is not waited for."""
        self._stop_edge.set()
        self._stop_watching.set()
        if self._edge.ident is not None:
            self._edge.join(timeout_s)
            self._watcher.join(2.0)

    def look_for_texts(self) -> None:
        self._journal.on_texts(self._stack.emulator.texts())

    def _run_edge(self) -> None:
        try:
            self._edge_report = run_edge(
                self._cameras,
                self._kinesis,
                self._stack.outputs["StreamName"],
                on_event=self._on_event,
                stop=self._stop_edge,
                flush_timeout_s=5.0,
            )
        except Exception as error:  # noqa: BLE001 - a thread's last chance to be heard
            self.errors.append(f"The edge client failed: {error!r}")
        finally:
            self._edge_done.set()

    def _on_event(self, event: EdgeEvent) -> None:
        self._journal.on_edge_event(event)
        if isinstance(event, CameraFailed | CameraWarning | CameraLost):
            self._say(event.message)

    def _watch_texts(self) -> None:
        while not self._stop_watching.wait(_SMS_POLL_S):
            try:
                self.look_for_texts()
            except httpx.HTTPError:
                continue  # asked again in a moment; that the emulator is gone is noticed elsewhere
