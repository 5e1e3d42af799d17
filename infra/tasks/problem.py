"""How a task says that something is in the way."""

from botocore.exceptions import BotoCoreError, ClientError

# What boto3 raises when AWS refuses, or cannot be reached.
AWS_ERRORS = (BotoCoreError, ClientError)


class TaskProblem(Exception):
    """One sentence: what happened, where, what to do."""


def reason_of(error: BotoCoreError | ClientError) -> str:
    """`AccessDenied: User ... is not authorized ...`, without the frame that boto3 puts around it."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        parts = [str(details.get(key, "")).strip() for key in ("Code", "Message")]
        return ": ".join(part for part in parts if part) or str(error)
    return str(error)


def code_of(error: BotoCoreError | ClientError) -> str:
    """AWS's name for what is wrong; empty when AWS was not reached."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
