"""The few DynamoDB requests that the tables are made of. What one leaves undone is asked again, within bounds."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from framewatch.adapters.aws.errors import is_busy, storage_errors
from framewatch.domain.errors import StorageUnavailable, WriteConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Item = dict[str, Any]
"""An item in DynamoDB's own notation: `{"pk": {"S": "..."}}`."""
Key = tuple[str, str]

# DynamoDB's limits on one request.
MAX_BATCH_GET = 100
MAX_BATCH_WRITE = 25
MAX_TRANSACTION_ITEMS = 100
_BATCH_TRIES = 6
_BACK_OFF_S = 0.05
_BUSY_TRIES = 6

ITEM_EXISTS = "attribute_exists(pk)"
IF_NEW: Item = {"ConditionExpression": "attribute_not_exists(pk)"}

T = TypeVar("T")


def chunks_of(size: int, things: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(things)
    while chunk := list(islice(rest, size)):
        yield chunk


def key_of(key: Key) -> Item:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def make_item(key: Key, expires_at: datetime, doc: str | None = None, **more: Any) -> Item:
    item = key_of(key) | {"expires_at": {"N": str(int(expires_at.astimezone(UTC).timestamp()))}} | more
    if doc is not None:
        item["doc"] = {"S": doc}
    return item


def if_at(version: int) -> Item:
    """That the item's attribute `version` is what was read; 0: that there was none."""
    if version == 0:
        return IF_NEW
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":version": {"N": str(version)}},
    }


def _named(names: dict[str, str], values: Item) -> Any:
    return {
        **({"ExpressionAttributeNames": names} if names else {}),
        **({"ExpressionAttributeValues": values} if values else {}),
    }


