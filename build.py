"""The pynt tasks: thin, over the same functions that everything else uses. `pynt -l` lists them.

On this machine, no account needed:
  pynt demo                             everything, with a clip and a dashboard
  pynt videocapture[20,garage]          every 20th frame of this machine's camera, as the site's camera garage
  pynt 'videocaptureip[rtsp://..,20]'   the same of an IP camera or a clip; quotes keep the shell away from it
  pynt audit                            locked packages with known vulnerabilities
  pynt sbom                             which packages all of it is made of, as CycloneDX in build/sbom
  pynt chaos[30]                        thirty minutes of storms: networks, processes, clocks and disks that fail
  pynt estimate[6]                      what six cameras would cost a month; estimate[6,hours=10,compare=fps=0.5]

In the AWS account that your credentials name; the stage is `dev`, FRAMEWATCH_STAGE, or what stands in the brackets:
  pynt bootstrap                        once for each account and region
  pynt deploy[prod]                     create or update everything; deploy[prod,site=other.yaml]
  pynt diff[prod]                       what a deploy would change
  pynt configure[site.yaml]             check a site file and make it the running one; configure[prod,site=other.yaml]
  pynt publish[prod]                    site file and pages only, after a plain `cdk deploy`
  pynt status[prod]                     how everything is, and what to do about it
  pynt costs                            what this month has cost, by the meter; costs[reconcile] compares AWS's bill
  pynt logs[image_processor]            what a function wrote; logs[watchdog,minutes=5,follow=true,stage=prod]
  pynt adduser[ana@example.org,admin]   invite somebody to the dashboard; password=ask sets one, without an e-mail
  pynt removeuser[ana@example.org]
  pynt edgebox[shop-1]                  credentials for the machine beside the cameras, shown once
  pynt configureedge[shop-1,edge.yaml]  check an edge file and make it that machine's own
  pynt rotateedge[shop-1]               a second key for it; finishrotation[shop-1] ends the first when it is not used
  pynt revokeedge[shop-1]               it can do nothing any more
  pynt edgeboxes                        all of them, their keys, when they were used
  pynt revokelinks[prod]                the links in texts open nothing any more: a phone is lost
  pynt falsealarms[prod]                how many alerts were called that, by rule and camera
  pynt redrive[prod]                    failed records back through the processor; dry=true, error=EnvelopeError
  pynt backup[prod]                     table, site file, boxes' files, users; restore[build/backup/..] brings it back
  pynt deletedata[dev]                  all frames and what was seen in them
  pynt destroy[dev]                     everything; keep_frames=true leaves the data, =false takes what is protected
restore and the last two ask for the stage's name; yes=dev answers.
"""

import difflib
import inspect
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import wraps
from getpass import getpass
from pathlib import Path
from typing import Any

from pynt import _pynt, task

# With an underscore: pynt takes whatever this module has for a task of that name.
from infra.tasks import audit as _audit
from infra.tasks import capture as _capturing
from infra.tasks import cdk as _cdk
from infra.tasks import costs as _costs
from infra.tasks import deploy as _deploy
from infra.tasks import destroy as _destroy
from infra.tasks import edge_boxes as _edge_boxes
from infra.tasks import feedback as _feedback
from infra.tasks import links as _links
from infra.tasks import logs as _logs
from infra.tasks import publish as _publish
from infra.tasks import recovery as _recovery
from infra.tasks import redrive as _redrive
from infra.tasks import sbom as _sbom
from infra.tasks import site as _site
from infra.tasks import stacks as _stacks
from infra.tasks import status as _status
from infra.tasks import users as _users
from infra.tasks.problem import AWS_ERRORS, TaskProblem, reason_of
from infra.tasks.session import Ask, open_stage
from infra.tasks.shell import run
from local_cloud import cost as _cost

STAGE = os.environ.get("FRAMEWATCH_STAGE", "dev")
SITE = str(_site.SITE_FILE)
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


