"""What is known of a run while it goes on: the edge's events, each frame's deliveries, each text's arrival."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from edge_client.events import (
    CameraFailed,
    EdgeEvent,
    FrameDropped,
    FrameFailed,
    FrameSampled,
    FrameSent,
)
from framewatch.domain.errors import EnvelopeError
from framewatch.wire.envelope import decode_envelope
from local_cloud.emulator import Sms
from local_cloud.stream_batches import StreamRecord


class SendState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(slots=True)
class FrameTrace:
    frame_id: str
    camera_id: str
    captured_at: datetime
    media_time_s: float
    read_at: datetime
    state: SendState = SendState.WAITING


@dataclass(frozen=True, slots=True)
class SeenSms:
    sms: Sms
    noticed_at: datetime


@dataclass(slots=True)
class Journal:
    """Thread-safe. max_frames: the oldest are forgotten beyond it (a demo runs for ever); counts are not."""

    max_frames: int | None = None
    on_sms: Callable[[SeenSms], None] = lambda _: None
    frames: "OrderedDict[str, FrameTrace]" = field(default_factory=OrderedDict)
    deliveries: Counter[str] = field(default_factory=Counter)
    texts: list[SeenSms] = field(default_factory=list)
    failed_cameras: dict[str, str] = field(default_factory=dict)
    sampled: int = 0
    sent: int = 0
    _known_texts: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on_edge_event(self, event: EdgeEvent) -> None:
        with self._lock:
            match event:
                case FrameSampled():
                    self.sampled += 1
                    self.frames[event.frame_id] = FrameTrace(
                        event.frame_id, event.camera_id, event.captured_at, event.media_time_s, event.read_at
                    )
                    self._forget()
                case FrameSent():
                    self.sent += 1
                    self._mark(event.frame_id, SendState.SENT)
                case FrameFailed():
                    self._mark(event.frame_id, SendState.FAILED)
                case FrameDropped():
                    self._mark(event.frame_id, SendState.DROPPED)
                case CameraFailed():
                    self.failed_cameras[event.camera_id] = event.message
                case _:
                    pass

    def on_delivery(self, records: Sequence[StreamRecord]) -> None:
        """Every invocation's records. What is no frame of ours has no name and is not counted."""
        names = []
        for record in records:
            try:
                names.append(decode_envelope(record.data).meta.frame_id)
            except EnvelopeError:
                continue
        with self._lock:
            self.deliveries.update(name for name in names if name in self.frames)

    def on_texts(self, texts: Iterable[Sms]) -> None:
        """All texts that there are, again and again; each is noted once."""
        now = datetime.now(UTC)
        new = []
        with self._lock:
            for sms in texts:
                if sms.message_id not in self._known_texts:
                    self._known_texts.add(sms.message_id)
                    new.append(SeenSms(sms, now))
            self.texts += new
        for seen in new:
            self.on_sms(seen)

    def snapshot(self) -> list[FrameTrace]:
        with self._lock:
            return list(self.frames.values())

    def seen_texts(self) -> list[SeenSms]:
        with self._lock:
            return list(self.texts)

    def _mark(self, frame_id: str, state: SendState) -> None:
        if frame_id in self.frames:
            self.frames[frame_id].state = state

    def _forget(self) -> None:
        while self.max_frames is not None and len(self.frames) > self.max_frames:
            frame_id, _ = self.frames.popitem(last=False)
            self.deliveries.pop(frame_id, None)
