"""A backup of what cannot be made anew, and its way back: into the stage it is of, or into another.

Two parts. The table's is DynamoDB's own, kept in the account and the region until somebody deletes it, whatever
becomes of the table. The rest is small and lies in a folder here: the site file, the boxes' files, who may sign in.
Pictures are in neither: they are kept for so long as the site file says, and no longer.

Invariants of a restore:
- it adds what is missing and replaces nothing: what was written since stands, and a second run changes nothing;
- it is for a table that was emptied or lost: to one that lived on, it would add what was ended or joined since;
- what has expired meanwhile is left out;
- nobody sees more cameras than before, nor in between;
- the table that is restored beside the stage's is deleted at the end, and by the next run when this one dies.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framewatch.domain.access import CAMERAS_PREFIX
from infra.settings import REPO
from infra.tasks.objects import objects_below
from infra.tasks.problem import TaskProblem
from infra.tasks.session import Ask, Stage, confirm
from infra.tasks.stacks import outputs
from infra.tasks.users import ROLES, add_user

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BACKUPS = REPO / "build" / "backup"
MANIFEST = "backup.json"
_CONFIG = "config"
# Of us-east-1, on demand; what a restore writes is dearer than all else about it.
_USD_A_MILLION_WRITES = 0.625
_WRITERS = 16
# Begins the partition of a camera's frames (framewatch/wire/items.py).
_FRAMES = "F#"
_WAIT_S, _LONGEST_WAIT_S = 2.0, 30.0
# Restoring takes from minutes to hours, by the table's size.
_PATIENCE_S = 24 * 3600.0
Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """users: their groups of the user pool, by e-mail address. table_backup: the ARN of DynamoDB's."""

    stage: str
    account: str
    region: str
    made_at: str
    table_backup: str
    items: int
    table_bytes: int
    objects: tuple[str, ...]
    users: dict[str, list[str]]

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Raises TaskProblem."""
        try:
            found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            return cls(**{**found, "objects": tuple(found["objects"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise TaskProblem(f"{folder} is none of `pynt backup`: {MANIFEST} cannot be read ({error})") from None


def backup(stage: Stage, now: datetime, below: Path = BACKUPS, sleep: Sleep = time.sleep) -> Path:
    """Returns the folder. Raises TaskProblem."""
    found = outputs(stage)
    client = stage.session.client("dynamodb")
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = below / f"{stage.name}-{stamp}"
    # It holds phone numbers and addresses.
    folder.mkdir(mode=0o700, parents=True)
    made = client.create_backup(TableName=found["TableName"], BackupName=f"framewatch-{stage.name}-{stamp}")
    arn = made["BackupDetails"]["BackupArn"]
    _wait(lambda: _backup_state(client, arn), "AVAILABLE", f"the backup of {found['TableName']}", sleep)
    table = client.describe_table(TableName=found["TableName"])["Table"]
    manifest = Manifest(
        stage=stage.name,
        account=stage.account,
        region=stage.region,
        made_at=now.astimezone(UTC).isoformat(),
        table_backup=arn,
        items=table.get("ItemCount", 0),
        table_bytes=table.get("TableSizeBytes", 0),
        objects=tuple(_save_objects(stage, found["ConfigBucketName"], folder / _CONFIG)),
        users=_users(stage, found["UserPoolId"]),
    )
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    print(f"table: {arn}")
    print(
        f"{folder}: {len(manifest.objects)} configuration files, {len(manifest.users)} users; keep it elsewhere too"
    )
    print("pictures are in no backup; `aws s3 sync` keeps them where the law and the site file allow it")
    return folder


def restore(
    stage: Stage,
    folder: Path,
    now: datetime,
    ask: Ask,
    *,
    at: datetime | None = None,
    again: bool = False,
    sleep: Sleep = time.sleep,
) -> None:
    """at: the table as it was then, by point-in-time recovery, instead of as in the backup. again: goes on with one
    that was interrupted. Raises TaskProblem."""
    manifest, found = Manifest.read(folder), outputs(stage)
    confirm(
        f"Add what is missing of {manifest.items:,} items of {manifest.stage}, of"
        f" {at.isoformat() if at else manifest.made_at}, to the stage {stage.name} in {stage.region}, for up to some"
        f" {_usd(manifest):,.2f} USD? Type the stage's name: ",
        stage.name,
        ask,
    )
    objects = _put_objects(stage, found["ConfigBucketName"], folder / _CONFIG, manifest)
    users = _invite(stage, found["UserPoolId"], manifest, again=again)
    print(f"{objects} configuration files and {users} users were missing")
    if (manifest.account, manifest.region) != (stage.account, stage.region):
        print(
            f"the table's backup stays in {manifest.region} of account {manifest.account}, and is not restored from"
            " here: nothing was added to the table"
        )
        return
    client, table = stage.session.client("dynamodb"), found["TableName"]
    beside = f"{table}-restored"
    _drop(client, beside, sleep)
    try:
        if at is None:
            client.restore_table_from_backup(TargetTableName=beside, BackupArn=manifest.table_backup)
        else:
            client.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=beside, RestoreDateTime=at)
        _wait(lambda: _table_state(client, beside), "ACTIVE", f"the table {beside}", sleep)
        if not again:
            _check_was_lost(client, beside, table)
        added, there, expired = _add_missing(client, beside, table, now)
    finally:
        _drop(client, beside, sleep)
    print(f"{added:,} items were missing and are back; {there:,} were there, {expired:,} have expired since")


def point_in_time(text: str) -> datetime:
    """Raises TaskProblem."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise TaskProblem(f"at={text!r} is no time; write it with its zone, such as 2026-03-14T12:00:00Z")
    return at


