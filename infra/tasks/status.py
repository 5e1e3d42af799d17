"""How the stage is: one line a thing, each with what to do when something is wrong."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from framewatch.domain.errors import SiteFileError
from framewatch.domain.site import SiteConfig
from framewatch.wire.site_file import load_site_text
from infra.settings import FUNCTION_OUTPUTS, GIVEN_UP_PREFIX, PARTS, SITE_KEY
from infra.tasks.objects import objects_below
from infra.tasks.preflight import BOOTSTRAP_VERSION
from infra.tasks.problem import TaskProblem
from infra.tasks.report import Line, ago, gather, metric
from infra.tasks.session import Stage
from infra.tasks.sms import sms_report
from infra.tasks.stacks import ALL_PARTS, deployed
from infra.tasks.users import ROLES

_HEALTHY = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
# The alarm on it is the operations stack's; here it is only marked.
_LATE = timedelta(minutes=5)
_HOUR = timedelta(hours=1)
# A dashboard, the processor and its retries at once; with fewer, functions wait for each other.
_FEW_CONCURRENT = 50


def status(stage: Stage) -> list[Line]:
    """Never raises for what AWS does not answer."""
    found: dict[str, str] = {}
    lines = gather("bootstrap", lambda: _bootstrap(stage))
    lines += gather("stacks", lambda: _stacks(stage, found))
    site: list[SiteConfig] = []
    looks: tuple[tuple[str, Callable[[], Iterable[Line]]], ...] = (
        ("site file", lambda: _site_file(stage, found, site)),
        ("stream", lambda: _stream(stage, found)),
        ("event source", lambda: _event_source(stage, found)),
        ("failures", lambda: _failures(stage, found)),
        ("functions", lambda: _functions(stage, found)),
        ("concurrency", lambda: _concurrency(stage)),
        ("alarms", lambda: _alarms(stage, found)),
        ("users", lambda: _users(stage, found)),
    )
    for what, look in looks:
        lines += gather(what, lambda look=look: _explained(look))  # type: ignore[misc]
    for each in site:
        lines += sms_report(stage, each)
    return lines + gather("addresses", lambda: _addresses(stage, found))


def _explained(look: Callable[[], Iterable[Line]]) -> list[Line]:
    """An output that is not there means a stack that is not there."""
    try:
        return list(look())
    except KeyError as error:
        raise TaskProblem(f"the output {error} is missing; a stack above is not deployed") from error


def _bootstrap(stage: Stage) -> Iterator[Line]:
    client = stage.session.client("ssm")
    try:
        version = client.get_parameter(Name=BOOTSTRAP_VERSION)["Parameter"]["Value"]
    except client.exceptions.ParameterNotFound:
        yield Line("bootstrap", "none", "run `pynt bootstrap` once for this account and region")
    else:
        yield Line("bootstrap", f"version {version}")


def _stacks(stage: Stage, found: dict[str, str]) -> Iterator[Line]:
    """Fills `found` with the outputs."""
    stacks = deployed(stage)
    for part in ALL_PARTS:
        stack = stacks.get(part)
        if stack is None:
            if part in PARTS:
                yield Line("stack", f"{part}: not deployed", f"run `pynt deploy[{stage.name}]`")
            continue
        found |= {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
        at = stack.get("LastUpdatedTime", stack["CreationTime"])
        well = stack["StackStatus"] in _HEALTHY
        yield Line(
            "stack",
            f"{part}: {stack['StackStatus']}, {ago(at)}",
            "" if well else f"`pynt deploy[{stage.name}]` says what is in the way",
        )


def _site_file(stage: Stage, found: dict[str, str], site: list[SiteConfig]) -> Iterator[Line]:
    """Fills `site` with what is running."""
    s3 = stage.session.client("s3")
    try:
        answer = s3.get_object(Bucket=found["ConfigBucketName"], Key=SITE_KEY)
    except s3.exceptions.NoSuchKey:
        yield Line("site file", "none: nothing is processed without it", f"run `pynt configure[{stage.name}]`")
        return
    said = f"version {answer.get('VersionId', 'unknown')}, {ago(answer['LastModified'])}"
    try:
        site.append(load_site_text(answer["Body"].read(), SITE_KEY))
    except SiteFileError as error:
        yield Line("site file", f"{said}: {error}", f"upload a good one: `pynt configure[{stage.name}]`")
    else:
        yield Line("site file", said)


def _stream(stage: Stage, found: dict[str, str]) -> Iterator[Line]:
    client = stage.session.client("kinesis")
    it = client.describe_stream_summary(StreamName=found["StreamName"])["StreamDescriptionSummary"]
    mode = it.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
    shards = it["OpenShardCount"]
    yield Line(
        "stream",
        f"{it['StreamStatus']}, {mode.lower().replace('_', '-')}, {shards} shard{'s' if shards != 1 else ''}",
        "" if it["StreamStatus"] in {"ACTIVE", "UPDATING"} else "wait until it is ACTIVE",
    )


def _event_source(stage: Stage, found: dict[str, str]) -> Iterator[Line]:
    name = found["ImageProcessorName"]
    mappings = stage.session.client("lambda").list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    if not mappings:
        yield Line("event source", "none: frames stay in the stream", f"run `pynt deploy[{stage.name}]`")
    for mapping in mappings:
        state, last = mapping["State"], mapping.get("LastProcessingResult", "nothing processed yet")
        if state != "Enabled" and stage.is_local:
            # It reads the stream as Lambda would, and keeps the emulator from reading it too.
            last, todo = "framewatch-local reads the stream", ""
        elif state != "Enabled":
            todo = f"`aws lambda update-event-source-mapping --uuid {mapping['UUID']} --enabled` starts it"
        else:
            todo = f"`pynt logs[image_processor,stage={stage.name}]` says why" if "PROBLEM" in last else ""
        yield Line("event source", f"{state}, {last}", todo)
    age_ms = metric(
        stage, "AWS/Lambda", "IteratorAge", {"FunctionName": name}, statistic="Maximum", over=timedelta(minutes=15)
    )
    if age_ms is not None:
        late = age_ms > _LATE / timedelta(milliseconds=1)
        yield Line(
            "event source",
            f"frames waited {age_ms / 1000:.0f} s at most in the last 15 min",
            f"`pynt logs[image_processor,stage={stage.name}]` shows what holds them up" if late else "",
        )


def _failures(stage: Stage, found: dict[str, str]) -> Iterator[Line]:
    attributes = stage.session.client("sqs").get_queue_attributes(
        QueueUrl=found["FailureQueueUrl"],
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    records = sum(int(count) for count in attributes.values())
    batches = sum(1 for _ in objects_below(stage, found["FramesBucketName"], GIVEN_UP_PREFIX))
    todo = f"`pynt redrive[{stage.name},dry=true]` says why; mend it, then redrive" if records + batches else ""
    yield Line("failures", f"{records} records kept aside, {batches} batches given up", todo)


def _functions(stage: Stage, found: dict[str, str]) -> Iterator[Line]:
    for what, output in FUNCTION_OUTPUTS.items():
        errors = metric(stage, "AWS/Lambda", "Errors", {"FunctionName": found[output]}, statistic="Sum", over=_HOUR)
        if errors is None:
            yield Line("functions", f"{what}: not invoked in the last hour")
        else:
            todo = f"`pynt logs[{what},stage={stage.name},minutes=60]` shows them" if errors else ""
            yield Line("functions", f"{what}: {errors:.0f} errors in the last hour", todo)


def _concurrency(stage: Stage) -> Iterator[Line]:
    limit = stage.session.client("lambda").get_account_settings()["AccountLimit"]
    total, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    yield Line(
        "concurrency",
        f"the account runs {total} functions at once, {free} of them unreserved",
        "raise the Lambda quota `Concurrent executions` in the Service Quotas console; new accounts begin with 10"
        if total < _FEW_CONCURRENT
        else "",
    )


def _alarms(stage: Stage, found: dict[str, str]) -> Iterator[Line]:
    cloudformation, cloudwatch = stage.session.client("cloudformation"), stage.session.client("cloudwatch")
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stage.stack("operations"))
    names = [
        resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::CloudWatch::Alarm"
    ]
    # A request takes a hundred names.
    alarms = cloudwatch.describe_alarms(AlarmNames=names[:100])["MetricAlarms"] if names else []
    ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
    for alarm in ringing:
        yield Line("alarms", f"{alarm['AlarmName']}: {alarm.get('StateReason', '')}", "see docs/operations.md")
    if not ringing:
        yield Line("alarms", f"{len(alarms)}, none in ALARM")
    topic = found["AlarmTopicArn"]
    listeners = stage.session.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    waiting = sum(1 for each in listeners if each["SubscriptionArn"] == "PendingConfirmation")
    if waiting:
        todo = "each has a mail with a link to confirm; until then alarms are not sent there"
    else:
        todo = "" if listeners else "name addresses under `deployment.alarm_emails` in the site file, then deploy"
    yield Line("alarms", f"{len(listeners)} addresses hear them, {waiting} not confirmed", todo)


def _users(stage: Stage, found: dict[str, str]) -> Iterator[Line]:
    client, pool = stage.session.client("cognito-idp"), found["UserPoolId"]
    counts = {
        role: sum(
            len(page["Users"])
            for page in client.get_paginator("list_users_in_group").paginate(UserPoolId=pool, GroupName=role)
        )
        for role in ROLES
    }
    yield Line(
        "users",
        ", ".join(f"{count} {role}" for role, count in counts.items()),
        "" if counts["admin"] else f"make the first admin: `pynt adduser[you@example.org,admin,stage={stage.name}]`",
    )


def _addresses(stage: Stage, found: dict[str, str]) -> Iterator[Line]:
    if "DashboardUrl" in found:
        yield Line("dashboard", found["DashboardUrl"])
    if "OperationsDashboardName" in found:
        console = f"https://{stage.region}.console.aws.amazon.com/cloudwatch/home?region={stage.region}"
        yield Line("operations", f"{console}#dashboards/dashboard/{found['OperationsDashboardName']}")
