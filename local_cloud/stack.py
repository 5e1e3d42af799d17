"""The parts on this machine, started in order and ended in reverse: vision, emulated AWS, the stacks, the stream."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.assembly import ASSEMBLY, Assembly, load_assembly, newer_source
from local_cloud.clients import REGION
from local_cloud.deploy import deploy
from local_cloud.emulator import ACCOUNT, Emulator
from local_cloud.event_source import EventSource, connect
from local_cloud.problem import LocalProblem
from local_cloud.processes import Child, choose_port
from local_cloud.stream_batches import MappingSettings, StreamRecord, UnsupportedMapping

_VISION_TIMEOUT_S = 120.0  # a model that is fetched by URL takes a while
MIN_FREE_BYTES = 500 * 1024 * 1024
SITE_KEY = "site.yaml"


@dataclass(frozen=True, slots=True)
class StackOptions:
    """assembly: None for what `make setup` built, which must not be older than the sources. enforce_iam: as on AWS,
    requests are signed and authorised, and come over TLS; the event source then acts as the function's role."""

    site_text: str
    model: str | None = None
    model_sha256: str | None = None
    assembly: Path | None = None
    enforce_iam: bool = False


class LocalStack:
    """`start` raises LocalProblem; `stop` ends whatever was started, and may be called twice."""

    def __init__(
        self,
        options: StackOptions,
        *,
        say: Callable[[str], None] = lambda _: None,
        on_delivery: Callable[[Sequence[StreamRecord]], None] = lambda _: None,
    ) -> None:
        self._options = options
        self._say = say
        self._undo = contextlib.ExitStack()
        self.outputs: dict[str, str] = {}
        self._on_delivery = on_delivery
        self.assembly: Assembly
        self.emulator: Emulator
        self._vision: Child
        self.event_source: EventSource
        self.vision_url = ""

    def start(self) -> None:
        check_disk_space()
        self.assembly = _load(self._options.assembly)
        state = Path(tempfile.mkdtemp(prefix="framewatch-local-"))
        self._undo.callback(shutil.rmtree, state, ignore_errors=True)
        vision_port = choose_port()
        self.vision_url = f"http://127.0.0.1:{vision_port}"
        self.emulator = Emulator(
            state,
            function_env={"AWS_ENDPOINT_URL_REKOGNITION": self.vision_url},
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
        )
        self._undo.callback(self._vision.stop)
        # The model loads while the templates are deployed. Never waited for at the end: once the children are gone,
        # so is what these threads wait for.
        pool = ThreadPoolExecutor(3)
        self._undo.callback(pool.shutdown, wait=False)
        seeing = pool.submit(self._vision.wait_until, lambda: _is_ready(self._vision.log), _VISION_TIMEOUT_S)
        self.emulator.wait_ready()
        self._say("emulated AWS is up")
        self.outputs = deploy(self.assembly, self.emulator.client)
        self.put_site(self._options.site_text)
        self._say(f"{len(self.assembly.stacks)} stacks are deployed")
        warm = [pool.submit(self._warm_up, name) for name in ("ImageProcessorName", "FrameFetcherName")]
        for each in (seeing, *warm):
            each.result()
        self._say("the vision model is loaded, the functions are warm")
        self._start_event_source()

    def stop(self) -> None:
        self._undo.close()

    def broken(self) -> str | None:
        """A sentence when one of the parts has ended on its own."""
        if not self.emulator.alive:
            return f"The AWS emulator ended unexpectedly: {self.emulator.last_words()}"
        if self._vision.returncode is not None:
            return f"The vision server ended unexpectedly: {self._vision.last_words()}"
        return None

    def put_site(self, text: str) -> None:
        self.emulator.client("s3").put_object(
            Bucket=self.outputs["ConfigBucketName"], Key=SITE_KEY, Body=text.encode(), ContentType="application/yaml"
        )

    def kinesis_for_the_edge(self) -> Any:
        """A client without retries of its own: the producer knows which records of a request failed."""
        return self.emulator.client(
            "kinesis", Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 1})
        )

    def vision_stats(self) -> dict[str, Any]:
        """Raises httpx.HTTPError."""
        return dict(httpx.get(f"{self.vision_url}/stats", timeout=5, trust_env=False).raise_for_status().json())

    def mapping(self) -> dict[str, Any]:
        """The one event source mapping of the image processor."""
        client = self.emulator.client("lambda")
        found = client.list_event_source_mappings(FunctionName=self.outputs["ImageProcessorName"])
        return dict(found["EventSourceMappings"][0])

    def wait_drained(self, timeout_s: float) -> bool:
        """Whether everything in the stream was processed, now or within so many seconds."""
        return self.event_source.wait_drained(timeout_s)

    def renew_stream(self) -> None:
        """Frees the emulator's memory of the stream. Only while nobody writes and all that is in it is processed."""
        kinesis, name = self.emulator.client("kinesis"), self.outputs["StreamName"]
        shards = len(kinesis.list_shards(StreamName=name)["Shards"])
        self.event_source.stop(5.0)
        kinesis.delete_stream(StreamName=name)
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        self._connect_event_source()

    def _model_options(self) -> list[str]:
        o = self._options
        options = ["--model", o.model] if o.model else []
        if o.model and o.model.startswith(("http://", "https://")):
            cache = Path.home() / ".cache" / "framewatch" / "models"
            options += ["--model-cache", str(cache)]
        return options + (["--model-sha256", o.model_sha256] if o.model_sha256 else [])

    def _start_event_source(self) -> None:
        # The emulator's own poller ignores most of what the mapping says; ours takes its place.
        uuid = self.mapping()["UUID"]
        self.emulator.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=False)
        self._connect_event_source()
        self._undo.callback(lambda: self.event_source.stop(2.0))

    def _warm_up(self, output: str) -> None:
        """A function's first invocation imports it, which takes seconds; better now than with the first frame.

        What it answers to an event without records does not matter.
        """
        with contextlib.suppress(ClientError, BotoCoreError):
            self.emulator.client("lambda").invoke(FunctionName=self.outputs[output], Payload=b'{"Records": []}')

    def _connect_event_source(self) -> None:
        try:
            settings = MappingSettings.from_mapping(self.mapping())
        except UnsupportedMapping as error:
            raise LocalProblem(f"The event source cannot be run on this machine: {error}.") from None
        self.event_source = connect(
            settings,
            self.emulator.client,
            as_role=self.emulator.as_role if self._options.enforce_iam else None,
            on_invoke=self._on_delivery,
        )
        self.event_source.start()


def check_disk_space() -> None:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        raise LocalProblem(
            f"There are only {free // 1024**2} MB free in {folder}, and this needs {MIN_FREE_BYTES // 1024**2};"
            " free some space, or set TMPDIR to another disk."
        )


def _load(folder: Path | None) -> Assembly:
    if folder is None and (source := newer_source(ASSEMBLY)) is not None:
        raise LocalProblem(f"{source} is newer than what was built from it; run `make setup` first.")
    return load_assembly(folder or ASSEMBLY, account=ACCOUNT, region=REGION)


def _is_ready(log: Path) -> bool:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                return bool(json.loads(line).get("ready"))
    return False
