"""backup and restore: a drill on moto, where table, bucket and user pool are lost and come back."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict

from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.wire.frame_items import StoredFrame
from infra.settings import PARTS
from infra.tasks import table_copies
from infra.tasks.problem import TaskProblem
from infra.tasks.recovery import MANIFEST, backup, point_in_time, restore
from infra.tasks.users import add_user, remove_user
from tests.aws import TABLE, all_items, create_table
from tests.frames import NOON, PERSON, make_frame
from tests.infra.fake_aws import REGION, Account

CONFIG = "config-bucket"
EXPIRES = NOON + timedelta(days=90)
SITE, EDGE = b"cameras: [{id: front}]\n", b"cameras: []\n"


@pytest.fixture(autouse=True)
def one_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto's tables are plain dicts: of two threads that begin the same partition, one's item is lost."""
    monkeypatch.setattr("infra.tasks.table_copies._WRITERS", 1)


@pytest.fixture
def pool(account: Account) -> str:
    """A stage that has run for a while."""
    create_table(account.client("dynamodb"))
    s3 = account.client("s3")
    s3.create_bucket(Bucket=CONFIG, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=CONFIG, Key="site.yaml", Body=SITE)
    s3.put_object(Bucket=CONFIG, Key="edge/framewatch-dev-edge-shop-1/edge.yaml", Body=EDGE)
    for part in PARTS:
        account.stacks.add(part)
    found = new_pool(account)
    account.stacks.add("data").outputs = {"TableName": TABLE, "ConfigBucketName": CONFIG}
    store_frames(account, range(1, 6))
    add_user(account.stage(), "ana@example.org", "admin")
    add_user(account.stage(), "bo@example.org", "viewer", camera_groups=["cameras-yard"])
    return found


def new_pool(account: Account) -> str:
    cognito = account.client("cognito-idp")
    found = cognito.create_user_pool(PoolName="any", UsernameAttributes=["email"])["UserPool"]["Id"]
    for role in ("admin", "operator", "viewer"):
        cognito.create_group(UserPoolId=found, GroupName=role)
    account.stacks.add("identity").outputs = {"UserPoolId": found}
    return str(found)


def store_frames(account: Account, numbers: range, expires: datetime = EXPIRES) -> None:
    table = DynamoFrameTable(DynamoTable(account.client("dynamodb"), TABLE))
    for n in numbers:
        table.put(StoredFrame.of(make_frame(n).meta, [PERSON], {"Person"}, NOON), expires)


def lose_everything(account: Account) -> None:
    """As if table, bucket and user pool had been deleted, and made anew by a deploy."""
    client, s3 = account.client("dynamodb"), account.client("s3")
    client.delete_table(TableName=TABLE)
    create_table(client)
    for found in s3.list_objects_v2(Bucket=CONFIG).get("Contents", []):
        s3.delete_object(Bucket=CONFIG, Key=found["Key"])
    new_pool(account)


def objects(account: Account) -> dict[str, bytes]:
    s3 = account.client("s3")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=CONFIG).get("Contents", [])]
    return {key: s3.get_object(Bucket=CONFIG, Key=key)["Body"].read() for key in keys}


def items(account: Account) -> dict[tuple[str, str], Any]:
    return {(i["pk"]["S"], i["sk"]["S"]): i for i in all_items(account.client("dynamodb"))}


def groups(account: Account, email: str) -> set[str]:
    pool = account.stacks.add("identity").outputs["UserPoolId"]
    answer = account.client("cognito-idp").admin_list_groups_for_user(UserPoolId=pool, Username=email)
    return {group["GroupName"] for group in answer["Groups"]}


def no_wait(_: float) -> None:
    pass


def saved(account: Account, below: Path) -> Path:
    return backup(account.stage(), NOON, below, no_wait)


def brought_back(account: Account, folder: Path, now: datetime = NOON, **more: Any) -> None:
    restore(account.stage(), folder, now, lambda _: "dev", sleep=no_wait, **more)


