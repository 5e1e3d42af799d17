"""Which node runs the CDK and the dashboard's build: the machine's, or the one that pip put beside this Python.

`python -m infra.node` prints it, and exits 1 where there is none: then
`pip install --require-hashes -r infra/requirements-node.lock` brings one.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# Node 20 is past its end; the CDK says so on every start.
OLDEST_MAJOR = 22


class NodeMissing(Exception):
    pass


def node_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment with a PATH whose node, npm and npx are new enough. Raises NodeMissing."""
    path = environ.get("PATH", os.defpath)
    beside_python = str(Path(sys.executable).parent)
    for candidate in (path, os.pathsep.join([beside_python, path])):
        node = shutil.which("node", path=candidate)
        if node and _major(node) >= OLDEST_MAJOR:
            return {**environ, "PATH": candidate}
    raise NodeMissing(
        f"no Node.js {OLDEST_MAJOR} or newer; `make setup` brings one, or install it from your system's packages"
    )


def _major(node: str) -> int:
    """0 for something that is not a node."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.match(r"v(\d+)\.", said)
    return int(version.group(1)) if version else 0


def main() -> int:
    try:
        print(shutil.which("node", path=node_environment()["PATH"]))
    except NodeMissing as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
