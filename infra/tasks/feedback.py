"""What people have said about alerts: the false alarms of each rule and camera, counted."""

from collections.abc import Iterator

import pytz

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.domain.errors import FramewatchError
from framewatch.domain.site import SiteConfig
from infra.tasks.capture import running_site
from infra.tasks.problem import TaskProblem
from infra.tasks.session import Stage
from infra.tasks.stacks import outputs


def false_alarms(stage: Stage) -> list[str]:
    """A line for each rule of the site file and camera that has some, most first. Raises TaskProblem."""
    found = outputs(stage)
    site = running_site(stage, found)
    table = DynamoAlertTable(DynamoTable(stage.session.client("dynamodb"), found["TableName"]))
    try:
        counted = sorted(_counted(site, table), key=lambda row: (-row[0], row[1]))
    except FramewatchError as error:
        raise TaskProblem(f"not all could be read: {error}; run it again") from error
    if not counted:
        return ["nobody has called an alert of these rules a false alarm"]
    width = len(str(counted[0][0]))
    return [f"{count:>{width}}  {what}" for count, what in counted]


def _counted(site: SiteConfig, table: DynamoAlertTable) -> Iterator[tuple[int, str]]:
    zone = pytz.timezone(site.site.time_zone)
    for rule in site.all_rules:
        for camera in site.cameras:
            if not rule.covers(camera.id, [z.id for z in camera.zones]):
                continue
            alarms = list(table.false_alarms(rule.id, camera.id))
            if alarms:
                newest = alarms[0]
                at = newest.ref.captured_at.astimezone(zone)
                what = f"{newest.label} {int(newest.confidence)}%, frame {newest.frame_id}"
                yield len(alarms), f"{rule.id} at {camera.id}, the newest {at:%d %b %Y %H:%M (%Z)}: {what}"
