"""Reads what `make setup` built: the cloud assembly (templates and function zips) and the dashboard."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud.problem import LocalProblem

REPO = Path(__file__).resolve().parent.parent
ASSEMBLY = REPO / "build" / "local" / "cdk.out"
PAGES = REPO / "web_ui" / "dist"
# What the templates and zips are made of, and what may change without them.
_SOURCES = ("framewatch", "lambdas", "infra")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to upload before a stack is created; bucket and key as the template names them."""

    path: Path
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Stack:
    name: str
    template_body: str
    assets: tuple[Asset, ...]

    @property
    def resources(self) -> dict[str, Any]:
        return dict(json.loads(self.template_body).get("Resources", {}))


@dataclass(frozen=True, slots=True)
class Assembly:
    """stacks: in an order in which each finds what it imports."""

    folder: Path
    stacks: tuple[Stack, ...]


def load_assembly(folder: Path, *, account: str, region: str) -> Assembly:
    """Raises LocalProblem when there is none, or it is not one."""
    try:
        artifacts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
        stacks = tuple(_load_stack(folder, artifacts, name, account, region) for name in _in_order(artifacts))
    except FileNotFoundError as error:
        raise LocalProblem(
            f"The templates are not built ({error.filename} is missing); run `make setup` first."
        ) from None
    except (KeyError, ValueError) as error:
        raise LocalProblem(f"The templates in {folder} cannot be read ({error!r}); run `make setup` again.") from None
    return Assembly(folder, stacks)


def newer_source(folder: Path) -> Path | None:
    """A source file that is newer than the templates made of it, if there is one."""
    try:
        built_at = (folder / "manifest.json").stat().st_mtime
    except OSError:
        return None
    for part in _SOURCES:
        for path in sorted((REPO / part).rglob("*.py")):
            if path.stat().st_mtime > built_at:
                return path.relative_to(REPO)
    return None


def _in_order(artifacts: dict[str, Any]) -> Iterator[str]:
    """Stacks, each after those it depends on."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in done:
            return
        done.add(name)
        for needed in artifacts[name].get("dependencies", []):
            yield from visit(needed)
        if artifacts[name]["type"] == "aws:cloudformation:stack":
            yield name

    for name in artifacts:
        yield from visit(name)


def _load_stack(folder: Path, artifacts: dict[str, Any], name: str, account: str, region: str) -> Stack:
    properties = artifacts[name]["properties"]
    assets = [
        asset
        for needed in artifacts[name].get("dependencies", [])
        if artifacts[needed]["type"] == "cdk:asset-manifest"
        for asset in _load_assets(folder / artifacts[needed]["properties"]["file"], account, region)
    ]
    body = (folder / properties["templateFile"]).read_text(encoding="utf-8")
    # The template itself is listed as an asset; it is passed as text instead.
    return Stack(
        properties.get("stackName", name),
        json.dumps(json.loads(body), separators=(",", ":")),
        tuple(a for a in assets if a.path != folder / properties["templateFile"]),
    )


def _load_assets(manifest: Path, account: str, region: str) -> Iterator[Asset]:
    def resolved(text: str) -> str:
        return (
            text.replace("${AWS::AccountId}", account)
            .replace("${AWS::Region}", region)
            .replace("${AWS::Partition}", "aws")
        )

    for file in json.loads(manifest.read_text(encoding="utf-8"))["files"].values():
        if file["source"].get("packaging") != "file":
            raise ValueError(f"{manifest.name}: only assets that are files can be deployed here")
        path = manifest.parent / file["source"]["path"]
        for destination in file["destinations"].values():
            yield Asset(path, resolved(destination["bucketName"]), resolved(destination["objectKey"]))
