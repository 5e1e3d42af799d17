"""Every minute: alerts that are due, digests, texts about what is silent, and counts of what is stored.

An error of the function is how the operator hears that something could not be done; the next minute does it.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.alert_topic import SnsTopicPublisher
from framewatch.adapters.aws.box_controls import S3BoxControls
from framewatch.adapters.aws.budget_table import DynamoBudgetTable
from framewatch.adapters.aws.clients import AwsClients
from framewatch.adapters.aws.count_table import DynamoCountTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_pages import DynamoFramePages
from framewatch.adapters.aws.function import SystemClock, start_ledger, start_logging
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.adapters.aws.limit_table import DynamoLimitTable
from framewatch.adapters.aws.meter import EmfMeter
from framewatch.adapters.aws.site_source import S3SiteSource
from framewatch.adapters.aws.sms import SnsTextSender
from framewatch.adapters.aws.trouble_table import DynamoHealthTable, DynamoTroubleTable
from framewatch.adapters.aws.use_table import DynamoUseTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.standing_use import hourly_use
from framewatch.services.hold_budget import RecentSpend
from framewatch.services.limited_site import LimitedSite
from framewatch.services.meter_use import LedgerSite, UseLedger
from framewatch.services.roll_up_use import UseRollUp
from framewatch.services.send_alerts import SendDeps
from framewatch.services.spend import Books, SpendDeps
from framewatch.services.watch_over import WatchDeps, watch_over
from framewatch.wire.price_file import prices_near
from lambdas.watchdog.settings import Settings

SERVICE = "watchdog"
# Cameras are counted, and those that send no heartbeats are asked after, side by side.
READERS = 8


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001  that it is time is all it says
    this = app()
    with this.invocation(context):
        watch_over(this.deps, lambda: context.get_remaining_time_in_millis() / 1000)


@dataclass(frozen=True, slots=True)
class App:
    """Built once a process, by its first invocation."""

    deps: WatchDeps
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
def app() -> App:
    """Raises SettingsError."""
    settings = Settings.read(os.environ)
    use = start_ledger(SERVICE)
    return build_app(settings, AwsClients(READERS, use=use), use)


def build_app(settings: Settings, aws: AwsClients, use: UseLedger) -> App:
    clock = SystemClock()
    dynamodb, sns = aws.dynamodb(), aws.sns()
    table = DynamoTable(dynamodb, settings.table)
    meter = EmfMeter(SERVICE, settings.stage)
    site = LedgerSite(S3SiteSource(aws.s3(), settings.config_bucket, settings.site_key, clock), use)
    use_table = DynamoUseTable(table)
    use.keep_in(use_table)
    counts, executor = DynamoCountTable(table), ThreadPoolExecutor(READERS, thread_name_prefix="read")
    prices = partial(prices_near, dynamodb.meta.region_name)
    books = Books(SpendDeps(use_table, counts, prices, hourly_use, executor))
    deps = WatchDeps(
        site=LimitedSite(site, DynamoLimitTable(table), clock),
        sending=SendDeps(
            alerts=DynamoAlertTable(table),
            texts=SnsTextSender(sns),
            topic=SnsTopicPublisher(sns, settings.alert_topic_arn),
            clock=clock,
            link_base_url=settings.link_base_url,
        ),
        heartbeats=DynamoHeartbeatTable(table),
        frames=DynamoFramePages(dynamodb, settings.table, clock),
        troubles=DynamoTroubleTable(table),
        health=DynamoHealthTable(table),
        counts=counts,
        visits=DynamoVisitTable(table).newest_first,
        use=UseRollUp(use_table, clock),
        budget=DynamoBudgetTable(table),
        controls=S3BoxControls(aws.s3(), settings.config_bucket, settings.stage),
        spend=RecentSpend(books.spend),
        meter=meter,
        executor=executor,
    )
    return App(deps, meter, use, start_logging(SERVICE, settings))
