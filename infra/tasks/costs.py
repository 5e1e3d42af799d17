"""What the stage has spent this month by its own meter, and how AWS's bill compares with that."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytz
from botocore.exceptions import BotoCoreError, ClientError

from framewatch.adapters.aws.count_table import DynamoCountTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.use_table import DynamoUseTable
from framewatch.domain.cost import Service
from framewatch.domain.errors import FramewatchError
from framewatch.domain.site import SiteConfig
from framewatch.domain.standing_use import hourly_use
from framewatch.services.spend import Books, Month, SpendDeps
from framewatch.wire.price_file import prices_near
from infra.tasks.capture import running_site
from infra.tasks.problem import AWS_ERRORS, TaskProblem, code_of, reason_of
from infra.tasks.session import Stage
from infra.tasks.stacks import outputs

# As Cost Explorer calls them.
BILLED_AS = {
    "Amazon Rekognition": Service.REKOGNITION,
    "Amazon Simple Notification Service": Service.SMS,
    "Amazon Kinesis": Service.KINESIS,
    "Amazon Simple Storage Service": Service.S3,
    "Amazon DynamoDB": Service.DYNAMODB,
    "AWS Lambda": Service.LAMBDA,
    "Amazon API Gateway": Service.API_GATEWAY,
    "Amazon CloudFront": Service.CLOUDFRONT,
    "AmazonCloudWatch": Service.CLOUDWATCH,
    "Amazon Cognito": Service.COGNITO,
    "AWS Key Management Service": Service.KMS,
    "Amazon Simple Queue Service": Service.SQS,
}
# CloudFront has no region.
_NO_REGION = ("global", "NoRegion")
_WIDTH = 14


def show_costs(stage: Stage, now: datetime) -> None:
    """Prints it. Raises TaskProblem."""
    site, month = _this_month(stage, now)
    zone = pytz.timezone(site.site.time_zone)
    if month.known_until is None or month.metered_from is None:
        print("nothing of this month was metered yet; what is used is summed up every few minutes")
        return
    table = month.prices.table
    first, last = (f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in (month.metered_from, month.known_until))
    print(f"{first} to {last}, site time, at list prices of {table.region} as of {table.as_of}; not a bill")
    for service, usd in sorted(_by_service(month).items(), key=lambda item: -item[1]):
        print(_row(service, usd))
    print(_row("month to date", month.usd))
    if month.rest is not None:
        since = f"{month.rest.since.astimezone(zone):%Y-%m-%d %H:%M}"
        print(f"{_row('at its end', month.usd + month.rest.bill.usd)}, if it goes on as since {since}")
    for camera in site.cameras:
        used = month.cameras[camera.id]
        said = f"{used.frames} frames, {used.analysed} analysed, {used.billed} calls billed, {used.alerts} alerts"
        print(f"{_row(camera.id, month.of_camera(camera.id))}  {said}")


def reconcile(stage: Stage, now: datetime) -> None:
    """Prints each service of the days that are over beside AWS's bill for them. Raises TaskProblem."""
    today = now.astimezone(UTC).date()
    first = (today - timedelta(days=1)).replace(day=1)
    billed = _billed(stage, first, today)
    _, month = _this_month(stage, now, first)
    ours = _by_service(month, before=today)
    print(f"{first} to {today - timedelta(days=1)}: our meter, AWS's bill for the whole account in {stage.region}")
    others = Decimal(0)
    seen: dict[Service, Decimal] = {}
    for name, usd in billed.items():
        if (service := BILLED_AS.get(name)) is not None:
            seen[service] = seen.get(service, Decimal(0)) + usd
        else:
            others += usd
    for service in Service:
        mine, theirs = ours.get(service, Decimal(0)), seen.get(service, Decimal(0))
        if mine or theirs:
            print(f"{_row(service, mine)} {theirs:>12.4f} USD  {_compared(mine, theirs)}")
    mine, theirs = sum(ours.values(), Decimal(0)), sum(seen.values(), Decimal(0))
    print(f"{_row('together', mine)} {theirs:>12.4f} USD  {_compared(mine, theirs)}")
    if others:
        print(f"{'others':<{_WIDTH}} {'':>16} {others:>12.4f} USD  services that Framewatch does not use")
    print(
        "AWS's days are UTC's, ours the site's; AWS takes up to a day to bill, and counts whatever else the account"
        " does there. Asking it has cost 0.01 USD."
    )