def _task_of(_module: object, text: str, tasks: Iterable[Any]) -> tuple[Any, list[str], dict[str, str]]:
    """text: as much of a name as only one task has, and what stands in brackets behind it."""
    name, bracket, inside = text.partition("[")
    if bracket and not inside.endswith("]"):
        sys.exit(f"{text}: the bracket is not closed; write the whole in quotes, such as '{name}[...]'")
    by_name = {task.name: task for task in tasks}
    meant = [name] if name in by_name else [each for each in sorted(by_name) if each.startswith(name)]
    if len(meant) != 1:
        near = meant or difflib.get_close_matches(name, by_name, n=1)
        maybe = f"did you mean {' or '.join(near)}? " if near else ""
        sys.exit(f"{text}: there is no such task; {maybe}`pynt -l` lists them")
    return by_name[meant[0]], *_arguments(inside[:-1])


# pynt takes every `=` for a keyword and ends with a trace on `rtsp://camera/?channel=1&subtype=0`, and with one on an
# unknown name; and it takes whatever else this module holds for a task.
_pynt._get_task = _task_of


def _told(function: Callable[..., None]) -> Callable[..., None]:
    """What went wrong in a line, instead of a trace."""

    @wraps(function)
    def wrapper(*args: str, **kwargs: str) -> None:
        name = function.__name__
        try:
            inspect.signature(function).bind(*args, **kwargs)
        except TypeError as error:
            known = inspect.signature(function).parameters.values()
            takes = ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default}" for p in known)
            sys.exit(f"{name}: {error}; it takes {name}[{takes}]")
        try:
            function(*args, **kwargs)
        except TaskProblem as error:
            sys.exit(f"{name}: {error}")
        except AWS_ERRORS as error:
            sys.exit(f"{name}: AWS refused or did not answer: {reason_of(error)}")
        except KeyboardInterrupt:
            sys.exit(130)

    return wrapper


def _ours(program: str) -> Path:
    """One of this project's commands, beside the Python that runs this."""
    return Path(sysconfig.get_path("scripts")) / program


def _flag(name: str, value: str) -> bool:
    if value not in {"true", "false"}:
        raise TaskProblem(f"{name}={value!r}: it is true or false")
    return value == "true"


def _answer(yes: str) -> Ask:
    """`yes=dev` answers as a person who typed it would."""
    return (lambda _: yes) if yes else input


# -- on this machine ------------------------------------------------------------------------------------------------


@task()
@_told
def demo(*options: str) -> None:
    """Everything on this machine: emulated AWS, a clip, the dashboard on http://127.0.0.1:8080"""
    run([_ours("framewatch-local"), "demo", *options])


@task()
@_told
def estimate(cameras: str = "", **plan: str) -> None:
    """What cameras would cost a month: estimate[6], or 'estimate[6,hours=10,compare=fps=0.5;gate_share=1]'"""
    if cameras:
        plan = {"cameras": cameras, **plan}
    run([_ours("framewatch-local"), "cost", *_cost.options_of(plan)])


@task()
@_told
def test() -> None:
    """Every test and check, as `make test`"""
    run(["make", "test"])


@task()
@_told
def audit() -> None:
    """Ask PyPI and npm whether any locked package has a known vulnerability"""
    _audit.audit()


@task()
@_told
def sbom() -> None:
    """Write which packages all of it is made of to build/sbom, as CycloneDX 1.6"""
    _sbom.write_sboms()


@task()
@_told
def chaos(minutes: str = "10") -> None:
    """Storms over the whole pipeline, on this machine: chaos[30]; a storm that breaks something names its seed"""
    if not minutes.isdigit() or int(minutes) < 1:
        raise TaskProblem(f"{minutes!r} is not a number of minutes")
    run([sys.executable, "-m", "tests.faults.chaos", "--minutes", minutes])


@task()
@_told
def webui() -> None:
    """Build the dashboard into web_ui/dist"""
    _publish.build_pages()


@task()
@_told
def webuiserver(port: str = "5173") -> None:
    """Serve the dashboard while working on it; its data come from a running demo"""
    command = ["npm", "run", "dev", "--", "--host", "127.0.0.1", "--port", port]
    run(command, cwd=_publish.WEB_UI, node=True)


@task()
@_told
def videocapture(every: str = str(EVERY), camera_id: str = "", device: str = "0") -> None:
    """Send every Nth frame of this machine's camera: videocapture[20], or videocapture[20,garage]"""
    _capture(device, every, camera_id)


