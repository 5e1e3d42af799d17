"""HeartbeatTable over DynamoDB: one small partition, an item for each camera and box, written over once a minute."""

from datetime import datetime

from framewatch.adapters.aws.dynamo import DynamoTable, make_item
from framewatch.domain.errors import NewerItem
from framewatch.wire.envelope import format_utc
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.items import HEARTBEATS_KEY, heartbeat_sort_key

# As StoredHeartbeat.replaces says it; the table decides, so that no two writers can both think that they are newer.
_IF_NEWER = (
    "attribute_not_exists(pk)"
    " OR (#boot_id = :boot_id AND #seq < :seq)"
    " OR (#boot_id <> :boot_id AND #sent_at < :sent_at)"
)
# A request of DynamoDB ends after 1 MB: more than a thousand.
_PAGE = 1000
# Sorts after every camera's id.
_AFTER_ALL = "~"


class DynamoHeartbeatTable:
    def __init__(self, table: DynamoTable):
        self._table = table

    def put(self, heartbeat: StoredHeartbeat, expires_at: datetime) -> bool:
        order = {
            "boot_id": {"S": heartbeat.boot_id},
            "seq": {"N": str(heartbeat.seq)},
            "sent_at": {"S": format_utc(heartbeat.sent_at)},
        }
        key = (HEARTBEATS_KEY, heartbeat_sort_key(heartbeat.camera_id, heartbeat.box))
        return self._table.put_if(
            make_item(key, expires_at, heartbeat.model_dump_json(), **order),
            _IF_NEWER,
            names={f"#{name}": name for name in order},
            values={f":{name}": value for name, value in order.items()},
        )

    def newest(self) -> list[StoredHeartbeat]:
        found = []
        for item in self._table.query_down(HEARTBEATS_KEY, at_most=_AFTER_ALL, page=_PAGE):
            try:
                found.append(StoredHeartbeat.read(item["doc"]["S"]))
            except NewerItem:
                continue
        return found[::-1]