def _this_month(stage: Stage, now: datetime, first: date | None = None) -> tuple[SiteConfig, Month]:
    found = outputs(stage)
    site = running_site(stage, found)
    table = DynamoTable(stage.session.client("dynamodb"), found["TableName"])
    prices = partial(prices_near, stage.region)
    books = Books(SpendDeps(DynamoUseTable(table), DynamoCountTable(table), prices, hourly_use))
    begins = first or now.astimezone(pytz.timezone(site.site.time_zone)).date().replace(day=1)
    try:
        return site, books.month(site, begins, now)
    except FramewatchError as error:
        raise TaskProblem(f"what was used cannot be read: {error}; run it again") from error


def _by_service(month: Month, before: date = date.max) -> dict[Service, Decimal]:
    found: dict[Service, Decimal] = {}
    for bill in month.bills:
        if bill.day < before:
            for service, usd in bill.by_service.items():
                found[service] = found.get(service, Decimal(0)) + usd
    return found


def _billed(stage: Stage, first: date, end: date) -> dict[str, Decimal]:
    """By Cost Explorer's name of the service; end: not included. Raises TaskProblem."""
    if stage.is_local:
        raise TaskProblem("an emulator sends no bill to compare with; `pynt costs` says what was metered")
    only = {
        "And": [
            {"Dimensions": {"Key": "REGION", "Values": [stage.region, *_NO_REGION]}},
            {"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Usage"]}},
        ]
    }
    client: Any = stage.session.client("ce")
    found: dict[str, Decimal] = {}
    more: dict[str, str] = {}
    try:
        while True:
            answer = client.get_cost_and_usage(
                TimePeriod={"Start": first.isoformat(), "End": end.isoformat()},
                Granularity="MONTHLY",
                Metrics=["UnblendedCost"],
                GroupBy=[{"Type": "DIMENSION", "Key": "SERVICE"}],
                Filter=only,
                **more,
            )
            for group in (group for result in answer["ResultsByTime"] for group in result["Groups"]):
                (name,), usd = group["Keys"], Decimal(group["Metrics"]["UnblendedCost"]["Amount"])
                found[name] = found.get(name, Decimal(0)) + usd
            if not (token := answer.get("NextPageToken")):
                return found
            more = {"NextPageToken": token}
    except AWS_ERRORS as error:
        raise TaskProblem(_why_not(error, stage)) from error


def _why_not(error: BotoCoreError | ClientError, stage: Stage) -> str:
    code = code_of(error)
    if not code:
        return f"Cost Explorer cannot be reached: {reason_of(error)}"
    if code in {"AccessDenied", "AccessDeniedException"}:
        return (
            f"{stage.caller} may not ask for the bill ({code}); allow ce:GetCostAndUsage and, in the root user's"
            " account settings, IAM access to billing. `pynt costs` needs neither"
        )
    if code == "DataUnavailableException":
        return "AWS has no bill to show yet: it has one a day after Cost Explorer was first opened in its console"
    return f"AWS does not say what it bills: {reason_of(error)}"


def _compared(ours: Decimal, theirs: Decimal) -> str:
    if not theirs:
        return "not billed yet, or within a free tier"
    return f"{(ours - theirs) / theirs:+.0%}"


def _row(name: str, usd: Decimal) -> str:
    return f"{name:<{_WIDTH}} {usd:>12.4f} USD"
