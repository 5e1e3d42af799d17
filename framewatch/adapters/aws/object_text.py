"""A settings file out of S3: whole, or not at all."""

from typing import TYPE_CHECKING

from botocore.exceptions import IncompleteReadError, ResponseStreamingError

from framewatch.wire.yaml_reading import MAX_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef


def read_text(answer: "GetObjectOutputTypeDef") -> tuple[bytes, str]:
    """The text and its ETag. At most one byte more than such a file may have: its parser then says that it is too
    long.

    Raises botocore's errors: where the connection ended before, which a read of so many bytes does not notice by
    itself, and where somebody in between answered, a page to sign in to for one. Half a settings file may be a valid
    one: with fewer cameras, and without rules.
    """
    if "ETag" not in answer:
        raise ResponseStreamingError(error="it has no ETag, so it is not of S3 but of somebody in between")
    most = MAX_BYTES + 1
    expected = min(answer["ContentLength"], most)
    text = answer["Body"].read(most)
    if len(text) < expected:
        raise IncompleteReadError(actual_bytes=len(text), expected_bytes=expected)
    return text, answer["ETag"]
