"""The tasks of build.py: what they are called with, what they run, and what they say before anything is reached."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import warnings
from pathlib import Path
from types import ModuleType

import pytest

from infra import node
from infra.settings import REPO, StageSettings
from infra.tasks import cdk
from infra.tasks.problem import TaskProblem
from infra.tasks.session import Stage
from infra.tasks.shell import run
from tests.infra.fake_aws import Account, refused

TASKS = {
    "adduser",
    "audit",
    "backup",
    "bootstrap",
    "chaos",
    "configure",
    "configureedge",
    "costs",
    "deletedata",
    "demo",
    "deploy",
    "destroy",
    "diff",
    "edgebox",
    "edgeboxes",
    "estimate",
    "falsealarms",
    "finishrotation",
    "logs",
    "packagelambda",
    "publish",
    "redrive",
    "removeuser",
    "restore",
    "revokeedge",
    "revokelinks",
    "rotateedge",
    "sbom",
    "status",
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
def ran(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that a task would have run."""
    commands: list[list[str]] = []
    monkeypatch.setattr(tasks, "run", lambda command, **_: commands.append([str(c) for c in command]))
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


def test_an_estimate_is_the_local_command_with_the_tasks_words(tasks: ModuleType, ran: list[list[str]]) -> None:
    tasks.estimate("6", hours="10", compare="fps=0.5;gate_share=1")
    tasks.estimate(cameras="2")
    assert [Path(command[0]).name for command in ran] == ["framewatch-local"] * 2
    assert ran[0][1:] == [
        "cost",
        *("--cameras", "6"),
        *("--hours", "10"),
        *("--compare", "fps=0.5"),
        *("--compare", "gate_share=1"),
    ]
    assert ran[1][1:] == ["cost", "--cameras", "2"]


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


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("staus", "staus: there is no such task; did you mean status? `pynt -l` lists them"),
        ("edgeb", "edgeb: there is no such task; did you mean edgebox or edgeboxes? `pynt -l` lists them"),
        ("sys", "sys: there is no such task; `pynt -l` lists them"),
        ("logs[watchdog", "logs[watchdog: the bracket is not closed; write the whole in quotes, such as 'logs[...]'"),
    ],
)
def test_a_task_that_is_not_there_is_told_in_a_line_with_the_nearest(
    tasks: ModuleType, typed: str, says: str
) -> None:
    with pytest.raises(SystemExit) as told:
        tasks._task_of(tasks, typed, tasks._pynt._get_tasks(tasks))
    assert told.value.code == says


def test_a_name_may_be_cut_short_and_takes_what_stands_in_its_brackets(tasks: ModuleType) -> None:
    found, positional, keywords = tasks._task_of(tasks, "red[prod,dry=true]", tasks._pynt._get_tasks(tasks))
    assert (found.name, positional, keywords) == ("redrive", ["prod"], {"dry": "true"})
    assert tasks._pynt._get_task is tasks._task_of


def test_storms_blow_for_as_long_as_was_asked(tasks: ModuleType, ran: list[list[str]]) -> None:
    tasks.chaos("30")
    assert ran == [[sys.executable, "-m", "tests.faults.chaos", "--minutes", "30"]]
    with pytest.raises(SystemExit, match="'half' is not a number of minutes"):
        tasks.chaos("half")
    with pytest.raises(SystemExit, match="'0' is not a number of minutes"):
        tasks.chaos("0")


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


def test_a_region_without_rekognition_says_where_it_is_offered(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "af-south-1")
    with pytest.raises(SystemExit, match=r"status: Rekognition, .* is not offered in af-south-1; .* eu-west-1"):
        tasks.status()


def test_a_misspelt_region_is_called_one(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-wset-1x")
    with pytest.raises(SystemExit, match="status: 'eu-wset-1x' is not an AWS region"):
        tasks.status()


def test_a_misspelt_keyword_is_told_with_what_the_task_takes(tasks: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"'pasword'; it takes adduser\[email, role=viewer, password=, stage="):
        tasks.adduser("ana@example.org", pasword="ask")


def test_a_task_without_what_it_needs_says_what_that_is(tasks: ModuleType) -> None:
    with pytest.raises(SystemExit, match="logs: missing a required argument: 'function'"):
        tasks.logs()


def test_a_stage_that_is_none_is_a_line(tasks: ModuleType) -> None:
    with pytest.raises(SystemExit, match="status: the stage 'Prod 2' cannot be in a stack's name"):
        tasks.status("Prod 2")


@pytest.mark.parametrize(
    ("task", "arguments", "said"),
    [
        ("redrive", {"dry": "yes"}, "redrive: dry='yes': it is true or false"),
        ("destroy", {"keep_frames": "maybe"}, "destroy: keep_frames='maybe': it is true or false"),
        ("logs", {"function": "image_processor", "follow": "1"}, "logs: follow='1': it is true or false"),
        ("logs", {"function": "image_processor", "minutes": "an hour"}, "'an hour' is not a number of minutes"),
    ],
)
def test_an_argument_that_makes_no_sense_is_a_line(
    tasks: ModuleType, task: str, arguments: dict[str, str], said: str
) -> None:
    with pytest.raises(SystemExit, match=said):
        getattr(tasks, task)(**arguments)


def test_a_password_is_never_taken_from_the_command_line(tasks: ModuleType) -> None:
    with pytest.raises(SystemExit) as ended:
        tasks.adduser("ana@example.org", password="Secret-1234")
    assert "a password on a command line is read by others; `password=ask` asks for it" in str(ended.value)
    assert "Secret-1234" not in str(ended.value)


def test_a_site_file_that_is_wrong_is_refused_before_anybody_is_asked_who_he_is(
    tasks: ModuleType, tmp_path: Path
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("cameras:\n  - id: Front Door\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"site\.yaml:2"):
        tasks.configure(str(site))


def test_what_aws_refuses_is_a_line(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: str) -> Stage:
        raise refused("DescribeStacks", "AccessDenied", "User ana may not do that")

    monkeypatch.setattr(tasks, "open_stage", denied)
    with pytest.raises(SystemExit, match=r"status: AWS refused or did not answer: AccessDenied: User ana may not"):
        tasks.status("dev")


def test_bootstrapping_needs_no_zips_nor_templates(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []
    monkeypatch.setattr(cdk, "run", lambda command, cwd, **_: folders.append(cwd))
    cdk.bootstrap(account.stage())
    # Where the CLI finds a cdk.json, it synthesises first.
    assert folders
    assert REPO not in (folders[0], *folders[0].parents)


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("http://127.0.0.1:4566", True),
        ("https://localhost:4566", True),
        ("http://[::1]:4566", True),
        ("https://sts.eu-west-1.amazonaws.com", False),
        ("https://10.0.0.7:4566", False),
    ],
)
def test_an_endpoint_on_this_machine_runs_this_machines_wheels(endpoint: str, local: bool, account: Account) -> None:
    here = account.stage()
    assert Stage(here.name, here.session, here.account, here.caller, endpoint).is_local is local


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
    with pytest.raises(TaskProblem) as caught:
        run([sys.executable, "-c", "raise SystemExit(3)", "rtsp://user:secret@camera/"], cwd=tmp_path)
    assert "failed with exit status 3" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_stage_that_no_stack_could_be_named_after_is_refused() -> None:
    with pytest.raises(ValueError, match="'Prod 2' cannot be in a stack's name"):
        StageSettings(stage="Prod 2")


def test_missing_zips_are_told_with_the_way_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="pynt packagelambda"):
        StageSettings(packages=tmp_path).package("frame_fetcher")
