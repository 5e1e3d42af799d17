"""What each step between the camera and vision saves, and whether a visit is lost by it: recorded clips, one frame a
second, against the plain design in which every sampled frame is analysed.

    python -m benchmarks.savings [--clips DIR] [--images DIR] [--yolox ONNX] [--busy-hours H]

1. Each clip as it is, and where some of its frames show nothing that moves and nobody: the clip, an hour of those
   frames in random order, and the clip again. That order is harder than a real quiet hour, for noise and light change
   from each frame to the next. Frames, analyses and visits are counted after each step; labels are the local models',
   from 50 %, gaps up to 30 s, each label a visit of its own. A visit is lost when none of the same label overlaps it,
   and made up when it overlaps none of the plain design's; a stay (a watched label in three frames on end, so each of
   six people who follow each other within the gap) is unseen when no frame that is left shows it. None of that may
   happen by the gate or by near-duplicates.
2. USD for a camera and month of 30 days, by framewatch/domain/estimate.py: of a camera that sees the clip all the
   time, and of one that sees it --busy-hours a day and its quiet frames for the rest.
3. What the screen costs: of the frames and of the COCO images that show a label, the share that it passes on. The
   frames' labels are another model's. This is a measure and no target; the steps of a budget, too, give up visits.
"""

import argparse
import os
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import mean

import cv2

from benchmarks.motion_gate import GAP, Frames, Seen, look, sampled, visits
from edge_client.gate import GateDecision, GateReason, GateSettings, MotionGate, WithheldReason
from edge_client.jpeg import encode_to_fit
from edge_client.opening import OpenFailed
from edge_client.sampler import EveryNth, PerSecond, SlowedSampler, make_sampler
from edge_client.screen_settings import ScreenSettings
from framewatch.adapters.vision.base import ObjectDetector
from framewatch.adapters.vision.coco import COCO_80
from framewatch.adapters.vision.load import DEFAULT_MODEL, load_detector
from framewatch.domain.budget import SLOWER_BY
from framewatch.domain.cost import price
from framewatch.domain.estimate import Plan, estimate
from framewatch.domain.visits import Visit
from framewatch.wire.envelope import MAX_RECORD_BYTES
from framewatch.wire.price_file import load_prices

WATCHED = ("person", "bicycle", "car", "dog")
LEAST = ScreenSettings(model=DEFAULT_MODEL, labels=WATCHED).min_confidence
QUIET_S = 3600
_LEAST_QUIET_FRAMES = 5
_STAY_GAP_S, _STAY_S = 2.0, 2.0
_SUFFIXES = (".mp4", ".avi", ".gif")

cv2.setNumThreads(2)


@dataclass(frozen=True, slots=True)
class Scene:
    """numbers: of the clip's frames, one a second. quiet: the places of the quiet hour."""

    name: str
    numbers: tuple[int, ...]
    quiet: range


@dataclass(frozen=True, slots=True)
class Clip:
    """sights: what each model sees in each frame. passed: whether the screen sees something watched in it."""

    name: str
    frames: Frames
    frame_kb: float
    sights: Mapping[str, Seen]
    passed: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Step:
    """What is left after it, by place in the scene. labels_of: whose labels a frame has; None: nobody's. is_lossless:
    it may lose no visit of any label."""

    name: str
    is_lossless: bool
    labels_of: Mapping[int, int | None]

    def analysed(self, places: range) -> int:
        return sum(self.labels_of.get(place) == place for place in places)

    def sent(self, places: range) -> int:
        return sum(place in self.labels_of for place in places)


def decisions(scene: Scene, frames: Frames, every: int = 1) -> dict[int, GateDecision]:
    """By place, of those that the sampler takes."""
    gate, sampler = MotionGate(GateSettings()), SlowedSampler(make_sampler(EveryNth(1)), lambda: every)
    taken = (place for place in range(len(scene.numbers)) if sampler.wants(place, float(place)))
    return {place: gate.consider(frames[scene.numbers[place]][1], float(place)) for place in taken}


def steps_of(scene: Scene, clip: Clip) -> list[Step]:
    """Each on top of those before it; those of a budget on top of near-duplicates."""
    every = range(len(scene.numbers))
    found = decisions(scene, clip.frames)
    gate = {place: place for place in every if found[place].send}
    repeats = _with_repeats(found)
    screened = {
        place: of if of is not None and clip.passed[scene.numbers[of]] else None for place, of in repeats.items()
    }
    slower = _with_repeats(decisions(scene, clip.frames, SLOWER_BY))
    moving = {p: of if found[p].reason is GateReason.MOTION else None for p, of in repeats.items()}
    return [
        Step("every frame", True, {place: place for place in every}),
        Step("motion gate", True, gate),
        Step("near-duplicates", True, repeats),
        Step("screen", False, screened),
        Step(f"budget: {SLOWER_BY}x slower", False, slower),
        Step("budget: only motion", False, moving),
    ]


