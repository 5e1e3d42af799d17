"""SeenTable over DynamoDB: one small item a user."""

from datetime import datetime

from framewatch.adapters.aws.dynamo import DynamoTable, Item, make_item
from framewatch.wire.envelope import format_utc
from framewatch.wire.items import SEEN_UNTIL, user_key


class DynamoSeenTable:
    def __init__(self, table: DynamoTable):
        self._table = table

    def get(self, subject: str) -> datetime | None:
        # By a query, which is all that the function that reads may do.
        return _until(next(self._table.query_down(user_key(subject), page=1), None))

    def move(self, subject: str, until: datetime, at: datetime, expires_at: datetime) -> datetime:
        key = (user_key(subject), SEEN_UNTIL)
        new = {"S": format_utc(until)}
        moved = self._table.put_if(
            make_item(key, expires_at, until=new, at={"S": format_utc(at)}),
            "attribute_not_exists(pk) OR #until < :until",
            names={"#until": "until"},
            values={":until": new},
        )
        return until if moved else (_until(self._table.get(key)) or until)


def _until(item: Item | None) -> datetime | None:
    return datetime.fromisoformat(item["until"]["S"]) if item is not None else None
