"""VisitTable: memory and DynamoDB keep the same promises."""

from dataclasses import replace
from typing import Any

import pytest

from framewatch.domain.alert_settings import WATCH_RULE_ID
from framewatch.domain.alerts import OpenAlert
from framewatch.domain.errors import WriteConflict
from framewatch.domain.path import PathPoint
from framewatch.domain.rule_state import RecentAlert, RuleState
from framewatch.domain.visits import AlertClaim, AlertState, Reason, RuleProgress, Withheld, add_sightings
from framewatch.services.ports import MAX_WRITES, Decided
from tests.aws import all_items
from tests.tables import (
    DUE,
    EXPIRES,
    GAP,
    Tables,
    at,
    at_once,
    claim,
    in_dynamodb,
    joining,
    kinds,
    seen,
)


def test_an_opened_visit_is_read_back_whole_and_its_frame_is_counted(tables: Tables) -> None:
    (change,) = tables.count(seen(0))
    assert tables.near(0, 0) == [replace(change.after, version=1)]
    counted = tables.visits.counted
    assert counted([seen(0).frame_id, seen(1).frame_id], "Person") == {seen(0).frame_id}
    assert counted([seen(0).frame_id], "person") == {seen(0).frame_id}  # case does not count
    assert counted([seen(0).frame_id], "Car") == set()
    assert counted([], "Person") == set()


def test_what_rules_have_said_and_where_the_objects_were_is_read_back(tables: Tables) -> None:
    (opened,) = add_sightings("front", "Person", [], [seen(0)], GAP)
    withheld = {
        Reason.TOO_SMALL: Withheld(3, at(0), at(2.000001), 71.25),
        Reason.QUIET_HOURS: Withheld(1, at(3), at(3), 99.0),
    }
    rules = {"watch": RuleProgress(4, withheld), "night": RuleProgress()}
    path = (
        PathPoint("front.b.1", at(0.5), ()),
        PathPoint("front.b.2", at(1), ((0.001, 0.1, 0.999, 1.0), (0.0, 0.333, 0.5, 0.667))),
    )
    tables.visits.apply(replace(opened, after=replace(opened.after, rules=rules, path=path)), Decided(), EXPIRES)
    (visit,) = tables.near(0, 0)
    assert visit == replace(opened.after, rules=rules, path=path, version=1)


def test_visits_within_the_gap_are_near_and_no_others(tables: Tables) -> None:
    for start in range(0, 2000, 100):
        tables.count(seen(start))
    assert [v.first_seen for v in tables.near(530, 570)] == [at(500), at(600)]
    assert [v.first_seen for v in tables.near(530.5, 569.5)] == []
    assert [v.first_seen for v in tables.near(500, 1500)] == [at(s) for s in range(500, 1501, 100)]
    assert tables.near(500, 500, label="Car") == []


def test_a_late_frame_moves_the_start_and_keeps_the_id(tables: Tables) -> None:
    (opened,) = tables.count(seen(20))
    tables.count(seen(0))
    (visit,) = tables.near(0, 0)
    assert (visit.visit_id, visit.first_seen, visit.frame_count) == (opened.after.visit_id, at(0), 2)


def test_a_frame_between_two_visits_joins_them(tables: Tables) -> None:
    tables.count(seen(0))
    tables.count(seen(50, confidence=99))
    assert len(tables.near(0, 50)) == 2
    tables.count(seen(25))
    (visit,) = tables.near(0, 50)
    assert (visit.first_seen, visit.last_seen, visit.frame_count) == (at(0), at(50), 3)
    assert visit.best == seen(50, confidence=99)


def test_a_change_of_an_older_version_writes_nothing(tables: Tables) -> None:
    tables.count(seen(0))
    old = tables.near(0, 0)
    tables.count(seen(1))
    (change,) = add_sightings("front", "Person", old, [seen(2)], GAP)
    with pytest.raises(WriteConflict):
        tables.visits.apply(change, Decided(), EXPIRES)
    assert tables.visits.counted([seen(2).frame_id], "Person") == set()
    assert tables.near(0, 0)[0].frame_count == 2
    assert tables.days()[0].frame_count == 2


def test_a_frame_that_is_counted_cannot_be_counted_again(tables: Tables) -> None:
    tables.count(seen(0))
    (change,) = add_sightings("front", "Person", tables.near(0, 0), [seen(0)], GAP)
    with pytest.raises(WriteConflict):
        tables.visits.apply(change, Decided(), EXPIRES)
    assert tables.near(0, 0)[0].frame_count == 1


def test_two_that_open_the_same_visit_are_one(tables: Tables) -> None:
    (change,) = add_sightings("front", "Person", [], [seen(0)], GAP)
    tables.visits.apply(change, Decided(), EXPIRES)
    with pytest.raises(WriteConflict):
        tables.visits.apply(change, Decided(), EXPIRES)


