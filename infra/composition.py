"""Composes the stacks, each on top of the ones above it:

framewatch-<stage>-data         table, frames bucket, configuration bucket
framewatch-<stage>-ingest       stream, and the policy of the machines beside the cameras
framewatch-<stage>-notify       topics of the alarms and of the alerts, and who hears the alarms
framewatch-<stage>-web          the dashboard's bucket and distribution, and the API's empty shell
framewatch-<stage>-processing   image processor, its event source, the failure queue
framewatch-<stage>-identity     user pool, sign-in pages, groups
framewatch-<stage>-api          frame fetcher, operators' actions, and the routes to it for whoever signed in
framewatch-<stage>-operations   alarms, and a dashboard in CloudWatch
framewatch-<stage>-budget       a mail before the bill is a surprise, where the site file sets a budget
"""

from typing import Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.settings import StageSettings
from infra.stacks.api import ApiStack
from infra.stacks.budget import BudgetStack
from infra.stacks.data import DataStack
from infra.stacks.identity import IdentityStack
from infra.stacks.ingest import IngestStack
from infra.stacks.notify import NotifyStack
from infra.stacks.operations import OperationsStack
from infra.stacks.processing import ProcessingStack
from infra.stacks.web import WebStack


def compose(app: cdk.App, settings: StageSettings) -> None:
    prefix = f"framewatch-{settings.stage}"

    def named(part: str, *, protected: bool = False) -> dict[str, Any]:
        return {
            "construct_id": f"{prefix}-{part}",
            "stack_name": f"{prefix}-{part}",
            "settings": settings,
            "termination_protection": protected,
            # Templates without bootstrap parameters also deploy by plain CloudFormation; the CLI checks on its own.
            "synthesizer": cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        }

    data = DataStack(app, **named("data", protected=settings.retain_data))
    ingest = IngestStack(app, data=data, **named("ingest"))
    notify = NotifyStack(app, **named("notify"))
    web = WebStack(app, data=data, **named("web"))
    # After the pages: the texts link to them.
    processing = ProcessingStack(app, data=data, ingest=ingest, notify=notify, web=web, **named("processing"))
    identity = IdentityStack(app, web=web, **named("identity", protected=settings.retain_data))
    api = ApiStack(app, data=data, web=web, identity=identity, **named("api"))
    operations = OperationsStack(
        app,
        data=data,
        ingest=ingest,
        notify=notify,
        processing=processing,
        web=web,
        api=api,
        **named("operations"),
    )
    # Tells which site file is deployed; on the last of the stacks, so that all of them follow it.
    cdk.CfnOutput(operations, "SettingsDigest", value=settings.digest)
    if settings.deployment.monthly_budget_usd is not None:
        BudgetStack(app, **named("budget"))
    cdk.Tags.of(app).add("project", "framewatch")
    cdk.Tags.of(app).add("stage", settings.stage)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
