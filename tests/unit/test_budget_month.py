"""A month of a hundred cameras whose budget would end on the twentieth, in hours, with boxes that obey."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from framewatch.domain.analysis import Analysis
from framewatch.domain.budget import BudgetCause, BudgetStep, ChangeKind
from framewatch.domain.frames import Gate, GateReason
from framewatch.domain.hourly import day_in
from framewatch.domain.site import SiteConfig
from framewatch.domain.sparing import choose_analysis
from framewatch.domain.spend import CameraSpend, Spend
from framewatch.services.hold_budget import BudgetDeps, RecentSpend, hold_budget
from framewatch.services.tally import Tally
from framewatch.wire.heartbeat_items import StoredHeartbeat
from tests.budget_fakes import FakeBudgetTable, FakeControls, budget_site
from tests.fakes import FakeHeartbeats, World
from tests.frames import make_frame, make_heartbeat
from tests.watch_fakes import FakeTroubles

HOUR = timedelta(hours=1)
BEGINS, ENDS = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
CAMERAS = [f"camera-{n:02}" for n in range(100)]
CRITICAL = set(CAMERAS[:5])
WATCHED = set(CAMERAS[:50])
USD_PER_ANALYSIS, USD_PER_KEPT_FRAME, STANDING_USD_PER_HOUR = 0.001, 0.00004, 0.05
# Frames an hour: nights are quiet, and from the fifteenth on there is a fair in town.
BY_DAY, BY_NIGHT, BUSIER, BUSIER_FROM = 120, 20, 5, datetime(2026, 11, 15, tzinfo=UTC)
BUDGET_ENDS = datetime(2026, 11, 20, 12, tzinfo=UTC)
ZONE = {"id": "gate", "points": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}
IN_ZONE, OUTSIDE = (0.1, 0.1, 0.3, 0.9), (0.7, 0.1, 0.9, 0.9)


@dataclass
class Month:
    """wanted: frames that would have been sampled at full pace; what became of each is counted apart."""

    site: SiteConfig
    world: World
    now: datetime = BEGINS
    table: FakeBudgetTable = field(default_factory=FakeBudgetTable)
    controls: FakeControls = field(default_factory=FakeControls)
    heartbeats: FakeHeartbeats = field(default_factory=FakeHeartbeats)
    wanted: Counter[str] = field(default_factory=Counter)
    not_sampled: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    by_analysis: Counter[tuple[str, Analysis]] = field(default_factory=Counter)
    by_day: dict[str, Counter[str]] = field(default_factory=dict)  # stored frames, by camera
    of_ten: dict[tuple[str, BudgetStep], int] = field(default_factory=dict)
    usd: float = 0.0
    usd_today: float = 0.0

    def __post_init__(self) -> None:
        for n, camera_id in enumerate(CAMERAS):
            beat = make_heartbeat(1, camera_id=camera_id, box=f"box-{n // 10}", at=BEGINS)
            self.heartbeats.put(StoredHeartbeat.of(beat, BEGINS), ENDS)
        self.deps = BudgetDeps(
            table=self.table,
            spend=RecentSpend(self.spend),
            heartbeats=self.heartbeats,
            controls=self.controls,
            troubles=FakeTroubles(),
            sending=self.world.sending(),
        )

    def run(self) -> Iterator[dict[str, BudgetStep]]:
        """After each hour, what each camera does then."""
        while self.now < ENDS:
            self.hour()
            before, self.now = self.now, self.now + HOUR
            self.world.clock.at = self.now
            hold_budget(self.site, self.deps, Tally(), lambda: 50.0)
            if self.now.date() != before.date():
                self.usd_today = 0.0
            yield {c: self.table.stored.step_of(c, self.now) for c in CAMERAS}

    def hour(self) -> None:
        usd = STANDING_USD_PER_HOUR
        state = self.table.state()
        for n, camera_id in enumerate(CAMERAS):
            wanted = BY_DAY if 6 <= self.now.hour < 18 else BY_NIGHT
            wanted *= BUSIER if self.now >= BUSIER_FROM else 1
            control = self.controls.by_box.get(f"box-{n // 10}")
            sampled = wanted // (control.slow_by_of(camera_id, self.now) if control else 1)
            step = state.step_of(camera_id, self.now)
            of_ten = self.analysed_of_ten(camera_id, step)
            analysed = sampled * of_ten // 10
            self.wanted[camera_id] += wanted
            self.not_sampled[camera_id] += wanted - sampled
            self.stored[camera_id] += sampled
            self.by_analysis[camera_id, Analysis.ANALYSED] += analysed
            self.by_analysis[camera_id, Analysis.BUDGET] += sampled - analysed
            self.by_day.setdefault(camera_id, Counter())[str(self.now.date())] += sampled
            usd += sampled * USD_PER_KEPT_FRAME + analysed * USD_PER_ANALYSIS
        self.usd += usd
        self.usd_today += usd

    def analysed_of_ten(self, camera_id: str, step: BudgetStep) -> int:
        """Of ten frames two are keep-alives, and half of the others' motion is outside the zone."""
        if (camera_id, step) not in self.of_ten:
            meta = make_frame(camera_id=camera_id).meta
            motions = [Gate(GateReason.MOTION, (box,)) for box in (IN_ZONE, OUTSIDE)]
            gates = [Gate(GateReason.KEEPALIVE)] * 2 + motions * 4
            made = [choose_analysis(replace(meta, gate=gate), None, step, self.site) for gate in gates]
            self.of_ten[camera_id, step] = made.count(Analysis.ANALYSED)
        return self.of_ten[camera_id, step]

    def spend(self, site: SiteConfig, now: datetime) -> Spend:
        days = [str((now - timedelta(days=n)).date()) for n in range(1, 8) if now - timedelta(days=n) >= BEGINS]
        by_camera = {
            c: CameraSpend(0, 0, sum(self.by_day[c][day] for day in days) / len(days) if days else 0) for c in CAMERAS
        }
        today = day_in(now, UTC)  # type: ignore[arg-type]
        return Spend(
            today,
            today.replace(day=1),
            self.usd_today,
            self.usd if now < ENDS else 0.0,
            STANDING_USD_PER_HOUR,
            USD_PER_KEPT_FRAME,
            USD_PER_ANALYSIS,
            by_camera,
            now,
        )


