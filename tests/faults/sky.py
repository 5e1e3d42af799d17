"""What storms share: emulated AWS behind the proxy, the function's process, the stream and its event source.

They live on from storm to storm, unless a storm kills them, so that what leaks shows. Every storm has cameras of its
own, and finds table and stream empty.
"""

import contextlib
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from framewatch.wire.site_file import load_site_text
from local_cloud.clients import REGION
from local_cloud.emulator import ACCOUNT, Emulator, local_environment
from local_cloud.event_source import EventSource
from local_cloud.stream_batches import EventEncoder, MappingSettings, StreamRecord
from local_cloud.stream_delivery import Answer
from local_cloud.stream_targets import FailureDestination
from tests.aws import create_table
from tests.faults.hosts import FunctionHost
from tests.faults.proxy import FaultProxy
from tests.faults.recorded import MOST_STORMS, see, site_text

STREAM, TABLE, FRAMES, CONFIG = "storm-frames", "storm", "storm-pictures", "storm-config"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/storm"
_SHARDS = 2
_STARTS = 20
# As the deployed mapping has them, but for a window that a storm does not wait for.
_SETTINGS = MappingSettings(
    uuid="storm",
    stream_arn=f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{STREAM}",
    function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:storm",
    batch_size=16,
    window_s=0.1,
    bisect_on_error=True,
    max_retries=20,
    max_record_age_s=3600,
    report_item_failures=True,
    destination_arn=f"arn:aws:s3:::{FRAMES}",
    starting_position="TRIM_HORIZON",
)


