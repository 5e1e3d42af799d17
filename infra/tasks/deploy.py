"""Everything into the account: checks first, then stacks, then what goes into them."""

from datetime import UTC, datetime
from pathlib import Path

from infra.tasks import cdk, preflight
from infra.tasks.problem import TaskProblem
from infra.tasks.publish import current_pages, put_pages
from infra.tasks.session import Ask, Stage
from infra.tasks.site import checked_site, put_site
from infra.tasks.stacks import ALL_PARTS, CLOCK_SKEW, failures, outputs


def deploy(stage: Stage, site_file: Path, ask: Ask = input) -> dict[str, str]:
    """Returns the stacks' outputs. Raises TaskProblem; then what ran before still runs."""
    text, site = checked_site(site_file)
    preflight.check(stage, site, ask)
    pages = current_pages()
    assembly = prepare(stage, site_file)
    started = datetime.now(UTC) - CLOCK_SKEW
    try:
        cdk.deploy(stage, assembly)
    except TaskProblem as error:
        why = [line for part in ALL_PARTS for line in failures(stage, part, started)]
        raise TaskProblem("\n  ".join([f"{error}", *why])) from error
    found = outputs(stage)
    put_site(stage, found, text)
    put_pages(stage, found, pages)
    return found


def prepare(stage: Stage, site_file: Path) -> Path:
    """The cloud assembly, with zips for the machine that will run them. Raises TaskProblem."""
    checked_site(site_file)
    target = "local" if stage.is_local else "aws"
    cdk.package(target)
    return cdk.synth(stage.name, site_file, target)


def next_steps(stage: Stage, found: dict[str, str]) -> str:
    """What a person does after the first deploy."""
    return (
        f"dashboard: {found['DashboardUrl']}\n"
        "next:\n"
        "  1. make yourself a user: pynt adduser[you@example.org,admin]\n"
        "  2. let the machine beside the cameras send: pynt edgebox[shop-1] makes credentials for it\n"
        f"     (its stream is {found['StreamName']}; this machine's camera: pynt videocapture[30])\n"
        f"  3. see whether texts will arrive: pynt status[{stage.name}]"
    )
