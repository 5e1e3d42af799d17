"""What `make setup` builds, for tests that need it."""

from pathlib import Path

import pytest

from local_cloud import build
from local_cloud.assembly import ASSEMBLY, newer_source


def built_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make setup` built where that is fresh, else built for this session."""
    if (ASSEMBLY / "manifest.json").is_file() and newer_source(ASSEMBLY) is None:
        return ASSEMBLY
    folder = tmp_path_factory.mktemp("built") / "cdk.out"
    build.build(folder)
    return folder


def built_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the functions' zips that the assembly was written with."""
    return built_assembly(tmp_path_factory).parent / "lambda"
