"""What a deployment uses by the hour though nothing happens: it is known from the templates, so nobody counts it."""

from framewatch.domain.cost import Usage, UsageKind
from framewatch.domain.site import SiteConfig

# As the templates have them (tests/unit/test_standing_use.py counts).
ALARMS = 31
KMS_KEYS = 1
DASHBOARDS = 1
# Names that the functions count while frames come, and six of the event source (decision 13).
CUSTOM_METRICS = 14 + 6
# A month of thirty days, as the price table's.
HOURS_A_MONTH = 30 * 24


def hourly_use(site: SiteConfig) -> Usage:
    """Of one hour."""
    shards = site.deployment.shards
    stream = {UsageKind.KINESIS_STREAM_HOURS: 1} if shards is None else {UsageKind.KINESIS_SHARD_HOURS: shards}
    monthly = Usage(
        {
            UsageKind.ALARMS: ALARMS,
            UsageKind.KMS_KEYS: KMS_KEYS,
            UsageKind.DASHBOARDS: DASHBOARDS,
            UsageKind.CUSTOM_METRICS: CUSTOM_METRICS,
        }
    )
    return Usage(stream) + monthly / HOURS_A_MONTH
