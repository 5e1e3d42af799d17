"""LimitOverrides over DynamoDB, and both items of the limits with one query, for who may only query."""

from datetime import datetime

from framewatch.adapters.aws.dynamo import DynamoTable, Item, Key, make_item
from framewatch.domain.limits import LimitOverride, LimitState
from framewatch.wire.items import LIMIT_OVERRIDE_SORT_KEY, LIMITS_KEY
from framewatch.wire.rule_state_items import StoredLimitOverride, StoredLimitState

_OVERRIDE: Key = (LIMITS_KEY, LIMIT_OVERRIDE_SORT_KEY)


class DynamoLimitTable:
    def __init__(self, table: DynamoTable):
        self._table = table

    def override(self) -> LimitOverride | None:
        item = self._table.get(_OVERRIDE)
        return _override(item) if item is not None else None

    def put_override(self, override: LimitOverride, expires_at: datetime) -> None:
        doc = StoredLimitOverride.of(override).model_dump_json()
        self._table.put(make_item(_OVERRIDE, expires_at, doc))

    def both(self) -> tuple[LimitState, LimitOverride | None]:
        """Strong consistency."""
        state, override = LimitState(), None
        for item in self._table.query_up(LIMITS_KEY, first=LIMITS_KEY, last=LIMIT_OVERRIDE_SORT_KEY):
            if item["sk"]["S"] == LIMIT_OVERRIDE_SORT_KEY:
                override = _override(item)
            elif item["sk"]["S"] == LIMITS_KEY:
                state = StoredLimitState.read(item["doc"]["S"]).to_domain(int(item["version"]["N"]))
        return state, override


def _override(item: Item) -> LimitOverride:
    return StoredLimitOverride.read(item["doc"]["S"]).to_domain()
