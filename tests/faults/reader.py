"""The event source as a process of its own, so that it can be killed as a service's can: `hosts.py reader` runs it.

It reads the stream through the proxy. A batch goes over its standard output to whoever started it, who has the
function look at it and sends the answer back. One that is killed leaves its invocations to run to their end, answered
to nobody; the next one knows nothing, and reads from the start.
"""

import contextlib
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.clients import REGION
from local_cloud.emulator import local_environment
from local_cloud.event_source import EventSource
from local_cloud.stream_batches import EventEncoder, MappingSettings, StreamRecord
from local_cloud.stream_delivery import Answer
from local_cloud.stream_targets import FailureDestination
from tests.faults.hosts import Host, answers

_STARTS = 20
_PATIENCE_S = 60.0

Invoke = Callable[[dict[str, Any]], tuple[str | None, Any]]
"""An event -> what FunctionError says, and the answer."""


class Reader:
    """The process from outside. It goes on from storm to storm, unless it is killed."""

    def __init__(self, settings: MappingSettings, role_arn: str, stream_url: str, url: str, log: Path) -> None:
        """url: where what is given up goes, past the proxy."""
        told = {"settings": asdict(settings), "role_arn": role_arn, "stream_url": stream_url, "url": url}
        self._told, self._log = json.dumps(told), log
        self._invoke: Invoke
        self._asking = threading.RLock()
        self._launch()

    def _launch(self) -> None:
        self._host = Host(["reader", self._told], local_environment(), self._log)
        self._said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(self._host, self._said), daemon=True).start()

    def start(self, invoke: Invoke) -> None:
        """invoke: called from several threads."""
        self._invoke = invoke
        self._ask("start")

    def kill(self) -> None:
        """SIGKILL in the middle of whatever it does; then another one starts."""
        with self._asking:
            self._host.close()
            self._launch()
            self._ask("start")

    def stats(self) -> dict[str, Any]:
        """As EventSourceStats, and `settled`."""
        return self._ask("stats")

    def wait_drained(self, patience_s: float) -> bool:
        return bool(self._ask("drain", patience_s=patience_s)["drained"])

    def stop(self) -> None:
        self._ask("stop")

    def use(self) -> tuple[int, int, int]:
        """Process, bytes of memory, open files."""
        return self._host.pid, *self._host.use()

    def close(self) -> None:
        self._host.close()

    def _ask(self, what: str, patience_s: float = 0.0) -> dict[str, Any]:
        with self._asking:
            self._host.tell({"do": what, "patience_s": patience_s})
            answer = self._said.get(timeout=patience_s + _PATIENCE_S)
        if answer is None:
            raise AssertionError(f"the event source died: {self._log.read_text('utf-8', 'replace')[-3000:]}")
        return answer

    def _listen(self, host: Host, said: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
        with contextlib.suppress(ValueError):  # its pipe was closed
            while (heard := host.hear()) is not None:
                if "event" in heard:
                    threading.Thread(target=self._deliver, args=(host, heard), daemon=True).start()
                else:
                    said.put(heard)
        said.put(None)

    def _deliver(self, host: Host, heard: Mapping[str, Any]) -> None:
        error, payload = self._invoke(heard["event"])
        with contextlib.suppress(OSError, ValueError):  # killed meanwhile: there is nobody to tell
            host.tell({"do": "answer", "number": heard["number"], "error": error, "payload": payload})


def run_reader(told: Mapping[str, Any]) -> None:
    """The process from inside."""
    settings = MappingSettings(**told["settings"])
    encoder = EventEncoder(settings, told["role_arn"])
    output, lock, numbers = answers(), threading.Lock(), count()
    waiting: dict[int, queue.SimpleQueue[Answer]] = {}

    def client(service: str, config: Config | None = None) -> Any:
        url = told["stream_url"] if service == "kinesis" else told["url"]
        tries = Config(read_timeout=15, retries={"mode": "standard", "total_max_attempts": 4})
        return boto3.client(service, endpoint_url=url, region_name=REGION, config=config or tries)  # type: ignore[call-overload]

    def say(**what: Any) -> None:
        with lock:
            output.write(json.dumps(what) + "\n")

    def invoke(records: Sequence[StreamRecord]) -> Answer:
        number, answer = next(numbers), queue.SimpleQueue[Answer]()
        waiting[number] = answer
        say(number=number, event=json.loads(encoder.encode(records)))
        return answer.get()

    kinesis = client("kinesis")
    destination = FailureDestination(settings, encoder, client, lambda: datetime.now(UTC))

    def started() -> EventSource:
        """As whoever starts it would: again, until it has found its shards."""
        for _ in range(_STARTS):
            source = EventSource(settings, kinesis, invoke, encoder, destination)
            with contextlib.suppress(ClientError, BotoCoreError, KeyError):
                source.start()
                return source
            time.sleep(0.1)
        raise AssertionError("the event source did not start")

    def drain(patience_s: float) -> None:
        say(drained=source.wait_drained(patience_s))

    for line in sys.stdin:
        asked = json.loads(line)
        match asked["do"]:
            case "answer":
                waiting.pop(asked["number"]).put(Answer(asked["error"], asked["payload"]))
            case "start":
                source = started()
                say()
            case "stats":
                stats = source.stats()
                say(**asdict(stats), settled=stats.settled)
            case "drain":  # aside, for answers must come in meanwhile
                threading.Thread(target=drain, args=(asked["patience_s"],), daemon=True).start()
            case "stop":
                source.stop()
                say()
