"""Where the numbers of alarms and dashboard come from: namespace and dimensions of each thing that is measured."""

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

# AWS's own metrics come once a minute; five of them even out one slow batch and keep an alarm within minutes.
PERIOD = cdk.Duration.minutes(5)


@dataclass(frozen=True, slots=True)
class Source:
    """The metrics of one thing."""

    namespace: str
    dimensions: Mapping[str, str]

    def metric(self, name: str, statistic: str = "Sum", label: str | None = None) -> cloudwatch.Metric:
        """label: for a graph. An alarm on a metric with a label becomes metric math, which costs more and which an
        emulator of AWS does not take."""
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=name,
            dimensions_map=dict(self.dimensions),
            statistic=statistic,
            period=PERIOD,
            label=label,
        )


@dataclass(frozen=True, slots=True)
class Sources:
    """What is measured of one stage. `frames` is what the image processor counts, `afterwards` what the watchdog
    does. `texts` and `vision` are AWS's, and of the whole account in this region."""

    stream: Source
    event_source: Source
    processor: Source
    watchdog: Source
    fetcher: Source
    actions: Source
    link: Source
    frames: Source
    afterwards: Source
    failures: Source
    table: Source
    api: Source
    texts: Source
    vision: Source
