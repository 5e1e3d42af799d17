"""What the box says of each camera once a minute, also when nothing moves: how it is, what was counted, what waits.

Heartbeats are not spooled: the next one says all that the last one said, only later. One that fails is let go.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from edge_client.buffer import Record
from framewatch.domain.heartbeats import BOX_ID_RULE, CameraCounts, CameraState, Heartbeat, SpoolDepth, is_box_id
from framewatch.wire.heartbeat import encode_heartbeat

HEARTBEAT_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class CameraReport:
    """How one camera is now. last_error: a sentence in which no password is left."""

    camera_id: str
    state: CameraState
    last_error: str | None = None
    counts: CameraCounts = field(default_factory=CameraCounts)
    spool: SpoolDepth = field(default_factory=SpoolDepth)
    slowed_by: int = 1


class Heartbeats:
    """One life of the box's service. boot_id: of that life, as `make_boot_id` makes one. version: the client's."""

    def __init__(self, box: str, boot_id: str, version: str) -> None:
        if not is_box_id(box):
            raise ValueError(f"the box's name {box!r} is not {BOX_ID_RULE}")
        self._box, self._boot_id, self._version = box, boot_id, version
        self._seq = 0

    def records(self, reports: Iterable[CameraReport], at: datetime, clock_offset_s: float | None) -> list[Record]:
        """One for each camera, to be put together, so that a function that is started for one reads them all."""
        seq, self._seq = self._seq, self._seq + 1
        return [self._record(report, seq, at, clock_offset_s) for report in reports]

    def _record(self, report: CameraReport, seq: int, at: datetime, clock_offset_s: float | None) -> Record:
        heartbeat = Heartbeat(
            box=self._box,
            camera_id=report.camera_id,
            at=at,
            boot_id=self._boot_id,
            seq=seq,
            state=report.state,
            version=self._version,
            last_error=report.last_error,
            counts=report.counts,
            spool=report.spool,
            clock_offset_s=clock_offset_s,
            slowed_by=report.slowed_by,
        )
        return Record(report.camera_id, f"heartbeat {seq}", encode_heartbeat(heartbeat), perishable=True)
