"""Alarms, their runbook, the dashboard and the budget: templates, held against the metrics that the code emits."""

import ast
import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from framewatch.adapters.aws.meter import NAMESPACE, EmfMeter
from framewatch.domain.budget import BudgetStep
from framewatch.domain.errors import (
    NotificationRejected,
    NotificationUnavailable,
    RetryableError,
    StorageUnavailable,
    VisionDenied,
    VisionThrottled,
    VisionUnavailable,
)
from framewatch.services.choose_analysis import SPARED_AS
from framewatch.services.process_frames import process_batch
from framewatch.services.watch_over import watch_over
from infra.settings import REPO
from lambdas.image_processor.handler import SERVICE
from lambdas.watchdog.handler import SERVICE as WATCHDOG
from local_cloud.assembly import load_assembly
from local_cloud.clients import REGION
from local_cloud.deploy import deploy
from local_cloud.emulator import ACCOUNT, Emulator
from tests.batches import ANA, BO, failing_record, record
from tests.fakes import World, make_site
from tests.frames import PERSON, beat_record, make_heartbeat, make_record
from tests.infra.conftest import Assembly, synthesise
from tests.unit.test_process_frames_spared import SparingWorld
from tests.watch_fakes import WatchWorld

pytestmark = pytest.mark.slow

RUNBOOK = REPO / "docs" / "operations.md"
MORE, LESS = "GreaterThanOrEqualToThreshold", "LessThanThreshold"

