"""The whole function on moto, minute by minute: heartbeats and alerts in the table, texts out of SNS."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.budget_table import DynamoBudgetTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.adapters.aws.use_table import DynamoUseTable
from framewatch.domain.alerts import Alert, OpenAlert
from framewatch.domain.budget import BudgetStep
from framewatch.domain.errors import RetryableError
from framewatch.domain.limits import Held
from framewatch.domain.usage import Usage, UsageKind
from framewatch.domain.use import ProcessUse
from framewatch.wire.edge_control import decode_edge_control
from framewatch.wire.heartbeat_items import StoredHeartbeat
from lambdas.watchdog import handler
from tests.aws import REGION, TABLE, all_items, create_table, set_credentials
from tests.fakes import FakeClock
from tests.frames import NOON, make_heartbeat
from tests.tables import EXPIRES, in_dynamodb, seen
from tests.watch_fakes import frame_of

CONFIG = "framewatch-config-bucket"
ANA, BO = "+34600123456", "+34600654321"
SITE = """
site: {name: Shop, time_zone: Europe/Madrid}
cameras:
  - {id: front, name: Front door}
  - {id: yard, name: Yard}
  - {id: attic}
contacts:
  - {id: ana, phone: "+34600123456"}
  - {id: bo, phone: "+34600654321"}
