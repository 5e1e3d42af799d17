"""What all of it is made of: the bills of materials, and what is said of packages with known vulnerabilities."""

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.settings import REPO
from infra.tasks import audit, sbom
from infra.tasks.problem import TaskProblem
from infra.tasks.sbom import python_components, write_sboms


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    written = write_sboms(tmp_path_factory.mktemp("sbom"))
    return {path.name.removesuffix(".cdx.json"): json.loads(path.read_text("utf-8")) for path in written}


def locked(lock: str) -> set[tuple[str, str]]:
    """Name and version of each package, read by other means: as pip joins and reads the lines."""
    lines = (REPO / lock).read_text("utf-8").replace("\\\n", " ").splitlines()
    read = [Requirement(line.partition(" --hash")[0]) for line in lines if line.strip()]
    assert len(read) > 1
    return {(canonicalize_name(r.name), str(r.specifier).removeprefix("==")) for r in read}


# -- the bills of materials -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "locks"),
    [
        ("functions", ["lambdas/requirements.lock"]),
        ("machine", ["requirements.lock", "infra/requirements-node.lock"]),
    ],
)
def test_every_locked_python_package_is_in_the_bill(documents: Any, name: str, locks: list[str]) -> None:
    found = {(canonicalize_name(c["name"]), c["version"]) for c in documents[name]["components"]}
    assert found == set().union(*(locked(lock) for lock in locks))


def test_every_locked_package_of_the_pages_is_in_the_bill_and_says_whether_it_is_handed_out(documents: Any) -> None:
    lock = json.loads((REPO / "web_ui" / "package-lock.json").read_text("utf-8"))["packages"]
    components = documents["pages"]["components"]
    assert {(c["name"], c["version"]) for c in components} == {
        (path.rpartition("node_modules/")[2], told["version"]) for path, told in lock.items() if path
    }
    handed_out = {c["name"] for c in components if c["scope"] == "required"}
    assert handed_out == set(lock[""]["dependencies"])


def test_what_is_locked_by_a_hash_is_told_with_it(documents: Any) -> None:
    for name in ("functions", "machine"):
        for component in documents[name]["components"]:
            (origin,) = component["externalReferences"]
            assert origin["hashes"] and all(len(h["content"]) == 64 for h in origin["hashes"]), component["name"]
    for component in documents["pages"]["components"]:
        (told,) = component["hashes"]
        assert (told["alg"], len(told["content"])) == ("SHA-512", 128)


def test_a_bill_has_the_form_of_cyclonedx_and_names_each_package_once(documents: Any) -> None:
    for name, document in documents.items():
        assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
        assert document["metadata"]["component"]["name"] == f"framewatch-{name}"
        refs = [c["bom-ref"] for c in document["components"]]
        assert len(refs) == len(set(refs))
        assert all(c["purl"].startswith(("pkg:pypi/", "pkg:npm/")) for c in document["components"])


def test_the_same_locks_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = write_sboms(tmp_path / "1"), write_sboms(tmp_path / "2")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_package_of_one_platform_says_so(documents: Any) -> None:
    (cffi,) = [c for c in documents["machine"]["components"] if c["name"] == "cffi"]
    marker = {"name": "framewatch:marker", "value": "platform_python_implementation != 'PyPy'"}
    assert cffi["properties"] == [marker]


@pytest.mark.parametrize("line", ["boto3>=1", "-r other.txt", "    --hash=sha256:abc", "git+https://example.org/x"])
def test_a_line_that_locks_nothing_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"jmespath==1.1.0\n{line}\n")
    with pytest.raises(TaskProblem, match=r"requirements\.lock:2: .*make lock"):
        python_components(lock)


def test_the_bills_lie_where_nothing_is_kept_in_the_repository() -> None:
    assert sbom.FOLDER.relative_to(REPO).parts[0] == "build"


# -- known vulnerabilities ------------------------------------------------------------------------------------------

