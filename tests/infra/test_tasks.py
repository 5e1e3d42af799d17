"""The tasks of build.py, node, and what deploy and destroy do around CloudFormation."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from infra import deployment, node
from infra.deployment import DeployError, put_pages, put_site
from infra.settings import REPO, StageSettings

TASKS = {
    "bootstrap",
    "configure",
    "demo",
    "deploy",
    "destroy",
    "packagelambda",
    "synth",
    "test",
    "videocapture",
    "videocaptureip",
    "webui",
    "webuiserver",
}


def _pynt(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """With nobody to be: no task here may reach an account."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "FRAMEWATCH_"))}
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "HOME": "/nonexistent"}
    command = [str(Path(sysconfig.get_path("scripts")) / "pynt"), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=REPO, timeout=60, env={**clean, **nobody, **environ}
    )


@pytest.fixture
def tasks() -> ModuleType:
    with warnings.catch_warnings():
        # pynt imports imp and has a bad escape in a pattern.
        warnings.simplefilter("ignore")
        spec = importlib.util.spec_from_file_location("build_tasks", REPO / "build.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that a task would have run."""
    commands: list[list[str]] = []
    monkeypatch.setattr(deployment, "run", lambda command, **_: commands.append([str(c) for c in command]))
    return commands


def test_pynt_lists_every_task() -> None:
    done = _pynt("-l")
    assert done.returncode == 0, done.stderr
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert listed == TASKS


def test_a_capture_names_stream_source_and_every_nth(
    tasks: ModuleType, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEWATCH_STREAM", "frames")
    tasks.videocapture("20")
    assert Path(ran[0][0]).name == "framewatch-edge"
    assert ran[0][1:] == [
        "run",
        *("--stream", "frames"),
        *("--source", "0"),
        *("--camera-id", "camera-1"),
        *("--every", "20"),
    ]


@pytest.mark.parametrize(
    ("typed", "positional", "keywords"),
    [
        ("rtsp://10.0.0.9/cam?channel=1&subtype=0,20", ["rtsp://10.0.0.9/cam?channel=1&subtype=0", "20"], {}),
        ("20, garage", ["20", "garage"], {}),
        ("stage=prod", [], {"stage": "prod"}),
        (None, [], {}),
    ],
)
def test_an_equals_sign_in_a_url_is_no_keyword(
    tasks: ModuleType, typed: str | None, positional: list[str], keywords: dict[str, str]
) -> None:
    assert tasks._arguments(typed) == (positional, keywords)


def test_every_must_be_a_number_of_frames(tasks: ModuleType) -> None:
    with pytest.raises(SystemExit, match="'often' is not a number of frames"):
        tasks.videocaptureip("rtsp://camera/", "often")


def test_without_a_region_a_deploy_says_so_in_a_line() -> None:
    done = _pynt("destroy[dev]")
    assert done.returncode == 1
    assert "destroy: no AWS region; set AWS_REGION" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_credentials_a_deploy_says_so_in_a_line() -> None:
    done = _pynt("destroy[dev]", AWS_REGION="eu-west-1")
    assert "destroy: no usable AWS credentials" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_site_file_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("cameras:\n  - id: Front Door\n", encoding="utf-8")
    with pytest.raises(DeployError, match=r"site\.yaml:2"):
        deployment.deploy("dev", site)


def test_a_site_file_that_is_not_there_is_told_with_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"copy config/site\.example\.yaml"):
        deployment.checked_site(tmp_path / "site.yaml")


def _node(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "node"
    path.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    path.chmod(0o755)
    return folder


def test_the_machines_node_is_taken_where_it_is_new_enough(tmp_path: Path) -> None:
    machine = str(_node(tmp_path / "bin", "v22.1.0"))
    assert node.node_environment({"PATH": machine}) == {"PATH": machine}


def test_an_old_node_gives_way_to_the_one_beside_this_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, beside = _node(tmp_path / "bin", "v20.20.2"), _node(tmp_path / "venv", "v24.19.0")
    monkeypatch.setattr(sys, "executable", str(beside / "python"))
    assert node.node_environment({"PATH": str(machine)})["PATH"].split(os.pathsep) == [str(beside), str(machine)]


def test_without_a_node_the_way_to_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(node.NodeMissing, match=r"Node\.js 22 or newer; `make setup` brings one"):
        node.node_environment({"PATH": str(_node(tmp_path / "bin", "v20.20.2"))})


def test_a_failing_command_names_itself_and_not_the_password_it_was_given(tmp_path: Path) -> None:
    with pytest.raises(DeployError) as caught:
        deployment.run([sys.executable, "-c", "raise SystemExit(3)", "rtsp://user:secret@camera/"], cwd=tmp_path)
    assert "failed with exit status 3" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_stage_that_no_stack_could_be_named_after_is_refused() -> None:
    with pytest.raises(ValueError, match="'Prod 2' cannot be in a stack's name"):
        StageSettings(stage="Prod 2")


def test_missing_zips_are_told_with_the_way_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="pynt packagelambda"):
        StageSettings(packages=tmp_path).package("frame_fetcher")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.Session()


def test_pages_are_uploaded_start_page_last_with_how_long_they_keep(
    account: boto3.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="pages")
    for name in ("index.html", "assets/app-1a2b.js", "favicon.svg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    distribution = account.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "x",
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "example.org"}]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
        }
    )["Distribution"]["Id"]
    put_pages(account, {"WebBucketName": "pages", "DistributionId": distribution}, tmp_path)
    found = {name: s3.head_object(Bucket="pages", Key=name) for name in ("index.html", "assets/app-1a2b.js")}
    assert found["index.html"]["CacheControl"] == "no-cache"
    assert found["index.html"]["ContentType"] == "text/html"
    assert found["assets/app-1a2b.js"]["CacheControl"] == "public, max-age=31536000, immutable"
    times = {o["Key"]: o["LastModified"] for o in s3.list_objects_v2(Bucket="pages")["Contents"]}
    assert times["index.html"] == max(times.values())
    assert account.client("cloudfront").list_invalidations(DistributionId=distribution)["InvalidationList"][
        "Quantity"
    ]


