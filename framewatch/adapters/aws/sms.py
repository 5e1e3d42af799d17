"""TextSender over SNS. No error and no log line ever holds a whole phone number."""

import logging
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from framewatch.adapters.aws.errors import error_code, missing_grant
from framewatch.domain.alert_settings import Alerts
from framewatch.domain.errors import NotificationRejected, NotificationUnavailable

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient

_log = logging.getLogger(__name__)

_REJECTED = {"InvalidParameter", "InvalidParameterValue", "OptedOut", "OptedOutException", "ValidationException"}


def masked(phone: str) -> str:
    """`+34...56`: enough to tell which contact, not enough to call."""
    return f"{phone[:3]}...{phone[-2:]}"


class SnsTextSender:
    def __init__(self, client: "SNSClient"):
        self._client = client

    def send(self, phone: str, text: str, settings: Alerts) -> str:
        try:
            answer = self._client.publish(
                PhoneNumber=phone,
                Message=text,
                MessageAttributes=_attributes(settings),
            )
        # `from None`: SNS and botocore repeat the number in their own messages, and a traceback prints the cause.
        except ClientError as error:
            code = error_code(error)
            if code in _REJECTED:
                raise NotificationRejected(
                    f"SNS will not text {masked(phone)} ({code}): the number is invalid or has opted out"
                ) from None
            missing = missing_grant(error, name_resource=False)
            why = f"{code}: {missing}" if missing else code
            raise NotificationUnavailable(f"SNS could not text {masked(phone)}: {why}") from None
        except ParamValidationError:
            raise NotificationRejected(f"{masked(phone)} is not something that SNS can be asked to text") from None
        except BotoCoreError as error:
            raise NotificationUnavailable(f"SNS could not text {masked(phone)}: {type(error).__name__}") from None
        return answer["MessageId"]

    def has_opted_out(self, phone: str) -> bool:
        """SNS takes a text to such a number, and only its delivery log says that it went nowhere: so it is asked."""
        try:
            return self._client.check_if_phone_number_is_opted_out(phoneNumber=phone).get("isOptedOut", False)
        except ClientError as error:
            why = missing_grant(error, name_resource=False) or error_code(error)
        except BotoCoreError as error:
            why = type(error).__name__
        _log.warning("SNS does not say whether %s has opted out: %s", masked(phone), why)
        return False


def _attributes(settings: Alerts) -> Any:
    """Source: "Publishing SMS messages to a mobile phone" in the Amazon SNS Developer Guide."""
    found = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
    if settings.sender_id is not None:
        found["AWS.SNS.SMS.SenderID"] = {"DataType": "String", "StringValue": settings.sender_id}
    if settings.max_price_usd is not None:
        # Not str(): it writes a small price with an exponent.
        found["AWS.SNS.SMS.MaxPrice"] = {"DataType": "Number", "StringValue": f"{settings.max_price_usd:.5f}"}
    return found
