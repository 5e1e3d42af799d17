"""What the motion gate costs and saves, on recorded clips at one frame a second.

    python -m benchmarks.motion_gate [--clips DIR] [--decode CLIP] [--yolox ONNX] [--runs N]

1. The gate's CPU for a frame that it considers, against the CPU of decoding since the frame considered before it
   (1080p30 H.264, every 30th frame, one decoder thread): at most 5 %. Decoding is `grab` alone, without the
   conversion to BGR. The clip is that of `edge_client.py --full-hd`, or CLIP; where none can be made the largest
   H.264 clip of DIR stands in, and the line says so. A smaller picture is the harder case, for decoding shrinks with
   its area and most of the gate does not: there the figure is told and not judged.
2. Frames sent and visits kept, gate on against gate off. Visits are found as the image processor finds them, from
   what the local model sees in the same JPEGs: every label from 50 %, gaps up to 30 s. A visit counts as kept when
   the frames that the gate sent make a visit of the same label that overlaps it. None may be lost. Where
   timelines.json says when the scene is empty, those frames may cost keep-alives only.
3. The same frames through OpenCV's own background models (MOG2, KNN; the same small picture, the same least area, one
   time constant, with and without their shadow detection): in how many frames each sees something, and how many of
   them are in spans known to be empty. This is before near-duplicates are taken out, for those models know none.
"""

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from benchmarks.edge_client import make_full_hd_clip
from edge_client.gate import GateDecision, GateReason, GateSettings, MotionGate, WithheldReason
from edge_client.gate_blobs import find_blobs
from edge_client.jpeg import FrameBGR, encode_to_fit
from edge_client.reader import OpenFailed, open_reader
from edge_client.sampler import PerSecond, Sampling, make_sampler
from edge_client.source import parse_source
from framewatch.adapters.vision.base import ObjectDetector
from framewatch.adapters.vision.load import DEFAULT_MODEL, load_detector
from framewatch.domain.visits import Visit, VisitSighting, add_sightings
from framewatch.wire.envelope import MAX_RECORD_BYTES

TARGET_CPU_SHARE = 0.05
FULL_HD_ROWS = 1080
MIN_CONFIDENCE, GAP = 50.0, timedelta(seconds=30)
EVERY = 30
_MIN_INTERVALS = 8
_SUFFIXES = (".mp4", ".avi", ".gif")
_START = datetime(2026, 1, 1, tzinfo=UTC)
_SMALL_PX = 256
_OPENCV_TAU_S = 30.0

# As in the worker, where threads on small pictures only wait for each other.
cv2.setNumThreads(1)

Frames = list[tuple[float, FrameBGR]]


def sampled(clip: Path, sampling: Sampling) -> Iterator[tuple[float, FrameBGR]]:
    reader, sampler, index = open_reader(parse_source(str(clip))), make_sampler(sampling), 0
    while reader.grab():
        if sampler.wants(index, reader.media_time_s) and (frame_bgr := reader.retrieve()) is not None:
            yield reader.media_time_s, frame_bgr
        index += 1
    reader.close()


# --- 1. CPU ---


def cpu_share(clip: Path, runs: int) -> tuple[bool, str]:
    """The gate's CPU over that of decoding 30 frames (medians): whether that is fine, and a line of text."""
    gate_s: list[float] = []
    decode_s: list[float] = []
    shape = (0, 0)
    for _ in range(runs):
        reader, gate, index, decoded_s = open_reader(parse_source(str(clip))), MotionGate(GateSettings()), 0, 0.0
        while True:
            before = time.process_time()
            if not reader.grab():
                break
            decoded_s += time.process_time() - before
            if index % EVERY == 0:
                frame_bgr = reader.retrieve()
                assert frame_bgr is not None
                shape = frame_bgr.shape[:2]
                before = time.process_time()
                gate.consider(frame_bgr, reader.media_time_s)
                if index:
                    gate_s.append(time.process_time() - before)
                    decode_s.append(decoded_s)
                decoded_s = 0.0
            index += 1
        reader.close()
    share = statistics.median(gate_s) / statistics.median(decode_s)
    return share <= TARGET_CPU_SHARE or min(shape) < FULL_HD_ROWS, (
        f"{clip.name} ({shape[1]}x{shape[0]}, every {EVERY}th frame, {len(gate_s)} intervals): gate"
        f" {statistics.median(gate_s) * 1e3:.2f} ms, decoding {statistics.median(decode_s) * 1e3:.1f} ms:"
        f" {share:.1%} (target at most {TARGET_CPU_SHARE:.0%})"
    )


