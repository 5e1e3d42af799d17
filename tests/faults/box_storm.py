"""A storm over the box as its users have it: `framewatch-edge run`, a process for every camera, clips for cameras.

Its processes are killed: workers, the parent, or a worker that only hangs. Of each life of a camera's process every
frame is stored up to the last: a gap would be a frame that was lost. What the one had in hand that was killed, nobody
was told of.
"""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from itertools import cycle

import psutil

from framewatch.domain.frames import Frame
from local_cloud.clients import REGION
from tests.edge_box import Box, write_clip
from tests.faults.plan import Plan
from tests.faults.proxy import FaultProxy
from tests.faults.recorded import CAMERAS
from tests.faults.sky import STREAM, Sky
from tests.faults.storm import Outcome, Storm
from tests.waiting import wait_until

_FPS = 5
_FAULT_EVERY_S = 2.0
_FAULTS = 5


class BoxSource:
    def __init__(self, storm: Storm) -> None:
        self._rng = random.Random(f"box/{storm.plan.seed}")  # noqa: S311
        self._box = Box(storm.folder, _Endpoint(storm.sky.proxy), {"NO_PROXY": "127.0.0.1"})
        self._cameras = [f"{storm.prefix}-{name}" for name in CAMERAS]
        clips = [write_clip(storm.folder / f"{camera_id}.avi", seconds=20) for camera_id in self._cameras]
        self._box.configure(
            [
                {"id": camera_id, "source": str(clip), "loop": True, "supervision": {"stall_s": 2}}
                for camera_id, clip in zip(self._cameras, clips, strict=True)
            ],
            stream={"name": STREAM, "region": REGION},
            defaults={"sampling": {"fps": _FPS}, "gate": {"enabled": False}},
        )

    def feed(self, storm: Storm) -> None:
        try:
            self._box.start()
            for camera_id in self._cameras:
                self._box.wait_for(camera_id, "online")
            faults: list[Callable[[Storm], None]] = [self._kill_worker, self._hang_worker, self._kill_parent]
            self._rng.shuffle(faults)
            frames_a_fault = storm.plan.frames // _FAULTS
            for number, fault in zip(range(1, _FAULTS + 1), cycle(faults), strict=False):
                time.sleep(_FAULT_EVERY_S)
                storm.frames_seen(number * frames_a_fault)
                fault(storm)
            for camera_id in self._cameras:
                self._box.wait_for(camera_id, "online")
                self._box.wait_for_more(camera_id, "sampled")
            storm.schedule.calm = True
            wait_until(lambda: not self._box.state()["stream"]["error"])
            wait_until(lambda: all(c["frames"]["waiting"] <= _FPS for c in self._box.state()["cameras"].values()))
            for camera_id, camera in self._box.state()["cameras"].items():
                if camera["frames"]["dropped"] or camera["frames"]["failed"]:
                    storm.wrong.append(f"{camera_id} has dropped or failed frames: {camera['frames']}")
            if (status := self._box.end()) != 0:
                storm.wrong.append(f"the box ended with {status}: {self._box.log[-3000:]}")
            if "Traceback" in self._box.log:
                storm.wrong.append(f"the box wrote a trace: {self._box.log[-3000:]}")
        finally:
            self._box.close()

    def _kill_worker(self, storm: Storm) -> None:
        self._tell_worker(storm, signal.SIGKILL)

    def _hang_worker(self, storm: Storm) -> None:
        self._tell_worker(storm, signal.SIGSTOP)

    def _tell_worker(self, storm: Storm, number: signal.Signals) -> None:
        worker = self._box.worker(self._rng.choice(self._cameras))
        if worker is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.send_signal(number)
                storm.kills += 1

    def _kill_parent(self, storm: Storm) -> None:
        workers = psutil.Process(self._box.pid).children(recursive=True)
        os.kill(self._box.pid, signal.SIGKILL)
        # Whoever hangs does not hear that the parent died; the box is started when all of it is gone.
        for worker in psutil.wait_procs(workers, timeout=5)[1]:
            worker.kill()
        self._box.close()
        storm.kills += 1
        self._box.start()

    def check(self, storm: Storm, stored: Sequence[Frame]) -> None:
        lives: dict[tuple[str, str], list[int]] = {}
        for frame in stored:
            lives.setdefault((frame.meta.camera_id, frame.meta.boot_id), []).append(frame.meta.seq)
        for life, seqs in lives.items():
            if missing := set(range(max(seqs) + 1)) - set(seqs):
                storm.wrong.append(f"lost of {life}, which has {len(seqs)} frames: {sorted(missing)}")
        if {camera_id for camera_id, _ in lives} != set(self._cameras):
            storm.wrong.append(f"a camera has no frames at all: {sorted(lives)}")


class _Endpoint:
    def __init__(self, proxy: FaultProxy) -> None:
        self.url = proxy.url


def box_storm(above: Sky, seed: int) -> Outcome:
    """Raises StormBroke."""
    storm = Storm(above, Plan.of(seed))
    return storm.run(BoxSource(storm))
