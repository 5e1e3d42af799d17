"""costs and costs[reconcile]: the meter's month, and AWS's bill beside it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from framewatch.adapters.aws.count_table import DynamoCountTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.use_table import DynamoUseTable
from framewatch.domain.analysis import Analysis
from framewatch.domain.cost import Usage, UsageKind
from framewatch.domain.hourly import Counts, DayCounts
from framewatch.domain.use import DayUse
from infra.settings import PARTS
from infra.tasks.costs import reconcile, show_costs
from infra.tasks.problem import TaskProblem
from tests.aws import TABLE, create_table
from tests.infra.fake_aws import REGION, Account, Answers

NOW = datetime(2026, 11, 21, 17, tzinfo=UTC)
ONLY = {
    "And": [
        {"Dimensions": {"Key": "REGION", "Values": [REGION, "global", "NoRegion"]}},
        {"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Usage"]}},
    ]
}


@pytest.fixture
def metered(account: Account) -> Account:
    """Since the last day of October, a thousand images a day of the camera front, each frame called for once."""
    account.client("s3").create_bucket(Bucket="site-files", CreateBucketConfiguration={"LocationConstraint": REGION})
    account.client("s3").put_object(Bucket="site-files", Key="site.yaml", Body=b"cameras: [{id: front}]\n")
    for part in PARTS:
        account.stacks.add(part)
    dynamodb = account.client("dynamodb")
    create_table(dynamodb)
    account.stacks.add("data").outputs = {"ConfigBucketName": "site-files", "TableName": TABLE}
    table = DynamoTable(dynamodb, TABLE)
    uses, counts = DynamoUseTable(table), DynamoCountTable(table)
    for n in range(22):
        day = date(2026, 10, 31) + timedelta(days=n)
        by_camera = {"front": Usage({UsageKind.IMAGES_ANALYSED: 1001})}
        expires_at = NOW + timedelta(days=1)
        uses.put_day(DayUse(day, by_camera=by_camera, known_until=NOW, processes=1), expires_at)
        counted = Counts(1000, by_analysis={Analysis.ANALYSED: 1000}, alerts=1)
        counts.put_day(DayCounts("front", day, counted, None), expires_at)
    return account


@pytest.fixture
def explorer(metered: Account) -> Iterator[Stubber]:
    client = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION).client(
        "ce"
    )
    metered.replaced["ce"] = client
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def page(*billed: tuple[str, str], token: str | None = None) -> dict[str, Any]:
    groups = [{"Keys": [name], "Metrics": {"UnblendedCost": {"Amount": usd, "Unit": "USD"}}} for name, usd in billed]
    return {"ResultsByTime": [{"Groups": groups}]} | ({"NextPageToken": token} if token else {})


def asked(start: str, end: str, **more: str) -> dict[str, Any]:
    return {
        "TimePeriod": {"Start": start, "End": end},
        "Granularity": "MONTHLY",
        "Metrics": ["UnblendedCost"],
        "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
        "Filter": ONLY,
    } | more


def test_the_month_is_told_by_service_and_camera_and_what_it_will_come_to(
    metered: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    show_costs(metered.stage(), NOW)
    said = capsys.readouterr().out
    assert f"2026-11-01 00:00 to 2026-11-21 17:00, site time, at list prices of {REGION}" in said
    assert "Rekognition         21.0210 USD" in said
    assert "if it goes on as since 2026-11-14 00:00" in said
    assert "21000 frames, 21000 analysed, 21021 calls billed, 21 alerts" in said


def test_a_stage_that_has_metered_nothing_yet_says_so(metered: Account, capsys: pytest.CaptureFixture[str]) -> None:
    show_costs(metered.stage(), NOW + timedelta(days=70))
    assert "nothing of this month was metered yet" in capsys.readouterr().out


def test_the_bill_is_set_beside_the_meter_for_the_days_that_are_over(
    metered: Account, explorer: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    first = page(("Amazon Rekognition", "18.2"), ("Tax on something", "0.5"), token="more")
    explorer.add_response("get_cost_and_usage", first, asked("2026-11-01", "2026-11-21"))
    second = page(("Amazon Rekognition", "1.82"), ("Amazon Kinesis", "40"))
    explorer.add_response("get_cost_and_usage", second, asked("2026-11-01", "2026-11-21", NextPageToken="more"))
    reconcile(metered.stage(), NOW)
    said = capsys.readouterr().out
    assert "2026-11-01 to 2026-11-20" in said
    assert "Rekognition         20.0200 USD      20.0200 USD  +0%" in said
    assert "Kinesis             21.1200 USD      40.0000 USD  -47%" in said
    assert "CloudWatch" in said and "not billed yet, or within a free tier" in said
    assert "0.5000 USD  services that Framewatch does not use" in said


def test_on_the_first_of_a_month_the_month_before_is_compared(metered: Account, explorer: Stubber) -> None:
    explorer.add_response("get_cost_and_usage", page(), asked("2026-11-01", "2026-12-01"))
    reconcile(metered.stage(), NOW + timedelta(days=10))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDeniedException", "may not ask for the bill .* allow ce:GetCostAndUsage"),
        ("DataUnavailableException", "a day after Cost Explorer was first opened"),
        ("LimitExceededException", "AWS does not say what it bills: LimitExceededException"),
    ],
)
def test_whoever_is_not_told_the_bill_is_told_why(metered: Account, explorer: Stubber, code: str, words: str) -> None:
    explorer.add_client_error("get_cost_and_usage", code)
    with pytest.raises(TaskProblem, match=words):
        reconcile(metered.stage(), NOW)


def test_without_a_way_to_aws_the_sentence_says_so(metered: Account) -> None:
    metered.replaced["ce"] = Answers(get_cost_and_usage=EndpointConnectionError(endpoint_url="https://ce"))
    with pytest.raises(TaskProblem, match="Cost Explorer cannot be reached"):
        reconcile(metered.stage(), NOW)
