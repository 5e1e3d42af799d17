"""`framewatch-local build`: the zips and templates that the local stack is made of, below build/local.

In their own processes: the composition of the stacks is nobody's library.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local_cloud.assembly import ASSEMBLY, REPO
from local_cloud.problem import LocalProblem


def build(assembly: Path = ASSEMBLY) -> None:
    """Raises LocalProblem with what the failing step said."""
    packages = assembly.parent / "lambda"
    _run("packaging the functions", ["infra.packaging", "--target", "local", "--out", str(packages)])
    _run(
        "writing the templates",
        # One shard: cameras are told apart by key, and two cores have no use for four readers.
        ["infra.app", "--stage", "local", "--shards", "1", "--packages", str(packages), "--out", str(assembly)],
    )


def _run(what: str, module: Sequence[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *module], cwd=REPO, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise LocalProblem(f"{what[:1].upper()}{what[1:]} failed: {' | '.join(lines[-5:]) or 'nothing was said'}")
