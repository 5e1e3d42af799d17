"""What of a stage is there outside its stacks: retained by them, or made beside them. Found by name, or by tag."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from infra.tasks import edge_boxes
from infra.tasks.objects import empty
from infra.tasks.problem import code_of
from infra.tasks.session import Stage

_GONE = frozenset(
    {
        "NoSuchBucket",
        "NoSuchEntity",
        "ResourceNotFoundException",
        "ResourceInUseException",
        "UserPoolNotFoundException",
    }
)


@dataclass(frozen=True, slots=True)
class Leftover:
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def find(stage: Stage, parts: list[str]) -> Iterator[Leftover]:
    """parts: those whose stacks are gone."""
    # CloudFormation begins the names of what it makes with the stack's; a bucket's are in lower case, as ours are.
    prefixes = tuple(f"{stage.stack(part)}-" for part in parts)
    for kind, names in _LISTS.items():
        yield from (Leftover(kind, name) for name in names(stage) if name.startswith(prefixes))
    for group in _log_groups(stage):
        # A function that names no group of its own writes below /aws/lambda/.
        if any(prefix in group or f"{prefix[:-1]}/" in group for prefix in prefixes):
            yield Leftover("log group", group)
    if "ingest" in parts:
        yield from (Leftover("edge box", box) for box in edge_boxes.names(stage))
    if "identity" in parts:
        # A pool is named after nothing that is ours.
        yield from (Leftover("user pool", pool) for pool in _user_pools(stage))


def unprotect(stage: Stage, leftover: Leftover) -> None:
    """Tables and user pools have a deletion protection of their own."""
    with missing_is_fine():
        if leftover.kind == "table":
            stage.session.client("dynamodb").update_table(TableName=leftover.name, DeletionProtectionEnabled=False)
        elif leftover.kind == "user pool":
            client = stage.session.client("cognito-idp")
            tags = client.describe_user_pool(UserPoolId=leftover.name)["UserPool"].get("UserPoolTags", {})
            # An update takes away whatever it does not name, and by its tags the pool is found.
            client.update_user_pool(UserPoolId=leftover.name, DeletionProtection="INACTIVE", UserPoolTags=tags)


def remove(stage: Stage, leftover: Leftover) -> None:
    """Does nothing for what only a stack can remove."""
    unprotect(stage, leftover)
    with missing_is_fine():
        if leftover.kind == "bucket":
            empty(stage, leftover.name)
            stage.session.client("s3").delete_bucket(Bucket=leftover.name)
        elif leftover.kind == "table":
            dynamodb = stage.session.client("dynamodb")
            dynamodb.delete_table(TableName=leftover.name)
            dynamodb.get_waiter("table_not_exists").wait(TableName=leftover.name, WaiterConfig={"Delay": 2})
        elif leftover.kind == "user pool":
            _delete_pool(stage, leftover.name)
        elif leftover.kind == "edge box":
            edge_boxes.remove(stage, leftover.name)
        elif leftover.kind == "log group":
            stage.session.client("logs").delete_log_group(logGroupName=leftover.name)


def _delete_pool(stage: Stage, pool: str) -> None:
    client = stage.session.client("cognito-idp")
    domain = client.describe_user_pool(UserPoolId=pool)["UserPool"].get("Domain")
    if domain:
        client.delete_user_pool_domain(UserPoolId=pool, Domain=domain)
    client.delete_user_pool(UserPoolId=pool)


@contextlib.contextmanager
def missing_is_fine() -> Iterator[None]:
    """For what an interrupted run removed already."""
    try:
        yield
    except ClientError as error:
        if code_of(error) not in _GONE:
            raise


def _buckets(stage: Stage) -> Iterator[str]:
    pages = stage.session.client("s3").get_paginator("list_buckets")
    for page in pages.paginate(Prefix=f"framewatch-{stage.name}-", PaginationConfig={"PageSize": 1000}):
        yield from (b["Name"] for b in page.get("Buckets", []) if b.get("BucketRegion", stage.region) == stage.region)


def _tables(stage: Stage) -> Iterator[str]:
    for page in stage.session.client("dynamodb").get_paginator("list_tables").paginate():
        yield from page["TableNames"]


def _streams(stage: Stage) -> Iterator[str]:
    for page in stage.session.client("kinesis").get_paginator("list_streams").paginate():
        yield from page["StreamNames"]


def _functions(stage: Stage) -> Iterator[str]:
    for page in stage.session.client("lambda").get_paginator("list_functions").paginate():
        yield from (function["FunctionName"] for function in page["Functions"])


def _queues(stage: Stage) -> Iterator[str]:
    pages = stage.session.client("sqs").get_paginator("list_queues")
    for page in pages.paginate(QueueNamePrefix=f"framewatch-{stage.name}-"):
        yield from (url.rpartition("/")[2] for url in page.get("QueueUrls", []))


def _rules(stage: Stage) -> Iterator[str]:
    pages = stage.session.client("events").get_paginator("list_rules")
    for page in pages.paginate(NamePrefix=f"framewatch-{stage.name}-"):
        yield from (rule["Name"] for rule in page["Rules"])


def _topics(stage: Stage) -> Iterator[str]:
    for page in stage.session.client("sns").get_paginator("list_topics").paginate():
        yield from (topic["TopicArn"].rpartition(":")[2] for topic in page["Topics"])


_LISTS: Mapping[str, Callable[[Stage], Iterator[str]]] = {
    "bucket": _buckets,
    "table": _tables,
    "stream": _streams,
    "function": _functions,
    "queue": _queues,
    "rule": _rules,
    "topic": _topics,
}


def _log_groups(stage: Stage) -> Iterator[str]:
    pages = stage.session.client("logs").get_paginator("describe_log_groups")
    for page in pages.paginate(logGroupNamePattern=f"framewatch-{stage.name}-"):
        yield from (group["logGroupName"] for group in page["logGroups"])


def _user_pools(stage: Stage) -> Iterator[str]:
    client = stage.session.client("cognito-idp")
    for page in client.get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 60}):
        for pool in page["UserPools"]:
            tags = client.describe_user_pool(UserPoolId=pool["Id"])["UserPool"].get("UserPoolTags", {})
            if tags.get("project") == "framewatch" and tags.get("stage") == stage.name:
                yield pool["Id"]
