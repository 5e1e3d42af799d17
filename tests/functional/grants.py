"""The rights that a deployment gives, read from IAM, and each taken away for a moment."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local_cloud.clients import ClientFactory

# What stands in place of an action that is taken away: everybody has it, so it gives nothing.
NOTHING = "sts:GetCallerIdentity"


@dataclass(frozen=True, order=True, slots=True)
class Grant:
    """owner: who holds it. sid: the statement. action: one of the statement's."""

    owner: str
    sid: str
    action: str

    def __str__(self) -> str:
        return f"{self.owner}-{self.sid}-{self.action}"


@dataclass(frozen=True, slots=True)
class _Policy:
    owner: str
    document: dict[str, Any]
    write: Callable[[dict[str, Any]], None]

    @property
    def statements(self) -> list[dict[str, Any]]:
        return [s for s in self.document["Statement"] if s["Effect"] == "Allow"]


class DeployedGrants:
    """Every statement of every role and managed policy of the stacks."""

    def __init__(self, client: ClientFactory, stacks: Sequence[str], owners: dict[str, str]) -> None:
        """owners: the role's name or the policy's ARN -> what it is called here; others keep their own."""
        self._iam = client("iam")
        self._policies: list[_Policy] = []
        cloudformation = client("cloudformation")
        for stack in stacks:
            for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
                name = resource["PhysicalResourceId"]
                if resource["ResourceType"] == "AWS::IAM::Role":
                    self._add_role(name, owners.get(name, name))
                elif resource["ResourceType"] == "AWS::IAM::ManagedPolicy":
                    self._add_managed(name, owners.get(name, name))

    def _add_role(self, role: str, owner: str) -> None:
        for name in self._iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = self._iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]

            def write(changed: dict[str, Any], name: str = name) -> None:
                self._iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(changed))

            self._policies.append(_Policy(owner, document, write))
        for attached in self._iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            self._add_managed(attached["PolicyArn"], owner)

    def _add_managed(self, arn: str, owner: str) -> None:
        version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]

        def write(changed: dict[str, Any]) -> None:
            self._iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(changed), SetAsDefault=True)
            # A policy has five versions at most.
            for old in self._iam.list_policy_versions(PolicyArn=arn)["Versions"]:
                if not old["IsDefaultVersion"]:
                    self._iam.delete_policy_version(PolicyArn=arn, VersionId=old["VersionId"])

        self._policies.append(_Policy(owner, document, write))

    def all(self) -> list[Grant]:
        return [
            Grant(policy.owner, statement.get("Sid", ""), action)
            for policy in self._policies
            for statement in policy.statements
            for action in _listed(statement["Action"])
        ]

    def resource_of(self, grant: Grant) -> str:
        """The first of the statement's, whose `*` stands for itself."""
        ((_, statement),) = self._found(grant)
        return _listed(statement["Resource"])[0]

    @contextmanager
    def without(self, grant: Grant) -> Iterator[None]:
        """This one right is missing, and nothing else."""
        ((policy, statement),) = self._found(grant)
        left = [a if a != grant.action else NOTHING for a in _listed(statement["Action"])]
        reduced = [s if s is not statement else {**s, "Action": left} for s in policy.document["Statement"]]
        policy.write({**policy.document, "Statement": reduced})
        try:
            yield
        finally:
            policy.write(policy.document)

    def _found(self, grant: Grant) -> list[tuple[_Policy, dict[str, Any]]]:
        return [
            (policy, statement)
            for policy in self._policies
            for statement in policy.statements
            if (policy.owner, statement.get("Sid", "")) == (grant.owner, grant.sid)
            and grant.action in _listed(statement["Action"])
        ]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
