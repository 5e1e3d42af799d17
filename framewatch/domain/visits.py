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


@dataclass(frozen=True, slots=True)
class VisitSighting:
    """One frame in which the visit's label was seen. box_xyxy_rel: the best instance, where the model gave one."""

    frame_id: str
    captured_at: datetime
    confidence: float
    box_xyxy_rel: BoxXYXYRel | None = None


class AlertState(StrEnum):
    CLAIMED = "claimed"  # decided, perhaps not yet sent: the same frame's retry finishes it
    SENT = "sent"
    FAILED = "failed"  # can never be delivered (a rejected number)


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

    alerts: by rule id. version: counts writes; 0 means not yet stored.
    """

    visit_id: str
    camera_id: str
    label: str
    first_seen: datetime
    last_seen: datetime
    frame_count: int
    best: VisitSighting
    alerts: Mapping[str, AlertClaim] = field(default_factory=dict)
    version: int = 0


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
