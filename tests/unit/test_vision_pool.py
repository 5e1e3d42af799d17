import threading

import numpy as np
import pytest

from framewatch.adapters.vision.pool import DetectorPool
from framewatch.domain.errors import VisionThrottled

FRAME = np.zeros((90, 90, 3), np.uint8)


class OneAtATime:
    """Notes when two threads are inside at once. ``hold``: detections wait for it."""

    name, class_names, input_size_px = "fake", ("person",), (300, 300)

    def __init__(self) -> None:
        self.inside = 0
        self.most_inside = 0
        self.entered = threading.Semaphore(0)
        self.hold = threading.Event()
        self.hold.set()

    def detect(self, image_bgr, min_confidence):
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.entered.release()
        self.hold.wait(10)
        self.inside -= 1
        return []


def test_a_detector_never_serves_two_threads_at_once():
    detector = OneAtATime()
    pool = DetectorPool(lambda: detector)
    start = threading.Barrier(8)

    def work():
        start.wait()
        for _ in range(50):
            pool.detect(FRAME, 50.0)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert detector.most_inside == 1


def test_two_detectors_serve_two_threads_at_once():
    detectors = [OneAtATime(), OneAtATime()]
    waiting = iter(detectors)
    pool = DetectorPool(lambda: next(waiting), size=2)
    for detector in detectors:
        detector.hold.clear()
    threads = [threading.Thread(target=pool.detect, args=(FRAME, 50.0)) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert all(detector.entered.acquire(timeout=10) for detector in detectors)
    for detector in detectors:
        detector.hold.set()
    for thread in threads:
        thread.join()


def test_a_caller_that_waited_too_long_is_told_to_slow_down():
    detector = OneAtATime()
    detector.hold.clear()
    pool = DetectorPool(lambda: detector, wait_timeout_s=0.05)
    busy = threading.Thread(target=pool.detect, args=(FRAME, 50.0))
    busy.start()
    assert detector.entered.acquire(timeout=10)
    with pytest.raises(VisionThrottled):
        pool.detect(FRAME, 50.0)
    detector.hold.set()
    busy.join()
    assert pool.detect(FRAME, 50.0) == []


def test_a_detector_that_fails_is_lent_again():
    class Failing(OneAtATime):
        def detect(self, image_bgr, min_confidence):
            raise RuntimeError("broken")

    pool = DetectorPool(Failing, wait_timeout_s=0.05)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="broken"):
            pool.detect(FRAME, 50.0)


def test_a_pool_of_none_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        DetectorPool(OneAtATime, size=0)
