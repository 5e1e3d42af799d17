"""What storms share: emulated AWS behind the proxy, the function's process, and the event source's.

They live on from storm to storm, unless a storm kills them, so that what leaks shows. Every storm has cameras of its
own, and finds table and stream empty.
"""

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from framewatch.wire.site_file import load_site_text
from local_cloud.clients import REGION
from local_cloud.emulator import ACCOUNT, Emulator, local_environment
from local_cloud.stream_batches import MappingSettings
from tests.aws import create_table
from tests.faults.hosts import FunctionHost
from tests.faults.proxy import FaultProxy
from tests.faults.reader import Reader
from tests.faults.recorded import MOST_STORMS, see, site_text

STREAM, TABLE, FRAMES, CONFIG = "storm-frames", "storm", "storm-pictures", "storm-config"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/storm"
_SHARDS = 2
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
        self.proxy = FaultProxy(self.emulator.url, {"rekognition": see})
        # It comes up beside the emulator, and asks nobody anything before it is told to.
        self.reader = Reader(_SETTINGS, _ROLE, self.proxy.url, self.emulator.url, folder / "reader.log")
        self.emulator.wait_ready()
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
        self.reader.close()
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
    """The stream of one storm as the function gets to see it."""

    def __init__(self, above: Sky, rng: random.Random, redelivered: float) -> None:
        """redelivered: the share of the batches that the function gets once more before, in another order."""
        self._function, self._reader = above.function, above.reader
        self._rng, self._redelivered = rng, redelivered
        self.wrong: list[str] = []
        self._reader.start(self._invoke)

    def kill_reader(self) -> None:
        self._reader.kill()

    def wait_for_most(self, frames: int, patience_s: float) -> None:
        """Until so many records are settled, or it has taken too long."""
        deadline_s = time.monotonic() + patience_s
        while self._reader.stats()["settled"] < frames and time.monotonic() < deadline_s:
            time.sleep(0.05)

    def calm_down(self, patience_s: float) -> None:
        """Everything is delivered, and nothing twice any more."""
        self._redelivered = 0.0
        if not self._reader.wait_drained(patience_s):
            self.wrong.append(f"the stream is stuck: {self._reader.stats()}")
        stats = self._reader.stats()
        if stats["records_waiting"] or stats["iterator_age_ms"] or stats["given_up"]:
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
        self._reader.stop()

    def _invoke(self, event: dict[str, Any]) -> tuple[str | None, Any]:
        if self._rng.random() < self._redelivered:
            records = list(event["Records"])
            self._rng.shuffle(records)
            self._ask({"Records": records})
        return self._ask(event)

    def _ask(self, event: dict[str, Any]) -> tuple[str | None, Any]:
        try:
            answer = self._function.ask(event=event)
        except OSError as error:
            return "Unhandled", {"errorMessage": str(error)}
        if "error" in answer:
            self.wrong.append(f"the handler raised {answer['error']}")
            return "Unhandled", {"errorMessage": answer["error"]}
        return None, answer["payload"]


@contextmanager
def sky() -> Iterator[Sky]:
    with tempfile.TemporaryDirectory(prefix="framewatch-storm-") as folder:
        found = Sky(Path(folder))
        try:
            yield found
        finally:
            found.close()
