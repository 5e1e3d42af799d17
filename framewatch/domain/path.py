"""Where the objects of a visit were: a bounded part of its frames' boxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.labels import Instance


@dataclass(frozen=True, slots=True)
class PathPoint:
    """One frame. boxes_xyxy_rel: of the label's instances, most confident first."""

    frame_id: str
    captured_at: datetime
    boxes_xyxy_rel: tuple[BoxXYXYRel, ...]


Path = tuple[PathPoint, ...]
"""In order of capture."""


def make_point(frame_id: str, captured_at: datetime, instances: Sequence[Instance]) -> PathPoint:
    ordered = sorted(instances, key=lambda i: -i.confidence)
    return PathPoint(frame_id, captured_at, tuple(i.box_xyxy_rel for i in ordered))


def join_paths(*paths: Path) -> Path:
    points = {p.frame_id: p for path in paths for p in path}
    return tuple(sorted(points.values(), key=lambda p: (p.captured_at, p.frame_id))[-8:])