@pytest.mark.usefixtures("pool")
def test_what_was_lost_comes_back_as_it_was(account: Account, tmp_path: Path) -> None:
    before = items(account)
    folder = saved(account, tmp_path)
    lose_everything(account)
    brought_back(account, folder)
    assert items(account) == before
    assert objects(account) == {"site.yaml": SITE, "edge/framewatch-dev-edge-shop-1/edge.yaml": EDGE}
    assert groups(account, "ana@example.org") == {"admin"}
    assert groups(account, "bo@example.org") == {"viewer", "cameras-yard"}
    assert account.client("dynamodb").list_tables()["TableNames"] == [TABLE]


@pytest.mark.usefixtures("pool")
def test_what_was_written_since_stands(account: Account, tmp_path: Path) -> None:
    before = [item for (pk, _), item in items(account).items() if not pk.startswith("F#")]
    folder = saved(account, tmp_path)
    lose_everything(account)
    store_frames(account, range(6, 8))
    # One under a key of the backup, as a counter or a visit is.
    client = account.client("dynamodb")
    key = {name: before[0][name] for name in ("pk", "sk")}
    client.put_item(TableName=TABLE, Item={**key, "doc": {"S": "newer"}})
    account.client("s3").put_object(Bucket=CONFIG, Key="site.yaml", Body=b"cameras: [{id: other}]\n")
    add_user(account.stage(), "ana@example.org", "viewer")
    since = items(account)
    brought_back(account, folder)
    assert items(account).items() >= since.items()
    assert objects(account)["site.yaml"] == b"cameras: [{id: other}]\n"
    assert groups(account, "ana@example.org") == {"viewer"}


