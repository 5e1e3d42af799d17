"""The decision: what a budget has left, who gives up what in which order, and what puts it back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.budget import (
    HYSTERESIS,
    LAST_STEP_AT,
    BudgetCause,
    BudgetPin,
    BudgetState,
    BudgetStep,
    ChangeKind,
    Decision,
    budget_uses,
    decide_budget,
    step_begins_at,
)
from framewatch.domain.spend import CameraSpend, Spend
from tests.budget_fakes import budget_site, spend_of

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
MONTH_ENDS = datetime(2026, 11, 30, 23, tzinfo=UTC)  # midnight in Madrid
DAY_ENDS = datetime(2026, 11, 16, 23, tzinfo=UTC)
SITE = budget_site({"per_month_usd": 100})
FULL, SLOWER, ZONES, WATCHED, KEEP = BudgetStep


def decide(site=SITE, spend: Spend | None = None, before: BudgetState | None = None, pins=(), now=NOW) -> Decision:
    uses = budget_uses(site, spend or spend_of(now), now)
    return decide_budget(before or BudgetState(), uses, pins, site, now)


def steps(decision: Decision) -> dict[str, BudgetStep]:
    return {camera_id: held.step for camera_id, held in decision.state.by_camera.items()}


# -- what is left ----------------------------------------------------------------------------------------------------


def test_of_a_budget_is_used_what_was_spent_and_what_goes_on_to_be_paid():
    cameras = {"front": CameraSpend(10, 20, frames_per_day=2400), "yard": CameraSpend(5, 10)}
    spend = spend_of(NOW, 30, 15, standing_usd_per_hour=0.05, usd_per_kept_frame=0.0001, cameras=cameras)
    (use,) = budget_uses(SITE, spend, NOW)
    hours = (MONTH_ENDS - NOW) / timedelta(hours=1)
    assert use.committed_usd == pytest.approx((0.05 + 100 * 0.0001) * hours)
    assert use.share == pytest.approx((30 + use.committed_usd) / 100)
    assert (use.cause, use.until, use.reserve_usd) == (BudgetCause.SITE_MONTH, MONTH_ENDS, 0)


def test_the_reserve_is_kept_where_some_cameras_are_critical_and_not_where_all_are():
    critical = {"id": "door", "critical": True}
    for cameras, reserve in ((["yard", critical], 20), ([critical], 0), (["yard"], 0)):
        (use,) = budget_uses(budget_site({"per_month_usd": 100}, cameras), spend_of(NOW, 40), NOW)
        assert (use.reserve_usd, use.share) == (reserve, 40 / (100 - reserve))


def test_a_cameras_own_budget_bears_its_part_of_what_goes_on_by_its_part_of_the_frames():
    site = budget_site(cameras=[{"id": "front", "budget": {"per_day_usd": 2}}, "yard"])
    cameras = {"front": CameraSpend(1, 1, frames_per_day=300), "yard": CameraSpend(0, 0, frames_per_day=100)}
    spend = spend_of(NOW, standing_usd_per_hour=0.04, cameras=cameras)
    (use,) = budget_uses(site, spend, NOW)
    assert (use.camera_id, use.spent_usd) == ("front", 1)
    assert use.committed_usd == pytest.approx(0.03 * 11)


def test_what_was_spent_in_a_day_or_month_that_is_over_counts_for_none():
    site = budget_site({"per_month_usd": 100, "per_day_usd": 10})
    yesterday = spend_of(NOW - timedelta(days=1), 50, 9)
    assert [use.spent_usd for use in budget_uses(site, yesterday, NOW)] == [50, 0]
    last_month = spend_of(NOW - timedelta(days=20), 50, 9)
    assert [use.spent_usd for use in budget_uses(site, last_month, NOW)] == [0, 0]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_is_the_sites_also_where_the_clock_changes(day, hours):
    begins = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=1 if day < "2026-04" else 2)
    site = budget_site({"per_day_usd": 10})
    spend = replace(spend_of(begins, 0, 5, standing_usd_per_hour=0.1), day=datetime.fromisoformat(day).date())
    (use,) = budget_uses(site, spend, begins)
    assert (use.until - begins, use.spent_usd) == (timedelta(hours=hours), 5)
    assert use.committed_usd == pytest.approx(0.1 * hours)
    assert budget_uses(site, spend, begins - timedelta(microseconds=1))[0].until == begins


def test_a_month_with_a_clock_change_ends_at_the_sites_midnight():
    site = budget_site({"per_month_usd": 10})
    for now, ends in (
        (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC)),
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)),
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC)),
    ):
        assert budget_uses(site, spend_of(now), now)[0].until == ends


# -- the order -------------------------------------------------------------------------------------------------------


def test_steps_come_in_their_order_after_the_notice():
    marks = [step_begins_at(step, 0.8) for step in BudgetStep]
    assert marks[0] == 0.8 and marks[-1] == pytest.approx(LAST_STEP_AT) and marks == sorted(marks)
    state, seen = BudgetState(), []
    for cents in range(7000, 10_000):
        decision = decide(spend=spend_of(NOW, cents / 100), before=state)
        state = decision.state
        seen += [(change.kind, change.before, change.after) for change in decision.changes]
    assert seen == [
        (ChangeKind.NEARS, FULL, FULL),
        (ChangeKind.GIVES_UP, FULL, SLOWER),
        (ChangeKind.GIVES_UP, SLOWER, ZONES),
        (ChangeKind.GIVES_UP, ZONES, WATCHED),
        (ChangeKind.GIVES_UP, WATCHED, KEEP),
    ]


def test_a_change_names_all_cameras_that_it_is_of_and_what_was_spent():
    (change,) = decide(spend=spend_of(NOW, 99, standing_usd_per_hour=0.001)).changes
    assert change.camera_ids == ("front", "yard")
    assert (change.cause, change.until, change.after) == (BudgetCause.SITE_MONTH, MONTH_ENDS, KEEP)
    assert (change.budget_usd, change.spent_usd) == (100, 99)
    assert change.set_aside_usd == pytest.approx(0.001 * 347)


def test_critical_cameras_give_up_after_all_others_and_only_when_the_reserve_is_used_too():
    site = budget_site({"per_month_usd": 100}, ["front", {"id": "door", "critical": True}])
    state = BudgetState()
    for usd in range(101):
        state = decide(site, spend_of(NOW, usd), state).state
        door, front = state.step_of("door", NOW), state.step_of("front", NOW)
        assert door is FULL or front is KEEP
        assert door is FULL or usd >= 80 + 0.8 * 20
        assert (door is KEEP) == (usd >= 80 + LAST_STEP_AT * 20)
        assert (front is KEEP) == (usd >= LAST_STEP_AT * 80)


def test_a_cameras_own_budget_is_its_own_and_holds_for_a_critical_one():
    site = budget_site(
        {"per_month_usd": 100},
        [{"id": "front", "critical": True, "budget": {"per_day_usd": 2}}, "yard"],
    )
    spend = spend_of(NOW, 10, 2, cameras={"front": CameraSpend(2, 5), "yard": CameraSpend(0, 5)})
    decision = decide(site, spend)
    assert steps(decision) == {"front": KEEP}
    assert decision.state.by_camera["front"].cause is BudgetCause.CAMERA_DAY
    assert decision.state.by_camera["front"].until == DAY_ENDS


def test_of_two_budgets_the_one_that_asks_for_more_holds_and_of_equals_the_longer():
    site = budget_site({"per_month_usd": 100, "per_day_usd": 10})
    for month, day, cause in ((99, 1, "site-month"), (99, 9.9, "site-month"), (90, 9.9, "site-day")):
        held = decide(site, spend_of(NOW, month, day)).state.by_camera["yard"]
        assert held.cause == cause


# -- what puts it back -----------------------------------------------------------------------------------------------


def test_a_share_that_trembles_at_a_mark_changes_nothing_again():
    mark = 100 * step_begins_at(ZONES, 0.8)
    state = decide(spend=spend_of(NOW, mark + 0.1)).state
    for usd in (mark - 0.1, mark + 0.1, mark - 100 * HYSTERESIS + 0.1):
        decision = decide(spend=spend_of(NOW, usd), before=state)
        assert decision == Decision(state)
    lifted = decide(spend=spend_of(NOW, mark - 100 * HYSTERESIS - 0.1), before=state)
    assert steps(lifted) == {"front": SLOWER, "yard": SLOWER}
    (change,) = lifted.changes
    assert (change.kind, change.cause) == (ChangeKind.TAKES_BACK, BudgetCause.SITE_MONTH)


def test_a_new_month_puts_everything_back():
    state = decide(spend=spend_of(NOW, 99)).state
    decision = decide(spend=spend_of(NOW, 99), before=state, now=MONTH_ENDS)
    assert decision.state.by_camera == {} and decision.state.noticed == frozenset()
    (change,) = decision.changes
    assert (change.kind, change.before, change.after) == (ChangeKind.TAKES_BACK, KEEP, FULL)


def test_a_raised_budget_and_one_that_is_taken_away_put_everything_back():
    state = decide(spend=spend_of(NOW, 99)).state
    for site in (budget_site({"per_month_usd": 200}), budget_site()):
        decision = decide(site, spend_of(NOW, 99), state)
        assert steps(decision) == {}
        assert [change.cause for change in decision.changes] == [BudgetCause.SITE_MONTH]


def test_a_step_ends_by_itself_though_nobody_decides_any_more():
    state = decide(spend=spend_of(NOW, 99)).state
    assert state.step_of("front", MONTH_ENDS - timedelta(seconds=1)) is KEEP
    assert state.step_of("front", MONTH_ENDS) is FULL


def test_while_the_spending_is_not_known_what_was_decided_holds_until_its_time():
    state = decide(spend=spend_of(NOW, 99)).state
    later = NOW + timedelta(days=1)
    assert decide_budget(state, None, (), SITE, later) == Decision(state)
    assert decide_budget(state, None, (), SITE, MONTH_ENDS).state.by_camera == {}


def test_the_time_of_a_step_is_when_the_camera_came_to_it():
    state = decide(spend=spend_of(NOW, 99)).state
    later = NOW + timedelta(hours=1)
    again = decide(spend=spend_of(later, 99.5), before=state, now=later).state
    assert again.by_camera["front"].since == NOW


# -- notices ---------------------------------------------------------------------------------------------------------


def test_a_budget_is_noticed_once_in_a_period_and_again_in_the_next():
    state, notices = BudgetState(), []
    for hours in range(0, 24 * 40, 6):
        now = NOW + timedelta(hours=hours)
        decision = decide(spend=spend_of(now, 82), before=state, now=now)
        state, notices = decision.state, [*notices, *decision.changes]
    assert [(n.kind, n.until) for n in notices] == [
        (ChangeKind.NEARS, MONTH_ENDS),
        (ChangeKind.NEARS, datetime(2026, 12, 31, 23, tzinfo=UTC)),
    ]
    assert notices[0].camera_ids == ("front", "yard")


def test_a_share_that_trembles_at_the_notice_is_noticed_once_and_again_after_it_has_fallen():
    state, noticed = BudgetState(), 0
    for usd in (81, 79, 81, 76, 81, 74, 81):
        decision = decide(spend=spend_of(NOW, usd), before=state)
        state, noticed = decision.state, noticed + len(decision.changes)
    assert noticed == 2


def test_a_step_that_is_taken_at_once_needs_no_notice():
    assert [c.kind for c in decide(spend=spend_of(NOW, 97)).changes] == [ChangeKind.GIVES_UP]
    assert [c.kind for c in decide(spend=spend_of(NOW, 79)).changes] == []


# -- what an administrator sets --------------------------------------------------------------------------------------


def pin(camera_id: str | None, step: BudgetStep, hours: float = 2) -> BudgetPin:
    return BudgetPin(camera_id, step, NOW + timedelta(hours=hours), "user:1", "maria", NOW)


def test_what_an_administrator_sets_holds_whatever_the_budget_says_and_a_cameras_own_first():
    pins = [pin(None, FULL), pin("yard", ZONES, 1)]
    decision = decide(spend=spend_of(NOW, 99), pins=pins)
    assert steps(decision) == {"front": FULL, "yard": ZONES}
    assert {held.cause for held in decision.state.by_camera.values()} == {BudgetCause.SET}
    assert decision.state.by_camera["yard"].until == NOW + timedelta(hours=1)
    later = NOW + timedelta(hours=1)
    assert steps(decide(spend=spend_of(later, 99), before=decision.state, pins=pins, now=later)) == {
        "front": FULL,
        "yard": FULL,
    }
    end = NOW + timedelta(hours=2)
    over = decide(spend=spend_of(end, 99), before=decision.state, pins=pins, now=end)
    assert steps(over) == {"front": KEEP, "yard": KEEP}


def test_what_an_administrator_sets_and_ends_is_a_change_of_its_own_cause():
    set_, (change,) = (d := decide(pins=[pin(None, KEEP)])).state, d.changes
    assert (change.kind, change.cause, change.budget_usd) == (ChangeKind.GIVES_UP, BudgetCause.SET, None)
    ended = decide(before=set_, pins=[replace(pin(None, KEEP), until=NOW)])
    (change,) = ended.changes
    assert (change.kind, change.cause) == (ChangeKind.TAKES_BACK, BudgetCause.SET)
    lifted = decide(spend=spend_of(NOW, 99), before=decide(spend=spend_of(NOW, 99)).state, pins=[pin(None, FULL)])
    assert [(c.kind, c.cause) for c in lifted.changes] == [(ChangeKind.TAKES_BACK, BudgetCause.SET)]


def test_a_step_that_is_set_needs_no_spending_and_no_budget():
    decision = decide_budget(BudgetState(), None, [pin("front", SLOWER)], budget_site(), NOW)
    assert steps(decision) == {"front": SLOWER}


# -- whatever happens ------------------------------------------------------------------------------------------------


@given(
    usd=st.lists(st.floats(0, 200), min_size=1, max_size=12),
    hours=st.lists(st.floats(0, 100), min_size=12, max_size=12),
    critical=st.booleans(),
)
def test_whatever_is_spent_a_decision_is_made_once_and_no_step_outlives_its_period(usd, hours, critical):
    site = budget_site({"per_month_usd": 100, "per_day_usd": 50}, ["front", {"id": "door", "critical": critical}])
    state, now = BudgetState(), NOW
    for amount, after in zip(usd, hours, strict=False):
        now += timedelta(hours=after)
        spend = spend_of(now, amount, amount / 3)
        decision = decide(site, spend, state, now=now)
        state = decision.state
        assert decide(site, spend, state, now=now) == Decision(state)
        assert all(now < held.until <= now + timedelta(days=32) for held in state.by_camera.values())
        if critical:
            assert state.step_of("door", now) <= state.step_of("front", now)
