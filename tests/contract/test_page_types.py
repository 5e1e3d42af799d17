"""The dashboard's TypeScript types name exactly the fields that the API's OpenAPI document does."""

import json
import re
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
SCHEMAS = json.loads((REPO / "docs" / "openapi.json").read_text("utf-8"))["components"]["schemas"]
TYPES = (REPO / "web_ui" / "src" / "api" / "types.ts").read_text("utf-8")


def fields_of(interface: str) -> set[str]:
    (body,) = re.findall(rf"export interface {interface} {{\n(.*?)\n}}", TYPES, re.DOTALL)
    return set(re.findall(r"^  (\w+)\??:", body, re.MULTILINE))


@pytest.mark.parametrize(
    ("interface", "schema"),
    [
        ("Frame", "FrameView"),
        ("Label", "LabelView"),
        ("Instance", "InstanceView"),
        ("FramesPage", "FramesPage"),
        ("Camera", "CameraView"),
        ("Zone", "ZoneView"),
        ("Rule", "RuleView"),
        ("Site", "SiteView"),
        ("Stats", "StatsView"),
        ("StatsBucket", "StatsBucketView"),
        ("ErrorBody", "ErrorBody"),
        ("AlertsPage", "AlertsPage"),
        ("Delivery", "DeliveryView"),
        ("EscalationStep", "EscalationStep"),
        ("Joined", "JoinedView"),
        ("Trace", "TraceView"),
        ("Answered", "AnsweredView"),
        ("Visit", "VisitView"),
        ("VisitsPage", "VisitsPage"),
        ("Withheld", "WithheldView"),
        ("WithheldPage", "WithheldPage"),
        ("CameraStatus", "CameraStatusView"),
        ("CameraStatuses", "CamerasView"),
        ("CameraStep", "CameraStepView"),
        ("Costs", "CostsView"),
        ("SiteCosts", "SiteCostsView"),
        ("CameraCosts", "CameraCostsView"),
        ("DayCost", "DayCostView"),
        ("Saved", "SavedView"),
        ("BudgetAmounts", "BudgetAmountsView"),
        ("BudgetSteps", "BudgetView"),
        ("BudgetChange", "BudgetChangeView"),
        ("Snoozes", "SnoozesView"),
        ("LimitsSettings", "LimitsSettingsView"),
        ("LimitsUse", "LimitsUseView"),
        ("Latency", "LatencyView"),
        ("Stats", "StatsView"),
    ],
)
def test_the_page_reads_the_fields_that_the_api_answers(interface: str, schema: str) -> None:
    assert fields_of(interface) == set(SCHEMAS[schema]["properties"])


def test_the_page_knows_every_reason_for_sending_a_frame() -> None:
    (union,) = re.findall(r"export type GateReason = (.*);", TYPES)
    assert set(re.findall(r'"(\w+)"', union)) == set(SCHEMAS["GateReason"]["enum"])


def test_the_page_knows_everything_that_vision_may_have_made_of_a_frame() -> None:
    (union,) = re.findall(r"export type Analysis = (.*);", TYPES)
    assert set(re.findall(r'"(\w+)"', union)) == set(SCHEMAS["Analysis"]["enum"])
