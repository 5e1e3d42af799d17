"""The processes that storms kill: the box that feeds the stream, the event source, and the function's host.

    python -m tests.faults.hosts edge <file with settings as JSON>
    python -m tests.faults.hosts reader <settings as JSON>
    python -m tests.faults.hosts function

All run the real code. They are told what to do by lines of JSON on their standard input and answer by such lines on
their standard output; what the code itself prints goes to standard error.
"""

import errno
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

_ROOT = Path(__file__).resolve().parents[2]
_INVOCATION_S = 60.0
_ALERT_ROUNDS = 3


class Host:
    """A process of this module, as seen from outside. Its output is lines of JSON."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.hosts", *arguments],
                cwd=_ROOT,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def tell(self, what: Mapping[str, Any]) -> None:
        """Raises OSError when the process has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any] | None:
        """The next line; None at the end of the process. A line that a kill cut short is none."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return dict(json.loads(line)) if line.endswith(b"\n") else None

    def use(self) -> tuple[int, int]:
        """Bytes of memory and open files."""
        process = psutil.Process(self.pid)
        return process.memory_info().rss, process.num_fds()

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # what it was still to be told


def answers() -> Any:
    """The real standard output; what anybody prints from now on goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return answers


# -- the box -----------------------------------------------------------------------------------------------------


def run_edge(settings: dict[str, Any]) -> None:
    """Spool and uplink between a list of frames and the stream.

    settings: spool, max_bytes, stream, endpoint, frames (camera id, frame id, path, offset, size), pace_s,
    disk_fails (at which puts the disk starts and stops to be full).
    """
    from edge_client.aws_clients import kinesis_client
    from edge_client.buffer import Record
    from edge_client.ledger import Ledger
    from edge_client.segment import Disk
    from edge_client.spool import Spool
    from edge_client.uplink import Uplink

    class FullDisk(Disk):
        is_full = False

        def write(self, fd: int, buffers: Sequence[bytes], offset: int) -> int:
            if self.is_full:
                super().write(fd, (b"".join(buffers)[:20],), offset)  # the last free bytes
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(fd, buffers, offset)

    output, lock = answers(), threading.Lock()

    def say(**what: Any) -> None:
        with lock:
            output.write(json.dumps(what) + "\n")

    def lost(found: Sequence[Any]) -> None:
        for dropped in found:
            ledger.dropped(dropped.camera_id)
            say(dropped=dropped.frame_id, reason=str(getattr(dropped, "reason", "the service was stopped")))

    frames, disk = settings["frames"], FullDisk()
    camera_ids = sorted({frame[0] for frame in frames})
    ledger = Ledger()
    spool = Spool(
        Path(settings["spool"]),
        camera_ids,
        max_bytes=settings["max_bytes"],
        live_max_age_s=settings["live_max_age_s"],
        on_dropped=lambda dropped: lost([dropped]),
        disk=disk,
    )
    for camera_id in camera_ids:
        ledger.recovered(camera_id, spool.depth(camera_id).records)
    uplink = Uplink(
        spool,
        ledger,
        settings["stream"],
        lambda: kinesis_client(settings["region"], settings["endpoint"]),
        on_trouble=lambda message: say(trouble=message),
        on_failed=lambda record, message: say(failed=record.frame_id, reason=message),
    )
    uplink.start()
    fails_from, fails_to = settings["disk_fails"]
    for n, (camera_id, frame_id, path, offset, size) in enumerate(frames):
        disk.is_full = fails_from <= n < fails_to
        with Path(path).open("rb") as recorded:
            recorded.seek(offset)
            data = recorded.read(size)
        ledger.sampled(camera_id)
        lost(spool.put(Record(camera_id, frame_id, data), drop_oldest=True))
        say(put=n)
        time.sleep(settings["pace_s"])
    disk.is_full = False
    sys.stdin.readline()  # until the storm is over
    deadline_s = time.monotonic() + settings["patience_s"]
    while time.monotonic() < deadline_s and any(ledger.account(i).waiting for i in camera_ids):
        time.sleep(0.02)
    uplink.stop(flush_s=0.1)
    lost(spool.abort())
    accounts = [ledger.account(i) for i in camera_ids]
    sums = {k: sum(getattr(a, k) for a in accounts) for k in ("sampled", "sent", "dropped", "failed", "waiting")}
    say(ended=sums, use=[psutil.Process().memory_info().rss, psutil.Process().num_fds()])


