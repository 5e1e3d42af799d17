"""botocore's errors become Framewatch's here, and nowhere else."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from framewatch.domain.errors import StorageUnavailable, WriteConflict

# What AWS says when nothing allows it; where a policy forbids it, the sentence ends otherwise, and no grant helps.
_NOT_GRANTED = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: (?P<action>\S+)(?: on resource: (?P<resource>\S+))?"
    r" because no identity-based policy allows"
)
_LOST_RACE = {"ConditionalCheckFailed", "TransactionConflict", "DuplicateItem"}


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def describe(error: ClientError | BotoCoreError) -> str:
    """One line for a log. Not for SNS: its messages repeat the phone number."""
    if isinstance(error, ClientError):
        if missing := missing_grant(error):
            return f"{error_code(error)}: {missing}"
        message = str(error.response.get("Error", {}).get("Message", ""))
        return f"{error_code(error)}: {message}".rstrip(": ")
    return f"{type(error).__name__}: {error}"


def missing_grant(error: ClientError, *, name_resource: bool = True) -> str | None:
    """Who lacks which right, and what to do; None when that is not what is wrong.

    name_resource: not for SNS, whose resource is a phone number.
    """
    said = _NOT_GRANTED.search(str(error.response.get("Error", {}).get("Message", "")))
    if said is None:
        return None
    kind, _, name = said["who"].rpartition(":")[2].partition("/")
    who = {"assumed-role": f"the role {name.partition('/')[0]}", "user": f"the user {name.rpartition('/')[2]}"}
    resource = (said["resource"] or "").strip('"')
    where = f" on {resource}" if name_resource and resource else ""
    return f"{who.get(kind, said['who'])} lacks {said['action']}{where}; add it to its policy"


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


def is_busy(conflict: WriteConflict) -> bool:
    """Whether it says only that a transaction was at work on the item: the same request may succeed after it."""
    cause = conflict.__cause__
    return isinstance(cause, ClientError) and error_code(cause) == "TransactionConflictException"
