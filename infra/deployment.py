"""Deploying to an AWS account, and taking it down again: what the tasks of build.py do."""

import mimetypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from framewatch.domain.errors import SiteFileError
from framewatch.wire.site_file import load_site_text
from infra.node import NodeMissing, node_environment
from infra.packaging import PackagingError, build
from infra.settings import PARTS, REPO, SITE_KEY

CDK_CLI = "aws-cdk@2.1148.1"
ASSEMBLY = REPO / "cdk.out"
PAGES = REPO / "web_ui" / "dist"
SITE_FILE = REPO / "config" / "site.yaml"
# Vite puts a hash of the content into the name of everything below assets/.
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


class DeployError(Exception):
    """Says what is missing and how to get it."""


def stack_name(stage: str, part: str) -> str:
    return f"framewatch-{stage}-{part}"


def run(command: Sequence[str | Path], *, cwd: Path = REPO, node: bool = False, region: str | None = None) -> None:
    """Runs it in the foreground; with a node that is new enough where asked. Raises DeployError when it fails."""
    try:
        environment = node_environment() if node else dict(os.environ)
    except NodeMissing as error:
        raise DeployError(str(error)) from error
    # The program is looked up where it will run: npm and npx lie beside the node that was chosen.
    program = shutil.which(str(command[0]), path=environment.get("PATH"))
    if program is None:
        raise DeployError(f"{command[0]} is not on the PATH")
    if region:
        # Under both names: Node's SDK reads the one, Python's the other.
        environment |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    done = subprocess.run([program, *map(str, command[1:])], cwd=cwd, env=environment, check=False)
    if done.returncode != 0:
        # No more than the command's first words: a camera's address may hold a password.
        name = " ".join([Path(command[0]).name, *map(str, command[1:2])])
        raise DeployError(f"`{name}` failed with exit status {done.returncode}")


def package(target: str = "aws") -> None:
    """Raises DeployError."""
    try:
        for name, path in build(target).items():
            print(f"{name}: {path.relative_to(REPO)} ({path.stat().st_size / 1e6:.1f} MB)")
    except PackagingError as error:
        raise DeployError(str(error)) from error


def synth(stage: str, site: Path | None = None) -> Path:
    """Writes the cloud assembly and returns its folder. Raises DeployError."""
    follow: list[str | Path] = ["--site", site] if site else []
    run([sys.executable, "-m", "infra.app", "--stage", stage, "--out", ASSEMBLY, *follow])
    return ASSEMBLY


def deploy(stage: str, site: Path = SITE_FILE) -> dict[str, str]:
    """Templates first, then what goes into them: the site file and the pages. Returns the stacks' outputs."""
    text = checked_site(site)
    pages = checked_pages()
    session = checked_session()
    package()
    assembly = synth(stage, site)
    run(
        ["npx", "--yes", CDK_CLI, "deploy", "--all", "--app", assembly, "--require-approval", "never"],
        node=True,
        region=session.region_name,
    )
    outputs = stack_outputs(session, stage)
    put_site(session, outputs, text)
    put_pages(session, outputs, pages)
    return outputs


def bootstrap() -> None:
    """The CDK's own bucket and roles, through which it deploys."""
    session = checked_session()
    account = session.client("sts").get_caller_identity()["Account"]
    run(
        ["npx", "--yes", CDK_CLI, "bootstrap", f"aws://{account}/{session.region_name}"],
        node=True,
        region=session.region_name,
    )


def configure(stage: str, site: Path = SITE_FILE) -> None:
    """Checks the site file and makes it the running one. Raises DeployError; then the old one stays."""
    text = checked_site(site)
    session = checked_session()
    put_site(session, stack_outputs(session, stage), text)


def checked_session() -> boto3.Session:
    """Raises DeployError while there is no region or nobody to be."""
    session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
    if session.region_name is None:
        raise DeployError("no AWS region; set AWS_REGION, or `region` in the profile that AWS_PROFILE names")
    try:
        caller = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeployError(
            f"no usable AWS credentials ({error}); `aws sts get-caller-identity` must answer first"
        ) from error
    print(f"as {caller['Arn']} in {session.region_name}")
    return session


