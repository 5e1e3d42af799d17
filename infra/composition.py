"""Composes the stacks, each on top of the ones above it:

framewatch-<stage>-data         table, frames bucket, configuration bucket
framewatch-<stage>-ingest       stream
framewatch-<stage>-processing   image processor, its event source, the failure queue
framewatch-<stage>-api          frame fetcher behind an HTTP API
framewatch-<stage>-web          the dashboard's bucket and distribution
"""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.settings import StageSettings
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack
from infra.stacks.ingest import IngestStack
from infra.stacks.processing import ProcessingStack
from infra.stacks.web import WebStack


def compose(app: cdk.App, settings: StageSettings) -> None:
    prefix = f"framewatch-{settings.stage}"

    def named(part: str) -> dict[str, object]:
        return {
            "stack_name": f"{prefix}-{part}",
            # Templates without bootstrap parameters also deploy by plain CloudFormation; the CLI checks on its own.
            "synthesizer": cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        }

    data = DataStack(
        app, f"{prefix}-data", settings=settings, termination_protection=settings.retain_data, **named("data")
    )
    ingest = IngestStack(app, f"{prefix}-ingest", settings=settings, **named("ingest"))
    ProcessingStack(app, f"{prefix}-processing", settings=settings, data=data, ingest=ingest, **named("processing"))
    api = ApiStack(app, f"{prefix}-api", settings=settings, data=data, **named("api"))
    WebStack(app, f"{prefix}-web", settings=settings, data=data, api=api, **named("web"))
    cdk.Tags.of(app).add("project", "framewatch")
    cdk.Tags.of(app).add("stage", settings.stage)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
