"""Child processes that leave nothing behind: each its own process group, tied to this process by a pipe."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local_cloud.problem import LocalProblem

# Below the ports that the kernel hands out on its own, so that a port chosen here is still free a second later.
_PORT_RANGE = (20_000, 32_000)
_TAIL_BYTES = 2000


def is_port_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do it: a port whose last owner's connections linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port() -> int:
    """A port of 127.0.0.1 that nobody listens on. Raises LocalProblem."""
    for _ in range(200):
        port = random.randrange(*_PORT_RANGE)  # noqa: S311 - two runs at once should not choose the same
        if is_port_free(port):
            return port
    raise LocalProblem("No free port was found on 127.0.0.1; close some programs and try again.")


class Child:
    """A Python module as a process. Its output goes to `log`."""

    def __init__(
        self,
        name: str,
        module: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        remove_when_orphaned: Path | None = None,
    ) -> None:
        """module: the module's name and its arguments. Starts at once."""
        self.name = name
        self.log = log
        remove = ["--remove", str(remove_when_orphaned)] if remove_when_orphaned else []
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local_cloud.tethered", *remove, *module],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Raises LocalProblem when the child ends or is not ready in time, with the end of its log."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.returncode is not None:
                raise LocalProblem(f"The {self.name} ended while it started: {self.last_words()}")
            if time.monotonic() > deadline:
                raise LocalProblem(
                    f"The {self.name} was not ready after {timeout_s:.0f} s: {self.last_words() or 'it said nothing'}"
                )
            time.sleep(0.05)

    def last_words(self) -> str:
        """The last lines of the log in one, for a message."""
        with contextlib.suppress(OSError):
            tail = self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
            return " | ".join([line.strip() for line in tail.splitlines() if line.strip()][-3:])
        return ""

    def stop(self, grace_s: float = 3.0) -> None:
        """Ends the child and all that it started. grace_s 0: nothing of it is worth waiting for."""
        if self.returncode is None and grace_s > 0:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        # Also when the child itself is gone: what it started may not be.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
