"""How many frames, labels and alerts there were: ten-minute buckets of an hour, and steps that are made of them.

A bucket is counted from what is stored, whole and anew, and the result replaces what was counted before: whatever
comes twice, late or in another order changes no sum.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytz
from pytz.tzinfo import BaseTzInfo

from framewatch.domain.analysis import Analysis
from framewatch.domain.frames import GateReason

BUCKET = timedelta(minutes=10)
HOUR = timedelta(hours=1)
MAX_LABELS = 50
"""Named in a bucket or step; those that are seen less often are counted together."""

SETTLED_AFTER = timedelta(minutes=2)
"""Counted so long after its end, a bucket is done: what is stored later leaves a mark."""
LATE_AFTER = SETTLED_AFTER - timedelta(seconds=30)
"""From then on a frame leaves a mark. Sooner than it must: for the clocks of two machines, and a read that is old by
a moment."""


def bucket_of(at: datetime) -> datetime:
    """When the bucket begins, in UTC. Ten minutes divide every hour and UTC day."""
    at = at.astimezone(UTC)
    return at.replace(minute=at.minute - at.minute % 10, second=0, microsecond=0)


def hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def is_settled(bucket: datetime, now: datetime) -> bool:
    return now >= bucket + BUCKET + SETTLED_AFTER


def is_late(captured_at: datetime, now: datetime) -> bool:
    """Whether a frame that is stored by now may have missed the last count of its bucket."""
    return now >= bucket_of(captured_at) + BUCKET + LATE_AFTER


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """What is counted of one stored frame. labels: their own names, no aliases or parents."""

    gate_reason: GateReason
    labels: frozenset[str]
    watch_hit: bool
    analysis: Analysis = Analysis.ANALYSED
    jpeg_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """frames: stored ones, each once. by_analysis: the same by what vision made of them, so that those that were
    analysed are counted exactly, however often one was redelivered. jpeg_bytes: of all their pictures.

    by_label: frames that show it, of the MAX_LABELS most frequent. other_labels: the sum for all others, to which a
    frame counts once for each. watch_frames: frames with a watched label. alerts: captured then. withheld: visits
    that began then, that a rule held back and none alerted for, as they stood when they were counted.
    """

    frames: int = 0
    by_gate_reason: Mapping[GateReason, int] = field(default_factory=dict)
    by_label: Mapping[str, int] = field(default_factory=dict)
    other_labels: int = 0
    watch_frames: int = 0
    alerts: int = 0
    withheld: int = 0
    by_analysis: Mapping[Analysis, int] = field(default_factory=dict)
    jpeg_bytes: int = 0

    def __bool__(self) -> bool:
        return bool(self.frames or self.alerts or self.withheld)


@dataclass(frozen=True, slots=True)
class EdgeReading:
    """The cumulative counts of one life of a box's service, as they stood when the bucket was settled.

    run: the box and its boot id. began_at: of that life. at: when AWS had them.
    """

    run: str
    began_at: datetime
    at: datetime
    read: int
    sampled: int
    gated: int


@dataclass(frozen=True, slots=True)
class EdgeCounts:
    read: int
    sampled: int
    gated: int

    def __add__(self, other: "EdgeCounts") -> "EdgeCounts":
        return EdgeCounts(self.read + other.read, self.sampled + other.sampled, self.gated + other.gated)


@dataclass(frozen=True, slots=True)
class BucketCounts:
    counts: Counts
    reading: EdgeReading | None = None

    def __bool__(self) -> bool:
        return bool(self.counts) or self.reading is not None


@dataclass(frozen=True, slots=True)
class HourCounts:
    """Of one camera. buckets: by their beginning; one that is missing was never counted.

    version: counts writes; 0: not yet stored.
    """

    camera_id: str
    hour: datetime
    buckets: Mapping[datetime, BucketCounts] = field(default_factory=dict)
    version: int = 0


@dataclass(frozen=True, slots=True)
class StepCounts:
    """edge: None where no box said anything."""

    at: datetime
    counts: Counts
    edge: EdgeCounts | None

    def __bool__(self) -> bool:
        return bool(self.counts) or self.edge is not None


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Of one camera and day of the site. version: as of an hour."""

    camera_id: str
    day: date
    counts: Counts
    edge: EdgeCounts | None
    version: int = 0


def count_frames(frames: Iterable[SeenFrame]) -> Counts:
    reasons: Counter[GateReason] = Counter()
    analyses: Counter[Analysis] = Counter()
    labels: Counter[str] = Counter()
    watch_frames = jpeg_bytes = 0
    for frame in frames:
        reasons[frame.gate_reason] += 1
        analyses[frame.analysis] += 1
        labels.update(frame.labels)
        watch_frames += frame.watch_hit
        jpeg_bytes += frame.jpeg_bytes
    by_label, other_labels = _most_frequent(labels)
    return Counts(
        frames=reasons.total(),
        by_gate_reason=dict(sorted(reasons.items())),
        by_label=by_label,
        other_labels=other_labels,
        watch_frames=watch_frames,
        by_analysis=dict(sorted(analyses.items())),
        jpeg_bytes=jpeg_bytes,
    )


