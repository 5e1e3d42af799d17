"""framewatch-local as a user meets it: what it refuses, how it ends, what it leaves behind."""

import contextlib
import html
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections import namedtuple
from pathlib import Path

import httpx
import psutil
import pytest

from local_cloud import assembly as local_assembly
from local_cloud import cli, demo, machine, stack
from local_cloud.cameras import demo_clip
from local_cloud.processes import choose_port
from local_cloud.sign_in import SignInRefused, sign_in
from tests.front import open_dashboard

MARK = "FRAMEWATCH_TEST_MARK"


@pytest.fixture
def main(capsys):
    """Runs the command in this process; gives its exit code, and what it said on standard error."""

    def run(*argv: str) -> tuple[int, str]:
        before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            code = cli.main(argv)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """A dashboard that counts as built."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("<title>Framewatch</title>")
    monkeypatch.setattr(demo, "PAGES", tmp_path / "dist")


def one_sentence(said: str) -> str:
    (line,) = said.strip().splitlines()
    assert line.endswith(".")
    assert "Traceback" not in said
    return line


def test_a_busy_port_is_one_sentence_and_nothing_is_started(main, pages):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, said = main("demo", "--no-browser", "--port", str(port))
    assert code == 2
    assert f"Port {port} is in use" in one_sentence(said)


def test_a_missing_camera_is_one_sentence(main, pages):
    code, said = main("demo", "--no-browser", "--source", "97")
    assert code == 2
    assert "no such camera device" in one_sentence(said)


@pytest.mark.parametrize("command", ["demo", "run"])
def test_a_missing_file_is_one_sentence(main, pages, command):
    code, said = main(command, "--source", "/nowhere/clip.mp4", "--no-browser")
    assert code == 2
    assert "/nowhere/clip.mp4" in one_sentence(said)


def test_no_disk_space_is_one_sentence(main, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage(10**9, 9 * 10**8, 10**8))
    code, said = main("run", "--source", demo_clip())
    assert code == 2
    assert "95 MB free" in one_sentence(said)


def test_templates_that_are_not_built_or_stale_say_what_to_run(main, monkeypatch, tmp_path):
    code, said = main("run", "--source", demo_clip(), "--assembly", str(tmp_path))
    assert code == 2
    assert "make setup" in one_sentence(said)
    (tmp_path / "manifest.json").write_text("{}")
    os.utime(tmp_path / "manifest.json", (0, 0))
    monkeypatch.setattr(stack, "ASSEMBLY", tmp_path)
    code, said = main("run", "--source", demo_clip())
    assert code == 2
    assert "is newer than what was built from it" in one_sentence(said)


def test_nothing_to_play_and_wrong_numbers_are_one_sentence(main):
    assert "give --source" in one_sentence(main("run")[1])
    assert "at least 1" in one_sentence(main("run", "--source", demo_clip(), "--every", "0")[1])
    assert "no folder" in one_sentence(main("run", "--source", demo_clip(), "--report", "/nowhere/report.json")[1])


def test_a_label_that_can_never_be_seen_is_refused_before_anything_starts(main):
    code, said = main("run", "--source", demo_clip(), "--watch", "Unicron")
    assert code == 2
    assert "Unicron" in said


def test_stacks_are_deployed_after_what_they_import():
    artifacts = {
        "b": {"type": "aws:cloudformation:stack", "dependencies": ["a", "b.assets"]},
        "a": {"type": "aws:cloudformation:stack"},
        "b.assets": {"type": "cdk:asset-manifest"},
    }
    assert list(local_assembly._in_order(artifacts)) == ["a", "b"]


# -- with everything started


class Started:
    """A command in a process of its own. All that it starts carries the mark in its environment."""

    def __init__(self, tmp_path: Path, *argv: str) -> None:
        self.mark = uuid.uuid4().hex
        self.log = tmp_path / "out.txt"
        self.scratch = tmp_path / "scratch"
        self.scratch.mkdir()
        code = (
            "from pathlib import Path; from local_cloud import cli, demo;"
            f"demo.PAGES = Path({str(tmp_path / 'dist')!r}); import sys; sys.exit(cli.main(sys.argv[1:]))"
        )
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, *argv],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, MARK: self.mark, "TMPDIR": str(self.scratch)},
                start_new_session=True,
            )

    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str, timeout_s: float = 120) -> None:
        deadline = time.monotonic() + timeout_s
        while words not in self.output():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def alive(self) -> list[str]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == self.mark:
                    found.append(f"{process.pid} {process.cmdline()}")
        return found

    def listening(self) -> list[str]:
        """The addresses that anything of it listens on."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == self.mark:
                    found += [c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        return found

    def wait_until_nothing_is_left(self, timeout_s: float = 30) -> None:
        deadline = time.monotonic() + timeout_s
        while left := [*self.alive(), *self.scratch.iterdir()]:
            assert time.monotonic() < deadline, left
            time.sleep(0.1)


@pytest.fixture
def start(tmp_path, pages):
    started = []

    def go(*argv: str) -> Started:
        started.append(Started(tmp_path, *argv))
        return started[-1]

    yield go
    for each in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.wait()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 0, id="ctrl-c"),
        pytest.param(signal.SIGTERM, 143, id="sigterm", marks=pytest.mark.long),
        pytest.param(signal.SIGKILL, -9, id="kill-9"),
    ],
)
def test_nothing_is_left_however_the_demo_ends(start, assembly, port, number, code):
    demo_run = start("demo", "--no-browser", "--port", str(port), "--assembly", str(assembly))
    demo_run.wait_for("the first frames are on the dashboard")
    # Both functions, a camera, the emulator and the vision server are up.
    with open_dashboard(f"http://127.0.0.1:{port}") as page:
        newest = page.get("/v1/frames?limit=1").json()["frames"][0]
        assert page.get(newest["image_url"]).content.startswith(b"\xff\xd8\xff")
    assert len(demo_run.alive()) >= 6
    demo_run.process.send_signal(number)
    if number == signal.SIGINT:
        demo_run.process.send_signal(number)  # the impatient press twice
    assert demo_run.process.wait(30) == code
    demo_run.wait_until_nothing_is_left()
    assert "Traceback" not in demo_run.output()
    assert shutil.disk_usage(tempfile.gettempdir()).free > 0


