"""What is found before a deploy changes anything, and what is said after one that failed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from framewatch.domain.site import SiteConfig
from infra.tasks import cdk, deploy, preflight
from infra.tasks.preflight import BOOTSTRAP_VERSION, check
from infra.tasks.problem import TaskProblem
from infra.tasks.stacks import failures
from tests.infra.fake_aws import Account, Answers, refused

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def _site(**deployment: Any) -> SiteConfig:
    return SiteConfig.model_validate({"cameras": [{"id": "front"}], "deployment": deployment})


def _nobody(_: str) -> str:
    raise EOFError


def _limits(total: int, unreserved: int) -> Answers:
    limit = {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": unreserved}
    return Answers(get_account_settings={"AccountLimit": limit})


def test_an_account_in_order_is_let_through_in_silence(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    account.stacks.add("data", status="UPDATE_ROLLBACK_COMPLETE")
    check(account.stage(), _site(), _nobody)
    assert capsys.readouterr().out == ""


def test_an_account_that_is_not_bootstrapped_is_told_the_command(account: Account) -> None:
    account.client("ssm").delete_parameter(Name=BOOTSTRAP_VERSION)
    with pytest.raises(TaskProblem, match=r"is not prepared for the CDK in eu-west-1; run `pynt bootstrap` once"):
        check(account.stage(), _site(), _nobody)


def test_an_old_bootstrap_is_told_the_command(account: Account) -> None:
    account.client("ssm").put_parameter(Name=BOOTSTRAP_VERSION, Value="5", Type="String", Overwrite=True)
    with pytest.raises(TaskProblem, match=r"is version 5, and 6 is needed; `pynt bootstrap`"):
        check(account.stage(), _site(), _nobody)


def test_what_may_not_be_asked_is_said_and_stops_nothing(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.replaced["ssm"] = Answers(get_parameter=refused("GetParameter", "AccessDeniedException", "not yours"))
    check(account.stage(), _site(), _nobody)
    said = capsys.readouterr().out
    assert "cannot tell whether the account is bootstrapped: AccessDeniedException: not yours" in said


@pytest.mark.parametrize(
    ("status", "what"),
    [
        ("ROLLBACK_FAILED", r"could not be undone; run `pynt destroy\[dev\]`"),
        ("CREATE_FAILED", r"its creation failed; run `pynt destroy\[dev\]`"),
        ("DELETE_FAILED", r"finish it with `pynt destroy\[dev\]`"),
        ("UPDATE_ROLLBACK_FAILED", r"continue-update-rollback --stack-name framewatch-dev-web --region eu-west-1`"),
        ("UPDATE_IN_PROGRESS", "another deployment is at work; wait"),
        ("DELETE_IN_PROGRESS", "another deployment is at work; wait"),
    ],
)
def test_a_stack_that_is_in_the_way_is_told_with_the_way_out(account: Account, status: str, what: str) -> None:
    account.stacks.add("web", status=status)
    with pytest.raises(TaskProblem, match=rf"framewatch-dev-web is in {status}: .*{what}"):
        check(account.stage(), _site(), _nobody)


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_a_stack_that_came_to_nothing_is_deleted_after_asking(account: Account, status: str) -> None:
    account.stacks.add("web", status=status)
    asked: list[str] = []
    check(account.stage(), _site(), lambda question: asked.append(question) or "yes")  # type: ignore[func-returns-value]
    assert "It is empty; delete it?" in asked[0]
    assert account.stacks.deleted == ["framewatch-dev-web"]


def test_a_stack_that_came_to_nothing_stays_when_nobody_answers(account: Account) -> None:
    account.stacks.add("web", status="ROLLBACK_COMPLETE")
    with pytest.raises(TaskProblem, match="nothing was changed: nobody answered"):
        check(account.stage(), _site(), _nobody)
    assert account.stacks.deleted == []


def test_a_rolled_back_stack_that_still_holds_something_is_not_deleted(account: Account) -> None:
    account.stacks.add(
        "data", status="ROLLBACK_COMPLETE", resources=[("FrameTable", "AWS::DynamoDB::Table", "frames", "Retain")]
    )
    with pytest.raises(TaskProblem, match=r"still holds FrameTable; .*`pynt destroy\[dev\]`"):
        check(account.stage(), _site(), lambda _: "yes")
    assert account.stacks.deleted == []


def test_a_stage_that_stands_in_another_region_is_noted(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    name = "framewatch-dev-data-frames-1"
    buckets = [{"Name": name, "BucketRegion": region} for region in ("eu-north-1", "eu-west-1")]
    account.replaced["s3"] = Answers(list_buckets={"Buckets": buckets})
    check(account.stage(), _site(), _nobody)
    (note,) = capsys.readouterr().out.splitlines()
    assert "a stage dev has buckets in eu-north-1 already, and this makes another in eu-west-1" in note


@pytest.mark.parametrize(
    ("total", "unreserved", "wanted", "most", "kept"),
    [(10, 10, 1, 0, 10), (1000, 1000, 901, 900, 100), (1000, 150, 51, 50, 100), (60, 60, 5, 0, 60)],
)
def test_more_concurrency_than_the_account_can_reserve_is_refused(
    account: Account, *, total: int, unreserved: int, wanted: int, most: int, kept: int
) -> None:
    account.replaced["lambda"] = _limits(total, unreserved)
    said = rf"reserve at most {most} in eu-west-1 \(it has {total} in all and keeps {kept} unreserved\)"
    with pytest.raises(TaskProblem, match=said):
        check(account.stage(), _site(reserved_concurrency=wanted), _nobody)


def test_as_much_concurrency_as_the_account_can_reserve_is_let_through(account: Account) -> None:
    account.replaced["lambda"] = _limits(1000, 1000)
    check(account.stage(), _site(reserved_concurrency=900), _nobody)


def test_a_sign_in_address_that_another_pool_has_is_refused(account: Account) -> None:
    cognito = account.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="other")["UserPool"]["Id"]
    cognito.create_user_pool_domain(UserPoolId=pool, Domain="our-cameras")
    with pytest.raises(TaskProblem, match=r"our-cameras in eu-west-1 belongs to .*`deployment.sign_in_prefix`"):
        check(account.stage(), _site(sign_in_prefix="our-cameras"), _nobody)


def test_a_sign_in_address_of_our_own_is_no_problem(account: Account) -> None:
    cognito = account.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="ours")["UserPool"]["Id"]
    cognito.create_user_pool_domain(UserPoolId=pool, Domain="our-cameras")
    account.stacks.add("identity", outputs={"UserPoolId": pool})
    check(account.stage(), _site(sign_in_prefix="our-cameras"), _nobody)


# -- after a deploy that failed -------------------------------------------------------------------------------------


def _event(resource: str, kind: str, reason: str, minute: int, **more: Any) -> dict[str, Any]:
    return {
        "LogicalResourceId": resource,
        "ResourceType": kind,
        "ResourceStatusReason": reason,
        "Timestamp": datetime(2026, 5, 1, 12, minute, tzinfo=UTC),
        **more,
    }


def test_the_resource_that_failed_first_is_named_first_with_its_reason(account: Account) -> None:
    stack = "AWS::CloudFormation::Stack"
    account.stacks.add("processing").events = [
        _event("framewatch-dev-processing", stack, "The following resource(s) failed to create: [Role]", 5),
        _event("FailureQueue", "AWS::SQS::Queue", "Resource creation cancelled", 4),
        _event("FrameSource", "AWS::Lambda::EventSourceMapping", "Cannot access stream", 3),
        _event("Role", "AWS::IAM::Role", "User is not authorized to perform: iam:CreateRole", 2),
    ]
    first, second = failures(account.stage(), "processing", LONG_AGO)
    assert first.startswith("framewatch-dev-processing: Role (AWS::IAM::Role): User is not authorized")
    assert "-> the role cdk-hnb659fds-cfn-exec-role of the bootstrap may not do this" in first
    assert second == (
        "framewatch-dev-processing: FrameSource (AWS::Lambda::EventSourceMapping): Cannot access stream"
    )


@pytest.mark.parametrize(
    ("kind", "reason", "advice"),
    [
        (
            "AWS::Lambda::Function",
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution"
            " below its minimum value of [10].",
            "take `deployment.reserved_concurrency` out of the site file",
        ),
        (
            "AWS::Cognito::UserPoolDomain",
            "Domain already associated with another user pool.",
            "choose your own with `deployment.sign_in_prefix`",
        ),
        (
            "AWS::CloudFront::Distribution",
            "Your account must be verified before you can add new CloudFront resources.",
            "open a support case",
        ),
        ("AWS::S3::Bucket", "frames already exists", "an earlier attempt left it behind"),
        ("AWS::Kinesis::Stream", "LimitExceededException: too many shards", "Service Quotas console"),
    ],
)
def test_what_often_fails_is_told_with_what_helps(account: Account, kind: str, reason: str, advice: str) -> None:
    account.stacks.add("web").events = [_event("Thing", kind, reason, 1)]
    (line,) = failures(account.stage(), "web", LONG_AGO)
    assert reason in line
    assert advice in line


def test_what_failed_in_an_earlier_deploy_is_not_told_again(account: Account) -> None:
    account.stacks.add("web").events = [_event("Old", "AWS::S3::Bucket", "was full", 1)]
    assert failures(account.stage(), "web", datetime(2026, 5, 2, tzinfo=UTC)) == []


def test_a_validation_that_fails_before_anything_is_made_is_told(account: Account) -> None:
    event = _event("Bucket", "AWS::S3::Bucket", "", 1, ValidationStatusReason="the name is taken")
    account.stacks.add("web").events = [event]
    assert failures(account.stage(), "web", LONG_AGO) == [
        "framewatch-dev-web: Bucket (AWS::S3::Bucket): the name is taken"
    ]


def test_a_failed_deploy_names_what_failed_and_uploads_nothing(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("cameras: [{id: front}]\n", encoding="utf-8")

    def fails(*_: object) -> None:
        account.stacks.add("data").events = [
            {**_event("FrameTable", "AWS::DynamoDB::Table", "no more tables", 1), "Timestamp": datetime.now(UTC)}
        ]
        raise TaskProblem("`npx --yes` failed with exit status 1")

    monkeypatch.setattr(cdk, "deploy", fails)
    monkeypatch.setattr(deploy, "prepare", lambda *_: tmp_path)
    monkeypatch.setattr(deploy, "current_pages", lambda: tmp_path)
    monkeypatch.setattr(preflight, "sms_report", lambda *_: [])
    with pytest.raises(TaskProblem) as caught:
        deploy.deploy(account.stage(), site, _nobody)
    assert "exit status 1\n  framewatch-dev-data: FrameTable (AWS::DynamoDB::Table): no more tables" in str(
        caught.value
    )
