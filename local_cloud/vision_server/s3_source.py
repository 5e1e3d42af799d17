"""Fetches an Image.S3Object. Like Rekognition, it says no more of an object than that it cannot be had."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.vision_server.protocol import MAX_S3_IMAGE_BYTES, ApiError, S3Object

_TIMEOUT_S = 10.0


class S3ImageSource:
    """Reads with the credentials in the environment; real Rekognition reads with the caller's."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        self._s3: Any = boto3.client(
            "s3",
            endpoint_url=endpoint_url,
            region_name=region,
            config=Config(
                connect_timeout=_TIMEOUT_S,
                read_timeout=_TIMEOUT_S,
                max_pool_connections=64,
                retries={"total_max_attempts": 2, "mode": "standard"},
                s3={"addressing_style": "path"},
            ),
        )

    def fetch(self, s3_object: S3Object) -> bytes:
        """Raises ApiError: InvalidS3ObjectException when S3 refuses, ImageTooLargeException over 15 MB,
        InternalServerError when S3 itself fails or does not answer."""
        version = {} if s3_object.version is None else {"VersionId": s3_object.version}
        try:
            answer = self._s3.get_object(Bucket=s3_object.bucket, Key=s3_object.name, **version)
            with answer["Body"] as body:
                if answer["ContentLength"] > MAX_S3_IMAGE_BYTES:
                    raise ApiError(
                        "ImageTooLargeException",
                        f"the S3 object holds {answer['ContentLength']} bytes, more than {MAX_S3_IMAGE_BYTES}",
                    )
                data: bytes = body.read()
        except ClientError as error:
            if error.response["ResponseMetadata"].get("HTTPStatusCode", 500) >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise _s3_failed() from error
            raise ApiError(
                "InvalidS3ObjectException",
                "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
            ) from error
        except BotoCoreError as error:
            raise _s3_failed() from error
        return data


def _s3_failed() -> ApiError:
    return ApiError("InternalServerError", "S3 did not answer: try again", HTTPStatus.INTERNAL_SERVER_ERROR)
