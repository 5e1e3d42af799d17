"""One page in CloudWatch, the way of a frame: what arrives, what becomes of it, who is told, who looks.

Not all that the functions count is here: tests/infra/test_operations.py lists what is left out, and why.
"""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.metrics import Sources

# CloudWatch's page is 24 units wide.
FULL, THIRD = 24, 8
# By country and kind of text, which the template cannot know. CloudWatch finds them when it draws.
_DELIVERED = "SEARCH('{AWS/SNS,Country,SMSType} MetricName=\"SMSSuccessRate\"', 'Average', 300)"


def dashboard(scope: Construct, stage: str, of: Sources, alarms: Sequence[cloudwatch.Alarm]) -> cloudwatch.Dashboard:
    """framewatch-<stage>. Below fifty metrics, for an account's first three dashboards of that size are free."""
    board = cloudwatch.Dashboard(
        scope, "Dashboard", dashboard_name=f"framewatch-{stage}", default_interval=cdk.Duration.hours(12)
    )
    board.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=FULL, height=4))
    board.add_widgets(
        _graph(
            "Frames in",
            of.stream.metric("IncomingRecords", label="arrived"),
            of.frames.metric("FramesStored", label="stored"),
            of.frames.metric("HeartbeatsStored", label="heartbeats"),
        ),
        _graph("Waiting in the stream (ms)", of.processor.metric("IteratorAge", "Maximum")),
        _graph(
            "From the camera (ms)",
            of.frames.metric("CaptureToStoredMs", "p50", "to stored, half of all"),
            of.frames.metric("CaptureToStoredMs", "p95", "to stored, 95 of 100"),
            of.frames.metric("CaptureToAlertMs", "p95", "to the text, 95 of 100"),
        ),
    )
    board.add_widgets(
        _graph(
            "Kept for a replay",
            of.failures.metric("ApproximateNumberOfMessagesVisible", "Maximum", "in the failure queue"),
            of.frames.metric("RecordsRejected", label="rejected"),
            of.event_source.metric("OnFailureDestinationDeliveredEventCount", label="given up"),
            of.processor.metric("DestinationDeliveryFailures", label="given up and not kept"),
        ),
        _graph(
            "Sent round again",
            of.frames.metric("RecordsFailed", label="all"),
            of.frames.metric("FramesDeferred", label="no time left"),
            of.frames.metric("UnexpectedErrors", label="unexpected"),
        ),
        _graph(
            "Table and stream, throttled",
            of.table.metric("ReadThrottleEvents", label="table, reads"),
            of.table.metric("WriteThrottleEvents", label="table, writes"),
            of.stream.metric("WriteProvisionedThroughputExceeded", label="stream, writes"),
        ),
    )
    board.add_widgets(
        _graph(
            "Vision, failed",
            of.frames.metric("VisionThrottled", label="throttled"),
            of.frames.metric("VisionUnavailable", label="unavailable"),
            of.frames.metric("VisionDenied", label="denied"),
        ),
        # AWS's own, so that a detection costs no custom metric.
        _graph("DetectLabels (ms, all of the account)", of.vision.metric("ResponseTime", "Average", "response time")),
        _graph(
            "Visits and texts",
            of.frames.metric("VisitsOpened", label="visits"),
            of.frames.metric("AlertsSent", label="alerts sent"),
            of.frames.metric("AlertsFailed", label="alerts that reached nobody"),
            of.frames.metric("TextsSent", label="texts sent"),
            of.frames.metric("TextsRejected", label="texts refused"),
            of.frames.metric("TextErrors", label="texts that wait"),
        ),
    )
    board.add_widgets(
        _graph("Texts this month (USD, all of the account)", of.texts.metric("SMSMonthToDateSpentUSD", "Maximum")),
        _graph("Texts that arrived (share, all of the account)", cloudwatch.MathExpression(expression=_DELIVERED)),
        _graph(
            "Functions",
            of.processor.metric("Errors", label="image processor, errors"),
            of.processor.metric("Throttles", label="image processor, throttles"),
            of.fetcher.metric("Errors", label="frame fetcher, errors"),
            of.fetcher.metric("Throttles", label="frame fetcher, throttles"),
            of.actions.metric("Errors", label="operators' actions, errors"),
            of.link.metric("Errors", label="links, errors"),
        ),
    )
    board.add_widgets(
        _graph(
            "API, requests",
            of.api.metric("Count", label="all"),
            of.api.metric("4xx", label="refused"),
            of.api.metric("5xx", label="failed"),
        ),
        _graph(
            "API (ms)",
            of.api.metric("Latency", "p50", "half of all"),
            of.api.metric("Latency", "p95", "95 of 100"),
        ),
        _graph(
            "Duration (ms)",
            of.processor.metric("Duration", "Maximum", "image processor, longest"),
            of.fetcher.metric("Duration", "Maximum", "frame fetcher, longest"),
        ),
    )
    board.add_widgets(
        _graph(
            "Watchdog",
            of.watchdog.metric("Invocations", label="runs"),
            of.watchdog.metric("Errors", label="errors"),
        ),
        _graph(
            "Watchdog, texts",
            of.afterwards.metric("AlertsEscalated", label="alerts passed on"),
            of.afterwards.metric("TextsSent", label="texts sent"),
            of.afterwards.metric("AlertsFailed", label="alerts that reached nobody"),
            of.afterwards.metric("TextErrors", label="texts that wait"),
        ),
        # The rest of those stored was analysed, and billed.
        _graph(
            "Frames stored that vision was not asked about",
            of.frames.metric("FramesInherited", label="nearly equal to an analysed one"),
            of.frames.metric("FramesScreened", label="found empty by the box"),
            of.frames.metric("FramesOverBudget", label="spared for the budget"),
        ),
    )
    return board


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title, left=list(metrics), left_y_axis=cloudwatch.YAxisProps(min=0), width=THIRD
    )
