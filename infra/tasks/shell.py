"""Other programs, in the foreground."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.node import NodeMissing, node_environment
from infra.settings import REPO
from infra.tasks.problem import TaskProblem


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path = REPO,
    node: bool = False,
    region: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """With a node that is new enough where asked; environ: set on top. Raises TaskProblem when it fails."""
    try:
        environment = node_environment() if node else dict(os.environ)
    except NodeMissing as error:
        raise TaskProblem(str(error)) from error
    # The program is looked up where it will run: npm and npx lie beside the node that was chosen.
    program = shutil.which(str(command[0]), path=environment.get("PATH"))
    if program is None:
        raise TaskProblem(f"{command[0]} is not on the PATH")
    if region:
        # Under both names: Node's SDK reads the one, Python's the other.
        environment |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    environment |= environ or {}
    # What was said before the command is read before what it says.
    sys.stdout.flush()
    done = subprocess.run([program, *map(str, command[1:])], cwd=cwd, env=environment, check=False)
    if done.returncode != 0:
        # No more than the command's first words: a camera's address may hold a password.
        name = " ".join([Path(command[0]).name, *map(str, command[1:2])])
        raise TaskProblem(f"`{name}` failed with exit status {done.returncode}")
