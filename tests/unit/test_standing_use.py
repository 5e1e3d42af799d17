"""What stands is what the templates have, and hangs on the site file's stream."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

from framewatch.domain.cost import UsageKind
from framewatch.domain.standing_use import ALARMS, DASHBOARDS, HOURS_A_MONTH, KMS_KEYS, hourly_use
from tests.fakes import make_site

SNAPSHOTS = Path(__file__).resolve().parents[1] / "infra" / "snapshots"


def test_alarms_keys_and_dashboards_are_those_of_the_templates() -> None:
    templates = [json.loads(path.read_text("utf-8")) for path in SNAPSHOTS.glob("*.json")]
    kinds = Counter(resource["Type"] for template in templates for resource in template["Resources"].values())
    assert kinds["AWS::CloudWatch::Alarm"] == ALARMS
    assert kinds["AWS::KMS::Key"] == KMS_KEYS
    assert kinds["AWS::CloudWatch::Dashboard"] == DASHBOARDS


def test_a_month_of_hours_is_a_month_of_each_and_a_stream_is_paid_by_the_hour_or_by_its_shards() -> None:
    month = hourly_use(make_site()) * HOURS_A_MONTH
    assert round(month.amount(UsageKind.ALARMS), 9) == ALARMS
    assert month.amount(UsageKind.KINESIS_STREAM_HOURS) == Decimal(720)
    fixed = hourly_use(make_site(deployment={"shards": 3}))
    assert fixed.amount(UsageKind.KINESIS_SHARD_HOURS) == 3
    assert fixed.amount(UsageKind.KINESIS_STREAM_HOURS) == 0
