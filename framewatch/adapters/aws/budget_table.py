"""BudgetTable over DynamoDB: one small partition. Each method needs no more than a query or a write."""

from collections.abc import Sequence
from datetime import datetime

from framewatch.adapters.aws.dynamo import DynamoTable, Item, if_at, make_item
from framewatch.adapters.aws.readable import readable
from framewatch.domain.budget import BudgetChange, BudgetPin, BudgetState
from framewatch.wire.budget_items import StoredBudgetChanges, StoredBudgetPin, StoredBudgetState
from framewatch.wire.items import (
    BUDGET_KEY,
    BUDGET_STATE,
    budget_change_sort_key,
    budget_pin_sort_key,
)

# Between them lie all pins, and all changes below the first of them; ids and times hold no character above it.
_FIRST_PIN, _LAST_PIN = budget_pin_sort_key(None), f"{budget_pin_sort_key(None)}~"


class DynamoBudgetTable:
    def __init__(self, table: DynamoTable):
        self._table = table

    def state(self) -> BudgetState:
        # A query, for some who ask may do nothing else.
        for item in self._table.query_up(BUDGET_KEY, first=BUDGET_STATE, last=BUDGET_STATE):
            return StoredBudgetState.read(item["doc"]["S"]).to_domain(int(item["version"]["N"]))
        return BudgetState()

    def put_state(self, state: BudgetState, expires_at: datetime, changes: Sequence[BudgetChange] = ()) -> None:
        doc = StoredBudgetState.of(state).model_dump_json()
        version = {"N": str(state.version + 1)}
        item = make_item((BUDGET_KEY, BUDGET_STATE), expires_at, doc, version=version)
        if not changes:
            self._table.put_at(item, state.version)
            return
        told = StoredBudgetChanges.of(changes).model_dump_json()
        key = (BUDGET_KEY, budget_change_sort_key(changes[0].at))
        self._table.transact(
            [self._table.to_put(item, if_at(state.version)), self._table.to_put(make_item(key, expires_at, told))]
        )

    def changes(self, most: int) -> list[BudgetChange]:
        found: list[BudgetChange] = []
        for changes in readable(_changes, self._table.query_down(BUDGET_KEY, below=_FIRST_PIN, page=most)):
            if len(found) >= most:
                break
            found += changes
        return found

    def pins(self) -> list[BudgetPin]:
        return list(readable(_pin, self._table.query_up(BUDGET_KEY, first=_FIRST_PIN, last=_LAST_PIN)))

    def put_pin(self, pin: BudgetPin, expires_at: datetime) -> None:
        doc = StoredBudgetPin.of(pin).model_dump_json()
        self._table.put(make_item((BUDGET_KEY, budget_pin_sort_key(pin.camera_id)), expires_at, doc))


def _changes(item: Item) -> list[BudgetChange]:
    return StoredBudgetChanges.read(item["doc"]["S"]).to_domain()


def _pin(item: Item) -> BudgetPin:
    return StoredBudgetPin.read(item["doc"]["S"]).to_domain()
