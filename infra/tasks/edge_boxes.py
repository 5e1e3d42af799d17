"""The machines beside the cameras: a user and keys of its own for each, which may put frames and read one file.

A secret key is printed once, on the terminal, and kept nowhere: AWS does not show it again.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from edge_client.config import EXAMPLE, EdgeConfig, read_edge_text
from edge_client.sampler import PerSecond
from framewatch.domain.budget import SLOWER_BY
from framewatch.domain.heartbeats import BOX_ID_RULE, edge_user, is_box_id
from infra.settings import EDGE_KEY
from infra.tasks.capture import running_site
from infra.tasks.checked import checked_file
from infra.tasks.problem import TaskProblem, code_of
from infra.tasks.report import ago
from infra.tasks.session import Stage
from infra.tasks.stacks import outputs

# A key that long in use is due for another, by the habit of most security teams.
OLD_DAYS = 90


def user_of(stage: Stage, box: str) -> str:
    return edge_user(stage.name, box)


def path_of(stage: Stage) -> str:
    """The path of all users of this stage's boxes: who may manage them can be limited to it."""
    return f"/framewatch/{stage.name}/edge/"


def control_key(stage: Stage, box: str) -> str:
    """Where the box's own configuration lies in the configuration bucket."""
    return EDGE_KEY.format(user=user_of(stage, box))


def names(stage: Stage) -> list[str]:
    """Of all boxes of the stage."""
    prefix = user_of(stage, "")
    pages = _iam(stage).get_paginator("list_users").paginate(PathPrefix=path_of(stage))
    return sorted(user["UserName"].removeprefix(prefix) for page in pages for user in page["Users"])


