"""Which objects of a frame have moved by themselves since they were first seen.

Three ideas, each against one way in which something that stands still seems to move:
- Occlusion moves one edge of a box, motion moves two opposite edges the same way. So a step counts by the edge
  that moved less, and not at all when the edges moved apart.
- A part of a box is still in its place. So boxes are compared by what they share of the smaller one (the overlap
  coefficient of Szymkiewicz and Simpson), not by intersection over union.
- Another standing object that is found while the first is missed looks like one jump. So a move is two steps in about
  the same direction, where the object had not been before. Steps that leave a gap must also lead to where nothing at
  all was seen before, and where objects blink (are missed and found again in their place) there must be three.

Boxes are linked through the points by overlap first, as the IOU tracker does (E. Bochinski et al., "High-speed
tracking-by-detection without using image information", AVSS 2017), then to any place where the object was before,
then over a gap, for a car that passes at one frame a second. There is no model of speed and no state:
everything follows from the path.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations, pairwise
from math import hypot

from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.path import Path, PathPoint

# Two boxes are in one place when they share this much of the smaller.
_SAME_PLACE = 0.5
# A box that shares less with the object's last one is not linked by overlap.
_LINKED = 0.3
# Cars that stand in a row share less than this; what shares more with its last box has come here by itself.
_GLIDE = 0.35
# A step is a shift by at least this share of the object's own size; parked cars jitter by up to 0.078 (measured).
_STEP = 0.08
# One that no jitter explains.
_LONG_STEP = 0.3
# Two pixels of the 416 that a detector looks at.
_VISIBLE = 0.005
# The farthest shift, in the object's own widths and heights, that is still taken for the same object...
_FARTHEST = 3.0
# ... of a width and height within this factor, seen last at most so long ago.
_ALIKE = 1.8
_LONGEST_BLINK = timedelta(seconds=10)
# Two steps agree when the angle between them is at most 60 degrees.
_SAME_DIRECTION = 0.5
# Straight to the camera or away from it: each of two steps scales width and height by this.
_GROWTH = 1.2

_Shift = tuple[float, float]
"""To the right and down, in the object's own widths and heights."""


@dataclass(slots=True)
class _Track:
    """What is taken for one object. seen: number of the point and box in it, oldest first."""

    seen: list[tuple[int, BoxXYXYRel]] = field(default_factory=list)

    @property
    def boxes(self) -> list[BoxXYXYRel]:
        return [box for _, box in self.seen]

    @property
    def last(self) -> BoxXYXYRel:
        return self.seen[-1][1]


def moved(path: Path, now: PathPoint) -> tuple[bool, ...]:
    """One flag for each of now.boxes_xyxy_rel: whether that object's own box has moved since it was first seen.

    path: the points kept of the visit; those that are not before `now` are ignored. At least three sightings of an
    object make a move, `now` being the last; four where its boxes do not touch and other objects blink. An object
    that has moved and stands again may count as standing.
    """
    points = [*(p for p in path if p.order_key < now.order_key), now]
    tracks: list[_Track] = []
    owners: list[_Track] = []
    for number in range(len(points)):
        owners = _link(tracks, points, number)
    return tuple(_has_moved(own, tracks) for own in owners)


def _link(tracks: list[_Track], points: Sequence[PathPoint], number: int) -> list[_Track]:
    """Gives each box of the point to the track it fits best, or to a new one. Returns the boxes' tracks, in order."""
    boxes = points[number].boxes_xyxy_rel
    owners: dict[int, _Track] = {}
    known = list(tracks)
    for fit in (_fit_by_overlap, _fit_by_place, _fit_by_distance):
        fits = [
            (score, t, b)
            for t, track in enumerate(known)
            if track.seen[-1][0] < number
            for b, box in enumerate(boxes)
            if b not in owners and (score := fit(track, box, points, number)) > 0
        ]
        for _, t, b in sorted(fits, key=lambda f: (-f[0], f[1], f[2])):
            if b not in owners and known[t].seen[-1][0] < number:
                known[t].seen.append((number, boxes[b]))
                owners[b] = known[t]
    for b, box in enumerate(boxes):
        if b not in owners:
            owners[b] = _Track([(number, box)])
            tracks.append(owners[b])
    return [owners[b] for b in range(len(boxes))]


def _fit_by_overlap(track: _Track, box: BoxXYXYRel, _points: Sequence[PathPoint], _number: int) -> float:
    return _iou(track.last, box) if _overlap(track.last, box) >= _LINKED else 0.0


def _fit_by_place(track: _Track, box: BoxXYXYRel, _points: Sequence[PathPoint], _number: int) -> float:
    """An object that was missed, or half hidden, and is found again where it was."""
    return max((_iou(old, box) for old in track.boxes if _overlap(old, box) >= _SAME_PLACE), default=0.0)


def _fit_by_distance(track: _Track, box: BoxXYXYRel, points: Sequence[PathPoint], number: int) -> float:
    last_number, last = track.seen[-1]
    blink = points[number].captured_at - points[last_number].captured_at
    if number - last_number > 2 or blink > _LONGEST_BLINK:
        return 0.0
    (w0, h0), (w1, h1) = _size(last), _size(box)
    if max(w0, w1) > _ALIKE * min(w0, w1) or max(h0, h1) > _ALIKE * min(h0, h1):
        return 0.0
    return max(0.0, 1 - hypot(*_shift(last, box)) / _FARTHEST)


