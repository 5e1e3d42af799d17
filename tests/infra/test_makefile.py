"""The Makefile's own steps, with stand-ins for what they start."""

import os
import shutil
import subprocess
from pathlib import Path

from infra.settings import REPO


def _script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_a_folder_with_a_blank_in_its_name_has_its_own_node_found(tmp_path: Path) -> None:
    project = tmp_path / "my project"
    _script(project / ".venv" / "bin" / "python", f"echo '{project}/node/bin/node'")
    _script(project / "node" / "bin" / "npm", f"echo \"$@\" >'{project}/npm.txt'")
    (project / ".venv" / ".stamp-node").touch()
    for folder in ("framewatch", "edge_client", "lambdas", "infra", "local_cloud", "web_ui/node_modules"):
        (project / folder).mkdir(parents=True)
    (project / "web_ui" / "package-lock.json").touch()
    shutil.copy(REPO / "Makefile", project)
    step = "web_ui/node_modules/.stamp"
    # What `make -j test` tells those it starts is not for a make of another folder.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    command = ["make", "-o", ".venv/.stamp-node", step]
    made = subprocess.run(command, cwd=project, env=environment, check=False, capture_output=True, text=True)
    assert (made.returncode, made.stderr) == (0, "")
    assert (project / "npm.txt").read_text().startswith("ci ")
