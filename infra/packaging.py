"""Builds the functions' zips: `python -m infra.packaging --target aws`.

A zip holds our own modules that the function can import, and the third-party wheels of `lambdas/requirements.lock`
for the platform that will run them, fetched by pip without Docker. The same input gives the same bytes, so an
unchanged function is not deployed again.
"""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.settings import FUNCTIONS, PACKAGES, REPO

WHEELS = REPO / "build" / "wheels"
LOCK = REPO / "lambdas" / "requirements.lock"
# Raise it when what is kept of the wheels changes: it is part of the cache's key.
LAYOUT_VERSION = "1"
# What CloudFormation and Lambda take without a layer or a container image.
MAX_UNPACKED_BYTES = 250 * 1024 * 1024

# The AWS services that a function calls; botocore describes four hundred, in 27 MB.
SERVICES = frozenset({"dynamodb", "rekognition", "s3", "sns", "sqs", "sts"})
# Stubs and sources of compiled modules; the pages of Swagger UI, which the API does not serve.
UNREAD_SUFFIXES = frozenset({".pyi", ".pyx", ".pxd", ".h", ".js", ".css"})
# Ours that no function imports: the local model and what reads pictures.
NOT_OURS = frozenset({"framewatch/adapters/vision"})
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
        """Changes whenever other wheels would be chosen or kept."""
        digest = hashlib.sha256(LOCK.read_bytes())
        for part in (LAYOUT_VERSION, self.name, self.python, *self.pip_options, *sorted(SERVICES)):
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
    return {name: write_zip(out / f"{name}.zip", wheels, own_files(name)) for name in functions}


class PackagingError(Exception):
    pass


def wheels_of(wanted: Target, cache: Path) -> Path:
    """The unpacked, trimmed wheels; fetched once for each lock and target."""
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
    trim(part)
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


def trim(folder: Path) -> None:
    """Removes what no function reads: service models, caches, stubs, command line programs, pages of Swagger UI."""
    for data in (folder / "botocore" / "data", folder / "boto3" / "data"):
        for entry in data.iterdir() if data.is_dir() else ():
            if entry.is_dir() and entry.name not in SERVICES:
                shutil.rmtree(entry)
    for unused in ("bin", "boto3/examples"):
        shutil.rmtree(folder / unused, ignore_errors=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            if path.name == "__pycache__":
                shutil.rmtree(path)
            elif not any(path.iterdir()):
                path.rmdir()
        elif path.suffix in UNREAD_SUFFIXES or _unread_dist_info(path, folder):
            path.unlink()


def _unread_dist_info(path: Path, folder: Path) -> bool:
    """Versions and licences stay; records of the installation go."""
    parts = path.relative_to(folder).parts
    return parts[0].endswith(".dist-info") and not (
        "licenses" in parts or path.name.upper().startswith(_KEPT_OF_DIST_INFO)
    )


def own_files(function: str) -> Iterator[tuple[str, Path]]:
    """(name in the zip, file): the function's package, and of framewatch all but what no function imports."""
    yield "lambdas/__init__.py", REPO / "lambdas" / "__init__.py"
    for package in (f"lambdas/{function}", "framewatch"):
        if not (REPO / package).is_dir():
            raise PackagingError(f"{REPO / package} is missing, so {function} cannot be packaged")
        for path in sorted((REPO / package).rglob("*")):
            name = path.relative_to(REPO).as_posix()
            if (
                path.is_file()
                and path.suffix not in {".pyc", ".pyo"}
                and not any(name.startswith(f"{left_out}/") for left_out in NOT_OURS)
            ):
                yield name, path


def write_zip(path: Path, wheels: Path, own: Iterator[tuple[str, Path]]) -> Path:
    """Sorted, with constant times and modes: equal content is equal bytes. Raises PackagingError when too large."""
    files = {p.relative_to(wheels).as_posix(): p for p in wheels.rglob("*") if p.is_file()}
    files.update(own)
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
