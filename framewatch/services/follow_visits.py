"""The visits of one label on one camera, brought up to date with a batch's frames.

Invariants, whatever is redelivered and wherever a crash falls:
- a frame counts once in a label's visits: its mark is written in the transaction that counts it;
- a visit alerts once: its claim is written in the transaction that counts the claiming frame;
- a claim that is not finished is finished by the redelivery of its frame.

One camera's frames are worked on by one invocation at a time, for they share a partition key, hence a shard and its
order. Versions and marks refuse whatever two at once would write to the same visit; only two that open one visit in
the same instant are not seen by each other, and the next sighting joins what they opened.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from framewatch.domain.alerts import WATCH_RULE_ID, Alert, first_to_alert
from framewatch.domain.errors import RetryableError, WriteConflict
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.labels import Label, find_sightings
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import AlertClaim, AlertState, Visit, VisitChange, VisitSighting, add_sightings
from framewatch.services.processing import Deps, Tally, retry_conflicts
from framewatch.services.send_alerts import build_alert, send_alert
from framewatch.wire.items import StoredFrame

_log = logging.getLogger(__name__)

# A DynamoDB transaction holds 100 items. n sightings join at most n + 1 visits: n marks, n + 1 deletes, the visit
# and its alert.
MAX_SIGHTINGS_A_CHANGE = 45
# A replayed backlog may span days; reading all of their visits at once is bounded by this.
MAX_SPAN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Presence:
    """Where a batch's frames show one watched label on one camera, oldest first.

    maybe_counted: the frames that were stored before this batch and so may be counted already.
    """

    camera_id: str
    watch_label: str
    sightings: tuple[VisitSighting, ...]
    maybe_counted: frozenset[str] = frozenset()

    @property
    def frame_ids(self) -> list[str]:
        return [s.frame_id for s in self.sightings]


def find_presences(frames: Iterable[StoredFrame], stored_before: Collection[str], site: SiteConfig) -> list[Presence]:
    found: dict[tuple[str, str], list[VisitSighting]] = {}
    for frame in frames:
        for sighting in find_sightings((label.to_domain() for label in frame.labels), site.watch.labels):
            if sighting.confidence >= site.vision.min_confidence:
                found.setdefault((frame.camera_id, sighting.watch_label), []).append(
                    VisitSighting(frame.frame_id, frame.captured_at, sighting.confidence, _best_box(sighting.label))
                )
    return [
        Presence(
            camera_id,
            label,
            tuple(sorted(sightings, key=lambda s: (s.captured_at, s.frame_id))),
            frozenset(s.frame_id for s in sightings if s.frame_id in stored_before),
        )
        for (camera_id, label), sightings in found.items()
    ]


def _best_box(label: Label) -> BoxXYXYRel | None:
    best = max(label.instances, key=lambda i: i.confidence, default=None)
    return best.box_xyxy_rel if best else None


def follow_presence(
    presence: Presence, site: SiteConfig, deps: Deps, tally: Tally, check_time: Callable[[], None]
) -> dict[str, Exception]:
    """Count the sightings, decide and send alerts. Returns the frames to try again, each with its reason.

    check_time raises a RetryableError when too little is left to start another step.
    """
    failed: dict[str, Exception] = {}
    for sightings in _slices(presence.sightings):
        part = replace(presence, sightings=tuple(sightings))
        try:
            check_time()
            alerts = _Counting(part, site, deps, tally).run()
        except Exception as error:  # noqa: BLE001  the edge of one label's loop: its frames are tried again
            failed |= dict.fromkeys(part.frame_ids, error)
            continue
        for alert in alerts:
            try:
                check_time()
                send_alert(alert, site, deps, tally)
            except Exception as error:  # noqa: BLE001  likewise: the frame that claimed the alert is tried again
                failed[alert.frame_id] = error
    return failed


def _slices(sightings: Sequence[VisitSighting]) -> Iterator[list[VisitSighting]]:
    part: list[VisitSighting] = []
    for s in sightings:
        if part and (len(part) == MAX_SIGHTINGS_A_CHANGE or s.captured_at - part[0].captured_at > MAX_SPAN):
            yield part
            part = []
        part.append(s)
    if part:
        yield part


@dataclass(slots=True)
class _Counting:
    """One slice of a presence on its way into the visits; whatever is read is read anew after a conflict."""

    presence: Presence
    site: SiteConfig
    deps: Deps
    tally: Tally
    _claimed: list[Alert] = field(default_factory=list)
    _tried: bool = False

    def run(self) -> list[Alert]:
        """The alerts to send: those claimed now, and those claimed before by one of these frames, not finished."""
        unfinished: list[Alert] = []

        def attempt() -> None:
            known, fresh = self._read()
            if not self._tried:
                # Only before the first write: a claim that turns up after a conflict is somebody else's, at work now.
                self._tried = True
                unfinished.extend(self._unfinished(known, fresh))
            self._write(known, fresh)

        try:
            retry_conflicts(attempt, self.deps.sleep)
        except RetryableError:
            if self._claimed:
                # Their frames are tried again and find their claims; nothing is lost by not sending here.
                _log.info("%d claimed alerts wait for the retry", len(self._claimed))
            raise
        return unfinished + self._claimed

    def _read(self) -> tuple[list[Visit], list[VisitSighting]]:
        p = self.presence
        # A frame stored by this very batch cannot be counted yet. Were that ever wrong, its mark refuses the write.
        asked = [i for i in p.frame_ids if self._tried or i in p.maybe_counted]
        counted = self.deps.visits.counted(asked, p.watch_label) if asked else set()
        known = self.deps.visits.near(
            p.camera_id, p.watch_label, p.sightings[0].captured_at, p.sightings[-1].captured_at, self._gap
        )
        return known, [s for s in p.sightings if s.frame_id not in counted]

    @property
    def _gap(self) -> timedelta:
        return timedelta(seconds=self.site.visits.gap_s)

    def _unfinished(self, known: Sequence[Visit], fresh: Sequence[VisitSighting]) -> Iterator[Alert]:
        again = {s.frame_id: s for s in self.presence.sightings}
        for s in fresh:
            again.pop(s.frame_id, None)
        for visit in known:
            claim = visit.alerts.get(WATCH_RULE_ID)
            if claim and claim.state is AlertState.CLAIMED and claim.frame_id in again:
                captured_at = again[claim.frame_id].captured_at
                alert = self.deps.visits.alert(visit.camera_id, captured_at, claim.alert_id)
                if alert is not None:
                    yield alert

    def _write(self, known: Sequence[Visit], fresh: Sequence[VisitSighting]) -> None:
        p = self.presence
        now = self.deps.clock.now()
        expires_at = now + timedelta(days=self.site.retention.metadata_days)
        for change in add_sightings(p.camera_id, p.watch_label, known, fresh, self._gap):
            alert: Alert | None = None
            chosen = first_to_alert(change.after, WATCH_RULE_ID, self.site.watch.min_confidence, change.sightings)
            if chosen is not None:
                alert = build_alert(change.after, chosen, self.site, now)
                claim = AlertClaim(chosen.frame_id, AlertState.CLAIMED, alert.alert_id)
                claimed = replace(change.after, alerts={**change.after.alerts, WATCH_RULE_ID: claim})
                change = VisitChange(change.before, claimed, change.sightings)  # noqa: PLW2901
            try:
                self.deps.visits.apply(change, alert, expires_at)
            except WriteConflict:
                self.tally.count("VisitConflicts")
                raise
            if not change.before:
                self.tally.count("VisitsOpened")
            if alert is not None:
                self._claimed.append(alert)
