"""The AWS clients of the edge. Credentials, profile and region are found as every AWS tool finds them."""

from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from edge_client.config_watch import ConfigSource, FileSource
from edge_client.control import ControlObject, parse_control_url

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

# The producer has its own retries, which know which records of a request failed.
_ONE_TRY = Config(connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 1})
_OBJECT = Config(connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3})


def kinesis_client(region: str | None, endpoint_url: str | None = None) -> "KinesisClient":
    """Raises ValueError with a sentence."""
    try:
        return boto3.client("kinesis", region_name=region, endpoint_url=endpoint_url, config=_ONE_TRY)
    except (BotoCoreError, ValueError) as error:
        raise ValueError(f"no Kinesis client: {error} Give --region, or check the AWS settings.") from None


def config_source(where: str) -> ConfigSource:
    """where: a path, or s3://bucket/key. Raises ValueError with a sentence."""
    if not where.startswith("s3://"):
        return FileSource(Path(where).expanduser())
    place = parse_control_url(where)
    if place is None:
        raise ValueError(f"{where} is not s3://bucket/key; write both")
    try:
        return ControlObject(boto3.client("s3", config=_OBJECT), *place)
    except (BotoCoreError, ValueError) as error:
        raise ValueError(f"no S3 client: {error} Check the AWS settings.") from None
