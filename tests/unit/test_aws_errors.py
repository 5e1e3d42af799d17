"""What an operator reads when a right is missing."""

import pytest
from botocore.exceptions import ClientError

from framewatch.adapters.aws.errors import describe, missing_grant, storage_errors
from framewatch.adapters.aws.sms import SnsTextSender
from framewatch.domain.alert_settings import Alerts
from framewatch.domain.errors import NotificationUnavailable, StorageUnavailable

ROLE = "User: arn:aws:sts::111122223333:assumed-role/framewatch-processor/the-function"
NOTHING_ALLOWS = "because no identity-based policy allows the {} action"
PHONE = "+34600123456"


def denied(message: str, code: str = "AccessDenied") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Any")


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            f'{ROLE} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::frames/frames/a.jpg" '
            + NOTHING_ALLOWS.format("s3:PutObject"),
            "the role framewatch-processor lacks s3:PutObject on arn:aws:s3:::frames/frames/a.jpg;"
            " add it to its policy",
        ),
        (
            f"{ROLE} is not authorized to perform: dynamodb:Query " + NOTHING_ALLOWS.format("dynamodb:Query"),
            "the role framewatch-processor lacks dynamodb:Query; add it to its policy",
        ),
        (
            "User: arn:aws:iam::111122223333:user/edge/shop-1 is not authorized to perform: kinesis:PutRecords "
            "on resource: arn:aws:kinesis:eu-west-1:111122223333:stream/frames "
            + NOTHING_ALLOWS.format("kinesis:PutRecords"),
            "the user shop-1 lacks kinesis:PutRecords on arn:aws:kinesis:eu-west-1:111122223333:stream/frames;"
            " add it to its policy",
        ),
    ],
)
def test_a_missing_right_reads_as_who_lacks_what_on_what_and_what_to_do(message, sentence):
    assert missing_grant(denied(message)) == sentence
    assert describe(denied(message)) == f"AccessDenied: {sentence}"
    with pytest.raises(StorageUnavailable) as caught, storage_errors("s3://frames/a: put"):
        raise denied(message)
    assert str(caught.value) == f"s3://frames/a: put: AccessDenied: {sentence}"


@pytest.mark.parametrize(
    "message",
    [
        "Access Denied",
        f"{ROLE} is not authorized to perform: s3:PutObject on resource: x with an explicit deny in a resource-based"
        " policy",
    ],
)
def test_a_refusal_that_a_grant_would_not_lift_is_told_in_the_words_of_aws(message):
    assert missing_grant(denied(message)) is None
    assert describe(denied(message)) == f"AccessDenied: {message}"


def test_who_may_not_text_is_told_without_the_number():
    class Refusing:
        def publish(self, **_):
            raise denied(
                f"{ROLE} is not authorized to perform: SNS:Publish on resource: {PHONE} "
                + NOTHING_ALLOWS.format("SNS:Publish"),
                "AuthorizationError",
            )

    with pytest.raises(NotificationUnavailable) as caught:
        SnsTextSender(Refusing()).send(PHONE, "somebody", Alerts())
    assert str(caught.value) == (
        "SNS could not text +34...56: AuthorizationError: the role framewatch-processor lacks SNS:Publish;"
        " add it to its policy"
    )