def decode_clip(clips: Sequence[Path], folder: Path) -> tuple[Path, str] | None:
    """The 1080p30 clip of `edge_client.py --full-hd`, or the largest H.264 clip that is there."""
    made = folder / "full-hd.mp4"
    why = make_full_hd_clip(made)
    if why is None:
        return made, "made of bikes.mp4, a cut film"
    known = [(size, clip) for clip in clips if (size := _h264_px(clip))]
    return (max(known)[1], f"no 1080p clip can be made here: {why}") if known else None


def _h264_px(clip: Path) -> int:
    """Pixels a frame; 0 where it is no H.264, or too short to measure."""
    capture = cv2.VideoCapture(str(clip))
    code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little")
    long_enough = capture.get(cv2.CAP_PROP_FRAME_COUNT) >= EVERY * (_MIN_INTERVALS + 1)
    px = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    return px if code in (b"h264", b"avc1") and long_enough else 0


# --- 2. Frames and visits ---

Seen = list[tuple[float, dict[str, float]]]
"""For each frame its time and the best confidence of each label."""


def look(frames: Frames, detector: ObjectDetector) -> Seen:
    found: Seen = []
    for at_s, frame_bgr in frames:
        jpeg, _, _ = encode_to_fit(frame_bgr, MAX_RECORD_BYTES)
        best: dict[str, float] = {}
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        for thing in detector.detect(picture, MIN_CONFIDENCE):  # type: ignore[arg-type]
            best[thing.class_name] = max(best.get(thing.class_name, 0.0), thing.confidence)
        found.append((at_s, best))
    return found


def visits(seen: Seen, sent: Callable[[int], bool]) -> dict[str, list[Visit]]:
    sightings: dict[str, list[VisitSighting]] = defaultdict(list)
    for number, (at_s, labels) in enumerate(seen):
        if sent(number):
            for label, confidence in labels.items():
                sightings[label].append(VisitSighting(f"{number:06}", _START + timedelta(seconds=at_s), confidence))
    return {
        label: [change.after for change in add_sightings("clip", label, [], some, GAP)]
        for label, some in sightings.items()
    }


def lost_visits(seen: Seen, sent: set[int]) -> tuple[int, list[Visit]]:
    """How many visits there are without a gate, and those that no visit of the sent frames overlaps."""
    whole, gated = visits(seen, lambda _: True), visits(seen, sent.__contains__)
    every = [visit for some in whole.values() for visit in some]
    return len(every), [
        visit
        for visit in every
        if not any(
            other.first_seen <= visit.last_seen and other.last_seen >= visit.first_seen
            for other in gated.get(visit.label, [])
        )
    ]


# --- 3. OpenCV's models ---


