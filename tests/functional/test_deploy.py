"""The tasks and the real CDK CLI against an empty emulated account with IAM enforced: deployed, operated, taken down.

One account for all: `dev` is deployed and stays, other stages come and go beside it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge_client.client import EdgeCamera, run_edge
from edge_client.sampler import EveryNth
from framewatch.wire.api_routes import ROUTES
from infra import packaging
from infra.settings import PARTS, REPO
from infra.tasks import deploy as deploying
from infra.tasks.cdk import ASSEMBLY, CLI
from infra.tasks.problem import TaskProblem
from infra.tasks.publish import WEB_UI, pages_are_stale
from infra.tasks.session import Stage, open_stage
from infra.tasks.stacks import deployed, outputs
from local_cloud.cameras import demo_clip
from local_cloud.sign_in import sign_in
from tests.front import open_dashboard
from tests.functional.deployed import function_logs
from tests.functional.forged_tokens import Forger, statuses, token_of_a_new_client, token_of_a_new_pool
from tests.functional.local_account import TIMEOUT_S, Account
from tests.secrets_in import secrets_in
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PASSWORD = "Correct-Horse-1"
SITE = "cameras: [{id: bikes}]\nwatch: {labels: [Car]}\ndeployment: {shards: 1}\n"


@dataclass
class Cloud:
    """The account, the site file of `dev`, and what a shell in the repository does."""

    account: Account
    site: Path
    # What the first deploy of `dev` wrote and deployed, kept: later tasks write theirs over it.
    first_assembly: Path

    def pynt(self, task: str, given: str = "") -> str:
        """What it says; whatever ends it, a trace does not."""
        done = self._run(task, given)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def refused(self, task: str, given: str = "") -> str:
        done = self._run(task, given)
        assert done.returncode == 1, done.stdout
        return done.stdout

    def _run(self, task: str, given: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [Path(sysconfig.get_path("scripts")) / "pynt", task],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=REPO,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return done

    def stage(self, name: str) -> Stage:
        """As the tasks see it, in this process."""
        return open_stage(name)

    def send(self, camera_id: str, count: int) -> None:
        """So many frames of the demo's clip."""
        camera = EdgeCamera(
            camera_id, demo_clip(), sampling=EveryNth(250 // count), pace="fast", loop=False, reopen=False
        )
        report = run_edge(
            [camera],
            self.account.client("kinesis"),
            outputs(self.stage("dev"))["StreamName"],
            on_event=lambda _: None,
            stop=threading.Event(),
            flush_timeout_s=30.0,
        )
        assert report.cameras[camera_id].sent == count

    def cameras_of(self, page: httpx.Client) -> list[str]:
        """Of every frame that the API answers."""
        return [f["camera_id"] for f in page.get("/v1/frames").raise_for_status().json()["frames"]]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    # The deploy would build them, and with them everything that the build needs.
    assert not pages_are_stale(WEB_UI), "run `make setup` first"
    folder = tmp_path_factory.mktemp("account")
    site = folder / "site.yaml"
    site.write_text(SITE, encoding="utf-8")
    account = Account(folder)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in [n for n in os.environ if n.startswith(("AWS_", "FRAMEWATCH_"))]:
                patch.delenv(name)
            for name, value in account.environment.items():
                patch.setenv(name, value)
            yield Cloud(account, site, folder / "first")
    finally:
        account.process.terminate()
        account.process.wait()


@pytest.fixture(scope="module")
def said(cloud: Cloud) -> dict[str, str]:
    """What the first tasks in a new account said, by task."""
    found = {"too early": cloud.refused(f"deploy[dev,site={cloud.site}]")}
    found["bootstrap"] = cloud.pynt("bootstrap")
    found["deploy"] = cloud.pynt(f"deploy[dev,site={cloud.site}]")
    shutil.copytree(ASSEMBLY, cloud.first_assembly)
    found["adduser"] = cloud.pynt("adduser[ana@example.org,admin,password=ask]", PASSWORD + "\n")
    return found


@pytest.fixture(scope="module")
def page(cloud: Cloud, said: dict[str, str]) -> Iterator[httpx.Client]:
    """The dashboard's, with the user signed in."""
    cloud.account.wait_for("the dashboard of Framewatch dev is at")
    with open_dashboard(cloud.account.dashboard, "ana@example.org", PASSWORD) as signed_in:
        yield signed_in


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The functions' zips for this machine, as its deploys make them."""
    folder = tmp_path_factory.mktemp("packages")
    packaging.build("local", folder)
    return folder


@pytest.fixture
def assemble(tmp_path: Path, packages: Path) -> Any:
    """Writes the assembly of another stage than `dev`."""

    def write(stage: str, site: Path) -> Path:
        out = tmp_path / stage
        command = [sys.executable, "-m", "infra.app", "--stage", stage, "--out", out]
        subprocess.run([*command, "--packages", packages, "--site", site], cwd=REPO, check=True)
        return out

    return write


@pytest.fixture
def deploy_assembly(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`pynt deploy`, of an assembly that is there already."""

    def go(stage: str, assembly: Path) -> dict[str, str]:
        monkeypatch.setattr(deploying, "prepare", lambda *_: assembly)
        return deploying.deploy(open_stage(stage), cloud.site)

    return go


def _with_new_code(assembly: Path, copy: Path) -> Path:
    """As it would be written had every function's code changed."""
    shutil.copytree(assembly, copy)
    with _templates_renamed(copy):
        for path in copy.glob("asset.*.zip"):
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr("a_new_version.txt", "of the code")
            old, new = path.name.split(".")[1], _digest(path)
            path.rename(path.with_name(path.name.replace(old, new)))
            _replace(copy, old, new)
    return copy


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _templates_renamed(assembly: Path) -> Iterator[None]:
    """Those that are changed in it. An asset's name is its content's digest: the CLI uploads no other."""
    before = {path: _digest(path) for path in assembly.glob("*.template.json")}
    yield
    for path, old in before.items():
        if (new := _digest(path)) != old:
            _replace(assembly, old, new)


def _replace(assembly: Path, old: str, new: str) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in assembly.glob("*.json")}
    named = {path: text for path, text in texts.items() if old in text}
    assert named
    for path, text in named.items():
        path.write_text(text.replace(old, new), encoding="utf-8")


def _codes(cloud: Cloud) -> dict[str, str]:
    """The digest of each function's code, by its name."""
    functions = cloud.account.client("lambda").list_functions()["Functions"]
    return {f["FunctionName"]: f["CodeSha256"] for f in functions if "-dev-" in f["FunctionName"]}


def test_an_account_that_is_not_prepared_is_told_so_before_anything_is_built(said: dict[str, str]) -> None:
    assert "is not prepared for the CDK in us-east-1; run `pynt bootstrap` once" in said["too early"]
    assert "image_processor" not in said["too early"]


def test_a_deploy_lists_the_zips_and_ends_with_what_comes_next(said: dict[str, str], cloud: Cloud) -> None:
    found = outputs(cloud.stage("dev"))
    assert "image_processor: build/lambda/local/image_processor.zip (" in said["deploy"]
    assert f"dashboard: {found['DashboardUrl']}" in said["deploy"]
    assert "pynt edgebox[shop-1] makes credentials for it" in said["deploy"]
    assert found["StreamName"] in said["deploy"]
    assert "pynt adduser[you@example.org,admin]" in said["deploy"]


def test_the_stacks_are_those_that_are_listed(said: dict[str, str], cloud: Cloud) -> None:
    stacks = deployed(cloud.stage("dev"))
    assert tuple(stacks) == PARTS
    assert {s["StackStatus"] for s in stacks.values()} == {"CREATE_COMPLETE"}


def test_a_signed_in_user_reads_frames_and_nobody_else_does(cloud: Cloud, page: httpx.Client) -> None:
    cloud.send("bikes", 5)
    wait_until(lambda: cloud.cameras_of(page).count("bikes") == 5, TIMEOUT_S)
    assert httpx.get(f"{cloud.account.dashboard}/v1/frames").status_code == 401


@pytest.fixture
def forger(cloud: Cloud, page: httpx.Client) -> Forger:
    url, client_id = cloud.account.dashboard, outputs(cloud.stage("dev"))["UserPoolClientId"]
    return Forger(cloud.account.scratch, sign_in(url, client_id, f"{url}/", "ana@example.org", PASSWORD))


def test_only_a_whole_access_token_of_the_pool_for_the_dashboard_that_is_in_time_opens_anything(
    cloud: Cloud, forger: Forger
) -> None:
    """The emulator's authorizer checks what API Gateway's does, against the issuer, audience and scope deployed."""
    client, url = cloud.account.client, cloud.account.dashboard
    refused = forger.wrong_tokens() | {
        "of another pool": (token_of_a_new_pool(client), 401),
        "for another client": (token_of_a_new_client(client, forger.pool_id, "ana@example.org", PASSWORD), 401),
    }
    # Each is refused for the one thing that is wrong with it.
    assert statuses(url, forger.signed(jti="another"), [("GET", "/v1/me")]) == {200}
    for what, (token, status) in refused.items():
        assert statuses(url, token, [("GET", "/v1/me"), ("POST", "/v1/limits")]) == {status}, what
    assert statuses(url, None, ROUTES) == {401}


def test_a_token_opens_no_more_than_its_groups_may(cloud: Cloud, forger: Forger) -> None:
    asked = [("GET", "/v1/site"), ("POST", "/v1/alerts/answer"), ("POST", "/v1/limits")]

    # 415: they may, and have sent nothing.
    def answered(*groups: str) -> list[set[int]]:
        token = forger.signed(**{"cognito:groups": list(groups)})
        return [statuses(cloud.account.dashboard, token, [address]) for address in asked]

    assert answered() == answered("administrators") == [{403}, {403}, {403}]
    assert answered("viewer") == [{200}, {403}, {403}]
    assert answered("operator") == [{200}, {415}, {403}]
    assert answered("admin") == [{200}, {415}, {415}]


def test_status_finds_nothing_wrong_and_says_what_it_cannot_tell(cloud: Cloud, said: dict[str, str]) -> None:
    lines = cloud.pynt("status").splitlines()
    assert [line for line in lines if line.startswith("!! ") and "alarms" not in line] == []
    assert any(line.startswith("ok users") and "1 admin" in line for line in lines)
    assert any(line.startswith("ok site file") for line in lines)


def test_a_diff_shows_what_a_changed_site_file_would_change(
    cloud: Cloud, said: dict[str, str], tmp_path: Path
) -> None:
    changed = tmp_path / "site.yaml"
    changed.write_text(SITE.replace("shards: 1", "shards: 1, batch_size: 7"), encoding="utf-8")
    diff = cloud.pynt(f"diff[dev,site={changed}]")
    assert "BatchSize" in diff
    assert "Number of stacks with differences: 2" in diff


def test_configuring_says_when_a_deploy_is_needed(cloud: Cloud, said: dict[str, str], tmp_path: Path) -> None:
    changed = tmp_path / "site.yaml"
    changed.write_text(SITE.replace("shards: 1", "shards: 1, batch_size: 7"), encoding="utf-8")
    assert "`pynt deploy[dev]` makes it so" in cloud.pynt(f"configure[{changed}]")
    assert "`pynt deploy[dev]`" not in cloud.pynt(f"configure[{cloud.site}]")


def test_logs_are_those_of_the_function(cloud: Cloud, page: httpx.Client) -> None:
    cloud.cameras_of(page)
    said = cloud.pynt("logs[frame_fetcher]")
    assert "REPORT RequestId" in said
    assert "START RequestId" not in said


def test_neither_logs_nor_tasks_nor_the_front_say_a_password_or_a_token(
    cloud: Cloud, page: httpx.Client, said: dict[str, str], forger: Forger
) -> None:
    """After tokens of every kind, right and wrong, have been sent through the front."""
    url = cloud.account.dashboard
    for token, _ in forger.wrong_tokens().values():
        statuses(url, token, [("GET", "/v1/me"), ("POST", "/v1/limits")])
    assert statuses(url, forger.signed(**{"cognito:groups": ["guests"]}), [("GET", "/v1/site")]) == {403}
    for frame in page.get("/v1/frames").raise_for_status().json()["frames"]:
        assert page.get(frame["image_url"]).status_code == 200
    files = {path.name: path.read_text("utf-8", "replace") for path in cloud.account.scratch.rglob("*.log")}
    assert {"emulator.log", "vision.log"} <= files.keys()
    texts = said | files | function_logs(cloud.account.client) | {"the front": cloud.account.output()}
    assert any("refused /v1/site" in text for text in texts.values()), "or the functions' logs were not looked at"
    known = [PASSWORD, *(token.rpartition(".")[2] for token, _ in forger.wrong_tokens().values() if len(token) > 50)]
    assert {name: found for name, text in texts.items() if (found := secrets_in(text, filter(None, known)))} == {}


def test_new_code_is_deployed_in_place_and_a_failed_record_is_redriven_through_it(
    cloud: Cloud, page: httpx.Client, deploy_assembly: Any, tmp_path: Path
) -> None:
    before, codes = outputs(cloud.stage("dev")), _codes(cloud)
    cloud.send("garage", 1)
    wait_until(lambda: "UnknownCamera: 1 record" in cloud.pynt("redrive[dev,dry=true]"), TIMEOUT_S)
    cloud.site.write_text(SITE.replace("{id: bikes}", "{id: bikes}, {id: garage}"), encoding="utf-8")
    seen = cloud.cameras_of(page)

    deploy_assembly("dev", _with_new_code(cloud.first_assembly, tmp_path / "new"))
    assert outputs(cloud.stage("dev")) == before
    assert _codes(cloud).keys() == codes.keys()
    assert not set(_codes(cloud).values()) & set(codes.values())
    assert cloud.cameras_of(page) == seen

    assert "1 records are back on the stream" in cloud.pynt("redrive")
    wait_until(lambda: cloud.cameras_of(page).count("garage") == 1, TIMEOUT_S)
    assert "0 records would be put back" in cloud.pynt("redrive[dev,dry=true]")


def test_a_deploy_that_fails_half_way_says_why_and_what_ran_goes_on(
    cloud: Cloud, page: httpx.Client, deploy_assembly: Any, tmp_path: Path
) -> None:
    good = cloud.first_assembly
    broken = shutil.copytree(good, tmp_path / "broken")
    _break(broken, "api", taken=outputs(cloud.stage("dev"))["FramesBucketName"])
    with pytest.raises(TaskProblem) as caught:
        deploy_assembly("dev", broken)
    assert "framewatch-dev-api: Taken (AWS::S3::Bucket): " in str(caught.value)
    assert "already exists" in str(caught.value)
    assert deployed(cloud.stage("dev"))["api"]["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert cloud.cameras_of(page)
    # The next one is in nobody's way.
    deploy_assembly("dev", good)
    assert deployed(cloud.stage("dev"))["api"]["StackStatus"].endswith("COMPLETE")


def _break(assembly: Path, part: str, taken: str) -> None:
    """A bucket of a name that somebody has."""
    template = assembly / f"framewatch-dev-{part}.template.json"
    body = json.loads(template.read_text(encoding="utf-8"))
    body["Resources"]["Taken"] = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": taken}}
    with _templates_renamed(assembly):
        template.write_text(json.dumps(body), encoding="utf-8")


def test_a_second_stage_stands_beside_the_first_and_leaves_nothing_when_it_is_destroyed(
    cloud: Cloud, page: httpx.Client, assemble: Any, deploy_assembly: Any
) -> None:
    seen, names = cloud.cameras_of(page), _everything(cloud)
    deploy_assembly("two", assemble("two", cloud.site))
    found = outputs(cloud.stage("two"))
    s3 = cloud.account.client("s3")
    s3.put_object(Bucket=found["FramesBucketName"], Key="frames/1.jpg", Body=b"x")

    # Its data go alone ...
    assert "deleted: 1 objects and 0 items" in cloud.pynt("deletedata[two,yes=two]")
    assert s3.list_objects_v2(Bucket=found["FramesBucketName"])["KeyCount"] == 0
    assert s3.head_object(Bucket=found["ConfigBucketName"], Key="site.yaml")
    # ... or stay alone ...
    s3.put_object(Bucket=found["FramesBucketName"], Key="frames/2.jpg", Body=b"x")
    assert "framewatch-two-data stays: keep_frames=true" in cloud.pynt("destroy[two,keep_frames=true]", "two\n")
    assert tuple(deployed(cloud.stage("two"))) == ("data",)
    assert s3.list_objects_v2(Bucket=found["FramesBucketName"])["KeyCount"] == 1
    # ... or go with everything, when that is meant.
    assert "the answer was not 'two'" in cloud.refused("destroy[two]", "yes\n")
    assert "nothing of the stage two is left in us-east-1" in cloud.pynt("destroy[two]", "two\n")
    assert _everything(cloud) == names
    assert cloud.cameras_of(page) == seen


def _everything(cloud: Cloud) -> set[str]:
    """What can be listed in the account, but for what the CDK keeps for itself."""
    client = cloud.account.client
    lists = {
        "stack": [s["StackName"] for s in client("cloudformation").describe_stacks()["Stacks"]],
        "bucket": [b["Name"] for b in client("s3").list_buckets()["Buckets"]],
        "table": client("dynamodb").list_tables()["TableNames"],
        "stream": client("kinesis").list_streams()["StreamNames"],
        "queue": client("sqs").list_queues().get("QueueUrls", []),
        "topic": [t["TopicArn"] for t in client("sns").list_topics()["Topics"]],
        "function": [f["FunctionName"] for f in client("lambda").list_functions()["Functions"]],
        "mapping": [m["UUID"] for m in client("lambda").list_event_source_mappings()["EventSourceMappings"]],
        "log group": [g["logGroupName"] for g in client("logs").describe_log_groups()["logGroups"]],
        "role": [r["RoleName"] for r in client("iam").list_roles()["Roles"]],
        "policy": [p["Arn"] for p in client("iam").list_policies(Scope="Local")["Policies"]],
        "pool": [p["Id"] for p in client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]],
        "api": [a["ApiId"] for a in client("apigatewayv2").get_apis()["Items"]],
        "distribution": [
            d["Id"] for d in client("cloudfront").list_distributions()["DistributionList"].get("Items", [])
        ],
        "alarm": [a["AlarmName"] for a in client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "dashboard": [d["DashboardName"] for d in client("cloudwatch").list_dashboards()["DashboardEntries"]],
    }
    return {f"{kind} {name}" for kind, names in lists.items() for name in names}


@pytest.mark.usefixtures("said")
@pytest.mark.long  # tests/infra/test_tasks_destroy.py has it of every kind of protected stack, without the CLI
def test_a_protected_stage_goes_only_when_its_data_are_named(
    cloud: Cloud, assemble: Any, deploy_assembly: Any
) -> None:
    names = _everything(cloud)
    deploy_assembly("prod", assemble("prod", cloud.site))
    said = cloud.pynt("destroy[prod,yes=prod]")
    assert "framewatch-prod-identity stays: it is protected" in said
    assert tuple(deployed(cloud.stage("prod"))) == ("data", "web", "identity")
    cloud.pynt("destroy[prod,keep_frames=false,yes=prod]")
    assert _everything(cloud) == names


@pytest.mark.long  # the whole app once more, for one line of cdk.json
def test_a_plain_cdk_deploy_finds_the_app(cloud: Cloud, packages: Path) -> None:
    """The CLI's own way in, through cdk.json."""
    options = ["-c", f"packages={packages}", "-c", f"site={cloud.site}", "-c", "stage=plain"]
    command = [sys.executable, "-c", "from infra.tasks.shell import run; import sys; run(sys.argv[1:], node=True)"]
    done = subprocess.run(
        [*command, "npx", "--yes", "--prefer-offline", CLI, "ls", *options, "--output", cloud.site.parent / "plain"],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPO,
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == [f"framewatch-plain-{p}" for p in PARTS], (
        done.stderr
    )
