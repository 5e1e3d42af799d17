from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.aws import create_table, set_credentials


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client, and an empty table."""
    set_credentials(monkeypatch)
    with mock_aws():
        client = boto3.client("dynamodb")
        create_table(client)
        yield client