class OpenCVModel:
    """Sees something where a blob of the least area is foreground. Rates follow time, as the gate's do."""

    def __init__(self, kind: str) -> None:
        create = cv2.createBackgroundSubtractorMOG2 if "MOG2" in kind else cv2.createBackgroundSubtractorKNN
        self._model = create(detectShadows="shadows" in kind)
        self._last_s: float | None = None
        self._frames = 0

    def sees(self, frame_bgr: FrameBGR, at_s: float) -> bool:
        height, width = frame_bgr.shape[:2]
        factor = max(1, -(-max(height, width) // _SMALL_PX))
        small = cv2.resize(frame_bgr, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
        luma = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (3, 3), 0)
        self._frames += 1
        elapsed_s = 1.0 if self._last_s is None else at_s - self._last_s
        self._last_s = at_s
        rate = max(
            1 / self._frames if self._frames < _OPENCV_TAU_S else 0.0, 1 - math.exp(-elapsed_s / _OPENCV_TAU_S)
        )
        mask = np.where(self._model.apply(luma, learningRate=rate) == 255, np.uint8(255), np.uint8(0))
        least_px = max(4, round(GateSettings().min_area_share * mask.size))
        return bool(find_blobs(mask, mask, np.full_like(mask, 255), None, least_px).numbers)


OPENCV_MODELS = ("MOG2", "MOG2 shadows", "KNN", "KNN shadows")


def in_spans(at_s: float, spans: Sequence[Sequence[float]]) -> bool:
    return at_s > 0 and any(start <= at_s <= end for start, end in spans)


def measure(clip: Path, detectors: Sequence[ObjectDetector], empty: Sequence[Sequence[float]]) -> bool:
    """Prints a clip's lines; whether no visit was lost and an empty scene cost keep-alives only."""
    frames = list(sampled(clip, PerSecond(1)))
    gate, found = MotionGate(GateSettings()), list[GateDecision]()
    before = time.process_time()
    for at_s, frame_bgr in frames:
        found.append(gate.consider(frame_bgr, at_s))
    cpu_ms = (time.process_time() - before) / len(frames) * 1e3
    sent = {number for number, decision in enumerate(found) if decision.send}
    reasons = ", ".join(f"{count} {reason}" for reason, count in Counter(d.reason for d in found).most_common())
    print(f"\n{clip.name}: {len(sent)} of {len(frames)} frames sent, {1 - len(sent) / len(frames):.0%} saved")
    print(f"  {reasons}; {cpu_ms:.2f} ms of CPU a frame")
    ok = True
    for detector in detectors:
        total, lost = lost_visits(look(frames, detector), sent)
        ok &= not lost
        print(f"  {detector.name}: {total - len(lost)} of {total} visits kept")
        for visit in lost:
            spans = [(at - _START).total_seconds() for at in (visit.first_seen, visit.last_seen)]
            print(f"    lost: {visit.label}, {spans[0]:.0f} to {spans[1]:.0f} s, {visit.best.confidence:.0f} %")
    if empty:
        spent = Counter(d.reason for (at_s, _), d in zip(frames, found, strict=True) if in_spans(at_s, empty))
        ok &= spent[GateReason.MOTION] == 0
        there = ", ".join(f"{count} {reason}" for reason, count in spent.most_common())
        print(f"  in the empty spans: {there}")
    seeing = {"gate": [d.reason in (GateReason.MOTION, WithheldReason.DUPLICATE) for d in found]}
    for kind in OPENCV_MODELS:
        model = OpenCVModel(kind)
        seeing[kind] = [model.sees(frame_bgr, at_s) for at_s, frame_bgr in frames]
    texts = []
    for kind, sees in seeing.items():
        in_vain = sum(s for s, (at_s, _) in zip(sees, frames, strict=True) if in_spans(at_s, empty))
        texts.append(f"{kind} {sum(sees)}" + (f" ({in_vain} empty)" if empty else ""))
    print(f"  frames with something there: {', '.join(texts)}", flush=True)
    return ok


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("FRAMEWATCH_DATA", "../shared/data")) / "videos"
    parser.add_argument("--clips", type=Path, default=default, metavar="DIR")
    parser.add_argument("--decode", type=Path, metavar="CLIP", help="a 1080p30 H.264 clip")
    parser.add_argument("--yolox", metavar="ONNX", help="a second model to find visits with")
    parser.add_argument("--runs", type=int, default=3, help="passes over the clip of the first figure")
    parser.add_argument("--cpu-only", action="store_true", help="the first figure alone")
    args = parser.parse_args()
    clips = sorted(p for p in args.clips.glob("*") if p.suffix in _SUFFIXES) if args.clips.is_dir() else []
    if not clips and args.decode is None:
        print(f"skipped: {args.clips} holds no clips; name a folder with --clips or set FRAMEWATCH_DATA")
        return 0
    ok = True
    with tempfile.TemporaryDirectory() as folder:
        chosen = (args.decode, "as given") if args.decode else decode_clip(clips, Path(folder))
        if chosen is None:
            print("CPU: skipped: no H.264 clip of 9 s or more; give one as --decode")
        else:
            ok, line = cpu_share(chosen[0], args.runs)
            print(f"CPU: {line}; {chosen[1]}", flush=True)
    if args.cpu_only or not clips:
        return 0 if ok else 1
    detectors = [load_detector(name) for name in (DEFAULT_MODEL, *([args.yolox] if args.yolox else []))]
    timelines_file = args.clips / "timelines.json"
    timelines = json.loads(timelines_file.read_text("utf-8")) if timelines_file.exists() else {}
    for clip in clips:
        try:
            ok &= measure(clip, detectors, timelines.get(clip.name, {}).get("empty", ()))
        except OpenFailed as error:
            print(f"\n{clip.name}: skipped: {error.why}")
    print(f"\n{'as it should be' if ok else 'NOT as it should be'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
