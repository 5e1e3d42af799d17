"""Where alarms and alerts go, and who hears the alarms."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.removal import pin_logical_id
from infra.settings import StageSettings


class NotifyStack(cdk.Stack):
    """Alarms for whoever runs the site; alerts for the programs and mailboxes that subscribe to them. Texts to phone
    owners need no topic (`processing`)."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings, **kwargs: object) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.topic = sns.Topic(
            self,
            "AlarmTopic",
            display_name=f"Framewatch {settings.stage}",
            master_key=self._key(settings),
            enforce_ssl=True,
        )
        pin_logical_id(self.topic, "AlarmTopic")
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=self._alarms_of_this_account(),
            )
        )
        for address in settings.deployment.alarm_emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(address))
        self.alerts = self._alert_topic(settings)
        cdk.CfnOutput(self, "AlarmTopicArn", value=self.topic.topic_arn)
        cdk.CfnOutput(self, "AlertTopicArn", value=self.alerts.topic_arn)

    def _alert_topic(self, settings: StageSettings) -> sns.Topic:
        """What a contact with `topic: true` is. Who subscribes is the account's affair; by the template nobody does.

        Encrypted with SNS's own key, which costs nothing: only roles of this account publish, and that key's policy
        lets them through without a statement of ours. SNS decrypts before it delivers, so a mailbox, a web hook or a
        queue of another account needs no right to it. No alarm goes here, which would need a key of our own.
        """
        topic = sns.Topic(
            self,
            "AlertTopic",
            display_name=f"Framewatch {settings.stage} alerts",
            master_key=kms.Alias.from_alias_name(self, "SnsKey", "alias/aws/sns"),
            enforce_ssl=True,
        )
        pin_logical_id(topic, "AlertTopic")
        return topic

    def _key(self, settings: StageSettings) -> kms.Key:
        """A key of our own, though it costs about a dollar a month: CloudWatch may not use `alias/aws/sns`, whose
        policy cannot be changed, and an alarm on such a topic fails in silence. It encrypts nothing that lasts."""
        key = kms.Key(
            self,
            "AlarmKey",
            description=f"Framewatch {settings.stage}: alarms on their way to a mailbox",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
            pending_window=cdk.Duration.days(7),
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                # In a key's own policy: this key.
                resources=["*"],
                conditions=self._alarms_of_this_account(),
            )
        )
        return key

    def _alarms_of_this_account(self) -> dict[str, dict[str, str]]:
        """CloudWatch works for every account; without this another account's alarm could ring here."""
        any_alarm = self.format_arn(
            service="cloudwatch", resource="alarm", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        return {"StringEquals": {"aws:SourceAccount": self.account}, "ArnLike": {"aws:SourceArn": any_alarm}}
