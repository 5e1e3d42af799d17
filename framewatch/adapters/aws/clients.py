"""How every AWS client is built: bounded waits, few retries, a connection for every worker.

Clients are safe to share between threads; building them is not, so one thread builds them all, once.
A custom endpoint comes from the environment (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`, ...), as boto3 reads it.
"""

import os
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

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

    def __init__(self, workers: int = 16, region: str | None = None):
        self._session = boto3.Session(region_name=region)
        self._pool = max(10, workers + 2)

    def _config(self, read_timeout_s: float, attempts: int) -> Config:
        return Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=self._pool,
            tcp_keepalive=True,
        )

    def rekognition(self) -> "RekognitionClient":
        return self._session.client("rekognition", config=self._config(VISION_READ_TIMEOUT_S, VISION_ATTEMPTS))

    def s3(self) -> "S3Client":
        # Left to itself boto3 signs links with version 2, which newer regions and KMS refuse, and for the global
        # host, which sends a young bucket's callers on to another host, where the signature does not hold.
        signing = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
        config = self._config(STORE_READ_TIMEOUT_S, STORE_ATTEMPTS).merge(signing)
        if os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
            # An endpoint of one's own has no DNS name for every bucket.
            config = config.merge(Config(s3={"addressing_style": "path"}))
        return self._session.client("s3", config=config)

    def dynamodb(self) -> "DynamoDBClient":
        return self._session.client("dynamodb", config=self._config(STORE_READ_TIMEOUT_S, STORE_ATTEMPTS))

    def sns(self) -> "SNSClient":
        return self._session.client("sns", config=self._config(STORE_READ_TIMEOUT_S, TEXT_ATTEMPTS))

    def sqs(self) -> "SQSClient":
        return self._session.client("sqs", config=self._config(STORE_READ_TIMEOUT_S, STORE_ATTEMPTS))
