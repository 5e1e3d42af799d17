"""VisitTable over DynamoDB.

One transaction writes a visit, removes those it replaces, marks the frames it counts and puts what was decided:
alerts with their work, what joined an incident, what came late, what rules remember. Every visit and state that it
touches is guarded by the version that was read, every mark and alert by not being there yet, so that a frame counts
once and a visit has one writer at a time.

A visit stands twice: under its label, guarded, and as a copy under its day, without its path. The copy is written and
removed with it and by nobody else, so it needs no guard of its own.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from framewatch.adapters.aws.alert_items import (
    alert_item,
    alert_key,
    open_item,
    rule_state_item,
    sighting_value,
)
from framewatch.adapters.aws.dynamo import IF_NEW, DynamoTable, Item, Key, if_at, make_item
from framewatch.domain.errors import NewerItem
from framewatch.domain.labels import fold
from framewatch.domain.visits import Visit, VisitChange
from framewatch.services.ports import Decided, check_writes
from framewatch.wire.envelope import format_utc
from framewatch.wire.items import day_of, seen_key, visit_days_key, visit_sort_key, visits_key
from framewatch.wire.visit_items import StoredVisit

_log = logging.getLogger(__name__)

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
            visit = to_visit(item)
            # Visits do not overlap, so that their ends are in the order of their starts: no earlier one is nearer.
            if visit.last_seen < first - gap:
                break
            found.append(visit)
        return found[::-1]

    def apply(self, change: VisitChange, decided: Decided, expires_at: datetime) -> None:
        check_writes(change, decided)
        after = replace(change.after, version=max((v.version for v in change.before), default=0) + 1)
        table, key = self._table, visit_key(after)
        actions: list[Any] = []
        read_at = 0
        for visit in change.before:
            if visit_key(visit) == key:
                read_at = visit.version
            else:
                actions.append(table.to_delete(visit_key(visit), if_at(visit.version)))
                actions.append(table.to_delete(_day_key(visit)))
        actions += put_visit(table, after, read_at, expires_at)
        actions += [
            table.to_put(make_item(_seen(s.frame_id, after.label), expires_at), IF_NEW) for s in change.sightings
        ]
        for alert in decided.alerts:
            actions.append(table.to_put(alert_item(alert, expires_at), IF_NEW))
            if decided.due_at is not None:  # check_writes has seen to it
                actions.append(table.to_put(open_item(alert.ref, decided.due_at, expires_at)))
        for ref, sighting in decided.joins:
            actions.append(
                table.to_update(
                    alert_key(ref),
                    "SET joined.#visit = :sighting",
                    {"#visit": sighting.visit_id},
                    {":sighting": sighting_value(sighting)},
                )
            )
        actions += [table.to_put(rule_state_item(s, expires_at), if_at(s.version)) for s in decided.states]
        table.transact(actions)

    def newest_first(
        self, camera_id: str, day: str, *, before_sk: str | None = None, page: int = 100
    ) -> Iterator[tuple[str, Visit]]:
        for item in self._table.query_down(visit_days_key(camera_id, day), below=before_sk, page=page):
            try:
                yield item["sk"]["S"], to_visit(item)
            except NewerItem as error:
                _log.warning("item %s %r is left out: %s", item["pk"]["S"], item["sk"]["S"], error)


def put_visit(table: DynamoTable, visit: Visit, read_at: int, expires_at: datetime) -> list[Any]:
    """The actions that put a visit and its copy in place of the version that was read; 0: there was none."""
    version = {"N": str(visit.version)}
    bare = StoredVisit.of(replace(visit, path=())).model_dump_json()
    whole = StoredVisit.of(visit).model_dump_json()
    return [
        table.to_put(make_item(visit_key(visit), expires_at, whole, version=version), if_at(read_at)),
        table.to_put(make_item(_day_key(visit), expires_at, bare, version=version)),
    ]


def visit_key(visit: Visit) -> Key:
    return (visits_key(visit.camera_id, visit.label), visit_sort_key(visit))


def to_visit(item: Item) -> Visit:
    return StoredVisit.read(item["doc"]["S"]).to_domain(int(item["version"]["N"]))


def newest_before(table: DynamoTable, camera_id: str, label: str, at: datetime) -> Item | None:
    """The visit of a label that began last before this time, or at it."""
    at_most = f"{format_utc(at)}#{_AFTER_ALL}"
    return next(table.query_down(visits_key(camera_id, label), at_most=at_most, page=1), None)


def _day_key(visit: Visit) -> Key:
    return (visit_days_key(visit.camera_id, day_of(visit.first_seen)), visit_sort_key(visit))


def _seen(frame_id: str, label: str) -> Key:
    return (seen_key(frame_id), fold(label))
