"""`framewatch-local aws`: a deployment from outside is followed, served and let go of; nothing outlives it."""

import argparse
import contextlib
import signal
import socket
import stat
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from edge_client.client import EdgeCamera, run_edge
from edge_client.sampler import EveryNth
from local_cloud import account, machine
from local_cloud.assembly import load_assembly
from local_cloud.cameras import choose_site, demo_clip
from local_cloud.deploy import deploy, put_pages
from local_cloud.emulator import ACCOUNT, Email
from local_cloud.problem import LocalProblem
from local_cloud.processes import choose_port
from local_cloud.sign_in import create_user, sign_in
from tests.front import open_dashboard
from tests.functional.local_account import TIMEOUT_S, Account
from tests.waiting import wait_until


@pytest.fixture
def start_account(tmp_path):
    started = []

    def go() -> Account:
        started.append(Account(tmp_path))
        return started[-1]

    yield go
    for each in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.process.kill()
        each.process.wait()


@pytest.fixture
def pages(tmp_path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "index.html").write_text("<title>Framewatch</title>")
    return folder


def deploy_all(client, assembly, pages) -> dict[str, str]:
    outputs = deploy(load_assembly(assembly, account=ACCOUNT, region="us-east-1"), client)
    site = choose_site([demo_clip()], None, watch=["Car"], min_confidence=30, default_watch=()).site_text
    client("s3").put_object(Bucket=outputs["ConfigBucketName"], Key="site.yaml", Body=site.encode())
    put_pages(pages, outputs, client)
    return outputs


def delete_all(client, assembly) -> None:
    stacks = load_assembly(assembly, account=ACCOUNT, region="us-east-1").stacks
    for stack in reversed(stacks):
        client("cloudformation").delete_stack(StackName=stack.name)


def send_frames(client, outputs) -> int:
    """Of the demo's clip, five."""
    camera = EdgeCamera("bikes", demo_clip(), sampling=EveryNth(50), pace="fast", loop=False, reopen=False)
    report = run_edge(
        [camera],
        client("kinesis"),
        outputs["StreamName"],
        on_event=lambda _: None,
        stop=threading.Event(),
        flush_timeout_s=10.0,
    )
    return report.cameras["bikes"].sent


@pytest.mark.slow
def test_what_is_deployed_is_served_and_let_go_of_when_it_is_destroyed(start_account, assembly, pages):
    account = start_account()
    assert stat.S_IMODE(account.env_file.stat().st_mode) == 0o600
    assert account.environment["AWS_REGION"] == account.environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert "AWS_PROFILE" not in account.environment
    assert "AWS_SESSION_TOKEN" not in account.environment
    with pytest.raises(httpx.HTTPError):
        httpx.get(account.dashboard)

    outputs = deploy_all(account.client, assembly, pages)
    account.wait_for(f"{outputs['StreamName']} is read for {outputs['ImageProcessorName']}")
    assert account.dashboard in account.wait_for("the dashboard of Framewatch local is at")
    sent = send_frames(account.client, outputs)
    user = create_user(account.client, outputs["UserPoolId"], "ana@example.com", "viewer")
    assert httpx.get(f"{account.dashboard}/v1/frames").status_code == 401
    with open_dashboard(account.dashboard, user.username, user.password) as page:
        frames = page_of(page, sent)
        # Signed over TLS for another origin, and still good through the front.
        assert page.get(frames[0]["image_url"]).content.startswith(b"\xff\xd8\xff")
        assert frames[0]["image_url"].startswith(account.dashboard)
    account.wait_for("[SMS to +12...123] Framewatch: Car")

    delete_all(account.client, assembly)
    account.wait_for(f"{outputs['StreamName']} is no longer read")
    account.wait_for(f"the dashboard of Framewatch local at {account.dashboard} is gone")
    with pytest.raises(httpx.HTTPError):
        httpx.get(account.dashboard)

    # The same place again for the next.
    outputs = deploy_all(account.client, assembly, pages)
    account.wait_for(f"{outputs['StreamName']} is read for {outputs['ImageProcessorName']}")
    wait_until(lambda: is_served(account.dashboard), TIMEOUT_S)
    account.process.send_signal(signal.SIGINT)
    assert account.process.wait(30) == 0
    account.wait_gone()


