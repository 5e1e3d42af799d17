"""Minute by minute: what is spent grows, steps are taken, boxes and people are told, once."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from framewatch.domain.budget import BudgetCause, BudgetPin, BudgetStep, ChangeKind
from framewatch.domain.errors import NotificationUnavailable, RetryableError, StorageUnavailable, WriteConflict
from framewatch.domain.spend import CameraSpend
from framewatch.services.hold_budget import RecentSpend, hold_budget
from framewatch.services.tally import Tally
from framewatch.wire.sms import GSM7_BASIC, GSM7_EXTENDED, septets
from tests.budget_fakes import FakeSpend, budget_site
from tests.fakes import Crash, Faults
from tests.watch_fakes import WatchWorld

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
MONTH_ENDS = datetime(2026, 11, 30, 23, tzinfo=UTC)
ANA, BO = "+34600123456", "+34600123457"
SLOWER = "sampled 4x less often"
SLOWER_TEXT = f"Framewatch: Month's budget: all cameras: {SLOWER} until 1 Dec 00:00 (CET), 85 of 100 USD spent. Shop"


def make_world(budget: dict | None = None, **site: object) -> WatchWorld:
    world = WatchWorld(budget_site({"per_month_usd": 100} if budget is None else budget, **site))
    world.clock.at = NOW
    world.live("box-1", "front", "yard")
    return world


@pytest.fixture
def world() -> WatchWorld:
    return make_world()


def steps(world: WatchWorld) -> set[BudgetStep]:
    return {world.budget_table.stored.step_of(c, world.clock.now()) for c in ("front", "yard")}


# -- people ----------------------------------------------------------------------------------------------------------


def test_each_step_is_told_once_and_so_is_its_end(world):
    told = []
    for usd in (50, 81, 81, 85, 85, 90, 94, 99, 99):
        world.spent.month_usd = usd
        told += world.tick(6)
    assert told == [
        "Framewatch: 81 of this month's 100 USD spent. Next: sampled 4x less often. Shop",
        SLOWER_TEXT,
        SLOWER_TEXT.replace(SLOWER, "only motion in zones analysed").replace("85", "90"),
        SLOWER_TEXT.replace(SLOWER, "analysed only where a rule tells").replace("85", "94"),
        SLOWER_TEXT.replace(SLOWER, "frames kept, not analysed").replace("85", "99"),
    ]
    world.clock.at, world.spent.month_usd = MONTH_ENDS, 0
    assert world.tick(6) == ["Framewatch: Month's budget: all cameras: fully analysed again. Shop"]
    assert [c.kind for c in world.budget_table.changes(50)] == [
        ChangeKind.TAKES_BACK,
        *[ChangeKind.GIVES_UP] * 4,
        ChangeKind.NEARS,
    ]


def test_what_is_set_aside_is_told_with_the_notice(world):
    world.spent.month_usd, world.spent.standing_usd_per_hour = 64.5, 0.05
    (text,) = world.tick()
    assert text.startswith("Framewatch: 64.50 of this month's 100 USD spent, 17.35 set aside. Next: ")


def test_a_text_counts_and_no_limit_holds_back_what_the_whole_site_gives_up():
    world = make_world(limits={"per_contact_and_hour": 0, "per_day": 0})
    world.spent.month_usd = 85
    assert world.tick() == [SLOWER_TEXT]
    assert sum(world.alerts.limit_state().texts_by_day.values()) == 1


def test_news_of_single_cameras_wait_for_the_limits_and_come_in_one_text():
    own = [{"id": f"camera-{n}", "budget": {"per_day_usd": 1}} for n in range(8)]
    world = make_world({}, cameras=own, limits={"per_contact_and_hour": 2})
    world.alive.clear()
    told = []
    for n in range(8):
        spent = {f"camera-{i}": CameraSpend(0.99 if i <= n else 0, 1) for i in range(8)}
        world.spent.cameras = spent
        told += world.tick(6)
    assert told == [
        f"Framewatch: Day's budget: camera-{n}: frames kept, not analysed until 17 Nov 00:00 (CET), 0.99 of 1 USD"
        " spent. Shop"
        for n in range(2)
    ]
    (late,) = world.tick(15)
    assert late.startswith("Framewatch: Day's budget: camera-7: frames kept, not analysed until")
    assert late.endswith("5 more changes. Shop")


def test_a_contact_whose_text_fails_is_told_a_minute_later_and_nobody_twice():
    world = make_world({"per_month_usd": 100, "notify": ["ana", "bo"]})
    world.texts.errors[BO] = [NotificationUnavailable("busy")]
    world.spent.month_usd = 85
    world.clock.advance(60)
    with pytest.raises(RetryableError, match="budget: busy"):
        world.look()
    assert [phone for phone, _ in world.texts.sent] == [ANA]
    world.tick(3)
    assert world.texts.sent == [(ANA, SLOWER_TEXT), (BO, SLOWER_TEXT)]
    assert world.budget_table.stored.untold == ()


def test_news_that_nobody_could_be_told_for_a_day_are_told_no_more(world):
    world.texts.errors[ANA] = [NotificationUnavailable("busy")] * 2000
    world.spent.month_usd = 85
    for _ in range(26):
        world.clock.advance(3600)
        with pytest.raises(RetryableError):
            world.look()
        if not world.budget_table.stored.untold:
            break
    assert world.budget_table.stored.untold == () and world.texts.sent == []
    assert [c.after for c in world.budget_table.changes(9)] == [BudgetStep.SLOWER]


def test_every_change_is_logged(world, caplog):
    caplog.set_level(logging.INFO)
    world.spent.month_usd = 85
    world.tick()
    assert (
        "budget (site-month) gives-up: 2 cameras from FULL to SLOWER until 2026-11-30T23:00:00+00:00" in caplog.text
    )


def test_every_text_is_one_part_whatever_the_names_are():
    names = ["Kamera 門口 " + "ş" * 40, "^" * 60, "Front door"]
    cameras = [
        {"id": f"camera-{n}", "name": name, "budget": {"per_day_usd": 1, "per_month_usd": 2}}
        for n, name in enumerate(names)
    ]
    world = make_world({"per_month_usd": 123456.78}, cameras=cameras, site={"name": "Ω" * 60})
    world.alive.clear()
    told = []
    for share in (0.82, 0.86, 0.9, 0.95, 0.99, 0.5, 0.99, 0):
        world.spent.month_usd = 123456.78 * share
        world.spent.cameras = {c["id"]: CameraSpend(share, 2 * share) for c in cameras}
        told += world.tick(61)
    assert len(told) >= 8
    for text in told:
        assert set(text) <= GSM7_BASIC | GSM7_EXTENDED and septets(text) <= 160


# -- boxes -----------------------------------------------------------------------------------------------------------


def test_boxes_are_told_which_of_their_cameras_sample_less_often_and_when_it_is_over():
    world = make_world(cameras=["front", {"id": "yard", "critical": True}, "attic"])
    world.live("box-2", "attic")
    world.live("box-3", "yard")
    world.spent.month_usd = 70
    world.tick(6)
    assert {box: c.slow_by for box, c in world.controls.by_box.items()} == {
        "box-1": {"front": 4},
        "box-2": {"attic": 4},
    }
    assert {c.until for c in world.controls.by_box.values()} == {MONTH_ENDS}
    world.spent.month_usd = 0
    world.tick(6)
    assert [c.slow_by for c in world.controls.by_box.values()] == [{}, {}]
    assert world.budget_table.stored.boxes == {}


def test_a_document_is_written_when_it_changes_and_not_every_minute(world):
    world.spent.month_usd = 85
    world.tick(60)
    assert (world.controls.puts, world.budget_table.writes) == (1, 3)
    world.spent.month_usd = 99
    world.tick(60)
    assert world.controls.puts == 1, "a further step asks a box for nothing more"
    world.live("box-9", "yard")
    world.tick(2)
    assert set(world.controls.by_box) == {"box-1", "box-9"}


def test_of_two_times_a_boxes_cameras_are_asked_for_the_sooner_ends_both():
    cameras = [{"id": "front", "budget": {"per_day_usd": 1}}, "yard"]
    world = make_world(cameras=cameras)
    world.spent.month_usd, world.spent.cameras = 85, {"front": CameraSpend(0.99, 1)}
    world.tick()
    control = world.controls.by_box["box-1"]
    assert (control.slow_by, control.until) == ({"front": 4, "yard": 4}, datetime(2026, 11, 16, 23, tzinfo=UTC))


def test_a_document_that_could_not_be_written_is_written_a_minute_later(world):
    world.faults.on("control put", StorageUnavailable("S3 is away"))
    world.spent.month_usd = 85
    world.clock.advance(60)
    world.beat()
    with pytest.raises(RetryableError, match="S3 is away"):
        world.look()
    assert world.texts.sent == [(ANA, SLOWER_TEXT)], "people are told all the same"
    world.tick()
    assert world.controls.by_box["box-1"].slow_by == {"front": 4, "yard": 4}


# -- what may go wrong -----------------------------------------------------------------------------------------------


def test_without_a_budget_nothing_is_asked_written_or_counted():
    world = make_world({})
    world.tick(10)
    assert (world.spent.asked, world.budget_table.writes, world.controls.puts) == (0, 0, 0)
    assert "BudgetChanges" not in world.meter.counts


def test_a_budget_that_left_the_file_is_lifted_and_told():
    world = make_world()
    world.spent.month_usd = 99
    world.tick()
    world.site.config = budget_site(site={"name": "Shop", "time_zone": "Europe/Madrid"})
    assert world.tick() == ["Framewatch: Month's budget: all cameras: fully analysed again. Shop"]
    assert steps(world) == {BudgetStep.FULL}


def test_while_the_spending_is_not_known_steps_hold_and_somebody_learns_of_it(world):
    world.spent.month_usd = 85
    world.tick()
    for _ in range(12):
        world.faults.on("spend", StorageUnavailable("the table is away"))
    world.clock.advance(60)
    with pytest.raises(RetryableError, match="the table is away"):
        world.look()
    assert steps(world) == {BudgetStep.SLOWER}


def test_of_two_who_decide_at_once_one_is_refused_and_tells_nothing(world):
    world.spent.month_usd = 85
    world.clock.advance(60)
    world.faults.on("budget put", WriteConflict("somebody else was first"))
    world.look()
    assert world.texts.sent == [] and world.controls.puts == 0
    assert world.tick() == [SLOWER_TEXT]


def test_who_has_not_the_turn_tells_nothing_and_leaves_it_owed(world):
    world.troubles.turn_until = NOW + timedelta(minutes=2)
    world.spent.month_usd = 85
    assert world.tick() == []
    assert [u.owed for u in world.budget_table.stored.untold] == [("ana",)]
    assert world.tick(2) == [SLOWER_TEXT]


def test_what_somebody_else_has_told_meanwhile_is_not_told_again(world, monkeypatch):
    take_turn = world.troubles.take_turn

    def after_the_other(now: datetime, until: datetime) -> bool:
        stored = world.budget_table.stored
        world.budget_table.stored = replace(stored, untold=(), version=stored.version + 1)
        return take_turn(now, until)

    world.spent.month_usd = 85
    world.clock.advance(60)
    with monkeypatch.context() as patch:
        patch.setattr(world.troubles, "take_turn", after_the_other)
        hold_budget(world.site.config, world.watch_deps().for_budget(), Tally(), lambda: 50.0)
    assert world.texts.sent == [] and steps(world) == {BudgetStep.SLOWER}


def test_a_crash_at_any_point_loses_no_step_no_document_and_no_text():
    points = 0
    while True:
        world = make_world()
        world.spent.month_usd = 85
        world.beat()
        world.clock.advance(60)
        world.faults.clear()
        world.faults.crash_at(points)
        try:
            world.look()
        except Crash:
            pass
        else:
            break
        world.faults.clear()
        world.clock.advance(120)
        world.look()
        assert steps(world) == {BudgetStep.SLOWER}
        assert world.controls.by_box["box-1"].slow_by == {"front": 4, "yard": 4}
        assert world.texts.sent in ([(ANA, SLOWER_TEXT)], [(ANA, SLOWER_TEXT)] * 2)
        assert [c.after for c in world.budget_table.changes(9)] == [BudgetStep.SLOWER]
        points += 1
    assert points > 20


# -- what an administrator sets --------------------------------------------------------------------------------------


def test_what_an_administrator_sets_holds_within_a_minute_until_its_time_and_is_told(world):
    until = NOW + timedelta(hours=1)
    world.budget_table.put_pin(BudgetPin("front", BudgetStep.KEEP_ONLY, until, "user:1", "maria", NOW), until)
    assert world.tick() == [
        "Framewatch: Set by hand: front: frames kept, not analysed until 14:00 (CET). Shop",
    ]
    assert world.budget_table.stored.by_camera["front"].cause is BudgetCause.SET
    assert world.controls.by_box["box-1"].slow_by == {"front": 4}
    assert world.tick(60) == ["Framewatch: Set by hand: front: fully analysed again. Shop"]


# -- how often the spending is asked for -----------------------------------------------------------------------------


def test_the_spending_is_asked_for_every_five_minutes_and_on_a_new_day():
    source, site = FakeSpend(Faults()), budget_site({"per_month_usd": 100})
    recent = RecentSpend(source)
    for minute in range(60):
        recent(site, NOW + timedelta(minutes=minute))
    assert source.asked == 12
    late = datetime(2026, 11, 16, 22, 58, tzinfo=UTC)
    for minute in range(4):
        recent(site, late + timedelta(minutes=minute))
    assert source.asked == 12 + 1 + 2  # the fake's days are UTC's, and so old again at once
    recent(site, late)  # the clock was set back
    assert source.asked == 12 + 1 + 2 + 1
