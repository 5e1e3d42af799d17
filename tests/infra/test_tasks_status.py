"""status and the texts: each line says what to do when something is wrong, and none ends in a trace."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from framewatch.domain.site import SiteConfig
from infra.settings import PARTS
from infra.tasks.preflight import BOOTSTRAP_VERSION
from infra.tasks.report import Line, ago
from infra.tasks.sms import mask, sms_report
from infra.tasks.status import status
from tests.infra.fake_aws import REGION, Account, Answers, refused

NAMES = {
    "StreamName": "stream",
    "ConfigBucketName": "site-files",
    "FramesBucketName": "frames",
    "ImageProcessorName": "processor",
    "WatchdogName": "watchdog",
    "FrameFetcherName": "fetcher",
    "OperatorActionsName": "actions",
    "AlertLinkName": "link",
    "DashboardUrl": "https://d1.cloudfront.net",
    "OperationsDashboardName": "framewatch-dev",
}
SITE = b"cameras: [{id: front}]\n"


def _mapping(state: str = "Enabled", last: str = "OK") -> dict[str, Any]:
    return {"EventSourceMappings": [{"UUID": "a1b2", "State": state, "LastProcessingResult": last}]}


def _lambda(total: int = 1000, **answers: Any) -> Answers:
    limit = {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": total}
    return Answers(
        **{"get_account_settings": {"AccountLimit": limit}, "list_event_source_mappings": _mapping()} | answers
    )


@pytest.fixture
def deployed(account: Account) -> Account:
    """A stage in which all is well, with one admin."""
    s3 = account.client("s3")
    for bucket in ("site-files", "frames"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="site-files", Key="site.yaml", Body=SITE)
    account.client("kinesis").create_stream(StreamName="stream", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    queue = account.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
    cognito = account.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="any")["UserPool"]["Id"]
    for role in ("admin", "operator", "viewer"):
        cognito.create_group(UserPoolId=pool, GroupName=role)
    cognito.admin_create_user(UserPoolId=pool, Username="ana@example.org")
    cognito.admin_add_user_to_group(UserPoolId=pool, Username="ana@example.org", GroupName="admin")
    sns = account.client("sns")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:failures")
    for part in PARTS:
        account.stacks.add(part)
    account.stacks.add("data").outputs = NAMES | {
        "FailureQueueUrl": queue,
        "UserPoolId": pool,
        "AlarmTopicArn": topic,
    }
    account.replaced["lambda"] = _lambda()
    return account


def _said(account: Account) -> list[str]:
    return [str(line) for line in status(account.stage())]


def _line(account: Account, what: str) -> str:
    """The first that says it."""
    return next(line for line in _said(account) if what in line)


def test_a_stage_in_which_all_is_well_has_nothing_to_do(deployed: Account) -> None:
    said = _said(deployed)
    assert [line for line in said if not line.startswith("ok ")] == []
    assert "ok stream        ACTIVE, on-demand, 4 shards" in said
    assert "ok users         1 admin, 0 operator, 0 viewer" in said
    assert any("d1.cloudfront.net" in line for line in said)
    assert any("#dashboards/dashboard/framewatch-dev" in line for line in said)


def test_an_account_that_is_not_bootstrapped_is_told_the_command(deployed: Account) -> None:
    deployed.client("ssm").delete_parameter(Name=BOOTSTRAP_VERSION)
    assert "-> run `pynt bootstrap` once" in _line(deployed, "bootstrap")


def test_a_stack_that_is_missing_or_failed_is_told(deployed: Account) -> None:
    del deployed.stacks.stacks["framewatch-dev-web"]
    deployed.stacks.stacks["framewatch-dev-ingest"].status = "UPDATE_ROLLBACK_FAILED"
    assert "-> run `pynt deploy[dev]`" in _line(deployed, "web: not deployed")
    assert "`pynt deploy[dev]` says what is in the way" in _line(deployed, "ingest: UPDATE_ROLLBACK_FAILED")


def test_a_budget_that_nobody_set_is_not_missed(deployed: Account) -> None:
    assert not any("budget" in line for line in _said(deployed))


def test_a_missing_and_a_broken_site_file_are_told_apart(deployed: Account) -> None:
    deployed.client("s3").put_object(Bucket="site-files", Key="site.yaml", Body=b"cameras: []\n")
    assert "site.yaml" in _line(deployed, "site file")
    assert "upload a good one: `pynt configure[dev]`" in _line(deployed, "site file")
    deployed.client("s3").delete_object(Bucket="site-files", Key="site.yaml")
    assert "none: nothing is processed without it" in _line(deployed, "site file")


def test_an_event_source_that_is_off_is_told_how_to_start_it(deployed: Account) -> None:
    deployed.replaced["lambda"] = _lambda(list_event_source_mappings=_mapping("Disabled"))
    assert "`aws lambda update-event-source-mapping --uuid a1b2 --enabled` starts it" in _line(
        deployed, "event source"
    )


def test_an_event_source_with_a_problem_leads_to_the_log(deployed: Account) -> None:
    problem = _mapping(last="PROBLEM: Function call failed")
    deployed.replaced["lambda"] = _lambda(list_event_source_mappings=problem)
    assert "`pynt logs[image_processor,stage=dev]` says why" in _line(deployed, "event source")


def _metric(account: Account, namespace: str, name: str, value: float, **dimensions: str) -> None:
    account.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Value": value,
                "Timestamp": datetime.now(UTC) - timedelta(minutes=1),
                "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
            }
        ],
    )


def test_frames_that_wait_for_long_are_told(deployed: Account) -> None:
    _metric(deployed, "AWS/Lambda", "IteratorAge", 400_000, FunctionName="processor")
    line = _line(deployed, "frames waited 400 s at most")
    assert line.startswith("!! ")
    assert "shows what holds them up" in line


def test_errors_of_a_function_are_counted(deployed: Account) -> None:
    _metric(deployed, "AWS/Lambda", "Errors", 3, FunctionName="fetcher")
    line = _line(deployed, "frame_fetcher: 3 errors in the last hour")
    assert "`pynt logs[frame_fetcher,stage=dev,minutes=60]` shows them" in line


def test_failed_records_and_batches_lead_to_redrive(deployed: Account) -> None:
    queue = deployed.stacks.add("data").outputs["FailureQueueUrl"]
    deployed.client("sqs").send_message(QueueUrl=queue, MessageBody="{}")
    deployed.client("s3").put_object(Bucket="frames", Key="aws/lambda/1", Body=b"{}")
    line = _line(deployed, "failures")
    assert "1 records kept aside, 1 batches given up" in line
    assert "`pynt redrive[dev,dry=true]` says why" in line


def test_few_concurrent_functions_are_told_with_the_quota(deployed: Account) -> None:
    deployed.replaced["lambda"] = _lambda(total=10)
    assert "raise the Lambda quota `Concurrent executions`" in _line(deployed, "concurrency")


def test_an_alarm_that_rings_is_named(deployed: Account) -> None:
    cloudwatch = deployed.client("cloudwatch")
    for name, state in (("late", "ALARM"), ("lost", "OK")):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            MetricName="m",
            Namespace="n",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
            Statistic="Sum",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="frames wait")
    deployed.stacks.add("operations").resources = [
        (name, "AWS::CloudWatch::Alarm", name, "Delete") for name in ("late", "lost")
    ]
    assert "late: frames wait" in _line(deployed, "alarms")
    assert not any("lost" in line for line in _said(deployed))


def test_a_stage_without_an_admin_is_told_how_to_make_one(deployed: Account) -> None:
    pool = deployed.stacks.add("data").outputs["UserPoolId"]
    deployed.client("cognito-idp").admin_delete_user(UserPoolId=pool, Username="ana@example.org")
    assert "`pynt adduser[you@example.org,admin,stage=dev]`" in _line(deployed, "users")


@pytest.mark.parametrize(
    "service", ["ssm", "s3", "kinesis", "sqs", "lambda", "cloudwatch", "cognito-idp", "sns", "cloudformation"]
)
def test_what_is_denied_is_one_line_and_the_rest_is_told(deployed: Account, service: str) -> None:
    class Denied:
        exceptions = deployed.client("ssm" if service == "cloudformation" else service).exceptions

        def __getattr__(self, operation: str) -> Any:
            raise refused(operation, "AccessDeniedException", "ana may not")

    deployed.replaced[service] = Denied()
    said = _said(deployed)
    assert any(line.startswith("?? ") and "cannot tell: " in line for line in said)
    # Without the stacks nothing is known of what is in them.
    assert service == "cloudformation" or any(line.startswith("ok stack") for line in said)


def test_a_stage_that_is_not_there_is_told_without_a_trace(account: Account) -> None:
    said = _said(account)
    assert sum("not deployed" in line and line.startswith("!! ") for line in said) == len(PARTS)
    assert any("the output 'StreamName' is missing; a stack above is not deployed" in line for line in said)


def test_ages_are_told_in_the_unit_that_fits() -> None:
    now = datetime.now(UTC)
    ages = [timedelta(seconds=30), timedelta(minutes=100), timedelta(hours=5), timedelta(days=9)]
    assert [ago(now - age) for age in ages] == ["0 min ago", "100 min ago", "5 h ago", "9 days ago"]


# -- texts ----------------------------------------------------------------------------------------------------------

ANA_ES, BO_US = "+34600123456", "+12065550100"


def _texts(**answers: Any) -> Answers:
    return Answers(
        **{
            "get_sms_sandbox_account_status": {"IsInSandbox": False},
            "get_sms_attributes": {"attributes": {"MonthlySpendLimit": "20"}},
            "list_origination_numbers": {"PhoneNumbers": []},
        }
        | answers
    )


def _report(account: Account, *phones: str) -> list[Line]:
    contacts = [{"id": f"c{n}", "phone": phone} for n, phone in enumerate(phones)]
    watch = {"labels": ["Person"], "notify": [c["id"] for c in contacts]}
    site = SiteConfig.model_validate({"cameras": [{"id": "front"}], "contacts": contacts, "watch": watch})
    return sms_report(account.stage(), site)


def _todo(lines: list[Line]) -> list[str]:
    return [f"{line.found} -> {line.todo}" for line in lines if line.todo]


def test_a_number_is_shown_so_that_it_cannot_be_called() -> None:
    assert mask(ANA_ES) == "+34*******56"
    assert mask(BO_US) == "+1********00"


def test_nobody_to_text_is_nothing_to_say(account: Account) -> None:
    assert _report(account) == []


def test_texts_to_a_country_that_asks_for_nothing_are_well(account: Account) -> None:
    account.replaced["sns"] = _texts()
    lines = _report(account, ANA_ES)
    assert _todo(lines) == []
    assert ANA_ES not in " ".join(map(str, lines))


def test_in_the_sandbox_each_number_that_is_not_verified_is_named(account: Account) -> None:
    verified = {"PhoneNumbers": [{"PhoneNumber": ANA_ES, "Status": "Verified"}]}
    account.replaced["sns"] = _texts(
        get_sms_sandbox_account_status={"IsInSandbox": True}, list_sms_sandbox_phone_numbers=verified
    )
    (todo,) = _todo(_report(account, ANA_ES, "+34600654321"))
    assert "these are not: c1 (+34*******21)" in todo
    assert "Sandbox destination phone numbers" in todo


def test_in_the_sandbox_all_verified_is_well(account: Account) -> None:
    verified = {"PhoneNumbers": [{"PhoneNumber": ANA_ES, "Status": "Verified"}]}
    account.replaced["sns"] = _texts(
        get_sms_sandbox_account_status={"IsInSandbox": True}, list_sms_sandbox_phone_numbers=verified
    )
    assert _todo(_report(account, ANA_ES)) == []


@pytest.mark.parametrize("attributes", [{}, {"MonthlySpendLimit": "1"}])
def test_the_first_limit_of_an_account_is_told(account: Account, attributes: dict[str, str]) -> None:
    account.replaced["sns"] = _texts(get_sms_attributes={"attributes": attributes})
    (todo,) = _todo(_report(account, ANA_ES))
    assert "0.00 USD spent this month, the limit is 1.00 -> " in todo


def test_a_limit_that_is_nearly_spent_is_told(account: Account) -> None:
    account.replaced["sns"] = _texts()
    _metric(account, "AWS/SNS", "SMSMonthToDateSpentUSD", 16.5)
    (todo,) = _todo(_report(account, ANA_ES))
    assert "16.50 USD spent this month, the limit is 20.00 -> at the limit texts stop until next month" in todo


def test_a_country_that_wants_an_identity_is_told_while_there_is_none(account: Account) -> None:
    account.replaced["sns"] = _texts()
    account.replaced["pinpoint-sms-voice-v2"] = Answers(describe_sender_ids={"SenderIds": []})
    (todo,) = _todo(_report(account, ANA_ES, BO_US))
    assert "c1 (+1********00, US): texts there need a toll-free or 10DLC number, and there is none" in todo


@pytest.mark.parametrize(
    ("phone", "numbers", "senders"),
    [(BO_US, [{"Iso2CountryCode": "US"}], []), ("+919876543210", [], [{"IsoCountryCode": "IN"}])],
)
def test_a_number_or_a_sender_id_there_is_enough(
    account: Account, phone: str, numbers: list[Any], senders: list[Any]
) -> None:
    account.replaced["sns"] = _texts(list_origination_numbers={"PhoneNumbers": numbers})
    account.replaced["pinpoint-sms-voice-v2"] = Answers(describe_sender_ids={"SenderIds": senders})
    assert _todo(_report(account, phone)) == []


def test_texts_of_which_nothing_can_be_told_are_lines(account: Account) -> None:
    account.replaced["sns"] = Answers()
    lines = _report(account, BO_US)
    assert len(lines) == 3
    assert all(str(line).startswith("?? texts") for line in lines)
