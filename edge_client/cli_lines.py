"""What `framewatch-edge run` prints of its events: sentences for people, or a JSON object a line for machines."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from edge_client.client import EdgeReport
from edge_client.events import (
    CameraEnded,
    CameraFailed,
    CameraLost,
    CameraWarning,
    EdgeEvent,
    FrameDropped,
    FrameFailed,
    FrameSampled,
    FrameSent,
    Opened,
)

_SUMMARY_EVERY_S = 10.0


class JsonLines:
    def on_event(self, event: EdgeEvent) -> None:
        self._print({"event": type(event).__name__, **asdict(event)})

    def finish(self, report: EdgeReport) -> None:
        self._print({"event": "Report", "ok": report.ok, **asdict(report)})

    def _print(self, fields: dict[str, Any]) -> None:
        print(json.dumps(fields, default=_as_text), flush=True)


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


class HumanLines:
    def __init__(self, *, verbose: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._verbose = verbose
        self._clock = clock
        self._next_summary_s = clock() + _SUMMARY_EVERY_S
        self._sent: dict[str, int] = {}
        self._unsent: dict[str, int] = {}

    def on_event(self, event: EdgeEvent) -> None:
        match event:
            case Opened():
                fps = f", {event.fps:g} frames/s" if event.fps else ""
                length = f", {event.duration_s:.0f} s" if event.duration_s else ""
                self._line(f"{event.camera_id}: reading {event.source}, {event.width}x{event.height}{fps}{length}")
            case FrameSampled():
                if self._verbose:
                    self._line(f"{event.camera_id}: took {event.frame_id} at {event.media_time_s:.2f} s")
            case FrameSent():
                self._sent[event.camera_id] = self._sent.get(event.camera_id, 0) + 1
                if self._verbose:
                    self._line(f"{event.camera_id}: sent {event.frame_id} to {event.shard_id}")
            case FrameFailed() | FrameDropped():
                # One line a frame would bury the reason; the summary counts, the report tells why.
                self._unsent[event.camera_id] = self._unsent.get(event.camera_id, 0) + 1
            case CameraWarning() | CameraLost():
                self._line(event.message)
            case CameraFailed():
                print(event.message, file=sys.stderr, flush=True)
            case CameraEnded():
                self._line(f"{event.camera_id}: ended: {event.reason}")
        if self._clock() >= self._next_summary_s:
            self._next_summary_s = self._clock() + _SUMMARY_EVERY_S
            self._summary()

    def finish(self, report: EdgeReport) -> None:
        for camera_id, c in report.cameras.items():
            lost = "".join(f", {n} {what}" for n, what in ((c.dropped, "dropped"), (c.failed, "failed")) if n)
            self._line(f"{camera_id}: {c.read} frames read, {c.sampled} taken, {c.sent} sent{lost}")
        failed = {m for c in report.cameras.values() if c.failed for m in c.errors}
        for message in (m for m in report.errors if m in failed):
            print(message, file=sys.stderr, flush=True)

    def _summary(self) -> None:
        for camera_id in sorted(self._sent.keys() | self._unsent.keys()):
            unsent = self._unsent.get(camera_id, 0)
            self._line(
                f"{camera_id}: {self._sent.get(camera_id, 0)} sent so far" + (f", {unsent} not" if unsent else "")
            )

    def _line(self, text: str) -> None:
        print(text, flush=True)
