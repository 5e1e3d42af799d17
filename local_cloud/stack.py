"""The deployed stacks on this machine, with a site file, warm functions and a stream that is read."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.assembly import ASSEMBLY, Assembly, load_assembly, newer_source
from local_cloud.clients import REGION
from local_cloud.deploy import deploy
from local_cloud.emulator import ACCOUNT, Emulator
from local_cloud.event_source import EventSource
from local_cloud.machine import Machine, MachineOptions, check_disk_space
from local_cloud.problem import LocalProblem
from local_cloud.stream_batches import StreamRecord

SITE_KEY = "site.yaml"
# Of shards that nobody tells of: what the edge writes is told, and each look costs the emulator time.
_POLL_INTERVAL_S = 0.25
# Somebody waits for each of these. The watchdog is nobody's to wait for: the emulator runs it once a minute, by its
# deployed schedule.
_WARM = ("ImageProcessorName", "FrameFetcherName", "OperatorActionsName", "AlertLinkName")


@dataclass(frozen=True, slots=True)
class StackOptions:
    """assembly: None for what `make setup` built, which must not be older than the sources. enforce_iam: as in
    MachineOptions."""

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
        self._machine = Machine(MachineOptions(options.model, options.model_sha256, options.enforce_iam))
        self.outputs: dict[str, str] = {}
        self._on_delivery = on_delivery
        self.assembly: Assembly
        self.event_source: EventSource

    @property
    def emulator(self) -> Emulator:
        return self._machine.emulator

    def start(self) -> None:
        check_disk_space()
        self.assembly = _load(self._options.assembly)
        self._undo.callback(self._machine.stop)
        # The model loads while the templates are deployed.
        self._machine.start()
        self._say("emulated AWS is up")
        self.outputs = deploy(self.assembly, self.emulator.client)
        self.put_site(self._options.site_text)
        self._say(f"{len(self.assembly.stacks)} stacks are deployed")
        # Never waited for at the end: once the emulator is gone, so is what these threads wait for.
        pool = ThreadPoolExecutor(2)
        self._undo.callback(pool.shutdown, wait=False)
        warm = [pool.submit(self._warm_up, name) for name in _WARM]
        self._machine.wait_until_it_sees()
        for each in warm:
            each.result()
        self._say("the vision model is loaded, the functions are warm")
        self._connect_event_source()
        self._undo.callback(lambda: self.event_source.stop(2.0))

    def stop(self) -> None:
        self._undo.close()

    def broken(self) -> str | None:
        """A sentence when one of the parts has ended on its own."""
        return self._machine.broken()

    def put_site(self, text: str) -> None:
        self.emulator.client("s3").put_object(
            Bucket=self.outputs["ConfigBucketName"], Key=SITE_KEY, Body=text.encode(), ContentType="application/yaml"
        )

    def kinesis_for_the_edge(self) -> Any:
        """A client without retries of its own: the producer knows which records of a request failed.

        What it writes is read at once.
        """
        client = self.emulator.client(
            "kinesis", Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 1})
        )
        client.meta.events.register("after-call.kinesis.PutRecords", self._on_written)
        return client

    def _on_written(self, parsed: Mapping[str, Any], **_: Any) -> None:
        self.event_source.look_at({r["ShardId"] for r in parsed.get("Records", ()) if "ShardId" in r})

    def vision_stats(self) -> dict[str, Any]:
        """Raises httpx.HTTPError."""
        return self._machine.vision_stats()

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

    def _warm_up(self, output: str) -> None:
        """A function's first invocation imports it, which takes seconds; better now than with the first frame.

        What it answers to an event without records does not matter.
        """
        with contextlib.suppress(ClientError, BotoCoreError):
            self.emulator.client("lambda").invoke(FunctionName=self.outputs[output], Payload=b'{"Records": []}')

    def _connect_event_source(self) -> None:
        self.event_source = self._machine.event_source(
            self.mapping(), self._on_delivery, poll_interval_s=_POLL_INTERVAL_S
        )
        self.event_source.start()


def _load(folder: Path | None) -> Assembly:
    if folder is None and (source := newer_source(ASSEMBLY)) is not None:
        raise LocalProblem(f"{source} is newer than what was built from it; run `make setup` first.")
    return load_assembly(folder or ASSEMBLY, account=ACCOUNT, region=REGION)
