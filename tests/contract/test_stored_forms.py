"""What builds before this one wrote is read, what this one writes is pinned, and what a newer one wrote survives.

`tests/events/stored-v1.json` holds one of everything: items as DynamoDB keeps them, and a Kinesis record. It is
never changed. A new form gets a file of its own beside it, and both are read from then on. `stored-v2.json`: visits
and alerts of version 2, what came with them, and frames, which are still of version 1.
"""

import base64
import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_pages import DynamoFramePages
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.alert_settings import WATCH_RULE_ID, Severity
from framewatch.domain.alerts import (
    Alert,
    AlertLink,
    Answer,
    AnswerKind,
    Delivery,
    DeliveryState,
    FalseAlarm,
    IncidentSighting,
    Note,
    OpenAlert,
    Trace,
    alert_id_for,
)
from framewatch.domain.analysis import Analysis
from framewatch.domain.errors import NewerItem
from framewatch.domain.frames import Frame
from framewatch.domain.heartbeats import CameraState
from framewatch.domain.limits import Held, LimitState
from framewatch.domain.path import PathPoint
from framewatch.domain.rule_state import RecentAlert, RuleState
from framewatch.domain.visits import (
    AlertClaim,
    AlertState,
    Reason,
    RuleProgress,
    Visit,
    VisitChange,
    VisitSighting,
    Withheld,
)
from framewatch.services.frame_merge import FrameRead
from framewatch.services.ports import Decided
from framewatch.wire.alert_items import (
    StoredAlert,
    StoredFalseAlarm,
    StoredHeld,
    StoredLink,
    StoredOpenAlert,
)
from framewatch.wire.envelope import decode_envelope, encode_envelope
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.heartbeat import decode_heartbeat, encode_heartbeat
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.rule_state_items import StoredLimitState, StoredRuleState
from framewatch.wire.visit_items import StoredVisit
from tests.aws import TABLE, all_items
from tests.frames import NOON, PERSON, make_frame, make_heartbeat

_EVENTS = Path(__file__).parents[1] / "events"
GOLDEN = json.loads((_EVENTS / "stored-v1.json").read_text("utf-8"))
GOLDEN_2 = json.loads((_EVENTS / "stored-v2.json").read_text("utf-8"))
# Heartbeats came later than the rest.
HEARTBEAT_GOLDEN = json.loads((_EVENTS / "stored-heartbeat-v1.json").read_text("utf-8"))
EXPIRES = NOON + timedelta(days=90)
DAY = "2026-03-14"

