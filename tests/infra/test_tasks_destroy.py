"""deletedata and destroy: what goes, what stays, and that both can be interrupted."""

from typing import Any

import pytest

from infra.settings import PARTS
from infra.tasks.destroy import delete_data, destroy
from infra.tasks.problem import TaskProblem
from tests.aws import all_items, create_table
from tests.infra.fake_aws import REGION, Account, refused

BUCKET, TABLE, POOL = "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::Cognito::UserPool"


def _bucket(account: Account, name: str, *, versioned: bool = False) -> None:
    """With an object; versioned: with an older one of the same name, and one that is deleted."""
    s3 = account.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=name, Key="frames/1.jpg", Body=b"old")
        s3.put_object(Bucket=name, Key="frames/2.jpg", Body=b"gone")
        s3.delete_object(Bucket=name, Key="frames/2.jpg")
    s3.put_object(Bucket=name, Key="frames/1.jpg", Body=b"new")


def _versions(account: Account, name: str) -> list[Any]:
    found = account.client("s3").list_object_versions(Bucket=name)
    return [*found.get("Versions", []), *found.get("DeleteMarkers", [])]


def _answer(text: str) -> Any:
    return lambda _: text


# -- destroy --------------------------------------------------------------------------------------------------------


def test_destroy_takes_the_stacks_down_last_first(account: Account) -> None:
    for part in ("data", "ingest", "web", "processing"):
        account.stacks.add(part)
    account.stacks.add("data", stage="prod")
    destroy(account.stage(), None, _answer("dev"))
    assert account.stacks.deleted == [f"framewatch-dev-{p}" for p in ("processing", "web", "ingest", "data")]
    assert list(account.stacks.stacks) == ["framewatch-prod-data"]


def test_destroy_does_nothing_unless_the_stage_is_typed(account: Account) -> None:
    account.stacks.add("data")
    with pytest.raises(TaskProblem, match="nothing was changed: the answer was not 'dev'"):
        destroy(account.stage(), None, _answer("yes"))
    assert account.stacks.deleted == []


def test_destroy_empties_the_buckets_that_go_to_the_last_version(account: Account) -> None:
    _bucket(account, "gone", versioned=True)
    account.stacks.add("data", resources=[("Frames", BUCKET, "gone", "Delete")])
    destroy(account.stage(), None, _answer("dev"))
    assert _versions(account, "gone") == []


