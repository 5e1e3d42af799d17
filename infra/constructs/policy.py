"""IAM statements written by hand: every `*` among the resources carries its reason, in code and in the template."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

REASONS_KEY = "WildcardReasons"


def allow(sid: str, actions: Sequence[str], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources))


def acknowledge(scope: Construct, findings: Mapping[str, str]) -> None:
    """Accept cdk-nag findings on the construct and all below it. findings: rule id -> why it is right as it is."""
    cdk.Validations.of(scope).acknowledge(
        *[cdk.Acknowledgment(id=rule, reason=why) for rule, why in findings.items()]
    )


def explain_wildcards(role: iam.Role, reasons: Mapping[str, str]) -> None:
    """reasons: statement id -> why its resources hold a `*`. Kept in the template, where a reader of it looks."""
    cfn_role = role.node.default_child
    assert isinstance(cfn_role, iam.CfnRole)  # noqa: S101  # what an L2 role always holds
    cfn_role.add_metadata(REASONS_KEY, dict(reasons))


def wildcard_finding(owner: cdk.Stack, arn: str, rest: str) -> str:
    """cdk-nag's name for `<arn><rest>` in another stack, where the ARN stands as an import from its owner."""
    imported = owner.resolve(owner.export_value(arn))
    return f"AwsSolutions-IAM5[Resource::{imported['Fn::ImportValue']}{rest}]"