# -- the function's host -------------------------------------------------------------------------------------------


class _Context:
    aws_request_id = "storm"

    def __init__(self) -> None:
        self._until_s = time.monotonic() + _INVOCATION_S

    def get_remaining_time_in_millis(self) -> int:
        return round((self._until_s - time.monotonic()) * 1000)


def run_function() -> None:
    """The image processor's handler; and the watchdog's part in alerts, which shares its tables and clients."""
    from framewatch.adapters.aws import function
    from framewatch.domain.errors import RetryableError
    from framewatch.services.send_alerts import continue_alert
    from framewatch.services.tally import Tally
    from lambdas.image_processor import handler

    output = answers()
    ahead = timedelta()
    function.SystemClock.now = lambda self: datetime.now(UTC) + ahead  # type: ignore[method-assign]

    def watch(stream: str) -> int:
        nonlocal ahead
        deps = handler.app(stream).deps
        for _ in range(_ALERT_ROUNDS):
            work, _held = deps.sending.alerts.open_work()
            if not work:
                return 0
            ahead += timedelta(hours=1, minutes=3)  # beyond every lease, whatever the clock did when it was taken
            for each in work:
                try:
                    continue_alert(each, deps.site.current(), deps.sending, Tally())
                except RetryableError:
                    continue
        return len(deps.sending.alerts.open_work()[0])

    for line in sys.stdin:
        asked = json.loads(line)
        ahead = timedelta(seconds=asked["ahead_s"])
        try:
            if "watch" in asked:
                answer: dict[str, Any] = {"payload": watch(asked["watch"])}
            else:
                answer = {"payload": handler.lambda_handler(asked["event"], _Context())}  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - as Lambda does
            answer = {"error": f"{type(error).__name__}: {error}"}
        output.write(json.dumps(answer) + "\n")


class FunctionHost:
    """The function as the event source invokes it: one invocation at a time; a host that was killed is replaced."""

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self._env, self._log = env, log
        self._lock = threading.Lock()
        self._host: Host | None = None
        self.ahead_s = 0.0
        self.kills_s: list[float] = []
        """When, in monotonic seconds."""
        self.answered = 0
        """Invocations, by the process that lives now."""
        self.is_at_work = False

    def ask(self, **what: Any) -> dict[str, Any]:
        """Raises BrokenPipeError when the process died of it."""
        with self._lock:
            if self._host is None or not self._host.is_alive:
                self._end()
                self._host = Host(["function"], self._env, self._log)
                self.answered = 0
            self.is_at_work = True
            try:
                self._host.tell({"ahead_s": self.ahead_s, **what})
                answer = self._host.hear()
            finally:
                self.is_at_work = False
            if answer is None:
                raise BrokenPipeError("the function's process died")
            self.answered += 1
            return answer

    def kill(self, after_s: float, rng: random.Random) -> None:
        """In the middle of its next invocation."""
        deadline_s = time.monotonic() + 5.0
        while not self.is_at_work and time.monotonic() < deadline_s:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, after_s))
        host = self._host
        if host is not None:
            host.kill()
            self.kills_s.append(time.monotonic())

    def use(self) -> tuple[int, int, int] | None:
        """Process, bytes of memory, open files."""
        host = self._host
        return (host.pid, *host.use()) if host is not None and host.is_alive else None

    def _end(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None

    def close(self) -> None:
        with self._lock:
            self._end()


if __name__ == "__main__":
    if sys.argv[1] == "edge":
        run_edge(json.loads(Path(sys.argv[2]).read_text("utf-8")))
    elif sys.argv[1] == "reader":
        from tests.faults.reader import run_reader

        run_reader(json.loads(sys.argv[2]))
    else:
        run_function()