watch: {labels: [Person], min_confidence: 80, notify: [ana]}
"""


class Context:
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 50_000


class Cloud:
    """The deployed function's surroundings, and a clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.s3 = boto3.client("s3")
        self.dynamodb = boto3.client("dynamodb")
        create_table(self.dynamodb)
        self.s3.create_bucket(Bucket=CONFIG, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.put_site(SITE)
        topic = boto3.client("sns").create_topic(Name="alerts")["TopicArn"]
        for name, value in {
            "FW_TABLE": TABLE,
            "FW_FRAMES_BUCKET": "framewatch-frames-bucket",
            "FW_CONFIG_BUCKET": CONFIG,
            "FW_STAGE": "test",
            "FW_LINK_BASE_URL": "https://cams.example",
            "FW_ALERT_TOPIC_ARN": topic,
        }.items():
            monkeypatch.setenv(name, value)
        self.clock = FakeClock()
        monkeypatch.setattr(handler, "SystemClock", lambda: self.clock)
        table = DynamoTable(self.dynamodb, TABLE)
        self.heartbeats, self.frames = DynamoHeartbeatTable(table), DynamoFrameTable(table)
        self.alerts = DynamoAlertTable(table)
        self.beats = 0

    def put_site(self, text: str) -> None:
        self.s3.put_object(Bucket=CONFIG, Key="site.yaml", Body=text.encode())

    def invoke(self) -> None:
        handler.lambda_handler({"source": "aws.scheduler"}, Context())  # type: ignore[arg-type]

    def tick(self, minutes: int, *alive: str) -> list[str]:
        """A heartbeat of each that is alive and an invocation, every minute; what was texted meanwhile."""
        before = len(self.texts)
        for _ in range(minutes):
            self.clock.advance(60)
            self.beats += 1
            for camera_id in alive:
                beat = make_heartbeat(self.beats, camera_id=camera_id, at=self.clock.now())
                self.heartbeats.put(StoredHeartbeat.of(beat, self.clock.now()), EXPIRES)
            self.invoke()
        return [text for _, text in self.texts[before:]]

    def items(self, pk: str) -> list[dict[str, Any]]:
        return [i for i in all_items(self.dynamodb) if i["pk"]["S"] == pk]

    @property
    def texts(self) -> list[tuple[str, str]]:
        sent = sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages.values()
        return [(phone, text) for phone, text, *_ in sent]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    set_credentials(monkeypatch)
    handler.app.cache_clear()
    with mock_aws():
        yield Cloud(monkeypatch)
    handler.app.cache_clear()


@pytest.fixture
def log(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What the function writes; its logger keeps the stdout of the process's first invocation."""
    handler.app()
    written = StringIO()
    monkeypatch.setattr(logging.getLogger("framewatch"), "handlers", [logging.StreamHandler(written)])
    return written


def metrics(out: str) -> dict[str, float]:
    """By name, of the function's last line of them."""
    (line,) = [json.loads(text) for text in out.splitlines() if '"CloudWatchMetrics"' in text][-1:]
    names = [m["Name"] for d in line["_aws"]["CloudWatchMetrics"] for m in d["Metrics"]]
    return {name: line[name][0] for name in names} | {"service": line["service"]}


def test_a_camera_falls_silent_and_is_back_and_leaves_nothing_behind(cloud: Cloud, capsys: Any) -> None:
    assert cloud.tick(3, "front", "yard") == []
    assert metrics(capsys.readouterr().out) == {"CamerasSilent": 0, "service": "watchdog"}
    assert cloud.tick(5, "yard") == ["Framewatch: Front door camera silent since 13:03 (CET). Shop"]
    assert metrics(capsys.readouterr().out) == {
        "CamerasSilent": 1,
        "TextsSent": 1,
        "TroublesTold": 1,
        "service": "watchdog",
    }
    assert [i["sk"]["S"] for i in cloud.items("TROUBLE")] == ["camera#front"]
    assert cloud.tick(2, "yard", "front") == [
        "Framewatch: Front door camera is back, silent 13:03 to 13:09 (CET). Shop"
    ]
    cloud.tick(31, "yard", "front")
    assert cloud.items("TROUBLE") == []
    assert {phone for phone, _ in cloud.texts} == {ANA}


def test_a_dead_box_is_one_text_and_a_camera_without_heartbeats_is_missed_by_its_frames(cloud: Cloud) -> None:
    cloud.frames.put(frame_of("attic", NOON + timedelta(seconds=120)), EXPIRES)
    cloud.tick(2, "front", "yard")
    (text,) = cloud.tick(10)
    assert text == (
        "Framewatch: Nothing is processed since 13:02 (CET). Box shop-1 silent since 13:02 (CET): 2 cameras."
        " attic camera silent since 13:02 (CET). Shop"
    )


def waiting(cloud: Cloud, due_at: datetime, **fields: Any) -> Alert:
    """An alert that nobody has sent, due then."""
    alert = in_dynamodb(cloud.dynamodb).open_with_alert(seen(0), notify=("ana",), **fields)
    (work,) = cloud.alerts.open_work()[0]
    cloud.alerts.reschedule(work, OpenAlert(alert.ref, due_at))
    return alert


def test_an_alert_is_sent_and_escalated_until_it_ends(cloud: Cloud, capsys: Any) -> None:
    waiting(cloud, NOON + timedelta(seconds=60), escalate_to=("bo",), escalate_after_s=300.0)
    assert len(cloud.tick(1)) == 1
    assert cloud.tick(4) == []
    assert len(cloud.tick(1)) == 1
    assert metrics(capsys.readouterr().out)["AlertsEscalated"] == 1
    assert [phone for phone, _ in cloud.texts] == [ANA, BO]
    assert cloud.tick(5) == []
    assert cloud.items("OPEN") == []


def test_what_was_held_back_is_one_digest(cloud: Cloud, capsys: Any) -> None:
    for n in range(3):
        held = Held("ana", "front", "limit", NOON, NOON)
        cloud.alerts.put_held(f"ana#alert-{n}", held, EXPIRES)
    assert cloud.tick(14) == []
    assert cloud.tick(1) == ["Framewatch: 3 more since 13:00 (CET): Front door. Shop https://cams.example"]
    assert metrics(capsys.readouterr().out)["DigestsSent"] == 1
    assert cloud.items("OPEN") == []


def test_delivered_twice_in_one_minute_it_tells_nothing_twice(cloud: Cloud) -> None:
    waiting(cloud, NOON)
    cloud.tick(2, "front", "yard")
    cloud.tick(5, "yard")
    told = len(cloud.texts)
    cloud.invoke()
    cloud.invoke()
    assert (told, len(cloud.texts)) == (2, 2)


def test_without_a_site_file_the_invocation_fails_and_says_what_to_do(cloud: Cloud, log: StringIO) -> None:
    cloud.s3.delete_object(Bucket=CONFIG, Key="site.yaml")
    with pytest.raises(RetryableError, match=r"nothing is watched without a site file.*`pynt configure`"):
        cloud.invoke()
    assert "no site configuration, nothing is watched" in log.getvalue()


def test_without_a_table_the_invocation_fails_and_says_which(cloud: Cloud, log: StringIO) -> None:
    cloud.dynamodb.delete_table(TableName=TABLE)
    with pytest.raises(RetryableError, match=r"alerts: table framewatch.*digests: table framewatch.*troubles: table"):
        cloud.invoke()


def test_a_number_that_sns_refuses_is_logged_without_the_number(cloud: Cloud, log: StringIO) -> None:
    def refuse(**_: Any) -> None:
        message = f"Invalid parameter: PhoneNumber Reason: {ANA} is not valid to publish to"
        raise ClientError({"Error": {"Code": "InvalidParameter", "Message": message}}, "Publish")

    cloud.tick(2, "front", "yard")
    client = handler.app().deps.sending.texts._client  # type: ignore[attr-defined]
    client.meta.events.register("before-call.sns.Publish", refuse)
    assert cloud.tick(8, "yard") == []
    assert log.getvalue().count("SNS will not text") == 1
    assert ANA not in log.getvalue()


def test_what_was_used_is_priced_and_the_budget_is_held(cloud: Cloud) -> None:
    """The meter's figures to cameras' steps, a text and the box's document."""
    cloud.put_site(SITE + "budget: {per_month_usd: 80}\n")
    images = {"front": Usage({UsageKind.IMAGES_ANALYSED: 70_000})}
    use = ProcessUse(NOON.date(), "image_processor", "1", NOON, by_camera=images)
    DynamoUseTable(DynamoTable(cloud.dynamodb, TABLE)).put_process(use, EXPIRES)
    (text,) = cloud.tick(7, "front", "yard", "attic")
    assert text.startswith(
        "Framewatch: Month's budget: all cameras: frames kept, not analysed until 1 Apr 00:00 (CEST), 70."
    )
    state = DynamoBudgetTable(DynamoTable(cloud.dynamodb, TABLE)).state()
    assert {state.step_of(c, cloud.clock.now()) for c in ("front", "yard", "attic")} == {BudgetStep.KEEP_ONLY}
    key = "edge/framewatch-test-edge-shop-1/control.json"
    control = decode_edge_control(cloud.s3.get_object(Bucket=CONFIG, Key=key)["Body"].read())
    assert control.slow_by == {"front": 4, "yard": 4, "attic": 4}
    cloud.put_site(SITE + "budget: {per_month_usd: 800}\n")
    assert cloud.tick(7, "front", "yard", "attic") == [
        "Framewatch: Month's budget: all cameras: fully analysed again. Shop"
    ]
