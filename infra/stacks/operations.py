"""What tells whoever runs it that something is wrong, and shows how it goes.

Every alarm is something to act on; what to do is in docs/operations.md under its name. Not alarmed on: system errors
and throttling of DynamoDB, S3 and SQS (the clients repeat the request, and what lasts shows as `frames-late`), what
the API refuses (4xx: somebody's expired sign-in), delivery by the carriers (`SMSSuccessRate` has no metric without a
country), one camera of several (the stream cannot tell it from a quiet one).
"""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from framewatch.adapters.aws.meter import NAMESPACE
from infra.constructs.alarms import Alarms
from infra.constructs.dashboard import dashboard
from infra.constructs.metrics import Source, Sources
from infra.settings import StageSettings
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack
from infra.stacks.ingest import IngestStack
from infra.stacks.notify import NotifyStack
from infra.stacks.processing import ProcessingStack
from infra.stacks.web import WebStack

# Past it texts are no news. A cold start and a burst are over in seconds; Lambda gives frames up after an hour.
LATE_S = 60
# Of the function's time limit. The image processor starts no detection in the last third of it.
NEAR_TIMEOUT = 0.8
# A page that takes longer is overtaken by its next poll.
SLOW_PAGE_MS = 3000
SMS_SPEND_SHARE = 0.8


class OperationsStack(cdk.Stack):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        data: DataStack,
        ingest: IngestStack,
        notify: NotifyStack,
        processing: ProcessingStack,
        web: WebStack,
        api: ApiStack,
        **kwargs: object,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        stage = settings.stage
        sources = Sources(
            stream=Source("AWS/Kinesis", {"StreamName": ingest.stream.stream_name}),
            event_source=Source("AWS/Lambda", {"EventSourceMappingUUID": processing.event_source.ref}),
            processor=Source("AWS/Lambda", {"FunctionName": processing.processor.function.function_name}),
            watchdog=Source("AWS/Lambda", {"FunctionName": processing.watchdog.function.function_name}),
            fetcher=Source("AWS/Lambda", {"FunctionName": api.fetcher.function.function_name}),
            actions=Source("AWS/Lambda", {"FunctionName": api.actions.function.function_name}),
            link=Source("AWS/Lambda", {"FunctionName": api.link.function.function_name}),
            frames=Source(NAMESPACE, {"service": "image_processor", "stage": stage}),
            afterwards=Source(NAMESPACE, {"service": "watchdog", "stage": stage}),
            failures=Source("AWS/SQS", {"QueueName": processing.failures.queue_name}),
            table=Source("AWS/DynamoDB", {"TableName": data.table.table_name}),
            api=Source("AWS/ApiGateway", {"ApiId": web.http_api.api_id}),
            texts=Source("AWS/SNS", {}),
            vision=Source("AWS/Rekognition", {"Operation": "DetectLabels"}),
        )
        timeout = processing.processor.function.timeout
        assert timeout is not None  # noqa: S101  # ours states one
        alarms = Alarms(self, stage, notify.topic)
        _arrival(alarms, sources, settings.deployment.window_s)
        _failures(alarms, sources)
        _functions(alarms, sources, timeout.to_milliseconds())
        _vision(alarms, sources)
        _texts(alarms, sources, settings.deployment.sms_spend_limit_usd)
        _api(alarms, sources)
        board = dashboard(self, stage, sources, alarms.all)
        cdk.CfnOutput(self, "OperationsDashboardName", value=board.dashboard_name)


def _arrival(alarms: Alarms, of: Sources, window_s: int) -> None:
    # No data and zero are the same here: Kinesis reports nothing for a stream that nobody writes to.
    alarms.add(
        "stream-silent",
        "No edge box has sent anything for 15 minutes, not even a heartbeat",
        of.stream.metric("IncomingRecords"),
        below=1,
        periods=3,
        missing=cloudwatch.TreatMissingData.BREACHING,
    )
    # Lambda asks every shard once a second, frames or none: without an answer in 15 minutes it has stopped asking.
    alarms.add(
        "stream-unread",
        "Lambda has not read the stream for 15 minutes",
        of.stream.metric("GetRecords.Success"),
        below=1,
        periods=3,
        missing=cloudwatch.TreatMissingData.BREACHING,
    )
    # A burst is sent again by the edge; what is refused for 15 minutes is frames that the edge drops.
    alarms.add(
        "stream-throttled",
        "For 15 minutes the stream has refused frames, because they are more than it takes",
        of.stream.metric("WriteProvisionedThroughputExceeded"),
        at_least=1,
        periods=3,
    )
    # Two periods: one batch that waited for a retry is none. While nothing runs there is no age, and nothing is late.
    alarms.add(
        "frames-late",
        f"For 10 minutes frames have waited {LATE_S} s and more before anybody looked at them",
        of.processor.metric("IteratorAge", "Maximum"),
        at_least=(LATE_S + window_s) * 1000,
        periods=2,
    )


