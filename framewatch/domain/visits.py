"""A visit: the presence of one label on one camera, correct in whatever order the frames arrive.

Visits of a camera and label never overlap and lie more than the gap apart. A sighting within the gap of a
visit extends it; one within the gap of two joins them. So the visits after a set of sightings depend on the
set alone, never on the order of arrival.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.path import Path, join_paths


@dataclass(frozen=True, slots=True)
class VisitSighting:
    """One frame in which the visit's label was seen. box_xyxy_rel: the best instance, where the model gave one."""

    frame_id: str
    captured_at: datetime
    confidence: float
    box_xyxy_rel: BoxXYXYRel | None = None


class AlertState(StrEnum):
    CLAIMED = "claimed"  # decided, perhaps not yet sent: the same frame's retry finishes it, or the watchdog
    SENT = "sent"
    FAILED = "failed"  # nobody could be told: rejected numbers
    HELD = "held"  # nobody was told: a limit held every text back
    JOINED = "joined"  # another visit of the same incident has told of it


class Reason(StrEnum):
    """Why a frame that shows a rule's label did not alert; the first that holds, in this order."""

    BELOW_CONFIDENCE = "below-confidence"
    TOO_SMALL = "too-small"
    OUTSIDE_ZONE = "outside-zone"
    STATIONARY = "stationary"
    OTHER_LABELS = "other-labels"  # one of all_of is missing, or one of none_of is there
    TOO_FEW_FRAMES = "too-few-frames"
    OFF_SCHEDULE = "off-schedule"
    QUIET_HOURS = "quiet-hours"
    LATE = "late"
    SNOOZED = "snoozed"
    COOL_DOWN = "cool-down"
    DUPLICATE_INCIDENT = "duplicate-incident"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why a rule did not alert for some frames of a visit. count: of frames. Times are captures."""

    count: int
    first_at: datetime
    last_at: datetime
    best_confidence: float


@dataclass(frozen=True, slots=True)
class RuleProgress:
    """How far a visit has come with one rule. matched: frames that fulfil all that the frame itself can show."""

    matched: int = 0
    withheld: Mapping[Reason, Withheld] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertClaim:
    """Who alerts for a visit: written together with the visit, so that one writer wins.

    alert_id: of the alert as it was claimed; a join may have given the visit another id since.
    """

    frame_id: str
    state: AlertState
    alert_id: str


@dataclass(frozen=True, slots=True)
class Visit:
    """visit_id never changes once given; first_seen may move back when a late frame arrives.

    alerts, rules: by rule id. path: where its objects were, kept in part. version: counts writes; 0: not yet stored.
    """

    visit_id: str
    camera_id: str
    label: str
    first_seen: datetime
    last_seen: datetime
    frame_count: int
    best: VisitSighting
    alerts: Mapping[str, AlertClaim] = field(default_factory=dict)
    rules: Mapping[str, RuleProgress] = field(default_factory=dict)
    path: Path = ()
    version: int = 0

    def is_open(self, at: datetime, gap: timedelta) -> bool:
        """Whether a sighting captured at this time would still extend it. Nothing is written when it closes."""
        return at - self.last_seen <= gap


@dataclass(frozen=True, slots=True)
class VisitChange:
    """What to write: `after` in place of every one of `before` (none: opened; one: extended; more: joined).

    sightings: those this change counts, each for the first time.
    """

    before: tuple[Visit, ...]
    after: Visit
    sightings: tuple[VisitSighting, ...]


def visit_id_for(label: str, opening: VisitSighting) -> str:
    return f"{opening.frame_id}/{label}"


def _best(a: VisitSighting, b: VisitSighting) -> VisitSighting:
    # The earlier wins a tie, so that the best frame does not depend on the order of arrival.
    return a if (-a.confidence, a.captured_at, a.frame_id) <= (-b.confidence, b.captured_at, b.frame_id) else b


def _join_withheld(a: Withheld, b: Withheld) -> Withheld:
    return Withheld(
        a.count + b.count,
        min(a.first_at, b.first_at),
        max(a.last_at, b.last_at),
        max(a.best_confidence, b.best_confidence),
    )


def note_withheld(
    progress: RuleProgress, reason: Reason, at: datetime, confidence: float, count: int = 1
) -> RuleProgress:
    """With so many more frames withheld for this reason."""
    return _join_progress(progress, RuleProgress(withheld={reason: Withheld(count, at, at, confidence)}))


def _join_progress(a: RuleProgress, b: RuleProgress) -> RuleProgress:
    withheld = dict(a.withheld)
    for reason, rows in b.withheld.items():
        withheld[reason] = _join_withheld(withheld[reason], rows) if reason in withheld else rows
    return RuleProgress(a.matched + b.matched, withheld)


def _join(a: Visit, b: Visit) -> Visit:
    """One visit of two. A stored one keeps its id before a new one, then one that has alerted, then the earlier."""
    first, second = sorted((a, b), key=lambda v: (v.version == 0, not v.alerts, v.first_seen, v.visit_id))
    return replace(
        first,
        first_seen=min(a.first_seen, b.first_seen),
        last_seen=max(a.last_seen, b.last_seen),
        frame_count=a.frame_count + b.frame_count,
        best=_best(a.best, b.best),
        alerts={**second.alerts, **first.alerts},
        rules={
            rule: _join_progress(a.rules.get(rule, RuleProgress()), b.rules.get(rule, RuleProgress()))
            for rule in sorted({*a.rules, *b.rules})
        },
        path=join_paths(a.path, b.path),
    )


def add_sightings(
    camera_id: str,
    label: str,
    known: Sequence[Visit],
    sightings: Iterable[VisitSighting],
    gap: timedelta,
) -> list[VisitChange]:
    """Place sightings, none of them counted before, among the known visits of a camera and label.

    known: every stored visit within the gap of any of the sightings. Returns one change for each visit that
    was opened, extended or joined, oldest first. Visits of the result lie more than `gap` apart.
    """
    groups: list[tuple[Visit, tuple[Visit, ...], tuple[VisitSighting, ...]]] = [(v, (v,), ()) for v in known]
    for s in sightings:
        opened = Visit(visit_id_for(label, s), camera_id, label, s.captured_at, s.captured_at, 1, s)
        groups.append((opened, (), (s,)))
    groups.sort(key=lambda g: (g[0].first_seen, g[0].visit_id))
    joined: list[tuple[Visit, tuple[Visit, ...], tuple[VisitSighting, ...]]] = []
    for group in groups:
        if joined and group[0].first_seen - joined[-1][0].last_seen <= gap:
            a = joined.pop()
            joined.append((_join(a[0], group[0]), a[1] + group[1], a[2] + group[2]))
        else:
            joined.append(group)
    return [VisitChange(before, after, added) for after, before, added in joined if added]
