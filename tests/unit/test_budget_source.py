"""How the image processor learns of the budget's steps."""

from datetime import timedelta

import pytest

from framewatch.domain.budget import BudgetCause, BudgetState, BudgetStep, CameraStep
from framewatch.domain.errors import StorageUnavailable
from framewatch.services.budget_source import TableBudget
from tests.budget_fakes import FakeBudgetTable
from tests.fakes import FakeClock
from tests.frames import NOON

KEEP_ONLY = BudgetState(
    {"front": CameraStep(BudgetStep.KEEP_ONLY, BudgetCause.SITE_MONTH, NOON, NOON + timedelta(hours=1))}, NOON
)


def source() -> tuple[TableBudget, FakeBudgetTable, FakeClock]:
    table, clock = FakeBudgetTable(), FakeClock()
    return TableBudget(table, clock), table, clock


def test_a_step_holds_within_half_a_minute_and_is_read_no_more_often() -> None:
    budget, table, clock = source()
    assert budget.current() == BudgetState()
    table.stored = KEEP_ONLY
    clock.advance(29)
    assert budget.current() == BudgetState()
    clock.advance(1)
    assert budget.current() == KEEP_ONLY
    assert table.faults.steps.count("before budget state") == 2


def test_a_clock_that_was_set_back_keeps_no_old_step() -> None:
    budget, table, clock = source()
    budget.current()
    table.stored = KEEP_ONLY
    clock.advance(-3600)
    assert budget.current() == KEEP_ONLY


def test_while_the_table_cannot_be_read_the_last_known_step_holds_and_at_first_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    budget, table, clock = source()
    table.faults.on("budget state", StorageUnavailable("table down"))
    assert budget.current() == BudgetState()
    assert "going on as before: table down" in caplog.text
    table.stored = KEEP_ONLY
    clock.advance(30)
    assert budget.current() == KEEP_ONLY
    table.faults.on("budget state", StorageUnavailable("table down"))
    clock.advance(60)
    assert budget.current() == KEEP_ONLY
