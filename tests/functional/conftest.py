from pathlib import Path

import pytest

from tests.built import built_assembly


@pytest.fixture(scope="session")
def assembly(tmp_path_factory) -> Path:
    return built_assembly(tmp_path_factory)
