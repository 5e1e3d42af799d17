"""The site file: checked here, kept in the configuration bucket, read by the functions."""

from pathlib import Path

from framewatch.domain.site import SiteConfig
from framewatch.wire.site_file import read_site_text, site_warnings
from infra.settings import REPO, SITE_KEY, StageSettings
from infra.tasks.checked import checked_file
from infra.tasks.session import Stage
from infra.tasks.stacks import outputs

SITE_FILE = REPO / "config" / "site.yaml"


def checked_site(path: Path) -> tuple[bytes, SiteConfig]:
    """The file's text and what it says; prints doubts. Raises TaskProblem with file, line and the fix."""
    text, document = checked_file(path, read_site_text, example="config/site.example.yaml")
    for warning in site_warnings(document):
        print(f"warning: {warning}")
    return text, document.config


def put_site(stage: Stage, found: dict[str, str], text: bytes) -> None:
    """The bucket keeps every version."""
    answer = stage.session.client("s3").put_object(
        Bucket=found["ConfigBucketName"], Key=SITE_KEY, Body=text, ContentType="application/yaml"
    )
    print(f"site file: version {answer.get('VersionId', 'unknown')}")


def configure(stage: Stage, text: bytes, site: SiteConfig) -> None:
    """Makes it the running one; the functions read it within a minute. Raises TaskProblem; then the old one stays."""
    found = outputs(stage)
    put_site(stage, found, text)
    wanted = StageSettings(stage=stage.name, retention=site.retention, deployment=site.deployment)
    if found.get("SettingsDigest") != wanted.digest:
        print(
            "its `retention` or `deployment` section is not what is deployed:"
            f" `pynt deploy[{stage.name}]` makes it so, until then the old values hold for buckets and functions"
        )
