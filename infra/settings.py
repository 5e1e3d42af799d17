"""What may differ between two deployments of the same code, with its default and the reason for it."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from framewatch.domain.site import Deployment, Retention, SiteConfig
from framewatch.wire.site_file import load_site_text

REPO = Path(__file__).resolve().parent.parent
# By target: what an emulator on this machine runs must never be deployed.
PACKAGES = REPO / "build" / "lambda"
SITE_KEY = "site.yaml"
# The control object of an edge box: what it runs by, and the only object that its user may read.
EDGE_KEY = "edge/{user}/edge.yaml"
# What lies in the frames bucket: the pictures.
FRAMES_PREFIX = "frames/"
# Records that can never succeed, written raw by the image processor.
FAILED_PREFIX = "failed/"
# Where Lambda writes a batch whose retries are used up; the prefix is Lambda's own and cannot be set.
GIVEN_UP_PREFIX = "aws/lambda/"
# The stacks that every stage has, each on top of the ones before it.
PARTS = ("data", "ingest", "notify", "web", "processing", "identity", "api", "operations")
# The package of each below lambdas/, and the output that holds its name.
FUNCTION_OUTPUTS = {
    "image_processor": "ImageProcessorName",
    "watchdog": "WatchdogName",
    "frame_fetcher": "FrameFetcherName",
    "operator_actions": "OperatorActionsName",
    "alert_link": "AlertLinkName",
}
FUNCTIONS = tuple(FUNCTION_OUTPUTS)
# Part of stack names and, through them, of role names, which AWS cuts at 64 characters.
_STAGE = re.compile(r"^[a-z][a-z0-9]{0,11}$")
# Words that Cognito takes in no host name.
_RESERVED = re.compile("aws|amazon|cognito")


@dataclass(frozen=True, slots=True)
class StageSettings:
    stage: str = "dev"
    packages: Path = PACKAGES / "aws"
    retention: Retention = field(default_factory=Retention)
    deployment: Deployment = field(default_factory=Deployment)
    # Deleting the stacks leaves table, buckets and users in place.
    retain_data: bool = False
    failed_days: int = 14
    # The dashboard asks again for every page it shows, so a link need not live longer than a look.
    image_url_ttl_s: int = 900

    def __post_init__(self) -> None:
        check_stage(self.stage)
        if self.deployment.sign_in_prefix is None and (word := _RESERVED.search(self.stage)):
            raise ValueError(
                f"the stage {self.stage!r} cannot be in the sign-in pages' host name, where Cognito takes no"
                f" {word[0]!r}; name the stage otherwise, or set deployment.sign_in_prefix in the site file"
            )

    @property
    def digest(self) -> str:
        """Of what the templates take from the site file; as an output it tells which file is deployed."""
        text = self.retention.model_dump_json() + self.deployment.model_dump_json()
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def package(self, function: str) -> Path:
        """The function's zip. Raises FileNotFoundError with the way to make it."""
        path = self.packages / f"{function}.zip"
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing; make it with `pynt packagelambda`")
        return path


def check_stage(stage: str) -> None:
    """Raises ValueError for one that no stack could be named after."""
    if not _STAGE.match(stage):
        raise ValueError(
            f"the stage {stage!r} cannot be in a stack's name;"
            " it is a lower-case letter, then at most 11 lower-case letters or digits"
        )


def read_site(path: Path) -> SiteConfig:
    """What the templates follow: retention and deployment. Raises SiteFileError, and FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}; copy config/site.example.yaml there and make it yours")
    return load_site_text(path.read_bytes(), path.name)


def with_shards(deployment: Deployment, shards: object) -> Deployment:
    """shards: from the command line. Raises ValueError in the words of the site file's bounds."""
    try:
        return Deployment.model_validate({**deployment.model_dump(), "shards": shards})
    except ValidationError as error:
        raise ValueError(f"--shards {shards}: {error.errors()[0]['msg']}") from None