def _with_repeats(found: Mapping[int, GateDecision]) -> dict[int, int | None]:
    labels_of: dict[int, int | None] = {}
    reference = 0
    for place, decision in found.items():
        if decision.send:
            reference = reference if decision.repeats else place
            labels_of[place] = reference
    return labels_of


def labelled(scene: Scene, step: Step, seen: Seen) -> Seen:
    """What the frames that are left show, at their own times."""
    return [
        (float(place), seen[scene.numbers[of]][1] if of is not None else {})
        for place, of in sorted(step.labels_of.items())
    ]


def unmatched(
    some: Mapping[str, list[Visit]], others: Mapping[str, list[Visit]], labels: Sequence[str]
) -> list[Visit]:
    return [
        visit
        for label in labels
        for visit in some.get(label, ())
        if not any(
            other.first_seen <= visit.last_seen and other.last_seen >= visit.first_seen
            for other in others.get(label, ())
        )
    ]


def usd_a_month(step: Step, shares: Mapping[range, float], frame_kb: float, watched: float) -> Decimal:
    """shares: of the day, by places of the scene. One camera by itself, without alerts and pages."""
    sent = sum(share * step.sent(places) / len(places) for places, share in shares.items())
    analysed = sum(share * step.analysed(places) / len(places) for places, share in shares.items())
    plan = Plan(
        gate_share=sent,
        analysed_share=analysed / sent,
        frame_kb=frame_kb,
        watched_share=watched,
        alerts_per_day=0,
        users=0,
        page_hours=0,
    )
    return price(estimate(plan).month, load_prices()).usd


def read_clip(path: Path, detectors: Sequence[ObjectDetector], screen: ObjectDetector) -> Clip:
    """Raises OpenFailed."""
    frames = list(sampled(path, PerSecond(1)))
    return Clip(
        path.name,
        frames,
        mean(len(encode_to_fit(frame_bgr, MAX_RECORD_BYTES)[0]) for _, frame_bgr in frames) / 1000,
        {detector.name: look(frames, detector) for detector in detectors},
        [any(thing.class_name in WATCHED for thing in screen.detect(frame_bgr, LEAST)) for _, frame_bgr in frames],
    )


def scenes_of(clip: Clip) -> list[Scene]:
    bare = Scene(clip.name, tuple(range(len(clip.frames))), range(0))
    reasons = decisions(bare, clip.frames)
    still = [
        number
        for number in bare.numbers
        if reasons[number].reason is WithheldReason.NO_MOTION
        and not any(_is_watched(seen[number][1]) for seen in clip.sights.values())
    ]
    if len(still) < _LEAST_QUIET_FRAMES:
        return [bare]
    rng = random.Random(1)  # noqa: S311 - it shuffles pictures
    hour = tuple(rng.choice(still) for _ in range(QUIET_S))
    first = len(bare.numbers)
    with_hour = Scene(f"{clip.name}, a quiet hour", bare.numbers + hour + bare.numbers, range(first, first + QUIET_S))
    return [bare, with_hour]


def _is_watched(labels: Mapping[str, float]) -> bool:
    return any(label in WATCHED for label in labels)


def tell(scene: Scene, clip: Clip, busy_hours: float) -> bool:
    """Prints the scene's table. Whether the gate and near-duplicates did only what they may."""
    whole = range(len(scene.numbers))
    shares, kind = {whole: 1.0}, "all the time"
    if scene.quiet:
        shares = {range(scene.quiet.start): busy_hours / 24, scene.quiet: 1 - busy_hours / 24}
        kind = f"{busy_hours:g} h of it a day, else quiet"
    print(f"\n{scene.name}: {len(whole)} frames, {clip.frame_kb:.0f} KB each; a month: {kind}")
    print("                            sent  analysed  lost  made up  of visits  unseen  of stays   USD/month  saves")
    ok, before = True, Decimal(0)
    steps = steps_of(scene, clip)
    for step in steps:
        found = _compared(scene, clip, steps[0], step)
        usd = usd_a_month(step, shares, clip.frame_kb, found.watched / max(1, step.sent(whole)))
        print(
            f"  {step.name:22} {step.sent(whole):8} {step.analysed(whole):9} {found.lost:5} {found.made_up:8}"
            f" {found.visits:10} {found.unseen:7} {found.stays:9} {usd:11.2f}"
            f" {f'{1 - usd / before:6.0%}' if before else ''}",
            flush=True,
        )
        if step.is_lossless:
            ok &= found.lost == found.made_up == found.unseen == 0
            before = usd
    return ok


@dataclass(slots=True)
class Compared:
    """Over all detectors; watched: frames left that show a watched label to the first."""

    visits: int = 0
    lost: int = 0
    made_up: int = 0
    stays: int = 0
    unseen: int = 0
    watched: int = 0


