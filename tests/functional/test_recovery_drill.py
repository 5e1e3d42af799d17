"""Backup and restore on the emulated account: what is deployed loses its table, its stacks or its user pool, and what
its functions answer afterwards is what they answered before.

All that backup and restore ask for, the emulator has. But it restores at once, takes every moment for now, and keeps
nothing of its own of a table that is deleted: what depends on those is in tests/infra/test_tasks_recovery.py.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.adapters.aws.limit_table import DynamoLimitTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.alerts import AlertLink
from framewatch.domain.frames import FrameMeta
from framewatch.domain.labels import Instance, Label
from framewatch.domain.limits import LimitOverride
from framewatch.services.send_alerts import new_token
from framewatch.services.try_rules import TrialTables, try_rules
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import day_of
from framewatch.wire.site_file import load_site_text
from infra.settings import REPO
from infra.tasks.problem import TaskProblem
from infra.tasks.recovery import backup, restore
from infra.tasks.session import Stage
from infra.tasks.users import add_user, remove_user
from local_cloud.assembly import Assembly, load_assembly
from local_cloud.clients import REGION
from local_cloud.deploy import deploy
from local_cloud.emulator import ACCOUNT, Emulator
from tests.aws import all_items

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC).replace(microsecond=0)
SITE = """\
site: {name: Home, time_zone: Europe/Madrid}
cameras: [{id: front, name: Front door}, {id: garage, group: cars}]
contacts: [{id: ana, phone: "+12025550123"}, {id: bo, phone: "+12025550167"}]
rules: [{id: people, labels: [Person], notify: [ana], escalate_to: [bo]}]
"""
PERSON = Label("Person", 91.5, instances=(Instance((0.1, 0.2, 0.3, 0.9), 91.5),))
PAGES = ("/v1/frames", "/v1/visits", "/v1/alerts", "/v1/withheld", "/v1/limits")
# A process that is gone between two items: neither `finally` nor anything else runs.
KILLED_AFTER = """
import os, signal, sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from infra.tasks.recovery import restore
from infra.tasks.session import open_stage

stage, folder, most, numbers = open_stage(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), count()

def die(**_):
    if next(numbers) >= most:
        os.kill(os.getpid(), signal.SIGKILL)

