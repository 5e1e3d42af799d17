"""An edge box as its users have it: the command `framewatch-edge run --config`, a stream, cameras on loopback."""

import base64
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import psutil
import yaml

from framewatch.wire.envelope import decode_envelope
from framewatch.wire.heartbeat import decode_heartbeat, is_heartbeat
from tests.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).resolve().parents[1]


class PutRecordsHandler(http.server.BaseHTTPRequestHandler):
    """Just enough of the Kinesis JSON protocol for PutRecords. The server's `take` makes (status, answer) of it."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, answer = self.server.take(request)
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Stream:
    """What cameras sent. While `is_away` it answers as a service that is down."""

    def __init__(self):
        self.frames, self.heartbeats, self.is_away = [], [], False
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), PutRecordsHandler)
        self._server.daemon_threads = True
        self._server.take = self.take
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def take(self, request):
        if self.is_away:
            return 503, {"__type": "ServiceUnavailable", "message": "away"}
        with self._lock:
            for record in request["Records"]:
                data = base64.b64decode(record["Data"])
                if is_heartbeat(data):
                    self.heartbeats.append(decode_heartbeat(data))
                else:
                    self.frames.append(decode_envelope(data).meta)
        return 200, {"Records": [{"ShardId": "s-0", "SequenceNumber": "1"} for _ in request["Records"]]}

    def of(self, camera_id):
        with self._lock:
            return [meta for meta in self.frames if meta.camera_id == camera_id]

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Box:
    """One box and its folder. Every look at its state checks that no frame is unaccounted for."""

    def __init__(self, folder, stream, env=None):
        self.folder, self.stream = folder, stream
        self.config_path = folder / "cameras.yaml"
        self.log_path = folder / "log.txt"
        self.port = _free_port()
        self._env = env or {}
        self._process = None

    def configure(self, cameras, **more):
        config = {
            "box": "attic",
            "stream": {"name": "frames", "region": "eu-west-1"},
            "spool": {"folder": str(self.folder / "spool"), "max_mib": 64},
            "status": {"port": self.port},
            "defaults": {"sampling": {"fps": 5}, "gate": {"enabled": False}},
            "cameras": cameras,
            **more,
        }
        new = self.config_path.with_suffix(".new")
        new.write_text(yaml.safe_dump(config, sort_keys=False))
        new.replace(self.config_path)

    def start(self, *args, code=None):
        """code: runs instead of the command's module, for a test that needs another pace."""
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "hunter3secret"}
        program = ["-c", code] if code else ["-m", "edge_client.cli"]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, *program, "run", "--config", str(self.config_path)),
                    *("--endpoint-url", self.stream.url, *args),
                ],
                cwd=ROOT,
                env={**os.environ, **keys, **self._env},
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, why=lambda: f"it does not answer: {self.log}")
        return self

    @property
    def pid(self):
        return self._process.pid

    @property
    def log(self):
        return self.log_path.read_text() if self.log_path.exists() else ""

    def get(self, path):
        """(status, text)"""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def _answers(self):
        if self._process.poll() is not None:
            raise AssertionError(f"it ended with {self._process.returncode}: {self.log}")
        try:
            return self.get("/state.json")[0] == 200
        except OSError:
            return False

    def state(self):
        state = json.loads(self.get("/state.json")[1])
        for camera_id, camera in state["cameras"].items():
            f = camera["frames"]
            accounted = f["sent"] + sum(f["gated"].values()) + f["dropped"] + f["failed"] + f["waiting"]
            assert f["sampled"] == accounted and f["waiting"] >= 0, (camera_id, f)
        return state

    def camera(self, camera_id):
        return self.state()["cameras"][camera_id]

    def wait_for(self, camera_id, state, seconds=PATIENCE_S):
        def there():
            camera = self.state()["cameras"].get(camera_id)
            return camera if camera is not None and camera["state"] == state else None

        return wait_until(there, seconds, why=lambda: f"{camera_id} is not {state}: {self.state()} {self.log}")

    def wait_for_more(self, camera_id, what="sent", more=3):
        before = self.camera(camera_id)["frames"][what]
        return wait_until(
            lambda: self.camera(camera_id)["frames"][what] >= before + more,
            why=lambda: f"{camera_id} has no more frames {what}: {self.state()} {self.log}",
        )

    def worker(self, camera_id):
        """Its process, or None."""
        for child in psutil.Process(self.pid).children():
            try:
                if child.cmdline()[-2:] == ["edge_client.worker", camera_id]:
                    return child
            except psutil.Error:
                continue
        return None

    def end(self, number=signal.SIGTERM):
        """Its exit status."""
        os.kill(self.pid, number)
        return self._process.wait(PATIENCE_S)

    def close(self):
        if self._process is None:
            return
        for child in _children(self.pid):
            child.kill()
        self._process.kill()
        self._process.wait()


def _children(pid):
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _free_port():
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        return server.server_address[1]


class _Camera(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.camera.requests += 1
        if self.headers.get("Authorization") != self.server.camera.authorization:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="cam"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        n = 0
        while not self.server.stopping.wait(0.04):
            if self.server.camera.is_silent:
                continue
            n += 1
            jpeg = cv2.imencode(".jpg", np.full((120, 160, 3), n % 256, np.uint8))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + jpeg + b"\r\n")
            except OSError:
                return


class MjpegCamera:
    """25 pictures a second. is_silent: it keeps its connections and sends nothing. password: asked for, if given."""

    def __init__(self, password=None):
        self.is_silent, self.requests = False, 0
        login = base64.b64encode(f"viewer:{password}".encode()).decode()
        self.authorization = f"Basic {login}" if password else None
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Camera)
        self._server.daemon_threads, self._server.camera = True, self
        self._server.stopping = threading.Event()
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self):
        self._server.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def write_clip(path, seconds=4, fps=10.0):
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), fps, (160, 120))
    for n in range(int(seconds * fps)):
        writer.write(np.full((120, 160, 3), n * 5 % 256, np.uint8))
    writer.release()
    return path
