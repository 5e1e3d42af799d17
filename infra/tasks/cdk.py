"""The functions' zips, the templates, and the CDK CLI that deploys both."""

import sys
import tempfile
from pathlib import Path

from infra.packaging import PackagingError, build
from infra.settings import PACKAGES, REPO
from infra.tasks.problem import TaskProblem
from infra.tasks.session import Stage
from infra.tasks.shell import run

CLI = "aws-cdk@2.1148.1"
ASSEMBLY = REPO / "cdk.out"
# Nothing is told to anybody about a deployment unless its owner says so.
_QUIET = {"CDK_DISABLE_CLI_TELEMETRY": "true", "npm_config_update_notifier": "false"}


def package(target: str = "aws") -> None:
    """Raises TaskProblem."""
    try:
        for name, path in build(target).items():
            print(f"{name}: {path.relative_to(REPO)} ({path.stat().st_size / 1e6:.1f} MB)")
    except ValueError as error:
        raise TaskProblem(str(error)) from error
    except PackagingError as error:
        raise TaskProblem(str(error)) from error


def synth(stage: str, site: Path, target: str = "aws") -> Path:
    """Writes the cloud assembly and returns its folder. Raises TaskProblem."""
    command: list[str | Path] = [sys.executable, "-m", "infra.app", "--stage", stage, "--out", ASSEMBLY]
    run([*command, "--packages", PACKAGES / target, "--site", site])
    return ASSEMBLY


def bootstrap(stage: Stage) -> None:
    """The CDK's own bucket and roles, through which it deploys. Raises TaskProblem."""
    with tempfile.TemporaryDirectory() as empty:
        # Where there is a cdk.json, the CLI would synthesise first, and there may be nothing yet to do it from.
        _cdk(stage, "bootstrap", f"aws://{stage.account}/{stage.region}", cwd=Path(empty))


def deploy(stage: Stage, assembly: Path) -> None:
    """Raises TaskProblem."""
    _cdk(stage, "deploy", "--all", "--app", assembly, "--require-approval", "never")


def diff(stage: Stage, assembly: Path) -> None:
    """Raises TaskProblem."""
    _cdk(stage, "diff", "--all", "--app", assembly)


def _cdk(stage: Stage, *arguments: str | Path, cwd: Path = REPO) -> None:
    # This very version, once fetched, needs no registry: what stands between here and there may be slow, or closed.
    run(
        ["npx", "--yes", "--prefer-offline", CLI, *arguments], cwd=cwd, node=True, region=stage.region, environ=_QUIET
    )
