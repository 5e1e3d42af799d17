"""The cameras' processes: one a camera, each looked after by its own state machine (lifecycle.py).

One thread looks at all of them several times a second and never waits for any: a process is started, asked to end or
killed, and what it says comes in on a thread of its own. So one camera's trouble delays no other's frames.
"""

import contextlib
import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import psutil

from edge_client.buffer import Record
from edge_client.camera import CameraProcess
from edge_client.client import EdgeCamera, make_job
from edge_client.events import CameraEnded, CameraFailed, EdgeEvent, FrameSampled, Opened
from edge_client.explain import Cause
from edge_client.lifecycle import Action, CameraLife, Kill, Rules, Start, Stop, Tell
from edge_client.pipe import Job
from edge_client.sampler import PerSecond
from edge_client.source import Source, SourceError, SourceKind, parse_source
from framewatch.domain.heartbeats import CameraState

_LOOK_EVERY_S = 0.25
_WEIGH_EVERY_S = 2.0
# A process that was asked to end hands over one frame, which takes milliseconds; after this it hangs.
_STOP_PATIENCE_S = 3.0
_KILL_PATIENCE_S = 5.0
_HELD_UP_S = 15.0


@dataclass(frozen=True, slots=True)
class CameraPlan:
    """What is to run. Two that are equal need no restart."""

    camera: EdgeCamera
    enabled: bool = True
    stall_s: float = 10.0
    max_memory_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera at one moment. memory_bytes: of its process, None without one. share_done, eta_s: of a clip.
    slowed_by: it samples so many times less often than its edge file says."""

    camera_id: str
    state: CameraState
    last_error: str
    source: str
    restarts: int
    read: int
    memory_bytes: int | None
    next_try_in_s: float | None
    last_frame_at: datetime | None
    size_wh: tuple[int, int] | None
    fps: float | None
    share_done: float | None
    eta_s: float | None
    slowed_by: int = 1


class Process(Protocol):
    """As CameraProcess."""

    finished: threading.Event
    is_delivering: bool

    @property
    def frames_read(self) -> int: ...
    @property
    def pid(self) -> int | None: ...
    def start(self) -> None: ...
    def slow_down(self, slow_by: int) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


Spawn = Callable[..., Process]


@dataclass(slots=True)
class _Post:
    """One camera's place. next: the plan that takes over once this one's process has ended; None removes the post."""

    plan: CameraPlan
    life: CameraLife
    source: Source | None = None
    process: Process | None = None
    read_before: int = 0
    memory_bytes: int | None = None
    stopping_since_s: float | None = None
    replaced: bool = False
    next: CameraPlan | None = None
    opened: Opened | None = None
    started_s: float = 0.0
    last_frame_at: datetime | None = None
    ended: queue.SimpleQueue[CameraEnded | CameraFailed] = field(default_factory=queue.SimpleQueue)


class Supervisor:
    """on_event: every event of every camera, from its own thread, never two of one camera at once.
    on_record: may wait, and then holds up this camera alone. on_news: a change of state, once.
    """

    def __init__(
        self,
        *,
        on_event: Callable[[EdgeEvent], None],
        on_record: Callable[[Record, bool], None],
        on_news: Callable[[str, Tell], None],
        spawn: Spawn = CameraProcess,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._on_event = on_event
        self._on_record = on_record
        self._on_news = on_news
        self._spawn = spawn
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - it spreads tries, it keeps no secret
        self._posts: dict[str, _Post] = {}
        self._slow_by: dict[str, int] = {}
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._end = threading.Event()
        self._next_weighing_s = 0.0
        self._looked_s = clock()
        self._thread = threading.Thread(target=self._look_after_all, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def apply(self, plans: Mapping[str, CameraPlan]) -> dict[str, str]:
        """Makes it so. Cameras whose plan is the same are left alone. Returns what changed: id -> what."""
        changed: dict[str, str] = {}
        with self._lock:
            for camera_id in self._posts.keys() - plans.keys():
                self._replace(camera_id, None)
                changed[camera_id] = "removed"
            for camera_id, plan in plans.items():
                post = self._posts.get(camera_id)
                if post is None:
                    self._take_up(camera_id, plan)
                    changed[camera_id] = "added"
                elif plan != (post.next if post.replaced else post.plan):
                    self._replace(camera_id, plan)
                    changed[camera_id] = "changed"
        self._wake.set()
        return changed

    def retry_now(self) -> None:
        """Cameras that wait for their next try are tried at once."""
        with self._lock:
            for camera_id, post in self._posts.items():
                self._do(camera_id, post, post.life.retry_now(self._clock()))

    def slow_down(self, slow_by: Mapping[str, int]) -> dict[str, int]:
        """Cameras that are not named sample as their plan says. Returns what changed: id -> how much it is now."""
        changed: dict[str, int] = {}
        with self._lock:
            for camera_id, post in self._posts.items():
                by = slow_by.get(camera_id, 1)
                if by == self._slow_by.get(camera_id, 1):
                    continue
                changed[camera_id] = by
                if post.process is not None:
                    post.process.slow_down(by)
            self._slow_by = dict(slow_by)
        return changed

    def stop(self) -> None:
        """Returns when no process is left; each has handed over the frame it had in hand, unless it hung."""
        with self._lock:
            for camera_id in list(self._posts):
                self._replace(camera_id, None)
        self._wake.set()
        deadline_s = time.monotonic() + _STOP_PATIENCE_S + _KILL_PATIENCE_S
        while self._posts and time.monotonic() < deadline_s:
            time.sleep(0.02)
        self._end.set()
        self._wake.set()
        self._thread.join()

    @property
    def is_looking(self) -> bool:
        """Its thread does its rounds."""
        return self._thread.is_alive() and self._clock() - self._looked_s < _HELD_UP_S

    def statuses(self) -> list[CameraStatus]:
        with self._lock:
            return [self._status(camera_id, post) for camera_id, post in sorted(self._posts.items())]

    def pids(self) -> dict[str, int]:
        with self._lock:
            return {i: p.process.pid for i, p in self._posts.items() if p.process and p.process.pid is not None}

    # -- one camera

    def _take_up(self, camera_id: str, plan: CameraPlan, read_before: int = 0) -> None:
        source: Source | None = None
        with contextlib.suppress(SourceError):  # told when it is to start
            source = parse_source(plan.camera.source)
        post = _Post(plan, CameraLife(camera_id, _rules(plan, source), self._rng), source, read_before=read_before)
        self._posts[camera_id] = post
        self._do(camera_id, post, post.life.begin(self._clock(), enabled=plan.enabled))

    def _replace(self, camera_id: str, plan: CameraPlan | None) -> None:
        post = self._posts[camera_id]
        post.replaced, post.next = True, plan
        self._do(camera_id, post, post.life.stop())
        self._hand_over(camera_id, post)

    def _hand_over(self, camera_id: str, post: _Post) -> None:
        if not (post.replaced and post.life.is_over and post.process is None):
            return
        del self._posts[camera_id]
        if post.next is not None:
            self._take_up(camera_id, post.next, post.read_before)

    def _do(self, camera_id: str, post: _Post, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Start():
                    self._start_process(camera_id, post)
                case Stop():
                    post.stopping_since_s = self._clock()
                    if post.process is not None:
                        post.process.stop()
                case Kill():
                    if post.process is not None:
                        post.process.kill()
                case Tell():
                    self._on_news(camera_id, action)

    def _start_process(self, camera_id: str, post: _Post) -> None:
        camera = post.plan.camera
        post.opened, post.started_s, post.memory_bytes = None, self._clock(), None
        try:
            source = post.source = parse_source(camera.source)
            job: Job = make_job(camera, source, datetime.now(UTC), supervised=True)
            process = self._spawn(
                job,
                source,
                on_event=partial(self._hear, post),
                on_record=lambda record: self._on_record(record, source.is_live),
                on_finished=self._wake.set,
            )
            process.slow_down(self._slow_by.get(camera.camera_id, 1))
            process.start()
        except SourceError as error:
            # Most of all a password that the environment does not hold: as good as a wrong one.
            post.ended.put(CameraFailed(camera_id, f"{camera_id}: {error}.", Cause.AUTH_FAILED))
        except OSError as error:
            message = f"{camera_id}: no process can be started for it: {error.strerror}; free some memory."
            post.ended.put(CameraFailed(camera_id, message, Cause.CRASHED))
        else:
            post.process = process

    def _hear(self, post: _Post, event: EdgeEvent) -> None:
        """On the camera's own thread."""
        match event:
            case CameraEnded() | CameraFailed():
                post.ended.put(event)
            case Opened():
                post.opened = event
            case FrameSampled():
                post.last_frame_at = event.read_at
        self._on_event(event)

    # -- all of them

    def _look_after_all(self) -> None:
        while not self._end.is_set():
            self._wake.wait(_LOOK_EVERY_S)
            self._wake.clear()
            with self._lock:
                weigh = self._clock() >= self._next_weighing_s
                if weigh:
                    self._next_weighing_s = self._clock() + _WEIGH_EVERY_S
                for camera_id, post in list(self._posts.items()):
                    self._look_after(camera_id, post, weigh=weigh)
            self._looked_s = self._clock()

    def _look_after(self, camera_id: str, post: _Post, *, weigh: bool) -> None:
        now_s = self._clock()
        process = post.process
        if (process is None or process.finished.is_set()) and not post.ended.empty():
            end = post.ended.get()
            if process is not None:
                post.read_before += process.frames_read
            post.process, post.stopping_since_s, post.memory_bytes = None, None, None
            cause, message = (end.cause, end.message) if isinstance(end, CameraFailed) else (None, end.reason)
            self._do(camera_id, post, post.life.exited(now_s, cause, message))
            self._hand_over(camera_id, post)
            return
        if process is not None and post.stopping_since_s is not None:
            if now_s - post.stopping_since_s > _STOP_PATIENCE_S:
                process.kill()
            return
        if weigh and process is not None:
            post.memory_bytes = _memory_bytes(process.pid)
        actions = post.life.tick(
            now_s,
            frames=process.frames_read if process is not None else 0,
            held_up=process is not None and process.is_delivering,
            memory_bytes=post.memory_bytes or 0,
        )
        self._do(camera_id, post, actions)

    def _status(self, camera_id: str, post: _Post) -> CameraStatus:
        now_s = self._clock()
        read = post.process.frames_read if post.process is not None else 0
        opened = post.opened
        share = None
        if opened is not None and opened.frame_count and not post.plan.camera.loop:
            share = 1.0 if post.life.state is CameraState.ENDED else min(1.0, read / opened.frame_count)
        eta_s = (now_s - post.started_s) * (1 - share) / share if share and share < 1.0 else None
        return CameraStatus(
            camera_id=camera_id,
            state=post.life.state,
            last_error=post.life.last_error,
            source=post.source.redacted if post.source is not None else "(its source cannot be read)",
            restarts=post.life.restarts,
            read=post.read_before + read,
            memory_bytes=post.memory_bytes,
            next_try_in_s=post.life.next_try_in_s(now_s),
            last_frame_at=post.last_frame_at,
            size_wh=(opened.width, opened.height) if opened is not None else None,
            fps=opened.fps if opened is not None else None,
            share_done=share,
            eta_s=eta_s,
            slowed_by=self._slow_by.get(camera_id, 1),
        )


def _rules(plan: CameraPlan, source: Source | None) -> Rules:
    camera, sampling = plan.camera, plan.camera.sampling
    is_polled = source is not None and source.kind is SourceKind.HTTP and isinstance(sampling, PerSecond)
    return Rules(
        stall_s=plan.stall_s,
        max_memory_bytes=plan.max_memory_bytes,
        plays_once=source is not None and not source.is_live and not camera.loop,
        # One picture behind an address is fetched as often as it is sampled.
        first_period_s=1.0 / sampling.fps if is_polled and isinstance(sampling, PerSecond) else 0.0,
    )


def _memory_bytes(pid: int | None) -> int | None:
    """Resident, as `top` shows it; None when the process has just ended."""
    if pid is None:
        return None
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None
