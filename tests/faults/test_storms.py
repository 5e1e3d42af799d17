"""Storms over the whole pipeline, each from its seed; `python -m tests.faults.chaos --seed N` gives one again."""

from collections import Counter

import pytest

from framewatch.wire.site_file import load_site_text
from tests.faults.chaos import check_flat, run_storms
from tests.faults.plan import Plan
from tests.faults.recorded import site_text
from tests.faults.storm import Outcome, StormBroke

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


def test_half_of_a_storms_site_file_is_a_valid_one_that_tells_nobody():
    text = site_text().encode()
    half = load_site_text(text[: len(text) // 2], "half.yaml")
    assert half.cameras and not half.watch_words
    assert load_site_text(text, "whole.yaml").watch_words


def test_the_plan_of_a_seed_is_always_the_same():
    assert Plan.of(17) == Plan.of(17) != Plan.of(18)


MIB = 1 << 20


def outcome(seed, function=(7, 90 * MIB, 30), reader=(8, 60 * MIB, 15), files=20, box_files=6):
    return Outcome(seed, 54, 10.0, Counter(), 0, 0, 0, files, function, reader, [70 * MIB, box_files])


@pytest.mark.parametrize(
    ("what", "grown"),
    [
        ("files of this process", lambda n: {"files": 20 + n}),
        ("files of the box", lambda n: {"box_files": 6 + n}),
        ("files of the function", lambda n: {"function": (7, 90 * MIB, 30 + n)}),
        ("memory of the function", lambda n: {"function": (7, (90 + 3 * n) * MIB, 30)}),
        ("files of the event source", lambda n: {"reader": (8, 60 * MIB, 15 + n)}),
        ("memory of the event source", lambda n: {"reader": (8, (60 + 2 * n) * MIB, 15)}),
    ],
)
def test_what_grows_from_storm_to_storm_is_named(what, grown):
    check_flat([outcome(n) for n in range(50)])
    with pytest.raises(StormBroke, match=what):
        check_flat([outcome(n, **grown(n)) for n in range(50)])


def test_processes_that_were_killed_are_not_compared_with_those_after_them():
    check_flat([outcome(n, function=(n // 10, (90 + 40 * (n // 10)) * MIB, 30)) for n in range(50)])
