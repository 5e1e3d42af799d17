from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.aws import create_table, set_credentials
from tests.tables import OneAtATime, Tables, in_dynamodb, in_memory


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client, and an empty table."""
    set_credentials(monkeypatch)
    with mock_aws():
        client = boto3.client("dynamodb")
        create_table(client)
        yield client


@pytest.fixture(params=["memory", "aws"])
def tables(request: pytest.FixtureRequest) -> Tables:
    """Of visits and alerts: in memory, and over DynamoDB."""
    if request.param == "memory":
        return in_memory()
    return in_dynamodb(OneAtATime(request.getfixturevalue("dynamodb")))