@pytest.fixture(scope="module")
def running(tmp_path_factory, assembly):
    """A demo that goes on, for tests that take nothing from each other, and its address."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "dist").mkdir()
    (folder / "dist" / "index.html").write_text("<title>Framewatch</title>")
    port = choose_port()
    demo_run = Started(
        folder,
        *("demo", "--no-browser", "--every", "25", "--watch", "Person", "--port", str(port)),
        *("--source", demo_clip(), "--assembly", str(assembly)),
    )
    try:
        demo_run.wait_for("the dashboard is at")
        yield demo_run, f"http://127.0.0.1:{port}"
    finally:
        demo_run.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            demo_run.process.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(demo_run.process.pid, signal.SIGKILL)
        demo_run.process.wait()


@pytest.mark.slow
def test_the_demo_signs_in_unasked_lets_nobody_in_without_and_listens_on_this_machine_alone(running):
    demo_run, url = running
    assert httpx.get(f"{url}/v1/site", timeout=30).status_code == 401
    assert httpx.get(f"{url}/v1/site", headers={"Authorization": "Bearer a.b.c"}, timeout=30).status_code == 401
    with open_dashboard(url) as page:
        assert [c["camera_id"] for c in page.get("/v1/site").json()["cameras"]] == ["bikes"]
        assert page.get("/").headers["Content-Security-Policy"].startswith("default-src 'self'; ")
        # A renewed token still says who somebody is; one that was signed out renews nothing.
        client_id = page.get("/config.json").json()["sign_in"]["client_id"]
        tokens = sign_in(url, client_id, f"{url}/", "", "")
        grant = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": tokens.refresh_token}
        renewed = page.post("/oauth2/token", data=grant).json()
        with_it = {"Authorization": f"Bearer {renewed['access_token']}"}
        assert page.get("/v1/frames", headers=with_it).status_code == 200
        page.post("/oauth2/revoke", data={"client_id": client_id, "token": tokens.refresh_token})
        assert page.post("/oauth2/token", data=grant).json()["error"] == "invalid_grant"
    addresses = demo_run.listening()
    assert len(addresses) >= 3  # the front, the emulator, the vision server
    assert set(addresses) == {"127.0.0.1"}


@pytest.mark.long  # test_local_account.py signs in through the form of the same front
def test_with_sign_in_the_demo_shows_the_form_and_says_who_may_fill_it_in(start, assembly, port):
    demo_run = start("demo", "--no-browser", "--sign-in", "--port", str(port), "--assembly", str(assembly))
    demo_run.wait_for("with the password ")
    (username, password) = re.search(r"sign in as (\S+) with the password (\S+)", demo_run.output()).groups()
    url = f"http://127.0.0.1:{port}"
    with pytest.raises(SignInRefused, match="Incorrect username or password"):
        open_dashboard(url, username, "wrong")
    with open_dashboard(url, username, password) as page:
        assert page.get("/v1/frames").status_code == 200


@pytest.mark.slow
def test_ctrl_c_while_it_starts_leaves_nothing(start, assembly, port):
    demo_run = start("demo", "--no-browser", "--port", str(port), "--assembly", str(assembly))
    demo_run.wait_for("emulated AWS is up")
    demo_run.process.send_signal(signal.SIGINT)
    demo_run.process.wait(30)
    demo_run.wait_until_nothing_is_left()
    assert "Traceback" not in demo_run.output()


@pytest.mark.long  # the test below reads both as well; test_full_run.py has a clip that ends a run
def test_the_demo_shows_texts_on_the_terminal_and_in_the_phone_panel(start, assembly, port):
    demo_run = start(
        *("demo", "--no-browser", "--once", "--every", "10", "--port", str(port)),
        *("--source", demo_clip(), "--assembly", str(assembly)),
    )
    demo_run.wait_for("[SMS to +12...123] Framewatch: ")
    messages = httpx.get(f"http://127.0.0.1:{port}/demo/sms", timeout=30).json()["messages"]
    assert messages[0]["number"] == "+12025550123"
    assert messages[0]["text"] in demo_run.output()
    demo_run.wait_for("every camera has ended")
    assert demo_run.process.wait(30) == 0
    demo_run.wait_until_nothing_is_left()


@pytest.mark.slow
def test_a_text_opens_its_alert_and_takes_an_answer(running):
    demo_run, url = running
    link = alert_of_the_first_text(demo_run, url)
    assert "You have it since" in taken(link)


# Two minutes of waiting. test_least_privilege.py has the deployed watchdog pass an alert on without them,
# test_watchdog.py and test_local_cameras.py have when and to whom, tests/infra the schedule.
@pytest.mark.long
def test_a_text_goes_on_to_the_second_phone_while_nobody_answers(start, assembly, port):
    """By the deployed schedule: a minute of silence, then the watchdog's next round."""
    demo_run = start(
        *("demo", "--no-browser", "--every", "25", "--watch", "Person", "--port", str(port)),
        *("--source", demo_clip(), "--assembly", str(assembly)),
    )
    link = alert_of_the_first_text(demo_run, f"http://127.0.0.1:{port}")
    demo_run.wait_for("[SMS to +12...167] Framewatch: ", timeout_s=200)
    assert "You have it since" in taken(link)


