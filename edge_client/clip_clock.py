"""When the pictures of a clip or a folder were taken, as far as the stream is concerned."""

import time
from datetime import UTC, datetime, timedelta

from edge_client.pipe import Job

# A clip played in real time that falls further behind (the stream was blocked) goes on from there without a rush.
_MOST_LAG_S = 2.0


class ClipClock:
    """When a frame of a clip happened: now, paced by the clip (realtime), or base time + media time (fast)."""

    def __init__(self, job: Job) -> None:
        self._fast = job.pace == "fast"
        self._base = datetime.fromisoformat(job.base_time) if job.base_time else None
        self._run_started_at = datetime.fromisoformat(job.run_started_at)
        self._anchor_s = 0.0
        self._anchor_at = self._run_started_at

    def start(self, duration_s: float | None) -> None:
        if self._base is None:
            self._base = self._run_started_at - timedelta(seconds=duration_s or 0.0)
        self._anchor_s, self._anchor_at = time.monotonic(), datetime.now(UTC)
        self._started_s = self._anchor_s

    def stamp(self, total_s: float) -> datetime:
        """Waits, in real time, until the frame is due."""
        if self._fast:
            assert self._base is not None  # noqa: S101 - start() was called
            return self._base + timedelta(seconds=total_s)
        lag_s = time.monotonic() - (self._started_s + total_s)
        if lag_s < 0:
            time.sleep(-lag_s)
        elif lag_s > _MOST_LAG_S:
            self._started_s += lag_s
        # By the monotonic clock: a wall clock that is set back must not make two frames of a clip change places.
        return self._anchor_at + timedelta(seconds=time.monotonic() - self._anchor_s)
