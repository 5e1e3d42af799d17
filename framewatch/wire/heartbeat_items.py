"""The body of a heartbeat's item: the newest of a camera from a box. Its key stands in framewatch.wire.items."""

from datetime import datetime

from pydantic import AwareDatetime, Field

from framewatch.domain.heartbeats import CameraCounts, CameraState, Heartbeat, SpoolDepth
from framewatch.wire.items import StoredItem


def _is_usual(slowed_by: int) -> bool:
    return slowed_by == 1


class StoredHeartbeat(StoredItem):
    """received_at: when the stream took it, by AWS's clock: whether a camera is silent is asked of this one."""

    box: str
    camera_id: str
    at: AwareDatetime
    received_at: AwareDatetime
    boot_id: str
    seq: int
    state: CameraState
    version: str
    last_error: str | None
    counts: CameraCounts
    spool: SpoolDepth
    clock_offset_s: float | None
    slowed_by: int = Field(default=1, exclude_if=_is_usual)

    @classmethod
    def of(cls, heartbeat: Heartbeat, received_at: datetime) -> "StoredHeartbeat":
        return cls(
            item_version=cls.current_version,
            box=heartbeat.box,
            camera_id=heartbeat.camera_id,
            at=heartbeat.at,
            received_at=received_at,
            boot_id=heartbeat.boot_id,
            seq=heartbeat.seq,
            state=heartbeat.state,
            version=heartbeat.version,
            last_error=heartbeat.last_error,
            counts=heartbeat.counts,
            spool=heartbeat.spool,
            clock_offset_s=heartbeat.clock_offset_s,
            slowed_by=heartbeat.slowed_by,
        )

    def to_domain(self) -> Heartbeat:
        return Heartbeat(
            box=self.box,
            camera_id=self.camera_id,
            at=self.at,
            boot_id=self.boot_id,
            seq=self.seq,
            state=self.state,
            version=self.version,
            last_error=self.last_error,
            counts=self.counts,
            spool=self.spool,
            clock_offset_s=self.clock_offset_s,
            slowed_by=self.slowed_by,
        )

    @property
    def sent_at(self) -> datetime:
        """When it was sent, as far as that is known: a box whose clock is ahead sends nothing from the future."""
        return min(self.at, self.received_at)

    def replaces(self, older: "StoredHeartbeat") -> bool:
        """Within one life of the box's service by number, whatever its clock does; between two lives by time."""
        if self.boot_id == older.boot_id:
            return self.seq > older.seq
        return self.sent_at > older.sent_at
