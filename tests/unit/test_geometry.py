"""Polygons in shares of the picture."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.geometry import area_share, checked_polygon, contains

SQUARE = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
ARROW = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.5, 0.3), (0.1, 0.9))

points = st.tuples(st.floats(0, 1), st.floats(0, 1))


def test_a_square_contains_its_middle_and_nothing_outside():
    assert contains(SQUARE, 0.5, 0.5)
    assert not any(contains(SQUARE, x, y) for x, y in ((0.1, 0.5), (0.9, 0.5), (0.5, 0.1), (0.5, 0.9), (0.1, 0.1)))


def test_a_dent_is_outside():
    assert contains(ARROW, 0.2, 0.3) and contains(ARROW, 0.8, 0.3)
    assert not contains(ARROW, 0.5, 0.6)


@given(st.lists(points, min_size=3, max_size=7), points)
def test_inside_is_what_opencv_says_and_direction_does_not_matter(polygon, point):
    outline = np.array(polygon, np.float32)
    distance = cv2.pointPolygonTest(outline, (float(np.float32(point[0])), float(np.float32(point[1]))), True)
    if abs(distance) < 1e-3:  # on a side it may be either
        return
    assert contains(tuple(polygon), *point) == (distance > 0)
    assert contains(tuple(reversed(polygon)), *point) == (distance > 0)


def test_the_area_is_a_share_of_the_picture():
    assert area_share(SQUARE) == pytest.approx(0.36)
    assert area_share(tuple(reversed(SQUARE))) == pytest.approx(0.36)
    assert area_share(((0, 0), (1, 0), (1, 1))) == pytest.approx(0.5)


def test_a_good_polygon_comes_back_as_tuples():
    assert checked_polygon([[0, 0], [1, 0], [1, 1]]) == ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))


@pytest.mark.parametrize(
    ("polygon", "says"),
    [
        ([(0, 0), (1, 1)], "at least 3 points, this one has 2"),
        ([], "at least 3 points"),
        ([(0, 0), (0.5, 0.5), (1, 1)], "encloses no area"),
        ([(0, 0), (1, 1), (1, 0), (0, 1)], "encloses no area"),
        ([(0, 0), (640, 0), (640, 480)], "point 2 of the polygon is (640, 0); points are shares"),
        ([(0, 0), (1, 0), (1, -0.1)], "point 3"),
        ([(0, 0), (1, 0), (1, math.nan)], "point 3"),
    ],
)
def test_a_polygon_that_makes_no_sense_is_refused_with_the_reason(polygon, says):
    with pytest.raises(ValueError) as caught:
        checked_polygon(polygon)
    assert says in str(caught.value)
