"""Where a visit's objects were: a bounded memory of their boxes, the same whatever order the frames arrive in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.labels import Instance

# With these the longest path is under 3 KiB of compact JSON, which is what a visit's item can afford: a write is
# billed by the KiB. A test holds the bound.
MAX_BOXES = 8
RECENT = 6
MEMORY = 8

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class PathPoint:
    """One frame of a visit. captured_at: aware, in UTC.

    boxes_xyxy_rel: the label's instances, the most confident first, at most MAX_BOXES of them.
    """

    frame_id: str
    captured_at: datetime
    boxes_xyxy_rel: tuple[BoxXYXYRel, ...]

    @property
    def order_key(self) -> tuple[datetime, str]:
        return (self.captured_at, self.frame_id)


Path = tuple[PathPoint, ...]
"""In order of (captured_at, frame_id), one point a frame."""


def make_point(frame_id: str, captured_at: datetime, instances: Sequence[Instance]) -> PathPoint:
    """Edges are rounded to a thousandth of the picture: 2 pixels of a 1080p one, well under a detector's jitter."""
    # The box breaks a tie, so that the same instances in another order make the same point.
    best = sorted((-i.confidence, _rounded(i.box_xyxy_rel)) for i in instances)[:MAX_BOXES]
    return PathPoint(frame_id, captured_at, tuple(box for _, box in best))


def join_paths(*paths: Path) -> Path:
    """The bounded path of all points ever added, whatever their order, batches and joins. At most RECENT + MEMORY.

    Kept are the newest RECENT points and a thinned memory of the rest: time is cut into buckets of 2^k seconds of
    the epoch, each keeps its earliest point, and k is the smallest at which the span from the first to the last
    point touches at most MEMORY buckets.

    Why dropping points on the way changes nothing, for any sets A and B: join(join(A), B) = join(A + B).
    - The first point of A is the earliest of its bucket and the last is among the newest: both are always kept. So k,
      which hangs on them alone, comes out right. (A k counted from occupied buckets would not: it would fall again
      once the points that had raised it were dropped.)
    - k never falls as points are added, and buckets of 2^k are cut out of those of 2^(k+1). So the earliest point of
      a bucket is the earliest of one of the smaller buckets in it, which was kept.
    - Of the newest RECENT of A + B, those from A are among the newest RECENT of A.
    """
    points = _in_order(p for path in paths for p in path)
    if not points:
        return ()
    first_s, last_s = (_epoch_s(p) for p in (points[0], points[-1]))
    k = 0
    while (last_s >> k) - (first_s >> k) >= MEMORY:
        k += 1
    memory: dict[int, PathPoint] = {}
    for p in points:
        memory.setdefault(_epoch_s(p) >> k, p)
    return _in_order((*memory.values(), *points[-RECENT:]))


def _in_order(points: Iterable[PathPoint]) -> Path:
    once: dict[tuple[datetime, str], PathPoint] = {}
    # A frame is analysed once. Were it ever twice, the boxes choose which answer stays, not the order of arrival.
    for p in sorted(points, key=lambda p: (p.order_key, p.boxes_xyxy_rel)):
        once.setdefault(p.order_key, p)
    return tuple(once.values())


def _epoch_s(point: PathPoint) -> int:
    return (point.captured_at - _EPOCH) // _SECOND


def _rounded(box: BoxXYXYRel) -> BoxXYXYRel:
    left, top, right, bottom = (round(edge, 3) for edge in box)
    return (left, top, right, bottom)
