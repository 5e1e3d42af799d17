"""What other people's rules say of the templates: snapshots of them, cdk-nag, cfn-lint."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from infra.settings import PARTS, REPO
from tests.infra.conftest import Assembly

pytestmark = pytest.mark.slow

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = "FRAMEWATCH_UPDATE_SNAPSHOTS"
_ASSET = re.compile(r"\b[0-9a-f]{64}\.zip\b")


@pytest.mark.parametrize("part", PARTS)
def test_the_template_is_the_one_that_was_reviewed(assembly: Assembly, part: str) -> None:
    """After a change that is meant: FRAMEWATCH_UPDATE_SNAPSHOTS=1 pytest tests/infra, and read the difference."""
    text = json.dumps(assembly.templates[part], indent=1, sort_keys=True) + "\n"
    # The functions' code changes all the time and is not what is looked at here.
    text = _ASSET.sub("ASSET.zip", text)
    path = SNAPSHOTS / f"{part}.json"
    if os.environ.get(UPDATE):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


_OPEN_QUEUE = """
import os, sys
from pathlib import Path
from infra.node import node_environment
os.environ.update(node_environment())
import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from infra.composition import compose
from infra.settings import StageSettings
app = cdk.App(outdir=sys.argv[2], analytics_reporting=False)
compose(app, StageSettings(packages=Path(sys.argv[1])))
sqs.Queue(cdk.Stack(app, "extra"), "Open")
app.synth()
"""


def test_a_finding_that_nobody_acknowledged_stops_the_synthesis(packages: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _OPEN_QUEUE, str(packages), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPO,
        timeout=240,
    )
    assert done.returncode != 0
    # Of ours there is nothing among the findings.
    report = json.loads((tmp_path / "out" / "validation-report.json").read_text(encoding="utf-8"))
    found = [v for plugin in report["pluginReports"] for v in plugin["violations"]]
    assert {v["ruleName"] for v in found} == {"AwsSolutions-SQS3", "AwsSolutions-SQS4"}
    assert "framewatch-dev" not in json.dumps([v["violatingConstructs"] for v in found])


def test_cfn_lint_has_nothing_to_say(assembly: Assembly) -> None:
    templates = sorted(assembly.folder.glob("*.template.json"))
    assert len(templates) == len(PARTS)
    lint = Path(sysconfig.get_path("scripts")) / "cfn-lint"
    done = subprocess.run([lint, *templates], capture_output=True, text=True, check=False, timeout=240)
    assert (done.returncode, done.stdout) == (0, "")
