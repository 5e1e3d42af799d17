"""What the templates promise, stack by stack."""

import json
from typing import Any

import pytest

from framewatch.adapters.aws.clients import STORE_OF_A_PAGE, VISION
from infra.settings import read_site
from lambdas.image_processor.handler import AFTER_VISION_S
from tests.infra.conftest import SITE, Assembly, as_list

pytestmark = pytest.mark.slow

OUTPUTS = {
    "data": {"TableName", "FramesBucketName", "ConfigBucketName"},
    "ingest": {"StreamName", "EdgePolicyArn"},
    "notify": {"AlarmTopicArn", "AlertTopicArn"},
    "processing": {"ImageProcessorName", "WatchdogName", "FailureQueueUrl"},
    "web": {"WebBucketName", "DistributionId", "DashboardUrl", "ApiUrl"},
    "identity": {"UserPoolId", "UserPoolClientId", "SignInUrl", "Issuer"},
    "api": {"FrameFetcherName", "OperatorActionsName", "AlertLinkName"},
    "operations": {"OperationsDashboardName", "SettingsDigest"},
}
API_GATEWAY_WAITS_S = 30
DISTRIBUTION_NAME = "framewatch-dev-web:ExportsOutputFnGetAttDashboardDomainName57CC0D6B"


def test_the_outputs_that_others_read_keep_their_names(assembly: Assembly) -> None:
    found = {
        part: {name for name in template.get("Outputs", {}) if not name.startswith("Exports")}
        for part, template in assembly.templates.items()
    }
    assert found == OUTPUTS


def test_templates_deploy_by_plain_cloudformation(assembly: Assembly) -> None:
    for template in assembly.templates.values():
        assert "Parameters" not in template
        assert "Rules" not in template


def test_the_table_is_on_demand_and_encrypted_with_a_ttl_and_point_in_time_recovery(assembly: Assembly) -> None:
    table = assembly.only("AWS::DynamoDB::Table")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}


