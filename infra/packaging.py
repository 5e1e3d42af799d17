"""Builds the functions' zips: `python -m infra.packaging --target aws`.

A zip holds those of our own modules that the function's handler imports, and of `lambdas/requirements.lock` the
packages that these import, with what they require, as wheels for the platform that will run them, fetched by pip
without Docker. The same input gives the same bytes, so an unchanged function is not deployed again.
"""

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from infra.import_closure import Closure, UnknownModule, closure_of
from infra.settings import FUNCTIONS, PACKAGES, REPO

WHEELS = REPO / "build" / "wheels"
LOCK = REPO / "lambdas" / "requirements.lock"
# What CloudFormation and Lambda take without a layer or a container image.
MAX_UNPACKED_BYTES = 250 * 1024 * 1024

# The AWS services that each function calls; botocore describes four hundred, in 27 MB.
SERVICES = {
    "image_processor": frozenset({"dynamodb", "rekognition", "s3", "sns", "sqs"}),
    "watchdog": frozenset({"dynamodb", "s3", "sns"}),
    "frame_fetcher": frozenset({"dynamodb", "s3"}),
    "operator_actions": frozenset({"dynamodb", "s3"}),
    "alert_link": frozenset({"dynamodb", "s3"}),
}
# Of a wheel, nobody reads: stubs and sources of compiled modules, and the pages of Swagger UI, which the API does
# not serve; of botocore, its examples.
UNREAD_SUFFIXES = frozenset({".pyi", ".pyx", ".pxd", ".h", ".js", ".css"})
UNREAD_NAMES = frozenset({"examples-1.json"})
# Files that our own modules may read, from the folder they lie in.
DATA_SUFFIXES = frozenset({".json", ".yaml"})
# Those that lie elsewhere, by the module that reads them.
DATA_ELSEWHERE = {"framewatch.wire.price_file": "config/prices.yaml"}
# Zip times start in 1980; any constant will do.
_TIME = (1980, 1, 1, 0, 0, 0)
_KEPT_OF_DIST_INFO = ("METADATA", "LICENSE", "LICENCE", "NOTICE", "COPYING")


@dataclass(frozen=True, slots=True)
class Target:
    """Where the zips will run."""

    name: str
    python: str
    pip_options: tuple[str, ...]

    @property
    def key(self) -> str:
        """Changes whenever other wheels would be chosen."""
        digest = hashlib.sha256(LOCK.read_bytes())
        for part in (self.name, self.python, *self.pip_options):
            digest.update(part.encode() + b"\0")
        return digest.hexdigest()[:16]


def target(name: str) -> Target:
    """`aws`: Lambda's python3.13 on arm64. `local`: this very Python, since a zip comes first on its sys.path."""
    if name == "aws":
        tags = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
        platforms = [option for tag in tags for option in ("--platform", tag)]
        return Target("aws", "3.13", ("--python-version", "3.13", "--implementation", "cp", *platforms))
    if name == "local":
        tag = f"{sys.implementation.cache_tag}-{platform.system()}-{platform.machine()}"
        return Target("local", tag, ())
    raise ValueError(f"there is no packaging target {name!r}; there are aws and local")


def build(
    target_name: str, out: Path | None = None, *, functions: Sequence[str] = FUNCTIONS, cache: Path = WHEELS
) -> dict[str, Path]:
    """Zips by function, in build/lambda/<target> unless told otherwise. Raises PackagingError with what pip said."""
    wanted = target(target_name)
    wheels = wheels_of(wanted, cache)
    out = out or PACKAGES / wanted.name
    out.mkdir(parents=True, exist_ok=True)
    return {name: write_zip(out / f"{name}.zip", files_of(name, wheels)) for name in functions}


class PackagingError(Exception):
    pass


