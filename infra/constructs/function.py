"""One Lambda function: its zip, its log group, and a role that holds what is listed and nothing else."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.logs import expiring_log_group
from infra.constructs.policy import acknowledge, allow, explain_wildcards
from infra.settings import StageSettings


class PythonFunction(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        name: str,
        description: str,
        memory_mb: int,
        timeout_s: int,
        environment: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement],
        wildcard_reasons: Mapping[str, str],
        reserved_concurrency: int | None = None,
    ) -> None:
        """name: the package below lambdas/. wildcard_reasons: statement id -> why, for each with a `*`.

        reserved_concurrency: None leaves the function in the pool that the account's functions share.
        """
        super().__init__(scope, construct_id)
        self.log_group = expiring_log_group(self, "Logs", settings, logical_id=f"{construct_id}Logs")
        write_logs = allow(
            "WriteOwnLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], self.log_group.log_group_arn
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {name} may do",
            inline_policies={"own": iam.PolicyDocument(statements=[write_logs, *statements])},
        )
        explain_wildcards(self.role, wildcard_reasons)
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"lambdas.{name}.handler.lambda_handler",
            code=lambda_.Code.from_asset(str(settings.package(name))),
            memory_size=memory_mb,
            timeout=cdk.Duration.seconds(timeout_s),
            reserved_concurrent_executions=reserved_concurrency,
            # Nothing that CDK would add on its own: the list above is the whole of it.
            role=self.role.without_policy_updates(),
            log_group=self.log_group,
            environment={
                "FW_STAGE": settings.stage,
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_METRICS_NAMESPACE": "Framewatch",
                "FW_LOG_LEVEL": "INFO",
                **environment,
            },
        )
        # The function names its role; saying so twice only makes cfn-lint complain.
        cfn_function = self.function.node.default_child
        assert isinstance(cfn_function, cdk.CfnResource)  # noqa: S101  # what an L2 function always holds
        cfn_function.add_deletion_override("DependsOn")
        acknowledge(
            self.function,
            {"AwsSolutions-L1": "the newest Python that every wheel in the lock and every test here runs on is 3.13"},
        )
