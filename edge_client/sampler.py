"""Which frames are taken. The first frame always is.

A sampler sees each frame's index and media time before its pixels exist, so that a frame nobody wants is never
converted. SamplingHours close the sampling for part of the week.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import pytz

from framewatch.domain.schedule import WeeklyHours

# Container timestamps are rounded (a GIF's to 10 ms, others to a microsecond): a frame due "now" may be a hair early.
_EARLY_S = 1e-4


@dataclass(frozen=True, slots=True)
class EveryNth:
    """Frames 0, n, 2n, ... of the source, counted on through the passes of a loop and through reconnects."""

    n: int = 30

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"every {self.n}th frame: the number must be at least 1")


@dataclass(frozen=True, slots=True)
class PerSecond:
    """At most this many frames a second of media time: the first frame at or after each tick."""

    fps: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.fps <= 1000:
            raise ValueError(f"{self.fps} frames a second: the number must be above 0, at most 1000")


Sampling = EveryNth | PerSecond


@dataclass(frozen=True, slots=True)
class SamplingHours:
    """Outside of them nothing is sampled: frames are grabbed, and neither converted nor counted.

    texts: such as `mon-fri 08:00-18:00`. time_zone: the site's, an IANA name. Raises ValueError with a sentence.
    """

    texts: tuple[str, ...]
    time_zone: str
    _hours: WeeklyHours = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hours", WeeklyHours.parse(self.texts))
        if self.time_zone not in pytz.all_timezones_set:
            raise ValueError(f"{self.time_zone!r} is not a time zone; use an IANA name such as Europe/Madrid")

    def are_open(self, captured_at: datetime) -> bool:
        return self._hours.is_open(captured_at, pytz.timezone(self.time_zone))


class Sampler(Protocol):
    def wants(self, index: int, media_time_s: float) -> bool:
        """Asked once for each frame, in order. media_time_s never falls."""
        ...


class _EveryNthSampler:
    def __init__(self, n: int) -> None:
        self._n = n

    def wants(self, index: int, media_time_s: float) -> bool:  # noqa: ARG002 - the protocol's shape
        return index % self._n == 0


class _PerSecondSampler:
    """Ticks lie on a fixed grid, so that a late frame does not delay all that follow."""

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._next_tick: int | None = None

    def wants(self, index: int, media_time_s: float) -> bool:  # noqa: ARG002 - the protocol's shape
        tick = int((media_time_s + _EARLY_S) * self._fps)
        if self._next_tick is not None and tick < self._next_tick:
            return False
        self._next_tick = tick + 1
        return True


class SlowedSampler:
    """Of the frames that another sampler wants, the first and from then on each slow_by-th, whatever that is then."""

    def __init__(self, sampler: Sampler, slow_by: Callable[[], int]) -> None:
        self._sampler = sampler
        self._slow_by = slow_by
        self._passed_over: int | None = None

    def wants(self, index: int, media_time_s: float) -> bool:
        if not self._sampler.wants(index, media_time_s):
            return False
        if self._passed_over is not None and self._passed_over + 1 < self._slow_by():
            self._passed_over += 1
            return False
        self._passed_over = 0
        return True


def make_sampler(sampling: Sampling) -> Sampler:
    if isinstance(sampling, EveryNth):
        return _EveryNthSampler(sampling.n)
    return _PerSecondSampler(sampling.fps)
