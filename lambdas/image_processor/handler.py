"""Kinesis -> labels, frames, visits, texts; and how each camera is.

Powertools writes logs and metrics. Its event classes are not used: reading one field of one event imports those of
every service, a twentieth of the cold start. Its batch processor is not used: it handles one record
after the other (or one asyncio task a record, where boto3 blocks), while here the records of a batch share their
reads and the writes of their visits, and their requests overlap; the partial batch response is one line.
"""

import base64
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.alert_topic import SnsTopicPublisher
from framewatch.adapters.aws.budget_table import DynamoBudgetTable
from framewatch.adapters.aws.clients import VISION, AwsClients
from framewatch.adapters.aws.count_table import DynamoCountTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.failure_store import S3SqsFailureStore
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.adapters.aws.function import SystemClock, start_ledger, start_logging
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.adapters.aws.image_store import S3ImageStore
from framewatch.adapters.aws.limit_table import DynamoLimitTable
from framewatch.adapters.aws.meter import EmfMeter
from framewatch.adapters.aws.rekognition import RekognitionDetector
from framewatch.adapters.aws.site_source import S3SiteSource
from framewatch.adapters.aws.sms import SnsTextSender
from framewatch.adapters.aws.trouble_table import DynamoHealthTable
from framewatch.adapters.aws.use_table import DynamoUseTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.services.budget_source import TableBudget
from framewatch.services.limited_site import LimitedSite
from framewatch.services.meter_use import LedgerSite, UseLedger
from framewatch.services.note_health import HealthNotes
from framewatch.services.ports import RawRecord
from framewatch.services.process_frames import BatchOutcome, Deps, process_batch
from framewatch.services.send_alerts import SendDeps
from lambdas.image_processor.settings import Settings

SERVICE = "image_processor"
# What follows the last detection that was started: the picture, the table, the visits, the texts.
AFTER_VISION_S = 10.0


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    this = app(stream_of(event))
    with this.invocation(context):
        records = to_records(event)
        outcome = process_batch(records, this.deps, seconds_left(context))
        this.health.note(records, outcome.counts)
        this.use.count_acknowledged(records, outcome.failed_record_ids, this.deps.site)
        return to_response(outcome)


@dataclass(frozen=True, slots=True)
class App:
    """Built once a process, by its first invocation."""

    deps: Deps
    health: HealthNotes
    meter: EmfMeter
    use: UseLedger
    logger: Logger

    @contextmanager
    def invocation(self, context: LambdaContext) -> Iterator[None]:
        self.logger.append_keys(request_id=context.aws_request_id)
        try:
            with self.use.invocation():
                yield
        finally:
            self.meter.flush()


@cache
def app(stream: str) -> App:
    """Raises SettingsError."""
    settings = Settings.read(os.environ)
    use = start_ledger(SERVICE)
    return build_app(settings, AwsClients(settings.workers, use=use), use, stream)


def build_app(settings: Settings, aws: AwsClients, use: UseLedger, stream: str) -> App:
    clock = SystemClock()
    s3 = aws.s3()
    table = DynamoTable(aws.dynamodb(), settings.table)
    alerts = DynamoAlertTable(table)
    sns = aws.sns()
    meter = EmfMeter(SERVICE, settings.stage)
    site = LedgerSite(S3SiteSource(s3, settings.config_bucket, settings.site_key, clock), use)
    use.keep_in(DynamoUseTable(table))
    deps = Deps(
        site=LimitedSite(site, DynamoLimitTable(table), clock),
        budget=TableBudget(DynamoBudgetTable(table), clock),
        vision=RekognitionDetector(aws.rekognition()),
        images=S3ImageStore(s3, settings.frames_bucket),
        frames=DynamoFrameTable(table),
        visits=DynamoVisitTable(table),
        heartbeats=DynamoHeartbeatTable(table),
        alerts=alerts,
        sending=SendDeps(
            alerts=alerts,
            texts=SnsTextSender(sns),
            topic=SnsTopicPublisher(sns, settings.alert_topic_arn),
            clock=clock,
            link_base_url=settings.link_base_url,
        ),
        failures=S3SqsFailureStore(
            s3, aws.sqs(), bucket=settings.frames_bucket, queue_url=settings.failure_queue_url, stream=stream
        ),
        recounts=DynamoCountTable(table),
        meter=meter,
        clock=clock,
        workers=settings.workers,
        margin_s=VISION.worst_s + AFTER_VISION_S,
    )
    health = HealthNotes(DynamoHealthTable(table), clock)
    return App(deps, health, meter, use, start_logging(SERVICE, settings))


def stream_of(event: dict[str, Any]) -> str:
    """The stream's name; a batch comes from one stream."""
    records = event.get("Records") or [{}]
    return str(records[0].get("eventSourceARN", "")).rpartition("/")[2]


def to_records(event: dict[str, Any]) -> list[RawRecord]:
    return [
        RawRecord(
            record_id=record["kinesis"]["sequenceNumber"],
            partition_key=record["kinesis"]["partitionKey"],
            data=base64.b64decode(record["kinesis"]["data"]),
            shard_id=record["eventID"].partition(":")[0],  # `shardId-000000000000:<sequence number>`
            arrived_at=datetime.fromtimestamp(record["kinesis"]["approximateArrivalTimestamp"], UTC),
        )
        for record in event["Records"]
    ]


def seconds_left(context: LambdaContext) -> Callable[[], float]:
    return lambda: context.get_remaining_time_in_millis() / 1000


def to_response(outcome: BatchOutcome) -> dict[str, Any]:
    # The event source goes on from the lowest of these; what was done after it is not done twice.
    return {"batchItemFailures": [{"itemIdentifier": record_id} for record_id in outcome.failed_record_ids]}