@pytest.mark.usefixtures("pool")
def test_what_has_expired_since_is_left_out(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(account, tmp_path)
    lose_everything(account)
    brought_back(account, folder, now=EXPIRES + timedelta(days=3))
    assert items(account) == {}
    assert "0 items were missing and are back; 0 were there" in capsys.readouterr().out


@pytest.mark.usefixtures("pool")
def test_a_table_that_lived_on_is_left_alone(account: Account, tmp_path: Path) -> None:
    folder = saved(account, tmp_path)
    store_frames(account, range(6, 8))
    before = items(account)
    with pytest.raises(TaskProblem, match="neither lost nor emptied"):
        brought_back(account, folder)
    assert items(account) == before
    assert account.client("dynamodb").list_tables()["TableNames"] == [TABLE]


@pytest.mark.usefixtures("pool")
def test_one_that_was_interrupted_goes_on(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = items(account)
    folder = saved(account, tmp_path)
    lose_everything(account)
    client = account.client("dynamodb")
    left = [len(before) // 2]

    def dies(params: dict[str, Any], **_: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    client.meta.events.register("before-parameter-build.dynamodb.PutItem", dies, unique_id="dies")
    monkeypatch.setattr(table_copies, "_WRITERS", 1)
    try:
        with pytest.raises(KeyboardInterrupt):
            brought_back(account, folder)
    finally:
        client.meta.events.unregister("before-parameter-build.dynamodb.PutItem", unique_id="dies")
    assert 0 < len(items(account)) < len(before)
    # As a process that was killed leaves it.
    create_table(client, f"{TABLE}-restored")
    brought_back(account, folder, again=True)
    assert items(account) == before
    assert client.list_tables()["TableNames"] == [TABLE]


@pytest.mark.usefixtures("pool")
def test_who_is_there_without_a_role_gets_one_back_only_when_a_run_was_interrupted(
    account: Account, tmp_path: Path
) -> None:
    folder = saved(account, tmp_path)
    lose_everything(account)
    pool = account.stacks.add("identity").outputs["UserPoolId"]
    account.client("cognito-idp").admin_create_user(
        UserPoolId=pool, Username="bo@example.org", UserAttributes=[{"Name": "email", "Value": "bo@example.org"}]
    )
    brought_back(account, folder)
    assert groups(account, "bo@example.org") == set()
    brought_back(account, folder, again=True)
    assert groups(account, "bo@example.org") == {"viewer", "cameras-yard"}


@pytest.mark.usefixtures("pool")
def test_the_table_comes_back_as_it_was_at_a_time(account: Account, tmp_path: Path) -> None:
    """moto restores what is there now, whatever the time: that it is asked for is all that can be seen."""
    folder = saved(account, tmp_path)
    client = account.client("dynamodb")
    client.update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    asked: list[dict[str, Any]] = []

    def seen(params: dict[str, Any], **_: Any) -> None:
        asked.append(dict(params))

    event = "before-parameter-build.dynamodb.RestoreTableToPointInTime"
    client.meta.events.register(event, seen, unique_id="seen")
    try:
        brought_back(account, folder, at=NOON - timedelta(hours=2), again=True)
    finally:
        client.meta.events.unregister(event, unique_id="seen")
    assert [(a["SourceTableName"], a["RestoreDateTime"]) for a in asked] == [(TABLE, NOON - timedelta(hours=2))]


PROPERTIES = {
    "DeletionProtectionEnabled": True,
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    "Tags": [{"Key": "stage", "Value": "dev"}],
    "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
}


def declare_table(account: Account) -> None:
    stack = account.stacks.add("data")
    stack.resources = [("FrameTable", "AWS::DynamoDB::Table", TABLE, "Retain")]
    stack.properties = {"FrameTable": PROPERTIES}


@pytest.mark.usefixtures("pool")
def test_a_table_that_is_gone_comes_back_under_its_name_protected_as_its_template_says(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """tests/functional/test_recovery_drill.py has the rest of its settings."""
    client, before = account.client("dynamodb"), items(account)
    declare_table(account)
    folder = saved(account, tmp_path)
    client.delete_table(TableName=TABLE)
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "dev"

    restore(account.stage(), folder, NOON, answer, sleep=no_wait)
    assert f"Bring back the table {TABLE}, which is gone, as of {NOON.isoformat()}" in asked[0]
    assert items(account) == before
    assert client.describe_table(TableName=TABLE)["Table"]["DeletionProtectionEnabled"] is True
    assert f"the table {TABLE} is back" in capsys.readouterr().out


@pytest.mark.usefixtures("pool")
def test_what_aws_kept_of_a_deleted_table_is_taken_where_it_is_newer(account: Account, tmp_path: Path) -> None:
    """As DynamoDB lists it; moto makes none."""
    client, folder = account.client("dynamodb"), saved(account, tmp_path)
    store_frames(account, range(6, 8))
    newer = items(account)
    kept = client.create_backup(TableName=TABLE, BackupName=f"{TABLE}$DeletedTableBackup")["BackupDetails"][
        "BackupArn"
    ]
    client.delete_table(TableName=TABLE)
    deleted_at = NOON + timedelta(hours=1)

    def list_it(parsed: dict[str, Any], **_: Any) -> None:
        for found in parsed["BackupSummaries"]:
            if found["BackupArn"] == kept:
                found |= {"BackupType": "SYSTEM", "BackupCreationDateTime": deleted_at}

    client.meta.events.register("after-call.dynamodb.ListBackups", list_it, unique_id="list")
    try:
        brought_back(account, folder)
    finally:
        client.meta.events.unregister("after-call.dynamodb.ListBackups", unique_id="list")
    assert items(account) == newer


@pytest.mark.usefixtures("pool")
def test_point_in_time_recovery_is_switched_on_as_soon_as_a_new_table_takes_it(
    account: Account, tmp_path: Path
) -> None:
    client, folder = account.client("dynamodb"), saved(account, tmp_path)
    declare_table(account)
    client.delete_table(TableName=TABLE)
    answers = [AWSResponse("", 400, cast(Any, HeadersDict()), None)] * 2

    def not_yet(**_: Any) -> Any:
        return (answers.pop(), {"Error": {"Code": "ContinuousBackupsUnavailableException"}}) if answers else None

    client.meta.events.register("before-call.dynamodb.UpdateContinuousBackups", not_yet, unique_id="not")
    try:
        brought_back(account, folder)
    finally:
        client.meta.events.unregister("before-call.dynamodb.UpdateContinuousBackups", unique_id="not")
    found = client.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    assert answers == []
    assert found["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


@pytest.mark.usefixtures("pool")
def test_a_table_that_is_gone_has_no_past_to_go_back_to_and_no_backup_elsewhere(
    account: Account, tmp_path: Path
) -> None:
    folder = saved(account, tmp_path)
    account.client("dynamodb").delete_table(TableName=TABLE)
    with pytest.raises(TaskProblem, match="its point-in-time recovery with it; leave out at="):
        brought_back(account, folder, at=NOON)
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"region": "us-east-1"}))
    with pytest.raises(TaskProblem, match="is gone, and its backup lies in us-east-1"):
        brought_back(account, folder)


@pytest.mark.usefixtures("pool")
def test_who_was_removed_from_a_pool_that_lived_on_is_named_and_not_invited_again(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(account, tmp_path)
    remove_user(account.stage(), "bo@example.org")
    capsys.readouterr()
    brought_back(account, folder, table_too=False)
    said = capsys.readouterr().out
    assert "removed since the backup, and not invited again: bo@example.org" in said
    assert "0 configuration files and 0 users were missing" in said


@pytest.mark.usefixtures("pool")
def test_configuration_and_users_come_back_without_the_table(account: Account, tmp_path: Path) -> None:
    folder = saved(account, tmp_path)
    lose_everything(account)
    brought_back(account, folder, table_too=False)
    assert items(account) == {}
    assert set(objects(account)) == {"site.yaml", "edge/framewatch-dev-edge-shop-1/edge.yaml"}
    assert groups(account, "bo@example.org") == {"viewer", "cameras-yard"}


@pytest.mark.usefixtures("pool")
def test_in_another_region_configuration_and_users_come_back_and_it_says_that_the_table_does_not(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(account, tmp_path)
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"region": "us-east-1"}))
    lose_everything(account)
    brought_back(account, folder)
    assert "the table's backup stays in us-east-1" in capsys.readouterr().out
    assert items(account) == {}
    assert set(objects(account)) == {"site.yaml", "edge/framewatch-dev-edge-shop-1/edge.yaml"}
    assert groups(account, "bo@example.org") == {"viewer", "cameras-yard"}


@pytest.mark.usefixtures("pool")
def test_a_box_finds_its_file_in_a_stage_of_another_name(account: Account, tmp_path: Path) -> None:
    folder = saved(account, tmp_path)
    lose_everything(account)
    for part in PARTS:
        account.stacks.add(part, stage="two").outputs = account.stacks.add(part).outputs
    stage = replace(account.stage(), name="two")
    restore(stage, folder, NOON, lambda _: "two", sleep=no_wait)
    assert set(objects(account)) == {"site.yaml", "edge/framewatch-two-edge-shop-1/edge.yaml"}


@pytest.mark.usefixtures("pool")
def test_the_folder_is_for_its_owner_alone_and_holds_nothing_outside_itself(account: Account, tmp_path: Path) -> None:
    folder = saved(account, tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    account.client("s3").put_object(Bucket=CONFIG, Key="../../escaped.yaml", Body=b"x")
    with pytest.raises(TaskProblem, match="has no place in a folder"):
        backup(account.stage(), NOON + timedelta(minutes=1), tmp_path, no_wait)
    assert not (tmp_path.parent / "escaped.yaml").exists()


@pytest.mark.usefixtures("pool")
def test_nothing_is_restored_unless_the_stage_is_named(account: Account, tmp_path: Path) -> None:
    folder = saved(account, tmp_path)
    lose_everything(account)
    with pytest.raises(TaskProblem, match="nothing was changed"):
        restore(account.stage(), folder, NOON, lambda _: "prod", sleep=no_wait)
    assert items(account) == {}
    assert objects(account) == {}


def test_a_folder_that_is_no_backup_and_a_time_without_a_zone_are_told(account: Account, tmp_path: Path) -> None:
    with pytest.raises(TaskProblem, match=r"is none of `pynt backup`: backup\.json cannot be read"):
        restore(account.stage(), tmp_path, NOON, lambda _: "dev")
    assert point_in_time("2026-03-14T12:00:00Z") == datetime(2026, 3, 14, 12, tzinfo=UTC)
    for text in ("yesterday", "2026-03-14T12:00:00"):
        with pytest.raises(TaskProblem, match="write it with its zone"):
            point_in_time(text)
