"""CountTable over DynamoDB: an item for each camera and hour, one for each day of the site, a small one a camera."""

from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from uuid import uuid4

from framewatch.adapters.aws.dynamo import DynamoTable, Item, Key, make_item
from framewatch.adapters.aws.readable import readable
from framewatch.domain.hourly import Counts, DayCounts, HourCounts
from framewatch.services.ports import Recount
from framewatch.wire.count_items import StoredCountedUntil, StoredDayCounts, StoredHourCounts, StoredRecount
from framewatch.wire.envelope import format_utc
from framewatch.wire.items import (
    COUNTED_KEY,
    RECOUNT_KEY,
    StoredItem,
    day_counts_key,
    hour_counts_key,
    recount_sort_key,
)

# Below and above every id and time.
_BEFORE_ALL, _AFTER_ALL = " ", "~"
_MOMENT = timedelta(microseconds=1)


class DynamoCountTable:
    def __init__(self, table: DynamoTable, new_stamp: Callable[[], str] = lambda: uuid4().hex):
        """new_stamp: a text that was never given before."""
        self._table = table
        self._new_stamp = new_stamp

    def hour(self, camera_id: str, hour: datetime) -> HourCounts:
        item = self._table.get((hour_counts_key(camera_id), format_utc(hour)))
        return _hour(item) if item is not None else HourCounts(camera_id, hour)

    def put_hour(self, counts: HourCounts, expires_at: datetime) -> None:
        key = (hour_counts_key(counts.camera_id), format_utc(counts.hour))
        self._put(key, StoredHourCounts.of(counts), counts.version, expires_at)

    def hours(self, camera_id: str, first: datetime, end: datetime, *, fresh: bool = False) -> list[HourCounts]:
        if first >= end:
            return []
        items = self._table.query_up(
            hour_counts_key(camera_id), first=format_utc(first), last=format_utc(end - _MOMENT), fresh=fresh
        )
        return list(readable(_hour, items))

    def day(self, camera_id: str, day: date) -> DayCounts:
        item = self._table.get((day_counts_key(camera_id), day.isoformat()))
        return _day(item) if item is not None else DayCounts(camera_id, day, Counts(), None)

    def put_day(self, counts: DayCounts, expires_at: datetime) -> None:
        key = (day_counts_key(counts.camera_id), counts.day.isoformat())
        self._put(key, StoredDayCounts.of(counts), counts.version, expires_at)

    def days(self, camera_id: str, first: date, last: date) -> list[DayCounts]:
        items = self._table.query_up(
            day_counts_key(camera_id), first=first.isoformat(), last=last.isoformat(), fresh=False
        )
        return list(readable(_day, items))

    def counted_until(self) -> dict[str, datetime]:
        items = self._table.query_up(COUNTED_KEY, first=_BEFORE_ALL, last=_AFTER_ALL)
        found = readable(lambda item: StoredCountedUntil.read(item["doc"]["S"]), items)
        return {stored.camera_id: stored.counted_until for stored in found}

    def put_counted_until(self, camera_id: str, at: datetime, expires_at: datetime) -> None:
        stored = StoredCountedUntil(
            item_version=StoredCountedUntil.current_version, camera_id=camera_id, counted_until=at
        )
        self._table.batch_put([make_item((COUNTED_KEY, camera_id), expires_at, stored.model_dump_json())])

    def mark(self, buckets: Collection[tuple[str, datetime]], at: datetime, expires_at: datetime) -> None:
        self._table.batch_put(self._mark(*bucket, at, expires_at) for bucket in sorted(set(buckets)))

    def recounts(self, most: int) -> list[Recount]:
        items = self._table.query_up(RECOUNT_KEY, first=_BEFORE_ALL, last=_AFTER_ALL, page=most)
        first = [item for item, _ in zip(items, range(most), strict=False)]
        found = readable(lambda item: StoredRecount.read(item["doc"]["S"]), first)
        return [Recount(stored.camera_id, stored.bucket, stored.marked_at, stored.stamp) for stored in found]

    def done(self, recount: Recount) -> None:
        key = (RECOUNT_KEY, recount_sort_key(recount.bucket, recount.camera_id))
        self._table.delete_if(
            key, "#stamp = :stamp", names={"#stamp": "stamp"}, values={":stamp": {"S": recount.stamp}}
        )

    def _mark(self, camera_id: str, bucket: datetime, at: datetime, expires_at: datetime) -> Item:
        stored = StoredRecount(
            item_version=StoredRecount.current_version,
            camera_id=camera_id,
            bucket=bucket,
            marked_at=at,
            stamp=self._new_stamp(),
        )
        key = (RECOUNT_KEY, recount_sort_key(bucket, camera_id))
        # The stamp stands beside the body, too, where a condition can see it.
        return make_item(key, expires_at, stored.model_dump_json(), stamp={"S": stored.stamp})

    def _put(self, key: Key, body: StoredItem, version: int, expires_at: datetime) -> None:
        item = make_item(key, expires_at, body.model_dump_json(), version={"N": str(version + 1)})
        self._table.put_at(item, version)


def _hour(item: Item) -> HourCounts:
    return StoredHourCounts.read(item["doc"]["S"]).to_domain(int(item["version"]["N"]))


def _day(item: Item) -> DayCounts:
    return StoredDayCounts.read(item["doc"]["S"]).to_domain(int(item["version"]["N"]))
