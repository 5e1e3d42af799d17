"""What is told of the budget's steps, and to whom."""

from dataclasses import replace
from datetime import timedelta

from framewatch.domain.access import Caller, Role
from framewatch.domain.budget import BudgetCause, BudgetChange, BudgetPin, BudgetStep, ChangeKind
from framewatch.services.callers_site import CallersSite
from framewatch.services.set_budget import SetBudgetDeps
from framewatch.services.show_budget import show_budget
from framewatch.wire.api_budget import BudgetView
from tests.budget_fakes import FakeBudgetTable
from tests.fakes import NOON, FakeClock, FakeSite, make_site

HOUR = timedelta(hours=1)
ADA = Caller("ada-id", Role.ADMIN, "ada")
BEA = Caller("bea-id", Role.OPERATOR, "bea", frozenset({"shop"}))
SITE = FakeSite(make_site(cameras=[{"id": "front", "group": "shop"}, {"id": "yard", "group": "home"}]))


def ask(table: FakeBudgetTable, caller: Caller = ADA) -> BudgetView:
    return show_budget(SetBudgetDeps(CallersSite(SITE, caller), table, FakeClock(NOON)), caller)


def pin(camera_id: str | None, hours: float) -> BudgetPin:
    return BudgetPin(camera_id, BudgetStep.FULL, NOON + hours * HOUR, ADA.by, "ada", NOON - HOUR)


def change(*camera_ids: str, cause: BudgetCause = BudgetCause.SITE_MONTH) -> BudgetChange:
    full, slower = BudgetStep.FULL, BudgetStep.SLOWER
    return BudgetChange(NOON, ChangeKind.GIVES_UP, cause, camera_ids, full, slower, NOON + HOUR, 60.0, 50.0, 4.0)


def test_what_is_set_is_told_while_it_holds_that_for_all_first_and_by_whom() -> None:
    table = FakeBudgetTable(set_by={"yard": pin("yard", 1), "front": pin("front", 0), None: pin(None, 2)})
    found = ask(table).set
    assert [(p.camera, p.step.value, p.name, p.is_you) for p in found] == [
        (None, "full", "ada", True),
        ("yard", "full", "ada", True),
    ]


def test_who_may_see_some_cameras_is_told_of_these_and_no_amount_of_the_site() -> None:
    own = change("front", cause=BudgetCause.CAMERA_DAY)
    both = change("front", "yard")
    table = FakeBudgetTable(
        set_by={"yard": pin("yard", 1), None: pin(None, 1)},
        decisions=[(replace(both, camera_ids=("yard",)),), (both,), (own,)],
    )
    found = ask(table, BEA)
    assert [p.camera for p in found.set] == [None]
    assert [(c.cameras, c.spent_usd) for c in found.changes] == [(("front",), 50.0), (("front",), None)]
    assert [(c.cameras, c.spent_usd) for c in ask(table).changes] == [
        (("front",), 50.0),
        (("front", "yard"), 50.0),
        (("yard",), 50.0),
    ]
