"""The alert topic as its subscribers see it, on an SNS and SQS that moto plays."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from framewatch.adapters.aws.alert_topic import SnsTopicPublisher
from framewatch.adapters.aws.clients import AwsClients
from framewatch.domain.errors import NotificationRejected, NotificationUnavailable
from framewatch.wire.alert_message import AlertMessage
from tests.aws import set_credentials
from tests.unit.test_alert_message import ALERT, SITE

LINK = "https://cams.example/a/Abcdefghij0123456789"
TEXT = "Framewatch: Person 97% at Front door"
MESSAGE = AlertMessage.of(ALERT, SITE, TEXT, LINK)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:framewatch-alerts"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsClients]:
    set_credentials(monkeypatch)
    with mock_aws():
        yield AwsClients(workers=1)


def subscribe(aws: AwsClients, topic: str, name: str, **attributes: str) -> str:
    sqs = aws.sqs()
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.sns().subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    return url


def received(aws: AwsClients, url: str) -> list[dict[str, Any]]:
    found = aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in found]


def test_a_subscribed_queue_gets_the_message_as_json(aws: AwsClients) -> None:
    topic = aws.sns().create_topic(Name="alerts")["TopicArn"]
    url = subscribe(aws, topic, "all")
    message_id = SnsTopicPublisher(aws.sns(), topic).publish(MESSAGE, TEXT)
    (body,) = received(aws, url)
    assert body["MessageId"] == message_id and body["Subject"] == "Framewatch alert"
    assert AlertMessage.model_validate_json(body["Message"]) == MESSAGE
    assert {name: a["Value"] for name, a in body["MessageAttributes"].items()} == {
        "rule": "night",
        "severity": "critical",
        "camera": "front",
    }


def test_a_subscriber_may_ask_for_a_rule_a_severity_or_a_camera(aws: AwsClients) -> None:
    topic = aws.sns().create_topic(Name="alerts")["TopicArn"]
    wanted = [{"rule": ["night"]}, {"severity": ["critical"]}, {"camera": ["front"]}]
    hits = [subscribe(aws, topic, f"hit{n}", FilterPolicy=json.dumps(w)) for n, w in enumerate(wanted)]
    miss = subscribe(aws, topic, "miss", FilterPolicy=json.dumps({"camera": ["yard"]}))
    SnsTopicPublisher(aws.sns(), topic).publish(MESSAGE, TEXT)
    assert [len(received(aws, url)) for url in hits] == [1, 1, 1]
    assert received(aws, miss) == []


def test_a_mailbox_gets_the_text(aws: AwsClients) -> None:
    client = aws.sns()
    asked: list[dict[str, Any]] = []
    client.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: asked.append(params))
    SnsTopicPublisher(client, client.create_topic(Name="alerts")["TopicArn"]).publish(MESSAGE, TEXT)
    assert json.loads(asked[0]["Message"])["email"] == TEXT


class Failing:
    def __init__(self, error: Exception):
        self._error = error

    def publish(self, **_: Any) -> None:
        raise self._error


def client_error(code: str, message: str = LINK) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Publish")


_DENIED = (
    "User: arn:aws:sts::123456789012:assumed-role/watchdog/x is not authorized to perform: SNS:Publish"
    f" on resource: {TOPIC} because no identity-based policy allows the SNS:Publish action"
)


@pytest.mark.parametrize(
    ("error", "expected", "said"),
    [
        (client_error("InvalidParameter"), NotificationRejected, "InvalidParameter"),
        (client_error("NotFound"), NotificationUnavailable, "NotFound"),
        (client_error("Throttled"), NotificationUnavailable, "Throttled"),
        (client_error("AuthorizationError", _DENIED), NotificationUnavailable, "the role watchdog lacks SNS:Publish"),
        (EndpointConnectionError(endpoint_url=LINK), NotificationUnavailable, "EndpointConnectionError"),
    ],
)
def test_an_error_names_alert_and_topic_and_never_the_link(
    error: Exception, expected: type[Exception], said: str
) -> None:
    with pytest.raises(expected) as caught:
        SnsTopicPublisher(Failing(error), TOPIC).publish(MESSAGE, TEXT)  # type: ignore[arg-type]
    assert ALERT.alert_id in str(caught.value) and TOPIC in str(caught.value) and said in str(caught.value)
    assert LINK not in str(caught.value)
    assert caught.value.__suppress_context__
