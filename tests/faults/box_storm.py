"""A storm over the box as its users have it: `framewatch-edge run`, a process for every camera; one plays a clip, one
is a camera in the network.

Its processes are killed: workers, the parent, or a worker that only hangs. Its clock is set an hour ahead or back
while it runs and between two of its lives, and AWS refuses it for as long as that is so. Of each life of a camera's
process every frame is stored up to the last: a gap would be a frame that was lost. What the one had in hand that was
killed, nobody was told of.

From a warm-up on, the parent and one of the workers live until the end: neither they nor the function may grow.
"""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import psutil

from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.domain.frames import Frame
from framewatch.domain.heartbeats import CameraState
from local_cloud.clients import REGION
from tests.cameras.http import StreamCamera
from tests.edge_box import ROOT, Box
from tests.faults.plan import Plan
from tests.faults.proxy import FaultProxy
from tests.faults.recorded import CAMERAS
from tests.faults.sky import STREAM, TABLE, Sky
from tests.faults.storm import Outcome, Storm
from tests.waiting import wait_until

_FPS = 4
_CAMERA_FPS = 10
_FAULT_EVERY_S = 2.0
_STEPS = 8
_WARM_UP_FRAMES = 20
_WARM_INVOCATIONS = 20
_HOUR_S = 3600.0
# Half of it somebody stands there. Noise, so that a record is large enough for a leak of records to show.
_EPISODE_FRAMES = 5 * _CAMERA_FPS
_PICTURE_WH = (320, 240)
# From the warm-up to the end, some 30 s and 200 frames: pools are still filled, and nothing goes on growing.
MOST_GROWTH_BYTES = {"parent": 6 << 20, "worker": 6 << 20, "function": 24 << 20}
# The function keeps up to 18 connections to each of five services; from storm to storm, chaos.py asks for less.
MORE_FILES = {"parent": 4, "worker": 2, "function": 90}
_HEARTBEAT_S = 1.0
_SERVICE = (
    f"import edge_client.service as s; s.EdgeService.__init__.__kwdefaults__['heartbeat_every_s'] = {_HEARTBEAT_S};"
    " from edge_client.cli import main; raise SystemExit(main())"
)


