"""A batch of stream records, each seen through to the end. A frame: decode, detect or spare, store, visit, alert.
A heartbeat: decode, keep if it is the newest of its camera.

Invariants:
- one record fails alone: whatever is wrong with it, no other record is lost for it;
- a record is acknowledged only when all of its effects are written, or it is kept raw in the failure store;
- every effect is keyed by frame id, so that a redelivery repeats none of them, and none is billed twice once the
  frame is stored;
- requests of different frames overlap, in a pool of bounded size; effects of one frame keep their order.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from framewatch.domain.alerts import Trace
from framewatch.domain.analysis import Analysis
from framewatch.domain.errors import (
    FramewatchError,
    PermanentError,
    RetryableError,
    SiteFileError,
    UnknownCamera,
    VisionDenied,
    VisionThrottled,
    VisionUnavailable,
)
from framewatch.domain.frames import Frame
from framewatch.domain.heartbeats import Heartbeat
from framewatch.domain.hourly import bucket_of, is_late
from framewatch.domain.labels import Label, fold
from framewatch.domain.site import SiteConfig
from framewatch.services.choose_analysis import SPARED_AS, AnalysisChooser
from framewatch.services.follow_visits import find_presences, follow_presence
from framewatch.services.meter_use import for_camera
from framewatch.services.ports import RawRecord
from framewatch.services.processing import Deps
from framewatch.services.tally import Tally
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.items import image_key
from framewatch.wire.records import decode_record

__all__ = ["BatchOutcome", "Deps", "process_batch"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

# Enough for one transaction and one text; with less, another step would be cut off in the middle.
FINISH_S = 3.0


class OutOfTime(RetryableError):
    """The invocation is about to end; what was not started is tried again by the next."""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """failed_record_ids: those to deliver again, in the order of the batch. counts: by metric name."""

    failed_record_ids: tuple[str, ...]
    counts: Mapping[str, int]


@dataclass(slots=True)
class _Arrival:
    """One frame of the batch with every record that carried it; a duplicate shares the outcome."""

    frame: Frame
    records: list[RawRecord] = field(default_factory=list)

    @property
    def frame_id(self) -> str:
        return self.frame.meta.frame_id


def process_batch(records: Sequence[RawRecord], deps: Deps, remaining_s: Callable[[], float]) -> BatchOutcome:
    """remaining_s: how many seconds the invocation has left. Never raises for a record."""
    tally = Tally()
    tally.count("RecordsReceived", len(records))
    try:
        site = deps.site.current()
    except (SiteFileError, RetryableError) as error:
        # Nothing can be judged without a site file, and nothing is wrong with the records.
        _log.error("no site configuration, all records wait: %s", error)
        tally.count("SiteUnavailable")
        failed = {r.record_id for r in records}
    else:
        with ThreadPoolExecutor(deps.workers, thread_name_prefix="frame") as pool:
            failed = _Batch(site, deps, tally, pool, remaining_s).run(records)
    tally.count("RecordsFailed", len(failed))
    tally.tell(deps.meter)
    return BatchOutcome(tuple(r.record_id for r in records if r.record_id in failed), tally.counts)


class _Batch:
    def __init__(
        self,
        site: SiteConfig,
        deps: Deps,
        tally: Tally,
        pool: ThreadPoolExecutor,
        remaining_s: Callable[[], float],
    ):
        self._site = site
        self._deps = deps
        self._tally = tally
        self._pool = pool
        self._remaining_s = remaining_s
        # Under a short time limit half of it is for detections: a margin of all of it would never start one.
        self._margin_s = min(deps.margin_s, remaining_s() / 2)
        self._failed: set[str] = set()
        self._received_at = deps.clock.now()
        self._chooser = AnalysisChooser(site, deps.budget.current(), self._received_at)
        self._labelled_at: dict[str, datetime] = {}

    def run(self, records: Sequence[RawRecord]) -> set[str]:
        """The ids of the records to deliver again."""
        decoded = self._decode_all(records)
        # First: that a camera lives must not wait until vision has answered.
        self._for_each(
            self._keep_if_newer, [(record, found) for record, found in decoded if isinstance(found, Heartbeat)]
        )
        arrivals = _by_frame((record, found) for record, found in decoded if isinstance(found, Frame))
        known = self._already_stored(arrivals)
        before = {a.frame_id: known[a.frame_id] for a in arrivals if known and a.frame_id in known}
        stored = (
            self._store_all([a for a in arrivals if a.frame_id not in before], known) if known is not None else {}
        )
        self._follow_all(arrivals, before, stored)
        self._mark_late(arrivals, {**before, **stored})
        return self._failed

    # -- decode -------------------------------------------------------------------------------------------------

    def _decode_all(self, records: Sequence[RawRecord]) -> list[tuple[RawRecord, Frame | Heartbeat]]:
        decoded: list[tuple[RawRecord, Frame | Heartbeat]] = []
        rejected: list[tuple[RawRecord, PermanentError]] = []
        for record in records:
            try:
                decoded.append((record, self._decode(record)))
            except PermanentError as error:
                rejected.append((record, error))
            except Exception as error:  # noqa: BLE001  the edge of the batch: a record that trips us costs itself
                self._fail([record], error)
        self._keep_all(rejected)
        return decoded

    def _decode(self, record: RawRecord) -> Frame | Heartbeat:
        found = decode_record(record.data)
        camera_id, name = _origin(found)
        if record.partition_key != camera_id:
            # Another key may mean another shard, and one camera's frames would overtake each other.
            raise UnknownCamera(f"{name}: the partition key {record.partition_key[:100]!r} is not its camera id")
        if self._site.camera(camera_id) is None:
            raise UnknownCamera(f"{name}: the site file has no camera {camera_id!r}; add it there")
        return found

    def _keep_all(self, rejected: Iterable[tuple[RawRecord, PermanentError]]) -> None:
        """Each into the failure store; one that cannot be kept is delivered again instead."""
        self._for_each(self._keep, rejected)

    def _for_each(self, work: Callable[[RawRecord, T], None], items: Iterable[tuple[RawRecord, T]]) -> None:
        """Side by side; a record whose work fails is delivered again."""
        tasks = [(record, self._pool.submit(work, record, item)) for record, item in items]
        for record, done in tasks:
            if error := _outcome(done):
                self._fail([record], error)

    def _keep(self, record: RawRecord, error: PermanentError) -> None:
        name = type(error).__name__
        key = self._deps.failures.keep(record, str(error), name, self._deps.clock.now())
        _log.error("record rejected: %s: %s", name, error, extra={"record_id": record.record_id, "kept_at": key})
        self._tally.count("RecordsRejected")

    # -- heartbeats -------------------------------------------------------------------------------------------------

    def _keep_if_newer(self, record: RawRecord, heartbeat: Heartbeat) -> None:
        now = self._deps.clock.now()
        stored = StoredHeartbeat.of(heartbeat, received_at=record.arrived_at or now)
        newer = self._deps.heartbeats.put(stored, now + timedelta(days=self._site.retention.metadata_days))
        self._tally.count("HeartbeatsStored" if newer else "HeartbeatsStale")

    # -- detect and store -----------------------------------------------------------------------------------------

    def _already_stored(self, arrivals: Sequence[_Arrival]) -> dict[str, StoredFrame] | None:
        """With those that the arrivals nearly equal.

        None when that cannot be known: then nothing is analysed, for it might be billed again.
        """
        if not arrivals:
            return {}
        try:
            known = self._deps.frames.get_stored(self._chooser.to_read(a.frame.meta for a in arrivals))
        except Exception as error:  # noqa: BLE001  the edge of the batch
            for a in arrivals:
                self._fail(a.records, error)
            return None
        self._tally.count("FramesDuplicate", sum(len(a.records) - (a.frame_id not in known) for a in arrivals))
        return known

    def _store_all(self, arrivals: Sequence[_Arrival], known: Mapping[str, StoredFrame]) -> dict[str, StoredFrame]:
        """Those that may have the labels of another of them come after it. Returns those that are stored now."""
        ids = {a.frame_id for a in arrivals}
        waiting = [a for a in arrivals if self._chooser.waits_for_one_of(a.frame.meta, ids)]
        ids_waiting = {a.frame_id for a in waiting}
        stored = self._store_side_by_side([a for a in arrivals if a.frame_id not in ids_waiting], known)
        return stored | self._store_side_by_side(waiting, {**known, **stored})

    def _store_side_by_side(
        self, arrivals: Sequence[_Arrival], known: Mapping[str, StoredFrame]
    ) -> dict[str, StoredFrame]:
        tasks = [
            (a, self._pool.submit(for_camera, a.frame.meta.camera_id, self._store, a.frame, known)) for a in arrivals
        ]
        stored: dict[str, StoredFrame] = {}
        rejected: list[tuple[RawRecord, PermanentError]] = []
        for a, done in tasks:
            error = _outcome(done)
            if error is None:
                stored[a.frame_id] = done.result()
            elif isinstance(error, PermanentError):
                rejected += [(record, error) for record in a.records]
            else:
                self._fail(a.records, error)
        self._keep_all(rejected)
        return stored

    def _store(self, frame: Frame, known: Mapping[str, StoredFrame]) -> StoredFrame:
        site, deps, meta = self._site, self._deps, frame.meta
        choice = self._chooser.choose(meta, known)
        labels: Sequence[Label] = choice.labels
        if choice.analysis is Analysis.ANALYSED:
            labels = self._detect(frame)
        else:
            self._check_time(FINISH_S)
        deps.images.put(image_key(meta), frame.jpeg)
        now = deps.clock.now()
        watched = _watched(labels, meta.camera_id, site)
        stored = StoredFrame.of(meta, labels, watched, now, analysis=choice.analysis, jpeg_bytes=len(frame.jpeg))
        # Counted from now, not from the capture: old footage that is replayed must not vanish at once.
        if not deps.frames.put(stored, now + timedelta(days=site.retention.metadata_days)):
            # Another delivery of the same frame came first: what it stored is what counts.
            self._tally.count("FramesDuplicate")
            return deps.frames.get_stored([meta]).get(meta.frame_id, stored)
        self._tally.count("FramesStored")
        if choice.analysis is not Analysis.ANALYSED:
            self._tally.count(SPARED_AS[choice.analysis])
        self._tally.time_ms("CaptureToStoredMs", (now - meta.captured_at).total_seconds() * 1000)
        return stored

    def _detect(self, frame: Frame) -> list[Label]:
        self._check_time(self._margin_s)
        vision = self._site.vision
        labels = self._deps.vision.detect(
            frame.jpeg, min_confidence=vision.min_confidence, max_labels=vision.max_labels
        )
        self._labelled_at[frame.meta.frame_id] = self._deps.clock.now()
        return labels

    # -- visits and alerts ----------------------------------------------------------------------------------------

    def _follow_all(
        self, arrivals: Sequence[_Arrival], before: Mapping[str, StoredFrame], stored: Mapping[str, StoredFrame]
    ) -> None:
        records = {a.frame_id: a.records for a in arrivals}
        # A frame that lost its put to another delivery may be counted, too; the mark's condition tells.
        traces = {a.frame_id: self._trace(a) for a in arrivals}
        presences = find_presences([*before.values(), *stored.values()], before.keys(), self._site, traces)
        check_time = partial(self._check_time, FINISH_S)
        tasks = [
            self._pool.submit(
                for_camera, found.camera_id, follow_presence, found, self._site, self._deps, self._tally, check_time
            )
            for found in presences
        ]
        for task in tasks:
            for frame_id, error in task.result().items():
                self._fail(records[frame_id], error)

    def _trace(self, arrival: _Arrival) -> Trace:
        arrived = [r.arrived_at for r in arrival.records if r.arrived_at is not None]
        labelled_at = self._labelled_at.get(arrival.frame_id)
        return Trace(min(arrived, default=None), self._received_at, labelled_at)

    # -- counts ---------------------------------------------------------------------------------------------------

    def _mark_late(self, arrivals: Sequence[_Arrival], stored: Mapping[str, StoredFrame]) -> None:
        """Frames that the count of their ten minutes may have missed: those are counted again.

        After everything else that is counted is written. A redelivery marks again, for who died may not have.
        """
        now = self._deps.clock.now()
        late = [a for a in arrivals if a.frame_id in stored and is_late(a.frame.meta.captured_at, now)]
        if not late:
            return
        buckets = {(a.frame.meta.camera_id, bucket_of(a.frame.meta.captured_at)) for a in late}
        try:
            self._deps.recounts.mark(buckets, now, now + timedelta(days=self._site.retention.metadata_days))
        except Exception as error:  # noqa: BLE001  the edge of the batch
            for a in late:
                self._fail(a.records, error)
        else:
            self._tally.count("FramesLate", len(late))

    # -- what fails -------------------------------------------------------------------------------------------------

    def _check_time(self, needed_s: float) -> None:
        if (left_s := self._remaining_s()) < needed_s:
            raise OutOfTime(f"{left_s:.1f} s are left, {needed_s:.1f} s are needed")

    def _fail(self, records: Sequence[RawRecord], error: Exception) -> None:
        """These are delivered again. Counted by what was wrong, logged once each."""
        new = [r.record_id for r in records if r.record_id not in self._failed]
        self._failed.update(new)
        if not new:
            return
        if isinstance(error, OutOfTime):
            self._tally.count("FramesDeferred")
        if isinstance(error, VisionThrottled | VisionUnavailable | VisionDenied):
            self._tally.count("VisionErrors")
            self._tally.count(type(error).__name__)
        expected = isinstance(error, FramewatchError)
        if not expected:
            self._tally.count("UnexpectedErrors")
        _log.log(
            logging.WARNING if expected else logging.ERROR,
            "record waits for its retry: %s: %s",
            type(error).__name__,
            error,
            exc_info=None if expected else error,
            extra={"record_id": new[0]},
        )


def _origin(found: Frame | Heartbeat) -> tuple[str, str]:
    """The camera's id, and what the record is called in a sentence."""
    if isinstance(found, Heartbeat):
        return found.camera_id, f"heartbeat {found.seq} of box {found.box}"
    return found.meta.camera_id, found.meta.frame_id


def _by_frame(frames: Iterable[tuple[RawRecord, Frame]]) -> list[_Arrival]:
    arrivals: dict[str, _Arrival] = {}
    for record, frame in frames:
        arrivals.setdefault(frame.meta.frame_id, _Arrival(frame)).records.append(record)
    return list(arrivals.values())


def _outcome(done: Future[Any]) -> Exception | None:
    """What a task raised. Anything beyond Exception ends the batch, as it would have without threads."""
    error = done.exception()
    if error is not None and not isinstance(error, Exception):
        raise error
    return error


def _watched(labels: Sequence[Label], camera_id: str, site: SiteConfig) -> set[str]:
    """Names of the labels that a rule for the camera means, confident enough for it."""
    least: dict[str, float] = {}
    for word in site.watch_words:
        for rule in site.rules_for(camera_id, word):
            least[fold(word)] = min(rule.min_confidence, least.get(fold(word), 100.0))
    return {
        label.name
        for label in labels
        if any(label.confidence >= least[name] for name in label.names_folded if name in least)
    }
