"""AWS's default quotas, what is asked of each, and what moves it: which gives way first, and at how many cameras.

A quota is a site's, or the account's in a region, which all of its sites share.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from framewatch.domain.estimate import Plan
from framewatch.domain.scaling import CAMERAS_A_BOX, DAY_USE_BYTES_A_CAMERA, Load
from framewatch.domain.site import MAX_CAMERAS

_READ = date(2026, 11, 21)
_AWS = "https://docs.aws.amazon.com/"
_KINESIS = _AWS + "streams/latest/dev/service-sizes-and-limits.html"
_LAMBDA = _AWS + "lambda/latest/dg/gettingstarted-limits.html"
_DYNAMODB = _AWS + "amazondynamodb/latest/developerguide/ServiceQuotas.html"
_WARM = _AWS + "amazondynamodb/latest/developerguide/warm-throughput-scenarios.html"
_PARTITION = _AWS + "amazondynamodb/latest/developerguide/bp-partition-key-design.html"
_S3 = _AWS + "AmazonS3/latest/userguide/optimizing-performance.html"
_SNS = _AWS + "general/latest/gr/sns.html"


@dataclass(frozen=True, slots=True)
class Quota:
    """limit: by default, in `unit`. demand: what a load asks of it, in the same. source: where it is documented.
    checked: false: the number was not read there, but is what is generally said.
    """

    name: str
    unit: str
    per: str
    limit: float
    demand: Callable[[Load], float]
    moved_by: str
    source: str
    read_on: date = _READ
    checked: bool = True

    def share(self, load: Load) -> float:
        return self.demand(load) / self.limit

    def passed_at(self, plan: Plan, most: int = 10_000_000) -> int | None:
        """The least number of cameras that ask more than it gives; None when not even `most` do. What is asked never
        falls with their number."""
        low, high = 1, most
        if self.share(Load(high, plan)) <= 1:
            return None
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.share(Load(middle, plan)) > 1 else (middle + 1, high)
        return low


_ACCOUNT, _SITE = "account", "site"
_RAISE = "raise it in Service Quotas"

QUOTAS = (
    Quota(
        "SNS, spending on texts",
        "USD a month",
        _ACCOUNT,
        1,
        lambda load: load.texts_usd_a_month,
        "a case with AWS Support; `limits.per_day` and `limits.monthly_budget_usd` keep below it",
        _AWS + "sns/latest/dg/channels-sms-awssupport-spend-threshold.html",
    ),
    Quota(
        "Rekognition, DetectLabels, most regions",
        "a second",
        _ACCOUNT,
        5,
        lambda load: load.detections,
        f"{_RAISE}; a larger region; `fps`, gate, `reuse_near_duplicates`, `screen`",
        _AWS + "general/latest/gr/rekognition.html",
        checked=False,
    ),
    Quota(
        "Rekognition, DetectLabels, largest regions",
        "a second",
        _ACCOUNT,
        50,
        lambda load: load.detections,
        f"{_RAISE}; sites in several regions; `fps`, gate, `reuse_near_duplicates`, `screen`",
        _AWS + "general/latest/gr/rekognition.html",
        checked=False,
    ),
    Quota(
        "Lambda, at once, new account",
        "invocations",
        _ACCOUNT,
        10,
        lambda load: load.invocations,
        f"{_RAISE}; AWS raises it by itself with use",
        _LAMBDA,
        checked=False,
    ),
    Quota(
        "Lambda, at once",
        "invocations",
        _ACCOUNT,
        1_000,
        lambda load: load.invocations,
        f"{_RAISE}; `deployment.reserved_concurrency` shares it out",
        _LAMBDA,
    ),
    Quota(
        "Kinesis, on demand, new stream",
        "MB a second",
        _SITE,
        4,
        lambda load: load.stream_mb,
        "connect cameras over hours: it takes twice what it had; or `deployment.shards` from the start",
        _KINESIS,
    ),
    Quota(
        "Kinesis, on demand, most regions",
        "MB a second",
        _SITE,
        200,
        lambda load: load.stream_mb,
        "a case with AWS Support, or `deployment.shards`",
        _KINESIS,
    ),
    Quota(
        "Kinesis, one camera on its shard",
        "MB a second",
        _SITE,
        1,
        lambda load: load.plan.fps * load.plan.frame_kb / 1000,
        "nothing: a camera's frames stay on one shard; smaller or fewer pictures",
        _KINESIS,
    ),
    Quota(
        "Kinesis, streams on demand",
        "streams",
        _ACCOUNT,
        50,
        lambda load: load.sites,
        "`deployment.shards`, or a case with AWS Support",
        _KINESIS,
    ),
    Quota(
        "DynamoDB, new table, writes",
        "units a second",
        _SITE,
        4_000,
        lambda load: load.table_writes,
        "connect cameras over hours: it takes twice what it had; or its warm throughput",
        _WARM,
    ),
    Quota(
        "DynamoDB, table, writes",
        "units a second",
        _SITE,
        40_000,
        lambda load: load.table_writes,
        f"{_RAISE}; smaller sites; `vision.max_labels`",
        _DYNAMODB,
    ),
    Quota(
        "DynamoDB, table, reads",
        "units a second",
        _SITE,
        40_000,
        lambda load: load.table_reads,
        f"{_RAISE}; people who see a group of cameras",
        _DYNAMODB,
    ),
    Quota(
        "DynamoDB, partition of heartbeats, reads",
        "units a second",
        _SITE,
        3_000,
        lambda load: load.heartbeat_reads,
        "nothing: smaller sites, fewer open walls",
        _PARTITION,
    ),
    Quota(
        "DynamoDB, partition of heartbeats, writes",
        "units a second",
        _SITE,
        1_000,
        lambda load: load.heartbeat_writes,
        "nothing: smaller sites",
        _PARTITION,
    ),
    Quota(
        "DynamoDB, partition of a camera's day, writes",
        "units a second",
        _SITE,
        1_000,
        lambda load: load.camera_writes,
        "nothing: fewer frames a second",
        _PARTITION,
    ),
    Quota(
        "DynamoDB, size of an item: what a day used",
        "bytes",
        _SITE,
        400 * 1024,
        lambda load: load.largest * DAY_USE_BYTES_A_CAMERA,
        f"nothing: that is why a site holds {MAX_CAMERAS:,} cameras",
        _DYNAMODB,
    ),
    Quota(
        "S3, writes below `frames/`",
        "a second",
        _SITE,
        3_500,
        lambda load: load.frames(load.largest),
        "S3 splits a prefix that is busy for a while; smaller sites",
        _S3,
    ),
    Quota(
        "S3, reads below `frames/`",
        "a second",
        _SITE,
        5_500,
        lambda load: load.pictures,
        "S3 splits a prefix that is busy for a while; people who see a group of cameras",
        _S3,
    ),
    Quota(
        "API Gateway",
        "requests a second",
        _ACCOUNT,
        10_000,
        lambda load: load.sites * load.api_requests,
        f"{_RAISE}; 2,500 in younger regions",
        _AWS + "apigateway/latest/developerguide/limits.html",
    ),
    Quota(
        "CloudFront",
        "requests a second",
        _SITE,
        250_000,
        lambda load: load.api_requests,
        _RAISE,
        _AWS + "AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html",
    ),
    Quota(
        "SNS, texts",
        "a second",
        _ACCOUNT,
        20,
        lambda load: load.texts,
        "a case with AWS Support; what is refused is sent with the watchdog's next round",
        _SNS,
        checked=False,
    ),
    Quota(
        "IAM, users: a box each",
        "users",
        _ACCOUNT,
        5_000,
        lambda load: -(-load.cameras // CAMERAS_A_BOX),
        "nothing: several accounts",
        _AWS + "IAM/latest/UserGuide/reference_iam-quotas.html",
        checked=False,
    ),
    Quota(
        "the watchdog's round, of its 50 s",
        "s",
        _SITE,
        50,
        lambda load: load.watchdog_s,
        "nothing: smaller sites; what a round does not reach comes with the next, people before counts",
        "infra/stacks/processing.py",
    ),
)


def by_what_breaks_first(plan: Plan) -> list[tuple[Quota, int | None]]:
    """Each with the number of cameras that pass it; those that none pass come last."""
    found = [(quota, quota.passed_at(plan)) for quota in QUOTAS]
    return sorted(found, key=lambda pair: math.inf if pair[1] is None else pair[1])
