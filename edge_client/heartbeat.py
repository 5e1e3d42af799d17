"""What the box says of each camera once a minute, also when nothing moves: how it is, what was counted, what waits.

Heartbeats are not spooled: the next one says all that the last one said, only later. One that fails is let go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from framewatch.domain.heartbeats import BOX_ID_RULE, CameraCounts, CameraState, Heartbeat, SpoolDepth, is_box_id
from framewatch.wire.heartbeat import encode_heartbeat

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

HEARTBEAT_EVERY_S = 60.0
# AWS tells its time in whole seconds, so one answer cannot tell less from nothing.
_DATE_STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class CameraReport:
    """How one camera is now. last_error: a sentence in which no password is left."""

    camera_id: str
    state: CameraState
    last_error: str | None = None
    counts: CameraCounts = field(default_factory=CameraCounts)
    spool: SpoolDepth = field(default_factory=SpoolDepth)


class Heartbeats:
    """One life of the box's service. boot_id: of that life, as `make_boot_id` makes one. version: the client's."""

    def __init__(self, box: str, boot_id: str, version: str) -> None:
        if not is_box_id(box):
            raise ValueError(f"the box's name {box!r} is not {BOX_ID_RULE}")
        self._box, self._boot_id, self._version = box, boot_id, version
        self._seq = 0

    def records(
        self, reports: Iterable[CameraReport], at: datetime, clock_offset_s: float | None
    ) -> list["PutRecordsRequestEntryTypeDef"]:
        """One for each camera, to be put together, so that a function that is started for one reads them all."""
        seq, self._seq = self._seq, self._seq + 1
        return [
            {
                "PartitionKey": report.camera_id,
                "Data": encode_heartbeat(
                    Heartbeat(
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
                    )
                ),
            }
            for report in reports
        ]


class ClockOffset:
    """How far the box's clock is from AWS's, learnt from the answers that come anyway."""

    def __init__(self) -> None:
        self.seconds: float | None = None
        """The box's clock less AWS's, right to about a second and half the way; None until one told."""

    def observe(self, answer: Mapping[str, Any], asked_at: datetime, answered_at: datetime) -> None:
        """answer: what a boto3 call returned. asked_at, answered_at: the box's clock before and after, aware."""
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        try:
            told = parsedate_to_datetime(date)
        except ValueError:
            return
        if told.tzinfo is None:
            told = told.replace(tzinfo=UTC)
        # The header is cut to its second: in the middle of that second the error is the least.
        told += timedelta(seconds=_DATE_STEP_S / 2)
        middle = asked_at + (answered_at - asked_at) / 2
        self.seconds = round((middle - told).total_seconds(), 1)
