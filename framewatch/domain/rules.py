"""Whether a frame of a visit fulfils a rule, and if not, why.

The order of the questions is the order of `Reason`: what the frame itself shows, then how the visit stands, then the
hour, then what else the rule has told of. The first that is answered with no is the reason that is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import lru_cache

from framewatch.domain.alert_settings import Rule
from framewatch.domain.alerts import Trace
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.geometry import PolygonRel, contains
from framewatch.domain.labels import Instance, Label, fold
from framewatch.domain.path import PathPoint, make_point
from framewatch.domain.rule_state import RecentAlert, RuleState
from framewatch.domain.schedule import WeeklyHours
from framewatch.domain.visits import Reason, VisitSighting


@dataclass(frozen=True, slots=True)
class Observation:
    """One frame of a visit, as rules see it.

    instances: of every label that the watched word means, most confident first. names: the confidence with which each
    name (folded; labels, aliases, parents) is in the frame.
    """

    sighting: VisitSighting
    instances: tuple[Instance, ...]
    names: Mapping[str, float]
    trace: Trace = field(default_factory=Trace)

    @property
    def captured_at(self) -> datetime:
        return self.sighting.captured_at

    @property
    def point(self) -> PathPoint:
        return make_point(self.sighting.frame_id, self.captured_at, self.instances)


def names_in(labels: Sequence[Label]) -> dict[str, float]:
    """By folded name, the highest confidence of a label that has it."""
    found: dict[str, float] = {}
    for label in labels:
        for name in label.names_folded:
            found[name] = max(found.get(name, 0.0), label.confidence)
    return found


def instances_of(labels: Sequence[Label], word: str) -> tuple[Instance, ...]:
    """Objects of every label that the word means, each box once, most confident first.

    A `Vehicle` and a `Car` may both carry the box of one car.
    """
    best: dict[BoxXYXYRel, Instance] = {}
    for label in labels:
        if fold(word) in label.names_folded:
            for i in label.instances:
                if i.box_xyxy_rel not in best or best[i.box_xyxy_rel].confidence < i.confidence:
                    best[i.box_xyxy_rel] = i
    return tuple(sorted(best.values(), key=lambda i: (-i.confidence, i.box_xyxy_rel)))


def judge_frame(
    rule: Rule, zones: Sequence[PolygonRel], seen: Observation, moved: Sequence[bool]
) -> tuple[Reason | None, BoxXYXYRel | None]:
    """What the frame itself shows: why not, or the box of the object that fulfils the rule (None where it has none).

    zones: of the camera, those that the rule names. moved: for each of seen.instances, from the first on; what lies
    beyond has not moved. One object must fulfil all: a small one in the zone does not lend its place to a large one
    outside. Where a label has no boxes, a rule that asks about them is not fulfilled.
    """
    if seen.sighting.confidence < rule.min_confidence:
        return Reason.BELOW_CONFIDENCE, None
    flags = (*moved, *[False] * (len(seen.instances) - len(moved)))
    left = [(i, m) for i, m in zip(seen.instances, flags, strict=False) if i.confidence >= rule.min_confidence]
    asked = (
        (rule.min_area_share > 0, Reason.TOO_SMALL, lambda i, _: _area(i.box_xyxy_rel) >= rule.min_area_share),
        (bool(rule.zones), Reason.OUTSIDE_ZONE, lambda i, _: stands_in(zones, i.box_xyxy_rel)),
        (rule.require_motion, Reason.STATIONARY, lambda _, has_moved: has_moved),
    )
    for is_asked, reason, fulfils in asked:
        if is_asked:
            left = [(i, m) for i, m in left if fulfils(i, m)]
            if not left:
                return reason, None
    if not _company_fits(rule, seen.names):
        return Reason.OTHER_LABELS, None
    return None, left[0][0].box_xyxy_rel if left else seen.sighting.box_xyxy_rel


def judge_hour(rule: Rule, captured_at: datetime, zone: tzinfo) -> Reason | None:
    """zone: the site's. Hours are those of the capture."""
    if rule.schedule and not _hours(rule.schedule).is_open(captured_at, zone):
        return Reason.OFF_SCHEDULE
    if rule.quiet_hours and _hours(rule.quiet_hours).is_open(captured_at, zone):
        return Reason.QUIET_HOURS
    return None


def incident_of(
    state: RuleState, camera_id: str, label: str, captured_at: datetime, *, window_s: float, grouped: bool
) -> RecentAlert | None:
    """The incident that a visit belongs to: one that the rule has told of, and this is more of.

    It began within the window. On a camera that is in no group, it is more of the same when it is another label (a
    person gets out of a car); another visit of the same label is somebody else. In a group, whoever is seen there
    within the window is taken for the same.
    """
    for told in sorted((a for a in state.recent if a.told), key=lambda a: a.captured_at, reverse=True):
        if abs((captured_at - told.captured_at).total_seconds()) >= window_s:
            continue
        members = {
            (a.camera_id, fold(a.label)) for a in state.recent if a.incident_alert_id == told.incident_alert_id
        }
        if grouped or (camera_id, fold(label)) not in members:
            return told
    return None


def _company_fits(rule: Rule, names: Mapping[str, float]) -> bool:
    wanted = all(names.get(fold(word), -1.0) >= rule.min_confidence for word in rule.all_of)
    # What must not be there counts at any confidence that was stored: a doubt is no proof of absence.
    return wanted and not any(fold(word) in names for word in rule.none_of)


def stands_in(zones: Sequence[PolygonRel], box: BoxXYXYRel) -> bool:
    """By the middle of its lower edge: where a standing object meets the ground."""
    x, y = (box[0] + box[2]) / 2, box[3]
    return any(contains(zone, x, y) for zone in zones)


def _area(box: BoxXYXYRel) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


@lru_cache(maxsize=256)
def _hours(texts: tuple[str, ...]) -> WeeklyHours:
    return WeeklyHours.parse(texts)
