"""One synthesis for all tests here: the real command, with small zips in place of the functions."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from infra.settings import FUNCTIONS, REPO
from infra.tasks.preflight import BOOTSTRAP_VERSION
from tests.aws import set_credentials
from tests.infra.fake_aws import REGION, Account

SITE = REPO / "config" / "site.example.yaml"
PROD_SITE = """\
cameras: [{id: front-door}]
retention: {frames_days: 5}
deployment:
  shards: 2 # the command line says 1
  batch_size: 20
  window_s: 3
  parallelization: 2
  reserved_concurrency: 4
  log_days: 90
  alarm_emails: [ana@example.com, bo@example.com]
  monthly_budget_usd: 40
  sign_in_prefix: example-street
"""


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Assembly:
    folder: Path

    @property
    def templates(self) -> dict[str, dict[str, Any]]:
        """By the stack's part: data, ingest, ..."""
        return {
            path.name.split(".")[0].split("-", 2)[2]: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(self.folder.glob("*.template.json"))
        }

    @property
    def stacks(self) -> dict[str, dict[str, Any]]:
        """What the assembly says of each stack beside its template, by the stack's part."""
        artifacts = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
        return {
            name.split("-", 2)[2]: artifact
            for name, artifact in artifacts.items()
            if artifact["type"] == "aws:cloudformation:stack"
        }

    def resources(self, of_type: str, part: str | None = None) -> dict[str, dict[str, Any]]:
        """The resources of a type by logical id."""
        return {
            logical_id: resource
            for name, template in self.templates.items()
            if part in (None, name)
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == of_type
        }

    def only(self, of_type: str, part: str | None = None) -> dict[str, Any]:
        """The properties of the one resource of that type."""
        (resource,) = self.resources(of_type, part).values()
        return resource["Properties"]

    def policies(self, kind: str, key: str) -> dict[str, list[dict[str, Any]]]:
        """The statements of resource policies of that kind, by the logical id of what `key` names."""
        found: dict[str, list[dict[str, Any]]] = {}
        for policy in self.resources(kind).values():
            properties = policy["Properties"]
            for target in as_list(properties[key]):
                found.setdefault(target["Ref"], []).extend(properties["PolicyDocument"]["Statement"])
        return found

    def statements(self) -> list[tuple[str, dict[str, Any], dict[str, str]]]:
        """(role or policy, statement, reasons for wildcards) of everything that a role of ours may do."""
        found = []
        for logical_id, role in self.resources("AWS::IAM::Role").items():
            reasons = role.get("Metadata", {}).get("WildcardReasons", {})
            for policy in role["Properties"].get("Policies", []):
                found += [(logical_id, s, reasons) for s in policy["PolicyDocument"]["Statement"]]
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for logical_id, policy in self.resources(kind).items():
                found += [(logical_id, s, {}) for s in policy["Properties"]["PolicyDocument"]["Statement"]]
        return found


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    for name in FUNCTIONS:
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            archive.writestr(f"lambdas/{name}/handler.py", "def lambda_handler(event, context):\n    return {}\n")
    return folder


def synthesise(out: Path, packages: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra.app", "--out", str(out), "--packages", str(packages), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPO, timeout=240)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory, packages: Path) -> Assembly:
    out = tmp_path_factory.mktemp("cdk") / "out"
    done = synthesise(out, packages, "--stage", "dev", "--site", str(SITE))
    assert done.returncode == 0, done.stdout + done.stderr
    return Assembly(out)


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory, packages: Path) -> Assembly:
    """The stage that holds somebody's data, with everything of the deployment section set."""
    folder = tmp_path_factory.mktemp("cdk")
    (folder / "site.yaml").write_text(PROD_SITE, encoding="utf-8")
    out = folder / "prod"
    done = synthesise(out, packages, "--stage", "prod", "--shards", "1", "--site", str(folder / "site.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    return Assembly(out)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account that is prepared for the CDK, with nothing in it."""
    set_credentials(monkeypatch)
    monkeypatch.setenv("AWS_REGION", REGION)
    with mock_aws():
        found = Account()
        found.client("ssm").put_parameter(Name=BOOTSTRAP_VERSION, Value="30", Type="String")
        yield found
