"""The links in texts: ended before their time, when a phone is lost or a text went to the wrong number."""

from datetime import datetime, timedelta
from math import ceil

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.domain.errors import FramewatchError
from framewatch.wire.items import day_of
from infra.tasks.capture import running_site
from infra.tasks.problem import TaskProblem
from infra.tasks.session import Stage
from infra.tasks.stacks import outputs


def revoke_links(stage: Stage, now: datetime) -> int:
    """No link that was sent opens anything from now on. Returns how many there were. Raises TaskProblem.

    Whoever is told later gets one that works: escalations go on.
    """
    found = outputs(stage)
    site = running_site(stage, found)
    table = DynamoAlertTable(DynamoTable(stage.session.client("dynamodb"), found["TableName"]))
    # Alerts are found by the day of capture. The last link to one is sent when it is as old as a link may grow.
    days = [day_of(now - timedelta(days=n)) for n in range(ceil(2 * site.alerts.link_hours / 24) + 1)]
    try:
        revoked = sum(
            table.revoke_links(alert.ref)
            for camera in site.cameras
            for day in days
            for _, alert in table.newest_first(camera.id, day)
        )
    except FramewatchError as error:
        raise TaskProblem(f"some links still open: {error}; run it again") from error
    print(f"{revoked} link{'s' if revoked != 1 else ''} to alerts since {days[-1]} open nothing any more")
    return revoked
