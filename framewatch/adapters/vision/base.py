"""The port every local detector is behind. Imports no OpenCV: only the backends do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from framewatch.domain.errors import PermanentError
from framewatch.domain.frames import BoxXYXYRel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    ImageBgr = npt.NDArray[np.uint8]
    """uint8 (H, W, 3), blue first, as OpenCV decodes."""


class ModelError(PermanentError):
    """A model cannot be used: missing, unreadable, of another shape, or not the file that was asked for."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One object in one image. ``confidence`` is in percent, 0 to 100, as Rekognition counts."""

    class_name: str
    confidence: float
    box_xyxy_rel: BoxXYXYRel


class ObjectDetector(Protocol):
    """Finds objects of a closed list of classes. One instance serves one thread at a time."""

    @property
    def name(self) -> str:
        """Names the model and its version, for ``LabelModelVersion`` and reports."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """Every ``Detection.class_name`` this detector can ever produce."""
        ...

    @property
    def input_size_px(self) -> tuple[int, int]:
        """(width, height) that images are brought to; a decoder may skip detail far beyond it."""
        ...

    def detect(self, image_bgr: ImageBgr, min_confidence: float) -> list[Detection]:
        """image_bgr: uint8 (H, W, 3). min_confidence: percent, 0 to 100.

        Answers the detections at or above it, best first, overlapping ones of one class already merged.
        """
        ...


def clipped_box(left: float, top: float, right: float, bottom: float) -> BoxXYXYRel | None:
    """The part of a relative box inside the image; None where nothing of it is inside or an edge is no number."""
    if not all(map(math.isfinite, (left, top, right, bottom))):  # a broken model's answer
        return None
    left, top = max(0.0, left), max(0.0, top)
    right, bottom = min(1.0, right), min(1.0, bottom)
    return (left, top, right, bottom) if left < right and top < bottom else None