def test_destroy_leaves_a_retained_bucket_as_it_is_and_says_so(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    _bucket(account, "framewatch-dev-data-frames-1")
    account.stacks.add("data", resources=[("Frames", BUCKET, "framewatch-dev-data-frames-1", "Retain")])
    destroy(account.stage(), None, _answer("dev"))
    assert len(_versions(account, "framewatch-dev-data-frames-1")) == 1
    said = capsys.readouterr().out
    assert "bucket framewatch-dev-data-frames-1; `pynt destroy[dev,keep_frames=false]` takes it too" in said


def test_destroy_leaves_a_protected_stack_and_what_it_stands_on(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.stacks.add("data", stage="prod", protected=True)
    account.stacks.add("ingest", stage="prod")
    account.stacks.add("web", stage="prod", exports={"prod-web:Domain": "d1.cloudfront.net"})
    account.stacks.add("identity", stage="prod", protected=True, imports=["prod-web:Domain"])
    account.stacks.add("api", stage="prod")
    destroy(account.stage("prod"), None, _answer("prod"))
    assert account.stacks.deleted == ["framewatch-prod-api", "framewatch-prod-ingest"]
    said = capsys.readouterr().out
    assert "framewatch-prod-data stays: it is protected; `keep_frames=false` takes it, too" in said
    assert "framewatch-prod-web stays: framewatch-prod-identity stands on it" in said
    assert "costs a month" in said


def test_keep_frames_leaves_the_data_of_a_stage_that_is_not_protected(account: Account) -> None:
    account.stacks.add("data")
    account.stacks.add("identity")
    destroy(account.stage(), True, _answer("dev"))
    assert account.stacks.deleted == ["framewatch-dev-identity"]


def test_keep_frames_false_takes_what_is_protected_and_what_its_stack_retains(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    frames, table = "framewatch-prod-data-frames-1", "framewatch-prod-data-FrameTable-1"
    _bucket(account, frames, versioned=True)
    create_table(account.client("dynamodb"), table)
    account.client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=True)
    pool = account.client("cognito-idp").create_user_pool(
        PoolName="any", DeletionProtection="ACTIVE", UserPoolTags={"project": "framewatch", "stage": "prod"}
    )["UserPool"]["Id"]
    account.stacks.add(
        "data",
        stage="prod",
        protected=True,
        resources=[("Frames", BUCKET, frames, "Retain"), ("FrameTable", TABLE, table, "Retain")],
    )
    account.stacks.add("identity", stage="prod", protected=True, resources=[("UserPool", POOL, pool, "Retain")])
    destroy(account.stage("prod"), False, _answer("prod"))
    assert account.stacks.stacks == {}
    assert account.client("s3").list_buckets()["Buckets"] == []
    assert account.client("dynamodb").list_tables()["TableNames"] == []
    assert account.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
    assert "nothing of the stage prod is left in eu-west-1" in capsys.readouterr().out


def test_another_stages_users_are_nobodys_leftover(account: Account) -> None:
    cognito = account.client("cognito-idp")
    for tags in ({"project": "framewatch", "stage": "prod"}, {}):
        cognito.create_user_pool(PoolName="any", UserPoolTags=tags)
    account.stacks.add("identity")
    destroy(account.stage(), False, _answer("dev"))
    assert len(cognito.list_user_pools(MaxResults=10)["UserPools"]) == 2


def test_destroy_removes_log_groups_that_no_stack_knows(account: Account) -> None:
    logs = account.client("logs")
    ours = ["/aws/lambda/framewatch-dev-api-FrameFetcher-1", "framewatch-dev-processing-Logs-1"]
    others = ["framewatch-prod-api-Logs-1", "/aws/lambda/framewatch-device"]
    for name in ours + others:
        logs.create_log_group(logGroupName=name)
    destroy(account.stage(), None, _answer("dev"))
    assert sorted(g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]) == sorted(others)


def test_a_deletion_that_fails_names_the_resource_and_can_be_run_again(account: Account) -> None:
    account.stacks.add("web", deletes_to="DELETE_FAILED")
    account.stacks.add("data")
    with pytest.raises(TaskProblem, match=r"framewatch-dev-web could not be deleted .* run the same command again"):
        destroy(account.stage(), None, _answer("dev"))
    account.stacks.stacks["framewatch-dev-web"].deletes_to = "DELETE_COMPLETE"
    destroy(account.stage(), None, _answer("dev"))
    assert account.stacks.stacks == {}


def test_an_interrupted_destroy_finds_what_its_stacks_left(account: Account) -> None:
    """The stack went, and the run ended before what it retained was removed."""
    _bucket(account, "framewatch-dev-data-frames-1")
    create_table(account.client("dynamodb"), "framewatch-dev-data-FrameTable-1")
    destroy(account.stage(), False, _answer("dev"))
    assert account.client("s3").list_buckets()["Buckets"] == []
    assert account.client("dynamodb").list_tables()["TableNames"] == []


def test_what_only_a_stack_can_remove_is_named(account: Account) -> None:
    account.client("kinesis").create_stream(StreamName="framewatch-dev-ingest-Stream-1", ShardCount=1)
    with pytest.raises(TaskProblem, match="still there: stream framewatch-dev-ingest-Stream-1"):
        destroy(account.stage(), None, _answer("dev"))


# -- deletedata -----------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(account: Account) -> Account:
    """Two objects and thirty items, more than one request deletes; a pointer in the queue, a site file, a user."""
    _bucket(account, "frames")
    account.client("s3").put_object(Bucket="frames", Key="failed/x/1.bin", Body=b"x")
    _bucket(account, "site-files")
    create_table(account.client("dynamodb"), "table")
    for n in range(30):
        account.client("dynamodb").put_item(TableName="table", Item={"pk": {"S": "front"}, "sk": {"S": str(n)}})
    queue = account.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
    account.client("sqs").send_message(QueueUrl=queue, MessageBody="{}")
    for part in PARTS:
        account.stacks.add(part)
    account.stacks.add("data").outputs = {
        "FramesBucketName": "frames",
        "ConfigBucketName": "site-files",
        "TableName": "table",
        "FailureQueueUrl": queue,
    }
    return account


def test_deletedata_deletes_frames_items_and_pointers_and_counts_them(
    filled: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    delete_data(filled.stage(), _answer("dev"))
    assert _versions(filled, "frames") == []
    assert all_items(filled.client("dynamodb"), "table") == []
    queue = filled.stacks.add("data").outputs["FailureQueueUrl"]
    assert "Messages" not in filled.client("sqs").receive_message(QueueUrl=queue)
    assert "deleted: 2 objects and 30 items" in capsys.readouterr().out


def test_deletedata_leaves_the_stacks_and_the_site_file(filled: Account) -> None:
    delete_data(filled.stage(), _answer("dev"))
    assert filled.stacks.deleted == []
    assert len(_versions(filled, "site-files")) == 1


def test_deletedata_does_nothing_unless_the_stage_is_typed(filled: Account) -> None:
    with pytest.raises(TaskProblem, match="nothing was changed"):
        delete_data(filled.stage(), _answer("prod"))
    assert len(_versions(filled, "frames")) == 2


def test_objects_that_stay_are_told(filled: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = filled.client("s3")

    class Refusing:
        def __getattr__(self, name: str) -> Any:
            return getattr(s3, name)

        def delete_objects(self, **_: Any) -> dict[str, Any]:
            return {"Errors": [{"Key": "frames/1.jpg", "Code": "AccessDenied"}]}

    filled.replaced["s3"] = Refusing()
    with pytest.raises(TaskProblem, match="frames: 1 objects stay, the first because of"):
        delete_data(filled.stage(), _answer("dev"))


def test_a_queue_that_was_purged_a_moment_ago_stops_nothing(filled: Account) -> None:
    sqs = filled.client("sqs")

    class Purging:
        def __getattr__(self, name: str) -> Any:
            return getattr(sqs, name)

        def purge_queue(self, **_: Any) -> None:
            raise refused("PurgeQueue", "AWS.SimpleQueueService.PurgeQueueInProgress", "wait a minute")

    filled.replaced["sqs"] = Purging()
    delete_data(filled.stage(), _answer("dev"))
    assert all_items(filled.client("dynamodb"), "table") == []
