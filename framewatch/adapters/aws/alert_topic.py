"""TopicPublisher over SNS."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from framewatch.adapters.aws.errors import error_code, missing_grant
from framewatch.domain.errors import NotificationRejected, NotificationUnavailable
from framewatch.wire.alert_message import AlertMessage

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient

_REJECTED = {"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException"}
# The subject of mails: a label or a name in it could be refused (ASCII only), and shows on a locked screen.
_SUBJECT = "Framewatch alert"


class SnsTopicPublisher:
    """Programs get the message as JSON, mailboxes the text; filter policies may ask for rule, severity and camera."""

    def __init__(self, client: "SNSClient", topic_arn: str):
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, message: AlertMessage, text: str) -> str:
        attributes = {"rule": message.rule_id, "severity": message.severity.value, "camera": message.camera_id}
        what = f"alert {message.alert_id} to {self._topic_arn}"
        try:
            answer = self._client.publish(
                TopicArn=self._topic_arn,
                Subject=_SUBJECT,
                MessageStructure="json",
                Message=json.dumps({"default": message.model_dump_json(), "email": text}),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        # `from None`: what is published holds a link, which botocore would repeat in a message of its own.
        except ClientError as error:
            code = error_code(error)
            if code in _REJECTED:
                raise NotificationRejected(f"SNS will not publish {what} ({code})") from None
            missing = missing_grant(error)
            why = f"{code}: {missing}" if missing else code
            raise NotificationUnavailable(f"SNS could not publish {what}: {why}") from None
        except ParamValidationError:
            raise NotificationRejected(f"SNS cannot be asked to publish {what}") from None
        except BotoCoreError as error:
            raise NotificationUnavailable(f"SNS could not publish {what}: {type(error).__name__}") from None
        return answer["MessageId"]
