"""Storms over the whole pipeline, each from its seed; `python -m tests.faults.chaos --seed N` gives one again."""

import pytest

from tests.faults.chaos import run_storms
from tests.faults.plan import Plan

# Box, function and event source are killed, a clock is an hour off, batches come twice and in another order.
QUICK = (23,)
LONG = range(1, 51)


@pytest.mark.slow
def test_a_storm_loses_nothing_and_tells_nobody_twice():
    outcomes = run_storms(QUICK, boxes=False)
    assert all(outcome.faults for outcome in outcomes)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_fifty_storms_lose_nothing_and_leave_nothing_behind():
    outcomes = run_storms(LONG)
    assert len(outcomes) == len(LONG)


def test_fifty_seeds_have_every_kind_of_fault():
    plans = [Plan.of(seed) for seed in LONG]
    for kind in (
        "outages",
        "edge_kills_at",
        "function_kills_at",
        "event_source_kills_at",
        "clock_jump_s",
        "edge_clock_jump_s",
        "small_spool",
        "redelivered",
    ):
        assert any(getattr(plan, kind) for plan in plans), kind
    assert any(plan.disk_fails[1] for plan in plans)
    assert {plan.clock_jump_s for plan in plans} == {0.0, 3600.0, -3600.0}


def test_the_plan_of_a_seed_is_always_the_same():
    assert Plan.of(17) == Plan.of(17) != Plan.of(18)
