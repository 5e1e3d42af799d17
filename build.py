"""The pynt tasks: thin, over the same functions that everything else uses. `pynt -l` lists them.

pynt demo                             the whole of it on this machine, no account needed
pynt deploy[prod]                     into the AWS account that your credentials name
pynt videocapture[20]                 every 20th frame of this machine's camera
pynt 'videocaptureip[rtsp://..,20]'   the same of an IP camera; quotes keep the shell away from it
"""

import os
import re
import sys
import sysconfig
from collections.abc import Callable
from functools import wraps
from pathlib import Path

from pynt import _pynt, task

from infra import deployment

REPO = Path(__file__).resolve().parent
WEB_UI = REPO / "web_ui"
STAGE = os.environ.get("FRAMEWATCH_STAGE", "dev")
# Every 30th frame is one a second for most cameras.
EVERY = 30


def _arguments(text: str | None) -> tuple[list[str], dict[str, str]]:
    """What stands in the brackets of a task. An `=` inside a URL is no keyword: only `name=value` is one."""
    positional: list[str] = []
    keywords: dict[str, str] = {}
    for part in text.split(",") if text else []:
        keyword = re.match(r"\s*([a-z_]+)=(.*)$", part)
        if keyword:
            keywords[keyword.group(1)] = keyword.group(2).strip()
        else:
            positional.append(part.strip())
    return positional, keywords


# pynt takes every `=` for a keyword and ends with a trace on `rtsp://camera/?channel=1&subtype=0`.
_pynt._parse_args = _arguments


def _told(function: Callable[..., None]) -> Callable[..., None]:
    """What went wrong in a line, instead of a trace."""

    @wraps(function)
    def wrapper(*args: str, **kwargs: str) -> None:
        try:
            function(*args, **kwargs)
        except deployment.DeployError as error:
            sys.exit(f"{function.__name__}: {error}")
        except KeyboardInterrupt:
            sys.exit(130)

    return wrapper


def _ours(program: str) -> Path:
    """One of this project's commands, beside the Python that runs this."""
    return Path(sysconfig.get_path("scripts")) / program


@task()
@_told
def demo(*options: str) -> None:
    """Everything on this machine: emulated AWS, a clip, the dashboard on http://127.0.0.1:8080"""
    deployment.run([_ours("framewatch-local"), "demo", *options])


@task()
@_told
def test() -> None:
    """Every test and check, as `make test`"""
    deployment.run(["make", "test"])


@task()
@_told
def packagelambda(target: str = "aws") -> None:
    """Build the functions' zips below build/lambda; packagelambda[local] for this machine's emulator"""
    deployment.package(target)


@task()
@_told
def synth(stage: str = STAGE) -> None:
    """Write the CloudFormation templates to cdk.out"""
    deployment.package()
    site = deployment.SITE_FILE
    deployment.synth(stage, site if site.is_file() else None)


@task()
@_told
def bootstrap() -> None:
    """Once for each account and region, before the first deploy"""
    deployment.bootstrap()


@task()
@_told
def deploy(stage: str = STAGE) -> None:
    """Create or update everything in your AWS account: stacks, site file, dashboard"""
    outputs = deployment.deploy(stage)
    print(f"dashboard: {outputs['DashboardUrl']}")
    print(f"cameras write to the stream {outputs['StreamName']} with the policy {outputs['EdgePolicyArn']}")


@task()
@_told
def configure(stage: str = STAGE) -> None:
    """Check config/site.yaml and make it the running configuration"""
    deployment.configure(stage)


@task()
@_told
def destroy(stage: str = STAGE) -> None:
    """Delete everything of the stage from your AWS account, after asking"""
    deployment.destroy(stage)


@task()
@_told
def webui() -> None:
    """Build the dashboard into web_ui/dist"""
    deployment.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=WEB_UI, node=True)
    deployment.run(["npm", "run", "build"], cwd=WEB_UI, node=True)


@task()
@_told
def webuiserver(port: str = "5173") -> None:
    """Serve the dashboard while working on it; its data come from a running demo"""
    deployment.run(["npm", "run", "dev", "--", "--host", "127.0.0.1", "--port", port], cwd=WEB_UI, node=True)


@task()
@_told
def videocapture(every: str = str(EVERY), camera_id: str = "camera-1", device: str = "0") -> None:
    """Send every Nth frame of this machine's camera: videocapture[20]"""
    _capture(device, every, camera_id)


@task()
@_told
def videocaptureip(uri: str, every: str = str(EVERY), camera_id: str = "camera-1") -> None:
    """Send every Nth frame of an IP camera: videocaptureip[rtsp://user:${CAM_PW}@host/path,20]"""
    _capture(uri, every, camera_id)


def _capture(source: str, every: str, camera_id: str) -> None:
    if not every.isdigit() or int(every) < 1:
        raise deployment.DeployError(f"{every!r} is not a number of frames; every 20th is 20")
    stream, region = os.environ.get("FRAMEWATCH_STREAM"), None
    if not stream:
        session = deployment.checked_session()
        stream, region = deployment.stack_outputs(session, STAGE)["StreamName"], session.region_name
    deployment.run(
        [
            _ours("framewatch-edge"),
            "run",
            *("--stream", stream),
            *("--source", source),
            *("--camera-id", camera_id),
            *("--every", every),
        ],
        region=region,
    )
