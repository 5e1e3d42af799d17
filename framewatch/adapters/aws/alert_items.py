"""Items of alerts and of what hangs on them, in DynamoDB's notation: what both tables write and read."""

from datetime import datetime
from typing import Any

from framewatch.adapters.aws.dynamo import Item, Key, make_item
from framewatch.domain.alerts import Alert, AlertRef, AnswerKind, IncidentSighting, Note, OpenAlert
from framewatch.domain.limits import Held
from framewatch.domain.rule_state import RuleState
from framewatch.domain.visits import AlertState
from framewatch.wire.alert_items import (
    StoredAlert,
    StoredAnswer,
    StoredDelivery,
    StoredHeld,
    StoredIncidentSighting,
    StoredNote,
    StoredOpenAlert,
)
from framewatch.wire.envelope import format_utc
from framewatch.wire.items import (
    OPEN_KEY,
    RULE_STATES_KEY,
    alert_sort_key,
    alerts_key,
    day_of,
    held_sort_key,
    note_digest,
    open_alert_sort_key,
    rule_state_sort_key,
)
from framewatch.wire.rule_state_items import StoredRuleState

_NOTE = "note:"


def alert_key(ref: AlertRef) -> Key:
    return (alerts_key(ref.camera_id, day_of(ref.captured_at)), alert_sort_key(ref))


def alert_item(alert: Alert, expires_at: datetime) -> Item:
    """A new one: nothing has happened to it yet."""
    return make_item(
        alert_key(alert.ref),
        expires_at,
        StoredAlert.of(alert).model_dump_json(),
        state={"S": alert.state},
        deliveries={"M": {}},
        joined={"M": {}},
    )


def to_alert(item: Item) -> Alert:
    # Alerts of version 1 have no `joined`.
    joined: dict[str, Any] = item.get("joined", {"M": {}})["M"]
    return StoredAlert.read(item["doc"]["S"]).to_domain(
        AlertState(item["state"]["S"]),
        reserved_in(item),
        {c: StoredDelivery.model_validate_json(v["S"]).to_domain() for c, v in item["deliveries"]["M"].items()},
        {visit: StoredIncidentSighting.model_validate_json(v["S"]).to_domain() for visit, v in joined.items()},
        {
            kind: StoredAnswer.model_validate_json(item[answer_attribute(kind)]["S"]).to_domain()
            for kind in AnswerKind
            if answer_attribute(kind) in item
        },
        notes=notes_in(item),
    )


def reserved_in(item: Item) -> frozenset[str]:
    """A set has no empty form: the attribute comes with the first contact."""
    return frozenset(item["reserved"]["SS"]) if "reserved" in item else frozenset()


def answer_attribute(kind: AnswerKind) -> str:
    """Not in a map, which alerts of version 1 lack: they can be answered, too."""
    return f"answer:{kind}"


def note_attribute(note: Note) -> str:
    """Each note is one of its own, so that adding the same again changes nothing."""
    return f"{_NOTE}{note_digest(note.by, note.text)}"


def notes_in(item: Item) -> tuple[Note, ...]:
    found = [StoredNote.model_validate_json(v["S"]).to_domain() for name, v in item.items() if name.startswith(_NOTE)]
    return tuple(sorted(found, key=lambda n: (n.at, n.by, n.text)))


def sighting_value(sighting: IncidentSighting) -> Item:
    return {"S": StoredIncidentSighting.of(sighting).model_dump_json()}


def open_key(alert_id: str) -> Key:
    return (OPEN_KEY, open_alert_sort_key(alert_id))


def open_item(ref: AlertRef, due_at: datetime, expires_at: datetime) -> Item:
    work = OpenAlert(ref, due_at)
    return make_item(
        open_key(ref.alert_id), expires_at, StoredOpenAlert.of(work).model_dump_json(), **work_values(work)
    )


def work_values(work: OpenAlert) -> Item:
    """What whoever takes the work changes, and what nobody else may have changed since it was read."""
    return {"due_at": {"S": format_utc(work.due_at)}, "steps_told": {"N": str(work.steps_told)}}


def to_work(item: Item) -> OpenAlert:
    stored = StoredOpenAlert.read(item["doc"]["S"])
    due_at = datetime.fromisoformat(item["due_at"]["S"])
    return OpenAlert(stored.ref.to_domain(), due_at, int(item["steps_told"]["N"]))


def held_item(key: str, held: Held, expires_at: datetime) -> Item:
    return make_item((OPEN_KEY, held_sort_key(key)), expires_at, StoredHeld.of(held).model_dump_json())


def rule_state_key(rule_id: str, scope: str) -> Key:
    return (RULE_STATES_KEY, rule_state_sort_key(rule_id, scope))


def rule_state_item(state: RuleState, expires_at: datetime) -> Item:
    """The next version of it."""
    return make_item(
        rule_state_key(state.rule_id, state.scope),
        expires_at,
        StoredRuleState.of(state).model_dump_json(),
        version={"N": str(state.version + 1)},
    )


def to_rule_state(item: Item) -> RuleState:
    return StoredRuleState.read(item["doc"]["S"]).to_domain(int(item["version"]["N"]))
