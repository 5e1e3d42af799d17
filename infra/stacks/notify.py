"""Where alarms go, and who hears them."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.removal import pin_logical_id
from infra.settings import StageSettings


class NotifyStack(cdk.Stack):
    """For whoever runs the site; texts to the phone owner take another way (`processing`)."""

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
        cdk.CfnOutput(self, "AlarmTopicArn", value=self.topic.topic_arn)

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
