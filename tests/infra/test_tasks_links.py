"""revokelinks: what was sent opens nothing, what is sent later does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.alerts import Alert, AlertLink
from framewatch.domain.visits import Visit, VisitChange, VisitSighting
from framewatch.services.ports import Decided
from infra.settings import PARTS, SITE_KEY
from infra.tasks.links import revoke_links
from infra.tasks.problem import TaskProblem
from tests.aws import TABLE, create_table
from tests.frames import NOON
from tests.infra.fake_aws import REGION, Account

SITE = b"cameras: [{id: front-door}, {id: garage}]\nalerts: {link_hours: 24}\n"


@pytest.fixture
def alerts(account: Account) -> DynamoAlertTable:
    """A deployed stage with a site file and an empty table."""
    create_table(account.client("dynamodb"))
    account.client("s3").create_bucket(
        Bucket="config-bucket", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    account.client("s3").put_object(Bucket="config-bucket", Key=SITE_KEY, Body=SITE)
    for part in PARTS:
        account.stacks.add(part)
    account.stacks.add("data").outputs = {"TableName": TABLE, "ConfigBucketName": "config-bucket"}
    return DynamoAlertTable(DynamoTable(account.client("dynamodb"), TABLE))


def an_alert(account: Account, camera_id: str, hours_ago: float) -> Alert:
    """One that is stored, as the image processor does it."""
    at = NOON - timedelta(hours=hours_ago)
    seen = VisitSighting(f"{camera_id}-{hours_ago}", at, 90.0)
    visit = Visit(f"{seen.frame_id}/Person", camera_id, "Person", at, at, 1, seen)
    alert = Alert(
        alert_id=f"{visit.visit_id}/watch",
        rule_id="watch",
        scope=camera_id,
        visit_id=visit.visit_id,
        camera_id=camera_id,
        label="Person",
        confidence=90.0,
        frame_id=seen.frame_id,
        captured_at=at,
        decided_at=at,
        notify=("ana",),
    )
    table = DynamoVisitTable(DynamoTable(account.client("dynamodb"), TABLE))
    table.apply(VisitChange((), visit, (seen,)), Decided(alerts=(alert,), due_at=at), NOON + timedelta(days=90))
    return alert


def test_every_link_that_was_sent_opens_nothing_and_a_later_one_does(
    account: Account, alerts: DynamoAlertTable, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = []
    for n, (camera_id, hours_ago) in enumerate([("front-door", 0.1), ("front-door", 30), ("garage", 23)]):
        alert = an_alert(account, camera_id, hours_ago)
        for contact_id in ("ana", "bo"):
            tokens.append(f"{n}{contact_id}".ljust(20, "x"))
            alerts.put_link(tokens[-1], AlertLink(alert.ref, contact_id, NOON + timedelta(hours=1)))
    assert revoke_links(account.stage(), NOON) == 6
    assert "6 links to alerts since 2026-03-12 open nothing any more" in capsys.readouterr().out
    links = [alerts.link(token) for token in tokens]
    assert [link.revoked for link in links if link] == [True] * 6
    alerts.put_link("later".ljust(20, "x"), replace(links[0] or AlertLink(alert.ref, "ana", NOON), revoked=False))
    later = alerts.link("later".ljust(20, "x"))
    assert later is not None
    assert not later.revoked


def test_without_a_site_file_it_says_what_to_do(account: Account, alerts: DynamoAlertTable) -> None:
    account.client("s3").delete_object(Bucket="config-bucket", Key=SITE_KEY)
    with pytest.raises(TaskProblem, match="upload one with `pynt configure`"):
        revoke_links(account.stage(), NOON)