stage.session.events.register("before-parameter-build.dynamodb.PutItem", die)
restore(stage, folder, datetime.now(UTC), lambda _: stage.name)
"""


def frames(numbers: range) -> list[StoredFrame]:
    """A minute apart, so that each is a visit."""
    start = NOW - timedelta(hours=2)
    return [
        StoredFrame.of(
            FrameMeta(camera, "20260101T000000Zabcdef", n, start + timedelta(minutes=n), 640, 480), [PERSON], (), NOW
        )
        for n in numbers
        for camera in ("front", "garage")
    ]


@dataclass
class Drill:
    """token: of the link in a text about the newest alert."""

    emulator: Emulator
    assembly: Assembly
    outputs: dict[str, str] = field(default_factory=dict)
    token: str = ""

    @property
    def stage(self) -> Stage:
        session = SimpleNamespace(client=self.emulator.client, region_name=REGION)
        name = self.assembly.stacks[0].name.split("-")[1]
        return Stage(name, cast(Any, session), ACCOUNT, "the tests", "https://127.0.0.1")

    # -- what happens to the account

    def deploy(self, *parts: str) -> None:
        """Those, or all."""
        stacks = tuple(s for s in self.assembly.stacks if not parts or s.name.rpartition("-")[2] in parts)
        self.outputs |= deploy(replace(self.assembly, stacks=stacks), self.emulator.client)

    def destroy(self, *parts: str) -> None:
        for stack in reversed(self.assembly.stacks):
            if not parts or stack.name.rpartition("-")[2] in parts:
                self.emulator.client("cloudformation").delete_stack(StackName=stack.name)

    def restore(self, folder: Path, **more: Any) -> None:
        restore(self.stage, folder, datetime.now(UTC), lambda _: self.stage.name, sleep=lambda _: None, **more)

    # -- what there is

    @property
    def table(self) -> DynamoTable:
        return DynamoTable(self.emulator.client("dynamodb"), self.outputs["TableName"])

    def run_for_a_while(self) -> None:
        """Frames, visits, alerts, users, and limits that somebody has set."""
        s3, bucket = self.emulator.client("s3"), self.outputs["ConfigBucketName"]
        s3.put_object(Bucket=bucket, Key="site.yaml", Body=SITE.encode())
        seen = frames(range(1, 8))
        self.store(seen)
        alerts = DynamoAlertTable(self.table)
        try_rules(seen, load_site_text(SITE), TrialTables(DynamoVisitTable(self.table), alerts))
        self.token = new_token()
        day = day_of(seen[0].captured_at)
        newest = next(alert for _, alert in alerts.newest_first("front", day))
        alerts.put_link(self.token, AlertLink(newest.ref, "ana", NOW + timedelta(days=1)))
        limits = LimitOverride(NOW + timedelta(days=2), "ana", None, NOW, per_day=7)
        DynamoLimitTable(self.table).put_override(limits, NOW + timedelta(days=9))
        add_user(self.stage, "ana@example.org", "admin")
        add_user(self.stage, "bo@example.org", "viewer", camera_groups=["cameras-cars"])

    def store(self, seen: list[StoredFrame]) -> None:
        for frame in seen:
            assert DynamoFrameTable(self.table).put(frame, NOW + timedelta(days=90))

    def items(self) -> dict[tuple[str, str], Any]:
        return {(i["pk"]["S"], i["sk"]["S"]): i for i in all_items(self.emulator.client("dynamodb"), self.table.name)}

    def groups(self, email: str) -> set[str]:
        answer = self.emulator.client("cognito-idp").admin_list_groups_for_user(
            UserPoolId=self.outputs["UserPoolId"], Username=email
        )
        return {group["GroupName"] for group in answer["Groups"]}

    def users(self) -> set[str]:
        found = self.emulator.client("cognito-idp").list_users(UserPoolId=self.outputs["UserPoolId"])["Users"]
        return {a["Value"] for user in found for a in user["Attributes"] if a["Name"] == "email"}

    # -- what the functions answer

    def ask(self, function: str, path: str) -> tuple[int, str]:
        caller = {"jwt": {"claims": {"sub": "maria", "cognito:groups": "[admin]"}, "scopes": None}}
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {},
            "requestContext": {
                "stage": "$default",
                "http": {"method": "GET", "path": path},
                "authorizer": caller,
            },
        }
        name = self.outputs["".join(word.title() for word in function.split("_")) + "Name"]
        answer = self.emulator.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        found = json.loads(answer["Payload"].read())
        return found["statusCode"], found["body"]

    def pages(self) -> dict[str, Any]:
        """Of a link to a picture, which picture it is."""
        found = {}
        for path in PAGES:
            status, body = self.ask("frame_fetcher", path)
            assert status == 200, (path, body)
            found[path] = json.loads(body, object_hook=_which_picture)
        return found

    def link_opens(self) -> bool:
        return self.ask("alert_link", f"/a/{self.token}")[0] == 200


def _which_picture(found: dict[str, Any]) -> dict[str, Any]:
    if url := found.get("image_url"):
        found["image_url"] = urlsplit(url).path.partition("/frames/")[2]
        del found["image_url_expires_at"]
    return found


@pytest.fixture(scope="module")
def drill(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    emulator = Emulator(tmp_path_factory.mktemp("emulator"), function_env={})
    try:
        emulator.wait_ready()
        drill = Drill(emulator, load_assembly(assembly, account=ACCOUNT, region=REGION))
        drill.deploy()
        drill.run_for_a_while()
        yield drill
    finally:
        emulator.stop()


@pytest.fixture(scope="module")
def before(drill: Drill) -> dict[str, Any]:
    """What the API answered when all was well."""
    found = drill.pages()
    assert drill.link_opens()
    assert (len(found["/v1/frames"]["frames"]), len(found["/v1/alerts"]["alerts"])) == (14, 14)
    return found


@pytest.fixture
def folder(drill: Drill, before: dict[str, Any], tmp_path: Path) -> Path:
    return backup(drill.stage, NOW, tmp_path, lambda _: None)


def test_a_table_that_somebody_deleted_is_back_under_its_name_with_its_settings(
    drill: Drill, before: dict[str, Any], folder: Path
) -> None:
    client, name, items = drill.emulator.client("dynamodb"), drill.outputs["TableName"], drill.items()
    arn = client.describe_table(TableName=name)["Table"]["TableArn"]
    # Those of CloudFormation are its own to give.
    tags = [t for t in client.list_tags_of_resource(ResourceArn=arn)["Tags"] if not t["Key"].startswith("aws:")]
    remove_user(drill.stage, "bo@example.org")
    client.delete_table(TableName=name)
    drill.restore(folder)
    assert drill.items() == items
    assert drill.pages() == before
    assert drill.link_opens()
    assert client.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires_at",
    }
    recovery = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert client.list_tags_of_resource(ResourceArn=arn)["Tags"] == tags != []
    # The user pool was never lost: whoever is not in it was taken out.
    assert drill.users() == {"ana@example.org"}
    add_user(drill.stage, "bo@example.org", "viewer", camera_groups=["cameras-cars"])


def test_a_user_pool_that_somebody_deleted_is_made_anew_with_what_stands_on_it_and_filled(
    drill: Drill, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items, pool = drill.items(), drill.outputs["UserPoolId"]
    drill.emulator.client("cognito-idp").delete_user_pool(UserPoolId=pool)
    with pytest.raises(TaskProblem, match=f"the user pool {pool} is gone, and no deploy makes it anew"):
        drill.restore(folder)
    drill.destroy("operations", "api", "identity")
    drill.deploy("identity", "api", "operations")
    drill.restore(folder, table_too=False)
    assert "0 configuration files and 2 users were missing" in capsys.readouterr().out
    assert drill.groups("ana@example.org") == {"admin"}
    assert drill.groups("bo@example.org") == {"viewer", "cameras-cars"}
    assert drill.items() == items


def test_a_configuration_bucket_that_somebody_deleted_is_named_before_anything_is_asked(
    drill: Drill, folder: Path
) -> None:
    s3, bucket = drill.emulator.client("s3"), drill.outputs["ConfigBucketName"]
    s3.delete_object(Bucket=bucket, Key="site.yaml")
    for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    for marker in s3.list_object_versions(Bucket=bucket).get("DeleteMarkers", []):
        s3.delete_object(Bucket=bucket, Key=marker["Key"], VersionId=marker["VersionId"])
    s3.delete_bucket(Bucket=bucket)
    with pytest.raises(TaskProblem, match=f"the bucket {bucket} is gone, and no deploy makes it anew"):
        drill.restore(folder)
    s3.create_bucket(Bucket=bucket)
    drill.restore(folder, table_too=False)
    assert s3.get_object(Bucket=bucket, Key="site.yaml")["Body"].read() == SITE.encode()


def test_stacks_that_were_destroyed_come_back_with_all_that_was_in_them_though_the_restore_is_killed(
    drill: Drill, before: dict[str, Any], folder: Path
) -> None:
    client, items = drill.emulator.client("dynamodb"), drill.items()
    drill.destroy()
    assert client.list_tables()["TableNames"] == []
    drill.deploy()
    # Cameras have gone on meanwhile, and an administrator has set other limits.
    drill.store(newer := frames(range(8, 9)))
    set_now = LimitOverride(NOW + timedelta(days=1), "bo", None, NOW, per_day=5)
    DynamoLimitTable(drill.table).put_override(set_now, NOW + timedelta(days=9))
    since = drill.items()

    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AFTER, drill.stage.name, folder, str(len(items) // 2)],
        env=drill.emulator.environment() | {"PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(since) < len(drill.items()) < len(items)
    assert f"{drill.table.name}-restored" in client.list_tables()["TableNames"]

    drill.restore(folder, again=True)
    assert drill.items() == items | since
    assert client.list_tables()["TableNames"] == [drill.table.name]
    after = drill.pages()
    assert after["/v1/frames"]["frames"][2:] == before["/v1/frames"]["frames"]
    assert {f["frame_id"] for f in after["/v1/frames"]["frames"][:2]} == {frame.frame_id for frame in newer}
    for path in ("/v1/visits", "/v1/alerts", "/v1/withheld"):
        assert after[path] == before[path]
    assert drill.link_opens()
    assert drill.groups("ana@example.org") == {"admin"}
    assert drill.groups("bo@example.org") == {"viewer", "cameras-cars"}