# -- the table ------------------------------------------------------------------------------------------------------


def _usd(manifest: Manifest) -> float:
    """A write a KiB, where none is there yet."""
    writes = max(manifest.items, manifest.table_bytes / 1024)
    return writes * _USD_A_MILLION_WRITES / 1_000_000


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


def _backup_state(client: "DynamoDBClient", arn: str) -> str:
    return client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"]


def _table_state(client: "DynamoDBClient", name: str) -> str:
    try:
        return client.describe_table(TableName=name)["Table"]["TableStatus"]
    except client.exceptions.ResourceNotFoundException:
        return "gone"


def _drop(client: "DynamoDBClient", name: str, sleep: Sleep) -> None:
    state = _table_state(client, name)
    if state == "gone":
        return
    if state == "CREATING":
        _wait(lambda: _table_state(client, name), "ACTIVE", f"the table {name}", sleep)
    client.delete_table(TableName=name)
    _wait(lambda: _table_state(client, name), "gone", f"the table {name}", sleep)


def _wait(state: Callable[[], str], wanted: str, what: str, sleep: Sleep) -> None:
    """Raises TaskProblem after a day."""
    waited_s, pause_s = 0.0, _WAIT_S
    while (now := state()) != wanted:
        if waited_s >= _PATIENCE_S:
            raise TaskProblem(f"{what} is still {now}; run it again when it is {wanted}")
        sleep(pause_s)
        waited_s, pause_s = waited_s + pause_s, min(2 * pause_s, _LONGEST_WAIT_S)


# -- configuration and users ----------------------------------------------------------------------------------------


def _save_objects(stage: Stage, bucket: str, folder: Path) -> Iterator[str]:
    """Their keys, with each one's file below the folder under its key."""
    s3 = stage.session.client("s3")
    for found in objects_below(stage, bucket, ""):
        path = _inside(folder, found["Key"])
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
        yield found["Key"]


def _inside(folder: Path, key: str) -> Path:
    path = (folder / key).resolve()
    if not path.is_relative_to(folder.resolve()) or key.endswith("/"):
        raise TaskProblem(f"the object {key!r} has no place in a folder; rename it, then run it again")
    return path


def _put_objects(stage: Stage, bucket: str, folder: Path, manifest: Manifest) -> int:
    s3 = stage.session.client("s3")
    there = {found["Key"] for found in objects_below(stage, bucket, "")}
    missing = [_of_stage(key, manifest.stage, stage.name) for key in manifest.objects]
    count = 0
    for saved, key in zip(manifest.objects, missing, strict=True):
        if key not in there:
            s3.put_object(
                Bucket=bucket, Key=key, Body=_inside(folder, saved).read_bytes(), ContentType="application/yaml"
            )
            count += 1
    return count


def _of_stage(key: str, before: str, after: str) -> str:
    """A box's files lie below its user, whose name has the stage in it."""
    return re.sub(rf"^edge/framewatch-{re.escape(before)}-", f"edge/framewatch-{after}-", key)


def _users(stage: Stage, pool: str) -> dict[str, list[str]]:
    """Their groups that mean something to us, by e-mail address."""
    client = stage.session.client("cognito-idp")
    found: dict[str, list[str]] = {}
    for page in client.get_paginator("list_users").paginate(UserPoolId=pool):
        for user in page["Users"]:
            email = next((a["Value"] for a in user.get("Attributes", []) if a["Name"] == "email"), None)
            if email is None:
                continue
            groups = client.get_paginator("admin_list_groups_for_user").paginate(
                UserPoolId=pool, Username=user["Username"]
            )
            names = [group["GroupName"] for of_page in groups for group in of_page["Groups"]]
            found[email] = sorted(name for name in names if name in ROLES or name.startswith(CAMERAS_PREFIX))
    return found


def _invite(stage: Stage, pool: str, manifest: Manifest, *, again: bool) -> int:
    """Passwords are in no backup: whoever is missing is invited, and chooses another. One who had no role is left; so
    is one who is there without a role, unless an interrupted run may have left them so."""
    there = _users(stage, pool)
    count = 0
    for email, groups in manifest.users.items():
        role = next((role for role in ROLES if role in groups), None)
        if role is None or (email in there and (there[email] or not again)):
            continue
        limits = [group for group in groups if group.startswith(CAMERAS_PREFIX)]
        add_user(stage, email, role, camera_groups=limits)
        count += 1
    return count
