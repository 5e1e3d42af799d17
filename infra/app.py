"""Composes the stacks. `python -m infra.app --stage dev --out cdk.out`, or through the CDK CLI and cdk.json.

Stacks, each on top of the ones above it:

    framewatch-<stage>-data         table, frames bucket, configuration bucket
    framewatch-<stage>-ingest       stream
    framewatch-<stage>-processing   image processor, its event source, the failure queue
    framewatch-<stage>-api          frame fetcher behind an HTTP API
    framewatch-<stage>-web          the dashboard's bucket and distribution
"""

import argparse
import os
import sys
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.settings import PACKAGES, StageSettings, retention_of
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
            "termination_protection": settings.retain_data,
        }

    data = DataStack(app, f"{prefix}-data", settings=settings, **named("data"))
    ingest = IngestStack(app, f"{prefix}-ingest", settings=settings, **named("ingest"))
    ProcessingStack(app, f"{prefix}-processing", settings=settings, data=data, ingest=ingest, **named("processing"))
    api = ApiStack(app, f"{prefix}-api", settings=settings, data=data, **named("api"))
    WebStack(app, f"{prefix}-web", settings=settings, data=data, api=api, **named("web"))
    cdk.Tags.of(app).add("project", "framewatch")
    cdk.Tags.of(app).add("stage", settings.stage)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    # The CDK CLI says where through the environment; without it the templates land where it would look for them.
    outdir = options.out or (None if "CDK_OUTDIR" in os.environ else "cdk.out")
    app = cdk.App(outdir=str(outdir) if outdir else None, analytics_reporting=False)

    def chosen(name: str, default: object = None) -> object:
        """The option, else what `cdk -c name=value` said, else the default."""
        option = getattr(options, name)
        return option if option is not None else app.node.try_get_context(name) or default

    stage = str(chosen("stage", "dev"))
    site, shards, retain = chosen("site"), chosen("shards"), chosen("retain_data")
    settings = StageSettings(
        stage=stage,
        packages=Path(str(chosen("packages", PACKAGES))).resolve(),
        retain_data=stage == "prod" if retain is None else str(retain).lower() == "true",
        shards=int(str(shards)) if shards else None,
        **({"retention": retention_of(Path(str(site)))} if site else {}),
    )
    compose(app, settings)
    try:
        app.synth()
    except RuntimeError as error:
        # The findings are printed by now; a trace through the JavaScript kernel would only bury them.
        if "Validation failed" not in str(error):
            raise
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.app", description="Write the CloudFormation templates.")
    parser.add_argument("--stage", help="part of every stack's name (default: dev)")
    parser.add_argument("--out", type=Path, help="where the cloud assembly is written (default: cdk.out)")
    parser.add_argument("--packages", type=Path, help="folder of the functions' zips (default: build/lambda)")
    parser.add_argument("--site", type=Path, help="site file whose retention the buckets follow")
    parser.add_argument("--shards", type=int, help="provisioned shards instead of an on-demand stream")
    parser.add_argument("--retain-data", choices=["true", "false"], help="keep the data (default: true in prod)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
