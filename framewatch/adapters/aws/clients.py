"""How every AWS client is built: bounded waits, few retries, a connection for every worker.

By botocore, which is what boto3's own clients are: boto3 would add resources and file transfers that nobody here
uses, and a fifteenth to what a function's cold start imports.

Clients are safe to share between threads; building them is not, so one thread builds them all, once.
A custom endpoint comes from the environment (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`, ...), as botocore reads it.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from botocore.client import BaseClient
from botocore.config import Config
from botocore.session import Session

from framewatch.adapters.aws.use_meter import Counter, meter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_rekognition.client import RekognitionClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sns.client import SNSClient
    from mypy_boto3_sqs.client import SQSClient


@dataclass(frozen=True, slots=True)
class Waits:
    """For one attempt, and how many there are."""

    connect_s: float
    read_s: float
    attempts: int

    @property
    def worst_s(self) -> float:
        """The longest that one request can take: botocore backs off for up to 1 s, then 2, 4, ..."""
        return self.attempts * (self.connect_s + self.read_s) + 2.0 ** (self.attempts - 1) - 1


# A store's attempts cost next to nothing, and a moment of throttling should not send a record round again.
STORE = Waits(connect_s=2.0, read_s=5.0, attempts=4)
# Somebody looks at an empty page: better a word from us soon than API Gateway's own later.
STORE_OF_A_PAGE = Waits(connect_s=1.0, read_s=2.0, attempts=3)
# Every attempt that reaches the model is billed, also one whose answer came too late: the stream's own retry
# is the better place to wait.
VISION = Waits(connect_s=2.0, read_s=10.0, attempts=2)
# A publish that timed out may have been sent: each further attempt may text twice.
TEXT = Waits(connect_s=2.0, read_s=5.0, attempts=2)


class AwsClients:
    """Builds clients that serve `workers` threads without queueing for a connection."""

    def __init__(
        self, workers: int = 16, region: str | None = None, use: Counter | None = None, *, store: Waits = STORE
    ):
        """use: where to count what they use. store: how long DynamoDB, S3 and SQS are waited for."""
        self._session = Session()
        self._store = store
        self._region = region
        self._use = use
        self._pool = max(10, workers + 2)

    def _config(self, waits: Waits) -> Config:
        return Config(
            connect_timeout=waits.connect_s,
            read_timeout=waits.read_s,
            retries={"mode": "standard", "total_max_attempts": waits.attempts},
            max_pool_connections=self._pool,
            tcp_keepalive=True,
        )

    def _client(self, service: str, config: Config) -> BaseClient:
        client = self._session.create_client(service, region_name=self._region, config=config)
        if self._use is not None:
            meter(client, self._use)
        return client

    def rekognition(self) -> "RekognitionClient":
        return cast("RekognitionClient", self._client("rekognition", self._config(VISION)))

    def s3(self) -> "S3Client":
        # Left to itself boto3 signs links with version 2, which newer regions and KMS refuse, and for the global
        # host, which sends a young bucket's callers on to another host, where the signature does not hold.
        signing = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
        config = self._config(self._store).merge(signing)
        if os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
            # An endpoint of one's own has no DNS name for every bucket.
            config = config.merge(Config(s3={"addressing_style": "path"}))
        return cast("S3Client", self._client("s3", config))

    def dynamodb(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", self._client("dynamodb", self._config(self._store)))

    def sns(self) -> "SNSClient":
        return cast("SNSClient", self._client("sns", self._config(TEXT)))

    def sqs(self) -> "SQSClient":
        return cast("SQSClient", self._client("sqs", self._config(self._store)))