CLEAN = {"name": "boto3", "version": "1.43.106", "vulns": []}
BAD = {
    "name": "requests",
    "version": "2.0.0",
    "vulns": [{"id": "PYSEC-2018-28", "fix_versions": ["2.20.0"], "aliases": ["CVE-2018-18074"], "description": "x"}],
}
UNKNOWN = {"name": "jmespath", "skip_reason": "Dependency not found on PyPI and could not be audited"}
NPM_BAD = {
    "vulnerabilities": {"preact": {"name": "preact", "severity": "high", "range": "<10.0.0", "via": []}},
    "metadata": {"dependencies": {"total": 100}, "vulnerabilities": {"total": 1}},
}


def test_a_vulnerability_is_told_with_the_version_that_ends_it() -> None:
    (line,) = audit.python_lines("requirements.lock", [CLEAN, BAD])
    assert str(line).startswith("!! requests") and "2.0.0: PYSEC-2018-28" in str(line) and "take 2.20.0" in str(line)
    (line,) = audit.page_lines(NPM_BAD)
    assert str(line).startswith("!! preact") and "<10.0.0: high" in str(line)


def test_what_was_looked_up_and_is_well_is_counted() -> None:
    (line,) = audit.python_lines("requirements.lock", [CLEAN])
    assert str(line) == "ok requirements.lock 1 packages, none with a known vulnerability"
    (line,) = audit.page_lines(NPM_BAD | {"vulnerabilities": {}})
    assert str(line) == "ok npm           100 packages, none with a known vulnerability"


def test_what_nobody_could_look_up_is_never_called_well() -> None:
    """As pip-audit does, which ends with 0 and `No known vulnerabilities found` where its source knows nothing."""
    lines = [*audit.python_lines("requirements.lock", [CLEAN, UNKNOWN]), *audit.page_lines({"message": "405 no"})]
    assert [str(line)[:2] for line in lines] == ["??", "??"]
    assert "1 of 2 are not known there: jmespath" in str(lines[0]) and "405 no" in str(lines[1])
    assert "none with a known" not in "".join(map(str, lines))


def test_one_package_is_asked_for_before_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def nobody_knows(requirements: Path) -> list[dict[str, Any]]:
        asked.append(requirements.read_text("utf-8"))
        return [UNKNOWN]

    monkeypatch.setattr(audit, "_pip_audit", nobody_knows)
    (line,) = audit.audit_python(REPO / "lambdas" / "requirements.lock")
    assert not line.known and "do not answer" in line.found
    (one,) = asked
    assert one.count("==") == 1 and "--hash=sha256:" in one


def test_only_a_find_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(audit, "audit_python", lambda lock: audit.python_lines(lock.name, [UNKNOWN]))
    monkeypatch.setattr(audit, "audit_pages", lambda _: audit.page_lines({}))
    audit.audit()
    assert capsys.readouterr().out.count("not audited: ") == 3
    monkeypatch.setattr(audit, "audit_pages", lambda _: audit.page_lines(NPM_BAD))
    with pytest.raises(TaskProblem, match="1 packages have known vulnerabilities"):
        audit.audit()


def test_a_program_that_is_not_there_or_says_nothing_is_a_sentence(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path)}
    said = audit._json_of(["no-such-program"], cwd=tmp_path, environment=environment)
    assert said == "no-such-program did not run: FileNotFoundError"
    said = audit._json_of(["/bin/sh", "-c", "echo no route >&2; exit 1"], cwd=tmp_path, environment=environment)
    assert said == "sh gave no answer: no route"


def test_the_audit_covers_every_lock_of_packages_that_run() -> None:
    audited = set().union(*(locked(str(lock.relative_to(REPO))) for lock in audit.PYTHON_LOCKS))
    for locks in sbom.PYTHON_LOCKS.values():
        for lock in locks:
            assert locked(str(lock.relative_to(REPO))) <= audited
