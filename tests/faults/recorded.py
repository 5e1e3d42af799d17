"""What a storm's cameras see, what a model said of it when it was recorded, and what calm weather makes of it."""

# ruff: noqa: S311  a storm keeps no secret
import base64
import json
import random
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import cv2
import numpy as np

from framewatch.adapters.aws.rekognition import RekognitionDetector
from framewatch.domain.frames import Frame, FrameMeta, Gate, GateReason
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import Visit
from framewatch.services.process_frames import process_batch
from tests.aws import DETECTIONS
from tests.fakes import World
from tests.frames import BOOT, make_record
from tests.recorded_clips import EVENTS, PRESENT_S, Answers

CAMERAS = ("room", "street")
MOST_STORMS = 400
EPISODES, EPISODE_FRAMES = 3, 9
FRAMES_OF_A_STORM = len(CAMERAS) * EPISODES * EPISODE_FRAMES
# Far above a visit's gap: then no order of arrival makes two visits of one, for a while, each with its own text.
_BETWEEN_EPISODES_S = 150.0
_GAP_S = 60.0
_RECORDED = re.compile(rb"\xff\xd8\xff([a-z-]+)/(\d+)/")


def _clip(name: str) -> list[dict[str, Any]]:
    return list(json.loads((EVENTS / f"{name}.json").read_text("utf-8"))["frames"])


_CLIPS = {name: _clip(name) for name in ("one-by-one-ssd", "vtest-ssd")}


def recorded_frames(seed: int, prefix: str, now: datetime, clock_jump_s: float) -> list[Frame]:
    """Of two cameras in turn, three episodes each, a second between frames. The picture names the recorded frame.

    clock_jump_s: of the box, in the middle.
    """
    rng = random.Random(f"frames/{seed}")
    presences = rng.sample([round(a) for a, _ in PRESENT_S], EPISODES)
    starts = {"room": ("one-by-one-ssd", presences), "street": ("vtest-ssd", rng.sample(range(50), EPISODES))}
    began = now - timedelta(seconds=4 * _BETWEEN_EPISODES_S)
    lanes = [
        [
            (name, clip, start + n, began + timedelta(seconds=episode * _BETWEEN_EPISODES_S + n))
            for episode, start in enumerate(episodes)
            for n in range(EPISODE_FRAMES)
        ]
        for name, (clip, episodes) in starts.items()
    ]
    frames = []
    for seq, pair in enumerate(zip(*lanes, strict=True)):
        for name, clip, index, at in pair:
            jump_s = clock_jump_s if seq >= len(lanes[0]) // 2 else 0.0
            meta = FrameMeta(
                f"{prefix}-{name}", BOOT, seq, at + timedelta(seconds=jump_s), 640, 480, Gate(GateReason.MOTION)
            )
            said = f"{clip}/{index}/{prefix}-{name}/{seq}\n".encode()
            frames.append(
                Frame(meta, b"\xff\xd8\xff" + said + rng.randbytes(rng.randint(4_000, 40_000)) + b"\xff\xd9")
            )
    return frames


def _labels_in(jpeg: bytes) -> list[Any]:
    """A picture that was really taken shows somebody when it is bright."""
    recorded = _RECORDED.match(jpeg)
    if recorded is None:
        bright = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE).mean() >= 128
        return DETECTIONS["person"]["Labels"] if bright else []
    return list(_CLIPS[recorded[1].decode()][int(recorded[2])]["labels"])


def see(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """DetectLabels, as the model answered when the clip was recorded."""
    labels = _labels_in(base64.b64decode(request["Image"]["Bytes"]))
    return 200, Answers(labels).detect_labels(**request)


def calm_visits(site: SiteConfig, frames: Sequence[Frame]) -> list[Visit]:
    """Of the same frames, in order of capture, over fakes that never fail."""
    world = World(site)
    for frame in frames:
        detector = RekognitionDetector(Answers(_labels_in(frame.jpeg)))  # type: ignore[arg-type]
        vision = site.vision
        labels = detector.detect(b"", min_confidence=vision.min_confidence, max_labels=vision.max_labels)
        world.vision.see(frame.jpeg, labels)
    in_order = sorted(frames, key=lambda frame: frame.meta.captured_at)
    records = [make_record(frame, n=n) for n, frame in enumerate(in_order)]
    for start in range(0, len(records), 16):
        outcome = process_batch(records[start : start + 16], world.deps(), lambda: 300.0)
        assert outcome.failed_record_ids == ()
    return list(world.visits.visits.values())


def site_text() -> str:
    cameras = "\n".join(f"  - {{id: s{n}-{name}}}" for n in range(1, MOST_STORMS + 1) for name in CAMERAS)
    return f"""
cameras:
{cameras}
contacts: [{{id: ana, phone: "+12025550123"}}]
watch: {{labels: [Person, Car], min_confidence: 50, notify: [ana], cool_down_s: 0}}
alerts: {{incident_window_s: 0, max_alert_age_s: 86400}}
limits: {{per_contact_and_hour: 200, per_day: 10000}}
visits: {{gap_s: {_GAP_S:g}}}
"""
