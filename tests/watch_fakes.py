"""In-memory fakes of what only the watchdog needs, and a world in which it makes its rounds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from framewatch.adapters.memory_use import MemoryUse
from framewatch.domain.errors import WriteConflict
from framewatch.domain.heartbeats import CameraState
from framewatch.domain.hourly import Counts, DayCounts, HourCounts
from framewatch.domain.silence import ShardHealth, Subject
from framewatch.domain.site import SiteConfig
from framewatch.domain.trouble_life import TroubleLife
from framewatch.services.frame_merge import FrameRead, Slice
from framewatch.services.ports import Recount
from framewatch.services.roll_up_use import UseRollUp
from framewatch.services.watch_over import WatchDeps, watch_over
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.items import day_of, index_name
from tests.budget_fakes import FakeBudgetTable, FakeControls, FakeSpend
from tests.fakes import FakeRecounts, Faults, World, make_site
from tests.frames import NOON, make_frame, make_heartbeat

PASS_S = 50.0
"""What an invocation may take."""


@dataclass
class FakeTroubles:
    faults: Faults = field(default_factory=Faults)
    lives: dict[Subject, TroubleLife] = field(default_factory=dict)
    turn_until: datetime | None = None

    def all(self) -> list[TroubleLife]:
        self.faults.before("troubles all")
        return list(self.lives.values())

    def put(self, lives: Sequence[TroubleLife], expires_at: datetime) -> None:
        self.faults.before("troubles put")
        self.lives.update({life.subject: life for life in lives})
        self.faults.after("troubles put")

    def forget(self, subjects: Sequence[Subject]) -> None:
        if not subjects:
            return
        self.faults.before("troubles forget")
        for subject in subjects:
            self.lives.pop(subject, None)
        self.faults.after("troubles forget")

    def take_turn(self, now: datetime, until: datetime) -> bool:
        self.faults.before("turn take")
        if self.turn_until is not None and now < self.turn_until:
            return False
        self.turn_until = until
        self.faults.after("turn take")
        return True

    def end_turn(self, now: datetime, until: datetime) -> None:
        self.faults.before("turn end")
        if self.turn_until == until:
            self.turn_until = now
        self.faults.after("turn end")


@dataclass
class FakeHealth:
    faults: Faults = field(default_factory=Faults)
    stored: dict[str, ShardHealth] = field(default_factory=dict)
    puts: int = 0

    def get(self, shard_id: str) -> ShardHealth | None:
        self.faults.before("health get")
        return self.stored.get(shard_id)

    def put(self, health: ShardHealth, expires_at: datetime) -> None:
        self.faults.before("health put")
        self.stored[health.shard_id] = health
        self.puts += 1
        self.faults.after("health put")

    def all(self) -> list[ShardHealth]:
        self.faults.before("health all")
        return [self.stored[i] for i in sorted(self.stored)]


@dataclass
class FakeCounts(FakeRecounts):
    """marks: as the image processor leaves them."""

    by_hour: dict[tuple[str, datetime], HourCounts] = field(default_factory=dict)
    by_day: dict[tuple[str, date], DayCounts] = field(default_factory=dict)
    until: dict[str, datetime] = field(default_factory=dict)

    def hour(self, camera_id: str, hour: datetime) -> HourCounts:
        self.faults.before("hour get")
        return self.by_hour.get((camera_id, hour), HourCounts(camera_id, hour))

    def put_hour(self, counts: HourCounts, expires_at: datetime) -> None:
        self.faults.before("hour put")
        if self.hour(counts.camera_id, counts.hour).version != counts.version:
            raise WriteConflict("hour")
        self.by_hour[counts.camera_id, counts.hour] = replace(counts, version=counts.version + 1)
        self.faults.after("hour put")

    def hours(self, camera_id: str, first: datetime, end: datetime, *, fresh: bool = False) -> list[HourCounts]:
        self.faults.before("hours")
        return [self.by_hour[key] for key in sorted(self.by_hour) if key[0] == camera_id and first <= key[1] < end]

    def day(self, camera_id: str, day: date) -> DayCounts:
        return self.by_day.get((camera_id, day), DayCounts(camera_id, day, Counts(), None))

    def put_day(self, counts: DayCounts, expires_at: datetime) -> None:
        self.faults.before("day put")
        if self.day(counts.camera_id, counts.day).version != counts.version:
            raise WriteConflict("day")
        self.by_day[counts.camera_id, counts.day] = replace(counts, version=counts.version + 1)
        self.faults.after("day put")

    def days(self, camera_id: str, first: date, last: date) -> list[DayCounts]:
        return [self.by_day[key] for key in sorted(self.by_day) if key[0] == camera_id and first <= key[1] <= last]

    def counted_until(self) -> dict[str, datetime]:
        self.faults.before("counted until")
        return dict(self.until)

    def put_counted_until(self, camera_id: str, at: datetime, expires_at: datetime) -> None:
        self.faults.before("counted until put")
        self.until[camera_id] = at
        self.faults.after("counted until put")

    def recounts(self, most: int) -> list[Recount]:
        self.faults.before("recounts")
        return [self.marks[key] for key in sorted(self.marks)][:most]

    def done(self, recount: Recount) -> None:
        self.faults.before("recount done")
        if self.marks.get((recount.bucket, recount.camera_id)) == recount:
            del self.marks[recount.bucket, recount.camera_id]
        self.faults.after("recount done")


@dataclass
class FakePages:
    """frames: in any order. queries: how many were made."""

    frames: list[StoredFrame] = field(default_factory=list)
    queries: int = 0

    def query(self, read: FrameRead) -> Slice:
        self.queries += 1
        found = [f for f in self._of(read.index) if day_of(f.captured_at) == read.day and f.sort_key < read.before_sk]
        found = sorted(
            (f for f in found if f.sort_key >= (read.from_sk or "")), key=lambda f: f.sort_key, reverse=True
        )
        shown = found[: read.limit]
        return Slice(shown, len(shown), shown[-1].sort_key if len(found) > len(shown) else None)

    def previous_day(self, index: str, before_day: str, not_before_day: str | None) -> str | None:
        self.queries += 1
        days = {day_of(f.captured_at) for f in self._of(index)}
        return max((day for day in days if day < before_day), default=None)

    def _of(self, index: str) -> list[StoredFrame]:
        return [f for f in self.frames if index_name(f.camera_id) == index]


class WatchWorld(World):
    """A minute is `tick`; whoever is in `alive` sends a heartbeat each minute, as its box would."""

    def __init__(self, config: SiteConfig | None = None):
        super().__init__(config or make_site())
        self.troubles = FakeTroubles(self.faults)
        self.health = FakeHealth(self.faults)
        self.pages = FakePages()
        self.recounts = self.counts = FakeCounts(self.faults)
        self.use = MemoryUse()
        self.budget_table = FakeBudgetTable(self.faults)
        self.controls = FakeControls(self.faults)
        self.spent = FakeSpend(self.faults)
        self.alive: dict[str, tuple[str, CameraState]] = {}
        self.beats = 0

    def live(self, box: str, *camera_ids: str, state: CameraState = CameraState.ONLINE) -> None:
        self.alive.update({camera_id: (box, state) for camera_id in camera_ids})

    def die(self, *camera_ids: str) -> None:
        for camera_id in camera_ids:
            del self.alive[camera_id]

    def beat(self) -> None:
        self.beats += 1
        for camera_id, (box, state) in self.alive.items():
            heartbeat = make_heartbeat(self.beats, camera_id=camera_id, box=box, state=state, at=self.clock.now())
            self.heartbeats.put(StoredHeartbeat.of(heartbeat, self.clock.now()), NOON + timedelta(days=90))
        if self.alive:
            self.health.put(ShardHealth("shard-0", self.clock.now(), 0.5), NOON + timedelta(days=90))

    def watch_deps(self) -> WatchDeps:
        return WatchDeps(
            site=self.site,
            sending=self.sending(),
            heartbeats=self.heartbeats,
            frames=self.pages,
            troubles=self.troubles,
            health=self.health,
            counts=self.counts,
            visits=self.visits.newest_first,
            use=UseRollUp(self.use, self.clock),
            budget=self.budget_table,
            controls=self.controls,
            spend=self.spent,
            meter=self.meter,
        )

    def look(self, remaining_s: float = PASS_S) -> None:
        watch_over(self.watch_deps(), lambda: remaining_s)

    def tick(self, minutes: int = 1) -> list[str]:
        """Heartbeats and a pass each minute. Returns what was texted meanwhile."""
        before = len(self.texts.sent)
        for _ in range(minutes):
            self.clock.advance(60)
            self.beat()
            self.look()
        return [text for _, text in self.texts.sent[before:]]


def frame_of(camera_id: str, stored_at: datetime, captured_at: datetime | None = None) -> StoredFrame:
    meta = make_frame(camera_id=camera_id, at=captured_at or stored_at).meta
    return StoredFrame.of(meta, [], set(), stored_at)