@task()
@_told
def videocaptureip(uri: str, every: str = str(EVERY), camera_id: str = "") -> None:
    """Send every Nth frame of an IP camera or a clip: videocaptureip[rtsp://user:${CAM_PW}@host/path,20,garage]"""
    _capture(uri, every, camera_id)


def _capture(source: str, every: str, camera_id: str) -> None:
    if not every.isdigit() or int(every) < 1:
        raise TaskProblem(f"{every!r} is not a number of frames; every 20th is 20")
    name, region = os.environ.get("FRAMEWATCH_STREAM"), None
    if name:
        # Nobody here can ask what the site's cameras are.
        camera_id = camera_id or "camera-1"
    else:
        stage = open_stage(STAGE)
        found = _stacks.outputs(stage)
        name, region = found["StreamName"], stage.region
        camera_id = _capturing.camera_of(_capturing.running_site(stage, found), source, camera_id)
    command = [_ours("framewatch-edge"), "run", "--stream", name, "--source", source]
    run([*command, "--camera-id", camera_id, "--every", every], region=region)


# -- into the account -----------------------------------------------------------------------------------------------


@task()
@_told
def packagelambda(target: str = "aws") -> None:
    """Build the functions' zips below build/lambda; packagelambda[local] for this machine's emulator"""
    _cdk.package(target)


@task()
@_told
def synth(stage: str = STAGE, site: str = SITE) -> None:
    """Write the CloudFormation templates to cdk.out"""
    _site.checked_site(Path(site))
    _cdk.package()
    _cdk.synth(stage, Path(site).resolve())


@task()
@_told
def bootstrap() -> None:
    """Once for each account and region, before the first deploy"""
    _cdk.bootstrap(open_stage(STAGE))


@task()
@_told
def deploy(stage: str = STAGE, site: str = SITE) -> None:
    """Create or update everything in your AWS account: stacks, site file, dashboard"""
    here = open_stage(stage)
    found = _deploy.deploy(here, Path(site).resolve())
    print(_deploy.next_steps(here, found))


@task()
@_told
def diff(stage: str = STAGE, site: str = SITE) -> None:
    """What a deploy would change in the stacks"""
    here = open_stage(stage)
    _cdk.diff(here, _deploy.prepare(here, Path(site).resolve()))


@task()
@_told
def publish(stage: str = STAGE, site: str = SITE) -> None:
    """Upload the site file and the pages, as after a plain `cdk deploy`"""
    here = open_stage(stage)
    text, _ = _site.checked_site(Path(site))
    found = _stacks.outputs(here)
    _site.put_site(here, found, text)
    _publish.put_pages(here, found, _publish.current_pages())
    print(f"dashboard: {found['DashboardUrl']}")


@task()
@_told
def configure(stage: str = STAGE, site: str = SITE) -> None:
    """Check a site file and make it the running one: configure[site.yaml] or configure[prod,site=site.yaml]"""
    if "." in stage or "/" in stage:
        stage, site = STAGE, stage
    # Before anybody is asked who he is: a bad file is bad anywhere.
    text, config = _site.checked_site(Path(site))
    _site.configure(open_stage(stage), text, config)


@task()
@_told
def status(stage: str = STAGE) -> None:
    """How everything is, with what to do about what is wrong"""
    for line in _status.status(open_stage(stage)):
        print(line)


@task()
@_told
def costs(what: str = "", stage: str = STAGE) -> None:
    """What this month has cost, by the meter; costs[reconcile] sets it beside AWS's bill, costs[stage=prod]"""
    if what not in {"", "reconcile"}:
        raise TaskProblem(f"{what!r}: it is costs, costs[reconcile] or costs[stage=prod], of this month")
    show = _costs.reconcile if what else _costs.show_costs
    show(open_stage(stage), datetime.now(UTC))


@task()
@_told
def logs(function: str, minutes: str = "30", follow: str = "false", stage: str = STAGE) -> None:
    """What a function wrote: logs[image_processor,minutes=5,follow=true]"""
    if not minutes.isdigit():
        raise TaskProblem(f"{minutes!r} is not a number of minutes")
    endless = _flag("follow", follow)
    _logs.show(open_stage(stage), function, minutes=int(minutes), follow=endless)


