"""The visits of one label on one camera, brought up to date with a batch's frames.

Invariants, whatever is redelivered and wherever a crash falls:
- a frame counts once in a label's visits: its mark is written in the transaction that counts it;
- a visit alerts once for a rule: its claim is written in the transaction that counts the claiming frame;
- an incident, and the cameras within a cool-down, alert once: what the rule remembers is written there too, under its
  version, so that of two that decide at once one reads again;
- a claim that is not finished is finished by the redelivery of its frame, or by the watchdog.

One camera's frames are worked on by one invocation at a time, for they share a partition key, hence a shard and its
order. Versions and marks refuse whatever two at once would write to the same visit; only two that open one visit in
the same instant are not seen by each other, and the next sighting joins what they opened.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from framewatch.domain.alerts import Alert, AlertRef, Trace
from framewatch.domain.errors import RetryableError, WriteConflict
from framewatch.domain.labels import find_sightings
from framewatch.domain.rules import Observation, instances_of, names_in
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import AlertState, Visit, VisitSighting, add_sightings
from framewatch.services.decide_alerts import decide
from framewatch.services.ports import MAX_WRITES, writes_of
from framewatch.services.processing import FollowDeps
from framewatch.services.send_alerts import send_alert
from framewatch.services.tally import Tally, retry_conflicts
from framewatch.wire.frame_items import StoredFrame

_log = logging.getLogger(__name__)

# What one change may hold. It is cut in two when what is decided for it makes it more than a transaction takes.
MAX_SIGHTINGS_A_CHANGE = 20
# A replayed backlog may span days; reading all of their visits at once is bounded by this.
MAX_SPAN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Presence:
    """Where a batch's frames show one watched word on one camera, oldest first.

    maybe_counted: the frames that were stored before this batch and so may be counted already.
    """

    camera_id: str
    watch_label: str
    seen: tuple[Observation, ...]
    maybe_counted: frozenset[str] = frozenset()

    @property
    def frame_ids(self) -> list[str]:
        return [o.sighting.frame_id for o in self.seen]


class _TooManyWrites(Exception):
    """A change does not fit one transaction; fewer sightings do."""


def find_presences(
    frames: Iterable[StoredFrame],
    stored_before: Collection[str],
    site: SiteConfig,
    traces: Mapping[str, Trace] | None = None,
) -> list[Presence]:
    """traces: by frame id, what is known of its way here."""
    found: dict[tuple[str, str], list[Observation]] = {}
    for frame in frames:
        labels = [label.to_domain() for label in frame.labels]
        names = names_in(labels)
        trace = replace((traces or {}).get(frame.frame_id, Trace()), stored_at=frame.stored_at)
        for sighting in find_sightings(labels, _words_for(site, frame.camera_id)):
            if sighting.confidence >= site.vision.min_confidence:
                instances = instances_of(labels, sighting.watch_label)
                box = instances[0].box_xyxy_rel if instances else None
                seen = VisitSighting(frame.frame_id, frame.captured_at, sighting.confidence, box)
                found.setdefault((frame.camera_id, sighting.watch_label), []).append(
                    Observation(seen, instances, names, trace)
                )
    return [
        Presence(
            camera_id,
            label,
            tuple(sorted(seen, key=lambda o: (o.captured_at, o.sighting.frame_id))),
            frozenset(o.sighting.frame_id for o in seen if o.sighting.frame_id in stored_before),
        )
        for (camera_id, label), seen in found.items()
    ]


def _words_for(site: SiteConfig, camera_id: str) -> list[str]:
    """The watched words that a rule for this camera follows."""
    return [word for word in site.watch_words if site.rules_for(camera_id, word)]


def follow_presence(
    presence: Presence, site: SiteConfig, deps: FollowDeps, tally: Tally, check_time: Callable[[], None]
) -> dict[str, Exception]:
    """Count the sightings, decide and send alerts. Returns the frames to try again, each with its reason.

    check_time raises a RetryableError when too little is left to start another step.
    """
    failed: dict[str, Exception] = {}
    parts = list(_slices(presence))[::-1]
    while parts:
        part = parts.pop()
        counting = _Counting(part, site, deps, tally)
        try:
            check_time()
            alerts = counting.run()
        except _TooManyWrites:
            half = len(part.seen) // 2
            parts += [replace(part, seen=part.seen[half:]), replace(part, seen=part.seen[:half])]
            alerts = counting.claimed
        except Exception as error:  # noqa: BLE001  the edge of one label's loop: its frames are tried again
            failed |= dict.fromkeys(part.frame_ids, error)
            continue
        for alert in alerts:
            try:
                check_time()
                send_alert(alert, site, deps.sending, tally)
            except RetryableError as error:
                # It is kept as work for the watchdog; other frames need not wait behind this text.
                _log.warning("%s: left to the watchdog: %s", alert.alert_id, error)
                tally.count("AlertsLeftToWatchdog")
            except Exception as error:  # noqa: BLE001  likewise: the frame that claimed the alert is tried again
                failed[alert.frame_id] = error
    return failed


def _slices(presence: Presence) -> Iterator[Presence]:
    part: list[Observation] = []
    for seen in presence.seen:
        if part and (len(part) == MAX_SIGHTINGS_A_CHANGE or seen.captured_at - part[0].captured_at > MAX_SPAN):
            yield replace(presence, seen=tuple(part))
            part = []
        part.append(seen)
    if part:
        yield replace(presence, seen=tuple(part))


@dataclass(slots=True)
class _Counting:
    """One slice of a presence on its way into the visits; whatever is read is read anew after a conflict."""

    presence: Presence
    site: SiteConfig
    deps: FollowDeps
    tally: Tally
    claimed: list[Alert] = field(default_factory=list)
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
            if self.claimed:
                # Their frames are tried again and find their claims; nothing is lost by not sending here.
                _log.info("%d claimed alerts wait for the retry", len(self.claimed))
            raise
        return unfinished + self.claimed

    def _read(self) -> tuple[list[Visit], list[Observation]]:
        p = self.presence
        # A frame stored by this very batch cannot be counted yet. Were that ever wrong, its mark refuses the write.
        asked = [i for i in p.frame_ids if self._tried or i in p.maybe_counted]
        counted = self.deps.visits.counted(asked, p.watch_label) if asked else set()
        known = self.deps.visits.near(
            p.camera_id, p.watch_label, p.seen[0].captured_at, p.seen[-1].captured_at, self._gap
        )
        return known, [o for o in p.seen if o.sighting.frame_id not in counted]

    @property
    def _gap(self) -> timedelta:
        return timedelta(seconds=self.site.visits.gap_s)

    def _unfinished(self, known: Sequence[Visit], fresh: Sequence[Observation]) -> Iterator[Alert]:
        again = {o.sighting.frame_id: o for o in self.presence.seen}
        for o in fresh:
            again.pop(o.sighting.frame_id, None)
        for visit in known:
            for claim in visit.alerts.values():
                if claim.state is AlertState.CLAIMED and claim.frame_id in again:
                    ref = AlertRef(visit.camera_id, again[claim.frame_id].captured_at, claim.alert_id)
                    if (alert := self.deps.alerts.get(ref)) is not None:
                        yield alert

    def _write(self, known: Sequence[Visit], fresh: Sequence[Observation]) -> None:
        p = self.presence
        now = self.deps.clock.now()
        expires_at = now + timedelta(days=self.site.retention.metadata_days)
        by_frame = {o.sighting.frame_id: o for o in fresh}
        for change in add_sightings(p.camera_id, p.watch_label, known, [o.sighting for o in fresh], self._gap):
            seen = sorted((by_frame[s.frame_id] for s in change.sightings), key=_in_order)
            decision = decide(change, seen, self.site, self.deps.alerts, now)
            if writes_of(decision.change, decision.decided) > MAX_WRITES and len(p.seen) > 1:
                raise _TooManyWrites
            # Before the change: a crash in between tells of it once more at most, the other order might never tell.
            for held in decision.late:
                key = f"{held.contact_id}#{decision.change.after.visit_id}"
                self.deps.alerts.put_held(key, held, expires_at)
            try:
                self.deps.visits.apply(decision.change, decision.decided, expires_at)
            except WriteConflict:
                self.tally.count("VisitConflicts")
                raise
            if not change.before:
                self.tally.count("VisitsOpened")
            for reason in decision.reasons:
                self.tally.count("AlertsWithheld")
                self.tally.count(f"Withheld-{reason}")
            self.claimed += decision.decided.alerts


def _in_order(seen: Observation) -> tuple[object, str]:
    return (seen.captured_at, seen.sighting.frame_id)
