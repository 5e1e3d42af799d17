"""What DynamoDB would bill for the requests of a client: units worked out from the items on the wire by its rules.

moto reports one unit for whatever it is asked, so they are counted here: a write is a unit for each KiB of the item,
at least one, twice that in a transaction; a read is one for each 4 KiB, half that where it may be stale.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Units:
    read: float = 0.0
    written: float = 0.0
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def add(self, operation: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        with self.lock:
            self.requests += 1
            getattr(self, f"_{operation}")(asked, answer)

    def _Query(self, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        size = sum(item_bytes(item) for item in answer["Items"])
        self.read += max(1, math.ceil(size / 4096)) / (1 if asked.get("ConsistentRead") else 2)

    def _GetItem(self, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        self.read += _read_units(answer.get("Item"), asked.get("ConsistentRead", False))

    def _BatchGetItem(self, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        for table, keys in asked["RequestItems"].items():
            found = answer["Responses"].get(table, [])
            consistent = keys.get("ConsistentRead", False)
            missing: list[Any] = [None] * (len(keys["Keys"]) - len(found))
            self.read += sum(_read_units(item, consistent) for item in [*found, *missing])

    def _PutItem(self, asked: dict[str, Any], _: dict[str, Any]) -> None:
        self.written += _write_units(asked["Item"])

    def _BatchWriteItem(self, asked: dict[str, Any], _: dict[str, Any]) -> None:
        for requests in asked["RequestItems"].values():
            self.written += sum(_write_units(r.get("PutRequest", {}).get("Item")) for r in requests)

    def _UpdateItem(self, asked: dict[str, Any], _: dict[str, Any]) -> None:
        # The items that are updated, alerts and their work, have one KiB or two; what is sent is a part of them.
        self.written += 2

    def _DeleteItem(self, asked: dict[str, Any], _: dict[str, Any]) -> None:
        self.written += 1

    def _TransactWriteItems(self, asked: dict[str, Any], _: dict[str, Any]) -> None:
        for action in asked["TransactItems"]:
            self.written += 2 * _write_units(action.get("Put", {}).get("Item"))


def item_bytes(item: dict[str, Any]) -> int:
    """DynamoDB's rule: names and texts in UTF-8; a number takes a byte for two digits and one more; a map or list
    three and one a member."""
    return sum(len(name) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + len(content) + item_bytes(content)
    if kind == "L":
        return 3 + sum(1 + _value_bytes(member) for member in content)
    if kind == "N":
        return len(content) // 2 + 2
    return len(content.encode()) if kind == "S" else 1


def _write_units(item: dict[str, Any] | None) -> int:
    return max(1, math.ceil(item_bytes(item) / 1024)) if item else 1


def _read_units(item: dict[str, Any] | None, consistent: bool) -> float:
    return (max(1, math.ceil(item_bytes(item) / 4096)) if item else 1) / (1 if consistent else 2)


@contextmanager
def counted_units(client: Any) -> Iterator[Units]:
    """Of a DynamoDB client's requests meanwhile, from any thread."""
    units = Units()
    events = client.meta.events

    def asked(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked_units"] = params

    def answered(model: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        units.add(model.name, context["asked_units"], parsed)

    events.register("before-parameter-build.dynamodb", asked, unique_id="units-asked")
    events.register("after-call.dynamodb", answered, unique_id="units-answered")
    try:
        yield units
    finally:
        events.unregister("before-parameter-build.dynamodb", unique_id="units-asked")
        events.unregister("after-call.dynamodb", unique_id="units-answered")
