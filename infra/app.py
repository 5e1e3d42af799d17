"""Writes the CloudFormation templates: `python -m infra.app --stage dev`, or the CDK CLI through cdk.json.

Every option may also come from the CDK CLI's context (`cdk synth -c stage=prod -c site=config/site.yaml`).
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from framewatch.domain.errors import SiteFileError
from framewatch.domain.site import Deployment, Retention
from infra.node import NodeMissing, node_environment
from infra.settings import PACKAGES, StageSettings, read_site, with_shards


def main(argv: list[str]) -> int:
    options = vars(_parser().parse_args(argv))
    try:
        os.environ.update(node_environment())
    except NodeMissing as error:
        print(error, file=sys.stderr)
        return 1
    # The CDK starts a node process as soon as it is imported, so the right node is found first.
    import aws_cdk as cdk  # noqa: PLC0415

    from infra.composition import compose  # noqa: PLC0415

    # The CDK CLI says where through the environment; without it the templates land where it would look for them.
    outdir = options["out"] or (None if "CDK_OUTDIR" in os.environ else "cdk.out")
    app = cdk.App(outdir=str(outdir) if outdir else None, analytics_reporting=False)
    try:
        compose(app, settings_from(options, app.node.try_get_context))
        app.synth()
    except (SiteFileError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except RuntimeError as error:
        # The findings are printed by now; a trace through the JavaScript kernel would only bury them.
        if "Validation failed" not in str(error):
            raise
        print(error, file=sys.stderr)
        return 1
    return 0


def settings_from(options: Mapping[str, object], context: Callable[[str], object]) -> StageSettings:
    """options: as parsed, None where not given; they come before the context, and both before the site file.

    Raises SiteFileError, ValueError and OSError.
    """

    def chosen(name: str, default: object = None) -> object:
        option = options[name]
        value = option if option is not None else context(name)
        return default if value is None else value

    def flag(name: str, default: bool) -> bool:
        said = str(chosen(name, default)).lower()
        if said not in ("true", "false"):
            # A misread yes would delete somebody's pictures.
            raise ValueError(f"{name} is {said!r}; write true or false")
        return said == "true"

    stage, site, shards = str(chosen("stage", "dev")), chosen("site"), chosen("shards")
    config = read_site(Path(str(site))) if site else None
    deployment = config.deployment if config else Deployment()
    return StageSettings(
        stage=stage,
        packages=Path(str(chosen("packages", PACKAGES / "aws"))).resolve(),
        retain_data=flag("retain_data", stage == "prod"),
        retention=config.retention if config else Retention(),
        deployment=deployment if shards is None else with_shards(deployment, shards),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.app", description="Write the CloudFormation templates.")
    parser.add_argument("--stage", help="part of every stack's name (default: dev)")
    parser.add_argument("--out", type=Path, help="where the cloud assembly is written (default: cdk.out)")
    parser.add_argument("--packages", type=Path, help="folder of the functions' zips (default: build/lambda/aws)")
    parser.add_argument("--site", type=Path, help="site file whose sections retention and deployment are followed")
    parser.add_argument("--shards", help="provisioned shards, whatever the site file says")
    parser.add_argument(
        "--retain-data", choices=["true", "false"], help="keep data and users (default: true in prod)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