def _failures(alarms: Alarms, of: Sources) -> None:
    # One is enough: it stays until it is replayed or removed, and an idle, empty queue sends no data.
    alarms.add(
        "failure-queue",
        "A record could not be processed and is kept for a replay",
        of.failures.metric("ApproximateNumberOfMessagesVisible", "Maximum"),
        at_least=1,
    )
    # The queue's alarm does not ring twice: this one says that it goes on, as with a camera missing in the site file.
    alarms.add(
        "records-rejected",
        "For 15 minutes records have been rejected",
        of.frames.metric("RecordsRejected"),
        at_least=1,
        periods=3,
    )
    # Every one is frames that nobody was told of. They are in the bucket, not in the queue, so no other alarm knows.
    alarms.add(
        "frames-given-up",
        "Lambda has given frames up after their retries; they are kept for a replay",
        of.event_source.metric("OnFailureDestinationDeliveredEventCount"),
        at_least=1,
    )
    # Every one is frames that will be gone when the stream forgets them, 24 hours after they arrived.
    alarms.add(
        "frames-lost",
        "Lambda has given frames up and could not keep them",
        of.processor.metric("DestinationDeliveryFailures"),
        at_least=1,
    )
    # Every one is a mistake in the code: what can go wrong outside has a name, and another alarm.
    alarms.add(
        "unexpected-errors",
        "The image processor has met an error that it does not know",
        of.frames.metric("UnexpectedErrors"),
        at_least=1,
    )
    # Two: one batch that S3 kept waiting is repaired by its retry, a missing or wrong file fails every batch.
    alarms.add(
        "site-unavailable",
        "The image processor has no site file it can use; all frames wait",
        of.frames.metric("SiteUnavailable"),
        at_least=2,
    )


def _functions(alarms: Alarms, of: Sources, timeout_ms: float) -> None:
    for name, function in (
        ("image-processor", of.processor),
        ("watchdog", of.watchdog),
        ("frame-fetcher", of.fetcher),
        ("operator-actions", of.actions),
        ("alert-link", of.link),
    ):
        # Two: one crash is repaired by its retry, the next minute, or the page's next poll. A record that fails is no
        # error here.
        alarms.add(
            f"{name}-errors",
            "The function has crashed, timed out or not started, twice within 5 minutes",
            function.metric("Errors"),
            at_least=2,
        )
    # Throttled or never asked, it is the same: nobody is told that something is silent.
    alarms.add(
        "watchdog-silent",
        "The watchdog has not run for 5 minutes",
        of.watchdog.metric("Invocations"),
        below=1,
        missing=cloudwatch.TreatMissingData.BREACHING,
    )
    for name, function in (("image-processor", of.processor), ("frame-fetcher", of.fetcher)):
        # 15 minutes: a burst is throttled and tried again; what lasts is a limit that is too low.
        alarms.add(
            f"{name}-throttles",
            "For 15 minutes Lambda has held the function back at a concurrency limit",
            function.metric("Throttles"),
            at_least=1,
            periods=3,
        )
    # Three periods: one large batch may take long. Cut off, a batch is repeated, and texts wait for it.
    alarms.add(
        "image-processor-slow",
        "For 15 minutes the image processor has come near its time limit",
        of.processor.metric("Duration", "Maximum"),
        at_least=NEAR_TIMEOUT * timeout_ms,
        periods=3,
    )


def _vision(alarms: Alarms, of: Sources) -> None:
    # Two periods: a role that was changed takes a moment to arrive everywhere.
    alarms.add(
        "vision-denied",
        "For 10 minutes DetectLabels has refused our credentials; frames wait",
        of.frames.metric("VisionDenied"),
        at_least=1,
        periods=2,
    )
    # Two periods: an answer that came too late once is asked for again.
    alarms.add(
        "vision-unavailable",
        "For 10 minutes DetectLabels has failed or not answered; frames wait",
        of.frames.metric("VisionUnavailable"),
        at_least=1,
        periods=2,
    )
    # Three periods: throttling slows a burst down, which is what it is for; for good it means too small a quota.
    alarms.add(
        "vision-throttled",
        "For 15 minutes DetectLabels has been throttled; frames wait",
        of.frames.metric("VisionThrottled"),
        at_least=1,
        periods=3,
    )


def _texts(alarms: Alarms, of: Sources, limit_usd: float) -> None:
    # Whoever sends counts: the image processor at once, the watchdog whatever is left a minute later. An alarm on the
    # sum of two metrics costs what two alarms do.
    for before, counted in (("", of.frames), ("watchdog-", of.afterwards)):
        # One is enough: somebody was seen, and nobody was told.
        alarms.add(
            f"{before}alerts-failed",
            "An alert has reached nobody",
            counted.metric("AlertsFailed"),
            at_least=1,
        )
        # One is enough: this contact will get no other text either.
        alarms.add(
            f"{before}texts-rejected",
            "A contact cannot be texted",
            counted.metric("TextsRejected"),
            at_least=1,
        )
        # Two periods: the next try sends the text that a moment of throttling held up.
        alarms.add(
            f"{before}text-errors",
            "For 10 minutes SNS has not taken texts; alerts wait",
            counted.metric("TextErrors"),
            at_least=1,
            periods=2,
        )
    # At the limit texts vanish though SNS takes them. The metric is the account's, in this region, and is only sent
    # with a text, so that silence says nothing new.
    alarms.add(
        "sms-spend",
        f"This month's texts have cost {SMS_SPEND_SHARE:.0%} of the spending limit, past which SNS drops them",
        of.texts.metric("SMSMonthToDateSpentUSD", "Maximum"),
        at_least=SMS_SPEND_SHARE * limit_usd,
        missing=cloudwatch.TreatMissingData.IGNORE,
    )


def _api(alarms: Alarms, of: Sources) -> None:
    # Five: one is repaired by the page's next poll; where it lasts, one open page asks 75 times in these 5 minutes.
    alarms.add(
        "api-errors",
        "The dashboard's API has failed five times within 5 minutes",
        of.api.metric("5xx"),
        at_least=5,
    )
    # Three periods: the first page after a quiet night waits for a cold start.
    alarms.add(
        "api-slow",
        f"For 15 minutes one page in twenty has taken {SLOW_PAGE_MS / 1000:.0f} s and more",
        of.api.metric("Latency", "p95"),
        at_least=SLOW_PAGE_MS,
        periods=3,
    )
