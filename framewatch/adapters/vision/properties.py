"""Brightness, contrast, sharpness and dominant colours, from the pixels.

Rekognition publishes no formulas, so these are our own; the numbers are on its scales (0 to 100) and rise with what
they name, but are not its numbers:

- brightness: mean luma (ITU-R BT.601) as a share of white;
- contrast: standard deviation of luma as a share of the largest possible, half of white;
- sharpness: ``100 * (1 - exp(-v / 1000))`` with v the variance of the Laplacian of luma on an image brought to at
  most 1024 px; with 1000 the median of 128 COCO photographs stands at 80, and of the same ones blurred (3 px) near 0;
- dominant colours: each pixel belongs to the nearest CSS colour (CIE L*a*b* distance); a colour's RGB is the mean of
  its pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from framewatch.adapters.vision.css_colors import CSS_COLORS, simplified_color

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from framewatch.adapters.vision.base import ImageBgr
    from framewatch.domain.frames import BoxXYXYRel

    Mask = npt.NDArray[np.bool_]

_QUALITY_PX = 1024
_COLOR_PX = 128
_SHARPNESS_SCALE = 1000.0
_MIN_REGION_PX = 64  # fewer pixels say nothing of a region


@dataclass(frozen=True, slots=True)
class Quality:
    """Each 0 to 100."""

    brightness: float
    contrast: float
    sharpness: float


@dataclass(frozen=True, slots=True)
class DominantColor:
    """``rgb``: 0 to 255 each. ``pixel_percent``: 0 to 100 of the region's pixels."""

    rgb: tuple[int, int, int]
    css_color: str
    simplified_color: str
    pixel_percent: float


@dataclass(frozen=True, slots=True)
class RegionProperties:
    quality: Quality
    dominant_colors: tuple[DominantColor, ...]


@dataclass(frozen=True, slots=True)
class ImageProperties:
    """``foreground`` is what lies within the boxes of detected objects, ``background`` the rest.

    Either is None where it has too few pixels to say anything: no invented numbers.
    """

    whole: RegionProperties
    foreground: RegionProperties | None
    background: RegionProperties | None
    instance_colors: tuple[tuple[DominantColor, ...], ...]


def image_properties(image_bgr: ImageBgr, object_boxes: Iterable[BoxXYXYRel], *, max_colors: int) -> ImageProperties:
    """image_bgr: uint8 (H, W, 3). ``instance_colors`` stand in the order of the boxes."""
    boxes = list(object_boxes)
    fine = _shrunk(image_bgr, _QUALITY_PX)
    luma = cv2.cvtColor(fine, cv2.COLOR_BGR2GRAY).astype(np.float32)
    laplacian = cv2.Laplacian(luma, cv2.CV_32F).astype(np.float32, copy=False)
    coarse = _shrunk(fine, _COLOR_PX)
    nearest = _nearest_css(coarse)

    def region(boxes_in: list[BoxXYXYRel], *, inside: bool) -> RegionProperties | None:
        fine_mask = _mask(luma.shape, boxes_in) == inside
        if int(fine_mask.sum()) < _MIN_REGION_PX:
            return None
        colors = _dominant(coarse, nearest, _mask(nearest.shape, boxes_in) == inside, max_colors)
        return RegionProperties(_quality(luma[fine_mask], laplacian[fine_mask]), colors)

    everything = np.ones(nearest.shape, bool)
    return ImageProperties(
        whole=RegionProperties(
            _quality(luma.ravel(), laplacian.ravel()), _dominant(coarse, nearest, everything, max_colors)
        ),
        foreground=region(boxes, inside=True),
        background=region(boxes, inside=False),
        instance_colors=tuple(_dominant(coarse, nearest, _mask(nearest.shape, [box]), max_colors) for box in boxes),
    )


def _shrunk(image_bgr: ImageBgr, long_side_px: int) -> ImageBgr:
    height_px, width_px = image_bgr.shape[:2]
    scale = long_side_px / max(height_px, width_px)
    if scale >= 1.0:
        return image_bgr
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    shrunk: ImageBgr = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return shrunk


def _mask(shape: tuple[int, ...], boxes: list[BoxXYXYRel]) -> Mask:
    mask = np.zeros(shape, bool)
    height_px, width_px = shape
    for left, top, right, bottom in boxes:
        # Outwards to whole pixels, so that a small object still covers one.
        x0, y0 = int(left * width_px), int(top * height_px)
        x1, y1 = int(np.ceil(right * width_px)), int(np.ceil(bottom * height_px))
        mask[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = True
    return mask


def _quality(luma: npt.NDArray[np.float32], laplacian: npt.NDArray[np.float32]) -> Quality:
    return Quality(
        brightness=float(luma.mean()) / 255.0 * 100.0,
        contrast=min(100.0, float(luma.std()) / 127.5 * 100.0),
        sharpness=100.0 * (1.0 - float(np.exp(-float(laplacian.var()) / _SHARPNESS_SCALE))),
    )


@cache
def _css_lab() -> npt.NDArray[np.float32]:
    """(colours, 3) L*a*b* in CSS_COLORS' order."""
    rgb = np.array([[rgb for _, rgb in CSS_COLORS]], np.float32) / 255.0
    lab: npt.NDArray[np.float32] = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)[0].astype(np.float32, copy=False)
    return lab


def _nearest_css(image_bgr: ImageBgr) -> npt.NDArray[np.int64]:
    """(H, W) index into CSS_COLORS."""
    lab = cv2.cvtColor(image_bgr.astype(np.float32) / 255.0, cv2.COLOR_BGR2Lab).reshape(-1, 3)
    named = _css_lab()
    # |a - b|^2 = |a|^2 - 2ab + |b|^2, and |a|^2 is the same for every candidate of a pixel.
    distance = (named**2).sum(1) - 2.0 * (lab @ named.T)
    nearest: npt.NDArray[np.int64] = distance.argmin(1).reshape(image_bgr.shape[:2])
    return nearest


def _dominant(
    image_bgr: ImageBgr, nearest: npt.NDArray[np.int64], mask: Mask, max_colors: int
) -> tuple[DominantColor, ...]:
    indexes = nearest[mask]
    if not indexes.size:
        return ()
    counts = np.bincount(indexes, minlength=len(CSS_COLORS))
    pixels = image_bgr[mask].astype(np.float64)
    found = []
    for index in np.argsort(-counts, kind="stable")[:max_colors].tolist():
        if not counts[index]:
            break
        blue, green, red = pixels[indexes == index].mean(0).round().astype(int).tolist()
        name = CSS_COLORS[index][0]
        percent = float(counts[index]) / indexes.size * 100.0
        found.append(DominantColor((red, green, blue), name, simplified_color(name), percent))
    return tuple(found)
