"""Who is at work, where, on which stage: what every task that reaches AWS begins with."""

import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import UnknownRegionError

from infra.settings import check_stage
from infra.tasks.problem import AWS_ERRORS, TaskProblem, reason_of

Ask = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage in one account and region, seen by whoever the credentials name."""

    name: str
    session: boto3.Session
    account: str
    caller: str
    # Where requests go: AWS, or an emulator.
    endpoint: str

    @property
    def region(self) -> str:
        return str(self.session.region_name)

    @property
    def is_local(self) -> bool:
        """An emulator on this machine, which runs this machine's wheels."""
        host = urlsplit(self.endpoint).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def stack(self, part: str) -> str:
        return f"framewatch-{self.name}-{part}"


def open_stage(name: str) -> Stage:
    """Says who and where. Raises TaskProblem while there is no region, nobody to be, or no such stage."""
    try:
        check_stage(name)
    except ValueError as error:
        raise TaskProblem(str(error)) from error
    session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
    _check_region(session)
    try:
        sts = session.client("sts")
        caller = sts.get_caller_identity()
    except AWS_ERRORS as error:
        raise TaskProblem(
            f"no usable AWS credentials ({reason_of(error)}); `aws sts get-caller-identity` must answer first"
        ) from error
    stage = Stage(name, session, caller["Account"], caller["Arn"], sts.meta.endpoint_url)
    where = f" at {stage.endpoint}" if stage.is_local else ""
    print(f"stage {name} in {stage.region}{where}, account {stage.account}, as {stage.caller}")
    return stage


def _check_region(session: boto3.Session) -> None:
    region = session.region_name
    if region is None:
        raise TaskProblem("no AWS region; set AWS_REGION, or `region` in the profile that AWS_PROFILE names")
    try:
        partition = session.get_partition_for_region(region)
    except UnknownRegionError:
        raise TaskProblem(f"{region!r} is not an AWS region; set AWS_REGION to one such as eu-west-1") from None
    regions = session.get_available_regions("rekognition", partition_name=partition)
    if region not in regions:
        raise TaskProblem(
            f"Rekognition, which looks at the frames, is not offered in {region}; deploy into one of"
            f" {', '.join(sorted(r for r in regions if 'fips' not in r))}"
        )


def confirm(question: str, wanted: str, ask: Ask) -> None:
    """Raises TaskProblem unless exactly that is answered."""
    try:
        answer = ask(question)
    except EOFError:
        raise TaskProblem(f"nothing was changed: nobody answered; `echo {wanted} | pynt ...` answers") from None
    if answer.strip() != wanted:
        raise TaskProblem(f"nothing was changed: the answer was not {wanted!r}")
