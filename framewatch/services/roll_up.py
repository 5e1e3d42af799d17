"""Counts what is stored, ten minutes at a time, so that how many frames there were costs the same for any number.

Invariants:
- a count is made from the stored frames alone and replaces the one before it: it never adds, so that a crash, a
  second pass or a redelivery changes nothing;
- an item is written in place of the version that was read before the frames were: an older count replaces no newer;
- a camera's `counted_until` moves over a bucket only when that was counted after it had settled, and all that is made
  of it is written; a pass that was cut short or never came leaves it where it is;
- a frame that is stored after its bucket may have settled leaves a mark (domain/hourly.py says when), which goes only
  when its bucket was counted after the mark was read.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby, takewhile

import pytz

from framewatch.domain.errors import FramewatchError, RetryableError, WriteConflict
from framewatch.domain.frames import boot_began_at
from framewatch.domain.hourly import (
    BUCKET,
    HOUR,
    SETTLED_AFTER,
    BucketCounts,
    Counts,
    EdgeReading,
    SeenFrame,
    bucket_of,
    count_frames,
    day_in,
    day_start,
    hour_of,
    is_settled,
    keep_readings,
    steps_of,
)
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import AlertState, Visit
from framewatch.services.frame_merge import FramePages, FrameRead
from framewatch.services.list_pages import ReadDay
from framewatch.services.meter_use import for_camera
from framewatch.services.ports import AlertTable, Clock, CountTable, HeartbeatTable, Recount
from framewatch.services.tally import Tally
from framewatch.wire.envelope import format_utc
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.items import day_of, index_name

_log = logging.getLogger(__name__)

# A site of so many cameras or fewer has each counted every minute; a larger one each every fifth.
EVERY_MINUTE_UP_TO = 8
TURNS = 5
# A turn, and a minute more: a bucket that is counted later learns nothing of its box.
READ_WITHIN = timedelta(minutes=TURNS + 1)
# Where counting begins for a camera that was never counted.
BEGIN_BACK = HOUR
# In one pass: of a camera that is behind, two hours; of marks, what a few seconds take.
MAX_BUCKETS_A_TURN = 12
MAX_RECOUNTS = 100
# Frames are read as they were a moment ago: one that has just left its mark might not be seen yet.
READS_ARE_FRESH = timedelta(seconds=10)
# Begin nothing further after so long, or with so little left: what is told comes before what is counted.
BUDGET_S = 20.0
FINISH_S = 8.0
# Frames a request; DynamoDB ends one after 1 MB, which is fewer.
_FRAMES_A_PAGE = 1000
_OTHERS_A_PAGE = 10


@dataclass(frozen=True, slots=True)
class CountDeps:
    counts: CountTable
    frames: FramePages
    alerts: AlertTable
    visits: ReadDay[Visit]
    heartbeats: HeartbeatTable
    clock: Clock
    executor: Executor | None = None


def roll_up(site: SiteConfig, deps: CountDeps, tally: Tally, remaining_s: Callable[[], float]) -> None:
    """Raises RetryableError when a camera could not be counted, after trying the others."""
    _Pass(site, deps, tally, remaining_s).run()


class _Pass:
    def __init__(self, site: SiteConfig, deps: CountDeps, tally: Tally, remaining_s: Callable[[], float]):
        self._site = site
        self._deps = deps
        self._tally = tally
        self._zone = pytz.timezone(site.site.time_zone)
        self._now = deps.clock.now()
        self._stop_at_s = max(remaining_s() - BUDGET_S, FINISH_S)
        self._remaining_s = remaining_s
        self._beats: dict[str, StoredHeartbeat] = {}
        self._failed: list[str] = []

    def run(self) -> None:
        deps = self._deps
        for beat in deps.heartbeats.newest():
            known = self._beats.get(beat.camera_id)
            if known is None or beat.received_at > known.received_at:
                self._beats[beat.camera_id] = beat
        cursors = self._cursors(deps.counts.counted_until())
        self._each("counts", self._turn(cursors), lambda i: self._count_camera(i, cursors[i]))
        marks: dict[str, list[Recount]] = {}
        for mark in deps.counts.recounts(MAX_RECOUNTS):
            if mark.marked_at <= self._now - READS_ARE_FRESH:
                marks.setdefault(mark.camera_id, []).append(mark)
        self._each("late frames", list(marks), lambda i: self._count_marked(i, marks[i]))
        if self._failed:
            raise RetryableError("; ".join(self._failed))

    def _cursors(self, counted_until: Mapping[str, datetime]) -> dict[str, datetime]:
        """Where each camera is to be counted from."""
        begin = bucket_of(self._now - BEGIN_BACK)
        oldest = bucket_of(self._now - timedelta(days=self._site.retention.metadata_days))  # the frames have gone
        return {camera.id: max(counted_until.get(camera.id, begin), oldest) for camera in self._site.cameras}

    def _turn(self, cursors: dict[str, datetime]) -> list[str]:
        """Who is counted now: those that are furthest behind first, then those whose minute it is."""
        minute = int(self._now.timestamp()) // 60
        often = len(cursors) <= EVERY_MINUTE_UP_TO
        behind = {i for i, cursor in cursors.items() if is_settled(cursor + BUCKET, self._now)}
        turn = [i for n, i in enumerate(cursors) if often or i in behind or (n + minute) % TURNS == 0]
        return sorted(turn, key=lambda i: cursors[i])

    def _each(self, what: str, camera_ids: Sequence[str], count: Callable[[str], None]) -> None:
        """Side by side, and each camera alone: one that fails costs itself."""

        def attempt(camera_id: str) -> None:
            try:
                for_camera(camera_id, count, camera_id)
            except WriteConflict:
                _log.info("%s: somebody else counts it at this moment", camera_id)
            except _OutOfTime:
                self._tally.count("CountsDeferred")
            except Exception as error:  # noqa: BLE001  the edge of a camera
                expected = isinstance(error, FramewatchError)
                _log.error("%s: %s: %s", camera_id, type(error).__name__, error, exc_info=None if expected else error)
                self._failed.append(f"{what} of {camera_id}: {error}")

        run = self._deps.executor.map if self._deps.executor else map
        for _ in run(attempt, camera_ids):
            pass

    def _count_camera(self, camera_id: str, cursor: datetime) -> None:
        buckets = _span(cursor, self._now)
        settled = [b for b in buckets if is_settled(b, self._now)][:MAX_BUCKETS_A_TURN]
        still_open = [b for b in buckets if not is_settled(b, self._now)]
        for hour, of_hour in _by_hour([*settled, *still_open]):
            counted = self._count_hour(camera_id, hour, of_hour)
            if done := [b for b in of_hour if b in settled]:
                self._sum_days(camera_id, [b for b in done if b in counted])
                self._deps.counts.put_counted_until(camera_id, done[-1] + BUCKET, self._expires_at)

    def _count_marked(self, camera_id: str, marks: Sequence[Recount]) -> None:
        for hour, of_hour in _by_hour([mark.bucket for mark in marks]):
            self._count_hour(camera_id, hour, of_hour)
            self._sum_days(camera_id, of_hour)
            for mark in marks:
                if mark.bucket in of_hour:
                    self._deps.counts.done(mark)

    def _count_hour(self, camera_id: str, hour: datetime, buckets: Sequence[datetime]) -> Collection[datetime]:
        """Returns those of the buckets in which anything was."""
        if self._remaining_s() < self._stop_at_s:
            raise _OutOfTime
        stored = self._deps.counts.hour(camera_id, hour)
        after = dict(stored.buckets)
        for bucket in buckets:
            counted = BucketCounts(self._count(camera_id, bucket), self._reading(camera_id, bucket))
            counted = keep_readings(counted, stored.buckets.get(bucket))
            if counted or bucket in after:
                after[bucket] = counted
        if after != stored.buckets:
            self._deps.counts.put_hour(replace(stored, buckets=after), self._expires_at)
        return after.keys()

    def _count(self, camera_id: str, bucket: datetime) -> Counts:
        first_sk, before_sk, day = format_utc(bucket), format_utc(bucket + BUCKET), day_of(bucket)
        counts = count_frames(_seen(frame) for frame in self._frames(camera_id, day, first_sk, before_sk))
        if not counts.by_label:
            return counts  # nothing was seen that could have been a visit or an alert
        alerts = self._deps.alerts.newest_first(camera_id, day, before_sk=before_sk, page=_OTHERS_A_PAGE)
        visits = self._deps.visits(camera_id, day, before_sk=before_sk, page=_OTHERS_A_PAGE)
        return replace(
            counts,
            alerts=sum(1 for _ in takewhile(lambda found: found[0] >= first_sk, alerts)),
            withheld=sum(_is_withheld(v) for _, v in takewhile(lambda found: found[0] >= first_sk, visits)),
        )

    def _frames(self, camera_id: str, day: str, first_sk: str, before_sk: str) -> Iterator[StoredFrame]:
        upper: str | None = before_sk
        while upper is not None:
            read = FrameRead(index_name(camera_id), day, upper, first_sk, _FRAMES_A_PAGE)
            found = self._deps.frames.query(read)
            yield from found.frames
            upper = found.next_before_sk

    def _reading(self, camera_id: str, bucket: datetime) -> EdgeReading | None:
        """What the box says now: taken when the bucket settles, and not when it is counted long after."""
        beat = self._beats.get(camera_id)
        settled_at = bucket + BUCKET + SETTLED_AFTER
        if beat is None or not settled_at <= self._now < settled_at + READ_WITHIN or beat.received_at < bucket:
            return None
        began_at = boot_began_at(beat.boot_id)
        run, counts = f"{beat.box}/{beat.boot_id}", beat.counts
        gated = sum(counts.gated.values())
        return EdgeReading(run, began_at, beat.received_at, counts.read, counts.sampled, gated)

    def _sum_days(self, camera_id: str, buckets: Iterable[datetime]) -> None:
        for day in sorted({day_in(bucket, self._zone) for bucket in buckets}):
            stored = self._deps.counts.day(camera_id, day)
            first, end = day_start(day, self._zone), day_start(day + timedelta(days=1), self._zone)
            # The hour before: what a box counted is the difference to it.
            hours = self._deps.counts.hours(camera_id, hour_of(first) - HOUR, end, fresh=True)
            steps = steps_of(hours, [first], end)
            counts, edge = (steps[0].counts, steps[0].edge) if steps else (Counts(), None)
            after = replace(stored, counts=counts, edge=edge)
            if after != stored:
                self._deps.counts.put_day(after, self._expires_at)

    @property
    def _expires_at(self) -> datetime:
        return self._now + timedelta(days=self._site.retention.metadata_days)


class _OutOfTime(Exception):
    """What was not begun waits for the next pass."""


def _seen(frame: StoredFrame) -> SeenFrame:
    labels = frozenset(label.name for label in frame.labels)
    return SeenFrame(frame.gate_reason, labels, frame.watch_hit, frame.analysis, frame.jpeg_bytes)


def _is_withheld(visit: Visit) -> bool:
    alerted = any(claim.state in (AlertState.CLAIMED, AlertState.SENT) for claim in visit.alerts.values())
    return not alerted and any(progress.withheld for progress in visit.rules.values())


def _span(first: datetime, now: datetime) -> list[datetime]:
    """Every bucket from the first to the one that is under way."""
    count = (bucket_of(now) - first) // BUCKET + 1
    return [first + n * BUCKET for n in range(count)]


def _by_hour(buckets: Iterable[datetime]) -> list[tuple[datetime, list[datetime]]]:
    """Oldest first."""
    return [(hour, list(of_hour)) for hour, of_hour in groupby(sorted(buckets), hour_of)]
