import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.built import built_assembly


@pytest.fixture(scope="session")
def assembly(tmp_path_factory) -> Path:
    return built_assembly(tmp_path_factory)


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    """What a test does to ours, or a function that it starts, is undone."""
    ours = logging.getLogger("framewatch")
    before = list(ours.handlers), ours.propagate, ours.level
    yield
    ours.handlers, ours.propagate, ours.level = before
