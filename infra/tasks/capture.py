"""Which of the site's cameras a capture is: a frame of a camera that the site file does not know is refused."""

from botocore.exceptions import ClientError

from framewatch.domain.errors import SiteFileError
from framewatch.domain.site import SiteConfig
from framewatch.wire.site_file import load_site_text
from infra.settings import SITE_KEY
from infra.tasks.problem import TaskProblem, reason_of
from infra.tasks.session import Stage


def running_site(stage: Stage, found: dict[str, str]) -> SiteConfig:
    """The site file that the functions read. found: the stacks' outputs. Raises TaskProblem."""
    s3 = stage.session.client("s3")
    try:
        text = s3.get_object(Bucket=found["ConfigBucketName"], Key=SITE_KEY)["Body"].read()
        return load_site_text(text, SITE_KEY)
    except ClientError as error:
        raise TaskProblem(
            f"the running site file cannot be read ({reason_of(error)}); upload one with `pynt configure`"
        ) from error
    except SiteFileError as error:
        raise TaskProblem(f"the running site file is wrong, upload another with `pynt configure`: {error}") from error


def camera_of(site: SiteConfig, source: str, camera_id: str) -> str:
    """camera_id: empty for the camera that has this source, or for the only one. Raises TaskProblem."""
    if camera_id:
        wanted = [c.id for c in site.cameras if c.id == camera_id]
    else:
        wanted = [c.id for c in site.cameras if c.source == source] or [c.id for c in site.cameras]
    if len(wanted) == 1:
        return wanted[0]
    what = f"no camera {camera_id!r} is in the site file" if camera_id else "say which camera this is"
    raise TaskProblem(f"{what}; it has {', '.join(c.id for c in site.cameras)}")
