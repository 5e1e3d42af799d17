"""What is handed out and of which packages it is made, as CycloneDX 1.6 says it (a software bill of materials).

Read from the lock files, so that nothing need be installed or asked. The same locks give the same bytes: a document
has neither a time nor a serial number of its own. What lies inside a wheel (OpenCV's codecs, say) no lock file knows.
"""

import base64
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from infra.settings import REPO
from infra.tasks.problem import TaskProblem

FOLDER = REPO / "build" / "sbom"
PYTHON_LOCKS = {
    "functions": (REPO / "lambdas" / "requirements.lock",),
    # The edge, the local cloud and the tasks; Node.js only where the machine has none.
    "machine": (REPO / "requirements.lock", REPO / "infra" / "requirements-node.lock"),
}
PAGES_LOCK = REPO / "web_ui" / "package-lock.json"

# As `make lock` writes them: `name==version ; marker \`, then its hashes, one for each file of that version.
_PACKAGE = re.compile(r"([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+?))?(?: \\)?")
_HASH = re.compile(r"    --hash=sha256:([0-9a-f]{64})(?: \\)?")

Component = dict[str, Any]


def write_sboms(folder: Path = FOLDER) -> list[Path]:
    """One document for each thing that is handed out. Raises TaskProblem where a lock file is not as it should be."""
    found = {name: [c for lock in locks for c in python_components(lock)] for name, locks in PYTHON_LOCKS.items()}
    found["pages"] = list(page_components(PAGES_LOCK))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, components in found.items():
        path = folder / f"{name}.cdx.json"
        path.write_text(json.dumps(_document(name, components), indent=1) + "\n", encoding="utf-8")
        print(f"{path.relative_to(REPO) if path.is_relative_to(REPO) else path}: {len(components)} packages")
        written.append(path)
    return written


def _document(name: str, components: list[Component]) -> dict[str, Any]:
    version = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"framewatch-{name}",
                "name": f"framewatch-{name}",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
    }


def python_components(lock: Path) -> list[Component]:
    """Every package, also one for another platform or Python: `framewatch:marker` says for which."""
    found: list[Component] = []
    for number, line in enumerate(lock.read_text("utf-8").splitlines(), 1):
        if package := _PACKAGE.fullmatch(line):
            name, version, marker = package.groups()
            found.append(_component(f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}", name, version))
            # The files are listed, not the one that a machine takes: CycloneDX has hashes of files with their origin.
            found[-1]["externalReferences"] = [
                {"type": "distribution", "url": f"https://pypi.org/project/{name}/{version}/", "hashes": []}
            ]
            if marker:
                found[-1]["properties"] = [{"name": "framewatch:marker", "value": marker}]
        elif found and (told := _HASH.fullmatch(line)):
            found[-1]["externalReferences"][0]["hashes"].append({"alg": "SHA-256", "content": told[1]})
        elif line.strip():
            raise TaskProblem(f"{lock}:{number}: {line!r} is neither a package nor a hash of one; run `make lock`")
    return found


def page_components(lock: Path) -> Iterator[Component]:
    """Those of the dashboard. `excluded`: it builds and tests the pages, and is in none of them."""
    for path, told in json.loads(lock.read_text("utf-8"))["packages"].items():
        if not path:  # the dashboard itself
            continue
        name, version = path.rpartition("node_modules/")[2], told["version"]
        scope, _, own = name.rpartition("/")
        purl = f"pkg:npm/{quote(scope, safe='')}/{own}@{version}" if scope else f"pkg:npm/{own}@{version}"
        algorithm, _, digest = told["integrity"].partition("-")
        found = _component(purl, name, version)
        found["scope"] = "excluded" if told.get("dev") else "required"
        found["hashes"] = [{"alg": algorithm.upper().replace("SHA", "SHA-"), "content": _hex(digest)}]
        if licence := told.get("license"):
            found["licenses"] = [{"expression": licence}]
        yield found


def _component(purl: str, name: str, version: str) -> Component:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _hex(digest: str) -> str:
    return base64.b64decode(digest).hex()
