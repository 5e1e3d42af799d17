"""The stage's CloudFormation stacks: which there are, what they put out, why one failed."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.settings import PARTS
from infra.tasks.problem import AWS_ERRORS, TaskProblem, reason_of
from infra.tasks.session import Stage

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import OperationEventTypeDef, StackTypeDef

# Each on top of the ones before it; the last only where a budget is set.
ALL_PARTS = (*PARTS, "budget")
# A distribution is taken down in minutes; an hour is CloudFormation's own patience with it.
_DELETE_TIMEOUT_S = 3600.0
_LONGEST_PAUSE_S = 5.0
# Between this machine's clock and AWS's.
CLOCK_SKEW = timedelta(minutes=2)


def deployed(stage: Stage) -> dict[str, "StackTypeDef"]:
    """By part, in the order of ALL_PARTS."""
    parts = {stage.stack(part): part for part in ALL_PARTS}
    pages = stage.session.client("cloudformation").get_paginator("describe_stacks").paginate()
    found = {
        parts[stack["StackName"]]: stack
        for page in pages
        for stack in page["Stacks"]
        # A stack that is gone is listed by its id for a while.
        if stack["StackName"] in parts and stack["StackStatus"] != "DELETE_COMPLETE"
    }
    return {part: found[part] for part in ALL_PARTS if part in found}


def outputs(stage: Stage) -> dict[str, str]:
    """Of all stacks of the stage, by name. Raises TaskProblem when one is not there."""
    stacks = deployed(stage)
    for part in PARTS:
        if part not in stacks:
            raise TaskProblem(
                f"{stage.stack(part)} is not deployed in {stage.region}; run `pynt deploy[{stage.name}]`,"
                " or set AWS_REGION to where it is"
            )
    return {o["OutputKey"]: o["OutputValue"] for stack in stacks.values() for o in stack.get("Outputs", [])}


def template(stage: Stage, part: str) -> dict[str, Any]:
    """As it is deployed."""
    body = stage.session.client("cloudformation").get_template(StackName=stage.stack(part)).get("TemplateBody", {})
    return json.loads(body) if isinstance(body, str) else dict(body)


def delete(stage: Stage, part: str) -> None:
    """Waits until the stack is gone. Raises TaskProblem with the resource that would not go."""
    client, name = stage.session.client("cloudformation"), stage.stack(part)
    stack_id = deployed(stage)[part].get("StackId", name)
    began = datetime.now(UTC) - CLOCK_SKEW
    client.delete_stack(StackName=name)
    pause_s, deadline = 0.2, time.monotonic() + _DELETE_TIMEOUT_S
    while True:
        # By its id a stack that is gone still answers.
        try:
            stack = client.describe_stacks(StackName=stack_id)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return
            raise
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return
        if stack["StackStatus"] == "DELETE_FAILED" or time.monotonic() > deadline:
            why = failures(stage, part, began) or [stack.get("StackStatusReason", "no reason is given")]
            raise TaskProblem(f"{name} could not be deleted ({'; '.join(why)}); run the same command again")
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def failures(stage: Stage, part: str, since: datetime) -> list[str]:
    """The stack's resources that failed since then, the first to fail first, each with what to do."""
    name = stage.stack(part)
    client = stage.session.client("cloudformation")
    pages = client.get_paginator("describe_events").paginate(StackName=name, Filters={"FailedEvents": True})
    found: list[str] = []
    try:
        for event in (event for page in pages for event in page["OperationEvents"]):
            if event["Timestamp"] < since:
                break
            line = _failure(name, event)
            if line and line not in found:
                found.append(line)
    except AWS_ERRORS as error:
        # A stack that never came to be has nothing to tell.
        return [] if "does not exist" in str(error) else [f"{name}: cannot tell why: {reason_of(error)}"]
    return [line + _advice(line) for line in reversed(found)]


def _failure(name: str, event: "OperationEventTypeDef") -> str:
    """Empty for what only followed from another failure."""
    kind = event.get("ResourceType", "")
    reason = (
        event.get("ValidationStatusReason") or event.get("HookStatusReason") or event.get("ResourceStatusReason", "")
    )
    # The stack's own events repeat that something in it failed; what was under way then is cancelled.
    if not reason or kind == "AWS::CloudFormation::Stack" or "cancelled" in reason.lower():
        return ""
    return f"{name}: {event.get('LogicalResourceId', '?')} ({kind}): {reason}"


# What CloudFormation and the services say, and what helps.
_ADVICE = (
    (
        r"UnreservedConcurrentExecution",
        "take `deployment.reserved_concurrency` out of the site file, or raise the Lambda quota"
        " `Concurrent executions` in the Service Quotas console",
    ),
    (
        r"AWS::Cognito::UserPoolDomain.*(already|exists|associated)",
        "another account or stage has this sign-in address; choose your own with `deployment.sign_in_prefix`",
    ),
    (
        r"must be verified before you can add",
        "AWS lets a new account use CloudFront only after a look at it: open a support case and say so",
    ),
    (
        r"[Ee]xport .*(in use|cannot be (deleted|updated))",
        "another stack reads what this one no longer puts out; deploy the version that stops reading it first",
    ),
    (
        r"(AccessDenied|not authorized|UnauthorizedOperation)",
        "the role cdk-hnb659fds-cfn-exec-role of the bootstrap may not do this; ask whoever administers the account",
    ),
    (r"([Qq]uota|LimitExceeded|[Ll]imit exceeded|maximum number)", "raise the quota in the Service Quotas console"),
    (
        r"already exists",
        "an earlier attempt left it behind: delete it by hand, or take it down with `pynt destroy`",
    ),
)


def _advice(line: str) -> str:
    return next((f" -> {what}" for pattern, what in _ADVICE if re.search(pattern, line)), "")