def test_of_50_that_claim_a_visit_at_once_one_wins(tables: Tables) -> None:
    tables.count(seen(0))
    known = tables.near(0, 0)

    def claim_it(n: int) -> str:
        (more,) = add_sightings("front", "Person", known, [seen(1 + n / 10)], GAP)
        change, alert = claim(more)
        tables.visits.apply(change, Decided((alert,), DUE), EXPIRES)
        return "won"

    outcomes = at_once(50, claim_it)
    assert outcomes.count("won") == 1 and kinds(outcomes) == {"won", WriteConflict}
    (visit,) = tables.near(0, 1)
    assert (visit.frame_count, visit.version) == (2, 2)
    assert len(tables.alerts.open_work()[0]) == 1


def test_a_change_of_as_many_items_as_fit_is_written_and_one_more_is_refused(tables: Tables) -> None:
    """22 sightings join 23 visits: 22 marks, 22 visits and their copies that go, the visit, its copy, its alert."""
    for n in range(23):
        tables.count(seen(n * 60))
    between = [seen(n * 60 + 30) for n in range(22)]
    (change,) = add_sightings("front", "Person", tables.near(0, 23 * 60), between, GAP)
    changed, alert = claim(change)
    spare = MAX_WRITES - (22 + 2 * 22 + 2 + 2)
    states = tuple(RuleState(f"rule-{n}", "front") for n in range(spare + 1))
    with pytest.raises(ValueError, match="a change of 101 items; at most 100"):
        tables.visits.apply(changed, Decided((alert,), DUE, states=states), EXPIRES)
    assert len(tables.near(0, 23 * 60)) == 23
    tables.visits.apply(changed, Decided((alert,), DUE, states=states[:spare]), EXPIRES)
    (visit,) = tables.near(0, 23 * 60)
    assert visit.frame_count == 45
    assert tables.days() == [replace(visit, path=())]
    assert len(tables.alerts.rule_states()) == spare


