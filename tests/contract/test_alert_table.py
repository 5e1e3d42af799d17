"""AlertTable: memory and DynamoDB keep the same promises."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from framewatch.domain.alert_settings import WATCH_RULE_ID, Severity
from framewatch.domain.alerts import (
    Alert,
    AlertLink,
    Answer,
    AnswerKind,
    Delivery,
    DeliveryState,
    FalseAlarm,
    Note,
    OpenAlert,
    Trace,
)
from framewatch.domain.errors import NotesFull, StorageUnavailable, UnknownAlert, WriteConflict
from framewatch.domain.limits import Held, LimitState
from framewatch.domain.rule_state import RuleState
from framewatch.domain.visits import AlertClaim, AlertState, Reason, RuleProgress, Withheld, add_sightings
from framewatch.services.ports import Decided
from tests.aws import all_items
from tests.tables import (
    DUE,
    EXPIRES,
    GAP,
    Tables,
    at,
    at_once,
    counted,
    in_dynamodb,
    joining,
    kinds,
    seen,
)

SENT = Delivery(DeliveryState.SENT, at(1), "message-1")
REJECTED = Delivery(DeliveryState.REJECTED, at(2), reason="the number has opted out")
HELD = Delivery(DeliveryState.HELD, at(3), reason="contact-hour")
TOKEN = "0123456789abcdefABCD"


def held(n: int = 0, contact_id: str = "ana", reason: str = "limit") -> Held:
    return Held(contact_id, "front", reason, at(n), at(n - 1))


def link_to(alert: Alert, contact_id: str = "ana") -> AlertLink:
    return AlertLink(alert.ref, contact_id, at(86_400))


# -- what an alert is ------------------------------------------------------------------------------------------------


def test_an_alert_is_read_back_whole_with_all_that_became_of_it(tables: Tables) -> None:
    alert = tables.open_with_alert(
        seen(0),
        scope="group:doors",
        escalate_to=("bo-2", "cy"),
        escalate_after_s=90.5,
        severity=Severity.CRITICAL,
        box_xyxy_rel=(0.123456, 0.2, 0.3, 1.0),
        trace=Trace(at(0.1), at(0.2), None, at(0.4)),
    )
    assert tables.stored(alert) == alert
    sighting = seen(5, camera_id="yard")
    (yard,) = add_sightings("yard", "Person", [], [sighting], GAP)
    tables.visits.apply(yard, Decided(joins=((alert.ref, joining(alert, sighting)),)), EXPIRES)
    tables.alerts.record_delivery(alert, "ana", SENT)
    tables.alerts.record_delivery(alert, "bo-2", REJECTED)
    assert tables.alerts.reserve(alert, "ana", LimitState(), EXPIRES)
    taken = Answer("ana", at(9))
    tables.alerts.answer(alert.ref, AnswerKind.TAKEN, taken)
    tables.alerts.finish(alert, AlertState.SENT)
    joined = joining(alert, sighting)
    assert tables.stored(alert) == replace(
        alert,
        state=AlertState.SENT,
        reserved=frozenset({"ana"}),
        deliveries={"ana": SENT, "bo-2": REJECTED},
        joined={joined.visit_id: joined},
        answers={AnswerKind.TAKEN: taken},
    )


def test_an_alert_is_found_by_camera_time_and_id_together(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    assert tables.alerts.get(replace(alert.ref, camera_id="yard")) is None
    assert tables.alerts.get(replace(alert.ref, captured_at=at(1))) is None
    assert tables.alerts.get(replace(alert.ref, alert_id="another/watch")) is None


def test_alerts_of_a_day_are_listed_newest_first_and_go_on_below_a_sort_key(tables: Tables) -> None:
    labels = ["Person", "a#b", "~", "\U0001f600", "front#2026-03-14", "\uffff"]
    alerts = [tables.open_with_alert(seen(0), label=label) for label in labels]
    alerts.append(tables.open_with_alert(seen(60)))
    tables.open_with_alert(seen(0, camera_id="yard"), camera_id="yard")
    tables.open_with_alert(seen(13 * 3600))
    whole = list(tables.alerts.newest_first("front", "2026-03-14", page=2))
    assert whole[0][1] == alerts[-1]
    assert sorted(a.label for _, a in whole) == sorted([*labels, "Person"])
    for n, (key, _) in enumerate(whole):
        assert list(tables.alerts.newest_first("front", "2026-03-14", before_sk=key)) == whole[n + 1 :]
    for alert in alerts:
        assert tables.stored(alert) == alert


# -- notes -----------------------------------------------------------------------------------------------------------


def note(n: int, text: str = "The postman") -> Note:
    return Note(text, f"user:{n}", at(n), "maria")


def test_notes_are_kept_in_their_order_with_who_and_when(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    later, first = note(9, "<b>Again</b>\nat the gate \U0001f6aa"), note(1)
    assert tables.alerts.add_note(alert.ref, later, 50) == later
    assert tables.alerts.add_note(alert.ref, first, 50) == first
    assert tables.stored(alert) == replace(alert, notes=(first, later))
    assert [a for _, a in tables.alerts.newest_first("front", "2026-03-14")] == [tables.stored(alert)]


def test_the_same_note_by_the_same_person_stands_once(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    assert tables.alerts.add_note(alert.ref, note(1), 2) == note(1)
    assert tables.alerts.add_note(alert.ref, replace(note(1), at=at(60)), 2) == note(1)
    assert tables.alerts.add_note(alert.ref, note(2), 2) == note(2)
    assert tables.alerts.add_note(alert.ref, replace(note(1), at=at(60)), 2) == note(1), "though it is full"
    assert tables.stored(alert).notes == (note(1), note(2))


def test_of_many_notes_at_once_as_many_as_one_alert_may_have_are_kept(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    outcomes = at_once(20, lambda n: tables.alerts.add_note(alert.ref, note(n), 5))
    kept = {o for o in outcomes if isinstance(o, Note)}
    assert set(tables.stored(alert).notes) == kept and len(kept) == 5
    assert [type(o) for o in outcomes].count(NotesFull) == 15


def test_a_note_on_an_alert_that_is_not_there_is_refused(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    with pytest.raises(UnknownAlert):
        tables.alerts.add_note(replace(alert.ref, alert_id="another/watch"), note(1), 50)
    assert tables.stored(alert) == alert


# -- what becomes of an alert ----------------------------------------------------------------------------------------


def test_a_delivery_of_an_alert_that_is_not_there_is_refused(tables: Tables) -> None:
    alert = replace(tables.open_with_alert(seen(0)), alert_id="another/watch")
    for write in (
        lambda: tables.alerts.record_delivery(alert, "ana", SENT),
        lambda: tables.alerts.hold(alert, "ana", HELD, held(), EXPIRES),
        lambda: tables.alerts.reserve(alert, "ana", counted("ana"), EXPIRES),
        lambda: tables.alerts.finish(alert, AlertState.SENT),
    ):
        with pytest.raises(WriteConflict):
            write()
    assert tables.alerts.get(alert.ref) is None
    assert (tables.alerts.limit_state(), tables.alerts.open_work()[1]) == (LimitState(), [])


def test_a_held_text_is_noted_and_waits_for_its_digest_once(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    tables.alerts.hold(alert, "ana", HELD, held(3), EXPIRES)
    assert tables.stored(alert).deliveries == {"ana": HELD}
    ((key, waiting),) = tables.alerts.open_work()[1]
    assert waiting == held(3)
    tables.alerts.close_held([key])
    again = replace(HELD, at=at(99))
    tables.alerts.hold(alert, "ana", again, held(99), EXPIRES)
    assert tables.stored(alert).deliveries == {"ana": HELD}
    assert tables.alerts.open_work()[1] == []


def test_held_texts_are_closed_by_their_keys_and_no_others(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0), label="a#ana#b")
    tables.alerts.hold(alert, "ana", HELD, held(3), EXPIRES)
    tables.alerts.hold(alert, "bo-2", HELD, held(2, "bo-2"), EXPIRES)
    for n in range(30):
        tables.alerts.put_held(f"ana#visit-{n}", held(10 + n, reason="late"), EXPIRES)
    tables.alerts.put_held("ana#visit-0", held(77, reason="late"), EXPIRES)  # changes nothing
    waiting = tables.alerts.open_work()[1]
    assert [h for _, h in waiting] == [held(2, "bo-2"), held(3), *(held(10 + n, reason="late") for n in range(30))]
    assert dict(waiting)["ana#visit-0"] == held(10, reason="late")
    mine = [key for key, h in waiting if h.contact_id == "ana"]
    tables.alerts.close_held([*mine, "ana#never-there"])
    tables.alerts.close_held([])
    assert [h for _, h in tables.alerts.open_work()[1]] == [held(2, "bo-2")]
    assert tables.alerts.open_work()[0] == [OpenAlert(alert.ref, DUE)]


def test_a_finished_alert_is_finished_in_its_visit_and_in_the_days_list(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    tables.alerts.finish(alert, AlertState.SENT)
    assert tables.stored(alert).state is AlertState.SENT
    (visit,) = tables.near(0, 0)
    assert visit.alerts[WATCH_RULE_ID].state is AlertState.SENT
    assert (visit.version, visit.rules) == (2, {})
    assert tables.days() == [visit]


def test_an_alert_finds_its_visit_after_the_start_has_moved(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(20))
    tables.count(seen(0), seen(10))
    tables.alerts.finish(alert, AlertState.FAILED)
    (visit,) = tables.near(0, 0)
    assert visit.alerts[WATCH_RULE_ID].state is AlertState.FAILED
    assert visit.frame_count == 3
    assert tables.days() == [visit]


def test_an_alert_whose_claim_a_join_dropped_finishes_alone(tables: Tables) -> None:
    first, second = tables.open_with_alert(seen(0)), tables.open_with_alert(seen(50))
    tables.count(seen(25))
    tables.alerts.finish(second, AlertState.HELD)
    (visit,) = tables.near(0, 50)
    assert visit.alerts[WATCH_RULE_ID] == AlertClaim(first.frame_id, AlertState.CLAIMED, first.alert_id)
    assert tables.stored(second).state is AlertState.HELD
    tables.alerts.finish(first, AlertState.SENT)
    assert tables.near(0, 50)[0].alerts[WATCH_RULE_ID].state is AlertState.SENT


def test_a_held_alert_is_withheld_for_the_limit_in_its_visit_once(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0, confidence=91))
    tables.alerts.finish(alert, AlertState.HELD)
    tables.alerts.finish(alert, AlertState.HELD)
    (visit,) = tables.near(0, 0)
    assert visit.rules == {WATCH_RULE_ID: RuleProgress(0, {Reason.LIMIT: Withheld(1, at(0), at(0), 91)})}
    assert tables.days() == [visit]


# -- answers ---------------------------------------------------------------------------------------------------------


def test_of_each_kind_of_answer_the_first_stands(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    first, second = Answer("ana", at(10)), Answer("bo-2", at(11))
    assert tables.alerts.answer(alert.ref, AnswerKind.TAKEN, first) == first
    assert tables.alerts.answer(alert.ref, AnswerKind.TAKEN, second) == first
    assert tables.alerts.answer(alert.ref, AnswerKind.SNOOZED, second) == second
    assert tables.stored(alert).answers == {AnswerKind.TAKEN: first, AnswerKind.SNOOZED: second}


def test_of_50_answers_at_once_one_stands_and_all_hear_of_it(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    outcomes = at_once(50, lambda n: tables.alerts.answer(alert.ref, AnswerKind.TAKEN, Answer(f"c-{n}", at(n))))
    assert kinds(outcomes) == {tables.stored(alert).answers[AnswerKind.TAKEN]}


def test_an_answer_ends_what_is_to_be_done_about_its_alert_alone(tables: Tables) -> None:
    alert, other = tables.open_with_alert(seen(0)), tables.open_with_alert(seen(60))
    tables.alerts.hold(alert, "bo-2", HELD, held(1, "bo-2"), EXPIRES)
    tables.alerts.answer(alert.ref, AnswerKind.TAKEN, Answer("ana", at(10)))
    work, waiting = tables.alerts.open_work()
    assert work == [OpenAlert(other.ref, DUE)]
    assert len(waiting) == 1  # a digest tells of it all the same


def test_a_false_alarm_is_kept_for_its_rule_and_camera_once(tables: Tables) -> None:
    alerts = [tables.open_with_alert(seen(n * 60), confidence=80 + n) for n in range(3)]
    other_rule = tables.open_with_alert(seen(900), rule_id="watch-2", alert_id="x/watch-2")
    other_camera = tables.open_with_alert(seen(5, camera_id="yard"), camera_id="yard")
    answer = Answer("user:abc", at(10))
    for alert in (*alerts, other_rule, other_camera):
        tables.alerts.answer(alert.ref, AnswerKind.FALSE_ALARM, answer)
    tables.alerts.answer(alerts[0].ref, AnswerKind.FALSE_ALARM, Answer("bo-2", at(99)))
    assert list(tables.alerts.false_alarms(WATCH_RULE_ID, "front", page=1)) == [
        FalseAlarm(WATCH_RULE_ID, a.ref, "Person", a.frame_id, a.confidence, answer) for a in reversed(alerts)
    ]
    assert [f.ref for f in tables.alerts.false_alarms("watch-2", "front")] == [other_rule.ref]
    assert [f.ref for f in tables.alerts.false_alarms(WATCH_RULE_ID, "yard")] == [other_camera.ref]


def test_an_answer_to_an_alert_that_is_not_there_is_refused(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    with pytest.raises(UnknownAlert, match="front has no alert 'another/watch'"):
        tables.alerts.answer(
            replace(alert.ref, alert_id="another/watch"), AnswerKind.FALSE_ALARM, Answer("ana", at(1))
        )
    assert list(tables.alerts.false_alarms(WATCH_RULE_ID, "front")) == []


# -- work ------------------------------------------------------------------------------------------------------------


def test_work_is_listed_by_when_it_is_due_and_closed_for_good(tables: Tables) -> None:
    alerts = [tables.open_with_alert(seen(n * 60)) for n in range(3)]
    work = [OpenAlert(alert.ref, DUE) for alert in alerts]
    later = OpenAlert(alerts[0].ref, DUE + timedelta(microseconds=1), 2)
    tables.alerts.reschedule(work[0], later)
    assert tables.alerts.open_work()[0] == [work[1], work[2], later]
    tables.alerts.close(alerts[1].ref)
    tables.alerts.close(alerts[1].ref)
    assert tables.alerts.open_work()[0] == [work[2], later]
    with pytest.raises(WriteConflict):
        tables.alerts.reschedule(work[1], replace(work[1], steps_told=1))
    assert tables.alerts.open_work()[0] == [work[2], later]


def test_of_50_that_take_the_same_work_one_gets_it(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    work = OpenAlert(alert.ref, DUE)

    def take(n: int) -> str:
        tables.alerts.reschedule(work, OpenAlert(alert.ref, at(100 + n)))
        return "taken"

    outcomes = at_once(50, take)
    assert outcomes.count("taken") == 1 and kinds(outcomes) == {"taken", WriteConflict}
    assert tables.alerts.open_work()[0] == [OpenAlert(alert.ref, at(100 + outcomes.index("taken")))]


def test_work_is_not_taken_by_who_read_it_before_a_step_was_told(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    work = OpenAlert(alert.ref, DUE)
    tables.alerts.reschedule(work, replace(work, steps_told=1))
    with pytest.raises(WriteConflict):
        tables.alerts.reschedule(work, replace(work, due_at=at(500)))
    assert tables.alerts.open_work()[0] == [replace(work, steps_told=1)]


# -- links -----------------------------------------------------------------------------------------------------------


def test_a_link_opens_its_alert_until_it_is_used_up(tables: Tables) -> None:
    alert = tables.open_with_alert(seen(0))
    assert tables.alerts.link(TOKEN) is None
    assert not tables.alerts.use_link(TOKEN, 3)
    tables.alerts.put_link(TOKEN, link_to(alert))
    assert tables.alerts.link(TOKEN) == link_to(alert)
    assert [tables.alerts.use_link(TOKEN, 3) for _ in range(5)] == [True, True, True, False, False]
    assert tables.alerts.link(TOKEN) == replace(link_to(alert), uses=3)
    assert tables.alerts.link(TOKEN.lower()) is None and tables.alerts.link("") is None


def test_of_50_uses_at_once_so_many_count_as_are_allowed(tables: Tables) -> None:
    tables.alerts.put_link(TOKEN, link_to(tables.open_with_alert(seen(0))))
    outcomes = at_once(50, lambda _: tables.alerts.use_link(TOKEN, 20))
    assert outcomes.count(True) == 20 and kinds(outcomes) == {True, False}


def test_revoked_links_open_nothing_and_those_of_other_alerts_do(tables: Tables) -> None:
    alert, other = tables.open_with_alert(seen(0)), tables.open_with_alert(seen(60))
    assert tables.alerts.revoke_links(alert.ref) == 0
    tables.alerts.put_link("token-a", link_to(alert))
    tables.alerts.put_link("token-b", link_to(alert, "bo-2"))
    tables.alerts.put_link("token-c", link_to(other))
    assert tables.alerts.revoke_links(alert.ref) == 2
    assert tables.alerts.link("token-a") == replace(link_to(alert), revoked=True)
    assert [tables.alerts.use_link(f"token-{c}", 3) for c in "abc"] == [False, False, True]
    assert tables.alerts.revoke_links(alert.ref) == 2


def test_a_token_opens_one_alert_for_good(tables: Tables) -> None:
    alert, other = tables.open_with_alert(seen(0)), tables.open_with_alert(seen(60))
    tables.alerts.put_link(TOKEN, link_to(alert))
    with pytest.raises(WriteConflict):
        tables.alerts.put_link(TOKEN, link_to(other))
    assert tables.alerts.link(TOKEN) == link_to(alert)


# -- in DynamoDB -----------------------------------------------------------------------------------------------------


def test_nothing_in_the_table_holds_a_token_and_everything_expires(dynamodb: Any) -> None:
    tables = in_dynamodb(dynamodb)
    alert = tables.open_with_alert(seen(0))
    tables.alerts.put_link(TOKEN, link_to(alert))
    tables.alerts.use_link(TOKEN, 3)
    tables.alerts.revoke_links(alert.ref)
    tables.alerts.hold(alert, "bo-2", HELD, held(), EXPIRES)
    tables.alerts.put_held("ana#visit-1", held(), EXPIRES)
    tables.alerts.reserve(alert, "ana", counted("ana"), EXPIRES)
    tables.alerts.put_rule_state(RuleState("watch", "front"), EXPIRES)
    tables.alerts.answer(alert.ref, AnswerKind.FALSE_ALARM, Answer("ana", at(1)))
    items = all_items(dynamodb)
    assert TOKEN not in json.dumps(items)
    life = {i["pk"]["S"].partition("#")[0]: int(i["expires_at"]["N"]) for i in items}
    whole, a_day = int(EXPIRES.timestamp()), int(at(86_400).timestamp())
    assert life == {
        "V": whole,
        "VD": whole,
        "SEEN": whole,
        "A": whole,
        "OPEN": whole,
        "LIMITS": whole,
        "R": whole,
        "FALSE": whole,
        "T": a_day,
        "TA": a_day,
    }


def test_a_transaction_at_work_on_an_item_is_waited_for(dynamodb: Any) -> None:
    waits: list[float] = []
    tables = in_dynamodb(dynamodb, waits.append)
    alert = tables.open_with_alert(seen(0))
    busy = ClientError({"Error": {"Code": "TransactionConflictException", "Message": "busy"}}, "UpdateItem")
    left = [busy, busy]

    def interrupt(**_: Any) -> None:
        if left:
            raise left.pop()

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", interrupt)
    dynamodb.meta.events.register("before-call.dynamodb.DeleteItem", interrupt)
    tables.alerts.record_delivery(alert, "ana", SENT)
    assert (tables.stored(alert).deliveries, len(waits)) == ({"ana": SENT}, 2)
    left += [busy]
    tables.alerts.close(alert.ref)
    assert (tables.alerts.open_work()[0], len(waits)) == ([], 3)
    left += [busy] * 50
    with pytest.raises(WriteConflict):
        tables.alerts.record_delivery(alert, "bo-2", SENT)


def test_a_table_that_fails_is_storage_unavailable(dynamodb: Any) -> None:
    tables = in_dynamodb(dynamodb)
    alert = tables.open_with_alert(seen(0))
    dynamodb.delete_table(TableName="framewatch")
    for work in (
        lambda: tables.alerts.get(alert.ref),
        lambda: tables.alerts.use_link(TOKEN, 3),
        lambda: tables.alerts.close(alert.ref),
        lambda: tables.alerts.close_held(["ana#visit-1"]),
        tables.alerts.open_work,
        lambda: tables.alerts.reserve(alert, "ana", counted("ana"), EXPIRES),
    ):
        with pytest.raises(StorageUnavailable, match="table framewatch"):
            work()
