"""An account as `framewatch-local aws` gives it: the command running, and clients that may do everything there."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
from botocore.credentials import Credentials

from local_cloud.clients import Clients
from local_cloud.processes import choose_port

TIMEOUT_S = 120


class Account:
    """The command in a process of its own, and what a shell knows that has sourced its file."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "out.txt"
        self.env_file = folder / ".local" / "aws.env"
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.dashboard = f"http://127.0.0.1:{choose_port()}"
        ports = ["--port", str(choose_port()), "--dashboard-port", self.dashboard.rpartition(":")[2]]
        with self.log.open("wb") as output:
            self.process = psutil.Popen(
                [sys.executable, "-m", "local_cloud.cli", "aws", *ports, "--env-file", str(self.env_file)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": str(self.scratch)},
                start_new_session=True,
            )
        self.wait_for("press Ctrl-C")
        self.children = self.process.children(recursive=True)
        self.environment = self.source()
        self.client = Clients(
            self.environment["AWS_ENDPOINT_URL"],
            Credentials(self.environment["AWS_ACCESS_KEY_ID"], self.environment["AWS_SECRET_ACCESS_KEY"]),
            ca_file=self.environment["AWS_CA_BUNDLE"],
        )

    def source(self) -> dict[str, str]:
        """As a shell does it, with another account's profile still set."""
        sourced = subprocess.run(
            ["bash", "-c", f"source {self.env_file}; env"],
            env={"PATH": os.environ["PATH"], "AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "t"},
            capture_output=True,
            text=True,
            check=True,
        )
        return dict(line.split("=", 1) for line in sourced.stdout.splitlines() if "=" in line)

    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str) -> str:
        """The line with the words in it."""
        deadline = time.monotonic() + TIMEOUT_S
        while words not in self.output():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)
        return next(line for line in self.output().splitlines() if words in line)

    def wait_gone(self) -> None:
        _, alive = psutil.wait_procs([self.process, *self.children], TIMEOUT_S)
        assert not alive
        assert not self.env_file.exists()
        assert not list(self.scratch.iterdir())
        assert "Traceback" not in self.output()
