"""Deploys the synthesised templates, untouched, into the emulator, and then what goes into them."""

import mimetypes
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from framewatch.wire.page_config import CONFIG_KEY, page_config
from local_cloud.assembly import Assembly, Stack
from local_cloud.clients import ClientFactory
from local_cloud.problem import LocalProblem

_STACK_TIMEOUT_S = 120.0
# CloudFormation takes larger templates from a bucket only.
_MAX_TEMPLATE_BYTES = 51_200
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


def deploy(assembly: Assembly, client: ClientFactory) -> dict[str, str]:
    """All outputs of all stacks, by name. Raises LocalProblem."""
    outputs: dict[str, str] = {}
    for stack in assembly.stacks:
        _upload(stack, client("s3"))
        outputs |= _create(stack, client)
    return outputs


def check_pages(folder: Path) -> None:
    """Raises LocalProblem."""
    if not (folder / "index.html").is_file():
        raise LocalProblem(
            f"The dashboard is not built ({folder / 'index.html'} is missing); run `make setup` first."
        )


def put_pages(folder: Path, outputs: Mapping[str, str], client: ClientFactory) -> None:
    """The built dashboard, and beside it config.json, which leads it to this deployment."""
    s3, bucket = client("s3"), outputs["WebBucketName"]
    for path in sorted(p for p in folder.rglob("[!.]*") if p.is_file()):
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        key = path.relative_to(folder).as_posix()
        # Pages change with every build under the same names, all but the hashed assets.
        caching = {} if key.startswith("assets/") else {"CacheControl": "no-cache"}
        s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes(), ContentType=kind, **caching)
    s3.put_object(
        Bucket=bucket,
        Key=CONFIG_KEY,
        Body=page_config(outputs),
        ContentType="application/json",
        CacheControl="no-cache",
    )


def _upload(stack: Stack, s3: Any) -> None:
    for asset in stack.assets:
        _ensure_bucket(s3, asset.bucket)
        s3.upload_file(str(asset.path), asset.bucket, asset.key)


def _ensure_bucket(s3: Any, bucket: str) -> None:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        s3.create_bucket(Bucket=bucket)


def _create(stack: Stack, client: ClientFactory) -> dict[str, str]:
    cloudformation = client("cloudformation")
    if len(stack.template_body.encode()) <= _MAX_TEMPLATE_BYTES:
        template = {"TemplateBody": stack.template_body}
    else:
        s3 = client("s3")
        _ensure_bucket(s3, "templates")
        s3.put_object(Bucket="templates", Key=f"{stack.name}.json", Body=stack.template_body.encode())
        template = {"TemplateURL": f"{s3.meta.endpoint_url}/templates/{stack.name}.json"}
    try:
        cloudformation.create_stack(
            StackName=stack.name, Capabilities=_CAPABILITIES, OnFailure="DO_NOTHING", **template
        )
    except ClientError as error:
        message = error.response["Error"]["Message"]
        raise LocalProblem(f"The stack {stack.name} was refused: {message}") from None
    deadline = time.monotonic() + _STACK_TIMEOUT_S
    while True:
        described = cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]
        status = described["StackStatus"]
        if status == "CREATE_COMPLETE":
            return {o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", [])}
        if not status.endswith("_IN_PROGRESS") or time.monotonic() > deadline:
            raise LocalProblem(
                f"The stack {stack.name} was not created ({status}): {_why(cloudformation, stack.name)}"
            )
        time.sleep(0.05)


def _why(cloudformation: Any, stack_name: str) -> str:
    """The resources that failed, each with its reason."""
    events: Iterable[dict[str, Any]] = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [
        f"{e['LogicalResourceId']} ({e['ResourceType']}): {e.get('ResourceStatusReason', 'no reason given')}"
        for e in events
        if e["ResourceStatus"].endswith("_FAILED") and e["LogicalResourceId"] != stack_name
    ]
    return "; ".join(failed) or "no resource is named"
