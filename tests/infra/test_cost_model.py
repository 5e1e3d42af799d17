"""The estimator's count of what stands there, against the templates."""

from decimal import Decimal

import pytest

from framewatch.domain import estimate as model
from tests.infra.conftest import Assembly

pytestmark = pytest.mark.slow


def test_the_estimator_counts_the_alarms_keys_and_dashboards_of_the_templates(assembly: Assembly) -> None:
    assert len(assembly.resources("AWS::CloudWatch::Alarm")) == model.ALARMS
    assert len(assembly.resources("AWS::KMS::Key")) == model.KMS_KEYS
    assert len(assembly.resources("AWS::CloudWatch::Dashboard")) == model.DASHBOARDS


def test_the_estimator_knows_the_functions_memory(assembly: Assembly) -> None:
    memory = {
        name: Decimal(f["Properties"]["MemorySize"]) / 1024
        for name, f in assembly.resources("AWS::Lambda::Function").items()
    }
    by_name = {
        prefix: next(gb for name, gb in memory.items() if name.startswith(prefix))
        for prefix in ("ImageProcessor", "Watchdog", "FrameFetcher")
    }
    assert by_name == {
        "ImageProcessor": model.PROCESSOR_GB,
        "Watchdog": model.WATCHDOG_GB,
        "FrameFetcher": model.API_GB,
    }
