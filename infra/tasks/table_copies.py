"""The stage's table and its copies: brought back whole where it is gone, filled from a copy where it lost items."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.tasks.problem import TaskProblem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_WRITERS = 16
# Begins the partition of a camera's frames (framewatch/wire/items.py).
_FRAMES = "F#"
_WAIT_S, _LONGEST_WAIT_S = 2.0, 30.0
# Restoring takes from minutes to hours, by the table's size.
_PATIENCE_S = 24 * 3600.0
_GONE = "gone"
Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Copy:
    """A backup of the table: its ARN, and as of when."""

    arn: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class KeptTable:
    client: "DynamoDBClient"
    name: str
    sleep: Sleep = time.sleep

    def is_gone(self) -> bool:
        if _state(self.client, self.name) == "DELETING":
            wait_for(lambda: _state(self.client, self.name), _GONE, f"the table {self.name}", self.sleep)
        return _state(self.client, self.name) == _GONE

    def kept_by_aws(self) -> Iterable[Copy]:
        """What DynamoDB itself kept when a table of this name, with point-in-time recovery, was deleted."""
        pages = self.client.get_paginator("list_backups").paginate(TableName=self.name, BackupType="SYSTEM")
        for kept in (kept for page in pages for kept in page["BackupSummaries"]):
            # Emulators list the others, too.
            if kept["BackupType"] == "SYSTEM":
                yield Copy(kept["BackupArn"], kept["BackupCreationDateTime"].astimezone(UTC))

    def bring_back(self, copy: Copy, declared: Mapping[str, Any]) -> None:
        """Under its own name. declared: the properties of its template."""
        self.client.restore_table_from_backup(TargetTableName=self.name, BackupArn=copy.arn)
        self.put_settings(declared)

    def put_settings(self, declared: Mapping[str, Any]) -> None:
        """What a backup does not hold, once the table is there; what is so already is left alone."""
        client, name = self.client, self.name
        wait_for(lambda: _state(client, name), "ACTIVE", f"the table {name}", self.sleep)
        there = client.describe_table(TableName=name)["Table"]
        protected = declared.get("DeletionProtectionEnabled", False)
        if protected != there.get("DeletionProtectionEnabled", False):
            client.update_table(TableName=name, DeletionProtectionEnabled=protected)
        if tags := declared.get("Tags"):
            client.tag_resource(ResourceArn=there["TableArn"], Tags=tags)
        expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"].get("TimeToLiveStatus")
        if (wanted := declared.get("TimeToLiveSpecification")) and expiry not in {"ENABLED", "ENABLING"}:
            client.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)
        if recovery := declared.get("PointInTimeRecoverySpecification"):
            wait_for(lambda: _recoverable(client, name, recovery), "recoverable", f"the table {name}", self.sleep)

    def fill(self, source: str | datetime, now: datetime, *, lived_on: bool) -> tuple[int, int, int]:
        """source: a backup's ARN, or a moment of the table's own past. lived_on: it may hold frames of the source.

        How many items were added, were there, have expired. Raises TaskProblem.
        """
        client, beside = self.client, f"{self.name}-restored"
        _drop(client, beside, self.sleep)
        try:
            if isinstance(source, str):
                client.restore_table_from_backup(TargetTableName=beside, BackupArn=source)
            else:
                client.restore_table_to_point_in_time(
                    SourceTableName=self.name, TargetTableName=beside, RestoreDateTime=source
                )
            wait_for(lambda: _state(client, beside), "ACTIVE", f"the table {beside}", self.sleep)
            if not lived_on:
                _check_was_lost(client, beside, self.name)
            return _add_missing(client, beside, self.name, now)
        finally:
            _drop(client, beside, self.sleep)


def wait_for(state: Callable[[], str], wanted: str, what: str, sleep: Sleep) -> None:
    """Raises TaskProblem after a day."""
    waited_s, pause_s = 0.0, _WAIT_S
    while (now := state()) != wanted:
        if waited_s >= _PATIENCE_S:
            raise TaskProblem(f"{what} is still {now}; run it again when it is {wanted}")
        sleep(pause_s)
        waited_s, pause_s = waited_s + pause_s, min(2 * pause_s, _LONGEST_WAIT_S)


def _check_was_lost(client: "DynamoDBClient", source: str, target: str) -> None:
    """By the first frames that are found. Raises TaskProblem."""
    page = client.scan(TableName=source, Limit=1000)["Items"]
    frames = [item for item in page if str(item["pk"]["S"]).startswith(_FRAMES)][:100]
    if not frames:
        return
    keys = [{"pk": item["pk"], "sk": item["sk"]} for item in frames]
    answer = client.batch_get_item(RequestItems={target: {"Keys": keys, "ProjectionExpression": "pk"}})
    if there := len(answer["Responses"].get(target, [])):
        raise TaskProblem(
            f"the table holds {there} of the first {len(frames)} frames of the backup: it was neither lost nor"
            " emptied, and what was ended or joined since would come back; if it is a restore that was interrupted,"
            " again=true goes on with it"
        )


def _recoverable(client: "DynamoDBClient", name: str, wanted: Any) -> str:
    """wanted: a PointInTimeRecoverySpecification."""
    try:
        client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=wanted)
    except client.exceptions.ContinuousBackupsUnavailableException:
        return "without backups"  # for a while after it was made
    return "recoverable"


def _add_missing(client: "DynamoDBClient", source: str, target: str, now: datetime) -> tuple[int, int, int]:
    """How many were added, were there, have expired."""
    added = there = expired = 0

    def put(item: Mapping[str, Any]) -> bool:
        try:
            client.put_item(TableName=target, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(_WRITERS) as pool:
        for page in client.get_paginator("scan").paginate(TableName=source):
            fresh = [item for item in page["Items"] if not _is_over(item, now)]
            done = list(pool.map(put, fresh))
            added, there = added + sum(done), there + len(done) - sum(done)
            expired += len(page["Items"]) - len(fresh)
    return added, there, expired


def _is_over(item: Mapping[str, Any], now: datetime) -> bool:
    return float(item.get("expires_at", {}).get("N", "inf")) <= now.timestamp()


def _state(client: "DynamoDBClient", name: str) -> str:
    try:
        return client.describe_table(TableName=name)["Table"]["TableStatus"]
    except client.exceptions.ResourceNotFoundException:
        return _GONE


def _drop(client: "DynamoDBClient", name: str, sleep: Sleep) -> None:
    state = _state(client, name)
    if state == _GONE:
        return
    if state == "CREATING":
        wait_for(lambda: _state(client, name), "ACTIVE", f"the table {name}", sleep)
    client.delete_table(TableName=name)
    wait_for(lambda: _state(client, name), _GONE, f"the table {name}", sleep)
