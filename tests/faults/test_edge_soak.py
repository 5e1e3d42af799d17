"""An edge box with eight cameras of which most are in trouble most of the time: `make test-long`.

FRAMEWATCH_SOAK_S sets how long. Meanwhile workers are killed and stopped, a camera loses its power, the stream is
away and back, and the edge file changes; after a warm-up neither memory nor open files may grow, and at the end every
frame is accounted for.
"""

import contextlib
import itertools
import os
import signal
import statistics
import time

import psutil
import pytest

from tests.cameras.gstreamer import GStreamerCamera
from tests.cameras.http import AlwaysTornCamera, StallingCamera, StreamCamera, TornCamera
from tests.edge_box import Box, Stream, write_clip
from tests.waiting import wait_until

SOAK_S = float(os.environ.get("FRAMEWATCH_SOAK_S", "1200"))
WARM_UP_SHARE = 0.25
# Python's allocator gives little back; what leaks goes on growing and passes this within the soak.
MOST_GROWTH = 1.2
# A camera that is started again has its old pipes and its new ones for a moment.
MORE_FILES = 12
LOOK_EVERY_S = 2.0
FAULT_EVERY_S = 10.0
LEAST_SENT = 10

pytestmark = [pytest.mark.long, pytest.mark.timeout(SOAK_S + 300)]


@pytest.fixture
def box(tmp_path):
    stream = Stream()
    box = Box(tmp_path, stream, {"WRONG_PW": "hunter2"})
    yield box
    box.close()
    stream.close()


class Figures:
    """Of the parent and of its workers: memory (a worker's is the median of those that run), files, threads."""

    def __init__(self):
        self.parent, self.worker, self.files, self.threads = [], [], [], []

    def look(self, pid):
        parent = psutil.Process(pid)
        with contextlib.suppress(psutil.NoSuchProcess):
            workers = [child.memory_info().rss for child in parent.children()]
            if not workers:
                return
            self.worker.append(statistics.median(workers))
            self.parent.append(parent.memory_info().rss)
            self.files.append(parent.num_fds())
            self.threads.append(parent.num_threads())

    def check(self):
        for name, values in (("parent", self.parent), ("worker", self.worker)):
            first, last = self._quarters(values)
            said = f"{name}: {statistics.median(first) / 1e6:.1f} MB, then {statistics.median(last) / 1e6:.1f} MB"
            print(said)
            assert statistics.median(last) <= MOST_GROWTH * statistics.median(first), said
        for name, values in (("files", self.files), ("threads", self.threads)):
            first, last = self._quarters(values)
            print(f"{name}: at most {max(first)}, then {max(last)}")
            assert max(last) <= max(first) + MORE_FILES, (name, first, last)

    def _quarters(self, values):
        """The first after the warm-up, and the last."""
        settled = values[int(len(values) * WARM_UP_SHARE) :]
        quarter = max(1, len(settled) // 4)
        return settled[:quarter], settled[-quarter:]


def config_of(clips, http, rtsp):
    closing, stalling, torn, nonsense = http
    return [
        {"id": "clip-a", "source": str(clips[0]), "loop": True, "gate": {"enabled": True, "keepalive_s": 2}},
        {"id": "clip-b", "source": str(clips[1]), "loop": True, "supervision": {"stall_s": 3}},
        {"id": "rtsp", "source": rtsp.url, "timeout_s": 3},
        {"id": "closing", "source": closing.url},
        {"id": "stalling", "source": stalling.url, "timeout_s": 2, "supervision": {"stall_s": 3}},
        {"id": "torn", "source": torn.url},
        {"id": "nonsense", "source": nonsense.url, "timeout_s": 2},
        {"id": "refused", "source": f"http://viewer:${{WRONG_PW}}@{closing.host}/x"},
    ]


def test_eight_cameras_in_trouble_do_not_grow_and_lose_no_frame(box, tmp_path):
    clips = [write_clip(tmp_path / f"{n}.avi", seconds=20) for n in range(2)]
    with contextlib.ExitStack() as stack:
        rtsp = stack.enter_context(GStreamerCamera("h264"))
        http = [
            stack.enter_context(StreamCamera(fps=10, frames=60)),
            stack.enter_context(StallingCamera(fps=10, frames=60)),
            stack.enter_context(TornCamera(fps=10)),
            stack.enter_context(AlwaysTornCamera(fps=10)),
        ]
        cameras = config_of(clips, http, rtsp)
        box.configure(cameras)
        box.start()
        box.wait_for("clip-a", "online"), box.wait_for("rtsp", "online")
        figures = soak(box, cameras, rtsp)
        state = box.state()
        wait_until(lambda: not box.state()["stream"]["error"])
        assert box.end() == 0
    log = box.log
    assert "Traceback" not in log and "hunter2" not in log, log
    for camera_id, camera in state["cameras"].items():
        if camera_id not in ("nonsense", "refused"):
            assert camera["frames"]["sent"] >= LEAST_SENT, (camera_id, camera)
    lives = {}
    for meta in box.stream.frames:
        lives.setdefault((meta.camera_id, meta.boot_id), []).append(meta.seq)
    for life, seqs in lives.items():
        # No answer was ever lost here, so no frame may come twice either.
        assert sorted(seqs) == list(range(len(seqs))), life
    figures.check()


def soak(box, cameras, rtsp):
    figures = Figures()
    started_s = time.monotonic()
    next_fault_s = started_s + FAULT_EVERY_S
    faults = itertools.cycle(faults_of(box, cameras, rtsp))
    while (now_s := time.monotonic()) < started_s + SOAK_S:
        if now_s >= next_fault_s:
            next_fault_s = now_s + FAULT_EVERY_S
            next(faults)()
        figures.look(box.pid)
        box.state()  # which checks that all frames are accounted for
        box.get("/metrics")
        time.sleep(LOOK_EVERY_S)
    box.stream.is_away = False
    return figures


def faults_of(box, cameras, rtsp):
    def tell_worker(camera_id, number):
        worker = box.worker(camera_id)
        if worker is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.send_signal(number)

    def stream(*, is_away):
        box.stream.is_away = is_away

    return [
        lambda: tell_worker("clip-a", signal.SIGKILL),
        rtsp.kill,
        lambda: tell_worker("clip-b", signal.SIGSTOP),
        lambda: stream(is_away=True),
        rtsp.start,
        lambda: box.configure([{**cameras[0], "sampling": {"fps": 4}}, *cameras[1:]]),
        lambda: stream(is_away=False),
        lambda: box.config_path.write_text("box: ["),
        lambda: box.configure(cameras),
        lambda: tell_worker("closing", signal.SIGABRT),
    ]
