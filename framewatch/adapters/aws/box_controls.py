"""BoxControls over S3: an object beside each box's edge file, which the box asks for once a minute."""

from typing import TYPE_CHECKING

from framewatch.adapters.aws.errors import storage_errors
from framewatch.domain.edge_control import EdgeControl
from framewatch.domain.heartbeats import edge_user
from framewatch.wire.edge_control import CONTROL_KEY, encode_edge_control

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class S3BoxControls:
    def __init__(self, client: "S3Client", bucket: str, stage: str):
        """bucket: of the site's configuration. stage: its boxes' users are named after it."""
        self._client, self._bucket, self._stage = client, bucket, stage

    def put(self, box: str, control: EdgeControl) -> None:
        key = CONTROL_KEY.format(user=edge_user(self._stage, box))
        with storage_errors(f"s3://{self._bucket}/{key}: put"):
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=encode_edge_control(control), ContentType="application/json"
            )
