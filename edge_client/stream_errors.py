"""What a stream's refusals mean, and what a person can do about them."""

from botocore.exceptions import (
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
)

THROTTLED = frozenset(
    (
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "LimitExceededException",
        "KMSThrottlingException",
    )
)
# Of the records or of the request's own form: another record may do.
MALFORMED = frozenset(("ValidationException", "InvalidArgumentException", "ParamValidationError"))
_SESSION = (
    "the session token has expired; sign in again, or use a profile, role or credential process: those are refreshed"
    " by themselves, a token from the environment cannot be"
)
# The same request cannot succeed until a person changes something. Anything else may pass.
_HOPELESS = {
    "ResourceNotFoundException": "there is no such stream in this region and account; check its name, or deploy",
    "AccessDeniedException": "the credentials may not write to it; grant kinesis:PutRecords on it",
    "UnrecognizedClientException": "the credentials are not valid; check the access key",
    "InvalidSignatureException": "the signature does not match; check the secret key and this machine's clock",
    "SignatureDoesNotMatch": "the signature does not match; check the secret key and this machine's clock",
    "InvalidClientTokenId": "the credentials are not valid; check the access key",
    "IncompleteSignature": "the credentials are not valid; check the access key",
    "ExpiredTokenException": _SESSION,
    "ExpiredToken": _SESSION,
    "RequestExpired": "the request came too late; check this machine's clock",
    "KMSAccessDeniedException": "the credentials may not use its encryption key; grant kms:GenerateDataKey",
    "KMSDisabledException": "its encryption key is disabled; enable it",
    "KMSInvalidStateException": "its encryption key is not usable; check its state",
    "KMSNotFoundException": "its encryption key does not exist; check the stream's encryption",
    "KMSOptInRequired": "the account has no access to the key service; subscribe to it",
    "ValidationException": "the request was refused as malformed; check the stream's name",
    "InvalidArgumentException": "the request was refused as malformed; check the stream's name",
}


def code_of(error: Exception) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__


def hopeless_because(error: Exception) -> str | None:
    """What a person has to change, as the second half of a sentence; None when trying again may do."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return "there are no AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"
    if isinstance(error, NoRegionError | ParamValidationError):
        return str(error)
    if isinstance(error, ClientError):
        return _HOPELESS.get(code_of(error))
    return None
