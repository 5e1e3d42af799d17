"""Lets several threads share detectors that each serve one thread at a time.

An OpenCV network keeps its input and its layers' buffers in itself, so two threads in one network corrupt each
other's answers. The pool lends each network to one caller at a time. How many callers wait is bounded by who calls
(the server by its connections); how long each waits is bounded here.

One detector that uses both cores is the default. Measured on 2 cores with SSD MobileNet v2: one detector answers in
56 ms (17.6 images a second), two of one core each in 97 ms (19.7 a second). YOLOX nano: 15 ms (64), 27 ms (71).
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from framewatch.adapters.vision.base import Detection, ObjectDetector
from framewatch.domain.errors import VisionThrottled

if TYPE_CHECKING:
    from framewatch.adapters.vision.base import ImageBgr


class DetectorPool:
    """``size`` detectors; a caller waits for a free one for at most ``wait_timeout_s``."""

    def __init__(
        self,
        load: Callable[[], ObjectDetector],
        *,
        size: int = 1,
        wait_timeout_s: float = 30.0,
    ) -> None:
        """Raises what ``load`` raises. ``load`` is called ``size`` times, at once: a bad model fails at start."""
        if size < 1:
            raise ValueError("a detector pool needs at least one detector")
        detectors = [load() for _ in range(size)]
        self.name = detectors[0].name
        self.class_names = detectors[0].class_names
        self.input_size_px = detectors[0].input_size_px
        self._free: queue.SimpleQueue[ObjectDetector] = queue.SimpleQueue()
        for detector in detectors:
            self._free.put(detector)
        self._wait_timeout_s = wait_timeout_s

    def detect(self, image_bgr: ImageBgr, min_confidence: float) -> list[Detection]:
        """See ``ObjectDetector.detect``. Raises VisionThrottled when none comes free in time."""
        return self.timed_detect(image_bgr, min_confidence)[0]

    def timed_detect(self, image_bgr: ImageBgr, min_confidence: float) -> tuple[list[Detection], float]:
        """The detections, and the milliseconds of the model step alone, without the wait for a free detector."""
        try:
            detector = self._free.get(timeout=self._wait_timeout_s)
        except queue.Empty:
            raise VisionThrottled(
                f"no detector came free within {self._wait_timeout_s:g} s: send fewer requests at a time"
            ) from None
        try:
            started = time.perf_counter()
            found = detector.detect(image_bgr, min_confidence)
            return found, (time.perf_counter() - started) * 1000.0
        finally:
            self._free.put(detector)
