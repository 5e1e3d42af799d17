"""ImageStore over S3."""

from datetime import timedelta
from typing import TYPE_CHECKING

from framewatch.adapters.aws.errors import storage_errors

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class S3ImageStore:
    def __init__(self, client: "S3Client", bucket: str):
        self._client = client
        self._bucket = bucket

    def put(self, key: str, jpeg: bytes) -> None:
        with storage_errors(f"s3://{self._bucket}/{key}: put"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=jpeg,
                ContentType="image/jpeg",
                # A frame never changes under its key.
                CacheControl="private, max-age=31536000, immutable",
            )

    def url(self, key: str, expires_in: timedelta) -> str:
        with storage_errors(f"s3://{self._bucket}/{key}: sign a link"):
            return self._client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": key},
                ExpiresIn=int(expires_in.total_seconds()),
            )
