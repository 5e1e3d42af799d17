"""What AWS counts, and how much of it was used: the closed set of things that have a price, and amounts of them.

Amounts are decimals, so that many small ones add up to exactly what they are.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

Number = Decimal | int | float | str


class Service(StrEnum):
    """As a bill groups it, and as a person calls it."""

    REKOGNITION = "Rekognition"
    SMS = "Text messages"
    KINESIS = "Kinesis"
    S3 = "S3"
    DYNAMODB = "DynamoDB"
    LAMBDA = "Lambda"
    API_GATEWAY = "API Gateway"
    CLOUDFRONT = "CloudFront"
    CLOUDWATCH = "CloudWatch"
    COGNITO = "Cognito"
    KMS = "KMS"
    SQS = "SQS"
    VIDEO_STREAMS = "Kinesis Video Streams"
    SAGEMAKER = "SageMaker"
    EC2 = "EC2"


class UsageKind(StrEnum):
    """What is counted. A GB is 1000 MB; a GB-month is a GB kept for thirty days."""

    IMAGES_ANALYSED = "images_analysed"
    SMS_PARTS = "sms_parts"
    TOPIC_PUBLISHES = "topic_publishes"
    KINESIS_STREAM_HOURS = "kinesis_stream_hours"
    KINESIS_GB_IN = "kinesis_gb_in"
    KINESIS_GB_OUT = "kinesis_gb_out"
    KINESIS_SHARD_HOURS = "kinesis_shard_hours"
    KINESIS_PUT_UNITS = "kinesis_put_units"
    S3_PUT_REQUESTS = "s3_put_requests"
    S3_GET_REQUESTS = "s3_get_requests"
    S3_GB_MONTHS = "s3_gb_months"
    S3_GB_OUT = "s3_gb_out"
    DYNAMODB_WRITE_UNITS = "dynamodb_write_units"
    DYNAMODB_READ_UNITS = "dynamodb_read_units"
    DYNAMODB_GB_MONTHS = "dynamodb_gb_months"
    DYNAMODB_BACKUP_GB_MONTHS = "dynamodb_backup_gb_months"
    LAMBDA_REQUESTS = "lambda_requests"
    LAMBDA_GB_S = "lambda_gb_s"
    API_REQUESTS = "api_requests"
    CLOUDFRONT_REQUESTS = "cloudfront_requests"
    CLOUDFRONT_GB = "cloudfront_gb"
    LOG_GB = "log_gb"
    LOG_GB_MONTHS = "log_gb_months"
    CUSTOM_METRICS = "custom_metrics"
    ALARMS = "alarms"
    DASHBOARDS = "dashboards"
    SIGN_IN_USERS = "sign_in_users"
    KMS_KEYS = "kms_keys"
    SQS_REQUESTS = "sqs_requests"
    VIDEO_MINUTES_ANALYSED = "video_minutes_analysed"
    STREAM_VIDEO_MINUTES = "stream_video_minutes"
    VIDEO_STREAM_GB_IN = "video_stream_gb_in"
    NOTEBOOK_HOURS = "notebook_hours"
    TRAINING_HOURS = "training_hours"
    ENDPOINT_HOURS = "endpoint_hours"
    GPU_INSTANCE_HOURS = "gpu_instance_hours"

    @property
    def service(self) -> Service:
        return _SERVICES[self]


_K = UsageKind
_SERVICES: Mapping[UsageKind, Service] = {
    kind: service
    for service, kinds in {
        Service.REKOGNITION: (_K.IMAGES_ANALYSED, _K.VIDEO_MINUTES_ANALYSED, _K.STREAM_VIDEO_MINUTES),
        Service.SMS: (_K.SMS_PARTS, _K.TOPIC_PUBLISHES),
        Service.KINESIS: tuple(k for k in _K if k.startswith("kinesis_")),
        Service.S3: tuple(k for k in _K if k.startswith("s3_")),
        Service.DYNAMODB: tuple(k for k in _K if k.startswith("dynamodb_")),
        Service.LAMBDA: tuple(k for k in _K if k.startswith("lambda_")),
        Service.API_GATEWAY: (_K.API_REQUESTS,),
        Service.CLOUDFRONT: tuple(k for k in _K if k.startswith("cloudfront_")),
        Service.CLOUDWATCH: (_K.LOG_GB, _K.LOG_GB_MONTHS, _K.CUSTOM_METRICS, _K.ALARMS, _K.DASHBOARDS),
        Service.COGNITO: (_K.SIGN_IN_USERS,),
        Service.KMS: (_K.KMS_KEYS,),
        Service.SQS: (_K.SQS_REQUESTS,),
        Service.VIDEO_STREAMS: (_K.VIDEO_STREAM_GB_IN,),
        Service.SAGEMAKER: (_K.NOTEBOOK_HOURS, _K.TRAINING_HOURS, _K.ENDPOINT_HOURS),
        Service.EC2: (_K.GPU_INSTANCE_HOURS,),
    }.items()
    for kind in kinds
}


class Usage(Mapping[UsageKind, Decimal]):
    """Amounts by kind; what is not in it is 0, and what is 0 is not in it. Never negative, never changed.

    `Usage({UsageKind.SMS_PARTS: 2})`; sums, differences and multiples are new ones. As JSON, names
    with decimal text.
    """

    __slots__ = ("_amounts",)

    def __init__(self, amounts: Mapping[UsageKind, Number] | None = None) -> None:
        """Raises ValueError for an amount below 0, or none at all (NaN, infinity)."""
        found = {kind: to_decimal(amount) for kind, amount in (amounts or {}).items()}
        for kind, amount in found.items():
            if not amount.is_finite() or amount < 0:
                raise ValueError(f"{kind}: {amount} is no amount that can be used; it is 0 or more")
        # In the order of the kinds, so that equal usages print alike.
        self._amounts = {kind: found[kind] for kind in UsageKind if found.get(kind)}

    def __getitem__(self, kind: UsageKind) -> Decimal:
        return self._amounts[kind]

    def __iter__(self) -> Iterator[UsageKind]:
        return iter(self._amounts)

    def __len__(self) -> int:
        return len(self._amounts)

    def amount(self, kind: UsageKind) -> Decimal:
        return self._amounts.get(kind, Decimal(0))

    def __add__(self, other: "Usage") -> "Usage":
        return Usage({kind: self.amount(kind) + other.amount(kind) for kind in UsageKind})

    def __sub__(self, other: "Usage") -> "Usage":
        """Raises ValueError where the other has more."""
        return Usage({kind: self.amount(kind) - other.amount(kind) for kind in UsageKind})

    def __mul__(self, times: Number) -> "Usage":
        return Usage({kind: amount * to_decimal(times) for kind, amount in self.items()})

    def __truediv__(self, by: Number) -> "Usage":
        return Usage({kind: amount / to_decimal(by) for kind, amount in self.items()})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Usage) and self._amounts == other._amounts

    def __hash__(self) -> int:
        return hash(tuple(self._amounts.items()))

    def __repr__(self) -> str:
        return f"Usage({', '.join(f'{kind}={amount}' for kind, amount in self.items())})"

    def as_json(self) -> dict[str, str]:
        return {kind.value: format(amount, "f") for kind, amount in self.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Kinds that this build does not know are left out: a later one may have counted more."""
        known = set(UsageKind)
        return cls({UsageKind(name): str(amount) for name, amount in data.items() if name in known})


NOTHING = Usage()


def to_decimal(number: Number) -> Decimal:
    """A float is taken for what it prints as: 0.1 is a tenth."""
    return Decimal(str(number)) if isinstance(number, float) else Decimal(number)
