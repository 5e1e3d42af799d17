"""What a site has spent, from what was used and what was counted; and what the API answers of it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from framewatch.adapters.memory_use import MemoryUse
from framewatch.domain.access import Caller, Role
from framewatch.domain.analysis import Analysis
from framewatch.domain.bill import Prices
from framewatch.domain.budget import BudgetCause, BudgetState, BudgetStep, CameraStep
from framewatch.domain.cost import NOTHING, Usage, UsageKind
from framewatch.domain.errors import InvalidQuery
from framewatch.domain.hourly import BucketCounts, Counts, DayCounts, EdgeCounts, HourCounts
from framewatch.domain.use import DayUse
from framewatch.services.fetch_costs import CostDeps, fetch_costs
from framewatch.services.spend import Books, SpendDeps
from framewatch.wire.api_costs import CostsView, StepName, parse_costs_query
from framewatch.wire.price_file import load_prices
from tests.fakes import FakeBudget, FakeClock, FakeSite, make_site
from tests.watch_fakes import FakeCounts

K = UsageKind
DAY = timedelta(days=1)
MONTH = date(2026, 3, 1)
NOW = datetime(2026, 3, 21, 11, tzinfo=UTC)  # noon in Madrid
HOURLY = Usage({K.KINESIS_STREAM_HOURS: 1})
CHIEF = Caller("s", Role.ADMIN, "ada")


class World:
    """A site of the cameras front and yard, in Madrid."""

    def __init__(self, **site: Any) -> None:
        self.uses, self.counts, self.budget, self.clock = MemoryUse(), FakeCounts(), FakeBudget(), FakeClock(NOW)
        self.site = make_site(site={"name": "Shop", "time_zone": "Europe/Madrid"}, **site)
        self.reads = 0
        self.books = Books(SpendDeps(self, self.counts, load_prices, lambda _: HOURLY))  # type: ignore[arg-type]

    def days(self, first: date, last: date) -> list[DayUse]:
        self.reads += (last - first).days + 1
        return self.uses.days(first, last)

    def use(self, day: date, until: datetime | None = None, *, shared: int = 0, **images: int) -> None:
        by_camera = {i: Usage({K.IMAGES_ANALYSED: n, K.S3_PUT_REQUESTS: n}) for i, n in images.items()}
        until = until or datetime(day.year, day.month, day.day, 22, tzinfo=UTC)
        stored = self.uses.day(day)
        found = DayUse(day, Usage({K.API_REQUESTS: shared}), by_camera, until, 1, stored.version)
        self.uses.put_day(found, NOW)

    def count(
        self, day: date, camera: str, frames: int, *, gated: int = 0, alerts: int = 0, size: int = 0, **of: int
    ) -> None:
        by = {Analysis(name): number for name, number in of.items()} or {Analysis.ANALYSED: frames}
        counts = Counts(frames, alerts=alerts, by_analysis=by, jpeg_bytes=size)
        version = self.counts.day(camera, day).version
        self.counts.put_day(DayCounts(camera, day, counts, EdgeCounts(0, 0, gated), version), NOW)

    def usual(self, *, before: int = 10) -> None:
        """A thousand images and frames of the front a day, a hundred of the yard, from `before` days before March."""
        for n in range(-before, 21):
            self.use(MONTH + n * DAY, NOW if n == 20 else None, shared=1000, front=1000, yard=100)
            self.count(MONTH + n * DAY, "front", 1000, gated=5000, alerts=1)
            self.count(MONTH + n * DAY, "yard", 100)

    def costs(self, caller: Caller = CHIEF, **query: str) -> CostsView:
        deps = CostDeps(FakeSite(self.site), self.books, self.budget, self.clock)
        return fetch_costs(parse_costs_query(query.items()), deps, caller)


def test_a_month_is_its_days_and_these_are_what_each_camera_and_service_cost() -> None:
    world = World()
    world.usual()
    view = world.costs()
    assert view.site is not None
    assert [day.day for day in view.site.by_day] == [MONTH + n * DAY for n in range(21)]
    assert view.site.month_usd == pytest.approx(sum(day.usd for day in view.site.by_day), abs=1e-6)
    assert view.site.month_usd == pytest.approx(sum(camera.month_usd for camera in view.cameras), abs=1e-6)
    assert view.site.month_usd == pytest.approx(sum(s.month_usd for s in view.site.by_service), abs=1e-6)
    assert view.site.today_usd == pytest.approx(view.site.by_day[-1].usd)
    front, yard = view.cameras
    assert (front.images_analysed, front.images_billed, front.alerts) == (21_000, 21_000, 21)
    assert front.month_usd == pytest.approx(10 * yard.month_usd, rel=0.01)
    assert front.usd_per_alert == pytest.approx(front.month_usd / 21)
    assert (view.begins, view.ends) == (datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC))
    assert (view.metered_from, view.known_until) == (view.begins, NOW)


def test_the_month_goes_on_as_the_last_seven_whole_days_did_and_what_stands_by_the_clock() -> None:
    world = World()
    world.usual()
    view = world.costs()
    assert view.site is not None and view.site.forecast_usd is not None
    assert view.forecast_since == datetime(2026, 3, 13, 23, tzinfo=UTC)
    left = (view.ends - NOW) / DAY
    assert left == pytest.approx(10 + 11 / 24), "the clocks change on the 29th"
    usual = Usage({K.IMAGES_ANALYSED: 1100, K.S3_PUT_REQUESTS: 1100, K.API_REQUESTS: 1000})
    expected = Prices(load_prices(), Decimal(0)).usd(usual * left + HOURLY * (24 * left), usual * 21)
    assert view.site.forecast_usd - view.site.month_usd == pytest.approx(float(expected), rel=1e-4), (
        "but for what lies in the table"
    )
    assert view.site.forecast_usd == pytest.approx(sum(c.forecast_usd or 0 for c in view.cameras), abs=1e-6)


def test_on_its_first_day_a_site_is_foretold_from_its_first_frame_on_and_not_before_ten_minutes() -> None:
    world = World()
    today = MONTH + 20 * DAY
    world.use(today, NOW, front=300)
    world.count(today, "front", 300)
    first = NOW.replace(hour=10, minute=50)
    world.counts.put_hour(HourCounts("front", first.replace(minute=0), {first: BucketCounts(Counts(300))}), NOW)
    view = world.costs()
    assert view.site is not None
    assert (view.metered_from, view.forecast_since) == (first, first)
    assert view.site.standing_usd == pytest.approx(view.site.today_usd or 0, abs=0.31), "of ten minutes, not of a day"
    assert view.site.forecast_usd is not None and view.site.forecast_usd > 100 * view.site.month_usd

    young = World()
    young.use(today, first + timedelta(minutes=9), front=300)
    young.counts.put_hour(HourCounts("front", first.replace(minute=0), {first: BucketCounts(Counts(300))}), NOW)
    view = young.costs()
    assert view.site is not None
    assert (view.site.forecast_usd, view.forecast_since) == (None, None)


def test_today_is_counted_to_the_minute_for_who_looks_though_its_days_item_lags() -> None:
    world = World()
    world.usual()
    hour = NOW - timedelta(hours=1)
    buckets = {hour: BucketCounts(Counts(70, by_analysis={Analysis.ANALYSED: 60, Analysis.INHERITED: 10}, alerts=2))}
    world.counts.put_hour(HourCounts("front", hour, buckets), NOW)
    front = world.costs().cameras[0]
    assert (front.frames, front.images_analysed, front.alerts) == (20_070, 20_060, 22)
    assert front.images_billed == 21_000, "as its process has said"
    assert world.books.month(world.site, MONTH, NOW).cameras["front"].frames == 21_000, "what a budget goes by"


def test_a_site_that_was_never_metered_costs_nothing_that_is_known() -> None:
    view = World().costs()
    assert view.site is not None
    assert (view.site.month_usd, view.site.forecast_usd, view.site.by_day) == (0, None, ())
    assert (view.metered_from, view.known_until) == (None, None)


def test_what_was_spared_is_counted_at_the_price_that_the_month_has_reached() -> None:
    world = World()
    world.usual()
    world.count(MONTH + 20 * DAY, "front", 1000, gated=5000, analysed=600, inherited=300, screened=0, budget=100)
    saved = {s.by: s for s in world.costs().cameras[0].saved}
    assert {by.value: s.frames for by, s in saved.items()} == {
        "gate": 105_000,
        "near-duplicates": 300,
        "screen": 0,
        "budget": 100,
    }
    assert saved["near-duplicates"].usd == pytest.approx(0.3)  # type: ignore[index]
    put = 0.005 / 1000
    assert saved["gate"].usd == pytest.approx(105_000 * (0.001 + put), rel=0.001)  # type: ignore[index]


def test_a_picture_that_no_living_process_has_counted_is_paid_and_one_that_is_asked_again_is_billed_twice() -> None:
    world = World()
    world.usual()
    world.use(MONTH, front=990, yard=103)
    front, yard = world.costs().cameras
    assert (front.images_analysed, front.images_billed) == (21_000, 21_000)
    assert (yard.images_analysed, yard.images_billed) == (2_100, 2_103)
    month = world.books.month(world.site, MONTH, NOW)
    assert month.used.amount(K.IMAGES_ANALYSED) == 21_000 + 2_103


def test_pictures_weigh_for_as_long_as_they_are_kept() -> None:
    world = World(retention={"frames_days": 2, "metadata_days": 90})
    world.use(MONTH)
    world.count(MONTH, "front", 1, size=30 * 10**12)
    month = world.books.month(world.site, MONTH, NOW)
    assert month.used.amount(K.S3_GB_MONTHS) == 2 * 1000, "thirty terabytes for two days"
    table = month.used.amount(K.DYNAMODB_GB_MONTHS)
    assert table == month.used.amount(K.DYNAMODB_BACKUP_GB_MONTHS)
    assert table == pytest.approx(Decimal(20.5 * 620 / 30 / 10**9)), "one item, as yet, and kept for longer"


def test_a_month_that_is_over_has_no_today_and_no_forecast() -> None:
    world = World()
    world.usual(before=20)
    view = world.costs(month="2026-02")
    assert view.site is not None
    assert (view.is_over, view.site.today_usd, view.site.forecast_usd) == (True, None, None)
    assert view.metered_from == datetime(2026, 2, 8, 23, tzinfo=UTC), "where its first day begins"
    assert len(view.site.by_day) == 20
    for month, words in (("2026-04", "lies in the future"), ("2023-02", "24 months back"), ("2026-3", "such as")):
        with pytest.raises(InvalidQuery, match=words):
            world.costs(month=month)


def test_who_may_see_some_cameras_only_is_told_of_these_and_of_no_site() -> None:
    world = World(cameras=[{"id": "front", "group": "shop"}, {"id": "yard", "group": "home"}])
    world.usual()
    all_of_it = world.costs()
    view = world.costs(Caller("s", Role.OPERATOR, "bea", frozenset({"home"})))
    assert view.site is None
    assert view.cameras == all_of_it.cameras[1:], "its part of what is shared is the same"


def test_a_step_that_holds_is_told_with_the_next_and_one_whose_time_is_over_is_not() -> None:
    world = World()
    step = CameraStep(BudgetStep.SLOWER, BudgetCause.SITE_MONTH, NOW - DAY, NOW + DAY)
    last = CameraStep(BudgetStep.KEEP_ONLY, BudgetCause.SET, NOW - DAY, NOW + DAY)
    world.budget.state = BudgetState({"front": step, "yard": last})
    front, yard = world.costs().cameras
    assert front.step is not None and yard.step is not None
    assert (front.step.step, front.next_step) == (StepName.SLOWER, StepName.ZONES_ONLY)
    assert (yard.step.step, yard.next_step) == (StepName.KEEP_ONLY, None)
    world.clock.advance(DAY.total_seconds())
    front, _ = world.costs().cameras
    assert (front.step, front.next_step) == (None, StepName.SLOWER)


def test_a_budget_is_told_what_was_spent_and_what_an_hour_and_a_frame_cost() -> None:
    world = World()
    world.usual()
    spend, view = world.books.spend(world.site, NOW), world.costs()
    assert view.site is not None
    assert spend.month_usd == pytest.approx(view.site.month_usd, abs=1e-6)
    assert spend.month_usd == pytest.approx(sum(c.month_usd for c in spend.by_camera.values()))
    assert spend.today_usd == pytest.approx(sum(c.today_usd for c in spend.by_camera.values()))
    assert (spend.day, spend.month, spend.known_until) == (date(2026, 3, 21), MONTH, NOW)
    assert {i: c.frames_per_day for i, c in spend.by_camera.items()} == {"front": 1000, "yard": 100}
    assert spend.usd_per_analysis == pytest.approx(0.001)
    assert spend.standing_usd_per_hour == pytest.approx(float(Prices(load_prices(), Decimal(0)).usd(HOURLY, NOTHING)))
    assert 0.005 / 1000 < spend.usd_per_kept_frame < 0.005 / 1000 + 1000 * 1.2e-6 / 1000


def test_who_asks_each_minute_reads_two_days_and_after_an_hour_all_of_them() -> None:
    world = World()
    world.usual()
    world.books.spend(world.site, NOW)
    whole, world.reads = world.reads, 0
    for minute in range(1, 60):
        world.books.spend(world.site, NOW + timedelta(minutes=minute))
    assert world.reads == 59 * 2
    world.reads = 0
    world.books.spend(world.site, NOW + timedelta(hours=1))
    assert world.reads == whole > 20
