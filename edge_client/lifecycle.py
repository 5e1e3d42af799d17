"""One camera's life as a state machine: what happened goes in, what to do comes out. No clock and no process in here.

    OFF --begin--> RUNNING --exited--> WAITING --tick, when it is time--> RUNNING ...
                      |  tick: no new frame, too much memory
                      +------------> ENDING --exited--> WAITING
                      +--exited, a clip at its end--> OFF

The phase says what its process does; `state` is what a person is told. Times are monotonic seconds. Invariants: at
most one process runs; a process that is to end has ended before the next one starts; the same news is told once.
"""

import random
from dataclasses import dataclass
from enum import Enum

from edge_client.explain import Cause
from framewatch.domain.heartbeats import CameraState

# Between a camera's last frame and the end of its process: its own reader may still say what is wrong.
_HANG_GRACE_S = 5.0
# Opening may wait for a connection, a login and a first key frame, each as long as the reader's patience.
_FIRST_FRAME_S = 45.0
# So long online, and the next trouble is a new one: its first try comes soon again.
_HEALTHY_S = 60.0
# Without a tick for so long this process itself was held up; that the cameras were not looked at is no stall.
_ASLEEP_S = 3.0
# A slow camera is stalled when this many of its own periods pass without a frame, but after this many stall_s surely.
_PERIODS, _MOST_PATIENCE = 3.0, 10.0
_PERIOD_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds until the next try: doubled with each, up to the most, of which a random half is taken off."""

    first_s: float
    most_s: float

    def wait_s(self, tries: int, rng: random.Random) -> float:
        return float(min(self.most_s, self.first_s * 2.0 ** min(tries, 30))) * rng.uniform(0.5, 1.0)


PASSING = Backoff(1.0, 60.0)
# What only a person can put right. A path or a device is asked for often enough to be back soon after that.
MISSING = Backoff(15.0, 120.0)
# Cameras lock an account for half an hour after some five to seven wrong passwords, and the person who knows the
# right one with it: at most three tries in any half hour.
REFUSED = Backoff(1200.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Rules:
    """stall_s: without a new frame for so long a camera is stalled. plays_once: a clip that is not looped.
    first_period_s: how far apart frames may be expected, until it is known from the frames themselves.
    """

    stall_s: float = 10.0
    max_memory_bytes: int = 1 << 30
    plays_once: bool = False
    first_period_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Start:
    pass


@dataclass(frozen=True, slots=True)
class Stop:
    """Let it hand over the frame that it has in hand, then end."""


@dataclass(frozen=True, slots=True)
class Kill:
    """It hangs, or takes too much: there is nothing to wait for."""


@dataclass(frozen=True, slots=True)
class Tell:
    state: CameraState
    message: str
    is_error: bool = True


Action = Start | Stop | Kill | Tell


class _Phase(Enum):
    OFF = "off"
    WAITING = "waiting"
    RUNNING = "running"
    ENDING = "ending"


class CameraLife:
    """state and last_error: for people. restarts: processes started after the first."""

    def __init__(self, camera_id: str, rules: Rules, rng: random.Random | None = None) -> None:
        self._camera_id = camera_id
        self._rules = rules
        self._rng = rng or random.Random()  # noqa: S311 - it spreads tries, it keeps no secret
        self._phase = _Phase.OFF
        self._starts = 0
        self._tries = 0
        self._last_cause: Cause | None = None
        self._killed_because = ""
        self._frames = 0
        self._quiet_since_s = 0.0
        self._online_since_s: float | None = None
        self._away_since_s: float | None = None
        self._period_s = 0.0
        self._ticked_s = 0.0
        self._told: tuple[CameraState, str] | None = None
        self._next_try_s = 0.0
        self.state = CameraState.RECONNECTING
        self.last_error = ""

    @property
    def restarts(self) -> int:
        return max(0, self._starts - 1)

    @property
    def is_over(self) -> bool:
        """No process runs, and none will without a new `begin`."""
        return self._phase is _Phase.OFF

    def next_try_in_s(self, now_s: float) -> float | None:
        return max(0.0, self._next_try_s - now_s) if self._phase is _Phase.WAITING else None

    def begin(self, now_s: float, *, enabled: bool = True) -> list[Action]:
        self._ticked_s = now_s
        if not enabled:
            return self._news(CameraState.DISABLED, "disabled in the edge file", is_error=False)
        return self._start(now_s)

    def tick(self, now_s: float, *, frames: int, held_up: bool = False, memory_bytes: int = 0) -> list[Action]:
        """frames: read by the present process. held_up: it waits for room for its frames, by no fault of its own.

        To be called at least every second.
        """
        asleep_s = now_s - self._ticked_s
        self._ticked_s = now_s
        if asleep_s > _ASLEEP_S:
            self._quiet_since_s += asleep_s
        if self._phase is _Phase.WAITING and now_s >= self._next_try_s:
            return self._start(now_s)
        if self._phase is not _Phase.RUNNING:
            return []
        if memory_bytes > self._rules.max_memory_bytes:
            return self._kill(
                f"its process took {memory_bytes >> 20} MiB of memory, more than the limit of"
                f" {self._rules.max_memory_bytes >> 20} MiB (supervision.max_memory_mib)"
            )
        if frames > self._frames:
            return self._see_frames(now_s, frames)
        if held_up:
            self._quiet_since_s = now_s
            return []
        return self._miss_frames(now_s)

    def exited(self, now_s: float, cause: Cause | None, message: str) -> list[Action]:
        """cause: None when nothing was wrong: a clip ended, or a stop was asked. message: a sentence."""
        was_ending, self._phase = self._phase is _Phase.ENDING, _Phase.OFF
        if was_ending:
            if not self._killed_because:
                return []  # it was told to stop, and nothing is to come after it
            return self._wait(now_s, CameraState.RECONNECTING, Cause.CRASHED, self._killed_because)
        if self._rules.plays_once and (cause is None or self._frames):
            # Started again it would send its beginning twice.
            return self._news(CameraState.ENDED, message, is_error=cause is not None)
        if cause is None:
            cause = Cause.ENDED
        state = {Cause.AUTH_FAILED: CameraState.AUTH_FAILED, Cause.NOT_FOUND: CameraState.NOT_FOUND}.get(cause)
        return self._wait(now_s, state or CameraState.RECONNECTING, cause, message)

    def retry_now(self, now_s: float) -> list[Action]:
        """A person says that it is worth a try."""
        self._tries = 0
        return self._start(now_s) if self._phase is _Phase.WAITING else []

    def stop(self) -> list[Action]:
        """For good. Over at once where nothing runs, else with `exited`."""
        if self._phase in (_Phase.RUNNING, _Phase.ENDING):
            self._phase, self._killed_because = _Phase.ENDING, ""
            return [Stop()]
        self._phase = _Phase.OFF
        return []

    def _start(self, now_s: float) -> list[Action]:
        self._phase = _Phase.RUNNING
        self._starts += 1
        self._frames = 0
        self._quiet_since_s = now_s
        self._online_since_s = None
        self._period_s = self._rules.first_period_s
        return [Start()]

    def _see_frames(self, now_s: float, frames: int) -> list[Action]:
        if self._frames:
            period_s = (now_s - self._quiet_since_s) / (frames - self._frames)
            self._period_s += _PERIOD_WEIGHT * (period_s - self._period_s)
        self._frames, self._quiet_since_s = frames, now_s
        if self._online_since_s is None:
            self._online_since_s = now_s
        elif now_s - self._online_since_s >= _HEALTHY_S:
            self._tries = 0
        if self.state is CameraState.ONLINE:
            return []
        again = "" if self._away_since_s is None else f" again after {now_s - self._away_since_s:.0f} s"
        self._away_since_s = None
        return self._news(CameraState.ONLINE, f"{self._camera_id}: online{again}.", is_error=False)

    def _miss_frames(self, now_s: float) -> list[Action]:
        quiet_s = now_s - self._quiet_since_s
        if not self._frames:
            if quiet_s < _FIRST_FRAME_S:
                return []
            return self._kill(f"no picture within {_FIRST_FRAME_S:g} s of its start")
        stall_s = self._rules.stall_s
        patience_s = max(stall_s, min(_PERIODS * self._period_s, _MOST_PATIENCE * stall_s))
        if quiet_s < patience_s:
            return []
        news = self._news(CameraState.STALLED, f"{self._camera_id}: stalled: no new frame for {patience_s:.0f} s.")
        if quiet_s < patience_s + _HANG_GRACE_S:
            return news
        return [*news, *self._kill(f"no new frame for {quiet_s:.0f} s; its process is started again")]

    def _kill(self, why: str) -> list[Action]:
        self._phase, self._killed_because = _Phase.ENDING, f"{self._camera_id}: {why}."
        return [Kill()]

    def _wait(self, now_s: float, state: CameraState, cause: Cause, message: str) -> list[Action]:
        self._phase = _Phase.WAITING
        if cause in (Cause.AUTH_FAILED, Cause.NOT_FOUND) and cause is not self._last_cause:
            self._tries = 0
        self._last_cause = cause
        backoff = {Cause.AUTH_FAILED: REFUSED, Cause.NOT_FOUND: MISSING, Cause.SETTINGS: MISSING}.get(cause, PASSING)
        wait_s = backoff.wait_s(self._tries, self._rng)
        self._tries += 1
        self._next_try_s = now_s + wait_s
        if state is CameraState.AUTH_FAILED:
            # The wait is random; told is what holds every time, so that it is the same news every time.
            message += (
                f" It is tried again every {backoff.first_s / 120:.0f} to {backoff.most_s / 60:.0f} minutes and no"
                " sooner, for cameras lock an account after a few wrong passwords."
            )
        return self._news(state, message)

    def _news(self, state: CameraState, message: str, *, is_error: bool = True) -> list[Action]:
        if is_error:
            self.last_error = message
        if self.state is CameraState.ONLINE and state is not CameraState.ONLINE:
            self._away_since_s = self._quiet_since_s
        self.state = state
        if self._told == (state, message):
            return []
        self._told = (state, message)
        return [Tell(state, message, is_error)]
