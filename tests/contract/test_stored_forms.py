"""What builds before this one wrote is read, what this one writes is pinned, and what a newer one wrote survives.

`tests/events/stored-v1.json` holds one of everything: items as DynamoDB keeps them, and a Kinesis record. It is
never changed. A new form gets a file of its own beside it, and both are read from then on.
"""

import base64
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_pages import DynamoFramePages
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.alerts import WATCH_RULE_ID, Alert, Delivery, DeliveryState, alert_id_for
from framewatch.domain.errors import NewerItem
from framewatch.domain.frames import Frame
from framewatch.domain.heartbeats import CameraState
from framewatch.domain.visits import AlertClaim, AlertState, Visit, VisitChange, VisitSighting
from framewatch.services.frame_merge import FrameRead
from framewatch.wire.envelope import decode_envelope, encode_envelope
from framewatch.wire.heartbeat import decode_heartbeat, encode_heartbeat
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.items import StoredFrame
from framewatch.wire.visit_items import StoredAlert, StoredVisit
from tests.aws import TABLE, all_items
from tests.frames import NOON, PERSON, make_frame, make_heartbeat

_EVENTS = Path(__file__).parents[1] / "events"
GOLDEN = json.loads((_EVENTS / "stored-v1.json").read_text("utf-8"))
# Heartbeats came later than the rest.
HEARTBEAT_GOLDEN = json.loads((_EVENTS / "stored-heartbeat-v1.json").read_text("utf-8"))
EXPIRES = NOON + timedelta(days=90)
DAY = "2026-03-14"

FRAME = make_frame(7, at=1.5)
HEARTBEAT = make_heartbeat(7, at=1.5, state=CameraState.RECONNECTING, last_error="front: no route to host.")
STORED = StoredFrame.of(FRAME.meta, [PERSON], {"Person"}, NOON)
SIGHTING = VisitSighting(FRAME.meta.frame_id, FRAME.meta.captured_at, 97.5, (0.4, 0.1, 0.6, 0.9))
ALERT = Alert(
    alert_id=alert_id_for("visit-1", WATCH_RULE_ID),
    rule_id=WATCH_RULE_ID,
    visit_id="visit-1",
    camera_id="front",
    label="Human",
    confidence=97.5,
    frame_id=FRAME.meta.frame_id,
    captured_at=FRAME.meta.captured_at,
    decided_at=NOON,
    contact_ids=("ana",),
    text="Framewatch: Human 97% at Front door",
    state=AlertState.CLAIMED,
    deliveries={},
)
DELIVERY = Delivery(DeliveryState.SENT, NOON, "message-1")
VISIT = Visit(
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


class FixedClock:
    def now(self) -> datetime:
        return NOON


class Tables:
    def __init__(self, client: Any):
        self.client = client
        self.frames = DynamoFrameTable(DynamoTable(client, TABLE))
        self.visits = DynamoVisitTable(DynamoTable(client, TABLE))
        self.pages = DynamoFramePages(client, TABLE, FixedClock())

    def write(self) -> None:
        """One of everything, as this build writes it."""
        assert self.frames.put(STORED, EXPIRES)
        self.visits.apply(VisitChange((), VISIT, (SIGHTING,)), ALERT, EXPIRES)
        self.visits.record_delivery(ALERT, "ana", DELIVERY)

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


def changed(prefix: str, **fields: Any) -> list[dict[str, Any]]:
    """The golden items, with these fields in the bodies of those whose key begins so; a field of None goes."""
    items = json.loads(json.dumps(GOLDEN["items"]))
    for item in items:
        if "doc" in item and item["pk"]["S"].startswith(prefix):
            doc = json.loads(item["doc"]["S"]) | fields
            item["doc"]["S"] = json.dumps({name: value for name, value in doc.items() if value is not None})
    return items


def test_every_kind_of_item_is_among_them() -> None:
    kinds = {item["pk"]["S"].partition("#")[0] for item in GOLDEN["items"]}
    assert kinds == {"F", "L", "W", "WL", "DAYS", "SEEN", "V", "A"}


def test_what_this_build_writes_is_pinned(tables: Tables) -> None:
    def by_key(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    tables.write()
    assert by_key(all_items(tables.client)) == by_key(GOLDEN["items"])


@pytest.mark.parametrize("absent", [False, True], ids=["version 1", "before items carried a version"])
def test_what_builds_before_wrote_is_read(tables: Tables, absent: bool) -> None:
    tables.put(changed("", item_version=None) if absent else GOLDEN["items"])
    assert tables.frames.get_stored([FRAME.meta]) == {FRAME.meta.frame_id: STORED}
    assert not tables.frames.put(STORED, EXPIRES)
    assert tables.near() == [VISIT]
    assert tables.visits.counted([FRAME.meta.frame_id], "Human") == {FRAME.meta.frame_id}
    found = tables.visits.alert("front", FRAME.meta.captured_at, ALERT.alert_id)
    assert found is not None and found.text == ALERT.text and found.deliveries == {"ana": DELIVERY}
    for index in ("F#front", "L#front#person", "W#front", "WL#front#human"):
        assert tables.listed(index) == [STORED]
        assert tables.pages.previous_day(index, "2026-03-15", None) == DAY


def test_a_visit_of_a_build_before_is_written_on(tables: Tables) -> None:
    tables.put(changed("", item_version=None))
    tables.visits.finish_alert(ALERT, AlertState.SENT)
    (visit,) = tables.near()
    assert (visit.alerts[WATCH_RULE_ID].state, visit.version) == (AlertState.SENT, 2)


def test_a_newer_frame_is_read_where_what_is_known_here_is_there(tables: Tables) -> None:
    tables.put(changed("", item_version=2, mood="good"))
    (read,) = tables.frames.get_stored([FRAME.meta]).values()
    assert read == STORED.model_copy(update={"item_version": 2})
    assert tables.listed("L#front#person") == [read]
    alert = tables.visits.alert("front", FRAME.meta.captured_at, ALERT.alert_id)
    assert alert is not None and alert.text == ALERT.text


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


def test_a_newer_visit_is_never_written_over_though_it_could_be_read(tables: Tables) -> None:
    tables.put(changed("V#", item_version=2, mood="good"))
    before = all_items(tables.client)
    with pytest.raises(NewerItem, match="StoredVisit of version 2"):
        tables.near()
    with pytest.raises(NewerItem):
        tables.visits.finish_alert(ALERT, AlertState.SENT)
    assert all_items(tables.client) == before


@pytest.mark.parametrize("doc", ["", "[]", '{"item_version": "x"}', '{"item_version": 1}'])
@pytest.mark.parametrize("kind", [StoredFrame, StoredVisit, StoredAlert, StoredHeartbeat])
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
