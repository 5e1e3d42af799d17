"""AlertTable over DynamoDB.

What is written together is one transaction. Who decides from what was read writes under its version, or under a
condition that says the same: a text is counted once for a contact by its mark in the alert, an answer stands if its
kind has none yet, a piece of work is taken if it is still due when it was.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from framewatch.adapters.aws.alert_items import (
    alert_key,
    answer_attribute,
    held_item,
    note_attribute,
    notes_in,
    open_key,
    reserved_in,
    rule_state_item,
    rule_state_key,
    to_alert,
    to_rule_state,
    to_work,
    work_values,
)
from framewatch.adapters.aws.dynamo import IF_NEW, ITEM_EXISTS, DynamoTable, Item, Key, if_at, make_item
from framewatch.adapters.aws.visit_table import newest_before, put_visit, to_visit
from framewatch.domain.alerts import (
    Alert,
    AlertLink,
    AlertRef,
    Answer,
    AnswerKind,
    Delivery,
    FalseAlarm,
    Note,
    OpenAlert,
    finish_claim,
)
from framewatch.domain.errors import NewerItem, NotesFull, UnknownAlert, WriteConflict
from framewatch.domain.limits import Held, LimitState
from framewatch.domain.rule_state import RuleState
from framewatch.domain.visits import AlertState
from framewatch.wire.alert_items import (
    StoredAnswer,
    StoredDelivery,
    StoredFalseAlarm,
    StoredHeld,
    StoredLink,
    StoredNote,
)
from framewatch.wire.items import (
    LIMITS_KEY,
    LINK_SORT_KEY,
    OPEN_KEY,
    RULE_STATES_KEY,
    alert_links_key,
    alert_sort_key,
    alerts_key,
    false_alarms_key,
    held_key,
    held_key_of,
    held_sort_key,
    link_key,
    token_digest,
)
from framewatch.wire.rule_state_items import StoredLimitState

_log = logging.getLogger(__name__)

_LIMITS: Key = (LIMITS_KEY, LIMITS_KEY)
# Of what is read whole: a request of DynamoDB ends after 1 MB.
_PAGE = 1000


class DynamoAlertTable:
    def __init__(self, table: DynamoTable):
        self._table = table

    def get(self, ref: AlertRef) -> Alert | None:
        item = self._table.get(alert_key(ref))
        return to_alert(item) if item is not None else None

    def newest_first(
        self, camera_id: str, day: str, *, before_sk: str | None = None, page: int = 100
    ) -> Iterator[tuple[str, Alert]]:
        for item in self._table.query_down(alerts_key(camera_id, day), below=before_sk, page=page):
            try:
                yield item["sk"]["S"], to_alert(item)
            except NewerItem as error:
                _leave_out(item, error)

    def rule_state(self, rule_id: str, scope: str) -> RuleState:
        item = self._table.get(rule_state_key(rule_id, scope))
        return to_rule_state(item) if item is not None else RuleState(rule_id, scope)

    def rule_states(self) -> list[RuleState]:
        found = [to_rule_state(item) for item in self._table.query_down(RULE_STATES_KEY, page=_PAGE)]
        return sorted(found, key=lambda s: (s.rule_id, s.scope))

    def put_rule_state(self, state: RuleState, expires_at: datetime) -> None:
        self._table.put_at(rule_state_item(state, expires_at), state.version)

    def limit_state(self) -> LimitState:
        item = self._table.get(_LIMITS)
        if item is None:
            return LimitState()
        return StoredLimitState.read(item["doc"]["S"]).to_domain(int(item["version"]["N"]))

    def reserve(self, alert: Alert, contact_id: str, after: LimitState, expires_at: datetime) -> bool:
        mark = self._table.to_update(
            alert_key(alert.ref),
            "ADD reserved :contacts",
            {},
            {":contacts": {"SS": [contact_id]}, ":contact": {"S": contact_id}},
            f"{ITEM_EXISTS} AND NOT contains(reserved, :contact)",
        )
        try:
            self._table.transact([mark, self._table.to_put(_limits_item(after, expires_at), if_at(after.version))])
        except WriteConflict:
            if contact_id in reserved_in(self._item(alert.ref)):
                return False
            raise
        return True

    def put_limit_state(self, state: LimitState, expires_at: datetime) -> None:
        self._table.put_at(_limits_item(state, expires_at), state.version)

    def record_delivery(self, alert: Alert, contact_id: str, delivery: Delivery) -> None:
        self._table.update(
            alert_key(alert.ref),
            "SET deliveries.#contact = :delivery",
            {"#contact": contact_id},
            {":delivery": _delivery_value(delivery)},
        )

    def hold(self, alert: Alert, contact_id: str, delivery: Delivery, held: Held, expires_at: datetime) -> None:
        record = self._table.to_update(
            alert_key(alert.ref),
            "SET deliveries.#contact = :delivery",
            {"#contact": contact_id},
            {":delivery": _delivery_value(delivery)},
            f"{ITEM_EXISTS} AND attribute_not_exists(deliveries.#contact)",
        )
        try:
            key = held_key(contact_id, alert.alert_id)
            self._table.transact([record, self._table.to_put(held_item(key, held, expires_at))])
        except WriteConflict:
            if contact_id not in self._item(alert.ref).get("deliveries", {"M": {}})["M"]:
                raise

    def put_held(self, key: str, held: Held, expires_at: datetime) -> None:
        self._table.put_new(held_item(key, held, expires_at))

    def finish(self, alert: Alert, state: AlertState) -> None:
        actions = [
            self._table.to_update(
                alert_key(alert.ref), "SET #state = :state", {"#state": "state"}, {":state": {"S": state}}
            )
        ]
        item = newest_before(self._table, alert.camera_id, alert.label, alert.captured_at)
        if item is not None:
            visit = to_visit(item)
            finished = finish_claim(visit, alert, state)
            if finished is not None:
                expires_at = datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)
                after = replace(finished, version=visit.version + 1)
                actions += put_visit(self._table, after, visit.version, expires_at)
        self._table.transact(actions)

    def answer(self, ref: AlertRef, kind: AnswerKind, answer: Answer) -> Answer:
        item = self._item(ref)
        if standing := _answer_of(item, ref, kind):
            return standing
        alert = to_alert(item)
        attribute = answer_attribute(kind)
        actions = [
            self._table.to_update(
                alert_key(ref),
                "SET #answer = :answer",
                {"#answer": attribute},
                {":answer": {"S": StoredAnswer.of(answer).model_dump_json()}},
                f"{ITEM_EXISTS} AND attribute_not_exists(#answer)",
            ),
            self._table.to_delete(open_key(ref.alert_id)),
        ]
        if kind is AnswerKind.FALSE_ALARM:
            alarm = FalseAlarm(alert.rule_id, ref, alert.label, alert.frame_id, alert.confidence, answer)
            expires_at = datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)
            actions.append(self._table.to_put(_false_alarm_item(alarm, expires_at)))
        try:
            self._table.transact(actions)
        except WriteConflict:
            if standing := _answer_of(self._item(ref), ref, kind):
                return standing
            raise
        return answer

    def add_note(self, ref: AlertRef, note: Note, most: int) -> Note:
        try:
            self._table.update(
                alert_key(ref),
                "SET #note = :note ADD note_count :one",
                {"#note": note_attribute(note)},
                {
                    ":note": {"S": StoredNote.of(note).model_dump_json()},
                    ":one": {"N": "1"},
                    ":most": {"N": str(most)},
                },
                f"{ITEM_EXISTS} AND attribute_not_exists(#note)"
                " AND (attribute_not_exists(note_count) OR note_count < :most)",
            )
        except WriteConflict:
            item = self._item(ref)
            if not item:
                raise _unknown(ref) from None
            notes = notes_in(item)
            for standing in notes:
                if (standing.by, standing.text) == (note.by, note.text):
                    return standing
            if len(notes) >= most:
                raise NotesFull(
                    f"alert {ref.alert_id!r} has {most} notes, which is as many as one may have"
                ) from None
            raise
        return note

    def open_work(self) -> tuple[list[OpenAlert], list[tuple[str, Held]]]:
        work: list[OpenAlert] = []
        held: list[tuple[str, Held]] = []
        for item in self._table.query_down(OPEN_KEY, page=_PAGE):
            key = held_key_of(item["sk"]["S"])
            try:
                if key is not None:
                    held.append((key, StoredHeld.read(item["doc"]["S"]).to_domain()))
                else:
                    work.append(to_work(item))
            except NewerItem as error:
                _leave_out(item, error)
        return sorted(work, key=lambda w: (w.due_at, w.ref.alert_id)), sorted(held, key=lambda h: (h[1].at, h[0]))

    def reschedule(self, before: OpenAlert, after: OpenAlert) -> None:
        was, will_be = work_values(before), work_values(after)
        self._table.update(
            open_key(before.ref.alert_id),
            "SET due_at = :due_at, steps_told = :steps_told",
            {},
            {
                ":due_at": will_be["due_at"],
                ":steps_told": will_be["steps_told"],
                ":was_due_at": was["due_at"],
                ":had_told": was["steps_told"],
            },
            "due_at = :was_due_at AND steps_told = :had_told",
        )

    def close(self, ref: AlertRef) -> None:
        self._table.delete(open_key(ref.alert_id))

    def close_held(self, keys: Sequence[str]) -> None:
        self._table.batch_delete((OPEN_KEY, held_sort_key(key)) for key in keys)

    def put_link(self, token: str, link: AlertLink) -> None:
        digest = token_digest(token)
        body = StoredLink.of(link).model_dump_json()
        item = make_item(_link_key(digest), link.expires_at, body, uses={"N": "0"}, revoked={"BOOL": False})
        listed = make_item((alert_links_key(link.ref.alert_id), digest), link.expires_at)
        # Together: a link that is not listed could not be revoked.
        self._table.transact([self._table.to_put(item, IF_NEW), self._table.to_put(listed)])

    def link(self, token: str) -> AlertLink | None:
        item = self._table.get(_link_key(token_digest(token)))
        if item is None:
            return None
        return StoredLink.read(item["doc"]["S"]).to_domain(item["revoked"]["BOOL"], int(item["uses"]["N"]))

    def use_link(self, token: str, most: int) -> bool:
        try:
            self._table.update(
                _link_key(token_digest(token)),
                "SET uses = uses + :one",
                {},
                {":one": {"N": "1"}, ":most": {"N": str(most)}, ":no": {"BOOL": False}},
                f"{ITEM_EXISTS} AND uses < :most AND revoked = :no",
            )
        except WriteConflict:
            return False
        return True

    def revoke_links(self, ref: AlertRef) -> int:
        revoked = 0
        for item in self._table.query_down(alert_links_key(ref.alert_id), page=_PAGE):
            try:
                self._table.update(_link_key(item["sk"]["S"]), "SET revoked = :yes", {}, {":yes": {"BOOL": True}})
            except WriteConflict:
                continue  # it has expired
            revoked += 1
        return revoked

    def false_alarms(self, rule_id: str, camera_id: str, page: int = 100) -> Iterator[FalseAlarm]:
        for item in self._table.query_down(false_alarms_key(rule_id, camera_id), page=page):
            try:
                yield StoredFalseAlarm.read(item["doc"]["S"]).to_domain()
            except NewerItem as error:
                _leave_out(item, error)

    def _item(self, ref: AlertRef) -> Item:
        """Empty when there is none."""
        return self._table.get(alert_key(ref)) or {}


def _answer_of(item: Item, ref: AlertRef, kind: AnswerKind) -> Answer | None:
    """The one that stands. Raises UnknownAlert where there is no such alert."""
    if not item:
        raise _unknown(ref)
    stored = item.get(answer_attribute(kind))
    return StoredAnswer.model_validate_json(stored["S"]).to_domain() if stored else None


def _unknown(ref: AlertRef) -> UnknownAlert:
    return UnknownAlert(f"camera {ref.camera_id} has no alert {ref.alert_id!r}; it may have outlived its time")


def _limits_item(state: LimitState, expires_at: datetime) -> Item:
    """The next version of it."""
    version = {"N": str(state.version + 1)}
    return make_item(_LIMITS, expires_at, StoredLimitState.of(state).model_dump_json(), version=version)


def _false_alarm_item(alarm: FalseAlarm, expires_at: datetime) -> Item:
    key = (false_alarms_key(alarm.rule_id, alarm.ref.camera_id), alert_sort_key(alarm.ref))
    return make_item(key, expires_at, StoredFalseAlarm.of(alarm).model_dump_json())


def _delivery_value(delivery: Delivery) -> Item:
    return {"S": StoredDelivery.of(delivery).model_dump_json()}


def _link_key(digest: str) -> Key:
    return (link_key(digest), LINK_SORT_KEY)


def _leave_out(item: Item, error: NewerItem) -> None:
    _log.warning("item %s %r is left out: %s", item["pk"]["S"], item["sk"]["S"], error)