FRAME = make_frame(7, at=1.5)
HEARTBEAT = make_heartbeat(7, at=1.5, state=CameraState.RECONNECTING, last_error="front: no route to host.")
STORED = StoredFrame.of(FRAME.meta, [PERSON], {"Person"}, NOON)
SIGHTING = VisitSighting(FRAME.meta.frame_id, FRAME.meta.captured_at, 97.5, (0.4, 0.1, 0.6, 0.9))
REF_ID = alert_id_for("visit-1", WATCH_RULE_ID)
ALERT_1 = Alert(
    alert_id=REF_ID,
    rule_id=WATCH_RULE_ID,
    scope="front",
    visit_id="visit-1",
    camera_id="front",
    label="Human",
    confidence=97.5,
    frame_id=FRAME.meta.frame_id,
    captured_at=FRAME.meta.captured_at,
    decided_at=NOON,
    notify=("ana",),
)
"""As a build of version 1 wrote it, whose `contact_ids` was who is told."""
ALERT = replace(
    ALERT_1,
    scope="group:doors",
    notify=("ana", "bo"),
    escalate_to=("bo", "cy"),
    escalate_after_s=120.0,
    severity=Severity.CRITICAL,
    box_xyxy_rel=(0.4, 0.1, 0.6, 0.9),
    trace=Trace(NOON, NOON + timedelta(seconds=1), None, NOON + timedelta(seconds=3)),
)
DELIVERY = Delivery(DeliveryState.SENT, NOON, "message-1")
HELD_DELIVERY = Delivery(DeliveryState.HELD, NOON, reason="contact-hour")
VISIT_1 = Visit(
    visit_id="visit-1",
    camera_id="front",
    label="Human",
    first_seen=FRAME.meta.captured_at,
    last_seen=FRAME.meta.captured_at,
    frame_count=1,
    best=SIGHTING,
    alerts={WATCH_RULE_ID: AlertClaim(FRAME.meta.frame_id, AlertState.CLAIMED, ALERT.alert_id)},
    version=1,
)
VISIT = replace(
    VISIT_1,
    rules={WATCH_RULE_ID: RuleProgress(2, {Reason.TOO_SMALL: Withheld(1, NOON, NOON, 88.5)})},
    path=(PathPoint(FRAME.meta.frame_id, FRAME.meta.captured_at, ((0.4, 0.1, 0.6, 0.9),)),),
)
# A second camera of the group, and an alert about which nobody has done anything yet.
YARD = make_frame(8, camera_id="yard", at=2.5).meta
YARD_SIGHTING = VisitSighting(YARD.frame_id, YARD.captured_at, 90.0)
OPEN_ALERT = replace(ALERT, alert_id="visit-2/night", rule_id="night", visit_id="visit-2", camera_id="yard")
YARD_VISIT = Visit("visit-2", "yard", "Human", YARD.captured_at, YARD.captured_at, 1, YARD_SIGHTING, version=1)
JOINED = IncidentSighting("yard", "Human", "visit-2", YARD.frame_id, YARD.captured_at, 90.0)
RECENT = RecentAlert("front", "Human", "visit-1", NOON, ALERT.alert_id, "front", ALERT.captured_at)
RULE_STATE = RuleState(WATCH_RULE_ID, "group:doors", (RECENT,), NOON + timedelta(minutes=30), "ana")
LIMITS = LimitState({"ana": (NOON,)}, {"bo": NOON}, {date(2026, 3, 14): 1}, {date(2026, 3, 1): 80_000})
HELD = Held("bo", "front", "limit", NOON, ALERT.captured_at)
DUE = NOON + timedelta(seconds=60)
WORK = OpenAlert(OPEN_ALERT.ref, DUE + timedelta(seconds=120), 1)
TOKEN = "0123456789abcdefghij"
LINK = AlertLink(ALERT.ref, "ana", NOON + timedelta(days=1))
ANSWER = Answer("ana", NOON + timedelta(seconds=30))
ANSWERED = replace(
    ALERT,
    state=AlertState.SENT,
    reserved=frozenset({"ana"}),
    deliveries={"ana": DELIVERY, "bo": HELD_DELIVERY},
    joined={"visit-2": JOINED},
    answers={AnswerKind.FALSE_ALARM: ANSWER},
)
FALSE_ALARM = FalseAlarm(WATCH_RULE_ID, ALERT.ref, "Human", ALERT.frame_id, 97.5, ANSWER)


class FixedClock:
    def now(self) -> datetime:
        return NOON