def test_the_site_file_goes_where_the_functions_read_it(account: boto3.Session) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="site-files")
    put_site(account, {"ConfigBucketName": "site-files"}, b"cameras: []\n")
    assert s3.get_object(Bucket="site-files", Key="site.yaml")["Body"].read() == b"cameras: []\n"


class _Stacks:
    """As much of CloudFormation as destroy asks: one data stack with a bucket that goes and one that stays."""

    def __init__(self, name: str, *, protected: bool = False) -> None:
        self.name, self.protected, self.deleted = name, protected, False

    def client(self, service: str) -> Any:
        return boto3.client(service) if service != "cloudformation" else self

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if StackName != self.name:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        return {"Stacks": [{"EnableTerminationProtection": self.protected}]}

    def get_template(self, StackName: str) -> dict[str, Any]:
        return {
            "TemplateBody": {
                "Resources": {"Gone": {"DeletionPolicy": "Delete"}, "Kept": {"DeletionPolicy": "Retain"}}
            }
        }

    def describe_stack_resources(self, StackName: str) -> dict[str, Any]:
        kind = "AWS::S3::Bucket"
        return {
            "StackResources": [
                {"LogicalResourceId": i, "ResourceType": kind, "PhysicalResourceId": i.lower()}
                for i in ("Gone", "Kept")
            ]
        }

    def delete_stack(self, StackName: str) -> None:
        self.deleted = True

    def get_waiter(self, _: str) -> Any:
        return SimpleNamespace(wait=lambda **_: None)


def test_destroy_empties_what_goes_and_leaves_what_is_retained(
    account: boto3.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, stacks = account.client("s3"), _Stacks("framewatch-dev-data")
    for bucket in ("gone", "kept"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="frames/1.jpg", Body=b"x")
    s3.put_bucket_versioning(Bucket="gone", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="gone", Key="frames/1.jpg", Body=b"y")
    s3.delete_object(Bucket="gone", Key="frames/1.jpg")
    monkeypatch.setattr(deployment, "checked_session", lambda: stacks)
    deployment.destroy("dev", confirm=lambda _: "dev")
    assert stacks.deleted
    left = s3.list_object_versions(Bucket="gone")
    assert "Versions" not in left
    assert "DeleteMarkers" not in left
    assert s3.list_objects_v2(Bucket="kept")["KeyCount"] == 1


def test_destroy_does_nothing_unless_the_stage_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    stacks = _Stacks("framewatch-dev-data")
    monkeypatch.setattr(deployment, "checked_session", lambda: stacks)
    with pytest.raises(DeployError, match="nothing was deleted"):
        deployment.destroy("dev", confirm=lambda _: "yes")
    assert not stacks.deleted


def test_destroy_leaves_a_protected_stack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stacks = _Stacks("framewatch-prod-data", protected=True)
    monkeypatch.setattr(deployment, "checked_session", lambda: stacks)
    deployment.destroy("prod", confirm=lambda _: "prod")
    assert not stacks.deleted
    assert "framewatch-prod-data is protected and stays" in capsys.readouterr().out
