"""Detectors of the YOLOX family, exported to ONNX with the COCO classes, run by OpenCV's DNN module.

The layout is that of YOLOX's own ONNX export (github.com/Megvii-BaseDetection/YOLOX, ``demo/ONNXRuntime``): one
input (1, 3, S, S) of raw BGR values 0 to 255, letterboxed at the top left on grey 114; one output
(1, cells, 5 + 80) of box centre and size relative to the grid, objectness and class scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from framewatch.adapters.vision.base import Detection, ModelError, clipped_box
from framewatch.adapters.vision.coco import COCO_80

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from framewatch.adapters.vision.base import ImageBgr

_STRIDES_PX = (8, 16, 32)
_GREY = 114.0
_NMS_IOU = 0.45  # the value in YOLOX's own demo
_MAX_CANDIDATES = 1000  # merging compares every pair, so a threshold near nought must not let all cells in
_MAX_EXPONENT = 12.0  # exp of it times a stride is far beyond any image; keeps a broken model from overflowing
_BOX_AND_SCORES = 5 + len(COCO_80)
_SIDES_PX = (416, 640, 320, 352, 384, 448, 480, 512, 544, 576, 608, 672, 704, 736, 768, 800, 832, 960, 1024, 1280)


class Yolox:
    """The port's contract; see ``base.ObjectDetector``."""

    class_names = COCO_80

    def __init__(self, path: Path) -> None:
        """Raises ModelError when the file is missing, is not ONNX, or is not of this family."""
        if not path.is_file():
            raise ModelError(f"the model file {path} does not exist: check the path given as the model")
        try:
            self._net = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error as error:
            raise ModelError(f"OpenCV cannot read {path} as an ONNX model: give a YOLOX export") from error
        self._side_px = self._measured_side_px(path)
        self.name = f"yolox-{path.stem}"
        self._grid, self._strides = _grid_and_strides(self._side_px)

    @property
    def input_size_px(self) -> tuple[int, int]:
        return self._side_px, self._side_px

    def _measured_side_px(self, path: Path) -> int:
        """The only side at which the network runs and answers one row a grid cell.

        OpenCV 5 does not tell an ONNX input's shape, so the usual sides are tried, the commonest first.
        """
        shape: tuple[int, ...] = ()
        for side_px in _SIDES_PX:
            try:
                output = self._forward(np.zeros((1, 3, side_px, side_px), np.float32))
            except cv2.error:
                continue
            shape = output.shape
            if shape == (1, _cells(side_px), _BOX_AND_SCORES):
                return side_px
        answered = f"answers the shape {shape}" if shape else "runs at none of the usual square input sizes"
        raise ModelError(
            f"{path} is not a supported detector: it {answered}, where a YOLOX export with the 80 COCO classes "
            f"answers (1, cells, {_BOX_AND_SCORES})"
        )

    def _forward(self, blob: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self._net.setInput(blob)
        outputs = self._net.forward(self._net.getUnconnectedOutLayersNames())
        return np.asarray(outputs[0], np.float32)

    def detect(self, image_bgr: ImageBgr, min_confidence: float) -> list[Detection]:
        """image_bgr: uint8 (H, W, 3). Overlaps are merged per class at an IoU of 0.45."""
        height_px, width_px = image_bgr.shape[:2]
        side_px = self._side_px
        scale = min(side_px / width_px, side_px / height_px)
        inner = cv2.resize(
            image_bgr,
            (max(1, round(width_px * scale)), max(1, round(height_px * scale))),
            interpolation=cv2.INTER_LINEAR,
        )
        blob = np.full((1, 3, side_px, side_px), _GREY, np.float32)
        blob[0, :, : inner.shape[0], : inner.shape[1]] = inner.transpose(2, 0, 1)
        rows = self._forward(blob)[0]

        scores = rows[:, 4:5] * rows[:, 5:]
        classes = scores.argmax(1)
        best = scores[np.arange(len(scores)), classes]
        kept = np.flatnonzero(best >= max(min_confidence / 100.0, 1e-6))
        if not len(kept):
            return []
        rows, classes, best = rows[kept], classes[kept], best[kept]
        centre = (rows[:, :2] + self._grid[kept]) * self._strides[kept]
        size = np.exp(np.minimum(rows[:, 2:4], _MAX_EXPONENT)) * self._strides[kept]
        corner = centre - size / 2
        order = cv2.dnn.NMSBoxesBatched(
            np.hstack([corner, size]).tolist(), best.tolist(), classes.tolist(), 0.0, _NMS_IOU, top_k=_MAX_CANDIDATES
        )
        found = []
        for index in np.asarray(order, dtype=int).ravel().tolist():
            left, top = (corner[index] / (width_px * scale, height_px * scale)).tolist()
            right, bottom = ((corner[index] + size[index]) / (width_px * scale, height_px * scale)).tolist()
            box = clipped_box(left, top, right, bottom)
            if box is not None:
                confidence = min(100.0, float(best[index]) * 100.0)
                found.append(Detection(COCO_80[int(classes[index])], confidence, box))
        found.sort(key=lambda detection: -detection.confidence)
        return found


def _cells(side_px: int) -> int:
    return sum((side_px // stride) ** 2 for stride in _STRIDES_PX)


def _grid_and_strides(side_px: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """(cells, 2) cell corners in grid units and (cells, 1) strides in px, in the network's output order."""
    grids, strides = [], []
    for stride in _STRIDES_PX:
        count = side_px // stride
        y, x = np.mgrid[:count, :count]
        grids.append(np.stack([x.ravel(), y.ravel()], 1))
        strides.append(np.full((count * count, 1), stride))
    return np.concatenate(grids).astype(np.float32), np.concatenate(strides).astype(np.float32)