def _compared(scene: Scene, clip: Clip, plain: Step, step: Step) -> Compared:
    """What the plain design finds and this step does not, and the other way round."""
    found, labels = Compared(), COCO_80 if step.is_lossless else WATCHED
    for number, (name, seen) in enumerate(clip.sights.items()):
        every, left = labelled(scene, plain, seen), labelled(scene, step, seen)
        all_visits, left_visits = visits(every, lambda _: True), visits(left, lambda _: True)
        lost, made_up = unmatched(all_visits, left_visits, labels), unmatched(left_visits, all_visits, labels)
        if step.is_lossless:
            for what, visit in [*(("lost", v) for v in lost), *(("made up", v) for v in made_up)]:
                print(f"    {what}: {visit.label} of {name}, {visit.first_seen:%H:%M:%S}")
        stays = [stay for label in WATCHED for stay in stays_of(every, label)]
        seen_at = {label: [at_s for at_s, labels_ in left if label in labels_] for label in WATCHED}
        found.lost += len(lost)
        found.made_up += len(made_up)
        found.visits += sum(len(all_visits.get(label, ())) for label in labels)
        found.stays += len(stays)
        found.unseen += sum(not any(a <= at_s <= b for at_s in seen_at[label]) for label, a, b in stays)
        if not number:
            found.watched = sum(_is_watched(labels_) for _, labels_ in left)
    return found


def stays_of(seen: Seen, label: str) -> list[tuple[str, float, float]]:
    """Spans of three frames or more in which the label is seen without two seconds' gap."""
    spans: list[tuple[str, float, float]] = []
    times = [at_s for at_s, labels in seen if label in labels]
    for at_s in times:
        if spans and at_s - spans[-1][2] <= _STAY_GAP_S:
            spans[-1] = (label, spans[-1][1], at_s)
        else:
            spans.append((label, at_s, at_s))
    return [span for span in spans if span[2] - span[1] >= _STAY_S]


def recall_on_images(folder: Path, screen: ObjectDetector) -> None:
    """Of images with YOLO-format truth beside them."""
    passed: dict[str, list[bool]] = {label: [] for label in WATCHED}
    empty: list[bool] = []
    for path in sorted(folder.glob("*.jpg")):
        truth = path.with_suffix(".txt")
        if not truth.exists():
            continue
        there = {COCO_80[int(line.split()[0])] for line in truth.read_text("utf-8").splitlines() if line}
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        found = {thing.class_name for thing in screen.detect(picture, LEAST)} & set(WATCHED)  # type: ignore[arg-type]
        for label in there & set(WATCHED):
            passed[label].append(bool(found))
        if not there & set(WATCHED):
            empty.append(bool(found))
    shares = [f"{label} {sum(p)}/{len(p)}" for label, p in passed.items() if p]
    print(f"  {screen.name}: passes on {', '.join(shares)}; of images without any of them {sum(empty)}/{len(empty)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("FRAMEWATCH_DATA", "../shared/data"))
    parser.add_argument("--clips", type=Path, default=data / "videos", metavar="DIR")
    parser.add_argument("--images", type=Path, default=data / "images" / "coco", metavar="DIR")
    yolox = data / "models" / "yolox_nano_416.onnx"
    parser.add_argument("--yolox", type=Path, default=yolox, metavar="ONNX", help="a second model, and the screen's")
    parser.add_argument("--busy-hours", type=float, default=2.0, metavar="H")
    args = parser.parse_args()
    clips = sorted(p for p in args.clips.glob("*") if p.suffix in _SUFFIXES) if args.clips.is_dir() else []
    if not clips:
        print(f"skipped: {args.clips} holds no clips; name a folder with --clips or set FRAMEWATCH_DATA")
        return 0
    detectors = [load_detector(DEFAULT_MODEL)]
    if args.yolox.is_file():
        detectors.append(load_detector(str(args.yolox)))
    screen, ok, shown = detectors[-1], True, list[bool]()
    print(f"one frame a second, visits up to {GAP.seconds} s apart; the screen is {screen.name} from {LEAST:g} %")
    for path in clips:
        try:
            clip = read_clip(path, detectors, screen)
        except OpenFailed as error:
            print(f"\n{path.name}: skipped: {error.why}")
            continue
        for scene in scenes_of(clip):
            ok &= tell(scene, clip, args.busy_hours)
        first = clip.sights[detectors[0].name]
        shown += [passed for (_, labels), passed in zip(first, clip.passed, strict=True) if _is_watched(labels)]
    print(f"\nwhat the screen passes on of what shows {', '.join(WATCHED)}:")
    print(f"  {screen.name}: {sum(shown)} of {len(shown)} of the clips' frames in which {detectors[0].name} sees one")
    if args.images.is_dir():
        for detector in detectors:
            recall_on_images(args.images, detector)
    print(f"\n{'as it should be' if ok else 'NOT as it should be'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
