"""Whether an object itself has moved."""

from framewatch.domain.path import Path, PathPoint


def moved(path: Path, now: PathPoint) -> tuple[bool, ...]:
    """For each box of now, whether that object has moved since it was first seen."""
    return tuple(bool(path) for _ in now.boxes_xyxy_rel)