def make_month(budget_usd: float) -> Month:
    cameras = [{"id": c, "critical": c in CRITICAL, "zones": [ZONE]} for c in CAMERAS]
    rules = [{"id": "people", "labels": ["Person"], "cameras": sorted(WATCHED), "notify": ["ana"]}]
    budget = {"per_month_usd": budget_usd, "reserve_share": 0.1}
    site = budget_site(budget, cameras, rules=rules, site={"name": "Shop", "time_zone": "UTC"})
    return Month(site, World(site))


@pytest.fixture(scope="module")
def budget_usd() -> float:
    """What is spent at noon of the twentieth where nothing is given up."""
    played = make_month(1_000_000)
    while played.now < BUDGET_ENDS:
        played.hour()
        played.now += HOUR
    return round(played.usd, 2)


@pytest.fixture(scope="module")
def month(budget_usd) -> tuple[Month, list[dict[str, BudgetStep]]]:
    played = make_month(budget_usd)
    return played, list(played.run())


def test_spending_stays_within_the_budget_and_uses_what_is_not_reserved(month, budget_usd):
    played, _ = month
    assert 0.85 * budget_usd < played.usd <= budget_usd


def test_the_order_of_steps_is_kept_and_critical_cameras_come_last(month):
    played, after_each = month
    ordinary = [steps[CAMERAS[50]] for steps in after_each]
    assert ordinary[-1] is BudgetStep.FULL, "a new month"
    taken = [change for change in reversed(played.table.changes(50)) if change.kind is ChangeKind.GIVES_UP]
    first = {change.after: change.at for change in reversed(taken) if CAMERAS[50] in change.camera_ids}
    assert list(dict(sorted(first.items(), key=lambda item: item[1]))) == list(BudgetStep)[1:]
    for steps in after_each:
        assert len({steps[c] for c in CAMERAS if c not in CRITICAL}) == 1, "ordinary cameras do alike"
        assert all(steps[c] is BudgetStep.FULL or steps[CAMERAS[50]] is BudgetStep.KEEP_ONLY for c in CRITICAL)


def test_all_counts_add_up(month):
    played, _ = month
    for c in CAMERAS:
        assert played.wanted[c] == played.stored[c] + played.not_sampled[c]
        assert played.stored[c] == sum(played.by_analysis[c, analysis] for analysis in Analysis)
    assert all(played.by_analysis[c, Analysis.BUDGET] == 0 for c in CRITICAL)
    analysed = sum(played.by_analysis[c, Analysis.ANALYSED] for c in CAMERAS)
    stored = sum(played.stored.values())
    assert played.usd == pytest.approx(
        analysed * USD_PER_ANALYSIS + stored * USD_PER_KEPT_FRAME + 30 * 24 * STANDING_USD_PER_HOUR
    )


def test_it_is_told_in_a_few_texts_and_documents(month):
    played, _ = month
    assert [c.cause for c in played.table.changes(99)].count(BudgetCause.SITE_MONTH) == len(played.table.changes(99))
    assert len(played.world.texts.sent) == len(played.table.decisions) <= 8
    assert played.controls.puts == 20, "each box twice: slower, and released"
