"""What happens to a thing when its stack, or its place in the template, goes away."""

import aws_cdk as cdk
from constructs import IConstruct

from infra.settings import StageSettings


def data_removal(settings: StageSettings) -> cdk.RemovalPolicy:
    return cdk.RemovalPolicy.RETAIN if settings.retain_data else cdk.RemovalPolicy.DESTROY


def pin_logical_id(construct: IConstruct, logical_id: str) -> None:
    """Moving the construct in the code must never replace what holds the user's data."""
    child = construct.node.default_child
    assert isinstance(child, cdk.CfnElement)  # noqa: S101  # what an L2 construct always holds
    child.override_logical_id(logical_id)
