"""AlertTable: what rules remember and how many texts went out; memory and DynamoDB keep the same promises."""

from dataclasses import replace
from datetime import date

import pytest

from framewatch.domain.errors import WriteConflict
from framewatch.domain.limits import LimitState
from framewatch.domain.rule_state import RecentAlert, RuleState
from tests.tables import EXPIRES, Tables, at, at_once, counted, kinds, seen


def test_the_state_of_a_rule_is_kept_by_rule_and_scope_under_its_version(tables: Tables) -> None:
    assert tables.alerts.rule_state("watch", "front") == RuleState("watch", "front")
    recent = RecentAlert("front", "Person", "v-1", at(0), "v-0/watch", "yard", at(-1), told=False)
    state = replace(RuleState("watch", "front").with_recent(recent), snoozed_until=at(1800), snoozed_by="user:abc")
    tables.alerts.put_rule_state(state, EXPIRES)
    first = replace(state, version=1)
    assert tables.alerts.rule_state("watch", "front") == first
    with pytest.raises(WriteConflict):
        tables.alerts.put_rule_state(state, EXPIRES)
    tables.alerts.put_rule_state(replace(first, snoozed_until=None, snoozed_by=None), EXPIRES)
    with pytest.raises(WriteConflict):
        tables.alerts.put_rule_state(first, EXPIRES)
    tables.alerts.put_rule_state(RuleState("night", "group:front"), EXPIRES)
    assert tables.alerts.rule_states() == [
        RuleState("night", "group:front", version=1),
        replace(first, snoozed_until=None, snoozed_by=None, version=2),
    ]


def test_the_limits_are_read_back_whole_and_kept_under_their_version(tables: Tables) -> None:
    assert tables.alerts.limit_state() == LimitState()
    state = LimitState(
        texted_at={"ana": (at(0), at(1.000001)), "bo-2": (at(5),)},
        digest_at={"ana": at(900)},
        texts_by_day={date(2026, 3, 14): 3, date(2026, 3, 13): 100},
        micro_usd_by_month={date(2026, 3, 1): 8_240_000},
    )
    tables.alerts.put_limit_state(state, EXPIRES)
    assert tables.alerts.limit_state() == replace(state, version=1)
    with pytest.raises(WriteConflict):
        tables.alerts.put_limit_state(state, EXPIRES)
    tables.alerts.put_limit_state(LimitState(version=1), EXPIRES)
    assert tables.alerts.limit_state() == LimitState(version=2)


def test_a_text_is_counted_once_for_a_contact_and_alert(tables: Tables) -> None:
    alert, other = tables.open_with_alert(seen(0)), tables.open_with_alert(seen(60))
    assert tables.alerts.reserve(alert, "ana", counted("ana"), EXPIRES)
    assert tables.stored(alert).reserved == {"ana"}
    assert not tables.alerts.reserve(alert, "ana", counted("ana", "bo-2", version=1), EXPIRES)
    assert tables.alerts.limit_state() == counted("ana", version=1)
    assert tables.alerts.reserve(alert, "bo-2", counted("bo-2", version=1), EXPIRES)
    assert tables.alerts.reserve(other, "ana", counted(version=2), EXPIRES)
    assert tables.alerts.limit_state().version == 3
    assert tables.stored(alert).reserved == {"ana", "bo-2"}


def test_a_text_counted_in_limits_that_have_moved_is_not_counted_at_all(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    tables.alerts.put_limit_state(counted("cy"), EXPIRES)
    with pytest.raises(WriteConflict):
        tables.alerts.reserve(alert, "ana", counted("ana"), EXPIRES)
    assert tables.alerts.limit_state() == counted("cy", version=1)
    assert tables.alerts.reserve(alert, "ana", counted("ana", version=1), EXPIRES)


def test_of_50_that_count_the_same_text_at_once_one_wins(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    outcomes = at_once(50, lambda _: tables.alerts.reserve(alert, "ana", counted("ana"), EXPIRES))
    assert outcomes.count(True) == 1 and kinds(outcomes) <= {True, False}
    assert tables.alerts.limit_state().version == 1


def test_of_50_that_count_texts_in_the_same_limits_one_wins(tables: Tables) -> None:
    alerts = [tables.open_with_alert(seen(n * 60)) for n in range(50)]
    outcomes = at_once(50, lambda n: tables.alerts.reserve(alerts[n], "ana", counted("ana"), EXPIRES))
    assert outcomes.count(True) == 1 and kinds(outcomes) == {True, WriteConflict}
    assert sum(len(tables.stored(alert).reserved) for alert in alerts) == 1