class Sky:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        emulator = folder / "emulator"
        emulator.mkdir()
        self.emulator = Emulator(emulator, function_env={})
        self.emulator.wait_ready()
        self.proxy = FaultProxy(self.emulator.url, {"rekognition": see})
        self.kinesis = boto3.client(
            "kinesis",
            endpoint_url=self.proxy.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(read_timeout=15, retries={"mode": "standard", "total_max_attempts": 4}),
        )
        client = self.emulator.client
        for bucket in (FRAMES, CONFIG):
            client("s3").create_bucket(Bucket=bucket)
        self.site_text = site_text()
        self.site = load_site_text(self.site_text.encode(), "site.yaml")
        client("s3").put_object(Bucket=CONFIG, Key="site.yaml", Body=self.site_text.encode())
        self.queue_url = client("sqs").create_queue(QueueName="storm-failures")["QueueUrl"]
        topic_arn = client("sns").create_topic(Name="storm-alerts")["TopicArn"]
        self.function = FunctionHost(
            local_environment(
                AWS_ENDPOINT_URL=self.proxy.url,
                FW_TABLE=TABLE,
                FW_FRAMES_BUCKET=FRAMES,
                FW_CONFIG_BUCKET=CONFIG,
                FW_FAILURE_QUEUE_URL=self.queue_url,
                FW_STAGE="storm",
                FW_LINK_BASE_URL="https://cams.example",
                FW_ALERT_TOPIC_ARN=topic_arn,
                FW_LOG_LEVEL="WARNING",
            ),
            folder / "function.log",
        )
        self._number = 0

    def close(self) -> None:
        self.function.close()
        self.proxy.close()
        self.emulator.stop()

    def next_storm(self) -> tuple[str, Path]:
        """What the names of its cameras begin with, and its folder."""
        self._number += 1
        if self._number > MOST_STORMS:
            raise ValueError(f"the site file has cameras for {MOST_STORMS} storms")
        folder = self._folder / f"storm-{self._number}"
        folder.mkdir()
        self._empty()
        return f"s{self._number}", folder

    def _empty(self) -> None:
        kinesis, dynamodb = self.emulator.client("kinesis"), self.emulator.client("dynamodb")
        if self._number > 1:
            kinesis.delete_stream(StreamName=STREAM)
            dynamodb.delete_table(TableName=TABLE)
        kinesis.create_stream(StreamName=STREAM, ShardCount=_SHARDS)
        create_table(dynamodb, TABLE)

    def items(self, prefix: str) -> list[dict[str, Any]]:
        """Of the table, those whose partition begins so."""
        pages = self.emulator.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
        return [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith(prefix)]

    def objects(self, prefix: str) -> list[str]:
        pages = self.emulator.client("s3").get_paginator("list_objects_v2").paginate(Bucket=FRAMES, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def picture(self, key: str) -> bytes:
        return bytes(self.emulator.client("s3").get_object(Bucket=FRAMES, Key=key)["Body"].read())

    @property
    def logs(self) -> str:
        return "\n".join(path.read_text("utf-8", "replace") for path in sorted(self._folder.rglob("*.log")))


class Stream:
    """The event source of one storm, and what it invokes."""

    def __init__(self, above: Sky, rng: random.Random, redelivered: float) -> None:
        """redelivered: the share of the batches that the function gets once more before, in another order."""
        self._function = above.function
        self._encoder = EventEncoder(_SETTINGS, _ROLE)
        self._destination = FailureDestination(
            _SETTINGS, self._encoder, above.emulator.client, lambda: datetime.now(UTC)
        )
        self._kinesis = above.kinesis
        self._rng, self._redelivered = rng, redelivered
        self.wrong: list[str] = []
        self._source = self._start()

    def _start(self) -> EventSource:
        """As whoever starts it would: again, until it has found its shards."""
        for _ in range(_STARTS):
            source = EventSource(_SETTINGS, self._kinesis, self._invoke, self._encoder, self._destination)
            with contextlib.suppress(ClientError, BotoCoreError, KeyError):
                source.start()
                return source
        raise AssertionError("the event source did not start")

    def replace(self) -> None:
        """As one that was killed in the middle of its work: the next knows nothing, and reads from the start."""
        self._source.stop(timeout_s=0.0)
        self._source = self._start()

    def wait_for_most(self, frames: int, patience_s: float) -> None:
        """Until so many records are settled, or it has taken too long."""
        deadline_s = time.monotonic() + patience_s
        while self._source.stats().settled < frames and time.monotonic() < deadline_s:
            time.sleep(0.05)

    def calm_down(self, patience_s: float) -> None:
        """Everything is delivered, and nothing twice any more."""
        self._redelivered = 0.0
        if not self._source.wait_drained(patience_s):
            self.wrong.append(f"the stream is stuck: {self._source.stats()}")
        stats = self._source.stats()
        if stats.records_waiting or stats.iterator_age_ms or stats.given_up:
            self.wrong.append(f"left in the stream, or given up: {stats}")

    def finish_alerts(self) -> None:
        """What the watchdog does, until there is nothing to do."""
        answer: dict[str, Any] = {}
        for _ in range(10):
            try:
                answer = self._function.ask(watch=STREAM)
            except OSError:
                continue
            if answer.get("payload") == 0:
                return
        self.wrong.append(f"alerts stay open: {answer}")

    def stop(self) -> None:
        self._source.stop()

    def _invoke(self, records: Sequence[StreamRecord]) -> Answer:
        if self._rng.random() < self._redelivered:
            again = list(records)
            self._rng.shuffle(again)
            self._ask(again)
        return self._ask(records)

    def _ask(self, records: Sequence[StreamRecord]) -> Answer:
        try:
            answer = self._function.ask(event=json.loads(self._encoder.encode(records)))
        except OSError as error:
            return Answer("Unhandled", {"errorMessage": str(error)})
        if "error" in answer:
            self.wrong.append(f"the handler raised {answer['error']}")
            return Answer("Unhandled", {"errorMessage": answer["error"]})
        return Answer(None, answer["payload"])


@contextmanager
def sky() -> Iterator[Sky]:
    with tempfile.TemporaryDirectory(prefix="framewatch-storm-") as folder:
        found = Sky(Path(folder))
        try:
            yield found
        finally:
            found.close()
