"""The bodies of visit items. Their keys stand in framewatch.wire.items.

A visit's body is its `doc`, guarded by the attribute `version`.
"""

from datetime import datetime
from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.path import PathPoint
from framewatch.domain.visits import (
    AlertClaim,
    AlertState,
    Reason,
    RuleProgress,
    Visit,
    VisitSighting,
    Withheld,
)
from framewatch.wire.items import StoredItem

_PER_MILLE = 1000

BoxPerMille = tuple[int, int, int, int]
"""Left, top, right, bottom in thousandths of the picture, which is all that a path knows: a third of the digits."""


class StoredSighting(BaseModel):
    model_config = ConfigDict(frozen=True)
    frame_id: str
    captured_at: AwareDatetime
    confidence: float
    box_xyxy_rel: BoxXYXYRel | None = None


class StoredClaim(BaseModel):
    model_config = ConfigDict(frozen=True)
    frame_id: str
    state: AlertState
    alert_id: str


class StoredWithheld(BaseModel):
    model_config = ConfigDict(frozen=True)
    count: int
    first_at: AwareDatetime
    last_at: AwareDatetime
    best_confidence: float


class StoredProgress(BaseModel):
    model_config = ConfigDict(frozen=True)
    matched: int
    withheld: dict[Reason, StoredWithheld]

    @classmethod
    def of(cls, progress: RuleProgress) -> "StoredProgress":
        return cls(
            matched=progress.matched,
            withheld={
                reason: StoredWithheld(
                    count=w.count, first_at=w.first_at, last_at=w.last_at, best_confidence=w.best_confidence
                )
                for reason, w in progress.withheld.items()
            },
        )

    def to_domain(self) -> RuleProgress:
        return RuleProgress(
            self.matched,
            {r: Withheld(w.count, w.first_at, w.last_at, w.best_confidence) for r, w in self.withheld.items()},
        )


StoredPoint = tuple[str, AwareDatetime, tuple[BoxPerMille, ...]]
"""A frame's id, when it was captured, its boxes: without names, for a path is the most of a visit's item."""


class StoredVisit(StoredItem):
    """Version 2: rules and path. A visit of version 1 has neither.

    The copy that stands under the visit's day has no path.
    """

    # Not to be mixed up with the attribute `version`, which counts the writes and guards them.
    written_back: ClassVar[bool] = True
    current_version: ClassVar[int] = 2

    visit_id: str
    camera_id: str
    label: str
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    frame_count: int
    best: StoredSighting
    alerts: dict[str, StoredClaim]
    rules: dict[str, StoredProgress] = Field(default={})
    path: tuple[StoredPoint, ...] = ()

    @classmethod
    def of(cls, visit: Visit) -> "StoredVisit":
        best = visit.best
        return cls(
            item_version=cls.current_version,
            visit_id=visit.visit_id,
            camera_id=visit.camera_id,
            label=visit.label,
            first_seen=visit.first_seen,
            last_seen=visit.last_seen,
            frame_count=visit.frame_count,
            best=StoredSighting(
                frame_id=best.frame_id,
                captured_at=best.captured_at,
                confidence=best.confidence,
                box_xyxy_rel=best.box_xyxy_rel,
            ),
            alerts={
                rule: StoredClaim(frame_id=c.frame_id, state=c.state, alert_id=c.alert_id)
                for rule, c in visit.alerts.items()
            },
            rules={rule: StoredProgress.of(progress) for rule, progress in visit.rules.items()},
            path=tuple(_stored_point(point) for point in visit.path),
        )

    def to_domain(self, version: int) -> Visit:
        b = self.best
        return Visit(
            visit_id=self.visit_id,
            camera_id=self.camera_id,
            label=self.label,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            frame_count=self.frame_count,
            best=VisitSighting(b.frame_id, b.captured_at, b.confidence, b.box_xyxy_rel),
            alerts={rule: AlertClaim(c.frame_id, c.state, c.alert_id) for rule, c in self.alerts.items()},
            rules={rule: progress.to_domain() for rule, progress in self.rules.items()},
            path=tuple(_point(frame_id, captured_at, boxes) for frame_id, captured_at, boxes in self.path),
            version=version,
        )


def _stored_point(point: PathPoint) -> StoredPoint:
    boxes = tuple(
        (round(left * _PER_MILLE), round(top * _PER_MILLE), round(right * _PER_MILLE), round(bottom * _PER_MILLE))
        for left, top, right, bottom in point.boxes_xyxy_rel
    )
    return (point.frame_id, point.captured_at, boxes)


def _point(frame_id: str, captured_at: datetime, boxes: tuple[BoxPerMille, ...]) -> PathPoint:
    return PathPoint(
        frame_id,
        captured_at,
        tuple(
            (left / _PER_MILLE, top / _PER_MILLE, right / _PER_MILLE, bottom / _PER_MILLE)
            for left, top, right, bottom in boxes
        ),
    )