def wheels_of(wanted: Target, cache: Path) -> Path:
    """The unpacked wheels; fetched once for each lock and target."""
    folder = cache / f"{wanted.name}-{wanted.key}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    # A name of its own until it is whole, so that an interrupted run leaves nothing that looks finished.
    part = cache / f"{folder.name}.part-{os.getpid()}"
    shutil.rmtree(part, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--target", str(part), "--only-binary", ":all:", "--no-deps", "--no-compile"]
    command += ["--require-hashes", "-r", str(LOCK), *wanted.pip_options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(part, ignore_errors=True)
        raise PackagingError(f"pip could not fetch the functions' wheels ({wanted.name}):\n{done.stderr.strip()}")
    for old in cache.glob(f"{wanted.name}-*"):
        # Another run may be at work on its own part; after an hour it is not.
        abandoned = time.time() - old.stat().st_mtime > 3600
        if old not in (part, folder) and (".part-" not in old.name or abandoned):
            shutil.rmtree(old, ignore_errors=True)
    try:
        part.rename(folder)
    except OSError:
        # Another run was first, with the same content.
        shutil.rmtree(part)
        if not folder.is_dir():
            raise
    return folder


def files_of(function: str, wheels: Path, root: Path = REPO) -> dict[str, Path]:
    """Name in the zip -> file: all that the function imports, and no more. Raises PackagingError."""
    try:
        closure = closure_of(f"lambdas.{function}.handler", root)
    except UnknownModule as error:
        raise PackagingError(f"{function} cannot be packaged: {error}") from None
    return own_files(closure, root) | wheel_files(closure.others, SERVICES[function], wheels)


def own_files(closure: Closure, root: Path) -> dict[str, Path]:
    """The modules, and the data files beside them or named for them."""
    files = {path.relative_to(root).as_posix(): path for path in closure.ours.values()}
    files |= {name: root / name for module, name in DATA_ELSEWHERE.items() if module in closure.ours}
    for folder in {path.parent for path in closure.ours.values()}:
        for path in folder.iterdir():
            if path.suffix in DATA_SUFFIXES:
                files[path.relative_to(root).as_posix()] = path
    return files


def wheel_files(imported: Iterable[str], services: Set[str], wheels: Path) -> dict[str, Path]:
    """Of the distributions that hold these packages, and of those that they require, the files that are read."""
    found = {_normal(d.name): d for d in distributions(path=[str(wheels)])}
    by_package = {package: name for name, d in found.items() for package in _packages(d)}
    missing = sorted(set(imported) - by_package.keys())
    if missing:
        raise PackagingError(
            f"{', '.join(missing)}: imported by a function, and not in {LOCK.relative_to(REPO)};"
            " add it to the extra `lambda` in pyproject.toml and run `make lock`"
        )
    waiting, wanted = [by_package[package] for package in imported], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += [required for required in _requirements(found[name]) if required in found]
    return {
        file.as_posix(): wheels / file
        for name in wanted
        for file in found[name].files or ()
        if is_read(file, services)
    }


def is_read(file: PurePosixPath, services: Set[str]) -> bool:
    """file: as a wheel's RECORD names it. Licences stay, too."""
    top = file.parts[0]
    if top in ("..", "bin") or file.suffix in UNREAD_SUFFIXES or file.name in UNREAD_NAMES:
        return False
    if top.endswith(".dist-info"):
        return "licenses" in file.parts or file.name.upper().startswith(_KEPT_OF_DIST_INFO)
    if file.parts[:2] == ("boto3", "examples"):
        return False
    if file.parts[1:2] == ("data",) and top in ("boto3", "botocore") and len(file.parts) > 3:
        return top == "botocore" and file.parts[2] in services  # boto3's are of its resources, which nobody uses
    return "__pycache__" not in file.parts


def _packages(distribution: Distribution) -> set[str]:
    """The names that it is imported under."""
    tops = {file.parts[0] for file in distribution.files or () if file.suffix in (".py", ".so")}
    return {top.partition(".")[0] for top in tops if top != ".."}


def _requirements(distribution: Distribution) -> Iterator[str]:
    """Normal names; those of its extras left out: none of ours asks for one."""
    for requirement in distribution.requires or ():
        name = re.match(r"[\w.-]+", requirement)
        if name and "extra ==" not in requirement:
            yield _normal(name[0])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def write_zip(path: Path, files: Mapping[str, Path]) -> Path:
    """Sorted, with constant times and modes: equal content is equal bytes. Raises PackagingError when too large."""
    unpacked = 0
    part = path.with_suffix(f".part-{os.getpid()}")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            content = files[name].read_bytes()
            unpacked += len(content)
            archive.writestr(entry, content)
    if unpacked > MAX_UNPACKED_BYTES:
        part.unlink()
        raise PackagingError(f"{path.name} unpacks to {unpacked} bytes; Lambda takes {MAX_UNPACKED_BYTES}")
    part.replace(path)
    return path


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.packaging", description="Build the functions' zips.")
    parser.add_argument("--target", choices=["aws", "local"], default="aws", help="who runs them (default: aws)")
    parser.add_argument("--out", type=Path, help="where the zips go (default: build/lambda/<target>)")
    options = parser.parse_args(argv)
    started = time.monotonic()
    try:
        zips = build(options.target, options.out)
    except PackagingError as error:
        print(error, file=sys.stderr)
        return 1
    for name, path in zips.items():
        print(f"{name}: {path} ({path.stat().st_size / 1e6:.1f} MB)")
    print(f"packaged for {options.target} in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
