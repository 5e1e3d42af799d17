"""Whether any locked package has a known vulnerability, as PyPI's and npm's own advisories say.

pip-audit and npm are asked, each in its own words. A package that could not be looked up is not a package without a
vulnerability: pip-audit by itself says `No known vulnerabilities found` where its source knows none of them.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.node import NodeMissing, node_environment
from infra.settings import REPO
from infra.tasks.problem import TaskProblem
from infra.tasks.report import Line

# Fetched when it is needed, into an environment of its own.
PIP_AUDIT = "pip-audit==2.10.1"
# The development lock holds what the others hold.
PYTHON_LOCKS = (REPO / "requirements-dev.lock", REPO / "infra" / "requirements-node.lock")
PAGES = REPO / "web_ui"
TIMEOUT_S = 300

_ELSEWHERE = "run it again where the advisories can be reached"


def audit() -> None:
    """Says what was found. What could not be looked up is said, and is no failure. Raises TaskProblem for a find."""
    found = [line for lock in PYTHON_LOCKS for line in audit_python(lock)] + audit_pages(PAGES)
    for line in found:
        print(line)
    if wrong := sum(1 for line in found if line.todo and line.known):
        raise TaskProblem(
            f"{wrong} packages have known vulnerabilities; raise them in pyproject.toml or package.json"
        )


def audit_python(lock: Path) -> list[Line]:
    """One line for each package with a vulnerability, or one for all."""
    with tempfile.TemporaryDirectory() as folder:
        # One is asked for first: where nobody knows it, nobody is asked about a hundred more.
        one = Path(folder) / "one.txt"
        one.write_text(_first(lock), encoding="utf-8")
        asked = _pip_audit(one)
        if isinstance(asked, str) or any("skip_reason" in package for package in asked):
            why = asked if isinstance(asked, str) else "PyPI's advisories do not answer here"
            return [_unknown(lock.name, why)]
    packages = _pip_audit(lock)
    return [_unknown(lock.name, packages)] if isinstance(packages, str) else python_lines(lock.name, packages)


def python_lines(what: str, packages: Sequence[Mapping[str, Any]]) -> list[Line]:
    """packages: `dependencies` of pip-audit's JSON."""
    found = [
        Line(p["name"], f"{p['version']}: {v['id']}", f"take {' or '.join(v['fix_versions']) or 'another package'}")
        for p in packages
        for v in p.get("vulns", ())
    ]
    skipped = [p["name"] for p in packages if "skip_reason" in p]
    if skipped:
        found.append(_unknown(what, f"{len(skipped)} of {len(packages)} are not known there: {', '.join(skipped)}"))
    looked_up = len(packages) - len(skipped)
    return found or [Line(what, f"{looked_up} packages, none with a known vulnerability")]


def audit_pages(folder: Path) -> list[Line]:
    try:
        environment = node_environment()
    except NodeMissing as error:
        return [_unknown("npm", str(error))]
    answer = _json_of(["npm", "audit", "--json", "--package-lock-only"], cwd=folder, environment=environment)
    return [_unknown("npm", answer)] if isinstance(answer, str) else page_lines(answer)


def page_lines(answer: Mapping[str, Any]) -> list[Line]:
    """answer: what `npm audit --json` says."""
    if "vulnerabilities" not in answer:
        return [_unknown("npm", str(answer.get("message") or "npm's advisories do not answer here"))]
    found = [
        Line(name, f"{told['range']}: {told['severity']}", "raise it, or what needs it, and run `npm install`")
        for name, told in sorted(answer["vulnerabilities"].items())
    ]
    count = answer["metadata"]["dependencies"]["total"]
    return found or [Line("npm", f"{count} packages, none with a known vulnerability")]


def _unknown(what: str, why: str) -> Line:
    return Line(what, f"not audited: {why}", _ELSEWHERE, known=False)


def _first(lock: Path) -> str:
    """The first package of a lock, with its hashes."""
    lines = lock.read_text("utf-8").splitlines()
    end = next((n for n, line in enumerate(lines) if n and not line.startswith(" ")), len(lines))
    return "\n".join(lines[:end]) + "\n"


def _pip_audit(requirements: Path) -> list[dict[str, Any]] | str:
    """What it says of each package, or why it says nothing."""
    uv = Path(sys.executable).with_name("uv")
    options = ["--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    command: list[str | Path] = [uv, "tool", "run", "--isolated", PIP_AUDIT, *options, "-r", requirements]
    answer = _json_of(command, cwd=REPO, environment=os.environ)
    return answer if isinstance(answer, str) else list(answer["dependencies"])


def _json_of(command: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str]) -> dict[str, Any] | str:
    """The answer, whatever the exit status: both programs end with 1 when they have found something."""
    program = shutil.which(str(command[0]), path=environment.get("PATH")) or str(command[0])
    try:
        done = subprocess.run(
            [program, *map(str, command[1:])],
            cwd=cwd,
            env=dict(environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
        answer = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{Path(program).name} did not run: {type(error).__name__}"
    except ValueError:
        said = done.stderr.strip().splitlines()
        return f"{Path(program).name} gave no answer: {said[-1] if said else f'exit status {done.returncode}'}"
    return answer if isinstance(answer, dict) else f"{Path(program).name} answered in another form"