def _has_moved(own: _Track, tracks: Sequence[_Track]) -> bool:
    boxes = own.boxes
    here = len(boxes) - 1
    if not _is_new_place(own, here, [own]):
        return False
    glides = [True, *(_overlap(a, b) >= _GLIDE for a, b in pairwise(boxes))]
    may_jump = _is_new_place(own, here, tracks)
    blinking = _is_blinking(tracks)
    for i, j in combinations(range(here), 2):
        if _grows(boxes[i], boxes[j], boxes[here]) or _grows(boxes[here], boxes[j], boxes[i]):
            return True
        if _has_left(own, i, j) and (all(glides[i + 1 :]) or (may_jump and _has_jumped(own, i, j, tracks, blinking))):
            return True
    return False


def _has_left(own: _Track, i: int, j: int) -> bool:
    """Whether it went off in two steps, from i to j and from there to its last box, and never came back."""
    boxes = own.boxes
    first = _shift(boxes[i], boxes[j])
    return (
        _overlap(boxes[i], boxes[-1]) < _SAME_PLACE
        and _agree(first, _shift(boxes[j], boxes[-1]))
        and all(_agree(_shift(boxes[i], between), first) for between in boxes[i + 1 : -1])
        and _is_new_place(own, j, [own])
    )


def _has_jumped(own: _Track, i: int, j: int, tracks: Sequence[_Track], blinking: bool) -> bool:
    """Whether the steps convince although they left gaps, as those of several standing objects found in turn do too.

    They do when both are long, or when it stood a little off for longer before it was gone. Where objects blink,
    three long steps are asked for.
    """
    boxes = own.boxes
    first = _shift(boxes[i], boxes[j])
    if hypot(*_shift(boxes[j], boxes[-1])) < _LONG_STEP or not _is_new_place(own, j, tracks):
        return False
    if not blinking:
        return hypot(*first) >= _LONG_STEP or len(boxes) - i > 3
    for m in range(i + 1, j):
        steps = (_shift(boxes[i], boxes[m]), _shift(boxes[m], boxes[j]))
        if _agree(*steps) and min(hypot(*s) for s in steps) >= _LONG_STEP and _is_new_place(own, m, tracks):
            return True
    return False


def _is_new_place(own: _Track, at: int, tracks: Sequence[_Track]) -> bool:
    """Whether none of the tracks had a box where the object then was, before it came there."""
    box = own.seen[at][1]
    while at and _overlap(own.seen[at - 1][1], box) >= _SAME_PLACE:
        at -= 1
    came = own.seen[at][0]
    return not any(_overlap(old, box) >= _SAME_PLACE for t in tracks for n, old in t.seen if n < came)


def _is_blinking(tracks: Sequence[_Track]) -> bool:
    """Whether something was missed in a frame and found again in its place."""
    return any(n1 - n0 > 1 and _overlap(a, b) >= _SAME_PLACE for t in tracks for (n0, a), (n1, b) in pairwise(t.seen))


def _agree(one: _Shift, other: _Shift) -> bool:
    if min(hypot(*one), hypot(*other)) < _STEP:
        return False
    return one[0] * other[0] + one[1] * other[1] >= _SAME_DIRECTION * hypot(*one) * hypot(*other)


def _grows(*boxes: BoxXYXYRel) -> bool:
    """Whether each box is larger than the one before in width and height, on both sides."""
    for a, b in pairwise(boxes):
        (w0, h0), (w1, h1) = _size(a), _size(b)
        if w1 < _GROWTH * w0 or h1 < _GROWTH * h0 or min(a[0] - b[0], b[2] - a[2]) < (w1 - w0) / 4:
            return False
    return True


def _shift(a: BoxXYXYRel, b: BoxXYXYRel) -> _Shift:
    (w0, h0), (w1, h1) = _size(a), _size(b)
    return (_common(b[0] - a[0], b[2] - a[2]) / max(w0, w1), _common(b[1] - a[1], b[3] - a[3]) / max(h0, h1))


def _common(one_edge: float, other_edge: float) -> float:
    """By how much both edges moved the same way; nothing when they did not, or by less than a detector sees."""
    least = min(one_edge, other_edge, key=abs)
    return least if one_edge * other_edge > 0 and abs(least) >= _VISIBLE else 0.0


def _size(box: BoxXYXYRel) -> tuple[float, float]:
    # A box of no width, which a rounding can make, is a thousandth wide.
    return max(box[2] - box[0], 0.001), max(box[3] - box[1], 0.001)


def _shared(a: BoxXYXYRel, b: BoxXYXYRel) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _area(box: BoxXYXYRel) -> float:
    width, height = _size(box)
    return width * height


def _overlap(a: BoxXYXYRel, b: BoxXYXYRel) -> float:
    """What they share, of the smaller one: 0..1."""
    return _shared(a, b) / min(_area(a), _area(b))


def _iou(a: BoxXYXYRel, b: BoxXYXYRel) -> float:
    shared = _shared(a, b)
    return shared / (_area(a) + _area(b) - shared)
