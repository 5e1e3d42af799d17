"""Where the cameras' frames arrive, and what the machines beside the cameras may do."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from constructs import Construct

from framewatch.wire.edge_control import CONTROL_KEY
from infra.constructs.policy import allow
from infra.constructs.removal import pin_logical_id
from infra.settings import EDGE_KEY, StageSettings
from infra.stacks.data import DataStack


class IngestStack(cdk.Stack):
    def __init__(
        self, scope: Construct, construct_id: str, *, settings: StageSettings, data: DataStack, **kwargs: object
    ) -> None:
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
        # `pynt edgebox` attaches it to each box's user. Neither its name nor its description may change: for that
        # CloudFormation makes a new policy, and it cannot take the old one from users that it does not know.
        self.edge_policy = iam.ManagedPolicy(
            self,
            "EdgePolicy",
            description="What a machine beside the cameras may do",
            statements=[
                allow("PutFrames", ["kinesis:PutRecords"], self.stream.stream_arn),
                # IAM fills in who asks: one policy for all boxes, and each reads its own file alone. Without the
                # right to list the bucket, a file that is missing looks to the box like one that it may not read.
                allow(
                    "ReadOwnControlObject",
                    ["s3:GetObject"],
                    data.config.arn_for_objects(EDGE_KEY.format(user="${aws:username}")),
                ),
                allow(
                    "ReadOwnControlDocument",
                    ["s3:GetObject"],
                    data.config.arn_for_objects(CONTROL_KEY.format(user="${aws:username}")),
                ),
            ],
        )
        cdk.CfnOutput(self, "StreamName", value=self.stream.stream_name)
        cdk.CfnOutput(self, "EdgePolicyArn", value=self.edge_policy.managed_policy_arn)
