"""A backup of what cannot be made anew, and its way back: into the stage it is of, or into another.

Two parts. The table's is DynamoDB's own, kept in the account and the region until somebody deletes it, whatever
becomes of the table. The rest is small and lies in a folder here: the site file, the boxes' files, who may sign in.
Pictures are in neither: they are kept for so long as the site file says, and no longer.

Invariants of a restore:
- it adds what is missing and replaces nothing: what was written since stands, and a second run changes nothing;
- it is for a table that was emptied or lost: to one that lived on, it would add what was ended or joined since;
- what has expired meanwhile is left out;
- nobody sees more cameras than before, nor in between; whoever was removed from a pool that lived on stays out;
- the table that is restored beside the stage's is deleted at the end, and by the next run when this one dies;
- a table that somebody deleted comes back under its own name, for no deploy makes it anew (CloudFormation compares
  templates, not what is there), and with what DynamoDB leaves out of a backup: expiry, point-in-time recovery,
  protection and tags, as the template has them.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from framewatch.domain.access import CAMERAS_PREFIX
from infra.settings import REPO
from infra.tasks.objects import objects_below
from infra.tasks.problem import TaskProblem, code_of
from infra.tasks.session import Ask, Stage, confirm
from infra.tasks.stacks import outputs, template
from infra.tasks.table_copies import Copy, KeptTable, Sleep, wait_for
from infra.tasks.users import ROLES, add_user

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BACKUPS = REPO / "build" / "backup"
MANIFEST = "backup.json"
_CONFIG = "config"
# Of us-east-1, on demand; what a restore writes is dearer than all else about it.
_USD_A_MILLION_WRITES = 0.625
_USD_A_GB = 0.15  # restored


@dataclass(frozen=True, slots=True)
class Manifest:
    """users: their groups of the user pool, by e-mail address. table_backup: the ARN of DynamoDB's. user_pool:
    empty in a backup of before it was noted."""

    stage: str
    account: str
    region: str
    made_at: str
    table_backup: str
    items: int
    table_bytes: int
    objects: tuple[str, ...]
    users: dict[str, list[str]]
    user_pool: str = ""

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
    wait_for(lambda: _backup_state(client, arn), "AVAILABLE", f"the backup of {found['TableName']}", sleep)
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
        user_pool=found["UserPoolId"],
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
    table_too: bool = True,
    sleep: Sleep = time.sleep,
) -> None:
    """at: the table as it was then, by point-in-time recovery, instead of as in the backup. again: goes on with one
    that was interrupted. table_too: False for configuration and users alone. Raises TaskProblem."""
    manifest, found = Manifest.read(folder), outputs(stage)
    _check_stands(stage, found)
    table = KeptTable(stage.session.client("dynamodb"), found["TableName"], sleep)
    here = (manifest.account, manifest.region) == (stage.account, stage.region)
    gone = table_too and table.is_gone()
    if gone and at is not None:
        raise TaskProblem(f"the table {table.name} is gone, and its point-in-time recovery with it; leave out at=")
    newest = _newest(table, manifest, here=here) if gone else None
    if not table_too:
        what, usd = f"Add the missing configuration files and users of {manifest.stage}, of {manifest.made_at},", 0.0
    elif newest is not None:
        of = newest.made_at.isoformat()
        what = f"Bring back the table {table.name}, which is gone, as of {of}, and what else is missing,"
        usd = manifest.table_bytes / 1e9 * _USD_A_GB
    else:
        moment = at.isoformat() if at else manifest.made_at
        what = f"Add what is missing of {manifest.items:,} items of {manifest.stage}, of {moment},"
        # A write a KiB, where none is there yet.
        usd = max(manifest.items, manifest.table_bytes / 1024) * _USD_A_MILLION_WRITES / 1_000_000
    confirm(
        f"{what} to the stage {stage.name} in {stage.region}, for up to some {usd:,.2f} USD? Type the stage's name: ",
        stage.name,
        ask,
    )
    objects = _put_objects(stage, found["ConfigBucketName"], folder / _CONFIG, manifest)
    users = _invite(stage, found["UserPoolId"], manifest, again=again)
    print(f"{objects} configuration files and {users} users were missing")
    if not table_too:
        return
    if newest is not None:
        table.bring_back(newest, _declared(stage))
        made_at = newest.made_at.isoformat()
        print(f"the table {table.name} is back, as of {made_at}; DynamoDB removes what has expired within days")
        return
    # Where a run died that was bringing it back, it is still on its way, or lacks them.
    table.put_settings(_declared(stage))
    if not here:
        print(
            f"the table's backup stays in {manifest.region} of account {manifest.account}, and is not restored from"
            " here: nothing was added to the table"
        )
        return
    added, there, expired = table.fill(at or manifest.table_backup, now, lived_on=again)
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


def _check_stands(stage: Stage, found: Mapping[str, str]) -> None:
    """What a restore only fills. Raises TaskProblem."""
    bucket, pool = found["ConfigBucketName"], found["UserPoolId"]
    cognito = stage.session.client("cognito-idp")
    how = "and no deploy makes it anew: docs/operations.md#deleted-by-hand says how"
    try:
        stage.session.client("s3").head_bucket(Bucket=bucket)
        cognito.describe_user_pool(UserPoolId=pool)
    except cognito.exceptions.ResourceNotFoundException:
        raise TaskProblem(f"the user pool {pool} is gone, {how}") from None
    except ClientError as error:
        if code_of(error) not in {"404", "NoSuchBucket"}:
            raise
        raise TaskProblem(f"the bucket {bucket} is gone, {how}") from None


def _newest(table: KeptTable, manifest: Manifest, *, here: bool) -> Copy:
    """The folder's, or what AWS itself kept of the table when it was deleted. Raises TaskProblem."""
    copies = [*table.kept_by_aws()]
    if here:
        copies.append(Copy(manifest.table_backup, datetime.fromisoformat(manifest.made_at)))
    if not copies:
        raise TaskProblem(
            f"the table {table.name} is gone, and its backup lies in {manifest.region} of account {manifest.account};"
            f" `pynt destroy[{manifest.stage}]` and `pynt deploy[{manifest.stage}]` make an empty one to go on with"
        )
    return max(copies, key=lambda copy: copy.made_at)


def _declared(stage: Stage) -> dict[str, Any]:
    """The table's properties in the template."""
    resources = template(stage, "data").get("Resources", {}).values()
    return next((dict(r.get("Properties", {})) for r in resources if r["Type"] == "AWS::DynamoDB::Table"), {})


def _backup_state(client: "DynamoDBClient", arn: str) -> str:
    return client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"]


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
    is one who is there without a role, unless an interrupted run may have left them so. From a pool that lived on
    nobody is missing by mistake of ours: somebody has removed them."""
    there = _users(stage, pool)
    if pool == manifest.user_pool:
        removed = sorted(manifest.users.keys() - there.keys())
        if removed:
            print(f"removed since the backup, and not invited again: {', '.join(removed)}; `pynt adduser` does that")
        return 0
    count = 0
    for email, groups in manifest.users.items():
        role = next((role for role in ROLES if role in groups), None)
        if role is None or (email in there and (there[email] or not again)):
            continue
        limits = [group for group in groups if group.startswith(CAMERAS_PREFIX)]
        add_user(stage, email, role, camera_groups=limits)
        count += 1
    return count
