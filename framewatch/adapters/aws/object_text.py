"""A settings file out of S3, whole or not at all."""

from typing import TYPE_CHECKING

from botocore.exceptions import IncompleteReadError

from framewatch.wire.yaml_reading import MAX_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef


def read_text(answer: "GetObjectOutputTypeDef") -> bytes:
    """At most one byte more than such a file may have: whoever parses it then says that it is too long.

    Raises botocore's IncompleteReadError where the connection ended before. A read of so many bytes does not notice
    that by itself, and the first half of a settings file may be a valid one: with fewer cameras, and without rules.
    """
    most = MAX_BYTES + 1
    expected = min(answer["ContentLength"], most)
    text = answer["Body"].read(most)
    if len(text) < expected:
        raise IncompleteReadError(actual_bytes=len(text), expected_bytes=expected)
    return text
