"""Alarms: who hears them, and where to read on."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

RUNBOOK = "docs/operations.md"


class Alarms:
    """Each tells the topic when it begins and when it is over, and names its entry in the runbook."""

    def __init__(self, scope: Construct, stage: str, topic: sns.ITopic):
        self._scope = scope
        self._stage = stage
        self._tell = actions.SnsAction(topic)
        self.all: list[cloudwatch.Alarm] = []

    def add(
        self,
        name: str,
        says: str,
        metric: cloudwatch.Metric,
        *,
        at_least: float | None = None,
        below: float | None = None,
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        """name: the heading of its entry in the runbook. periods: of five minutes, all of which must be so in a row.

        missing: most metrics here count failures, which nobody counts while there are none.
        """
        threshold, comparison = (
            (at_least, cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD)
            if at_least is not None
            else (below, cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD)
        )
        if threshold is None:
            raise ValueError(f"the alarm {name} has no threshold")
        alarm = cloudwatch.Alarm(
            self._scope,
            "".join(word.title() for word in name.split("-")),
            alarm_name=f"framewatch-{self._stage}-{name}",
            alarm_description=f"{says}. What to do: {RUNBOOK}#{name}",
            metric=metric,
            threshold=threshold,
            comparison_operator=comparison,
            evaluation_periods=periods,
            datapoints_to_alarm=periods,
            treat_missing_data=missing,
            # Of three requests one slow one is a percentile, and nothing to wake up for.
            evaluate_low_sample_count_percentile="ignore" if metric.statistic.startswith("p") else None,
        )
        alarm.add_alarm_action(self._tell)
        alarm.add_ok_action(self._tell)
        self.all.append(alarm)
