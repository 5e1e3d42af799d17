"""The credentials of edge boxes: made, rotated, revoked, listed; and their edge files."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import AccessKeyLastUsed, iam_backends

from infra.settings import PARTS
from infra.tasks import edge_boxes
from infra.tasks.destroy import destroy
from infra.tasks.problem import TaskProblem
from tests.infra.fake_aws import REGION, Account

USER = "framewatch-dev-edge-shop-1"
CONFIG = "framewatch-dev-data-config"
POLICY = """{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "kinesis:PutRecords", "Resource": "*"}]}"""
EDGE_FILE = f"""\
box: shop-1
stream: {{name: frames, region: {REGION}}}
spool: {{folder: /var/lib/framewatch}}
cameras: [{{id: front, source: "0"}}]
"""


@pytest.fixture
def deployed(account: Account) -> Iterator[Account]:
    arn = account.client("iam").create_policy(PolicyName="edge", PolicyDocument=POLICY)["Policy"]["Arn"]
    account.client("s3").create_bucket(Bucket=CONFIG, CreateBucketConfiguration={"LocationConstraint": REGION})
    for part in PARTS:
        account.stacks.add(part)
    account.stacks.add("ingest").outputs = {"EdgePolicyArn": arn, "StreamName": "frames"}
    account.stacks.add("data").outputs = {"ConfigBucketName": CONFIG}
    yield account


def keys(account: Account, user: str = USER) -> list[tuple[str, str]]:
    """Id and status, the older first."""
    found = account.client("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
    return [(k["AccessKeyId"], k["Status"]) for k in sorted(found, key=lambda k: k["CreateDate"])]


def moto_key(key_id: str) -> Any:
    return iam_backends[DEFAULT_ACCOUNT_ID]["aws"].access_keys[key_id]


def use(key_id: str, at: datetime | None = None) -> None:
    moto_key(key_id).last_used = AccessKeyLastUsed(timestamp=at or datetime.now(UTC), service="s3", region=REGION)


def age(account: Account, days: int) -> None:
    """As if all keys had been made so long before."""
    for key_id, _ in keys(account):
        moto_key(key_id).create_date -= timedelta(days=days)


def users(account: Account) -> list[str]:
    return [u["UserName"] for u in account.client("iam").list_users()["Users"]]


def test_a_new_box_has_the_edge_policy_and_nothing_else(deployed: Account) -> None:
    edge_boxes.add(deployed.stage(), "shop-1")
    iam = deployed.client("iam")
    user = iam.get_user(UserName=USER)["User"]
    assert user["Path"] == "/framewatch/dev/edge/"
    assert {t["Key"]: t["Value"] for t in iam.list_user_tags(UserName=USER)["Tags"]}["box"] == "shop-1"
    (policy,) = iam.list_attached_user_policies(UserName=USER)["AttachedPolicies"]
    assert policy["PolicyName"] == "edge"
    assert iam.list_user_policies(UserName=USER)["PolicyNames"] == []
    assert iam.list_groups_for_user(UserName=USER)["Groups"] == []


def test_what_is_printed_is_a_profile_that_the_sdk_reads(
    deployed: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge_boxes.add(deployed.stage(), "shop-1")
    said = capsys.readouterr().out
    section = re.search(r"(?ms)^\[framewatch-shop-1\]\n.*?\n\n", said)
    assert section is not None
    (tmp_path / "credentials").write_text(section[0])
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    session = botocore.session.Session(profile="framewatch-shop-1")
    credentials = session.get_credentials()
    assert credentials is not None
    ((key_id, status),) = keys(deployed)
    assert (credentials.access_key, status) == (key_id, "Active")
    assert credentials.secret_key == moto_key(key_id).secret_access_key
    assert session.get_config_variable("region") == REGION
    assert said.count(credentials.secret_key) == 1
    assert f"s3://{CONFIG}/edge/{USER}/edge.yaml" in said


def test_a_box_that_is_there_is_not_made_twice_and_one_that_was_begun_is_finished(deployed: Account) -> None:
    deployed.client("iam").create_user(UserName=USER, Path="/framewatch/dev/edge/")
    edge_boxes.add(deployed.stage(), "shop-1")
    assert len(keys(deployed)) == 1
    with pytest.raises(TaskProblem, match=r"has credentials already; `pynt rotateedge\[shop-1\]` gives it others"):
        edge_boxes.add(deployed.stage(), "shop-1")
    assert len(keys(deployed)) == 1


@pytest.mark.parametrize("box", ["Shop 1", "", "-shop", "shop_1", "x" * 33, "../x"])
def test_a_name_that_no_user_could_have_is_refused(deployed: Account, box: str) -> None:
    with pytest.raises(TaskProblem, match="cannot be a box's name: it takes lower-case letters, digits and hyphens"):
        edge_boxes.add(deployed.stage(), box)
    assert users(deployed) == []


def test_the_longest_names_make_a_user_that_iam_takes(deployed: Account) -> None:
    assert len(edge_boxes.user_of(deployed.stage("x" * 12), "x" * 32)) <= 64


# -- rotation --------------------------------------------------------------------------------------------------------


def begun(account: Account) -> tuple[str, str]:
    """A box in the middle of a rotation: the old key's id and the new one's."""
    edge_boxes.add(account.stage(), "shop-1")
    age(account, 100)
    edge_boxes.rotate(account.stage(), "shop-1")
    (old, _), (new, _) = keys(account)
    return old, new


def test_a_rotation_gives_a_second_key_and_leaves_the_first(
    deployed: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = begun(deployed)
    assert keys(deployed) == [(old, "Active"), (new, "Active")]
    said = capsys.readouterr().out
    assert f"aws_access_key_id = {new}" in said
    assert "pynt finishrotation[shop-1]" in said


def test_the_old_key_goes_on_until_the_new_one_was_used(deployed: Account) -> None:
    old, new = begun(deployed)
    use(old)
    with pytest.raises(TaskProblem, match=f"AWS has not seen {new} in use yet"):
        edge_boxes.finish_rotation(deployed.stage(), "shop-1")
    assert keys(deployed) == [(old, "Active"), (new, "Active")]


def test_the_old_key_goes_on_while_something_still_uses_it(deployed: Account) -> None:
    old, new = begun(deployed)
    use(new, datetime.now(UTC) - timedelta(hours=2))
    use(old, datetime.now(UTC) - timedelta(hours=1))
    with pytest.raises(TaskProblem, match=f"{old}, the old key, was used after the new one, 60 min ago"):
        edge_boxes.finish_rotation(deployed.stage(), "shop-1")
    assert keys(deployed) == [(old, "Active"), (new, "Active")]


def test_the_old_key_is_switched_off_when_the_new_one_is_in_use_and_deleted_by_the_next_rotation(
    deployed: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = begun(deployed)
    use(old, datetime.now(UTC) - timedelta(hours=1))
    use(new)
    edge_boxes.finish_rotation(deployed.stage(), "shop-1")
    assert keys(deployed) == [(old, "Inactive"), (new, "Active")]
    assert f"--user-name {USER} --access-key-id {old}" in capsys.readouterr().out
    edge_boxes.rotate(deployed.stage(), "shop-1")
    third = keys(deployed)[1][0]
    assert keys(deployed) == [(new, "Active"), (third, "Active")]


def test_a_second_key_that_was_lost_is_made_again_unless_it_is_in_use(deployed: Account) -> None:
    old, lost = begun(deployed)
    with pytest.raises(
        TaskProblem, match=r"IAM allows no third.*was it lost, `pynt rotateedge\[shop-1,again=true\]`"
    ):
        edge_boxes.rotate(deployed.stage(), "shop-1")
    edge_boxes.rotate(deployed.stage(), "shop-1", again=True)
    assert lost not in dict(keys(deployed))
    (_, (second, _)) = keys(deployed)
    use(second)
    with pytest.raises(TaskProblem, match="IAM allows no third"):
        edge_boxes.rotate(deployed.stage(), "shop-1", again=True)
    assert keys(deployed) == [(old, "Active"), (second, "Active")]


def test_without_a_rotation_there_is_nothing_to_finish(deployed: Account) -> None:
    edge_boxes.add(deployed.stage(), "shop-1")
    with pytest.raises(TaskProblem, match="has one key"):
        edge_boxes.finish_rotation(deployed.stage(), "shop-1")


# -- revocation, and what there is -----------------------------------------------------------------------------------


def test_a_revoked_box_is_gone_with_all_its_keys_and_no_other_is(deployed: Account) -> None:
    begun(deployed)
    edge_boxes.add(deployed.stage(), "shop-2")
    edge_boxes.revoke(deployed.stage(), "shop-1")
    assert users(deployed) == ["framewatch-dev-edge-shop-2"]


def test_the_keys_are_off_before_anything_else_can_fail(deployed: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(deployed)
    iam = deployed.client("iam")

    def interrupted(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(iam, "delete_access_key", interrupted)
        with pytest.raises(KeyboardInterrupt):
            edge_boxes.revoke(deployed.stage(), "shop-1")
    assert {status for _, status in keys(deployed)} == {"Inactive"}
    edge_boxes.revoke(deployed.stage(), "shop-1")
    assert users(deployed) == []


@pytest.mark.parametrize("task", [edge_boxes.rotate, edge_boxes.finish_rotation, edge_boxes.revoke])
def test_a_box_that_is_not_there_is_told_with_those_that_are(deployed: Account, task: Any) -> None:
    edge_boxes.add(deployed.stage(), "shop-2")
    with pytest.raises(TaskProblem, match=r"there is no box shop-1 in stage dev \(there are: shop-2\)"):
        task(deployed.stage(), "shop-1")


def test_every_box_is_listed_with_its_keys_and_what_to_do(deployed: Account) -> None:
    old, new = begun(deployed)
    edge_boxes.add(deployed.stage(), "attic")
    use(old, datetime.now(UTC) - timedelta(hours=5))
    deployed.client("iam").create_user(UserName="framewatch-dev-edge-bare", Path="/framewatch/dev/edge/")
    deployed.client("iam").create_user(UserName="framewatch-prod-edge-other", Path="/framewatch/prod/edge/")
    attic, bare, first, second = edge_boxes.lines(deployed.stage())
    assert re.fullmatch(r"attic   \w+  active    made 0 min ago, never used", attic)
    assert bare == "bare    no key -> `pynt edgebox[bare]` makes one"
    assert first == f"shop-1  {old}  active    made 100 days ago, last used 5 h ago"
    assert second == f"shop-1  {new}  active    made 0 min ago, never used -> `pynt finishrotation[shop-1]`"


def test_a_key_that_is_old_is_due_for_another(deployed: Account) -> None:
    edge_boxes.add(deployed.stage(), "shop-1")
    age(deployed, 91)
    assert edge_boxes.lines(deployed.stage())[0].endswith("`pynt rotateedge[shop-1]`: it is more than 90 days old")


def test_no_boxes_is_a_sentence(deployed: Account) -> None:
    assert edge_boxes.lines(deployed.stage()) == [
        "no boxes in stage dev; `pynt edgebox[shop-1]` makes credentials for one"
    ]


# -- the edge file ---------------------------------------------------------------------------------------------------


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "edge.yaml"
    path.write_text(text)
    return path


def test_a_good_edge_file_is_the_boxs_own(deployed: Account, tmp_path: Path) -> None:
    edge_boxes.add(deployed.stage(), "shop-1")
    edge_boxes.configure(deployed.stage(), "shop-1", write(tmp_path, EDGE_FILE))
    stored = deployed.client("s3").get_object(Bucket=CONFIG, Key=f"edge/{USER}/edge.yaml")
    assert stored["Body"].read() == EDGE_FILE.encode()


@pytest.mark.parametrize(
    ("defaults", "says"),
    [
        ("{sampling: {fps: 1}, gate: {keepalive_s: 25}}", None),
        ("{sampling: {fps: 0.5}, gate: {keepalive_s: 60, enabled: false}}", None),
        ("{sampling: {fps: 0.5}}", "front, while a budget slows it, shows somebody who stands still every 33 s"),
        ("{gate: {keepalive_s: 60}}", "front shows somebody who stands still every 61 s, and the site file's"),
    ],
)
def test_a_camera_that_looks_up_too_seldom_for_the_sites_visits_is_told(
    deployed: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str], defaults: str, says: str | None
) -> None:
    edge_boxes.add(deployed.stage(), "shop-1")
    site = b"cameras: [{id: front}]\nvisits: {gap_s: 30}\n"
    deployed.client("s3").put_object(Bucket=CONFIG, Key="site.yaml", Body=site)
    edge_boxes.configure(deployed.stage(), "shop-1", write(tmp_path, f"{EDGE_FILE}defaults: {defaults}\n"))
    said = capsys.readouterr().out
    assert says in said if says else "!! " not in said


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"box: shop-1": "box: shop-2"}, "box: is 'shop-2', and this is for 'shop-1'"),
        ({"spool:": "spol:"}, r"edge.yaml:3: spol: unknown key 'spol'; did you mean 'spool'"),
        (
            {"name: frames": "name: other"},
            "is other in eu-west-1, where this box may not write; the stage dev has frames",
        ),
        ({REGION: "us-east-1"}, "is frames in us-east-1"),
        ({"box: shop-1": "box: [shop"}, "not valid YAML"),
    ],
)
def test_an_edge_file_that_would_not_work_is_refused_and_the_one_before_stays(
    deployed: Account, tmp_path: Path, changed: dict[str, str], says: str
) -> None:
    edge_boxes.add(deployed.stage(), "shop-1")
    text = EDGE_FILE
    for old, new in changed.items():
        text = text.replace(old, new)
    with pytest.raises(TaskProblem, match=says):
        edge_boxes.configure(deployed.stage(), "shop-1", write(tmp_path, text))
    assert "Contents" not in deployed.client("s3").list_objects_v2(Bucket=CONFIG)


def test_an_edge_file_for_a_box_that_is_not_there_or_that_is_missing_is_told(
    deployed: Account, tmp_path: Path
) -> None:
    with pytest.raises(TaskProblem, match="there is no box shop-1 in stage dev"):
        edge_boxes.configure(deployed.stage(), "shop-1", write(tmp_path, EDGE_FILE))
    with pytest.raises(TaskProblem, match=r"copy config/edge\.example\.yaml there"):
        edge_boxes.configure(deployed.stage(), "shop-1", tmp_path / "none.yaml")


# -- destroy ---------------------------------------------------------------------------------------------------------


def test_destroy_revokes_the_boxes_before_the_policy_goes(
    deployed: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(deployed)
    edge_boxes.add(deployed.stage(), "attic")
    deployed.client("iam").create_user(UserName="framewatch-prod-edge-other", Path="/framewatch/prod/edge/")
    there: dict[str, list[str]] = {}
    delete_stack = deployed.stacks.delete_stack

    def watched(StackName: str) -> None:
        there[StackName] = users(deployed)
        delete_stack(StackName=StackName)

    monkeypatch.setattr(deployed.stacks, "delete_stack", watched)
    destroy(deployed.stage(), None, lambda _: "dev")
    assert there["framewatch-dev-ingest"] == users(deployed) == ["framewatch-prod-edge-other"]
    assert "revoked: the credentials of attic, shop-1" in capsys.readouterr().out


def test_destroy_finds_boxes_that_an_interrupted_run_left(account: Account) -> None:
    account.client("iam").create_user(UserName=USER, Path="/framewatch/dev/edge/")
    account.stacks.add("data")
    destroy(account.stage(), None, lambda _: "dev")
    assert users(account) == []