# name: metric, statistic, comparison, threshold, periods of five minutes, what missing data means
EXPECTED = {
    "stream-silent": ("IncomingRecords", "Sum", LESS, 1, 3, "breaching"),
    "stream-unread": ("GetRecords.Success", "Sum", LESS, 1, 3, "breaching"),
    "stream-throttled": ("WriteProvisionedThroughputExceeded", "Sum", MORE, 1, 3, "notBreaching"),
    "frames-late": ("IteratorAge", "Maximum", MORE, 61_000, 2, "notBreaching"),
    "failure-queue": ("ApproximateNumberOfMessagesVisible", "Maximum", MORE, 1, 1, "notBreaching"),
    "records-rejected": ("RecordsRejected", "Sum", MORE, 1, 3, "notBreaching"),
    "frames-given-up": ("OnFailureDestinationDeliveredEventCount", "Sum", MORE, 1, 1, "notBreaching"),
    "frames-lost": ("DestinationDeliveryFailures", "Sum", MORE, 1, 1, "notBreaching"),
    "unexpected-errors": ("UnexpectedErrors", "Sum", MORE, 1, 1, "notBreaching"),
    "site-unavailable": ("SiteUnavailable", "Sum", MORE, 2, 1, "notBreaching"),
    "image-processor-errors": ("Errors", "Sum", MORE, 2, 1, "notBreaching"),
    "image-processor-throttles": ("Throttles", "Sum", MORE, 1, 3, "notBreaching"),
    "image-processor-slow": ("Duration", "Maximum", MORE, 96_000, 3, "notBreaching"),
    "watchdog-errors": ("Errors", "Sum", MORE, 2, 1, "notBreaching"),
    "watchdog-silent": ("Invocations", "Sum", LESS, 1, 1, "breaching"),
    "operator-actions-errors": ("Errors", "Sum", MORE, 2, 1, "notBreaching"),
    "alert-link-errors": ("Errors", "Sum", MORE, 2, 1, "notBreaching"),
    "frame-fetcher-errors": ("Errors", "Sum", MORE, 2, 1, "notBreaching"),
    "frame-fetcher-throttles": ("Throttles", "Sum", MORE, 1, 3, "notBreaching"),
    "vision-denied": ("VisionDenied", "Sum", MORE, 1, 2, "notBreaching"),
    "vision-unavailable": ("VisionUnavailable", "Sum", MORE, 1, 2, "notBreaching"),
    "vision-throttled": ("VisionThrottled", "Sum", MORE, 1, 3, "notBreaching"),
    "alerts-failed": ("AlertsFailed", "Sum", MORE, 1, 1, "notBreaching"),
    "texts-rejected": ("TextsRejected", "Sum", MORE, 1, 1, "notBreaching"),
    "text-errors": ("TextErrors", "Sum", MORE, 1, 2, "notBreaching"),
    "watchdog-alerts-failed": ("AlertsFailed", "Sum", MORE, 1, 1, "notBreaching"),
    "watchdog-texts-rejected": ("TextsRejected", "Sum", MORE, 1, 1, "notBreaching"),
    "watchdog-text-errors": ("TextErrors", "Sum", MORE, 1, 2, "notBreaching"),
    "sms-spend": ("SMSMonthToDateSpentUSD", "Maximum", MORE, 0.8, 1, "ignore"),
    "api-errors": ("5xx", "Sum", MORE, 5, 1, "notBreaching"),
    "api-slow": ("Latency", "p95", MORE, 3000, 3, "notBreaching"),
}
# What the functions count and neither alarm nor dashboard shows; it is in CloudWatch > Metrics all the same.
NOT_SHOWN = {
    "AlertsDeferred": "the watchdog's next round has them; what lasts is an alert that reached nobody",
    "AlertsHeld": "GET /v1/withheld has each with its reason",
    "AlertsLeftToWatchdog": "a minute later it is sent, or fails and is counted as that",
    "AlertsWithheld": "GET /v1/withheld has each with its reason",
    "BudgetChanges": "a text tells each, and GET /v1/budget",
    "CamerasSilent": "a text tells each by name, and GET /v1/cameras",
    "CountsDeferred": "charts catch up by themselves; the watchdog's log says for how many cameras",
    "DigestsSent": "each is a text that was sent",
    "FramesDuplicate": "redelivery is Kinesis's way, and costs nothing",
    "FramesLate": "a box that sends its backlog; each is stored and counted as any other",
    "HeartbeatsStale": "a heartbeat that came twice, or after its successor",
    "RecordsReceived": "what arrives and what is sent round again are shown, by Kinesis and RecordsFailed",
    "TextsHeld": "GET /v1/withheld has each with its reason",
    "TopicMessagesSent": "what listens to the topic is not ours, and counts for itself",
    "TroublesTold": "each is a text that was sent",
    "VisionErrors": "its three kinds are shown",
    "VisitConflicts": "tried again at once; what lasts is an unexpected error",
    "Withheld-": "by reason: GET /v1/withheld has each",
}
# What a dimension must name, where it names a thing of ours.
NAMED = {
    "StreamName": "AWS::Kinesis::Stream",
    "EventSourceMappingUUID": "AWS::Lambda::EventSourceMapping",
    "FunctionName": "AWS::Lambda::Function",
    "QueueName": "AWS::SQS::Queue",
    "TableName": "AWS::DynamoDB::Table",
    "ApiId": "AWS::ApiGatewayV2::Api",
}


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


def alarms(assembly: Assembly, stage: str = "dev") -> dict[str, dict[str, Any]]:
    """The alarms' properties by name, without `framewatch-<stage>-`."""
    found = [a["Properties"] for a in assembly.resources("AWS::CloudWatch::Alarm").values()]
    prefix = f"framewatch-{stage}-"
    assert all(a["AlarmName"].startswith(prefix) for a in found)
    return {a["AlarmName"].removeprefix(prefix): a for a in found}


