"""What every command here stands on: the emulated AWS and the vision server, started together and ended together."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local_cloud.emulator import Emulator
from local_cloud.event_source import POLL_INTERVAL_S, EventSource, connect
from local_cloud.problem import LocalProblem
from local_cloud.processes import Child, choose_port
from local_cloud.stream_batches import MappingSettings, StreamRecord, UnsupportedMapping

_VISION_TIMEOUT_S = 120.0  # a model that is fetched by URL takes a while
MIN_FREE_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class MachineOptions:
    """model: None for the one that is installed. port: of the emulated AWS; None for any that is free.

    enforce_iam: as on AWS, requests are signed and authorised, and come over TLS; an event source then acts as the
    function's role.
    """

    model: str | None = None
    model_sha256: str | None = None
    enforce_iam: bool = False
    port: int | None = None


class Machine:
    """`start` raises LocalProblem; `stop` ends whatever was started, and may be called twice."""

    def __init__(self, options: MachineOptions) -> None:
        self._options = options
        self._undo = contextlib.ExitStack()
        self.emulator: Emulator
        self._vision: Child
        self._seeing: Future[None]
        self.vision_url = ""

    def start(self, remove_when_orphaned: Path | None = None) -> None:
        """When this returns AWS answers; the model may still be loading.

        remove_when_orphaned: a file that goes away with this process, however it ends.
        """
        state = Path(tempfile.mkdtemp(prefix="framewatch-local-"))
        self._undo.callback(shutil.rmtree, state, ignore_errors=True)
        vision_port = choose_port()
        self.vision_url = f"http://127.0.0.1:{vision_port}"
        self.emulator = Emulator(
            state,
            function_env={"AWS_ENDPOINT_URL_REKOGNITION": self.vision_url},
            port=self._options.port,
            enforce_iam=self._options.enforce_iam,
        )
        self._undo.callback(self.emulator.stop)
        self._vision = Child(
            "vision server",
            [
                "local_cloud.vision_server",
                *("--port", str(vision_port)),
                *("--s3-endpoint", self.emulator.url),
                *self._model_options(),
            ],
            log=state / "vision.log",
            env=self.emulator.environment(),
            remove_when_orphaned=remove_when_orphaned,
        )
        self._undo.callback(self._vision.stop)
        # Never waited for at the end: once the child is gone, so is what this thread waits for.
        pool = ThreadPoolExecutor(1)
        self._undo.callback(pool.shutdown, wait=False)
        self._seeing = pool.submit(self._vision.wait_until, lambda: _is_ready(self._vision.log), _VISION_TIMEOUT_S)
        self.emulator.wait_ready()

    def wait_until_it_sees(self) -> None:
        """Raises LocalProblem."""
        self._seeing.result()

    def stop(self) -> None:
        self._undo.close()

    def broken(self) -> str | None:
        """A sentence when one of the parts has ended on its own."""
        if not self.emulator.alive:
            return f"The AWS emulator ended unexpectedly: {self.emulator.last_words()}"
        if self._vision.returncode is not None:
            return f"The vision server ended unexpectedly: {self._vision.last_words()}"
        return None

    def vision_stats(self) -> dict[str, Any]:
        """Raises httpx.HTTPError."""
        return dict(httpx.get(f"{self.vision_url}/stats", timeout=5, trust_env=False).raise_for_status().json())

    def event_source(
        self,
        mapping: Mapping[str, Any],
        on_delivery: Callable[[Sequence[StreamRecord]], None] = lambda _: None,
        *,
        poll_interval_s: float = POLL_INTERVAL_S,
    ) -> EventSource:
        """Ours for a deployed mapping, not yet started; the emulator's own is turned off. Raises LocalProblem."""
        try:
            settings = MappingSettings.from_mapping(mapping)
        except UnsupportedMapping as error:
            raise LocalProblem(f"The event source cannot be run on this machine: {error}.") from None
        # The emulator's own poller ignores most of what the mapping says.
        self.emulator.client("lambda").update_event_source_mapping(UUID=settings.uuid, Enabled=False)
        return connect(
            settings,
            self.emulator.client,
            as_role=self.emulator.as_role if self._options.enforce_iam else None,
            on_invoke=on_delivery,
            poll_interval_s=poll_interval_s,
        )

    def _model_options(self) -> list[str]:
        o = self._options
        options = ["--model", o.model] if o.model else []
        if o.model and o.model.startswith(("http://", "https://")):
            cache = Path.home() / ".cache" / "framewatch" / "models"
            options += ["--model-cache", str(cache)]
        return options + (["--model-sha256", o.model_sha256] if o.model_sha256 else [])


def check_disk_space() -> None:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        raise LocalProblem(
            f"There are only {free // 1024**2} MB free in {folder}, and this needs {MIN_FREE_BYTES // 1024**2};"
            " free some space, or set TMPDIR to another disk."
        )


def _is_ready(log: Path) -> bool:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                return bool(json.loads(line).get("ready"))
    return False