def add(stage: Stage, box: str) -> None:
    """Prints the box's credentials. Finishes what an interrupted run began. Raises TaskProblem."""
    user, found = _checked(stage, box), outputs(stage)
    iam = _iam(stage)
    tags = {"project": "framewatch", "stage": stage.name, "box": box}
    try:
        iam.create_user(UserName=user, Path=path_of(stage), Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    except ClientError as error:
        if code_of(error) != "EntityAlreadyExists":
            raise
        if _keys(stage, box):
            raise TaskProblem(
                f"the box {box} has credentials already; `pynt rotateedge[{box}]` gives it others,"
                f" `pynt revokeedge[{box}]` takes them away"
            ) from None
    iam.attach_user_policy(UserName=user, PolicyArn=found["EdgePolicyArn"])
    _print_new_key(stage, box, found)
    print(f"next: pynt configureedge[{box},edge.yaml]")


def rotate(stage: Stage, box: str, *, again: bool = False) -> None:
    """Prints a second key; the first one goes on. again: instead of a second that was lost. Raises TaskProblem."""
    found, keys = outputs(stage), _existing(stage, box)
    iam, user = _iam(stage), user_of(stage, box)
    if len(keys) == 2:
        old, new = keys
        if old["Status"] == "Inactive":
            iam.delete_access_key(UserName=user, AccessKeyId=old["AccessKeyId"])
        elif again and _last_used(stage, new) is None:
            iam.delete_access_key(UserName=user, AccessKeyId=new["AccessKeyId"])
        else:
            lost = "" if again else f"; was it lost, `pynt rotateedge[{box},again=true]` makes another instead"
            raise TaskProblem(
                f"the box {box} has two keys, and IAM allows no third: `pynt finishrotation[{box}]` ends the"
                f" old one when the box uses {new['AccessKeyId']}{lost}"
            )
    _print_new_key(stage, box, found)
    print(f"The old key still works. When this one is on the box: pynt finishrotation[{box}]")


def finish_rotation(stage: Stage, box: str) -> None:
    """Deactivates the older key once the newer one was used. Raises TaskProblem while it was not."""
    keys = _existing(stage, box)
    if len(keys) < 2:
        raise TaskProblem(f"the box {box} has one key; `pynt rotateedge[{box}]` begins a rotation")
    old, new = keys
    new_used, old_used = _last_used(stage, new), _last_used(stage, old)
    if new_used is None:
        raise TaskProblem(
            f"nothing was changed: AWS has not seen {new['AccessKeyId']} in use yet; put it on the box, restart"
            " framewatch-edge there, and try again in some minutes, for AWS tells of a use late"
        )
    if old["Status"] == "Active" and old_used is not None and old_used > new_used:
        raise TaskProblem(
            f"nothing was changed: {old['AccessKeyId']}, the old key, was used after the new one, {ago(old_used)};"
            " see that every program on the box has the new one, and try again in some minutes"
        )
    _iam(stage).update_access_key(UserName=user_of(stage, box), AccessKeyId=old["AccessKeyId"], Status="Inactive")
    print(
        f"{old['AccessKeyId']} is switched off; the box goes on with {new['AccessKeyId']}. The next rotation deletes"
        " it; until then it can be switched on again:\n"
        f"  aws iam update-access-key --user-name {user_of(stage, box)} --access-key-id {old['AccessKeyId']}"
        " --status Active"
    )


def revoke(stage: Stage, box: str) -> None:
    """For good: a lost box, or one that is not needed any more. Raises TaskProblem."""
    _existing(stage, box)
    remove(stage, box)
    print(
        f"the box {box} can do nothing any more, once AWS has told it everywhere (seconds); what it sent before stays"
        f" on the stream. `pynt edgebox[{box}]` lets a new machine of that name in"
    )


def remove(stage: Stage, box: str) -> None:
    """Keys first, and switched off before anything else can go wrong. May be interrupted and run again."""
    iam, user = _iam(stage), user_of(stage, box)
    keys = _keys(stage, box)
    for key in keys:
        iam.update_access_key(UserName=user, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    for key in keys:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_attached_user_policies(UserName=user)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=user, PolicyArn=policy["PolicyArn"])
    iam.delete_user(UserName=user)


def lines(stage: Stage) -> list[str]:
    """Every box with its keys, how old they are and when they were used, and what to do about it."""
    boxes = names(stage)
    if not boxes:
        return [f"no boxes in stage {stage.name}; `pynt edgebox[shop-1]` makes credentials for one"]
    width = max(map(len, boxes))
    return [f"{box:<{width}}  {line}" for box in boxes for line in _key_lines(stage, box)]


def _key_lines(stage: Stage, box: str) -> list[str]:
    keys = _keys(stage, box)
    if not keys:
        return [f"no key -> `pynt edgebox[{box}]` makes one"]
    told = []
    for key in keys:
        age, used = datetime.now(UTC) - key["CreateDate"], _last_used(stage, key)
        line = f"{key['AccessKeyId']}  {key['Status'].lower():<8}  made {ago(key['CreateDate'])}, "
        line += f"last used {ago(used)}" if used else "never used"
        if len(keys) == 1 and age > timedelta(days=OLD_DAYS):
            line += f" -> `pynt rotateedge[{box}]`: it is more than {OLD_DAYS} days old"
        told.append(line)
    if len(keys) == 2 and keys[0]["Status"] == "Active":
        told[-1] += f" -> `pynt finishrotation[{box}]`"
    return told


def configure(stage: Stage, box: str, path: Path) -> None:
    """Checks an edge file and makes it the box's own. Raises TaskProblem; then the one before stays."""
    text, config = checked_edge_file(path)
    if config.box != box:
        raise TaskProblem(f"{path}: box: is {config.box!r}, and this is for {box!r}; correct one of them")
    found = outputs(stage)
    _existing(stage, box)
    stream, region = config.stream.name, config.stream.region or stage.region
    if (stream, region) != (found["StreamName"], stage.region):
        raise TaskProblem(
            f"{path}: stream: is {stream} in {region}, where this box may not write; the stage {stage.name} has"
            f" {found['StreamName']} in {stage.region}"
        )
    bucket, key = found["ConfigBucketName"], control_key(stage, box)
    answer = stage.session.client("s3").put_object(Bucket=bucket, Key=key, Body=text, ContentType="application/yaml")
    print(f"edge file of {box}: version {answer.get('VersionId', 'unknown')}, at s3://{bucket}/{key}")
    for line in _split_visits(stage, found, config):
        print(line)


def _split_visits(stage: Stage, found: dict[str, str], config: EdgeConfig) -> Iterator[str]:
    """A line for each camera that looks up too seldom for the running site file: a box does not know the site's gap
    between visits, nor the site how often a box looks. Of a camera that takes every Nth frame nobody knows."""
    try:
        gap_s = running_site(stage, found).visits.gap_s
    except TaskProblem:
        return  # none yet, or a bad one: `pynt status` says so
    for camera in (config.edge_camera(camera) for camera in config.cameras if camera.enabled):
        if not isinstance(camera.sampling, PerSecond):
            continue
        every_s = 1 / camera.sampling.fps
        still_s = camera.gate.keepalive_s if camera.gate is not None and camera.gate.enabled else 0.0
        for slow_by, when in ((1, ""), (SLOWER_BY, ", while a budget slows it,")):
            if (seen_s := still_s + slow_by * every_s) >= gap_s:
                yield (
                    f"!! {camera.camera_id}{when} shows somebody who stands still every {seen_s:g} s, and the site"
                    f" file's visits.gap_s is {gap_s:g}: each time is another visit; lower gate.keepalive_s in the"
                    " edge file, sample more often, or raise visits.gap_s"
                )
                break


def checked_edge_file(path: Path) -> tuple[bytes, EdgeConfig]:
    """The file's text and what it says. Raises TaskProblem with file, line and the fix."""
    return checked_file(path, read_edge_text, example=EXAMPLE)


def _checked(stage: Stage, box: str) -> str:
    """The box's user name."""
    if not is_box_id(box):
        raise TaskProblem(f"{box!r} cannot be a box's name: it takes {BOX_ID_RULE}")
    return user_of(stage, box)


def _existing(stage: Stage, box: str) -> list[Any]:
    """The box's keys, the older first. Raises TaskProblem when there is no such box."""
    _checked(stage, box)
    try:
        return _keys(stage, box)
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise
        known = ", ".join(names(stage)) or "none"
        raise TaskProblem(
            f"there is no box {box} in stage {stage.name} (there are: {known}); `pynt edgebox[{box}]` makes it"
        ) from None


def _keys(stage: Stage, box: str) -> list[Any]:
    """The older first."""
    keys = _iam(stage).list_access_keys(UserName=user_of(stage, box))["AccessKeyMetadata"]
    return sorted(keys, key=lambda key: key["CreateDate"])


def _last_used(stage: Stage, key: Any) -> datetime | None:
    """As far as AWS has heard, which may be some minutes ago."""
    answer = _iam(stage).get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    used: datetime | None = answer["AccessKeyLastUsed"].get("LastUsedDate")
    return used


def _print_new_key(stage: Stage, box: str, found: dict[str, str]) -> None:
    """The one time that the secret is shown."""
    key = _iam(stage).create_access_key(UserName=user_of(stage, box))["AccessKey"]
    print(
        f"\nThese lines go into ~/.aws/credentials of the user that runs framewatch-edge on {box}. They are shown"
        " this once and kept nowhere.\n\n"
        f"[framewatch-{box}]\n"
        f"aws_access_key_id = {key['AccessKeyId']}\n"
        f"aws_secret_access_key = {key['SecretAccessKey']}\n"
        f"region = {stage.region}\n\n"
        f"The box's stream: {found['StreamName']}. Its edge file: s3://{found['ConfigBucketName']}/"
        f"{control_key(stage, box)}\n"
        f"Run it there with AWS_PROFILE=framewatch-{box}."
    )


def _iam(stage: Stage) -> Any:
    return stage.session.client("iam")