def checked_site(path: Path) -> bytes:
    """Raises DeployError with file, line and the fix."""
    if not path.is_file():
        raise DeployError(f"there is no {path}; copy config/site.example.yaml there and make it yours")
    text = path.read_bytes()
    try:
        load_site_text(text, str(path))
    except SiteFileError as error:
        raise DeployError(str(error)) from error
    return text


def checked_pages() -> Path:
    if not (PAGES / "index.html").is_file():
        raise DeployError("the dashboard is not built; run `pynt webui`")
    return PAGES


def stack_outputs(session: boto3.Session, stage: str) -> dict[str, str]:
    """The outputs of all stacks of the stage, by name. Raises DeployError when one is not there."""
    client = session.client("cloudformation")
    found: dict[str, str] = {}
    for part in PARTS:
        try:
            stack = client.describe_stacks(StackName=stack_name(stage, part))["Stacks"][0]
        except ClientError as error:
            raise DeployError(
                f"{stack_name(stage, part)} is not deployed in {session.region_name}; run `pynt deploy[{stage}]`"
            ) from error
        found.update({o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])})
    return found


def put_site(session: boto3.Session, outputs: dict[str, str], text: bytes) -> None:
    """The bucket keeps every version."""
    answer = session.client("s3").put_object(
        Bucket=outputs["ConfigBucketName"], Key=SITE_KEY, Body=text, ContentType="application/yaml"
    )
    print(f"site file: version {answer.get('VersionId', 'unknown')}")


def put_pages(session: boto3.Session, outputs: dict[str, str], pages: Path) -> None:
    """The start page last, so that what it names is there before it is."""
    s3 = session.client("s3")
    files = sorted((p for p in pages.rglob("*") if p.is_file()), key=lambda p: p.name == "index.html")
    for path in files:
        key = path.relative_to(pages).as_posix()
        s3.put_object(
            Bucket=outputs["WebBucketName"],
            Key=key,
            Body=path.read_bytes(),
            ContentType=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            CacheControl=_FOREVER if key.startswith("assets/") else _ASK_AGAIN,
        )
    session.client("cloudfront").create_invalidation(
        DistributionId=outputs["DistributionId"],
        InvalidationBatch={
            "Paths": {"Quantity": 2, "Items": ["/", "/index.html"]},
            # The same pages need no second invalidation.
            "CallerReference": f"pages-{max(p.stat().st_mtime_ns for p in files)}",
        },
    )
    print(f"dashboard: {len(files)} files")


def destroy(stage: str, confirm: Callable[[str], str] = input) -> None:
    """Deletes the stacks, last first. Data that the stage retains stays, and so does a protected stack."""
    session = checked_session()
    client = session.client("cloudformation")
    answer = confirm(f"Delete everything of the stage {stage!r}, frames and all? Type the stage's name: ")
    if answer.strip() != stage:
        raise DeployError("nothing was deleted")
    for part in reversed(PARTS):
        name = stack_name(stage, part)
        try:
            stack = client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError:
            continue
        if stack.get("EnableTerminationProtection"):
            print(f"{name} is protected and stays; lift its termination protection to delete it")
            continue
        _empty_buckets(session, name)
        client.delete_stack(StackName=name)
        client.get_waiter("stack_delete_complete").wait(StackName=name)
        print(f"{name} is deleted")


def _empty_buckets(session: boto3.Session, name: str) -> None:
    """Only those that go with the stack: CloudFormation does not delete a bucket that holds something."""
    client, s3 = session.client("cloudformation"), session.client("s3")
    template = client.get_template(StackName=name)["TemplateBody"]
    for resource in client.describe_stack_resources(StackName=name)["StackResources"]:
        declared = template["Resources"].get(resource["LogicalResourceId"], {})
        if resource["ResourceType"] != "AWS::S3::Bucket" or declared.get("DeletionPolicy") == "Retain":
            continue
        bucket = resource["PhysicalResourceId"]
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            versions = [(v["Key"], v["VersionId"]) for v in page.get("Versions", [])]
            versions += [(m["Key"], m["VersionId"]) for m in page.get("DeleteMarkers", [])]
            if versions:
                s3.delete_objects(
                    Bucket=bucket,
                    Delete={"Objects": [{"Key": k, "VersionId": v} for k, v in versions], "Quiet": True},
                )
