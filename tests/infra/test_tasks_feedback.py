"""falsealarms: what people said of alerts, counted for each rule and camera."""

from datetime import timedelta

import pytest

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.domain.alerts import Answer, AnswerKind
from infra.settings import SITE_KEY
from infra.tasks.feedback import false_alarms
from infra.tasks.problem import TaskProblem
from tests.frames import NOON
from tests.infra import test_tasks_links as links
from tests.infra.fake_aws import Account

# The fixture: a deployed stage with an empty table.
alerts = links.alerts
SITE = b"""
site: {time_zone: Europe/Madrid}
cameras: [{id: front-door}, {id: garage}]
watch: {labels: [Person], phone: "+34600123456"}
"""


@pytest.fixture(autouse=True)
def site(account: Account, alerts: DynamoAlertTable) -> None:
    account.client("s3").put_object(Bucket="config-bucket", Key=SITE_KEY, Body=SITE)


def test_false_alarms_are_counted_for_each_rule_and_camera_with_the_newest_frame(
    account: Account, alerts: DynamoAlertTable
) -> None:
    for camera_id, hours_ago in (("garage", 2), ("front-door", 30), ("front-door", 1), ("front-door", 3)):
        kind = AnswerKind.TAKEN if hours_ago == 3 else AnswerKind.FALSE_ALARM
        alerts.answer(links.an_alert(account, camera_id, hours_ago).ref, kind, Answer("ana", NOON))
    at = NOON - timedelta(hours=1)
    assert at.isoformat() == "2026-03-14T11:00:00+00:00"
    assert false_alarms(account.stage()) == [
        "2  watch at front-door, the newest 14 Mar 2026 12:00 (CET): Person 90%, frame front-door-1",
        "1  watch at garage, the newest 14 Mar 2026 11:00 (CET): Person 90%, frame garage-2",
    ]


def test_where_there_are_none_it_says_so(account: Account) -> None:
    assert false_alarms(account.stage()) == ["nobody has called an alert of these rules a false alarm"]


def test_a_table_that_does_not_answer_is_told(account: Account) -> None:
    account.client("dynamodb").delete_table(TableName=account.stacks.add("data").outputs["TableName"])
    with pytest.raises(TaskProblem, match="run it again"):
        false_alarms(account.stage())