def test_a_visit_has_one_alert_of_a_rule(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    (more,) = add_sightings("front", "Person", tables.near(0, 0), [seen(1)], GAP)
    with pytest.raises(WriteConflict):
        tables.visits.apply(more, Decided((alert,), DUE), EXPIRES)


# -- what was decided ------------------------------------------------------------------------------------------------


def test_an_alert_is_written_with_its_visit_and_is_work_from_then_on(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    (visit,) = tables.near(0, 0)
    assert visit.alerts == {WATCH_RULE_ID: AlertClaim(seen(0).frame_id, AlertState.CLAIMED, alert.alert_id)}
    assert tables.alerts.get(alert.ref) == alert
    assert tables.alerts.open_work() == ([OpenAlert(alert.ref, DUE)], [])


def test_an_alert_that_nobody_would_send_after_a_crash_is_refused(tables: Tables) -> None:
    (opened,) = add_sightings("front", "Person", [], [seen(0)], GAP)
    change, alert = claim(opened)
    with pytest.raises(ValueError, match="due_at"):
        tables.visits.apply(change, Decided((alert,)), EXPIRES)
    assert tables.near(0, 0) == []


def test_a_visit_that_joins_an_incident_is_told_to_its_alert(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    for n in (5, 10):
        sighting = seen(n, camera_id=f"yard-{n}")
        (opened,) = add_sightings(f"yard-{n}", "Person", [], [sighting], GAP)
        joins = ((alert.ref, joining(alert, sighting, f"yard-{n}")),)
        tables.visits.apply(opened, Decided(joins=joins), EXPIRES)
    joined = [joining(alert, seen(n, camera_id=f"yard-{n}"), f"yard-{n}") for n in (5, 10)]
    assert tables.alerts.get(alert.ref) == replace(alert, joined={j.visit_id: j for j in joined})


def test_a_visit_cannot_join_an_alert_that_is_not_there(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    (opened,) = add_sightings("yard", "Person", [], [seen(5, camera_id="yard")], GAP)
    nowhere = replace(alert.ref, alert_id="another/watch")
    with pytest.raises(WriteConflict):
        tables.visits.apply(opened, Decided(joins=((nowhere, joining(alert, seen(5))),)), EXPIRES)
    assert tables.near(0, 5, camera_id="yard") == []
    assert tables.alerts.get(nowhere) is None


def test_of_two_that_decide_by_the_same_state_the_second_writes_nothing(tables: Tables) -> None:
    state = RuleState("watch", "group:doors")
    recent = RecentAlert("front", "Person", "v-1", at(0), "v-1/watch", "front", at(0))
    (front,) = add_sightings("front", "Person", [], [seen(0)], GAP)
    (yard,) = add_sightings("yard", "Person", [], [seen(1, camera_id="yard")], GAP)
    tables.visits.apply(front, Decided(states=(state.with_recent(recent),)), EXPIRES)
    change, alert = claim(yard)
    with pytest.raises(WriteConflict):
        tables.visits.apply(change, Decided((alert,), DUE, states=(state.with_recent(recent),)), EXPIRES)
    assert tables.near(0, 1, camera_id="yard") == []
    assert tables.alerts.get(alert.ref) is None and tables.alerts.open_work() == ([], [])
    read = tables.alerts.rule_state("watch", "group:doors")
    assert read == replace(state.with_recent(recent), version=1)
    tables.visits.apply(change, Decided((alert,), DUE, states=(read.with_recent(recent),)), EXPIRES)
    assert tables.alerts.rule_state("watch", "group:doors").version == 2


# -- by day ----------------------------------------------------------------------------------------------------------


def test_visits_of_a_day_are_listed_newest_first_without_their_path(tables: Tables) -> None:
    (opened,) = add_sightings("front", "Person", [], [seen(0)], GAP)
    path = (PathPoint("front.b.1", at(0), ((0.1, 0.1, 0.2, 0.2),)),)
    tables.visits.apply(replace(opened, after=replace(opened.after, path=path)), Decided(), EXPIRES)
    tables.count(seen(60), label="Car")
    tables.count(seen(30), camera_id="yard")
    tables.count(seen(13 * 3600))  # past midnight, in UTC
    assert [(v.label, v.first_seen, v.path) for v in tables.days()] == [
        ("Car", at(60), ()),
        ("Person", at(0), ()),
    ]
    assert [v.first_seen for v in tables.days(day="2026-03-15")] == [at(13 * 3600)]
    assert tables.days(day="2026-03-13") == []


def test_a_list_goes_on_below_a_sort_key_whatever_the_label_holds(tables: Tables) -> None:
    labels = ["Person", "a#b", "~", "\U0001f600", "front#2026-03-14", "{", "\uffff"]
    for label in labels:
        tables.count(seen(0), label=label)
    whole = list(tables.visits.newest_first("front", "2026-03-14", page=2))
    assert sorted(v.label for _, v in whole) == sorted(labels)
    for n, (key, _) in enumerate(whole):
        assert list(tables.visits.newest_first("front", "2026-03-14", before_sk=key)) == whole[n + 1 :]
    for label in labels:
        assert [v.label for v in tables.near(0, 0, label=label)] == [label]


def test_a_visit_whose_start_moves_is_listed_once_under_its_new_day(tables: Tables) -> None:
    midnight = 12 * 3600
    tables.count(seen(midnight + 5))
    assert len(tables.days(day="2026-03-15")) == 1
    tables.count(seen(midnight - 5))
    assert tables.days(day="2026-03-15") == []
    assert tables.days() == tables.near(midnight, midnight)


def test_visits_that_join_are_listed_as_one(tables: Tables) -> None:
    tables.count(seen(0))
    tables.count(seen(50))
    assert len(tables.days()) == 2
    tables.count(seen(25))
    assert tables.days() == tables.near(0, 50) and len(tables.days()) == 1


# -- in DynamoDB -----------------------------------------------------------------------------------------------------


def test_everything_in_the_table_expires(dynamodb: Any) -> None:
    tables = in_dynamodb(dynamodb)
    alert = tables.open_with_alert(seen(0))
    tables.alerts.finish(alert, AlertState.SENT)
    (change,) = add_sightings("yard", "Person", [], [seen(5, camera_id="yard")], GAP)
    decided = Decided(joins=((alert.ref, joining(alert, seen(5))),), states=(RuleState("watch", "front"),))
    tables.visits.apply(change, decided, EXPIRES)
    assert {i["expires_at"]["N"] for i in all_items(dynamodb)} == {str(int(EXPIRES.timestamp()))}
    assert sorted(i["pk"]["S"].partition("#")[0] for i in all_items(dynamodb)) == [
        "A",
        "OPEN",
        "R",
        "SEEN",
        "SEEN",
        "V",
        "V",
        "VD",
        "VD",
    ]


def test_reading_what_is_near_costs_one_request_whatever_the_history(dynamodb: Any) -> None:
    tables = in_dynamodb(dynamodb)
    for n in range(40):
        tables.count(seen(n * 100))
    queries: list[Any] = []
    dynamodb.meta.events.register("before-parameter-build.dynamodb.Query", lambda **k: queries.append(k))
    assert len(tables.near(3900, 3901)) == 1
    assert len(queries) == 1


def test_the_next_page_is_asked_for_when_it_is_read(dynamodb: Any) -> None:
    tables = in_dynamodb(dynamodb)
    for n in range(10):
        tables.count(seen(n * 100))
    queries: list[Any] = []
    dynamodb.meta.events.register("before-parameter-build.dynamodb.Query", lambda **k: queries.append(k))
    found = tables.visits.newest_first("front", "2026-03-14", page=3)
    assert [next(found)[1].first_seen for _ in range(3)] == [at(900), at(800), at(700)]
    assert len(queries) == 1


def test_a_path_of_boxes_is_stored_in_thousandths(dynamodb: Any) -> None:
    tables = in_dynamodb(dynamodb)
    (opened,) = add_sightings("front", "Person", [], [seen(0)], GAP)
    path = (PathPoint("front.b.1", at(0), ((0.12345, 0.1, 0.2, 0.99999),)),)
    tables.visits.apply(replace(opened, after=replace(opened.after, path=path)), Decided(), EXPIRES)
    (visit,) = tables.near(0, 0)
    assert visit.path == (PathPoint("front.b.1", at(0), ((0.123, 0.1, 0.2, 1.0),)),)
