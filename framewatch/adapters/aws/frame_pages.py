"""FramePages over DynamoDB: one Query a read, eventually consistent, at half the price of a strong one."""

import logging
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from framewatch.adapters.aws.errors import storage_errors
from framewatch.domain.errors import NewerItem
from framewatch.services.frame_merge import FrameRead, Slice
from framewatch.services.ports import Clock
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import days_key, index_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_log = logging.getLogger(__name__)


class DynamoFramePages:
    def __init__(self, client: "DynamoDBClient", table: str, clock: Clock):
        self._client, self._table, self._clock = client, table, clock

    def query(self, read: FrameRead) -> Slice:
        values = {":pk": {"S": index_key(read.index, read.day)}}
        if read.from_sk is None:
            condition = "pk = :pk AND sk < :before"
            values[":before"] = {"S": read.before_sk}
        else:
            # A key condition has no half-open range.
            condition = "pk = :pk AND sk BETWEEN :from AND :last"
            values |= {":from": {"S": read.from_sk}, ":last": {"S": just_below(read.before_sk)}}
            if read.from_sk > just_below(read.before_sk):
                return Slice((), 0, None)  # DynamoDB refuses a range that is upside down
        answer = self._query(condition, values, read.limit)
        items = answer["Items"]
        last = answer.get("LastEvaluatedKey")
        return Slice(self._frames(items), len(items), last["sk"]["S"] if last else None)

    def previous_day(self, index: str, before_day: str, not_before_day: str | None) -> str | None:
        # A pointer outlives the frames of its day; one that is past its life leads to a day that is empty, no worse.
        if not_before_day is None:
            condition, values = "pk = :pk AND sk < :before", {":before": {"S": before_day}}
        elif not_before_day >= before_day:
            return None
        else:
            condition = "pk = :pk AND sk BETWEEN :from AND :last"
            values = {":from": {"S": not_before_day}, ":last": {"S": just_below(before_day)}}
        answer = self._query(condition, values | {":pk": {"S": days_key(index)}}, 1)
        return answer["Items"][0]["sk"]["S"] if answer["Items"] else None

    def query_up(self, index: str, day: str, above_sk: str, limit: int) -> Slice:
        values = {":pk": {"S": index_key(index, day)}, ":above": {"S": above_sk}}
        answer = self._query("pk = :pk AND sk > :above", values, limit, up=True)
        items = answer["Items"]
        last = answer.get("LastEvaluatedKey")
        return Slice(self._frames(items), len(items), last["sk"]["S"] if last else None)

    def next_day(self, index: str, after_day: str) -> str | None:
        values = {":pk": {"S": days_key(index)}, ":after": {"S": after_day}}
        answer = self._query("pk = :pk AND sk > :after", values, 1, up=True)
        return answer["Items"][0]["sk"]["S"] if answer["Items"] else None

    def _query(self, condition: str, values: dict[str, Any], limit: int, *, up: bool = False) -> Any:
        with storage_errors(f"table {self._table}: read frames"):
            return self._client.query(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=up,
                Limit=limit,
            )

    def _frames(self, items: list[dict[str, Any]]) -> list[StoredFrame]:
        now_s = self._clock.now().timestamp()
        frames = []
        for item in items:
            # DynamoDB deletes what has expired days later; until then it is still found.
            if float(item.get("expires_at", {}).get("N", "inf")) <= now_s:
                continue
            try:
                frames.append(StoredFrame.read(item["doc"]["S"]))
            except NewerItem as error:
                _log.warning("item %s %s is left out: %s", item["pk"]["S"], item["sk"]["S"], error)
            except (ValidationError, KeyError):
                _log.exception("item %s %s is not a frame; left out", item["pk"]["S"], item["sk"]["S"])
        return frames


def just_below(key: str) -> str:
    """A text below the key and above every other key below it: keys hold no character above `z`."""
    return f"{key[:-1]}{chr(ord(key[-1]) - 1)}~"
