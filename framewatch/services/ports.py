"""What the use cases need of the world, as Protocols. Adapters fulfil them; tests fulfil them with fakes.

Every method may raise the RetryableError that fits it; each says which PermanentErrors it may raise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from framewatch.domain.alerts import Alert, Delivery
from framewatch.domain.frames import FrameMeta
from framewatch.domain.labels import Label
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import AlertState, Visit, VisitChange
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.items import StoredFrame


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, in UTC."""
        ...


class SiteSource(Protocol):
    def current(self) -> SiteConfig:
        """The last good site configuration. Raises SiteFileError when there never was one."""
        ...


class LabelDetector(Protocol):
    def detect(self, jpeg: bytes, *, min_confidence: float, max_labels: int) -> list[Label]:
        """Most confident first. Raises ImageRejected."""
        ...


class ImageStore(Protocol):
    def put(self, key: str, jpeg: bytes) -> None: ...

    def url(self, key: str, expires_in: timedelta) -> str:
        """A link that anybody can open until it expires. Makes no request."""
        ...


class FrameTable(Protocol):
    def get_stored(self, metas: Sequence[FrameMeta]) -> dict[str, StoredFrame]:
        """Those already stored, by frame id; read with strong consistency."""
        ...

    def put(self, frame: StoredFrame, expires_at: datetime) -> bool:
        """Store the frame and its index items. False when the frame was stored already: then nothing changed."""
        ...


class VisitTable(Protocol):
    def counted(self, frame_ids: Sequence[str], label: str) -> set[str]:
        """Which of the frames are already counted in a visit of the label; strong consistency."""
        ...

    def near(self, camera_id: str, label: str, first: datetime, last: datetime, gap: timedelta) -> list[Visit]:
        """Every visit within the gap of the span first..last, oldest first; strong consistency."""
        ...

    def apply(self, change: VisitChange, alert: Alert | None, expires_at: datetime) -> None:
        """Write the change, its frames' marks and the alert, all or nothing. Raises WriteConflict."""
        ...

    def alert(self, camera_id: str, captured_at: datetime, alert_id: str) -> Alert | None: ...

    def record_delivery(self, alert: Alert, contact_id: str, delivery: Delivery) -> None: ...

    def finish_alert(self, alert: Alert, state: AlertState) -> None:
        """Set the alert's and its visit claim's state."""
        ...


class HeartbeatTable(Protocol):
    def put(self, heartbeat: StoredHeartbeat, expires_at: datetime) -> bool:
        """Keep it as the newest of its camera and box. False when a newer one is there, or the same: it stays."""
        ...

    def newest(self) -> list[StoredHeartbeat]:
        """Of every camera and box, in the order of their ids; strong consistency."""
        ...


class TextSender(Protocol):
    def send(self, phone: str, text: str) -> str:
        """Returns the provider's message id. Raises NotificationRejected."""
        ...


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One stream record as the event source hands it over. record_id: its sequence number."""

    record_id: str
    partition_key: str
    data: bytes
    shard_id: str
    arrived_at: datetime | None = None


class FailureStore(Protocol):
    def keep(self, record: RawRecord, reason: str, error_name: str, at: datetime) -> str:
        """Keep the raw record in S3, then put a pointer in the failure queue. Returns the object's key."""
        ...


class Meter(Protocol):
    """Counts what happened. Cheap, and never fails."""

    def count(self, name: str, value: int = 1, dimensions: Mapping[str, str] | None = None) -> None: ...

    def time_ms(self, name: str, value_ms: float) -> None: ...
