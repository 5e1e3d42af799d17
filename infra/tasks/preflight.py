"""What would make a deployment fail half-way, found before anything is changed."""

from collections.abc import Callable

from botocore.exceptions import ClientError

from framewatch.domain.site import SiteConfig
from infra.tasks.problem import AWS_ERRORS, TaskProblem, code_of, reason_of
from infra.tasks.session import Ask, Stage, confirm
from infra.tasks.sms import sms_report
from infra.tasks.stacks import delete, deployed, outputs

BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"
# What the CDK's default synthesizer asks for.
OLDEST_BOOTSTRAP = 6
# Lambda keeps so many for functions that reserve none ("Configuring reserved concurrency", Lambda developer guide,
# read 2026-11): 100, or all there are in an account that has fewer, as new ones do with 10.
_KEPT_UNRESERVED = 100
_ADMINISTRATOR = "ask whoever administers the account"


def check(stage: Stage, site: SiteConfig, ask: Ask) -> None:
    """Raises TaskProblem with the first thing that is in the way; what only may be is printed."""
    checks: tuple[tuple[str, Callable[[], None]], ...] = (
        ("whether the account is bootstrapped", lambda: _check_bootstrap(stage)),
        ("what an earlier deploy left", lambda: _check_stacks(stage, ask)),
        ("whether the stage is in another region", lambda: _tell_other_regions(stage)),
        ("how much concurrency the account has", lambda: _check_concurrency(stage, site)),
        ("whether the sign-in address is free", lambda: _check_sign_in(stage, site)),
    )
    for what, run in checks:
        try:
            run()
        except AWS_ERRORS as error:
            print(f"cannot tell {what}: {reason_of(error)}")
    for line in sms_report(stage, site):
        if line.todo:
            print(line)


def _check_bootstrap(stage: Stage) -> None:
    try:
        version = stage.session.client("ssm").get_parameter(Name=BOOTSTRAP_VERSION)["Parameter"]["Value"]
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise
        raise TaskProblem(
            f"account {stage.account} is not prepared for the CDK in {stage.region}; run `pynt bootstrap` once"
        ) from error
    if int(version) < OLDEST_BOOTSTRAP:
        raise TaskProblem(
            f"the CDK bootstrap of account {stage.account} in {stage.region} is version {version}, and"
            f" {OLDEST_BOOTSTRAP} is needed; `pynt bootstrap` brings it up to date"
        )


# A stack that came to nothing holds nothing, and is in the way of its own creation.
_CAME_TO_NOTHING = frozenset({"ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"})
_IN_THE_WAY = {
    "ROLLBACK_FAILED": "its creation failed and could not be undone; run `pynt destroy[{stage}]`",
    "CREATE_FAILED": "its creation failed; run `pynt destroy[{stage}]`",
    "DELETE_FAILED": "a deletion stopped half-way; finish it with `pynt destroy[{stage}]`",
    "UPDATE_ROLLBACK_FAILED": "an update failed and could not be undone; mend what the stack's events name, then"
    " `aws cloudformation continue-update-rollback --stack-name {name} --region {region}`",
}


def _check_stacks(stage: Stage, ask: Ask) -> None:
    for part, stack in deployed(stage).items():
        name, status = stage.stack(part), stack["StackStatus"]
        if status in _CAME_TO_NOTHING:
            _delete_empty(stage, part, status, ask)
        elif status in _IN_THE_WAY:
            what = _IN_THE_WAY[status].format(stage=stage.name, name=name, region=stage.region)
            raise TaskProblem(f"{name} is in {status}: {what}")
        elif status.endswith("_IN_PROGRESS"):
            raise TaskProblem(f"{name} is in {status}: another deployment is at work; wait until it has ended")


def _delete_empty(stage: Stage, part: str, status: str, ask: Ask) -> None:
    name = stage.stack(part)
    client = stage.session.client("cloudformation")
    resources = client.list_stack_resources(StackName=name).get("StackResourceSummaries", [])
    left = [
        r["LogicalResourceId"] for r in resources if r["ResourceStatus"] not in {"DELETE_COMPLETE", "DELETE_SKIPPED"}
    ]
    if left:
        raise TaskProblem(
            f"{name} is in {status} and still holds {', '.join(left)}; take the stage down with"
            f" `pynt destroy[{stage.name}]`"
        )
    confirm(
        f"{name} is in {status}: an earlier deploy came to nothing. It is empty; delete it? [yes/no] ", "yes", ask
    )
    delete(stage, part)
    print(f"{name}: the empty stack is deleted")


def _tell_other_regions(stage: Stage) -> None:
    """Buckets are listed for all regions at once, so a stage deployed by mistake into a second one shows."""
    if deployed(stage):
        return
    answer = stage.session.client("s3").list_buckets(Prefix=f"{stage.stack('data')}-", MaxBuckets=100)
    elsewhere = {b.get("BucketRegion", stage.region) for b in answer.get("Buckets", [])} - {stage.region}
    for region in sorted(elsewhere):
        print(
            f"note: a stage {stage.name} has buckets in {region} already, and this makes another in {stage.region};"
            f" if that is not meant, stop now and set AWS_REGION={region}"
        )


def _check_concurrency(stage: Stage, site: SiteConfig) -> None:
    wanted = site.deployment.reserved_concurrency
    if wanted is None:
        return
    client = stage.session.client("lambda")
    limit = client.get_account_settings()["AccountLimit"]
    total = limit["ConcurrentExecutions"]
    free = limit["UnreservedConcurrentExecutions"] + _reserved_now(stage)
    kept = min(_KEPT_UNRESERVED, total)
    most = max(0, free - kept)
    if wanted > most:
        raise TaskProblem(
            f"`deployment.reserved_concurrency` is {wanted}, and Lambda lets account {stage.account} reserve at most"
            f" {most} in {stage.region} (it has {total} in all and keeps {kept} unreserved);"
            " take it out of the site file, or raise the quota `Concurrent executions` in the Service Quotas console"
        )


def _reserved_now(stage: Stage) -> int:
    """By the processor that is deployed, which gives it back when it takes another number."""
    try:
        name = outputs(stage)["ImageProcessorName"]
    except TaskProblem:
        return 0
    answer = stage.session.client("lambda").get_function_concurrency(FunctionName=name)
    return answer.get("ReservedConcurrentExecutions", 0)


def _check_sign_in(stage: Stage, site: SiteConfig) -> None:
    prefix = site.deployment.sign_in_prefix or f"framewatch-{stage.name}-{stage.account}"
    client = stage.session.client("cognito-idp")
    pool = client.describe_user_pool_domain(Domain=prefix).get("DomainDescription", {}).get("UserPoolId")
    if pool is None:
        return
    if pool != _user_pool(stage):
        raise TaskProblem(
            f"the sign-in address {prefix} in {stage.region} belongs to the user pool {pool}; set another with"
            " `deployment.sign_in_prefix` in the site file, or delete that pool's domain"
        )


def _user_pool(stage: Stage) -> str | None:
    """The stage's own, where it is deployed."""
    identity = deployed(stage).get("identity")
    found = identity.get("Outputs", []) if identity else []
    return next((o["OutputValue"] for o in found if o["OutputKey"] == "UserPoolId"), None)
