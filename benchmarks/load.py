"""Frames a second that one machine with the local stack sustains, and what saturates first.

    python -m benchmarks.load [--clips DIR] [--seconds 30] [--model ONNX]

Pictures of a clip with people go straight into the stream as those of eight cameras, always with so many waiting that
nobody idles and never more; counted is what the function acknowledged after a warm-up, and each frame is looked up in
the bucket afterwards. Once with the vision server's model, once with a stub that answers each picture after 100 ms,
however many ask at once: then vision is no bottleneck, and the rest shows its own. Nothing is decoded or encoded
meanwhile, so the edge's share is not in it (edge_client.py measures that).

The CPU of each part is that of its processes. A Python process that takes a whole core is what the rest waits for,
unless the cores are used up; the model looks at one picture at a time.
"""

import argparse
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import psutil

from benchmarks.alert_latency import load
from framewatch.domain.frames import Frame, FrameMeta, Gate, GateReason
from framewatch.wire.envelope import encode_envelope
from local_cloud.stack import LocalStack, StackOptions

CLIP = "vtest.avi"
PICTURES = 60
CAMERAS = tuple(f"cam-{n}" for n in range(1, 9))
# In the stream and in hand: four shards' batches of ten, and as many behind them.
WAITING = 80
WARM_UP_S = 12.0
STUB_S = 0.1
FULL = 0.9
# Less for the model: while the last of a batch are stored it has nothing to look at.
MODEL_FULL = 0.75
SITE = f"""
cameras: [{", ".join(f"{{id: {c}}}" for c in CAMERAS)}]
contacts: [{{id: ana, phone: "+12025550101"}}]
watch: {{labels: [Person], notify: [ana]}}
watchdog: {{enabled: false}}
"""
SEEN = json.dumps(
    {
        "Labels": [
            {
                "Name": name,
                "Confidence": 95.0,
                "Instances": [
                    {"BoundingBox": {"Left": 0.4, "Top": 0.1, "Width": 0.2, "Height": 0.8}, "Confidence": 95.0}
                ],
            }
            for name in ("Person", "Car")
        ]
    }
).encode()


class Stub(BaseHTTPRequestHandler):
    """DetectLabels, after a fixed time."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(STUB_S)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(SEEN)))
        self.end_headers()
        self.wfile.write(SEEN)

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def stub_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


class Camera:
    """Puts pictures into the stream while few enough wait. All cameras in one: it decodes nothing."""

    def __init__(self, stack: LocalStack, jpegs: list[bytes]):
        self._stack, self._jpegs = stack, jpegs
        self._kinesis = stack.kinesis_for_the_edge()
        self._stop = threading.Event()
        self._boot = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ") + "0a1b2c"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._settled = stack.event_source.stats().settled
        self.put = 0

    def __enter__(self) -> "Camera":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def done(self) -> int:
        return self._stack.event_source.stats().settled - self._settled

    def _run(self) -> None:
        while not self._stop.is_set():
            if self.put - self.done > WAITING - len(CAMERAS):
                time.sleep(0.01)
                continue
            records = [{"Data": self._frame(camera_id), "PartitionKey": camera_id} for camera_id in CAMERAS]
            answer = self._kinesis.put_records(StreamName=self._stack.outputs["StreamName"], Records=records)
            assert not answer["FailedRecordCount"], answer

    def _frame(self, camera_id: str) -> bytes:
        self.put += 1
        at = datetime.now(UTC)
        meta = FrameMeta(camera_id, self._boot, self.put, at, 768, 576, Gate(GateReason.MOTION))
        return encode_envelope(Frame(meta, self._jpegs[self.put % len(self._jpegs)]))


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds so far, by part."""

    by_part: dict[str, float]

    @classmethod
    def now(cls) -> "Cpu":
        parts = {"event source and cameras": [psutil.Process()]}
        for child in psutil.Process().children():
            name = "vision server" if "local_cloud.vision_server" in child.cmdline() else "emulator"
            parts.setdefault(name, []).append(child)
            parts.setdefault("functions", []).extend(child.children(recursive=True))
        seconds = {}
        for name, processes in parts.items():
            times = []
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    times.append(process.cpu_times())
            seconds[name] = sum(t.user + t.system for t in times)
        return cls(seconds)

    def since(self, before: "Cpu", seconds: float) -> dict[str, float]:
        """Cores."""
        return {name: (cpu_s - before.by_part.get(name, 0.0)) / seconds for name, cpu_s in self.by_part.items()}


