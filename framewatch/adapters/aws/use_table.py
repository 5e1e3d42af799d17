"""UseTable over DynamoDB: the processes of a day in one partition, days in another.

A process writes once in 200 write units of its own, so that no number of them makes the one hot.
"""

from datetime import date, datetime

from framewatch.adapters.aws.dynamo import DynamoTable, Item, make_item
from framewatch.adapters.aws.readable import readable
from framewatch.domain.use import DayUse, ProcessUse
from framewatch.wire.items import USE_DAYS_KEY, process_sort_key, use_key
from framewatch.wire.use_items import StoredDayUse, StoredProcessUse

# Below and above every process.
_BEFORE_ALL, _AFTER_ALL = " ", "~"


class DynamoUseTable:
    def __init__(self, table: DynamoTable):
        self._table = table

    def put_process(self, use: ProcessUse, expires_at: datetime) -> None:
        doc = StoredProcessUse.of(use).model_dump_json()
        self._table.put(
            make_item((use_key(use.day), process_sort_key(use.function, use.process_id)), expires_at, doc)
        )

    def processes(self, day: date) -> list[ProcessUse]:
        items = self._table.query_up(use_key(day), first=_BEFORE_ALL, last=_AFTER_ALL)
        return list(readable(lambda item: StoredProcessUse.read(item["doc"]["S"]).to_domain(), items))

    def put_day(self, use: DayUse, expires_at: datetime) -> None:
        doc = StoredDayUse.of(use).model_dump_json()
        version = {"N": str(use.version + 1)}
        self._table.put_at(
            make_item((USE_DAYS_KEY, use.day.isoformat()), expires_at, doc, version=version), use.version
        )

    def day(self, day: date) -> DayUse:
        item = self._table.get((USE_DAYS_KEY, day.isoformat()))
        return _day(item) if item is not None else DayUse(day)

    def days(self, first: date, last: date) -> list[DayUse]:
        if first > last:
            return []
        items = self._table.query_up(USE_DAYS_KEY, first=first.isoformat(), last=last.isoformat(), fresh=False)
        return list(readable(_day, items))


def _day(item: Item) -> DayUse:
    return StoredDayUse.read(item["doc"]["S"]).to_domain(int(item["version"]["N"]))
