"""Whole buckets and prefixes: list them, empty them."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from infra.tasks.problem import TaskProblem
from infra.tasks.session import Stage

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef, ObjectTypeDef

# A request deletes so many.
_AT_ONCE = 1000


def objects_below(stage: Stage, bucket: str, prefix: str) -> Iterator["ObjectTypeDef"]:
    for page in stage.session.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Contents", [])


def empty(stage: Stage, bucket: str) -> int:
    """Deletes every version of every object, and says how many. Raises TaskProblem when some stay."""
    s3 = stage.session.client("s3")
    versions = _versions(stage, bucket)
    count = 0
    while batch := list(islice(versions, _AT_ONCE)):
        errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True}).get("Errors", [])
        if errors:
            raise TaskProblem(f"{bucket}: {len(errors)} objects stay, the first because of {errors[0]}")
        count += len(batch)
    return count


def _versions(stage: Stage, bucket: str) -> Iterator["ObjectIdentifierTypeDef"]:
    for page in stage.session.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket):
        for found in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
            yield {"Key": found["Key"], "VersionId": found["VersionId"]}
