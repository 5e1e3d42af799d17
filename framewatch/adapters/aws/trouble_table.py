"""TroubleTable and HealthTable over DynamoDB: two small partitions, each read whole with one query a minute."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from framewatch.adapters.aws.dynamo import DynamoTable, Item, make_item
from framewatch.adapters.aws.readable import readable
from framewatch.domain.silence import ShardHealth, Subject
from framewatch.domain.trouble_life import TroubleLife
from framewatch.wire.envelope import format_utc
from framewatch.wire.items import (
    HEALTH_KEY,
    TROUBLES_KEY,
    TURN_KEY,
    WATCHDOG_TURN,
    trouble_sort_key,
)
from framewatch.wire.trouble_items import StoredHealth, StoredTrouble

# A request of DynamoDB ends after 1 MB: more than a thousand.
_PAGE = 1000


class DynamoTroubleTable:
    def __init__(self, table: DynamoTable):
        self._table = table

    def all(self) -> list[TroubleLife]:
        # What is left out is in time written over: a text too many is better than silence.
        return list(readable(_trouble, self._items(TROUBLES_KEY)))

    def put(self, lives: Sequence[TroubleLife], expires_at: datetime) -> None:
        self._table.batch_put(
            make_item(
                (TROUBLES_KEY, trouble_sort_key(*life.subject)), expires_at, StoredTrouble.of(life).model_dump_json()
            )
            for life in lives
        )

    def forget(self, subjects: Sequence[Subject]) -> None:
        self._table.batch_delete((TROUBLES_KEY, trouble_sort_key(*subject)) for subject in subjects)

    def take_turn(self, now: datetime, until: datetime) -> bool:
        return self._put_turn(now, until, "attribute_not_exists(pk) OR #until <= :now", now)

    def end_turn(self, now: datetime, until: datetime) -> None:
        self._put_turn(now, now, "#until = :now", until)

    def _put_turn(self, now: datetime, until: datetime, condition: str, compared: datetime) -> bool:
        return self._table.put_if(
            make_item((TURN_KEY, WATCHDOG_TURN), until, until={"S": format_utc(until)}, at={"S": format_utc(now)}),
            condition,
            names={"#until": "until"},
            values={":now": {"S": format_utc(compared)}},
        )

    def _items(self, pk: str) -> Iterable[Item]:
        return self._table.query_down(pk, page=_PAGE)


class DynamoHealthTable:
    def __init__(self, table: DynamoTable):
        self._table = table

    def get(self, shard_id: str) -> ShardHealth | None:
        item = self._table.get((HEALTH_KEY, shard_id))
        return next(readable(_health, [item] if item else []), None)

    def put(self, health: ShardHealth, expires_at: datetime) -> None:
        key = (HEALTH_KEY, health.shard_id)
        self._table.batch_put([make_item(key, expires_at, StoredHealth.of(health).model_dump_json())])

    def all(self) -> list[ShardHealth]:
        return list(readable(_health, self._table.query_down(HEALTH_KEY, page=_PAGE)))


def _trouble(item: Item) -> TroubleLife:
    return StoredTrouble.read(item["doc"]["S"]).to_domain()


def _health(item: Item) -> ShardHealth:
    return StoredHealth.read(item["doc"]["S"]).to_domain()
