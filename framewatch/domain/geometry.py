"""Places in a picture: points and polygons as shares of its width and height, so that they outlive a resolution."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator

PointRel = tuple[float, float]
"""x from the left, y from the top, each 0..1 of the frame's width or height."""

PolygonRel = tuple[PointRel, ...]
"""At least three points and an area; closed by itself. `checked_polygon` says whether one is."""

_LEAST_POINTS = 3
# A thousandth of a percent of the picture: 20 pixels of a 1080p one.
_LEAST_AREA_SHARE = 1e-5


def area_share(polygon: Sequence[PointRel]) -> float:
    """By the shoelace formula, a share of the picture. What crossing sides enclose may cancel out."""
    closed = (*polygon, polygon[0]) if polygon else ()
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(closed))) / 2


def checked_polygon(points: Sequence[PointRel]) -> PolygonRel:
    """Raises ValueError with a sentence that says which point or what about the whole is wrong."""
    for number, (x, y) in enumerate(points, start=1):
        if not (0 <= x <= 1 and 0 <= y <= 1):  # also refuses what is no number
            raise ValueError(
                f"point {number} of the polygon is ({x:g}, {y:g});"
                " points are shares of the picture, from 0 to 1: divide pixels by its width and height"
            )
    if len(points) < _LEAST_POINTS:
        raise ValueError(f"a polygon needs at least {_LEAST_POINTS} points, this one has {len(points)}")
    if area_share(points) < _LEAST_AREA_SHARE:
        raise ValueError("the polygon encloses no area: its points lie on one line or its sides cross; reorder them")
    return tuple((float(x), float(y)) for x, y in points)


PolygonField = Annotated[tuple[tuple[float, float], ...], AfterValidator(checked_polygon)]
"""For pydantic models of files that hold polygons."""


def contains(polygon: PolygonRel, x: float, y: float) -> bool:
    """Whether a point lies inside, by the even-odd rule: a ray from it crosses the outline an odd number of times.

    A point exactly on a side may count as either. Source: W. R. Franklin, "PNPOLY - Point Inclusion in Polygon Test".
    """
    inside = False
    for (x1, y1), (x2, y2) in pairwise((*polygon, polygon[0])):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
