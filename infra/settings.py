"""What may differ between two deployments of the same code, with its default and the reason for it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from framewatch.domain.site import Retention
from framewatch.wire.site_file import load_site_text

REPO = Path(__file__).resolve().parent.parent
# By target: what an emulator on this machine runs must never be deployed.
PACKAGES = REPO / "build" / "lambda"
SITE_KEY = "site.yaml"
FUNCTIONS = ("image_processor", "frame_fetcher")
# Part of stack names and, through them, of role names, which AWS cuts at 64 characters.
_STAGE = re.compile(r"^[a-z][a-z0-9]{0,11}$")


@dataclass(frozen=True, slots=True)
class EventSource:
    """How Lambda reads the stream."""

    # One payload holds at most 6 MB, which is some forty frames, so the payload limit is met first.
    batch_size: int = 100
    # What a frame waits at most for company. A text goes out in seconds, so this is one of them.
    window_s: int = 1
    # One batch keeps the function's workers busy, and the DetectLabels quota of the smaller regions is 5 a second;
    # raise it together with that quota, when many cameras share a shard.
    parallelization: int = 1
    # A frame that is an hour late is no news. What is given up lies in the frames bucket and can be replayed.
    max_record_age_s: int = 3600
    max_retries: int = 20


@dataclass(frozen=True, slots=True)
class StageSettings:
    stage: str = "dev"
    packages: Path = PACKAGES / "aws"
    retention: Retention = field(default_factory=Retention)
    # Deleting the stacks leaves table and buckets in place.
    retain_data: bool = False
    # None: on-demand. One shard takes 1 MB/s and costs a third of an idle on-demand stream.
    shards: int | None = None
    event_source: EventSource = EventSource()
    log_days: int = 30
    failed_days: int = 14
    # The dashboard asks again for every page it shows, so a link need not live longer than a look.
    image_url_ttl_s: int = 900

    def __post_init__(self) -> None:
        if not _STAGE.match(self.stage):
            raise ValueError(
                f"the stage {self.stage!r} cannot be in a stack's name;"
                " it is a lower-case letter, then at most 11 lower-case letters or digits"
            )

    def package(self, function: str) -> Path:
        """The function's zip. Raises FileNotFoundError with the way to make it."""
        path = self.packages / f"{function}.zip"
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing; make it with `pynt packagelambda`")
        return path


def retention_of(site_file: Path) -> Retention:
    """The lifecycle rules of the buckets follow the site. Raises SiteFileError."""
    return load_site_text(site_file.read_bytes(), site_file.name).retention