def _pictures() -> list[bytes]:
    """JPEGs of one episode without anybody and one with somebody, who is bright."""
    rng = np.random.default_rng(1)
    kinds = [[rng.integers(low, low + 100, (*_PICTURE_WH[::-1], 3), np.uint8) for _ in range(5)] for low in (0, 155)]
    return [cv2.imencode(".jpg", kinds[n // _EPISODE_FRAMES][n % 5])[1].tobytes() for n in range(2 * _EPISODE_FRAMES)]


def _write_clip(path: Path, pictures: Iterable[bytes]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), _CAMERA_FPS, _PICTURE_WH)
    for jpeg in pictures:
        writer.write(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
    writer.release()
    return path


class _Camera(StreamCamera):
    def __init__(self, pictures: Sequence[bytes]) -> None:
        super().__init__(fps=_CAMERA_FPS)
        self._pictures = pictures

    def part(self, number: int) -> bytes:
        return self.framed(self._pictures[number % len(self._pictures)])


class _Clock:
    """What all of the box's processes take for the time of day; see wrong_clock/sitecustomize.py."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.jumps = 0
        self._write(0.0)

    def set(self, ahead_s: float) -> None:
        self.jumps += 1
        self._write(ahead_s)

    def _write(self, ahead_s: float) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(str(ahead_s))
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        folder = Path(__file__).with_name("wrong_clock")
        return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "FRAMEWATCH_TEST_CLOCK": str(self._file)}


class BoxSource:
    def __init__(self, storm: Storm) -> None:
        self._rng = random.Random(f"box/{storm.plan.seed}")  # noqa: S311
        self._clock = _Clock(storm.folder / "clock")
        self._box = Box(
            storm.folder, _Endpoint(storm.sky.proxy), {"NO_PROXY": "127.0.0.1", **self._clock.environment}
        )
        pictures = _pictures()
        self._camera = _Camera(pictures)
        self._clip_id, self._live_id = self._cameras = [f"{storm.prefix}-{name}" for name in CAMERAS]
        clip = _write_clip(storm.folder / "clip.avi", pictures)
        self._box.configure(
            [
                {"id": self._clip_id, "source": str(clip), "loop": True, "supervision": {"stall_s": 2}},
                {"id": self._live_id, "source": self._camera.url, "supervision": {"stall_s": 2}},
            ],
            stream={"name": STREAM, "region": REGION},
            defaults={"sampling": {"fps": _FPS}, "gate": {"enabled": False}},
        )

    def feed(self, storm: Storm) -> None:
        ahead_s, later_s, again_s = (self._rng.choice((_HOUR_S, -_HOUR_S)) for _ in range(3))
        hit, spared = self._rng.sample(self._cameras, 2)
        anybody = self._rng.choice(self._cameras)
        first: list[Callable[[], None]] = [
            lambda: self._clock.set(ahead_s),
            lambda: self._tell_worker(storm, anybody, signal.SIGKILL),
            lambda: self._kill_parent(storm, later_s),
        ]
        then: list[Callable[[], None]] = [
            lambda: self._clock.set(again_s),
            lambda: self._tell_worker(storm, hit, signal.SIGKILL),
            lambda: self._hang_worker(storm, hit),
        ]
        self._rng.shuffle(first)
        self._rng.shuffle(then)
        with self._camera, contextlib.closing(self._box):
            self._box.start(code=_SERVICE)
            self._wait_online()
            self._strike(storm, [*first, lambda: self._clock.set(0.0)], done=0)
            self._wait_online()
            # What is compared is a box that holds nothing back; in a storm it may have to for a minute.
            storm.schedule.calm = True
            self._warm_up()
            before = self._use(storm, spared)
            storm.schedule.calm = False
            self._strike(storm, [*then, lambda: self._clock.set(0.0)], done=_STEPS // 2)
            self._wait_online()
            self._calm_down(storm)
            self._check_flat(storm, before, self._use(storm, spared))
            for camera_id, camera in self._box.state()["cameras"].items():
                if camera["frames"]["dropped"] or camera["frames"]["failed"]:
                    storm.wrong.append(f"{camera_id} has dropped or failed frames: {camera['frames']}")
            if (status := self._box.end()) != 0:
                storm.wrong.append(f"the box ended with {status}: {self._box.log[-3000:]}")
            if "Traceback" in self._box.log:
                storm.wrong.append(f"the box wrote a trace: {self._box.log[-3000:]}")

    def _strike(self, storm: Storm, steps: Sequence[Callable[[], None]], done: int) -> None:
        for number, step in enumerate(steps, start=done + 1):
            time.sleep(_FAULT_EVERY_S)
            storm.frames_seen(number * storm.plan.frames // _STEPS)
            step()

    def _wait_online(self) -> None:
        for camera_id in self._cameras:
            self._box.wait_for(camera_id, "online")
            self._box.wait_for_more(camera_id, "sampled")

    def _warm_up(self) -> None:
        for camera_id in self._cameras:
            self._box.wait_for_more(camera_id, "sent", _WARM_UP_FRAMES)
        self._wait_sent()

    def _wait_sent(self) -> None:
        wait_until(
            lambda: all(c["frames"]["waiting"] <= _FPS for c in self._box.state()["cameras"].values()),
            why=lambda: f"frames wait: {self._box.state()} {self._box.log[-3000:]}",
        )

    def _calm_down(self, storm: Storm) -> None:
        """The clock is right: frames and heartbeats go again, and of each camera the newest heartbeat is of now."""
        storm.schedule.calm = True
        calm_at = datetime.now(UTC)
        wait_until(lambda: not self._box.state()["stream"]["error"], why=lambda: self._box.log[-3000:])
        self._wait_sent()

        table = DynamoHeartbeatTable(DynamoTable(storm.sky.emulator.client("dynamodb"), TABLE))

        def fresh() -> bool:
            newest = table.newest()
            return {each.camera_id for each in newest} == set(self._cameras) and all(
                calm_at < each.at <= datetime.now(UTC) + timedelta(seconds=1) and each.state is CameraState.ONLINE
                for each in newest
            )

        wait_until(fresh, why=lambda: f"heartbeats do not recover: {table.newest()}")

    def _tell_worker(self, storm: Storm, camera_id: str, number: signal.Signals) -> None:
        worker = self._box.worker(camera_id)
        if worker is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.send_signal(number)
                storm.kills += 1

    def _hang_worker(self, storm: Storm, camera_id: str) -> None:
        """At work: one that hangs before its first picture is given much longer."""
        self._box.wait_for_more(camera_id, "sampled", 1)
        self._tell_worker(storm, camera_id, signal.SIGSTOP)

    def _kill_parent(self, storm: Storm, ahead_s: float) -> None:
        """ahead_s: of the clock that its next life finds."""
        workers = psutil.Process(self._box.pid).children(recursive=True)
        os.kill(self._box.pid, signal.SIGKILL)
        # Whoever hangs does not hear that the parent died; the box is started when all of it is gone.
        for worker in psutil.wait_procs(workers, timeout=5)[1]:
            worker.kill()
        self._box.close()
        storm.kills += 1
        self._clock.set(ahead_s)
        self._box.start(code=_SERVICE)

    # -- what must be true

    def _use(self, storm: Storm, camera_id: str) -> dict[str, tuple[int, int, int]]:
        """Process, bytes of memory, open files; of the function only when it has done some work."""
        worker = wait_until(lambda: self._box.worker(camera_id))
        found = {"parent": _use_of(psutil.Process(self._box.pid)), "worker": _use_of(worker)}
        function = storm.sky.function
        if function.answered >= _WARM_INVOCATIONS and (use := function.use()) is not None:
            found["function"] = use
        return found

    def _check_flat(
        self, storm: Storm, before: dict[str, tuple[int, int, int]], after: dict[str, tuple[int, int, int]]
    ) -> None:
        for name in before.keys() & after.keys():
            (pid, memory, files), (pid_after, memory_after, files_after) = before[name], after[name]
            if pid != pid_after:
                if name != "function":  # which is killed as the seed has it
                    storm.wrong.append(f"the {name} is another process, and nobody killed it")
                continue
            storm.grown[name] = (memory_after - memory, files_after - files)
            if memory_after > memory + MOST_GROWTH_BYTES[name]:
                storm.wrong.append(f"the {name}'s memory grows: {memory / 1e6:.1f}, then {memory_after / 1e6:.1f} MB")
            if files_after > files + MORE_FILES[name]:
                storm.wrong.append(f"the {name}'s open files grow: {files}, then {files_after}")

    def check(self, storm: Storm, stored: Sequence[Frame]) -> None:
        lives: dict[tuple[str, str], dict[int, datetime]] = {}
        for frame in stored:
            life = lives.setdefault((frame.meta.camera_id, frame.meta.boot_id), {})
            if frame.meta.seq in life:
                storm.wrong.append(f"{frame.meta.frame_id}: its camera, life and number are those of another frame")
            life[frame.meta.seq] = frame.meta.captured_at
        for (camera_id, boot_id), times in lives.items():
            if missing := set(range(max(times) + 1)) - set(times):
                storm.wrong.append(f"lost of {camera_id} {boot_id}, which has {len(times)}: {sorted(missing)}")
            self._check_times(storm, camera_id, [times[seq] for seq in sorted(times)])
        if {camera_id for camera_id, _ in lives} != set(self._cameras):
            storm.wrong.append(f"a camera has no frames at all: {sorted(lives)}")

    def _check_times(self, storm: Storm, camera_id: str, times: Sequence[datetime]) -> None:
        """In order of their numbers. A live camera's go along with the clock where that was set, a clip's never."""
        steps_s = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
        jumps = [step_s for step_s in steps_s if abs(step_s) > _HOUR_S / 2]
        if any(step_s <= 0 for step_s in steps_s if abs(step_s) <= _HOUR_S / 2):
            storm.wrong.append(f"{camera_id}: times go back where no clock was set: {steps_s}")
        if len(jumps) > (self._clock.jumps if camera_id == self._live_id else 0):
            storm.wrong.append(f"{camera_id}: times jump: {jumps}")


def _use_of(process: psutil.Process) -> tuple[int, int, int]:
    return process.pid, process.memory_info().rss, process.num_fds()


class _Endpoint:
    def __init__(self, proxy: FaultProxy) -> None:
        self.url = proxy.url


def box_storm(above: Sky, plan: Plan) -> Outcome:
    """Raises StormBroke."""
    storm = Storm(above, plan)
    return storm.run(BoxSource(storm))
