"""VisitTable over DynamoDB.

One transaction writes a visit, removes those it replaces, marks the frames it counts and puts the alert. Every
visit it touches is guarded by the version that was read, every mark and alert by not being there yet, so that
a frame counts once and a visit has one writer at a time.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from framewatch.adapters.aws.dynamo import DynamoTable, Item, Key, key_of, make_item
from framewatch.domain.alerts import Alert, Delivery
from framewatch.domain.labels import fold
from framewatch.domain.visits import AlertState, Visit, VisitChange
from framewatch.wire.envelope import format_utc
from framewatch.wire.items import alert_sort_key, alerts_key, seen_key, visit_sort_key, visits_key
from framewatch.wire.visit_items import StoredAlert, StoredDelivery, StoredVisit

# A live batch touches one or two visits of a label; each further page costs one more request.
_VISITS_A_PAGE = 8
# Sorts after every visit of its instant: visit ids start with a camera id, which is plain ASCII.
_AFTER_ALL = "~"


class DynamoVisitTable:
    def __init__(self, table: DynamoTable):
        self._table = table

    def counted(self, frame_ids: Sequence[str], label: str) -> set[str]:
        found = self._table.batch_get(_seen(frame_id, label) for frame_id in frame_ids)
        marks = {item["pk"]["S"] for item in found}
        return {frame_id for frame_id in frame_ids if seen_key(frame_id) in marks}

    def near(self, camera_id: str, label: str, first: datetime, last: datetime, gap: timedelta) -> list[Visit]:
        found = []
        at_most = f"{format_utc(last + gap)}#{_AFTER_ALL}"
        for item in self._table.query_down(visits_key(camera_id, label), at_most=at_most, page=_VISITS_A_PAGE):
            visit = _to_visit(item)
            # Visits do not overlap, so that their ends are in the order of their starts: no earlier one is nearer.
            if visit.last_seen < first - gap:
                break
            found.append(visit)
        return found[::-1]

    def apply(self, change: VisitChange, alert: Alert | None, expires_at: datetime) -> None:
        after = replace(change.after, version=max((v.version for v in change.before), default=0) + 1)
        key = _visit_key(after)
        actions: list[Any] = []
        replaced: Visit | None = None
        for visit in change.before:
            if _visit_key(visit) == key:
                replaced = visit
            else:
                actions.append(
                    {
                        "Delete": {
                            "TableName": self._table.name,
                            "Key": key_of(_visit_key(visit)),
                            **_if_at(visit.version),
                        }
                    }
                )
        actions.append(self._put(_visit_item(after, expires_at), _if_at(replaced.version) if replaced else _IF_NEW))
        for sighting in change.sightings:
            actions.append(self._put(make_item(_seen(sighting.frame_id, after.label), expires_at), _IF_NEW))
        if alert is not None:
            item = make_item(
                _alert_key(alert),
                expires_at,
                StoredAlert.of(alert).model_dump_json(),
                state={"S": alert.state},
                deliveries={"M": {}},
            )
            actions.append(self._put(item, _IF_NEW))
        self._table.transact(actions)

    def alert(self, camera_id: str, captured_at: datetime, alert_id: str) -> Alert | None:
        item = self._table.get((alerts_key(camera_id, captured_at), f"{format_utc(captured_at)}#{alert_id}"))
        if item is None:
            return None
        deliveries = {
            contact_id: StoredDelivery.model_validate_json(value["S"]).to_domain()
            for contact_id, value in item["deliveries"]["M"].items()
        }
        return StoredAlert.read(item["doc"]["S"]).to_domain(AlertState(item["state"]["S"]), deliveries)

    def record_delivery(self, alert: Alert, contact_id: str, delivery: Delivery) -> None:
        self._table.update(
            _alert_key(alert),
            "SET deliveries.#contact = :delivery",
            {"#contact": contact_id},
            {":delivery": {"S": StoredDelivery.of(delivery).model_dump_json()}},
        )

    def finish_alert(self, alert: Alert, state: AlertState) -> None:
        actions: list[Any] = [
            {
                "Update": {
                    "TableName": self._table.name,
                    "Key": key_of(_alert_key(alert)),
                    "UpdateExpression": "SET #state = :state",
                    "ConditionExpression": "attribute_exists(pk)",
                    "ExpressionAttributeNames": {"#state": "state"},
                    "ExpressionAttributeValues": {":state": {"S": state}},
                }
            }
        ]
        for item in self._claiming(alert):
            visit = _to_visit(item)
            claim = replace(visit.alerts[alert.rule_id], state=state)
            finished = replace(visit, alerts={**visit.alerts, alert.rule_id: claim}, version=visit.version + 1)
            body = {**_visit_item(finished, alert.captured_at), "expires_at": item["expires_at"]}
            actions.append(self._put(body, _if_at(visit.version)))
        self._table.transact(actions)

    def _claiming(self, alert: Alert) -> list[Item]:
        """The visit that the alert stands for, wherever it has moved since; none when a join dropped the claim."""
        at_most = f"{format_utc(alert.captured_at)}#{_AFTER_ALL}"
        for item in self._table.query_down(visits_key(alert.camera_id, alert.label), at_most=at_most, page=1):
            claim = _to_visit(item).alerts.get(alert.rule_id)
            return [item] if claim is not None and claim.alert_id == alert.alert_id else []
        return []

    def _put(self, item: Item, condition: Item) -> Any:
        return {"Put": {"TableName": self._table.name, "Item": item, **condition}}


_IF_NEW: Item = {"ConditionExpression": "attribute_not_exists(pk)"}


def _if_at(version: int) -> Item:
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":version": {"N": str(version)}},
    }


def _seen(frame_id: str, label: str) -> Key:
    return (seen_key(frame_id), fold(label))


def _visit_key(visit: Visit) -> Key:
    return (visits_key(visit.camera_id, visit.label), visit_sort_key(visit))


def _alert_key(alert: Alert) -> Key:
    return (alerts_key(alert.camera_id, alert.captured_at), alert_sort_key(alert))


def _visit_item(visit: Visit, expires_at: datetime) -> Item:
    doc = StoredVisit.of(visit).model_dump_json()
    return make_item(_visit_key(visit), expires_at, doc, version={"N": str(visit.version)})


def _to_visit(item: Item) -> Visit:
    return StoredVisit.read(item["doc"]["S"]).to_domain(int(item["version"]["N"]))