@task()
@_told
def adduser(email: str, role: str = "viewer", password: str = "", stage: str = STAGE) -> None:
    """Let somebody in: adduser[ana@example.org,admin]; roles are admin, operator and viewer"""
    if password not in {"", "ask"}:
        raise TaskProblem("a password on a command line is read by others; `password=ask` asks for it")
    _users.add_user(open_stage(stage), email, role, _read_password if password else None)


def _read_password() -> str:
    """Without an echo where somebody types; a script pipes it in."""
    return getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


@task()
@_told
def removeuser(email: str, stage: str = STAGE) -> None:
    """Let somebody in no longer"""
    _users.remove_user(open_stage(stage), email)


@task()
@_told
def edgebox(box: str, stage: str = STAGE) -> None:
    """Credentials for a machine beside cameras, shown once: edgebox[shop-1]"""
    _edge_boxes.add(open_stage(stage), box)


@task()
@_told
def configureedge(box: str, file: str, stage: str = STAGE) -> None:
    """Check an edge file and make it a machine's own: configureedge[shop-1,edge.yaml]"""
    _edge_boxes.checked_edge_file(Path(file))
    _edge_boxes.configure(open_stage(stage), box, Path(file))


@task()
@_told
def rotateedge(box: str, again: str = "false", stage: str = STAGE) -> None:
    """A second key for a machine, shown once; again=true: instead of a second one that was lost"""
    instead = _flag("again", again)
    _edge_boxes.rotate(open_stage(stage), box, again=instead)


@task()
@_told
def finishrotation(box: str, stage: str = STAGE) -> None:
    """Switch a machine's old key off, once the new one was used"""
    _edge_boxes.finish_rotation(open_stage(stage), box)


@task()
@_told
def revokeedge(box: str, stage: str = STAGE) -> None:
    """Take a machine's credentials away, at once and for good"""
    _edge_boxes.revoke(open_stage(stage), box)


@task()
@_told
def edgeboxes(stage: str = STAGE) -> None:
    """The machines beside the cameras, their keys, and when those were used"""
    for line in _edge_boxes.lines(open_stage(stage)):
        print(line)


@task()
@_told
def revokelinks(stage: str = STAGE) -> None:
    """The links in texts open nothing any more, as when a phone is lost; texts that follow have new ones"""
    _links.revoke_links(open_stage(stage), datetime.now(UTC))


@task()
@_told
def falsealarms(stage: str = STAGE) -> None:
    """How many alerts were called a false alarm, by rule and camera, with the newest frame of each"""
    for line in _feedback.false_alarms(open_stage(stage)):
        print(line)


@task()
@_told
def redrive(stage: str = STAGE, error: str = "", dry: str = "false") -> None:
    """Failed records back through the processor, after a fix: redrive[prod,dry=true] counts them"""
    only_count = _flag("dry", dry)
    _redrive.redrive(open_stage(stage), error=error, dry=only_count)


@task()
@_told
def backup(stage: str = STAGE) -> None:
    """The table within AWS, site file, boxes' files and users into build/backup; pictures are in no backup"""
    _recovery.backup(open_stage(stage), datetime.now(UTC))


@task()
@_told
def restore(  # noqa: PLR0917 - pynt hands over by name what has one
    folder: str, stage: str = STAGE, at: str = "", again: str = "false", table: str = "true", yes: str = ""
) -> None:
    """What is missing of a backup, after asking: restore[build/backup/prod-..,prod,at=2026-03-14T12:00:00Z]"""
    moment = _recovery.point_in_time(at) if at else None
    goes_on, table_too = _flag("again", again), _flag("table", table)
    here, now = open_stage(stage), datetime.now(UTC)
    _recovery.restore(here, Path(folder), now, _answer(yes), at=moment, again=goes_on, table_too=table_too)


@task()
@_told
def deletedata(stage: str = STAGE, yes: str = "") -> None:
    """Delete all frames and what was seen in them, after asking; stacks, site file and users stay"""
    _destroy.delete_data(open_stage(stage), _answer(yes))


@task()
@_told
def destroy(stage: str = STAGE, keep_frames: str = "", yes: str = "") -> None:
    """Delete everything of the stage from your AWS account, after asking"""
    keep = _flag("keep_frames", keep_frames) if keep_frames else None
    _destroy.destroy(open_stage(stage), keep, _answer(yes))
