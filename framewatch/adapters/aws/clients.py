"""How every AWS client is built: bounded waits, few retries, a connection for every worker.

By botocore, which is what boto3's own clients are: boto3 would add resources and file transfers that nobody here
uses, and a fifteenth to what a function's cold start imports.

Clients are safe to share between threads; building them is not, so one thread builds them all, once.
A custom endpoint comes from the environment (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`, ...), as botocore reads it.
"""

import os
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

CONNECT_TIMEOUT_S = 2.0
STORE_READ_TIMEOUT_S = 5.0
VISION_READ_TIMEOUT_S = 10.0
# Every attempt that reaches the model is billed, also one whose answer came too late: the stream's own retry
# is the better place to wait.
VISION_ATTEMPTS = 2
# A store's attempts cost next to nothing, and a moment of throttling should not send a record round again.
STORE_ATTEMPTS = 4
# A publish that timed out may have been sent: each further attempt may text twice.
TEXT_ATTEMPTS = 2
VISION_WORST_S = VISION_ATTEMPTS * (CONNECT_TIMEOUT_S + VISION_READ_TIMEOUT_S) + 1.0
"""The longest that one detection can take, back-off included."""


class AwsClients:
    """Builds clients that serve `workers` threads without queueing for a connection."""

    def __init__(self, workers: int = 16, region: str | None = None, use: Counter | None = None):
        """use: where to count what they use."""
        self._session = Session()
        self._region = region
        self._use = use
        self._pool = max(10, workers + 2)

    def _config(self, read_timeout_s: float, attempts: int) -> Config:
        return Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=self._pool,
            tcp_keepalive=True,
        )

    def _client(self, service: str, config: Config) -> BaseClient:
        client = self._session.create_client(service, region_name=self._region, config=config)
        if self._use is not None:
            meter(client, self._use)
        return client

    def rekognition(self) -> "RekognitionClient":
        return cast(
            "RekognitionClient", self._client("rekognition", self._config(VISION_READ_TIMEOUT_S, VISION_ATTEMPTS))
        )

    def s3(self) -> "S3Client":
        # Left to itself boto3 signs links with version 2, which newer regions and KMS refuse, and for the global
        # host, which sends a young bucket's callers on to another host, where the signature does not hold.
        signing = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
        config = self._config(STORE_READ_TIMEOUT_S, STORE_ATTEMPTS).merge(signing)
        if os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
            # An endpoint of one's own has no DNS name for every bucket.
            config = config.merge(Config(s3={"addressing_style": "path"}))
        return cast("S3Client", self._client("s3", config))

    def dynamodb(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", self._client("dynamodb", self._config(STORE_READ_TIMEOUT_S, STORE_ATTEMPTS)))

    def sns(self) -> "SNSClient":
        return cast("SNSClient", self._client("sns", self._config(STORE_READ_TIMEOUT_S, TEXT_ATTEMPTS)))

    def sqs(self) -> "SQSClient":
        return cast("SQSClient", self._client("sqs", self._config(STORE_READ_TIMEOUT_S, STORE_ATTEMPTS)))
