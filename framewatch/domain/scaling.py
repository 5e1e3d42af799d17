"""What so many cameras ask of AWS in their busiest second, by what a site is asked to do (domain/estimate.py).

A site holds MAX_CAMERAS at most; more cameras are more sites, each a stage with stream, table and buckets of its own.
In the busy hour twice as much moves as on average, and cameras move independently, so that their sum stays within
four deviations of its mean. `tests/unit/test_scaling.py` holds the small case against counts of the processor itself.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

from framewatch.domain import estimate as model
from framewatch.domain.alert_settings import Limits
from framewatch.domain.estimate import Plan
from framewatch.domain.site import MAX_CAMERAS

# -- what is assumed, each of it a setting of somebody's life rather than of the stack -------------------------------
BUSY = 2
"""Motion in the busy hour, by the day's average."""
DEVIATIONS = 4
USERS_LEAST, CAMERAS_A_USER = 2, 50
"""Who has the live wall open in the busy hour."""
CAMERAS_A_BOX = 8
ALERTS_A_CAMERA_AND_DAY = 1
SITES_AT_ONCE = Decimal("0.1")
"""Share of the sites in which all that the hour's limit lets through is texted in the same second, one at least."""
# -- what is counted (tests/unit/test_scaling.py) -------------------------------------------------------------------
BEAT_ITEM_BYTES = 600
DAY_USE_BYTES_A_CAMERA = 210
# An on-demand stream stands ready for twice what it has had, at a shard a MB.
ON_DEMAND_ROOM = 2
MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Load:
    """So many cameras under a plan; everything by the second, at the peak, unless its name says otherwise.

    largest: cameras of the largest site. Of a plan the number of cameras, users and alerts is not looked at.
    """

    cameras: int
    plan: Plan

    @property
    def sites(self) -> int:
        return -(-self.cameras // MAX_CAMERAS)

    @property
    def largest(self) -> int:
        return min(self.cameras, MAX_CAMERAS)

    def frames(self, cameras: int) -> float:
        """Sent by so many."""
        taken, share = cameras * self.plan.fps, min(1.0, BUSY * self.plan.gate_share)
        return min(taken, taken * share + DEVIATIONS * math.sqrt(taken * share * (1 - share)))

    @property
    def stream_mb(self) -> float:
        """Into the largest site's stream."""
        return self.frames(self.largest) * self.plan.frame_kb / 1000

    @property
    def shards(self) -> int:
        """Of all sites."""
        each = self.plan.shards or max(model.ON_DEMAND_SHARDS, math.ceil(ON_DEMAND_ROOM * self.stream_mb))
        return self.sites * each

    @property
    def invocations(self) -> float:
        """At once, while a backlog keeps every shard at work, with the watchdogs and who answers the pages."""
        watchdogs = self.sites * self.watchdog_s / 60
        return self.shards + watchdogs + self.sites * self.api_requests * float(model.API_S)

    @property
    def watchdog_s(self) -> float:
        """A round of the largest site's."""
        return float(model.WATCHDOG_S + self.largest * model.WATCHDOG_S_A_CAMERA)

    @property
    def detections(self) -> float:
        return self.frames(self.cameras) * self.plan.analysed_share

    @property
    def table_writes(self) -> float:
        """Units, of the largest site's table."""
        watched = self.plan.watched_share
        each = watched * model.frame_write_units(self.plan.labels, watched=True)
        each += (1 - watched) * model.frame_write_units(self.plan.labels, watched=False)
        return self.frames(self.largest) * each + self.heartbeat_writes

    @property
    def table_reads(self) -> float:
        frames = self.frames(self.largest)
        # Counting reads each frame again, some seven times, when a site is small, and once in five minutes else.
        often = 1.0 if self.largest <= model.COUNTED_EVERY_MINUTE_UP_TO else 1 / model.COUNTED_EVERY_MIN
        counting = float(model.COUNT_READ_UNITS_A_KB) * model.frame_kib(self.plan.labels) * often
        each = model.FRAME_READ_UNITS + self.plan.watched_share * model.VISIT_READ_UNITS + counting
        wall = float(model.WALL_READ_UNITS + self.largest * model.WALL_READ_UNITS_A_CAMERA)
        alerts = float(self.largest * model.ALERTS_READ_UNITS_A_CAMERA)
        return frames * each + self.users * (wall / self.wall_every_s + alerts / model.ALERTS_EVERY_S)

    @property
    def heartbeat_writes(self) -> float:
        return self.largest * model.BEATS_A_MINUTE * model.BEAT_WRITE_UNITS / 60

    @property
    def heartbeat_reads(self) -> float:
        """Of the one partition in which the largest site's heartbeats lie: each poll of a wall reads it whole."""
        return self.users / self.wall_every_s * math.ceil(self.largest * BEAT_ITEM_BYTES / 4096)

    @property
    def camera_writes(self) -> float:
        """Of the busiest partition of a camera's frames: its own day's."""
        return self.plan.fps * model.frame_kib(self.plan.labels)

    @property
    def users(self) -> int:
        """Of the largest site."""
        return max(USERS_LEAST, self.largest // CAMERAS_A_USER)

    @property
    def wall_every_s(self) -> int:
        return model.WALL_EVERY_S if self.largest <= model.LARGE_WALL else model.LARGE_WALL_EVERY_S

    @property
    def api_requests(self) -> float:
        """Of the largest site."""
        return self.users * (1 / self.wall_every_s + 1 / model.ALERTS_EVERY_S)

    @property
    def pictures(self) -> float:
        """Fetched from the largest site's bucket; a wall shows a camera's newest once a poll."""
        of_each = min(self.frames(self.largest) / self.largest, 1 / self.wall_every_s)
        return self.users * self.largest * of_each

    @property
    def texts(self) -> float:
        bursts = max(Decimal(1), self.sites * SITES_AT_ONCE)
        return float(bursts * min(self.largest, Limits().per_contact_and_hour))

    @property
    def texts_usd_a_month(self) -> float:
        limits = Limits()
        a_day = self.sites * min(self.largest * ALERTS_A_CAMERA_AND_DAY, limits.per_day)
        return a_day * MONTH_DAYS * limits.usd_per_text
