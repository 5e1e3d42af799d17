"""The box's control objects in the deployment's configuration bucket, which only this box may read.

`s3://<bucket>/edge/<user>/edge.yaml`, its edge file, uploaded with `pynt configureedge`, and `control.json` beside
it, what it is told in between. Asked for by their ETag, so that what did not change is not sent again.
"""

import re
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from edge_client.config import EdgeFileError, EdgeFileMissing
from framewatch.adapters.aws.errors import missing_grant
from framewatch.adapters.aws.object_text import read_text

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

# Each look is a request that costs a little, and a change need not be there at once.
POLL_S = 60.0

_URL = re.compile(r"^s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)$")
_CLOCK = "this machine's clock is wrong, or the secret key is; set the clock (NTP) and check the key"
_REVOKED = "the access key is not valid, perhaps revoked; `pynt edgeboxes` tells, `pynt rotateedge` makes another"
# A box may not list the bucket, and to who may not, S3 does not tell a missing object from a closed one.
_MISSING = ("NoSuchKey", "404", "AccessDenied")
_MEANS = {
    "NoSuchKey": "does not exist; upload it with `pynt configureedge`",
    "404": "does not exist; upload it with `pynt configureedge`",
    "NoSuchBucket": "there is no such bucket; check the address, `pynt edgebox` and `pynt configureedge` print it",
    "AccessDenied": "does not exist, or this box may not read it: each box reads its own alone;"
    " upload it with `pynt configureedge`, and check that the address and the key are this box's",
    "InvalidAccessKeyId": _REVOKED,
    "InvalidClientTokenId": _REVOKED,
    "SignatureDoesNotMatch": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "ExpiredToken": "the session token has expired; sign in again",
}
_NO_KEY = "there are no AWS credentials; set AWS_PROFILE to the profile that `pynt edgebox` printed"
_NETWORK = "S3 could not be asked; check this machine's network and the region"


def parse_control_url(text: str) -> tuple[str, str] | None:
    """Bucket and key of an s3:// address; None for what is none."""
    found = _URL.match(text)
    return (found[1], found[2]) if found else None


def beside(name: str) -> str | None:
    """The address of the control document of a box whose edge file lies in S3; None for any other edge file."""
    return f"{name.rpartition('/')[0]}/control.json" if parse_control_url(name) else None


class ControlObject:
    """A source of the edge file, or of the control document. Not for several threads."""

    poll_s = POLL_S

    def __init__(self, client: "S3Client", bucket: str, key: str) -> None:
        self._client, self._bucket, self._key = client, bucket, key
        self.name = f"s3://{bucket}/{key}"
        self._etag: str | None = None
        self._text = b""

    def version(self) -> str:
        """The ETag of the newest. Raises EdgeFileError."""
        try:
            # One request for both: the text comes with it, unless it is the one that is known.
            if self._etag is None:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key)
            else:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key, IfNoneMatch=self._etag)
            self._text, self._etag = read_text(answer)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "Unknown"))
            if code not in ("304", "NotModified"):
                kind = EdgeFileMissing if code in _MISSING else EdgeFileError
                raise kind(f"{self.name}: {_MEANS.get(code, _NETWORK)} ({_details(code, error)})") from None
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise EdgeFileError(f"{self.name}: {_NO_KEY} ({type(error).__name__})") from None
        except BotoCoreError as error:
            raise EdgeFileError(f"{self.name}: {_NETWORK} ({type(error).__name__})") from None
        return str(self._etag)

    def read(self) -> bytes:
        """The text that `version` told of last. Raises EdgeFileError."""
        if self._etag is None:
            self.version()
        return self._text


def _details(code: str, error: ClientError) -> str:
    """With the right that AWS says is missing. For a missing object that is the one to list the bucket."""
    missing = missing_grant(error)
    return f"{code}: {missing.partition(';')[0]}" if missing else code
