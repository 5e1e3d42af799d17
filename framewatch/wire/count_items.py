"""Bodies of the items that count what is stored. Their keys stand in framewatch.wire.items."""

from datetime import date, datetime
from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

from framewatch.domain.analysis import Analysis
from framewatch.domain.frames import GateReason
from framewatch.domain.hourly import BucketCounts, Counts, DayCounts, EdgeCounts, EdgeReading, HourCounts
from framewatch.wire.items import StoredItem


class StoredCounts(BaseModel):
    """by_analysis is absent in version 1, of which every frame was analysed; so is jpeg_bytes, which nobody knew."""

    model_config = ConfigDict(frozen=True)
    frames: int
    by_gate_reason: dict[GateReason, int]
    by_label: dict[str, int]
    other_labels: int
    watch_frames: int
    alerts: int
    withheld: int
    by_analysis: dict[Analysis, int] | None = None
    jpeg_bytes: int = 0

    @classmethod
    def of(cls, counts: Counts) -> "StoredCounts":
        return cls(
            frames=counts.frames,
            by_gate_reason=dict(counts.by_gate_reason),
            by_label=dict(counts.by_label),
            other_labels=counts.other_labels,
            watch_frames=counts.watch_frames,
            alerts=counts.alerts,
            withheld=counts.withheld,
            by_analysis=dict(counts.by_analysis),
            jpeg_bytes=counts.jpeg_bytes,
        )

    def to_domain(self) -> Counts:
        return Counts(
            self.frames,
            self.by_gate_reason,
            self.by_label,
            self.other_labels,
            self.watch_frames,
            self.alerts,
            self.withheld,
            self._of_version_1 if self.by_analysis is None else self.by_analysis,
            self.jpeg_bytes,
        )

    @property
    def _of_version_1(self) -> dict[Analysis, int]:
        return {Analysis.ANALYSED: self.frames} if self.frames else {}


class StoredReading(BaseModel):
    model_config = ConfigDict(frozen=True)
    run: str
    began_at: AwareDatetime
    at: AwareDatetime
    read: int
    sampled: int
    gated: int


class StoredBucket(BaseModel):
    """at: when it begins."""

    model_config = ConfigDict(frozen=True)
    at: AwareDatetime
    counts: StoredCounts
    reading: StoredReading | None

    @classmethod
    def of(cls, at: datetime, bucket: BucketCounts) -> "StoredBucket":
        reading = bucket.reading
        return cls(
            at=at,
            counts=StoredCounts.of(bucket.counts),
            reading=reading
            and StoredReading(
                run=reading.run,
                began_at=reading.began_at,
                at=reading.at,
                read=reading.read,
                sampled=reading.sampled,
                gated=reading.gated,
            ),
        )

    def to_domain(self) -> BucketCounts:
        r = self.reading
        reading = EdgeReading(r.run, r.began_at, r.at, r.read, r.sampled, r.gated) if r is not None else None
        return BucketCounts(self.counts.to_domain(), reading)


class StoredHourCounts(StoredItem):
    """Of the six buckets of an hour, those that were counted."""

    current_version: ClassVar[int] = 2
    written_back: ClassVar[bool] = True

    camera_id: str
    hour: AwareDatetime
    buckets: tuple[StoredBucket, ...]

    @classmethod
    def of(cls, hour: HourCounts) -> "StoredHourCounts":
        return cls(
            item_version=cls.current_version,
            camera_id=hour.camera_id,
            hour=hour.hour,
            buckets=tuple(StoredBucket.of(at, bucket) for at, bucket in sorted(hour.buckets.items())),
        )

    def to_domain(self, version: int) -> HourCounts:
        return HourCounts(self.camera_id, self.hour, {b.at: b.to_domain() for b in self.buckets}, version)


class StoredEdgeCounts(BaseModel):
    model_config = ConfigDict(frozen=True)
    read: int
    sampled: int
    gated: int


class StoredDayCounts(StoredItem):
    current_version: ClassVar[int] = 2
    written_back: ClassVar[bool] = True

    camera_id: str
    day: date
    counts: StoredCounts
    edge: StoredEdgeCounts | None

    @classmethod
    def of(cls, day: DayCounts) -> "StoredDayCounts":
        edge = day.edge
        return cls(
            item_version=cls.current_version,
            camera_id=day.camera_id,
            day=day.day,
            counts=StoredCounts.of(day.counts),
            edge=edge and StoredEdgeCounts(read=edge.read, sampled=edge.sampled, gated=edge.gated),
        )

    def to_domain(self, version: int) -> DayCounts:
        e = self.edge
        edge = EdgeCounts(e.read, e.sampled, e.gated) if e is not None else None
        return DayCounts(self.camera_id, self.day, self.counts.to_domain(), edge, version)


class StoredCountedUntil(StoredItem):
    """The camera's frames captured before this time are counted; those that came late are being counted again."""

    camera_id: str
    counted_until: AwareDatetime


class StoredRecount(StoredItem):
    """stamp: another one each time the mark is set, so that one that was set meanwhile is not removed."""

    camera_id: str
    bucket: AwareDatetime
    marked_at: AwareDatetime
    stamp: str