def measure(name: str, stack: LocalStack, jpegs: list[bytes], seconds: float) -> float:
    """Prints, and returns frames a second."""
    before = _stored(stack)
    with Camera(stack, jpegs) as camera:
        time.sleep(WARM_UP_S)
        done, cpu, looked, began = camera.done, Cpu.now(), _looked(stack), time.monotonic()
        calls = stack.event_source.stats().invocations
        time.sleep(seconds)
        took_s = time.monotonic() - began
        rate = (camera.done - done) / took_s
        calls = stack.event_source.stats().invocations - calls
        cores = Cpu.now().since(cpu, took_s)
        looking = (_looked(stack) - looked) / took_s
    assert stack.wait_drained(120), stack.event_source.stats()
    stats = stack.event_source.stats()
    assert not stats.given_up, stats
    stored = _stored(stack) - before
    assert stored == camera.put, (stored, camera.put)
    print(f"\n{name}: {rate:.1f} frames a second for {took_s:.0f} s, all {stored} that were sent stored; {load()}")
    print(f"  cores: {', '.join(f'{part} {used:.2f}' for part, used in cores.items())}")
    model_ms = float(stack.vision_stats()["vision_ms"]["p50"] or 0)
    busy = looking * model_ms / 1000
    print(f"  the model: {looking:.1f} pictures a second of {model_ms:.0f} ms, busy {busy:.0%} of the time")
    print(f"  the shard: {calls} invocations, {rate * took_s / max(calls, 1):.0f} frames each")
    print(f"  what saturates: {saturated(cores, busy)}")
    return rate


def _looked(stack: LocalStack) -> int:
    return int(stack.vision_stats()["requests"])


def _stored(stack: LocalStack) -> int:
    s3, bucket = stack.emulator.client("s3"), stack.outputs["FramesBucketName"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="frames/")
    return sum(len(page.get("Contents", [])) for page in pages)


def saturated(cores: dict[str, float], busy: float) -> str:
    machine = os.cpu_count() or 1
    found = [f"the machine's {machine} cores" for used in [sum(cores.values())] if used >= FULL * machine]
    found += ["the model, which looks at one picture at a time"] if busy >= MODEL_FULL else []
    found += [f"{part}, a core of its own" for part, used in cores.items() if FULL <= used <= 1.1]
    # Frames always wait, so that its next batch is always ready.
    return "; ".join(found) or "the shard, whose batches are worked on one at a time"


def jpegs_of(clip: Path) -> list[bytes]:
    capture = cv2.VideoCapture(str(clip))
    found = []
    for n in range(PICTURES * 10):
        there, frame = capture.read()
        if there and n % 10 == 0:
            found.append(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return found


def ask_at(stack: LocalStack, url: str) -> None:
    """From its next start on, the function asks there."""
    client, name = stack.emulator.client("lambda"), stack.outputs["ImageProcessorName"]
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables["AWS_ENDPOINT_URL_REKOGNITION"] = url
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    data = Path(os.environ.get("FRAMEWATCH_DATA", "../shared/data"))
    parser.add_argument("--clips", type=Path, default=data / "videos", help="a folder with the test data's clips")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each of the two runs, after a warm-up")
    parser.add_argument("--model", help="an ONNX detector instead of SSD MobileNet v2")
    options = parser.parse_args()
    clip = options.clips / CLIP
    if not clip.is_file():
        print(f"not measured, for {clip} is missing; name its folder with --clips")
        return 0
    jpegs = jpegs_of(clip)
    stack = LocalStack(StackOptions(SITE, model=options.model), say=print)
    try:
        stack.start()
        print(f"{len(CAMERAS)} cameras, pictures of {sum(map(len, jpegs)) // len(jpegs) // 1000} kB; {load()}")
        measure("vision by the model", stack, jpegs, options.seconds)
        with stub_url() as url:
            ask_at(stack, url)
            stack.renew_stream()
            measure(f"vision after {STUB_S * 1000:.0f} ms", stack, jpegs, options.seconds)
    finally:
        stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
