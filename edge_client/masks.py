"""Regions that never leave the box: blacked out before the gate, the JPEG or anything else sees them."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.jpeg import FrameBGR
from framewatch.domain.geometry import PolygonRel

# On top of every pixel that a side passes through: a decoder that scales a picture up smears colour by one pixel.
_MARGIN_PX = 1


def raster(polygons: Sequence[PolygonRel], width: int, height: int) -> NDArray[np.uint8]:
    """255 where any of the polygons touches the pixel, 0 elsewhere; uint8 (height, width)."""
    covered = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        _fill(covered, polygon)
    return covered


def _fill(image: NDArray[np.uint8], polygon: PolygonRel) -> None:
    height, width = image.shape[:2]
    # fillPoly paints the outline too, so every pixel that a side passes through is covered.
    points = [[min(math.floor(x * width), width - 1), min(math.floor(y * height), height - 1)] for x, y in polygon]
    cv2.fillPoly(image, [np.array(points, np.int32)], 255)


class PrivacyMasks:
    """Blacks polygons out, in place. An overlap of two is black too: each is filled by itself.

    What is remembered is the raster for the last size, for filling polygons anew in every frame costs more.
    """

    def __init__(self, polygons: Sequence[PolygonRel]) -> None:
        self._polygons = tuple(polygons)
        self._size_wh = (0, 0)
        self._box_xyxy = (0, 0, 0, 0)

    @property
    def polygons(self) -> tuple[PolygonRel, ...]:
        return self._polygons

    def apply(self, frame_bgr: FrameBGR) -> None:
        """frame_bgr: uint8 (H, W, 3), changed in place: (0, 0, 0) wherever a mask touches."""
        if not self._polygons:
            return
        height, width = frame_bgr.shape[:2]
        if self._size_wh != (width, height):
            covered = raster(self._polygons, width, height)
            kernel = np.ones((2 * _MARGIN_PX + 1, 2 * _MARGIN_PX + 1), np.uint8)
            covered = cv2.dilate(covered, kernel).astype(np.uint8, copy=False)
            x, y, w, h = cv2.boundingRect(covered)
            self._size_wh, self._box_xyxy = (width, height), (x, y, x + w, y + h)
            self._kept = cv2.merge([cv2.bitwise_not(covered[y : y + h, x : x + w])] * 3)
        left, top, right, bottom = self._box_xyxy
        part = frame_bgr[top:bottom, left:right]
        # NumPy's boolean indexing would take ten times as long.
        cv2.bitwise_and(part, self._kept, dst=part)
