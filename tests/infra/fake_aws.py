"""An account to run the tasks against: moto, with a CloudFormation that holds the stacks a test puts there.

moto's own CloudFormation would need what is not installed, and cannot be made to fail at will.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import boto3
from botocore.exceptions import ClientError

from infra.tasks.session import Stage

ACCOUNT = "123456789012"
REGION = "eu-west-1"


def refused(operation: str, code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@dataclass
class FakeStack:
    status: str = "CREATE_COMPLETE"
    outputs: dict[str, str] = field(default_factory=dict)
    # By the name of the export.
    exports: dict[str, str] = field(default_factory=dict)
    protected: bool = False
    # (logical id, type, physical id, deletion policy)
    resources: list[tuple[str, str, str, str]] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    # By logical id.
    properties: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    # What a deletion ends in.
    deletes_to: str = "DELETE_COMPLETE"


class FakeCloudFormation:
    """As much of it as the tasks ask; names are whole stack names."""

    def __init__(self) -> None:
        self.stacks: dict[str, FakeStack] = {}
        self.deleted: list[str] = []

    def add(self, part: str, stage: str = "dev", **what: Any) -> FakeStack:
        return self.stacks.setdefault(f"framewatch-{stage}-{part}", FakeStack(**what))

    def describe_stacks(self, StackName: str = "") -> dict[str, Any]:
        if StackName and StackName not in self.stacks:
            raise refused("DescribeStacks", "ValidationError", f"Stack with id {StackName} does not exist")
        return {
            "Stacks": [
                {
                    "StackName": name,
                    "StackId": name,
                    "StackStatus": stack.status,
                    "CreationTime": datetime.now(UTC),
                    "EnableTerminationProtection": stack.protected,
                    "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in stack.outputs.items()]
                    + [{"OutputKey": k, "OutputValue": v, "ExportName": k} for k, v in stack.exports.items()],
                }
                for name, stack in self.stacks.items()
                if StackName in {"", name}
            ]
        }

    def get_template(self, StackName: str) -> dict[str, Any]:
        stack = self.stacks[StackName]
        declared: dict[str, Any] = {
            logical: {
                "Type": kind,
                "DeletionPolicy": policy,
                **({"Properties": stack.properties[logical]} if logical in stack.properties else {}),
            }
            for logical, kind, _, policy in stack.resources
        }
        for number, name in enumerate(stack.imports):
            declared[f"Reader{number}"] = {"Properties": {"List": [{"Fn::ImportValue": name}]}}
        return {"TemplateBody": {"Resources": declared}}

    def list_stack_resources(self, StackName: str) -> dict[str, Any]:
        if StackName not in self.stacks:
            raise refused("ListStackResources", "ValidationError", f"Stack with id {StackName} does not exist")
        return {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": logical,
                    "ResourceType": kind,
                    "PhysicalResourceId": physical,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
                for logical, kind, physical, _ in self.stacks[StackName].resources
            ]
        }

    def describe_events(self, StackName: str, Filters: dict[str, Any]) -> dict[str, Any]:
        assert Filters == {"FailedEvents": True}
        if StackName not in self.stacks:
            raise refused("DescribeEvents", "ValidationError", f"Stack [{StackName}] does not exist")
        return {"OperationEvents": self.stacks[StackName].events}

    def delete_stack(self, StackName: str) -> None:
        stack = self.stacks[StackName]
        if stack.protected:
            raise refused("DeleteStack", "ValidationError", f"{StackName} cannot be deleted: it is protected")
        stack.status = stack.deletes_to
        if stack.status == "DELETE_COMPLETE":
            del self.stacks[StackName]
            self.deleted.append(StackName)

    def update_termination_protection(self, StackName: str, EnableTerminationProtection: bool) -> None:
        self.stacks[StackName].protected = EnableTerminationProtection

    def get_paginator(self, operation: str) -> "_Pages":
        return _Pages(getattr(self, operation))


class _Pages:
    def __init__(self, operation: Any):
        self._operation = operation

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        yield self._operation(**arguments)


class Answers:
    """A service of which each operation gives a fixed answer; any other is not supported."""

    def __init__(self, **answers: Any):
        self._answers = answers

    def __getattr__(self, operation: str) -> Any:
        def call(**_: Any) -> Any:
            answer = self._answers.get(operation, refused(operation, "UnknownOperationException", "not here"))
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def get_paginator(self, operation: str) -> _Pages:
        return _Pages(getattr(self, operation))


class FakeSession:
    """boto3's, on moto, but for the services that are replaced."""

    region_name = REGION

    def __init__(self, replaced: dict[str, Any]):
        self._replaced = replaced

    def client(self, service: str) -> Any:
        return self._replaced.get(service) or _client(service)

    def resource(self, service: str) -> Any:
        return _session().resource(service)


@cache
def _session() -> Any:
    """One for all tests: reading the services' models takes longer than most of them. It holds no state."""
    return boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)


@cache
def _client(service: str) -> Any:
    return _session().client(service)


class Account:
    """stage(): what the tasks are given. stacks: its CloudFormation. replaced: services by name."""

    def __init__(self) -> None:
        self.stacks = FakeCloudFormation()
        self.replaced: dict[str, Any] = {"cloudformation": self.stacks}
        self._session = FakeSession(self.replaced)

    def stage(self, name: str = "dev") -> Stage:
        endpoint = f"https://sts.{REGION}.amazonaws.com"
        return Stage(name, cast(Any, self._session), ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ana", endpoint)

    def client(self, service: str) -> Any:
        return self._session.client(service)