def alert_of_the_first_text(demo_run: Started, url: str) -> str:
    """The link in it, which shows a picture."""
    demo_run.wait_for("[SMS to +12...123] Framewatch: ")
    text = httpx.get(f"{url}/demo/sms", timeout=30).json()["messages"][0]["text"]
    (link,) = re.findall(rf"{url}/a/\w{{20}}$", text)
    page = httpx.get(link, timeout=30)
    assert page.headers["Content-Type"].startswith("text/html")
    (picture,) = re.findall(r'<img src="([^"]+)"', page.text)
    assert httpx.get(html.unescape(picture), timeout=30).headers["Content-Type"] == "image/jpeg"
    return link


def taken(link: str) -> str:
    """The page that answers whoever takes the alert."""
    # As a browser posts a form of a page that sends no referrer.
    ours = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    answered = httpx.post(link, data={"answer": "taken"}, headers=ours, timeout=30, follow_redirects=True)
    assert answered.status_code == 200
    return answered.text


@pytest.mark.long  # test_full_run.py has such a file beside a good one
def test_a_file_that_is_no_video_is_one_sentence_and_a_non_zero_exit(start, assembly, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(os.urandom(20_000))
    run = start("run", "--once", "--fast", "--no-browser", "--source", str(broken), "--assembly", str(assembly))
    assert run.process.wait(120) == 1
    assert "broken: cannot read" in run.output()
    assert "Traceback" not in run.output()
    run.wait_until_nothing_is_left()