def test_frames_expire_when_the_site_says(assembly: Assembly) -> None:
    rules = assembly.resources("AWS::S3::Bucket")["FramesBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    days = {r.get("Prefix"): r.get("ExpirationInDays") for r in rules}
    assert all(r["Status"] == "Enabled" for r in rules)
    assert days == {"frames/": read_site(SITE).retention.frames_days, "failed/": 14, "aws/lambda/": 14, None: None}


def test_pictures_have_no_old_versions_that_would_outlive_them(assembly: Assembly) -> None:
    assert "VersioningConfiguration" not in assembly.resources("AWS::S3::Bucket")["FramesBucket"]["Properties"]


def test_every_version_of_the_site_file_is_kept_for_a_year(assembly: Assembly) -> None:
    bucket = assembly.resources("AWS::S3::Bucket")["ConfigBucket"]["Properties"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["LifecycleConfiguration"]["Rules"][0]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 365}


@pytest.mark.parametrize("name", ["FramesBucket", "ConfigBucket", "WebBucket"])
def test_buckets_are_private_encrypted_and_without_access_lists(assembly: Assembly, name: str) -> None:
    bucket = assembly.resources("AWS::S3::Bucket")[name]["Properties"]
    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_buckets_queue_and_topics_refuse_plain_http(assembly: Assembly) -> None:
    policies = assembly.policies("AWS::S3::BucketPolicy", "Bucket")
    policies |= assembly.policies("AWS::SQS::QueuePolicy", "Queues")
    policies |= assembly.policies("AWS::SNS::TopicPolicy", "Topics")
    assert set(policies) == {"FramesBucket", "ConfigBucket", "WebBucket", "FailureQueue", "AlarmTopic", "AlertTopic"}
    for name, statements in policies.items():
        (refusing,) = [
            s
            for s in statements
            if s["Effect"] == "Deny" and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        ]
        assert refusing["Principal"] in ("*", {"AWS": "*"}), name
        assert refusing["Action"] in {"s3:*", "sqs:*", "sns:Publish"}


def test_only_the_distribution_reads_the_pages(assembly: Assembly) -> None:
    statements = assembly.policies("AWS::S3::BucketPolicy", "Bucket")["WebBucket"]
    (allowed,) = [s for s in statements if s["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert allowed["Action"] == "s3:GetObject"
    assert "AWS:SourceArn" in allowed["Condition"]["StringEquals"]


def test_the_stream_is_encrypted_on_demand_and_keeps_a_day(assembly: Assembly) -> None:
    stream = assembly.only("AWS::Kinesis::Stream")
    assert stream["StreamEncryption"] == {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    assert stream["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert stream["RetentionPeriodHours"] == 24


def test_a_number_of_shards_makes_the_stream_provisioned(prod: Assembly) -> None:
    stream = prod.only("AWS::Kinesis::Stream")
    assert (stream["ShardCount"], stream["StreamModeDetails"]) == (1, {"StreamMode": "PROVISIONED"})


def test_the_failure_queue_is_encrypted_and_keeps_two_weeks(assembly: Assembly) -> None:
    queue = assembly.only("AWS::SQS::Queue")
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_the_event_source_reports_items_bisects_gives_up_and_keeps_what_it_gave_up(assembly: Assembly) -> None:
    source = assembly.only("AWS::Lambda::EventSourceMapping")
    assert {k: v for k, v in source.items() if isinstance(v, int | str | bool)} == {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 1,
        "ParallelizationFactor": 1,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 20,
        "MaximumRecordAgeInSeconds": 3600,
        "StartingPosition": "TRIM_HORIZON",
    }
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # A bucket, not a queue: a queue would hold metadata alone, and nothing could be replayed.
    assert "FramesBucketArn" in json.dumps(source["DestinationConfig"]["OnFailure"]["Destination"])


def test_how_the_stream_is_read_is_the_site_files_to_say(prod: Assembly) -> None:
    source = prod.only("AWS::Lambda::EventSourceMapping")
    said = (source["BatchSize"], source["MaximumBatchingWindowInSeconds"], source["ParallelizationFactor"])
    assert said == (20, 3, 2)


def test_concurrency_is_reserved_only_when_the_site_file_asks(assembly: Assembly, prod: Assembly) -> None:
    def reserved(app: Assembly) -> dict[str, int]:
        return {
            name: properties["ReservedConcurrentExecutions"]
            for name, properties in _functions(app).items()
            if "ReservedConcurrentExecutions" in properties
        }

    assert reserved(prod) == {"image_processor": 4}
    assert reserved(assembly) == {}


def test_a_call_has_time_for_a_full_payload_and_a_record_for_many_calls(assembly: Assembly) -> None:
    timeout_s = _functions(assembly)["image_processor"]["Timeout"]
    # Three rounds of the slowest detection, and what comes after the last.
    assert timeout_s >= 3 * VISION.worst_s + AFTER_VISION_S
    assert assembly.only("AWS::Lambda::EventSourceMapping")["MaximumRecordAgeInSeconds"] >= 10 * timeout_s


def test_a_page_that_waits_in_vain_is_told_so_by_its_function(assembly: Assembly) -> None:
    """One request that is never answered, and the note of what was used, which then may not be either."""
    for name in ("alert_link", "frame_fetcher", "operator_actions"):
        assert 2 * STORE_OF_A_PAGE.worst_s < _functions(assembly)[name]["Timeout"] < API_GATEWAY_WAITS_S


def test_functions_run_what_the_zips_are_built_for(assembly: Assembly) -> None:
    functions = assembly.resources("AWS::Lambda::Function")
    assert {f["Properties"]["Handler"] for f in functions.values()} == {
        "lambdas.image_processor.handler.lambda_handler",
        "lambdas.watchdog.handler.lambda_handler",
        "lambdas.frame_fetcher.handler.lambda_handler",
        "lambdas.operator_actions.handler.lambda_handler",
        "lambdas.alert_link.handler.lambda_handler",
    }
    for function in functions.values():
        assert function["Properties"]["Runtime"] == "python3.13"
        assert function["Properties"]["Architectures"] == ["arm64"]


def test_functions_are_told_where_things_are(assembly: Assembly) -> None:
    common = {
        "FW_TABLE",
        "FW_FRAMES_BUCKET",
        "FW_CONFIG_BUCKET",
        "FW_SITE_KEY",
        "FW_STAGE",
        "POWERTOOLS_SERVICE_NAME",
        "POWERTOOLS_METRICS_NAMESPACE",
        "FW_LOG_LEVEL",
    }
    told = {"FW_LINK_BASE_URL", "FW_ALERT_TOPIC_ARN"}
    own = {
        "image_processor": {"FW_FAILURE_QUEUE_URL"} | told,
        "watchdog": told,
        "frame_fetcher": {"FW_IMAGE_URL_TTL_S"},
        "operator_actions": set(),
        "alert_link": {"FW_IMAGE_URL_TTL_S"},
    }
    found = {name: set(f["Environment"]["Variables"]) for name, f in _functions(assembly).items()}
    assert found == {name: common | extra for name, extra in own.items()}


def _functions(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Their properties by their package below lambdas/."""
    functions = [f["Properties"] for f in assembly.resources("AWS::Lambda::Function").values()]
    return {f["Handler"].split(".")[1]: f for f in functions}


def test_the_watchdog_runs_every_minute_once_and_is_done_before_the_next(assembly: Assembly) -> None:
    rule = assembly.only("AWS::Events::Rule")
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    (target,) = rule["Targets"]
    watchdog = next(
        logical_id
        for logical_id, f in assembly.resources("AWS::Lambda::Function").items()
        if f["Properties"]["Handler"].startswith("lambdas.watchdog.")
    )
    assert target["Arn"] == {"Fn::GetAtt": [watchdog, "Arn"]}
    # Neither EventBridge nor Lambda tries again what the next minute does anyway.
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}
    asked = assembly.only("AWS::Lambda::EventInvokeConfig")
    assert (asked["MaximumEventAgeInSeconds"], asked["MaximumRetryAttempts"]) == (60, 0)
    assert asked["FunctionName"] == {"Ref": watchdog}
    assert _functions(assembly)["watchdog"]["Timeout"] < 60


def test_every_log_group_forgets_when_the_site_file_says(assembly: Assembly, prod: Assembly) -> None:
    for app, days in ((assembly, 30), (prod, 90)):
        groups = app.resources("AWS::Logs::LogGroup")
        assert set(groups) == {
            "ImageProcessorLogs",
            "WatchdogLogs",
            "FrameFetcherLogs",
            "OperatorActionsLogs",
            "AlertLinkLogs",
            "AccessLog",
        }
        assert {g["Properties"]["RetentionInDays"] for g in groups.values()} == {days}


def test_every_function_logs_into_a_group_of_its_own(assembly: Assembly) -> None:
    functions = assembly.resources("AWS::Lambda::Function").values()
    groups = [f["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for f in functions]
    assert len(set(groups)) == len(groups)
    assert set(groups) <= set(assembly.resources("AWS::Logs::LogGroup"))


def test_no_policy_allows_an_action_by_wildcard(assembly: Assembly) -> None:
    for owner, statement, _ in assembly.statements():
        assert statement["Effect"] == "Allow", owner
        assert not [a for a in as_list(statement["Action"]) if "*" in a], (owner, statement)


def test_every_wildcard_among_resources_has_a_written_reason(assembly: Assembly) -> None:
    for owner, statement, reasons in assembly.statements():
        resources = json.dumps([statement.get("Resource"), statement.get("NotResource")])
        if "*" in resources:
            assert reasons.get(statement["Sid"]), (owner, statement["Sid"])


def test_reasons_stand_only_where_a_wildcard_is(assembly: Assembly) -> None:
    wild = {(o, s["Sid"]) for o, s, _ in assembly.statements() if "*" in json.dumps(s)}
    explained = {(owner, sid) for owner, _, reasons in assembly.statements() for sid in reasons}
    assert explained == wild


def test_texts_go_to_phone_numbers_and_to_no_topic(assembly: Assembly) -> None:
    statements = [s for _, s, _ in assembly.statements() if s["Sid"] == "SendTexts"]
    assert statements
    for statement in statements:
        assert statement["Action"] == "sns:Publish"
        assert "Resource" not in statement
        assert json.dumps(statement["NotResource"]).endswith('":sns:*:*:*"]]}')


def test_alerts_go_to_the_alert_topic_and_to_no_other(assembly: Assembly) -> None:
    statements = [
        s for _, s, _ in assembly.statements() if "sns:Publish" in as_list(s["Action"]) and s["Sid"] != "SendTexts"
    ]
    assert {s["Sid"] for s in statements} == {"PublishAlerts"}
    for statement in statements:
        assert statement["Resource"]["Fn::ImportValue"].startswith("framewatch-dev-notify:ExportsOutputRefAlertTopic")


def test_links_in_texts_lead_to_the_dashboards_own_address(assembly: Assembly) -> None:
    for function in assembly.resources("AWS::Lambda::Function").values():
        told = function["Properties"]["Environment"]["Variables"].get("FW_LINK_BASE_URL")
        if told is not None:
            assert told == {"Fn::Join": ["", ["https://", {"Fn::ImportValue": DISTRIBUTION_NAME}]]}


def test_the_fetcher_can_change_nothing(assembly: Assembly) -> None:
    assert _actions(assembly, "FrameFetcher") == {"dynamodb:Query", "s3:GetObject", "s3:ListBucket"}


def test_who_acts_on_alerts_reads_no_picture_and_lists_nothing_of_the_table(assembly: Assembly) -> None:
    assert _actions(assembly, "OperatorActions") == {
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "s3:GetObject",
        "s3:ListBucket",
    }
    read = [s for o, s, _ in assembly.statements() if o.startswith("OperatorActionsRole") and s["Sid"] == "ReadSite"]
    assert read and "frames" not in json.dumps([s["Resource"] for s in read]).lower()


def test_who_holds_a_link_changes_items_and_nothing_else(assembly: Assembly) -> None:
    """Neither a picture nor the site file, and nobody is texted."""
    others = {a for a in _actions(assembly, "AlertLink") if not a.startswith("dynamodb:")}
    assert others == {"s3:GetObject", "s3:ListBucket"}


def _actions(assembly: Assembly, function: str) -> set[str]:
    """Of a function's role, without those for its own log."""
    found = {
        a
        for owner, s, _ in assembly.statements()
        if owner.startswith(f"{function}Role")
        for a in as_list(s["Action"])
    }
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert logs <= found
    return found - logs


def test_no_role_takes_a_managed_policy(assembly: Assembly) -> None:
    assert [r for r in assembly.resources("AWS::IAM::Role").values() if "ManagedPolicyArns" in r["Properties"]] == []


def test_a_box_can_put_frames_and_read_its_own_two_objects_and_nothing_else(assembly: Assembly) -> None:
    put, *reads = assembly.only("AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    assert put["Action"] == "kinesis:PutRecords"
    assert put["Resource"] == {"Fn::GetAtt": ["FrameStream", "Arn"]}
    for read, file in zip(reads, ("edge.yaml", "control.json"), strict=True):
        assert read["Action"] == "s3:GetObject"
        (bucket, own), separator = read["Resource"]["Fn::Join"][1], read["Resource"]["Fn::Join"][0]
        assert "ConfigBucket" in bucket["Fn::ImportValue"]
        # Joined, not substituted: the variable reaches IAM as it stands here.
        assert (separator, own) == ("", f"/edge/${{aws:username}}/{file}")


def test_pages_are_cached_and_answers_of_the_api_never(assembly: Assembly) -> None:
    config = assembly.only("AWS::CloudFront::Distribution")["DistributionConfig"]
    behaviours = {b["PathPattern"]: b for b in config["CacheBehaviors"]}
    assert set(behaviours) == {"/v1/*", "/a/*"}
    for api in behaviours.values():
        # The ids of AWS's managed policies.
        assert api["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
        assert api["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"  # AllViewerExceptHostHeader
        assert api["ViewerProtocolPolicy"] == "https-only"
    assert (
        config["DefaultCacheBehavior"]["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"
    )  # CachingOptimized
    assert config["DefaultRootObject"] == "index.html"
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"


def test_an_error_of_the_api_is_not_dressed_up_as_a_page(assembly: Assembly) -> None:
    assert "CustomErrorResponses" not in assembly.only("AWS::CloudFront::Distribution")["DistributionConfig"]


def test_pages_run_only_their_own_code_and_show_pictures_from_one_bucket(assembly: Assembly) -> None:
    policy = assembly.only("AWS::CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    headers = policy["SecurityHeadersConfig"]
    parts = headers["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Join"][1]
    text = "".join(p if isinstance(p, str) else f"{{{p.get('Ref', 'bucket')}}}" for p in parts)
    assert text == (
        "default-src 'self'; connect-src 'self' https://framewatch-dev-{AWS::AccountId}.auth.{AWS::Region}.amazoncognito.com;"
        " img-src 'self' https://{bucket} https://{bucket};"
        " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 365 * 24 * 3600
    assert headers["FrameOptions"]["FrameOption"] == "DENY"
    assert headers["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer"
    assert headers["ContentTypeOptions"] == {"Override": True}


def test_headers_stand_on_pages_and_on_the_api(assembly: Assembly) -> None:
    config = assembly.only("AWS::CloudFront::Distribution")["DistributionConfig"]
    behaviours = [config["DefaultCacheBehavior"], *config["CacheBehaviors"]]
    assert len({json.dumps(b["ResponseHeadersPolicyId"]) for b in behaviours}) == 1


def test_there_is_no_custom_resource(assembly: Assembly) -> None:
    """Each would bring a function that somebody else wrote, with rights of its own."""
    kinds = {r["Type"] for t in assembly.templates.values() for r in t["Resources"].values()}
    assert not [k for k in kinds if k.startswith("Custom::") or k == "AWS::CloudFormation::CustomResource"]
