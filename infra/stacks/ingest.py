"""Where the cameras' frames arrive."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from constructs import Construct

from infra.constructs.policy import allow
from infra.constructs.removal import pin_logical_id
from infra.settings import StageSettings


class IngestStack(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings, **kwargs: object) -> None:
        super().__init__(scope, construct_id, **kwargs)
        shards = settings.deployment.shards
        self.stream = kinesis.Stream(
            self,
            "FrameStream",
            stream_mode=kinesis.StreamMode.ON_DEMAND if shards is None else kinesis.StreamMode.PROVISIONED,
            shard_count=shards,
            encryption=kinesis.StreamEncryption.MANAGED,
            # The edge spools to disk, so the stream need not remember more than a day.
            retention_period=cdk.Duration.hours(24),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        pin_logical_id(self.stream, "FrameStream")
        # What the machine beside the cameras is given: attach it to that machine's user or role.
        self.edge_policy = iam.ManagedPolicy(
            self,
            "EdgePolicy",
            description="Put frames on the stream and nothing else",
            statements=[allow("PutFrames", ["kinesis:PutRecords"], self.stream.stream_arn)],
        )
        cdk.CfnOutput(self, "StreamName", value=self.stream.stream_name)
        cdk.CfnOutput(self, "EdgePolicyArn", value=self.edge_policy.managed_policy_arn)
