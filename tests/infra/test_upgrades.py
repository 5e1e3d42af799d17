"""An upgrade changes things in place: nothing that holds somebody's data is ever replaced, or deleted unasked."""

import json
from typing import Any

import pytest

from infra.settings import PARTS
from tests.infra.conftest import Assembly

pytestmark = pytest.mark.slow

# (stack, logical id) -> type, and the properties whose change makes CloudFormation put a new, empty one in its place,
# or Cognito refuse the update for good. None: must not be there, since nothing can take the name of what it replaces.
KEEPERS: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("data", "FrameTable"): (
        "AWS::DynamoDB::Table",
        {
            "TableName": None,
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            "LocalSecondaryIndexes": None,
            "ImportSourceSpecification": None,
        },
    ),
    ("data", "FramesBucket"): ("AWS::S3::Bucket", {"BucketName": None, "BucketNamePrefix": None}),
    ("data", "ConfigBucket"): ("AWS::S3::Bucket", {"BucketName": None, "BucketNamePrefix": None}),
    ("web", "WebBucket"): ("AWS::S3::Bucket", {"BucketName": None, "BucketNamePrefix": None}),
    ("ingest", "FrameStream"): ("AWS::Kinesis::Stream", {"Name": None}),
    ("processing", "FailureQueue"): ("AWS::SQS::Queue", {"QueueName": None, "FifoQueue": None}),
    # A new topic would ask everybody to confirm again.
    ("notify", "AlarmTopic"): ("AWS::SNS::Topic", {"TopicName": None, "FifoTopic": None}),
    ("notify", "AlertTopic"): ("AWS::SNS::Topic", {"TopicName": None, "FifoTopic": None}),
    ("identity", "UserPool"): (
        "AWS::Cognito::UserPool",
        {
            "Schema": [{"Mutable": True, "Name": "email", "Required": True}],
            "UsernameAttributes": ["email"],
            "UsernameConfiguration": {"CaseSensitive": False},
            "AliasAttributes": None,
        },
    ),
    ("identity", "DashboardClient"): (
        "AWS::Cognito::UserPoolClient",
        {"UserPoolId": {"Ref": "UserPool"}, "GenerateSecret": False},
    ),
    ("identity", "SignInDomain"): (
        "AWS::Cognito::UserPoolDomain",
        {
            "UserPoolId": {"Ref": "UserPool"},
            "Domain": {"Fn::Join": ["", ["framewatch-dev-", {"Ref": "AWS::AccountId"}]]},
            "CustomDomainConfig": None,
        },
    ),
    **{
        ("identity", f"{name.title()}Group"): (
            "AWS::Cognito::UserPoolGroup",
            {"UserPoolId": {"Ref": "UserPool"}, "GroupName": name},
        )
        for name in ("admin", "operator", "viewer")
    },
    # Names that people and texts have: a new one breaks every link.
    ("web", "Api"): ("AWS::ApiGatewayV2::Api", {"ProtocolType": "HTTP"}),
    ("web", "Dashboard"): ("AWS::CloudFront::Distribution", {}),
    ("processing", "ImageProcessorLogs"): ("AWS::Logs::LogGroup", {"LogGroupName": None}),
    ("processing", "WatchdogLogs"): ("AWS::Logs::LogGroup", {"LogGroupName": None}),
    ("api", "AlertLinkLogs"): ("AWS::Logs::LogGroup", {"LogGroupName": None}),
    ("api", "OperatorActionsLogs"): ("AWS::Logs::LogGroup", {"LogGroupName": None}),
    ("api", "FrameFetcherLogs"): ("AWS::Logs::LogGroup", {"LogGroupName": None}),
    ("api", "AccessLog"): ("AWS::Logs::LogGroup", {"LogGroupName": None}),
}


def test_what_holds_data_keeps_its_stack_and_its_logical_id(assembly: Assembly) -> None:
    """One that is new here is added to the list by whoever adds it to the template, properties and all."""
    kinds = {kind for kind, _ in KEEPERS.values()}
    found = {
        (part, logical_id): resource["Type"]
        for part, template in assembly.templates.items()
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] in kinds
    }
    assert found == {place: kind for place, (kind, _) in KEEPERS.items()}


@pytest.mark.parametrize("place", KEEPERS, ids="-".join)
def test_nothing_that_would_replace_it_has_changed(assembly: Assembly, place: tuple[str, str]) -> None:
    part, logical_id = place
    _, expected = KEEPERS[place]
    properties = assembly.templates[part]["Resources"][logical_id]["Properties"]
    assert {name: properties.get(name) for name in expected} == expected


def test_what_holds_data_has_the_same_place_in_every_stage(assembly: Assembly, prod: Assembly) -> None:
    for part, logical_id in KEEPERS:
        assert logical_id in prod.templates[part]["Resources"]


def test_prod_keeps_data_and_users_when_the_stacks_go(prod: Assembly) -> None:
    kept = {
        logical_id
        for template in prod.templates.values()
        for logical_id, resource in template["Resources"].items()
        if resource.get("DeletionPolicy") == resource.get("UpdateReplacePolicy") == "Retain"
    }
    people = {"UserPool", "AdminGroup", "OperatorGroup", "ViewerGroup"}
    assert kept == {"FrameTable", "FramesBucket", "ConfigBucket"} | people
    assert prod.only("AWS::DynamoDB::Table")["DeletionProtectionEnabled"] is True
    assert prod.only("AWS::Cognito::UserPool")["DeletionProtection"] == "ACTIVE"


def test_in_prod_the_stacks_with_data_and_users_are_protected(assembly: Assembly, prod: Assembly) -> None:
    def protected(app: Assembly) -> set[str]:
        return {part for part, stack in app.stacks.items() if stack["properties"].get("terminationProtection")}

    assert protected(prod) == {"data", "identity"}
    assert protected(assembly) == set()


def test_dev_leaves_nothing_behind(assembly: Assembly) -> None:
    for template in assembly.templates.values():
        assert "Retain" not in json.dumps(template)
    assert assembly.only("AWS::DynamoDB::Table")["DeletionProtectionEnabled"] is False
    assert assembly.only("AWS::Cognito::UserPool")["DeletionProtection"] == "INACTIVE"


def test_each_stack_stands_on_earlier_ones_only(assembly: Assembly) -> None:
    assert set(assembly.stacks) == set(PARTS)
    for part, stack in assembly.stacks.items():
        below = {d.split("-", 2)[2] for d in stack.get("dependencies", []) if not d.endswith(".assets")}
        assert below <= set(PARTS[: PARTS.index(part)]), part
