"""Log groups that forget: CloudWatch keeps for ever, and bills for it, what nobody told it to forget."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.removal import pin_logical_id
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


def expiring_log_group(
    scope: Construct, construct_id: str, settings: StageSettings, *, logical_id: str
) -> logs.LogGroup:
    """Kept as long as the site file says, and gone with its stack."""
    group = logs.LogGroup(
        scope,
        construct_id,
        retention=_RETENTIONS[settings.deployment.log_days],
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    pin_logical_id(group, logical_id)
    return group