def resource_type(assembly: Assembly, value: Any) -> str:
    """Of what an intrinsic function of the operations stack names, through the exports of the other stacks."""
    resources = {i: r["Type"] for t in assembly.templates.values() for i, r in t["Resources"].items()}
    exports = {
        output["Export"]["Name"]: output["Value"]
        for template in assembly.templates.values()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    named = exports[value["Fn::ImportValue"]] if "Fn::ImportValue" in value else value
    logical_id = named["Ref"] if "Ref" in named else named["Fn::GetAtt"][0]
    return str(resources[logical_id])


def board(assembly: Assembly) -> dict[str, Any]:
    """The dashboard's body, each intrinsic function in it replaced by the type of what it names."""
    body = assembly.only("AWS::CloudWatch::Dashboard")["DashboardBody"]
    parts = [
        part
        if isinstance(part, str)
        else part["Ref"]
        if part.get("Ref") == "AWS::Region"
        else resource_type(assembly, part)
        for part in body["Fn::Join"][1]
    ]
    found: dict[str, Any] = json.loads("".join(parts))
    return found


def board_metrics(assembly: Assembly) -> Iterator[Metric]:
    for widget in board(assembly)["widgets"]:
        for row in widget["properties"].get("metrics", []):
            names = [part for part in row if isinstance(part, str)]
            if names:  # the others are searches
                yield Metric(names[0], names[1], frozenset(zip(names[2::2], names[3::2], strict=True)))


def alarm_metrics(assembly: Assembly) -> Iterator[Metric]:
    for alarm in alarms(assembly).values():
        dimensions = frozenset(
            (d["Name"], d["Value"] if isinstance(d["Value"], str) else resource_type(assembly, d["Value"]))
            for d in alarm.get("Dimensions", [])
        )
        yield Metric(alarm["Namespace"], alarm["MetricName"], dimensions)


# -- alarms ----------------------------------------------------------------------------------------------------------


def test_alarms_ring_when_they_should(assembly: Assembly) -> None:
    found = {
        name: (
            a["MetricName"],
            a.get("Statistic") or a["ExtendedStatistic"],
            a["ComparisonOperator"],
            a["Threshold"],
            a["EvaluationPeriods"],
            a["TreatMissingData"],
        )
        for name, a in alarms(assembly).items()
    }
    assert found == EXPECTED
    assert {a["Period"] for a in alarms(assembly).values()} == {300}
    assert all(a["DatapointsToAlarm"] == a["EvaluationPeriods"] for a in alarms(assembly).values())


def test_every_alarm_tells_the_topic_when_it_begins_and_when_it_is_over(assembly: Assembly) -> None:
    for name, alarm in alarms(assembly).items():
        assert alarm["AlarmActions"] == alarm["OKActions"], name
        (action,) = alarm["AlarmActions"]
        assert resource_type(assembly, action) == "AWS::SNS::Topic", name
        assert alarm.get("ActionsEnabled", True), name


def test_an_alarm_says_how_long_it_has_been_so(assembly: Assembly) -> None:
    for name, alarm in alarms(assembly).items():
        said = re.search(r"(\d+) minutes", alarm["AlarmDescription"])
        lasts = 5 * alarm["EvaluationPeriods"]
        # One period needs no word of it.
        assert lasts == 5 or (said is not None and int(said[1]) == lasts), (name, alarm["AlarmDescription"])


def test_a_percentile_of_a_few_requests_rings_nobody(assembly: Assembly) -> None:
    assert alarms(assembly)["api-slow"]["EvaluateLowSampleCountPercentile"] == "ignore"


def test_stages_side_by_side_have_alarms_and_dashboards_of_their_own(prod: Assembly) -> None:
    assert set(alarms(prod, "prod")) == set(EXPECTED)
    assert prod.only("AWS::CloudWatch::Dashboard")["DashboardName"] == "framewatch-prod"


def test_lambda_is_asked_to_count_what_it_gives_up(assembly: Assembly) -> None:
    assert assembly.only("AWS::Lambda::EventSourceMapping")["MetricsConfig"] == {"Metrics": ["EventCount"]}


# -- the runbook -----------------------------------------------------------------------------------------------------


def entries() -> dict[str, str]:
    """The runbook's text of each alarm, by its heading."""
    (chapter,) = re.findall(r"^## Alarms\n(.*?)^## ", RUNBOOK.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    parts = re.split(r"^### (.+)\n", chapter, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_every_alarm_has_an_entry_in_the_runbook_and_every_entry_an_alarm(assembly: Assembly) -> None:
    assert sorted(entries()) == sorted(alarms(assembly))


def test_an_alarm_leads_to_its_entry(assembly: Assembly) -> None:
    anchors = {anchor(heading) for heading in entries()}
    for name, alarm in alarms(assembly).items():
        file, _, place = alarm["AlarmDescription"].rpartition(" ")[2].partition("#")
        assert (REPO / file) == RUNBOOK, name
        assert place in anchors, name
        assert place == anchor(name)


@pytest.mark.parametrize("heading", sorted(EXPECTED))
def test_an_entry_says_what_it_means_where_to_look_what_to_do_and_when_it_clears(heading: str) -> None:
    said = {word.lower() for word in re.findall(r"\*\*(\w+)\*\*", entries()[heading])}
    assert {"means", "look", "do", "clears"} <= said


def test_links_inside_the_runbook_lead_somewhere() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    for file, heading in re.findall(r"\]\(([^#)]*)#?([^)]*)\)", text):
        there = (RUNBOOK.parent / file) if file else RUNBOOK
        assert there.is_file(), file
        headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE) if heading else []
        assert not heading or heading in {anchor(found) for found in headings}, f"{file}#{heading}"


# -- metrics ---------------------------------------------------------------------------------------------------------


def emitted(printed: str) -> set[Metric]:
    """What CloudWatch would make of these lines of embedded metrics."""
    found = set()
    for line in printed.splitlines():
        entry = json.loads(line)
        for metrics in entry["_aws"]["CloudWatchMetrics"]:
            for names in metrics["Dimensions"]:
                dimensions = frozenset((name, entry[name]) for name in names)
                found |= {Metric(metrics["Namespace"], m["Name"], dimensions) for m in metrics["Metrics"]}
    return found


def go_through_everything(meter: EmfMeter) -> None:
    """A good day, and each thing that can go wrong, once."""

    def process(world: World, *records: Any, seconds_left: Iterator[float] | None = None) -> None:
        left = seconds_left or iter(lambda: 300.0, None)
        process_batch(records, replace(world.deps(), meter=meter), lambda: next(left))
        meter.flush()

    world = World()
    process(world, record(world, 0, PERSON), beat_record(make_heartbeat(), n=1))
    for error in (VisionThrottled("x"), VisionUnavailable("x"), VisionDenied("x"), RuntimeError("x")):
        world = World()
        process(world, failing_record(world, 0, error))
    world = World()
    process(world, replace(record(world, 0, PERSON), partition_key="elsewhere"))
    for refused in (NotificationRejected("x"), NotificationUnavailable("x")):
        world = World()
        world.texts.errors[ANA] = [refused]
        process(world, record(world, 0, PERSON))
    world = World()
    world.site.error = StorageUnavailable("x")
    process(world, record(world, 0, PERSON))
    world = World()
    process(world, record(world, 0, PERSON), seconds_left=iter([300.0, 1.0, 1.0]))
    sparing = SparingWorld()
    first = sparing.frame(1, PERSON)
    process(sparing, *map(make_record, (first, sparing.frame(2, like=first))))
    sparing.site.config = make_site(vision={"trust_screen": True})
    process(sparing, make_record(sparing.frame(3, screened_out=True)))
    sparing.step(BudgetStep.KEEP_ONLY)
    process(sparing, make_record(sparing.frame(4)))


ESCALATING = {"id": "door", "labels": ["Person"], "notify": ["ana"], "escalate_to": ["bo"], "escalate_after_s": 60}


def see_everything_through(meter: EmfMeter) -> None:
    """An alert that nobody answers, and each way in which the watchdog can fail to tell somebody."""

    def watch(*then: Exception) -> None:
        world = WatchWorld(make_site(watch={}, rules=[ESCALATING], watchdog={"enabled": False}))
        if then:
            world.texts.errors[ANA] = [NotificationUnavailable("at once"), *then]
            world.texts.errors[BO] = [NotificationRejected("x")]
        process_batch([record(world, 0, PERSON)], world.deps(), lambda: 300.0)
        for _ in range(5):
            world.clock.advance(60)
            with contextlib.suppress(RetryableError):  # the run fails; the next one goes on
                watch_over(replace(world.watch_deps(), meter=meter), lambda: 50.0)
        meter.flush()

    watch()
    watch(NotificationUnavailable("x"), NotificationRejected("x"))


def test_alarms_and_dashboard_read_only_metrics_that_the_functions_emit(
    assembly: Assembly, capsys: pytest.CaptureFixture[str]
) -> None:
    (stage,) = {
        f["Properties"]["Environment"]["Variables"]["FW_STAGE"]
        for f in assembly.resources("AWS::Lambda::Function", "processing").values()
    }
    capsys.readouterr()
    go_through_everything(EmfMeter(SERVICE, stage))
    see_everything_through(EmfMeter(WATCHDOG, stage))
    told = emitted(capsys.readouterr().out)
    read = {m for m in (*alarm_metrics(assembly), *board_metrics(assembly)) if m.namespace == NAMESPACE}
    assert len(read) > 10
    assert read <= told, read - told


# Names that are put together, by the code that does it.
PUT_TOGETHER = {
    "SPARED_AS[choice.analysis]": set(SPARED_AS.values()),
    "type(error).__name__": {error.__name__ for error in (VisionThrottled, VisionUnavailable, VisionDenied)},
}


def counted_names() -> set[str]:
    """Every name under which the code counts or times something; of one that ends in a variable, how it begins."""
    found: set[str] = set()
    for path in (*(REPO / "framewatch" / "services").rglob("*.py"), *(REPO / "lambdas").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args):
                continue
            counter = ast.unparse(call.func.value).rpartition(".")[2].lstrip("_")
            if counter not in {"tally", "meter"} or call.func.attr not in {"count", "time_ms"}:
                continue
            if path.name == "tally.py":
                continue  # it passes on what it was given
            written = ast.unparse(call.args[0])
            names = {
                n.value for n in ast.walk(call.args[0]) if isinstance(n, ast.Constant) and isinstance(n.value, str)
            }
            names |= PUT_TOGETHER.get(written, set())
            assert names, f"{path.name} counts {written}: add to PUT_TOGETHER what that can be"
            found |= names
    return found


def test_whatever_is_counted_is_shown_or_alarmed_on_or_left_out_for_a_reason(assembly: Assembly) -> None:
    read = {m.name for m in (*alarm_metrics(assembly), *board_metrics(assembly)) if m.namespace == NAMESPACE}
    counted = counted_names()
    assert len(counted) > 30
    assert counted - read - NOT_SHOWN.keys() == set(), "show it on the dashboard, or say in NOT_SHOWN why not"
    assert NOT_SHOWN.keys() <= counted - read, "what is shown, or counted no more, needs no reason"


def test_alarms_and_dashboard_name_things_that_are_there(assembly: Assembly) -> None:
    for metric in (*alarm_metrics(assembly), *board_metrics(assembly)):
        for dimension, value in metric.dimensions:
            if metric.namespace.startswith("AWS/") and dimension != "Operation":
                assert value == NAMED[dimension], metric


def test_what_belongs_to_the_whole_account_names_nothing_of_ours(assembly: Assembly) -> None:
    of_the_account = {
        m.namespace: set(m.dimensions)
        for m in (*alarm_metrics(assembly), *board_metrics(assembly))
        if m.namespace in {"AWS/SNS", "AWS/Rekognition"}
    }
    assert of_the_account == {"AWS/SNS": set(), "AWS/Rekognition": {("Operation", "DetectLabels")}}


# -- the dashboard ---------------------------------------------------------------------------------------------------


def test_the_dashboard_shows_every_alarm_and_fits_the_free_ones(assembly: Assembly) -> None:
    (status,) = [w for w in board(assembly)["widgets"] if w["type"] == "alarm"]
    assert status["properties"]["alarms"] == ["AWS::CloudWatch::Alarm"] * len(EXPECTED)
    assert len(list(board_metrics(assembly))) <= 50


# -- settings and the budget -----------------------------------------------------------------------------------------

ASKED = """
cameras: [{id: front-door}]
deployment:
  window_s: 30
  sms_spend_limit_usd: 20
  monthly_budget_usd: 40
  alarm_emails: [ana@example.com, bo@example.com]
"""


def synthesise_site(tmp: Path, packages: Path, text: str) -> subprocess.CompletedProcess[str]:
    site = tmp / "site.yaml"
    site.write_text(text, encoding="utf-8")
    return synthesise(tmp / "out", packages, "--site", str(site))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, packages: Path) -> Assembly:
    tmp = tmp_path_factory.mktemp("asked")
    done = synthesise_site(tmp, packages, ASKED)
    assert done.returncode == 0, done.stdout + done.stderr
    return Assembly(tmp / "out")


def test_alarms_follow_the_site_file(asked: Assembly) -> None:
    found = alarms(asked)
    assert found["sms-spend"]["Threshold"] == 16
    # A frame that waits for company is not late.
    assert found["frames-late"]["Threshold"] == 90_000


def test_the_budget_is_a_stack_of_its_own_that_nothing_needs(asked: Assembly) -> None:
    template = asked.templates["budget"]
    assert [r["Type"] for r in template["Resources"].values()] == ["AWS::Budgets::Budget"]
    assert "Fn::ImportValue" not in json.dumps(template)
    assert "Outputs" not in template
    artifacts = json.loads((asked.folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    stacks = [name for name, a in artifacts.items() if a["type"] == "aws:cloudformation:stack"]
    assert stacks[-1] == "framewatch-dev-budget"
    assert not set(artifacts["framewatch-dev-budget"]["dependencies"]) & set(stacks)


def test_the_budget_mails_everybody_at_half_at_four_fifths_when_spent_and_when_it_will_be(asked: Assembly) -> None:
    properties = asked.only("AWS::Budgets::Budget")
    assert properties["Budget"] == {
        "BudgetName": "framewatch-dev",
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 40, "Unit": "USD"},
    }
    told = properties["NotificationsWithSubscribers"]
    assert [(n["Notification"]["NotificationType"], n["Notification"]["Threshold"]) for n in told] == [
        ("ACTUAL", 50),
        ("ACTUAL", 80),
        ("ACTUAL", 100),
        ("FORECASTED", 100),
    ]
    for each in told:
        assert [s["Address"] for s in each["Subscribers"]] == ["ana@example.com", "bo@example.com"]


def test_without_a_budget_there_is_no_stack_of_it(assembly: Assembly) -> None:
    assert "budget" not in assembly.templates


# -- in the emulator -------------------------------------------------------------------------------------------------


def test_an_alarm_reaches_whoever_listens_and_says_where_to_read_on(assembly: Assembly, tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, function_env={})
    try:
        emulator.wait_ready()
        outputs = deploy(load_assembly(assembly.folder, account=ACCOUNT, region=REGION), emulator.client)
        sqs, sns, cloudwatch = (emulator.client(name) for name in ("sqs", "sns", "cloudwatch"))
        queue = sqs.create_queue(QueueName="listener")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=outputs["AlarmTopicArn"], Protocol="sqs", Endpoint=arn)
        dimensions = [{"Name": "service", "Value": SERVICE}, {"Name": "stage", "Value": "dev"}]
        failed = {"MetricName": "AlertsFailed", "Value": 1, "Dimensions": dimensions}
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[failed])
        (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
        told = json.loads(json.loads(message["Body"])["Message"])
        assert (told["AlarmName"], told["NewStateValue"]) == ("framewatch-dev-alerts-failed", "ALARM")
        assert told["AlarmDescription"].endswith("docs/operations.md#alerts-failed")
        assert cloudwatch.get_dashboard(DashboardName=outputs["OperationsDashboardName"])["DashboardBody"]
    finally:
        emulator.stop()