class Tables:
    def __init__(self, client: Any):
        self.client = client
        self.frames = DynamoFrameTable(DynamoTable(client, TABLE))
        self.visits = DynamoVisitTable(DynamoTable(client, TABLE))
        self.alerts = DynamoAlertTable(DynamoTable(client, TABLE))
        self.pages = DynamoFramePages(client, TABLE, FixedClock())

    def write(self) -> None:
        """One of everything, as this build writes it."""
        assert self.frames.put(STORED, EXPIRES)
        decided = Decided((ALERT,), DUE, states=(RULE_STATE,))
        self.visits.apply(VisitChange((), VISIT, (SIGHTING,)), decided, EXPIRES)
        decided = Decided((OPEN_ALERT,), DUE, joins=((ALERT.ref, JOINED),))
        self.visits.apply(VisitChange((), YARD_VISIT, (YARD_SIGHTING,)), decided, EXPIRES)
        assert self.alerts.reserve(ALERT, "ana", LIMITS, EXPIRES)
        self.alerts.put_link(TOKEN, LINK)
        assert self.alerts.use_link(TOKEN, 1)
        self.alerts.record_delivery(ALERT, "ana", DELIVERY)
        self.alerts.hold(ALERT, "bo", HELD_DELIVERY, HELD, EXPIRES)
        self.alerts.finish(ALERT, AlertState.SENT)
        self.alerts.answer(ALERT.ref, AnswerKind.FALSE_ALARM, ANSWER)
        self.alerts.reschedule(OpenAlert(OPEN_ALERT.ref, DUE), WORK)

    def put(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            self.client.put_item(TableName=TABLE, Item=item)

    def near(self) -> list[Visit]:
        at = FRAME.meta.captured_at
        return self.visits.near("front", "human", at, at, timedelta(seconds=30))

    def listed(self, index: str) -> list[StoredFrame]:
        return list(self.pages.query(FrameRead(index, DAY, "~", None, 10)).frames)


@pytest.fixture
def tables(dynamodb: Any) -> Tables:
    return Tables(dynamodb)


def changed(prefix: str, golden: Any = GOLDEN, **fields: Any) -> list[dict[str, Any]]:
    """The golden items, with these fields in the bodies of those whose key begins so; a field of None goes."""
    items = json.loads(json.dumps(golden["items"]))
    for item in items:
        if "doc" in item and item["pk"]["S"].startswith(prefix):
            doc = json.loads(item["doc"]["S"]) | fields
            item["doc"]["S"] = json.dumps({name: value for name, value in doc.items() if value is not None})
    return items


def test_names_notes_and_who_ended_a_snooze_stand_beside_what_version_2_already_has(tables: Tables) -> None:
    """A build that does not know them reads the rest; nothing is written where there is none."""
    tables.put(GOLDEN_2["items"])
    taken = Answer("user:1", NOON, "maria")
    note = Note("It was the postman.", "user:1", NOON, "maria")
    tables.alerts.answer(ALERT.ref, AnswerKind.TAKEN, taken)
    tables.alerts.add_note(ALERT.ref, note, 50)
    answers = {**ANSWERED.answers, AnswerKind.TAKEN: taken}
    assert tables.alerts.get(ALERT.ref) == replace(ANSWERED, answers=answers, notes=(note,))
    item = tables.client.get_item(TableName=TABLE, Key=_key_of("A#front#2026-03-14"))["Item"]
    assert item["note_count"] == {"N": "1"}
    digest = "46dde51030ff4f39431a039edcd9ae8d"
    assert json.loads(item[f"note:{digest}"]["S"]) == {
        "text": "It was the postman.",
        "by": "user:1",
        "at": "2026-03-14T12:00:00Z",
        "name": "maria",
    }
    assert json.loads(item["answer:taken"]["S"]) == {"by": "user:1", "at": "2026-03-14T12:00:00Z", "name": "maria"}
    state = replace(RULE_STATE, snoozed_name="maria", snooze_ended=Answer("user:2", NOON, "jo"), version=1)
    tables.alerts.put_rule_state(state, EXPIRES)
    assert tables.alerts.rule_state(WATCH_RULE_ID, "group:doors") == replace(state, version=2)
    doc = json.loads(tables.client.get_item(TableName=TABLE, Key=_key_of("R"))["Item"]["doc"]["S"])
    assert (doc["snoozed_name"], doc["snooze_ended"]) == (
        "maria",
        {"by": "user:2", "at": "2026-03-14T12:00:00Z", "name": "jo"},
    )


def _key_of(pk: str) -> dict[str, Any]:
    """Of the golden item of this partition."""
    (item,) = [item for item in GOLDEN_2["items"] if item["pk"]["S"] == pk]
    return {name: item[name] for name in ("pk", "sk")}


def test_every_kind_of_item_is_among_them() -> None:
    kinds = {item["pk"]["S"].partition("#")[0] for item in GOLDEN["items"]}
    assert kinds == {"F", "L", "W", "WL", "DAYS", "SEEN", "V", "A"}
    kinds_2 = {item["pk"]["S"].partition("#")[0] for item in GOLDEN_2["items"]}
    assert kinds_2 == kinds | {"VD", "R", "LIMITS", "OPEN", "T", "TA", "FALSE"}
    assert {i["sk"]["S"].partition("#")[0] for i in GOLDEN_2["items"] if i["pk"]["S"] == "OPEN"} == {"alert", "held"}


def test_what_this_build_writes_is_pinned(tables: Tables) -> None:
    def by_key(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    tables.write()
    assert by_key(all_items(tables.client)) == by_key(GOLDEN_2["items"])
    # Nothing of a frame has changed since version 1.
    own = ("F#", "L#", "W#", "WL#", "DAYS#", "SEEN#front")
    unchanged = [item for item in GOLDEN["items"] if item["pk"]["S"].startswith(own)]
    assert len(unchanged) == 13 and all(item in GOLDEN_2["items"] for item in unchanged)


@pytest.mark.parametrize("absent", [False, True], ids=["version 1", "before items carried a version"])
def test_what_builds_before_wrote_is_read(tables: Tables, absent: bool) -> None:
    tables.put(changed("", item_version=None) if absent else GOLDEN["items"])
    assert tables.frames.get_stored([FRAME.meta]) == {FRAME.meta.frame_id: STORED}
    assert not tables.frames.put(STORED, EXPIRES)
    assert tables.near() == [VISIT_1]
    assert tables.visits.counted([FRAME.meta.frame_id], "Human") == {FRAME.meta.frame_id}
    assert tables.alerts.get(ALERT.ref) == replace(ALERT_1, deliveries={"ana": DELIVERY})
    assert [alert for _, alert in tables.alerts.newest_first("front", DAY)] == [tables.alerts.get(ALERT.ref)]
    for index in ("F#front", "L#front#person", "W#front", "WL#front#human"):
        assert tables.listed(index) == [STORED]
        assert tables.pages.previous_day(index, "2026-03-15", None) == DAY


def test_a_visit_of_a_build_before_is_written_on(tables: Tables) -> None:
    tables.put(changed("", item_version=None))
    tables.alerts.finish(ALERT_1, AlertState.SENT)
    (visit,) = tables.near()
    assert (visit.alerts[WATCH_RULE_ID].state, visit.version) == (AlertState.SENT, 2)
    assert [v for _, v in tables.visits.newest_first("front", DAY)] == [visit]
    later = make_frame(9, at=3.0).meta
    sighting = VisitSighting(later.frame_id, later.captured_at, 80.0)
    longer = replace(visit, last_seen=later.captured_at, frame_count=2)
    tables.visits.apply(VisitChange((visit,), longer, (sighting,)), Decided(), EXPIRES)
    assert tables.near() == [replace(longer, version=3)]


def test_an_alert_of_a_build_before_is_sent_held_and_answered(tables: Tables) -> None:
    tables.put(changed("", item_version=None))
    assert tables.alerts.reserve(ALERT_1, "ana", LIMITS, EXPIRES)
    assert not tables.alerts.reserve(ALERT_1, "ana", replace(LIMITS, version=1), EXPIRES)
    tables.alerts.hold(ALERT_1, "bo", HELD_DELIVERY, HELD, EXPIRES)
    assert tables.alerts.answer(ALERT_1.ref, AnswerKind.FALSE_ALARM, ANSWER) == ANSWER
    assert tables.alerts.get(ALERT_1.ref) == replace(
        ALERT_1,
        reserved=frozenset({"ana"}),
        deliveries={"ana": DELIVERY, "bo": HELD_DELIVERY},
        answers={AnswerKind.FALSE_ALARM: ANSWER},
    )
    assert list(tables.alerts.false_alarms(WATCH_RULE_ID, "front")) == [FALSE_ALARM]


def test_what_is_of_version_2_is_read(tables: Tables) -> None:
    tables.put(GOLDEN_2["items"])
    assert tables.frames.get_stored([FRAME.meta]) == {FRAME.meta.frame_id: STORED}
    claim = replace(VISIT.alerts[WATCH_RULE_ID], state=AlertState.SENT)
    finished = replace(VISIT, alerts={WATCH_RULE_ID: claim}, version=2)
    assert tables.near() == [finished]
    assert [v for _, v in tables.visits.newest_first("front", DAY)] == [replace(finished, path=())]
    assert tables.alerts.get(ALERT.ref) == ANSWERED
    assert tables.alerts.get(OPEN_ALERT.ref) == OPEN_ALERT
    assert tables.alerts.rule_state(WATCH_RULE_ID, "group:doors") == replace(RULE_STATE, version=1)
    assert tables.alerts.limit_state() == replace(LIMITS, version=1)
    assert tables.alerts.open_work() == ([WORK], [(f"bo#{ALERT.alert_id}", HELD)])
    assert tables.alerts.link(TOKEN) == replace(LINK, uses=1)
    assert tables.alerts.revoke_links(ALERT.ref) == 1
    assert list(tables.alerts.false_alarms(WATCH_RULE_ID, "front")) == [FALSE_ALARM]


def test_a_newer_frame_is_read_where_what_is_known_here_is_there(tables: Tables) -> None:
    tables.put(changed("", item_version=2, mood="good"))
    (read,) = tables.frames.get_stored([FRAME.meta]).values()
    assert read == STORED.model_copy(update={"item_version": 2})
    assert tables.listed("L#front#person") == [read]


def test_what_is_written_once_is_read_of_a_newer_form_where_what_is_known_here_is_there(tables: Tables) -> None:
    tables.put(changed("", GOLDEN_2, item_version=3, mood="good"))
    assert tables.alerts.get(ALERT.ref) == ANSWERED
    assert tables.alerts.open_work() == ([WORK], [(f"bo#{ALERT.alert_id}", HELD)])
    assert tables.alerts.link(TOKEN) == replace(LINK, uses=1)
    assert list(tables.alerts.false_alarms(WATCH_RULE_ID, "front")) == [FALSE_ALARM]


def test_a_list_goes_on_without_what_it_cannot_read(tables: Tables, caplog: pytest.LogCaptureFixture) -> None:
    gone = {"captured_at": None, "ref": None, "first_seen": None}
    tables.put(changed("", GOLDEN_2, item_version=3, **gone))
    assert [*tables.visits.newest_first("front", DAY), *tables.alerts.newest_first("front", DAY)] == []
    assert [*tables.alerts.false_alarms(WATCH_RULE_ID, "front"), *tables.alerts.open_work()] == [[], []]
    for kind in ("StoredVisit", "StoredAlert", "StoredFalseAlarm", "StoredOpenAlert", "StoredHeld"):
        assert f"{kind} of version 3" in caplog.text


def test_a_newer_frame_that_cannot_be_read_is_kept_and_waits_for_its_build(
    tables: Tables, caplog: pytest.LogCaptureFixture
) -> None:
    items = changed("", item_version=2, camera_id=None)
    tables.put(items)
    with pytest.raises(NewerItem, match=r"StoredFrame of version 2: this build knows version 1; deploy the one"):
        tables.frames.get_stored([FRAME.meta])
    assert not tables.frames.put(STORED, EXPIRES)  # and is not stored a second time
    assert tables.listed("F#front") == [] and "StoredFrame of version 2" in caplog.text  # a page goes on without it
    own = next(item for item in items if item["pk"]["S"].startswith("F#"))
    assert own in all_items(tables.client)


def test_what_vision_made_of_a_frame_and_its_size_stand_in_its_body_only_where_they_say_something(
    tables: Tables,
) -> None:
    """An item that is silent about them is of a frame that was analysed, as all were; none need be written anew."""
    tables.put(GOLDEN["items"])
    (before,) = tables.frames.get_stored([FRAME.meta]).values()
    assert (before.analysis, before.jpeg_bytes) == (Analysis.ANALYSED, 0)
    later = make_frame(9, at=3.0).meta
    stored = StoredFrame.of(later, [PERSON], set(), NOON, analysis=Analysis.INHERITED, jpeg_bytes=90_000)
    assert stored.model_dump_json().endswith(',"watch_hit":false,"analysis":"inherited","jpeg_bytes":90000}')
    assert tables.frames.put(stored, EXPIRES)
    assert tables.frames.get_stored([later]) == {later.frame_id: stored}
    assert tables.listed("L#front#person")[0] == stored


def test_a_newer_visit_is_never_written_over_though_it_could_be_read(tables: Tables) -> None:
    tables.put(changed("V#", item_version=3, mood="good"))
    before = all_items(tables.client)
    with pytest.raises(NewerItem, match="StoredVisit of version 3"):
        tables.near()
    with pytest.raises(NewerItem):
        tables.alerts.finish(ALERT_1, AlertState.SENT)
    assert all_items(tables.client) == before


def test_newer_states_of_rules_and_limits_are_never_written_over(tables: Tables) -> None:
    tables.put(changed("R", GOLDEN_2, item_version=2, mood="good"))
    tables.put([i for i in changed("LIMITS", GOLDEN_2, item_version=2) if i["pk"]["S"] == "LIMITS"])
    before = all_items(tables.client)
    with pytest.raises(NewerItem, match="StoredRuleState of version 2"):
        tables.alerts.rule_state(WATCH_RULE_ID, "group:doors")
    with pytest.raises(NewerItem, match="StoredRuleState of version 2"):
        tables.alerts.rule_states()
    with pytest.raises(NewerItem, match="StoredLimitState of version 2"):
        tables.alerts.limit_state()
    assert all_items(tables.client) == before


_KINDS = [
    StoredFrame,
    StoredVisit,
    StoredAlert,
    StoredHeartbeat,
    StoredRuleState,
    StoredLimitState,
    StoredOpenAlert,
    StoredHeld,
    StoredLink,
    StoredFalseAlarm,
]


@pytest.mark.parametrize("doc", ["", "[]", '{"item_version": "x"}', '{"item_version": 1}'])
@pytest.mark.parametrize("kind", _KINDS)
def test_what_never_was_such_an_item_is_not_taken_for_a_newer_one(kind: Any, doc: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        kind.read(doc)


def test_a_record_of_version_1_is_read_and_is_what_is_written() -> None:
    raw = base64.b64decode(GOLDEN["record"])
    assert raw.startswith(b"FWF1")
    assert decode_envelope(raw) == Frame(FRAME.meta, FRAME.jpeg)
    assert encode_envelope(FRAME) == raw


def test_a_heartbeat_of_version_1_is_read_and_is_what_is_written(dynamodb: Any) -> None:
    raw = base64.b64decode(HEARTBEAT_GOLDEN["record"])
    assert raw.startswith(b"FWH1")
    assert decode_heartbeat(raw) == HEARTBEAT
    assert encode_heartbeat(HEARTBEAT) == raw
    table = DynamoHeartbeatTable(DynamoTable(dynamodb, TABLE))
    stored = StoredHeartbeat.of(HEARTBEAT, NOON)
    assert table.put(stored, EXPIRES)
    assert all_items(dynamodb) == HEARTBEAT_GOLDEN["items"]
    assert table.newest() == [stored]
