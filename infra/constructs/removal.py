"""What happens to a thing when its stack, or its place in the template, goes away."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import IConstruct

from infra.settings import StageSettings

# By the spans that a site file may name.
_RETENTIONS = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def log_retention(days: int) -> logs.RetentionDays:
    return _RETENTIONS[days]


def data_removal(settings: StageSettings) -> cdk.RemovalPolicy:
    return cdk.RemovalPolicy.RETAIN if settings.retain_data else cdk.RemovalPolicy.DESTROY


def pin_logical_id(construct: IConstruct, logical_id: str) -> None:
    """Moving the construct in the code must never replace what holds the user's data."""
    child = construct.node.default_child
    assert isinstance(child, cdk.CfnElement)  # noqa: S101  # what an L2 construct always holds
    child.override_logical_id(logical_id)
