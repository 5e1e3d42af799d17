"""VisitTable: the fake and DynamoDB keep the same promises."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.alerts import WATCH_RULE_ID, Alert, Delivery, DeliveryState, alert_id_for
from framewatch.domain.errors import WriteConflict
from framewatch.domain.frames import make_frame_id
from framewatch.domain.visits import AlertClaim, AlertState, Visit, VisitChange, VisitSighting, add_sightings
from framewatch.services.ports import VisitTable
from tests.aws import TABLE, all_items
from tests.fakes import FakeVisits
from tests.frames import BOOT, NOON

GAP = timedelta(seconds=30)
EXPIRES = NOON + timedelta(days=90)


@pytest.fixture(params=["memory", "aws"])
def table(request: pytest.FixtureRequest) -> VisitTable:
    if request.param == "memory":
        return FakeVisits()
    return DynamoVisitTable(DynamoTable(request.getfixturevalue("dynamodb"), TABLE))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def seen(seconds: float, confidence: float = 90.0) -> VisitSighting:
    frame_id = make_frame_id("front", BOOT, round((seconds + 1_000_000) * 10))
    return VisitSighting(frame_id, at(seconds), confidence, (0.1, 0.2, 0.3, 0.4))


def near(table: VisitTable, first: float, last: float, label: str = "Person") -> list[Visit]:
    return table.near("front", label, at(first), at(last), GAP)


def count(table: VisitTable, *sightings: VisitSighting, label: str = "Person") -> list[VisitChange]:
    """Count them without an alert."""
    first, last = min(s.captured_at for s in sightings), max(s.captured_at for s in sightings)
    changes = add_sightings("front", label, table.near("front", label, first, last, GAP), sightings, GAP)
    for change in changes:
        table.apply(change, None, EXPIRES)
    return changes


def claim(change: VisitChange) -> tuple[VisitChange, Alert]:
    sighting = change.sightings[0]
    alert = Alert(
        alert_id=alert_id_for(change.after.visit_id, WATCH_RULE_ID),
        rule_id=WATCH_RULE_ID,
        visit_id=change.after.visit_id,
        camera_id="front",
        label=change.after.label,
        confidence=sighting.confidence,
        frame_id=sighting.frame_id,
        captured_at=sighting.captured_at,
        decided_at=NOON,
        contact_ids=("ana", "bo-2"),
        text="somebody at the door",
    )
    claims = {WATCH_RULE_ID: AlertClaim(sighting.frame_id, AlertState.CLAIMED, alert.alert_id)}
    return replace(change, after=replace(change.after, alerts=claims)), alert


def open_with_alert(table: VisitTable, sighting: VisitSighting) -> Alert:
    (opened,) = add_sightings("front", "Person", [], [sighting], GAP)
    change, alert = claim(opened)
    table.apply(change, alert, EXPIRES)
    return alert


def test_an_opened_visit_is_read_back_whole_and_its_frame_is_counted(table: VisitTable) -> None:
    (change,) = count(table, seen(0))
    assert near(table, 0, 0) == [replace(change.after, version=1)]
    assert table.counted([seen(0).frame_id, seen(1).frame_id], "Person") == {seen(0).frame_id}
    assert table.counted([seen(0).frame_id], "person") == {seen(0).frame_id}  # case does not count
    assert table.counted([seen(0).frame_id], "Car") == set()
    assert table.counted([], "Person") == set()


def test_visits_within_the_gap_are_near_and_no_others(table: VisitTable) -> None:
    for start in range(0, 2000, 100):
        count(table, seen(start))
    assert [v.first_seen for v in near(table, 530, 570)] == [at(500), at(600)]
    assert [v.first_seen for v in near(table, 530.5, 569.5)] == []
    assert [v.first_seen for v in near(table, 500, 1500)] == [at(s) for s in range(500, 1501, 100)]
    assert near(table, 500, 500, label="Car") == []


def test_a_late_frame_moves_the_start_and_keeps_the_id(table: VisitTable) -> None:
    (opened,) = count(table, seen(20))
    count(table, seen(0))
    (visit,) = near(table, 0, 0)
    assert (visit.visit_id, visit.first_seen, visit.frame_count) == (opened.after.visit_id, at(0), 2)


def test_a_frame_between_two_visits_joins_them(table: VisitTable) -> None:
    count(table, seen(0))
    count(table, seen(50, confidence=99))
    assert len(near(table, 0, 50)) == 2
    count(table, seen(25))
    (visit,) = near(table, 0, 50)
    assert (visit.first_seen, visit.last_seen, visit.frame_count) == (at(0), at(50), 3)
    assert visit.best == seen(50, confidence=99)


def test_a_change_of_an_older_version_writes_nothing(table: VisitTable) -> None:
    count(table, seen(0))
    old = near(table, 0, 0)
    count(table, seen(1))
    (change,) = add_sightings("front", "Person", old, [seen(2)], GAP)
    with pytest.raises(WriteConflict):
        table.apply(change, None, EXPIRES)
    assert table.counted([seen(2).frame_id], "Person") == set()
    assert near(table, 0, 0)[0].frame_count == 2


def test_a_frame_that_is_counted_cannot_be_counted_again(table: VisitTable) -> None:
    count(table, seen(0))
    (change,) = add_sightings("front", "Person", near(table, 0, 0), [seen(0)], GAP)
    with pytest.raises(WriteConflict):
        table.apply(change, None, EXPIRES)
    assert near(table, 0, 0)[0].frame_count == 1


def test_two_that_open_the_same_visit_are_one(table: VisitTable) -> None:
    (change,) = add_sightings("front", "Person", [], [seen(0)], GAP)
    table.apply(change, None, EXPIRES)
    with pytest.raises(WriteConflict):
        table.apply(change, None, EXPIRES)


def test_45_sightings_that_join_46_visits_fit_one_change(table: VisitTable) -> None:
    for n in range(46):
        count(table, seen(n * 60))
    (change,) = add_sightings("front", "Person", near(table, 0, 46 * 60), [seen(n * 60 + 30) for n in range(45)], GAP)
    changed, alert = claim(change)
    table.apply(changed, alert, EXPIRES)
    (visit,) = near(table, 0, 46 * 60)
    assert visit.frame_count == 91


def test_an_alert_is_read_back_whole_with_its_deliveries(table: VisitTable) -> None:
    alert = open_with_alert(table, seen(0))
    assert table.alert("front", at(0), alert.alert_id) == alert
    assert table.alert("front", at(0), "another/watch") is None
    sent = Delivery(DeliveryState.SENT, at(1), "message-1")
    rejected = Delivery(DeliveryState.REJECTED, at(2))
    table.record_delivery(alert, "ana", sent)
    table.record_delivery(alert, "bo-2", rejected)
    found = table.alert("front", at(0), alert.alert_id)
    assert found is not None
    assert found.deliveries == {"ana": sent, "bo-2": rejected}


def test_a_finished_alert_is_finished_in_its_visit_too(table: VisitTable) -> None:
    alert = open_with_alert(table, seen(0))
    table.finish_alert(alert, AlertState.SENT)
    found = table.alert("front", at(0), alert.alert_id)
    assert found is not None
    assert found.state is AlertState.SENT
    (visit,) = near(table, 0, 0)
    assert visit.alerts[WATCH_RULE_ID].state is AlertState.SENT
    assert visit.version == 2


def test_an_alert_finds_its_visit_after_the_start_has_moved(table: VisitTable) -> None:
    alert = open_with_alert(table, seen(20))
    count(table, seen(0), seen(10))
    table.finish_alert(alert, AlertState.FAILED)
    (visit,) = near(table, 0, 0)
    assert visit.alerts[WATCH_RULE_ID].state is AlertState.FAILED
    assert visit.frame_count == 3


def test_an_alert_whose_claim_a_join_dropped_finishes_alone(table: VisitTable) -> None:
    first, second = open_with_alert(table, seen(0)), open_with_alert(table, seen(50))
    count(table, seen(25))
    table.finish_alert(second, AlertState.SENT)
    (visit,) = near(table, 0, 50)
    assert visit.alerts[WATCH_RULE_ID] == AlertClaim(first.frame_id, AlertState.CLAIMED, first.alert_id)
    found = table.alert("front", at(50), second.alert_id)
    assert found is not None
    assert found.state is AlertState.SENT


def test_a_visit_has_one_alert_of_a_rule(table: VisitTable) -> None:
    (opened,) = add_sightings("front", "Person", [], [seen(0)], GAP)
    change, alert = claim(opened)
    table.apply(change, alert, EXPIRES)
    (more,) = add_sightings("front", "Person", near(table, 0, 0), [seen(1)], GAP)
    with pytest.raises(WriteConflict):
        table.apply(more, alert, EXPIRES)


def test_everything_in_the_table_expires(dynamodb: Any) -> None:
    table = DynamoVisitTable(DynamoTable(dynamodb, TABLE))
    alert = open_with_alert(table, seen(0))
    table.record_delivery(alert, "ana", Delivery(DeliveryState.SENT, at(1), "message-1"))
    table.finish_alert(alert, AlertState.SENT)
    assert {i["expires_at"]["N"] for i in all_items(dynamodb)} == {str(int(EXPIRES.timestamp()))}
    assert sorted(i["pk"]["S"].partition("#")[0] for i in all_items(dynamodb)) == ["A", "SEEN", "V"]


def test_reading_what_is_near_costs_one_request_whatever_the_history(dynamodb: Any) -> None:
    table = DynamoVisitTable(DynamoTable(dynamodb, TABLE))
    for n in range(40):
        count(table, seen(n * 100))
    queries: list[Any] = []
    dynamodb.meta.events.register("before-parameter-build.dynamodb.Query", lambda **k: queries.append(k))
    assert len(near(table, 3900, 3901)) == 1
    assert len(queries) == 1
