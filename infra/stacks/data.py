"""What must outlive every other stack: the table, the pictures, the site configuration."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.policy import acknowledge, allow
from infra.constructs.removal import data_removal, pin_logical_id
from infra.settings import FAILED_PREFIX, FRAMES_PREFIX, GIVEN_UP_PREFIX, SITE_KEY, StageSettings

OLD_SITE_DAYS = 365


class DataStack(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings, **kwargs: object) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.table = self._table(settings)
        self.frames = self._frames_bucket(settings)
        self.config = self._config_bucket(settings)
        cdk.CfnOutput(self, "TableName", value=self.table.table_name)
        cdk.CfnOutput(self, "FramesBucketName", value=self.frames.bucket_name)
        cdk.CfnOutput(self, "ConfigBucketName", value=self.config.bucket_name)

    def _table(self, settings: StageSettings) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "FrameTable",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            deletion_protection=settings.retain_data,
            removal_policy=data_removal(settings),
        )
        pin_logical_id(table, "FrameTable")
        return table

    def _frames_bucket(self, settings: StageSettings) -> s3.Bucket:
        """Without versions: a frame is written once, under an id that is never given again, and a picture of people
        must be gone on the day that the site file says."""
        return private_bucket(
            self,
            "FramesBucket",
            data_removal(settings),
            lifecycle_rules=[
                _expire("frames", FRAMES_PREFIX, settings.retention.frames_days),
                _expire("failed", FAILED_PREFIX, settings.failed_days),
                _expire("given-up", GIVEN_UP_PREFIX, settings.failed_days),
                s3.LifecycleRule(id="torn-uploads", abort_incomplete_multipart_upload_after=cdk.Duration.days(1)),
            ],
        )

    def _config_bucket(self, settings: StageSettings) -> s3.Bucket:
        """With versions: the site file is written over by hand, and a slip of the pen must be undone."""
        return private_bucket(
            self,
            "ConfigBucket",
            data_removal(settings),
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(id="old-site-files", noncurrent_version_expiration=cdk.Duration.days(OLD_SITE_DAYS))
            ],
        )


def private_bucket(
    scope: Construct,
    construct_id: str,
    removal_policy: cdk.RemovalPolicy,
    *,
    lifecycle_rules: list[s3.LifecycleRule] | None = None,
    versioned: bool = False,
) -> s3.Bucket:
    """Encrypted, closed to the public, TLS only, without access lists. The construct id is the logical id."""
    bucket = s3.Bucket(
        scope,
        construct_id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        versioned=versioned,
        lifecycle_rules=lifecycle_rules,
        removal_policy=removal_policy,
    )
    pin_logical_id(bucket, construct_id)
    acknowledge(
        bucket,
        {
            "AwsSolutions-S1": "access logs of every picture would outgrow the index of the pictures; whoever needs"
            " an audit trail turns on CloudTrail data events for the bucket"
        },
    )
    return bucket


def read_site(data: DataStack) -> list[iam.PolicyStatement]:
    return [
        allow("ReadSite", ["s3:GetObject"], data.config.arn_for_objects(SITE_KEY)),
        # Without it a file that was never uploaded is answered like one that may not be read.
        allow("TellAMissingSite", ["s3:ListBucket"], data.config.bucket_arn),
    ]


def _expire(rule_id: str, prefix: str, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(id=rule_id, prefix=prefix, expiration=cdk.Duration.days(days))