class DynamoTable:
    """Every method raises StorageUnavailable; the conditional ones raise WriteConflict, too."""

    def __init__(self, client: "DynamoDBClient", name: str, sleep: Callable[[float], None] = time.sleep):
        self._client = client
        self.name = name
        self._sleep = sleep

    def get(self, key: Key) -> Item | None:
        with storage_errors(f"table {self.name}: read an item"):
            return self._client.get_item(TableName=self.name, Key=key_of(key), ConsistentRead=True).get("Item")

    def batch_get(self, keys: Iterable[Key]) -> list[Item]:
        """Those that exist, in no order; strong consistency."""
        found: list[Item] = []
        for chunk in chunks_of(MAX_BATCH_GET, dict.fromkeys(keys)):
            left: Any = {self.name: {"Keys": [key_of(k) for k in chunk], "ConsistentRead": True}}
            for delay_s in self._delays("read items"):
                with storage_errors(f"table {self.name}: read {len(chunk)} items"):
                    answer = self._client.batch_get_item(RequestItems=left)
                found += answer["Responses"].get(self.name, [])
                left = answer.get("UnprocessedKeys")
                if not left:
                    break
                self._sleep(delay_s)
        return found

    def batch_put(self, items: Iterable[Item]) -> None:
        self._batch_write({"PutRequest": {"Item": item}} for item in items)

    def batch_delete(self, keys: Iterable[Key]) -> None:
        """Those that are not there are left so."""
        self._batch_write({"DeleteRequest": {"Key": key_of(key)}} for key in dict.fromkeys(keys))

    def _batch_write(self, requests: Iterable[Any]) -> None:
        for chunk in chunks_of(MAX_BATCH_WRITE, requests):
            left: Any = {self.name: chunk}
            for delay_s in self._delays("write items"):
                with storage_errors(f"table {self.name}: write {len(chunk)} items"):
                    left = self._client.batch_write_item(RequestItems=left).get("UnprocessedItems")
                if not left:
                    break
                self._sleep(delay_s)

    def _delays(self, doing: str) -> Iterator[float]:
        """How long to wait after each of a bounded number of tries. Raises StorageUnavailable after the last.

        DynamoDB answers a throttled batch with success and a list of what it left undone.
        """
        for n in range(_BATCH_TRIES):
            # Full jitter, so that the workers that were throttled together do not come back together.
            yield random.uniform(0, _BACK_OFF_S * 2**n)  # noqa: S311
        raise StorageUnavailable(
            f"table {self.name}: {doing}: throttled, DynamoDB left some undone {_BATCH_TRIES} times"
        )

    def put(self, item: Item) -> None:
        """In place of whatever is there."""
        with storage_errors(f"table {self.name}: write an item"):
            self._client.put_item(TableName=self.name, Item=item)

    def put_new(self, item: Item) -> bool:
        """False when an item of that key is there already."""
        return self._put_if(item, IF_NEW)

    def put_if(self, item: Item, condition: str, *, names: dict[str, str], values: Item) -> bool:
        """False when the condition does not hold for the item that is there; then that one stays."""
        return self._put_if(
            item,
            {
                "ConditionExpression": condition,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": values,
            },
        )

    def put_at(self, item: Item, version: int) -> None:
        """In place of the version that was read. Raises WriteConflict when it has moved."""
        if not self._put_if(item, if_at(version)):
            raise WriteConflict(f"table {self.name}: write an item: somebody else wrote first")

    def _put_if(self, item: Item, condition: Any) -> bool:
        try:
            with storage_errors(f"table {self.name}: write an item"):
                self._client.put_item(TableName=self.name, Item=item, **condition)
        except WriteConflict:
            return False
        return True

    def query_down(
        self, pk: str, *, page: int, at_most: str | None = None, below: str | None = None
    ) -> Iterator[Item]:
        """Items of the partition, highest sort key first, `page` a request; strong consistency.

        at_most, below: only those with sk <= the one, or sk < the other; not both.
        A page is asked for when the one before it has been read: who stops reading stops paying.
        """
        condition, values = "pk = :pk", {":pk": {"S": pk}}
        if (bound := at_most or below) is not None:
            condition += " AND sk <= :sk" if at_most else " AND sk < :sk"
            values[":sk"] = {"S": bound}
        start: Any = {}
        while True:
            with storage_errors(f"table {self.name}: query"):
                answer = self._client.query(
                    TableName=self.name,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ScanIndexForward=False,
                    ConsistentRead=True,
                    Limit=page,
                    **start,
                )
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def query_up(
        self, pk: str, *, first: str, last: str, page: int | None = None, fresh: bool = True
    ) -> Iterator[Item]:
        """Items of the partition with first <= sk <= last, lowest first, `page` a request or as many as one holds.

        fresh: strong consistency, at twice the price.
        """
        more: Any = {} if page is None else {"Limit": page}
        while True:
            with storage_errors(f"table {self.name}: query"):
                answer = self._client.query(
                    TableName=self.name,
                    KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
                    ExpressionAttributeValues={":pk": {"S": pk}, ":first": {"S": first}, ":last": {"S": last}},
                    ConsistentRead=fresh,
                    **more,
                )
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            more["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def update(
        self, key: Key, expression: str, names: dict[str, str], values: Item, condition: str = ITEM_EXISTS
    ) -> None:
        """Raises WriteConflict when the condition does not hold; left out, when the item does not exist."""
        self._when_free(
            "update an item",
            lambda: self._client.update_item(
                TableName=self.name,
                Key=key_of(key),
                UpdateExpression=expression,
                ConditionExpression=condition,
                **_named(names, values),
            ),
        )

    def delete(self, key: Key) -> None:
        """One that is not there is left so."""
        self._when_free("delete an item", lambda: self._client.delete_item(TableName=self.name, Key=key_of(key)))

    def delete_if(self, key: Key, condition: str, *, names: dict[str, str], values: Item) -> bool:
        """False when the condition does not hold for the item that is there; then it stays."""
        try:
            with storage_errors(f"table {self.name}: delete an item"):
                self._client.delete_item(
                    TableName=self.name, Key=key_of(key), ConditionExpression=condition, **_named(names, values)
                )
        except WriteConflict:
            return False
        return True

    def _when_free(self, doing: str, request: Callable[[], object]) -> None:
        """A transaction that holds the item at this moment is waited for: it says nothing of the condition."""
        for tries_left in reversed(range(_BUSY_TRIES)):
            try:
                with storage_errors(f"table {self.name}: {doing}"):
                    request()
            except WriteConflict as conflict:
                if not tries_left or not is_busy(conflict):
                    raise
                self._sleep(random.uniform(0, _BACK_OFF_S))  # noqa: S311
            else:
                return

    # The three that a transaction is made of.

    def to_put(self, item: Item, condition: Item | None = None) -> Any:
        return {"Put": {"TableName": self.name, "Item": item, **(condition or {})}}

    def to_update(
        self, key: Key, expression: str, names: dict[str, str], values: Item, condition: str = ITEM_EXISTS
    ) -> Any:
        return {
            "Update": {
                "TableName": self.name,
                "Key": key_of(key),
                "UpdateExpression": expression,
                "ConditionExpression": condition,
                **_named(names, values),
            }
        }

    def to_delete(self, key: Key, condition: Item | None = None) -> Any:
        return {"Delete": {"TableName": self.name, "Key": key_of(key), **(condition or {})}}

    def transact(self, actions: Sequence[Any]) -> None:
        """All or nothing. boto3 sends the same token with each of its own retries, so one call counts once."""
        with storage_errors(f"table {self.name}: transaction of {len(actions)} items"):
            self._client.transact_write_items(TransactItems=actions)
