"""Reading a stream of JPEGs over HTTP: mjpeg.py against OpenCV's FFmpeg, from the same server on 127.0.0.1.

    python -m benchmarks.mjpeg_reading [--runs N] [--pictures N]

1. CPU for a picture of 1920x1080 when one in 30 is wanted: at most half of FFmpeg's.
2. Delay from a picture's last byte to its pixels, at five pictures a second, with a Content-Length and without.
"""

import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from typing import Any

import cv2
import numpy as np

from edge_client.mjpeg import open_http
from edge_client.opening import Opening
from edge_client.reader import CaptureReader, Reader

TARGET_CPU_RATIO = 0.5
EVERY = 30
_FAST_FPS, _SLOW_FPS = 60.0, 5.0
_SLOW_PICTURES = 20
_GREY_STEP = 10
_READERS = ("ours", "ffmpeg")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(_read(*args.child)))
        return 0
    cpu: dict[str, list[float]] = {name: [] for name in _READERS}
    for _ in range(args.runs):  # alternating
        for name in _READERS:
            cpu[name].append(_measure(name, args.pictures, _FAST_FPS, lengths=True)["cpu_ms"])
    ours, theirs = (statistics.median(cpu[name]) for name in _READERS)
    ratio = ours / theirs
    verdict = "met" if ratio <= TARGET_CPU_RATIO else "missed"
    print(
        f"CPU a picture: {ours:.2f} ms, FFmpeg {theirs:.2f} ms; ratio {ratio:.2f},"
        f" target {TARGET_CPU_RATIO}: {verdict}"
    )
    for lengths in (True, False):
        delays = {name: _measure(name, _SLOW_PICTURES, _SLOW_FPS, lengths=lengths)["delay_ms"] for name in _READERS}
        what = "with" if lengths else "without"
        print(f"delay {what} Content-Length: {delays['ours']:.0f} ms, FFmpeg {delays['ffmpeg']:.0f} ms")
    return 0 if ratio <= TARGET_CPU_RATIO else 1


def _measure(name: str, pictures: int, fps: float, *, lengths: bool) -> dict[str, float]:
    size_wh = (1920, 1080) if fps == _FAST_FPS else (320, 240)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        every = EVERY if fps == _FAST_FPS else 1
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.mjpeg_reading", "--child", name, url, str(every)],
            stdout=subprocess.PIPE,
        )
        jpegs = [_picture(number, size_wh) for number in range(_SLOW_PICTURES)]
        sent_s: list[float] = []
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n")
            for number in range(pictures):
                jpeg = jpegs[number % len(jpegs)]
                length = b"Content-Length: %d\r\n" % len(jpeg) if lengths else b""
                connection.sendall(b"--b\r\nContent-Type: image/jpeg\r\n" + length + b"\r\n" + jpeg + b"\r\n")
                sent_s.append(time.monotonic())
                time.sleep(1 / fps)
        out, _ = child.communicate()
    result: dict[str, Any] = json.loads(out)
    delays = [at - sent_s[int(number)] for number, at in result["seen"] if int(number) < len(sent_s)]
    # The first pictures wait for the stream to be recognised.
    late = delays[len(delays) // 2 :] or [float("nan")]
    return {"cpu_ms": 1000 * result["cpu_s"] / pictures, "delay_ms": 1000 * statistics.median(late)}


def _picture(number: int, size_wh: tuple[int, int]) -> bytes:
    frame = np.full((size_wh[1], size_wh[0], 3), number * _GREY_STEP, np.uint8)
    noise = np.random.default_rng(number).integers(0, 40, (size_wh[1] // 2, size_wh[0], 3), np.uint8)
    frame[size_wh[1] // 2 :] = noise
    return cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def _read(name: str, url: str, every: str) -> dict[str, object]:
    """Of the process that reads. cpu_s: after everything is imported."""
    before_s = _cpu_s()
    reader: Reader | None
    if name == "ours":
        reader = open_http(url, Opening())
    else:
        os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp"
        reader = CaptureReader(cv2.VideoCapture(url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 2]), live=True)
    assert reader is not None
    seen: list[tuple[int, float]] = []
    index = 0
    while reader.grab():
        if index % int(every) == 0:
            frame_bgr = reader.retrieve()
            if frame_bgr is not None:
                seen.append((round(float(frame_bgr[5, 5, 0]) / _GREY_STEP), time.monotonic()))
        index += 1
    return {"cpu_s": _cpu_s() - before_s, "seen": seen, "read": index}


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
