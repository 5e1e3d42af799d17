"""Taking data away, and taking everything away.

A stage that protects its data has termination protection on the stacks that hold it; those stay, with what they
stand on, until `keep_frames=false` says otherwise in so many words.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.tasks import edge_boxes
from infra.tasks.leftovers import Leftover, find, missing_is_fine, remove, unprotect
from infra.tasks.objects import empty
from infra.tasks.problem import TaskProblem, code_of
from infra.tasks.session import Ask, Stage, confirm
from infra.tasks.stacks import ALL_PARTS, delete, deployed, outputs, template

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef, StackTypeDef

# S3 Standard 0.023, DynamoDB 0.25 with 0.20 for point-in-time recovery; a rough figure, prices change.
_COST = "a month some 2.3 cents for each GB of pictures and 45 cents for each GB of metadata (us-east-1)"


def delete_data(stage: Stage, ask: Ask) -> None:
    """Frames, failed records and the table's items; stacks, site file and users stay. Raises TaskProblem."""
    found = outputs(stage)
    confirm(
        f"Delete all frames of the stage {stage.name} in {stage.region}, with all that was seen in them?"
        " Type the stage's name: ",
        stage.name,
        ask,
    )
    objects = empty(stage, found["FramesBucketName"])
    items = _empty_table(stage, found["TableName"])
    try:
        # They point at records that are gone now.
        stage.session.client("sqs").purge_queue(QueueUrl=found["FailureQueueUrl"])
    except ClientError as error:
        if "PurgeQueueInProgress" not in code_of(error):
            raise
    print(f"deleted: {objects} objects and {items} items; frames that are on the stream now still arrive")


def _empty_table(stage: Stage, name: str) -> int:
    table = stage.session.resource("dynamodb").Table(name)
    pages = table.meta.client.get_paginator("scan").paginate(TableName=name, ProjectionExpression="pk, sk")
    count = 0
    with table.batch_writer() as batch:
        for page in pages:
            for item in page["Items"]:
                batch.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
                count += 1
    return count


def destroy(stage: Stage, keep_frames: bool | None, ask: Ask) -> None:
    """keep_frames: True leaves the data stack, False takes protected data too, None leaves what is protected.

    May be interrupted and run again. Raises TaskProblem.
    """
    stacks = deployed(stage)
    staying = _staying(stage, stacks, keep_frames)
    going = [part for part in reversed(ALL_PARTS) if part in stacks and part not in staying]
    kept = f"; {', '.join(staying)} stay" if staying else ", frames and all"
    confirm(
        f"Delete {', '.join(going) or 'what is left'} of the stage {stage.name} in {stage.region}{kept}?"
        " Type the stage's name: ",
        stage.name,
        ask,
    )
    for part in going:
        if keep_frames is False:
            _lift_protection(stage, part)
        _empty_buckets(stage, part, retained=keep_frames is False)
        if part == "ingest":
            _remove_edge_boxes(stage)
        delete(stage, part)
        print(f"{stage.stack(part)} is deleted")
    _remove_leftovers(stage, staying, data_too=keep_frames is False)
    for part, why in staying.items():
        print(f"{stage.stack(part)} stays: {why}")
    if "data" in staying:
        print(f"it holds the frames, the table and the site file, and costs {_COST}")


def _staying(stage: Stage, stacks: Mapping[str, "StackTypeDef"], keep_frames: bool | None) -> dict[str, str]:
    """The parts that are left, each with why."""
    staying = {"data": "keep_frames=true"} if keep_frames and "data" in stacks else {}
    if keep_frames is not False:
        staying |= {
            part: "it is protected; `keep_frames=false` takes it, too"
            for part, stack in stacks.items()
            if stack.get("EnableTerminationProtection")
        }
    exporters = {
        output["ExportName"]: part
        for part, stack in stacks.items()
        for output in stack.get("Outputs", [])
        if "ExportName" in output
    }
    waiting = list(staying)
    while waiting:
        part = waiting.pop()
        for name in _imports(template(stage, part)):
            needed = exporters.get(name)
            if needed and needed not in staying:
                staying[needed] = f"{stage.stack(part)} stands on it"
                waiting.append(needed)
    return {part: staying[part] for part in ALL_PARTS if part in staying}


def _imports(body: object) -> Iterator[str]:
    """The names of all exports that a template reads."""
    if isinstance(body, Mapping):
        for key, value in body.items():
            if key == "Fn::ImportValue" and isinstance(value, str):
                yield value
            else:
                yield from _imports(value)
    elif isinstance(body, list):
        for value in body:
            yield from _imports(value)


def _resources(stage: Stage, part: str) -> Iterator["StackResourceSummaryTypeDef"]:
    client = stage.session.client("cloudformation")
    for page in client.get_paginator("list_stack_resources").paginate(StackName=stage.stack(part)):
        yield from (r for r in page["StackResourceSummaries"] if r["ResourceStatus"] != "DELETE_COMPLETE")


# What has a protection of its own beside the stack's.
_PROTECTED_KINDS = {"AWS::DynamoDB::Table": "table", "AWS::Cognito::UserPool": "user pool"}
# What somebody may want to keep. The rest of what is left is of no use without its stack.
_DATA_KINDS = frozenset({"bucket", "table", "user pool"})


def _lift_protection(stage: Stage, part: str) -> None:
    """Of the stack, and of what is in it."""
    stage.session.client("cloudformation").update_termination_protection(
        StackName=stage.stack(part), EnableTerminationProtection=False
    )
    for resource in _resources(stage, part):
        kind = _PROTECTED_KINDS.get(resource["ResourceType"])
        if kind and "PhysicalResourceId" in resource:
            unprotect(stage, Leftover(kind, resource["PhysicalResourceId"]))


def _empty_buckets(stage: Stage, part: str, *, retained: bool) -> None:
    """Those that go with the stack: CloudFormation does not delete a bucket that holds something."""
    declared = template(stage, part).get("Resources", {})
    for resource in _resources(stage, part):
        policy = declared.get(resource["LogicalResourceId"], {}).get("DeletionPolicy", "Delete")
        if resource["ResourceType"] == "AWS::S3::Bucket" and (retained or policy == "Delete"):
            with missing_is_fine():
                empty(stage, resource["PhysicalResourceId"])


def _remove_edge_boxes(stage: Stage) -> None:
    """CloudFormation deletes no policy that somebody holds, and the users of the boxes are not its own."""
    boxes = edge_boxes.names(stage)
    for box in boxes:
        edge_boxes.remove(stage, box)
    if boxes:
        print(f"revoked: the credentials of {', '.join(boxes)}")


def _remove_leftovers(stage: Stage, staying: Mapping[str, str], *, data_too: bool) -> None:
    """Then looks again. Raises TaskProblem when something is left that nobody asked to keep."""
    gone = [part for part in ALL_PARTS if part not in staying]
    for leftover in list(find(stage, gone)):
        if data_too or leftover.kind not in _DATA_KINDS:
            remove(stage, leftover)
    left = list(find(stage, gone))
    if not left:
        print(
            f"nothing {'else ' if staying else ''}of the stage {stage.name} is left in {stage.region},"
            " but the alarms' key, which KMS deletes after a week"
        )
        return
    names = ", ".join(map(str, left))
    if data_too or any(leftover.kind not in _DATA_KINDS for leftover in left):
        raise TaskProblem(f"still there: {names}; run the same command again, or delete them by hand")
    print(f"still there, retained by its stack: {names}; `pynt destroy[{stage.name},keep_frames=false]` takes it too")
