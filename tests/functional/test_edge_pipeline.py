"""Masks and gate in the real child process: what leaves it, why, and that every sampled frame is accounted for."""

import subprocess
import sys
from collections import Counter

import cv2
import numpy as np
import pytest

from edge_client.client import EdgeCamera, run_edge
from edge_client.events import FrameGated, FrameSampled, FrameSent
from edge_client.gate_settings import GateSettings
from edge_client.sampler import EveryNth
from framewatch.domain.frames import GateReason
from tests.edge_run import KeepingStream

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
FPS = 5.0


@pytest.fixture
def clip(tmp_path):
    """30 s of a grey room; in seconds 10 to 14 a white box crosses its right half."""
    rng = np.random.default_rng(1)
    room = rng.integers(90, 130, (240, 320, 3), np.uint8)
    room = cv2.GaussianBlur(room, (9, 9), 0)
    writer = cv2.VideoWriter(
        str(tmp_path / "room.avi"), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), FPS, (320, 240)
    )
    for n in range(int(30 * FPS)):
        frame_bgr = room.copy()
        if 10 * FPS <= n < 14 * FPS:
            x = 180 + 5 * (n - int(10 * FPS))
            cv2.rectangle(frame_bgr, (x, 80), (x + 40, 180), (255, 255, 255), -1)
        writer.write(frame_bgr)
    writer.release()
    return tmp_path / "room.avi"


def run(clip, **settings):
    stream, events = KeepingStream(), []
    camera = EdgeCamera("yard", str(clip), EveryNth(1), pace="fast", **settings)
    report = run_edge([camera], stream, "frames", on_event=events.append)
    assert report.ok, report.errors
    return stream.frames, Counter(type(e) for e in events), events, report.cameras["yard"]


def test_without_a_gate_every_sampled_frame_is_sent_and_says_so(clip):
    frames, kinds, _, counters = run(clip)
    assert {f.meta.gate.reason for f in frames} == {GateReason.FORCED}
    assert counters.sampled == counters.sent == 150 and counters.gated == 0 == kinds[FrameGated]


def test_the_gate_sends_what_moves_with_its_boxes_and_every_frame_is_accounted_for(clip):
    frames, kinds, events, counters = run(clip, gate=GateSettings(keepalive_s=8))
    reasons = Counter(f.meta.gate.reason for f in frames)
    assert reasons[GateReason.FIRST] == 1 and reasons[GateReason.MOTION] >= 3 and reasons[GateReason.KEEPALIVE] >= 2
    for frame in frames:
        boxes = frame.meta.gate.boxes_xyxy_rel
        assert bool(boxes) == (frame.meta.gate.reason is GateReason.MOTION)
        assert all(0.4 < left < right <= 1 for left, _, right, _ in boxes)
    assert [f.meta.seq for f in frames] == list(range(len(frames)))
    assert counters.sampled == 150 == counters.sent + counters.gated and counters.gated > 75
    assert kinds[FrameGated] == counters.gated and kinds[FrameSampled] == kinds[FrameSent] == counters.sent
    assert {e.reason for e in events if type(e) is FrameGated} <= {"no_motion", "light_change", "duplicate"}


def test_a_privacy_mask_is_black_in_every_frame_that_leaves_and_the_gate_sees_nothing_there(clip):
    right_half = tuple((1 - x, y) for x, y in reversed(LEFT_HALF))
    frames, _, _, _ = run(clip, gate=GateSettings(keepalive_s=8), privacy_masks=(right_half,))
    assert GateReason.MOTION not in {f.meta.gate.reason for f in frames}
    for frame in frames:
        picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture[:, 164:].max() <= 8 and picture[:, :150].min() > 40


def test_a_gate_that_is_off_is_no_gate(clip):
    frames, _, _, counters = run(clip, gate=GateSettings(enabled=False))
    assert len(frames) == counters.sampled == 150 and {f.meta.gate.reason for f in frames} == {GateReason.FORCED}


_IN_HAND = """
import os, sys, threading, time
from edge_client.worker import _end_with_stdin
in_hand = threading.Lock()
in_hand.acquire()
threading.Thread(target=_end_with_stdin, args=(in_hand,), daemon=True).start()
time.sleep(0.5)  # stdin is at its end all the while
os.write(1, b"the whole frame")
in_hand.release()
time.sleep(60)
os.write(1, b", and more")
"""


def test_a_stop_waits_for_the_frame_in_hand_and_for_nothing_else():
    done = subprocess.run([sys.executable, "-c", _IN_HAND], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert done.stdout == b"the whole frame"