@pytest.mark.slow
def test_an_invitations_first_password_is_on_the_terminal_and_must_be_changed(start_account, assembly, pages):
    account = start_account()
    outputs = deploy_all(account.client, assembly, pages)
    account.wait_for("the dashboard of Framewatch local is at")
    account.client("cognito-idp").admin_create_user(
        UserPoolId=outputs["UserPoolId"],
        Username="bo@example.com",
        UserAttributes=[{"Name": "email", "Value": "bo@example.com"}],
        DesiredDeliveryMediums=["EMAIL"],
    )
    line = account.wait_for("[e-mail to bo@example.com]")
    assert f"{account.dashboard}/ " in line
    first = line.rpartition(" ")[2]
    tokens = sign_in(
        account.dashboard,
        outputs["UserPoolClientId"],
        f"{account.dashboard}/",
        "bo@example.com",
        first,
        new_password="One-of-my-own-1",
    )
    # In no group, so in no role.
    answer = httpx.get(
        f"{account.dashboard}/v1/frames", headers={"Authorization": f"Bearer {tokens.access_token}"}, timeout=60
    )
    assert answer.status_code == 403
    account.process.kill()
    account.wait_gone()


@pytest.mark.slow
def test_a_mapping_that_changes_is_followed_and_nothing_is_skipped(start_account, assembly, pages):
    account = start_account()
    outputs = deploy_all(account.client, assembly, pages)
    read = f"{outputs['StreamName']} is read for"
    account.wait_for(read)
    functions = account.client("lambda")
    (mapping,) = functions.list_event_source_mappings(FunctionName=outputs["ImageProcessorName"])[
        "EventSourceMappings"
    ]
    functions.update_event_source_mapping(UUID=mapping["UUID"], BatchSize=7, Enabled=True)
    sent = send_frames(account.client, outputs)
    wait_until(lambda: account.output().count(read) == 2, TIMEOUT_S)
    wait_until(
        lambda: not functions.get_event_source_mapping(UUID=mapping["UUID"])["State"].startswith("Enabl"), TIMEOUT_S
    )
    user = create_user(account.client, outputs["UserPoolId"], "ana@example.com", "viewer")
    wait_until(lambda: is_served(account.dashboard), TIMEOUT_S)
    with open_dashboard(account.dashboard, user.username, user.password) as page:
        assert len(page_of(page, sent)) == sent


@pytest.mark.slow
def test_an_emulator_that_dies_ends_the_command_with_a_sentence(start_account):
    account = start_account()
    emulator = next(c for c in account.children if "local_cloud.guarded_emulator" in c.cmdline())
    emulator.kill()
    assert account.process.wait(30) == 1
    assert "The AWS emulator ended unexpectedly" in account.output()
    account.wait_gone()


def page_of(page: httpx.Client, count: int) -> list[dict]:
    """The frames, once there are so many. A function that starts on a busy machine may not answer in its time."""
    answers = []

    def are_there() -> bool:
        answers.append(page.get("/v1/frames"))
        return answers[-1].status_code == 200 and len(answers[-1].json()["frames"]) == count

    wait_until(are_there, TIMEOUT_S)
    return answers[-1].json()["frames"]


def is_served(url: str) -> bool:
    try:
        return httpx.get(f"{url}/config.json").status_code == 200
    except httpx.HTTPError:
        return False


# -- without starting anything


def test_an_e_mail_is_one_line_and_its_password_is_whole():
    email = Email("1", "ana@example.com", "You can sign in", "At: https://d1.cloudfront.net/<br>Password: a<b>&lt;c")
    expected = "[e-mail to ana@example.com] You can sign in: At: https://d1.cloudfront.net/ Password: a<b>&lt;c"
    assert account.email_line(email) == expected


def options(tmp_path, **more) -> argparse.Namespace:
    given = {"port": choose_port(), "dashboard_port": choose_port(), "env_file": tmp_path / "aws.env"}
    return argparse.Namespace(**(given | {"model": None, "model_sha256": None} | more))


@pytest.mark.parametrize("which", ["port", "dashboard_port"])
def test_a_busy_port_is_one_sentence_that_names_the_option(tmp_path, which):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LocalProblem, match=f"Port {port} is in use.*--{which.replace('_', '-')}"):
            account.run_account(options(tmp_path, **{which: port}), print)


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: argparse.Namespace(free=10**8))
    with pytest.raises(LocalProblem, match="95 MB free"):
        account.run_account(options(tmp_path), print)


def test_an_environment_file_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalProblem, match="cannot be written"):
        account.write_environment(tmp_path / "file" / "aws.env", {})


def test_an_environment_file_of_another_is_replaced_with_its_mode(tmp_path):
    path = tmp_path / "aws.env"
    path.write_text("old")
    path.chmod(0o644)
    account.write_environment(path, {"AWS_ENDPOINT_URL": "https://127.0.0.1:1", "HOME": "/x"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "AWS_ENDPOINT_URL=https://127.0.0.1:1\n" in path.read_text()
    assert "HOME" not in path.read_text()