def add_up(parts: Iterable[Counts]) -> Counts:
    reasons: Counter[GateReason] = Counter()
    analyses: Counter[Analysis] = Counter()
    labels: Counter[str] = Counter()
    frames = others = watch_frames = alerts = withheld = jpeg_bytes = 0
    for part in parts:
        frames += part.frames
        reasons.update(part.by_gate_reason)
        analyses.update(part.by_analysis)
        labels.update(part.by_label)
        others += part.other_labels
        watch_frames += part.watch_frames
        alerts += part.alerts
        withheld += part.withheld
        jpeg_bytes += part.jpeg_bytes
    by_label, left_out = _most_frequent(labels)
    return Counts(
        frames=frames,
        by_gate_reason=dict(sorted(reasons.items())),
        by_label=by_label,
        other_labels=others + left_out,
        watch_frames=watch_frames,
        alerts=alerts,
        withheld=withheld,
        by_analysis=dict(sorted(analyses.items())),
        jpeg_bytes=jpeg_bytes,
    )


def _most_frequent(labels: Counter[str]) -> tuple[dict[str, int], int]:
    """Most first, a tie by name, so that the same frames give the same counts."""
    ranked = sorted(labels.items(), key=lambda item: (-item[1], item[0]))
    return dict(ranked[:MAX_LABELS]), sum(count for _, count in ranked[MAX_LABELS:])


def keep_readings(counted: BucketCounts, before: BucketCounts | None) -> BucketCounts:
    """A reading is taken once: when the bucket is counted again, what the box says by then is of another time."""
    return counted if before is None or before.reading is None else replace(counted, reading=before.reading)


def edge_counts(readings: Sequence[tuple[datetime, EdgeReading]]) -> dict[datetime, EdgeCounts]:
    """What was counted from each reading to the next, by the bucket of the next. readings: oldest first.

    Of the first it is not known, unless its run began no earlier than its bucket; nor is it of a run that had begun
    before the reading of another. Between two runs, what the old one counted after its last reading is lost.
    """
    found: dict[datetime, EdgeCounts] = {}
    for bucket, reading in readings[:1]:
        if reading.began_at >= bucket:
            found[bucket] = EdgeCounts(reading.read, reading.sampled, reading.gated)
    for (_, before), (bucket, after) in pairwise(readings):
        if after.run != before.run:
            if after.began_at >= before.at - BUCKET:  # a box's clock may be a little behind
                found[bucket] = EdgeCounts(after.read, after.sampled, after.gated)
        elif after.read >= before.read:
            found[bucket] = EdgeCounts(
                after.read - before.read, after.sampled - before.sampled, after.gated - before.gated
            )
    return found


def steps_of(hours: Iterable[HourCounts], starts: Sequence[datetime], end: datetime) -> list[StepCounts]:
    """Each step from its start to the next one's, the last to `end`; those that are empty are left out.

    hours: of one camera, oldest first; for `edge`, from an hour before the first start. A bucket counts for the step
    in which it begins.
    """
    buckets = [(at, b) for hour in hours for at, b in sorted(hour.buckets.items())]
    edge = edge_counts([(at, b.reading) for at, b in buckets if b.reading is not None])
    steps: list[StepCounts] = []
    place = 0
    for first, last in pairwise([*starts, end]):
        while place < len(buckets) and buckets[place][0] < first:
            place += 1
        begun = place
        while place < len(buckets) and buckets[place][0] < last:
            place += 1
        inside = buckets[begun:place]
        told = [edge[at] for at, _ in inside if at in edge]
        total = sum(told, EdgeCounts(0, 0, 0)) if told else None
        if step := StepCounts(first, add_up(b.counts for _, b in inside), total):
            steps.append(step)
    return steps


def day_start(day: date, zone: BaseTzInfo) -> datetime:
    """The first moment of a day of the zone, in UTC: 23 to 25 hours before the next."""
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  the wall's
    try:
        return zone.localize(midnight, is_dst=None).astimezone(UTC)
    except pytz.AmbiguousTimeError:
        return zone.localize(midnight, is_dst=True).astimezone(UTC)  # the first of two midnights
    except pytz.NonExistentTimeError:
        return zone.localize(midnight, is_dst=False).astimezone(UTC)  # the moment at which the clock jumps over it


def day_in(at: datetime, zone: BaseTzInfo) -> date:
    return at.astimezone(zone).date()
