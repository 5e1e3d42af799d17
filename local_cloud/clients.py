"""How the parts here get AWS clients: one function, so that every client points at the same emulator."""

from typing import Any, Protocol

from botocore.config import Config

REGION = "us-east-1"


class ClientFactory(Protocol):
    def __call__(self, service: str, config: Config | None = None, /) -> Any:
        """A boto3 client of the service. Thread-safe, as the clients are."""
        ...
