"""botocore's errors become Framewatch's here, and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from framewatch.domain.errors import StorageUnavailable, WriteConflict

_LOST_RACE = {"ConditionalCheckFailed", "TransactionConflict", "DuplicateItem"}


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def describe(error: ClientError | BotoCoreError) -> str:
    """One line for a log. Not for SNS: its messages repeat the phone number."""
    if isinstance(error, ClientError):
        message = str(error.response.get("Error", {}).get("Message", ""))
        return f"{error_code(error)}: {message}".rstrip(": ")
    return f"{type(error).__name__}: {error}"


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Whatever S3, DynamoDB or SQS raises inside becomes StorageUnavailable, a lost race WriteConflict.

    doing: what was tried and on what, for the message. A request that botocore itself refuses to build is a
    mistake of ours and passes through.
    """
    try:
        yield
    except ParamValidationError:
        raise
    except ClientError as error:
        if is_lost_race(error):
            raise WriteConflict(f"{doing}: somebody else wrote first") from error
        raise StorageUnavailable(f"{doing}: {describe(error)}") from error
    except BotoCoreError as error:
        raise StorageUnavailable(f"{doing}: {describe(error)}") from error


def is_lost_race(error: ClientError) -> bool:
    """A condition that did not hold, or another transaction on the same item."""
    code = error_code(error)
    if code != "TransactionCanceledException":
        return code in {"ConditionalCheckFailedException", "TransactionConflictException"}
    # Any other reason in the list (throttling, a validation error) is why the transaction failed as a whole.
    reasons = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])} - {"None"}
    return bool(reasons) and reasons <= _LOST_RACE
