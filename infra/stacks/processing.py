"""From the stream to labels, pictures, visits and texts, and what looks after all of it once a minute."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from framewatch.wire.edge_control import CONTROL_KEY
from infra.constructs.function import PythonFunction
from infra.constructs.policy import acknowledge, allow, wildcard_finding
from infra.constructs.removal import pin_logical_id
from infra.settings import FAILED_PREFIX, FRAMES_PREFIX, GIVEN_UP_PREFIX, SITE_KEY, StageSettings
from infra.stacks.data import DataStack, read_site
from infra.stacks.ingest import IngestStack
from infra.stacks.notify import NotifyStack
from infra.stacks.web import WebStack

# A frame that is an hour late is no news; an hour has room for thirty calls that use all their time. What is given up
# lies in the frames bucket and can be replayed.
MAX_RECORD_AGE_S = 3600
MAX_RETRIES = 20
WATCHDOG_EVERY = cdk.Duration.minutes(1)
# Less than a minute: a run is over before the next begins.
WATCHDOG_TIMEOUT_S = 50
CONTROL_KEYS = CONTROL_KEY.format(user="*")
_BOXES_REASON = "one control document a box, of whatever name; neither a box's edge file nor the site file"
_TEXTS_REASON = "a phone number has no ARN; NotResource leaves phone numbers and no topic"
_OPT_OUT_REASON = "who has opted out is asked by number, which has no ARN"


class ProcessingStack(cdk.Stack):
    """The watchdog stands here, for it finishes what the processor begins: both send, by the same rights, and are
    deployed and rolled back together."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        data: DataStack,
        ingest: IngestStack,
        notify: NotifyStack,
        web: WebStack,
        **kwargs: object,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        environment = {
            "FW_TABLE": data.table.table_name,
            "FW_FRAMES_BUCKET": data.frames.bucket_name,
            "FW_CONFIG_BUCKET": data.config.bucket_name,
            "FW_SITE_KEY": SITE_KEY,
            "FW_LINK_BASE_URL": web.url,
            "FW_ALERT_TOPIC_ARN": notify.alerts.topic_arn,
        }
        self.failures = self._failure_queue()
        self.processor = PythonFunction(
            self,
            "ImageProcessor",
            settings=settings,
            name="image_processor",
            description="Looks at frames, keeps what it sees, texts what is watched for",
            # It decodes no pictures; memory buys CPU, and with it a cold start of about a second.
            memory_mb=1024,
            # The workers take a full payload of large frames in three rounds, each the slowest detection (25 s) and
            # what follows it. More and smaller frames need not fit: what was not begun is given back and comes again.
            timeout_s=120,
            environment={**environment, "FW_FAILURE_QUEUE_URL": self.failures.queue_url},
            statements=[*self._statements(data, ingest), *self._tell(notify)],
            reserved_concurrency=settings.deployment.reserved_concurrency,
            wildcard_reasons={
                "WriteFrames": "one object a frame, below its own prefix",
                "KeepRecordsThatFail": "one object a failed record, below its own prefix",
                "KeepBatchesGivenUp": "Lambda names the objects of a failure destination below a prefix of its own",
                "LookAtFrames": "DetectLabels has no resource to name",
                "SendTexts": _TEXTS_REASON,
                "AskWhoOptedOut": _OPT_OUT_REASON,
            },
        )
        acknowledge(
            self.processor,
            {
                wildcard_finding(data, data.frames.bucket_arn, f"/{prefix}*"): "one object each, below its own prefix"
                for prefix in (FRAMES_PREFIX, FAILED_PREFIX, GIVEN_UP_PREFIX)
            }
            | {"AwsSolutions-IAM5[Resource::*]": f"DetectLabels has no resource to name; {_OPT_OUT_REASON}"},
        )
        self.event_source = self._event_source(settings, data, ingest)
        self.watchdog = PythonFunction(
            self,
            "Watchdog",
            settings=settings,
            name="watchdog",
            description="Finishes and escalates alerts, tells what was held back, and what is silent",
            # Almost all of a run is waiting for the table.
            memory_mb=512,
            timeout_s=WATCHDOG_TIMEOUT_S,
            environment=environment,
            statements=[*_look_after(data), *read_site(data), *self._tell(notify)],
            wildcard_reasons={
                "SendTexts": _TEXTS_REASON,
                "AskWhoOptedOut": _OPT_OUT_REASON,
                "TellBoxes": _BOXES_REASON,
            },
        )
        acknowledge(
            self.watchdog,
            {
                wildcard_finding(data, data.config.bucket_arn, f"/{CONTROL_KEYS}"): _BOXES_REASON,
                "AwsSolutions-IAM5[Resource::*]": _OPT_OUT_REASON,
            },
        )
        self._every_minute(self.watchdog.function)
        cdk.CfnOutput(self, "ImageProcessorName", value=self.processor.function.function_name)
        cdk.CfnOutput(self, "WatchdogName", value=self.watchdog.function.function_name)
        cdk.CfnOutput(self, "FailureQueueUrl", value=self.failures.queue_url)

    def _failure_queue(self) -> sqs.Queue:
        """Pointers to records that the processor kept in the frames bucket."""
        queue = sqs.Queue(
            self,
            "FailureQueue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        pin_logical_id(queue, "FailureQueue")
        acknowledge(queue, {"AwsSolutions-SQS3": "this is the dead-letter queue: nothing reads it but a replay"})
        return queue

    def _statements(self, data: DataStack, ingest: IngestStack) -> list[iam.PolicyStatement]:
        frames = data.frames
        return [
            allow(
                "ReadStream",
                [
                    "kinesis:DescribeStream",
                    "kinesis:DescribeStreamSummary",
                    "kinesis:GetRecords",
                    "kinesis:GetShardIterator",
                    "kinesis:ListShards",
                ],
                ingest.stream.stream_arn,
            ),
            # A transaction is allowed through the actions that stand in it.
            allow(
                "KeepFramesAndVisits",
                [
                    "dynamodb:BatchGetItem",
                    "dynamodb:BatchWriteItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
                data.table.table_arn,
            ),
            allow("WriteFrames", ["s3:PutObject"], frames.arn_for_objects(f"{FRAMES_PREFIX}*")),
            allow("KeepRecordsThatFail", ["s3:PutObject"], frames.arn_for_objects(f"{FAILED_PREFIX}*")),
            # Lambda writes its failure destination as the function, and asks whether the bucket is there first.
            allow("KeepBatchesGivenUp", ["s3:PutObject"], frames.arn_for_objects(f"{GIVEN_UP_PREFIX}*")),
            allow("FindFailureDestination", ["s3:ListBucket"], frames.bucket_arn),
            *read_site(data),
            allow("LookAtFrames", ["rekognition:DetectLabels"], "*"),
            allow("PointAtFailures", ["sqs:SendMessage"], self.failures.queue_arn),
        ]

    def _tell(self, notify: NotifyStack) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                sid="SendTexts",
                actions=["sns:Publish"],
                not_resources=[self.format_arn(service="sns", region="*", account="*", resource="*")],
            ),
            allow("AskWhoOptedOut", ["sns:CheckIfPhoneNumberIsOptedOut"], "*"),
            allow("PublishAlerts", ["sns:Publish"], notify.alerts.topic_arn),
        ]

    def _every_minute(self, function: lambda_.Function) -> None:
        """A run that failed is not repeated: the next one finds all that is still to be done."""
        function.configure_async_invoke(max_event_age=WATCHDOG_EVERY, retry_attempts=0)
        events.Rule(
            self,
            "EveryMinute",
            description="Runs the watchdog",
            schedule=events.Schedule.rate(WATCHDOG_EVERY),
            targets=[targets.LambdaFunction(function, max_event_age=WATCHDOG_EVERY, retry_attempts=0)],
        )

    def _event_source(
        self, settings: StageSettings, data: DataStack, ingest: IngestStack
    ) -> lambda_.CfnEventSourceMapping:
        # The plain resource: the class above it would widen the role with bucket-wide rights.
        source = settings.deployment
        return lambda_.CfnEventSourceMapping(
            self,
            "FrameSource",
            function_name=self.processor.function.function_arn,
            event_source_arn=ingest.stream.stream_arn,
            starting_position="TRIM_HORIZON",
            batch_size=source.batch_size,
            maximum_batching_window_in_seconds=source.window_s,
            parallelization_factor=source.parallelization,
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=MAX_RETRIES,
            maximum_record_age_in_seconds=MAX_RECORD_AGE_S,
            function_response_types=["ReportBatchItemFailures"],
            # The only metrics that say how much was given up; they cost what custom ones do.
            metrics_config=lambda_.CfnEventSourceMapping.MetricsConfigProperty(metrics=["EventCount"]),
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=data.frames.bucket_arn)
            ),
        )


def _look_after(data: DataStack) -> list[iam.PolicyStatement]:
    return [
        allow(
            "LookAfterAlerts",
            [
                "dynamodb:BatchWriteItem",
                "dynamodb:DeleteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
            ],
            data.table.table_arn,
        ),
        allow("TellBoxes", ["s3:PutObject"], data.config.arn_for_objects(CONTROL_KEYS)),
    ]
