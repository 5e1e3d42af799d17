"""Cameras on the network: HTTP MJPEG from a server here, RTSP from one that nobody here wrote."""

import base64
import hashlib
import http.server
import re
import socket
import threading
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
import pytest

from edge_client.client import EdgeCamera
from edge_client.events import CameraEnded, CameraFailed, CameraLost, FrameSampled, Opened
from edge_client.sampler import EveryNth
from tests.cameras.gstreamer import GStreamerCamera
from tests.edge_run import Outcome, after

USER, PASSWORD = "cam@1", "p@ss:w/rd #1%&é"


class MjpegCamera(http.server.BaseHTTPRequestHandler):
    """/open, /basic, /digest: a stream of frames. /short ends after ten of them. /page is a page."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if not self._is_allowed():
            scheme = 'Digest realm="cam", qop="auth", nonce="n0", algorithm=MD5'
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="cam"' if "basic" in self.path else scheme})
        elif self.path.startswith("/page"):
            self._answer(200, b"<h1>camera</h1>" * 500, {"Content-Type": "text/html"})
        elif self.path.startswith("/broken"):
            self._answer(503, b"", {})
        elif self.path.startswith(("/open", "/basic", "/digest", "/short")):
            self._stream(10 if "short" in self.path else 10_000)
        else:
            self._answer(404, b"", {})

    def _is_allowed(self):
        got = self.headers.get("Authorization", "")
        if self.path.startswith("/basic"):
            return got == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.path.startswith("/digest"):
            if not got.startswith("Digest "):
                return False
            d = dict(re.findall(r'(\w+)="?([^",]*)"?', got))
            ha1, ha2 = md5(f"{USER}:cam:{PASSWORD}"), md5(f"GET:{d['uri']}")
            return d["response"] == md5(":".join([ha1, "n0", d["nc"], d["cnonce"], d["qop"], ha2]))
        return True

    def _answer(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, frames):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for n in range(frames):
                jpeg = cv2.imencode(".jpg", np.full((120, 160, 3), n * 9 % 256, np.uint8))[1].tobytes()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
                if self.server.stopping.wait(0.01):
                    return
        except OSError:
            pass
        self.close_connection = True


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - what HTTP digest is made of


@pytest.fixture
def mjpeg():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), MjpegCamera)
    server.stopping = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.stopping.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def secret(monkeypatch):
    monkeypatch.setenv("CAM_USER", USER)
    monkeypatch.setenv("CAM_PW", PASSWORD)


@pytest.mark.parametrize("path", ["open", "basic", "digest"])
def test_an_mjpeg_camera_is_read_with_any_of_its_logins_and_any_password(mjpeg, secret, path):
    login = "" if path == "open" else "${CAM_USER}:${CAM_PW}@"
    outcome = Outcome(EdgeCamera("yard", f"http://{login}{mjpeg}/{path}", EveryNth(2)), after(3))
    assert outcome.report.ok and len(outcome.stream.frames) >= 3
    assert outcome.of(Opened)[0].source == f"http://{login}{mjpeg}/{path}"
    assert (outcome.of(Opened)[0].width, outcome.of(Opened)[0].height) == (160, 120)
    times = [frame.meta.captured_at for frame in outcome.stream.frames]
    assert times == sorted(times)


def test_a_password_may_be_percent_encoded_in_the_url_and_is_shown_nowhere(mjpeg):
    url = f"http://{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@{mjpeg}/basic"
    command_lines = []

    def until(events):
        if after(1)(events):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    command_lines.append(path.read_bytes())
                except OSError:
                    continue
            return True
        return False

    outcome = Outcome(EdgeCamera("yard", url), until)
    assert any(b"edge_client.worker\0yard" in line for line in command_lines)
    for form in (PASSWORD, quote(PASSWORD, safe="")):
        assert form not in outcome.text
        assert not any(form.encode() in line for line in command_lines)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("basic", "refused the user name or password (401)"),
        ("digest", "refused the user name or password (401)"),
        ("nothing", "no such path (404)"),
        ("broken", "an error of its own (5xx)"),
        ("page", "check the path"),
    ],
)
def test_a_camera_that_refuses_is_one_clear_sentence(mjpeg, capfd, path, says):
    outcome = Outcome(EdgeCamera("yard", f"http://admin:hunter2@{mjpeg}/{path}"))
    [event] = outcome.of(CameraFailed)
    assert event.message.startswith(f"yard: cannot read http://admin:***@{mjpeg}/{path}: ") and says in event.message
    assert outcome.report.errors == [event.message]
    assert "hunter2" not in outcome.text
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_an_unreachable_host_is_one_clear_sentence(scheme):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else takes the port
        port = closed.getsockname()[1]
        outcome = Outcome(EdgeCamera("yard", f"{scheme}://admin:hunter2@127.0.0.1:{port}/x"))
    [event] = outcome.of(CameraFailed)
    assert "nothing listens there (connection refused)" in event.message and "hunter2" not in outcome.text


def test_an_unknown_host_is_one_clear_sentence():
    [event] = Outcome(EdgeCamera("yard", "rtsp://no-such-camera.invalid/x")).of(CameraFailed)
    assert "the host name is unknown" in event.message


def test_a_stream_that_drops_is_opened_again_and_the_sequence_goes_on(mjpeg):
    outcome = Outcome(
        EdgeCamera("yard", f"http://admin:hunter2@{mjpeg}/short", EveryNth(5)),
        lambda events: Counter(map(type, events))[Opened] >= 2 and type(events[-1]) is FrameSampled,
    )
    [lost, *_] = outcome.of(CameraLost)
    assert lost.message.startswith(f"yard: lost http://admin:***@{mjpeg}/short: the stream ended; trying again in ")
    ids = [e.frame_id for e in outcome.of(FrameSampled)]
    assert [i[-10:] for i in ids] == [f"{n:010d}" for n in range(len(ids))]
    assert outcome.report.ok


def test_once_means_that_a_stream_that_ends_is_the_end(mjpeg):
    outcome = Outcome(EdgeCamera("yard", f"http://{mjpeg}/short", EveryNth(1), reopen=False))
    assert outcome.of(CameraEnded) == [CameraEnded("yard", "the stream ended")]
    assert not outcome.of(CameraLost) and outcome.report.ok and len(outcome.stream.frames) >= 9


@pytest.mark.slow
@pytest.mark.parametrize(("login", "codec"), [("basic", "h264"), ("digest", "h264"), ("basic", "mjpeg")])
def test_an_rtsp_camera_is_read_over_tcp_with_its_login(monkeypatch, login, codec):
    monkeypatch.setenv("RTSP_PW", "p@ss:w/rd #1%")
    with GStreamerCamera(codec, login=login) as fake:
        source = f"rtsp://viewer:${{RTSP_PW}}@{fake.host}/live"
        outcome = Outcome(EdgeCamera("yard", source, EveryNth(5)), after(3))
    assert outcome.report.ok and len(outcome.stream.frames) >= 3, outcome.report.errors
    assert (outcome.of(Opened)[0].width, outcome.of(Opened)[0].height) == (320, 240)


@pytest.mark.slow
def test_an_rtsp_camera_that_refuses_the_password_or_the_path_says_which():
    with GStreamerCamera("mjpeg", login="basic") as fake:
        host = fake.host
        [wrong] = Outcome(EdgeCamera("yard", f"rtsp://viewer:hunter2@{host}/live")).of(CameraFailed)
        [lost] = Outcome(EdgeCamera("yard", f"rtsp://viewer:p%40ss%3Aw%2Frd%20%231%25@{host}/no")).of(CameraFailed)
    assert "refused the user name or password (401)" in wrong.message and "hunter2" not in wrong.message
    assert "no such path (404)" in lost.message
