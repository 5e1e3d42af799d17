"""How the parts here get AWS clients: one factory for each identity, all of them for the same emulator."""

import os
import threading
from typing import Any, Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver

REGION = "us-east-1"


class ClientFactory(Protocol):
    def __call__(self, service: str, config: Config | None = None, /) -> Any:
        """A boto3 client of the service. Thread-safe, as the clients are."""
        ...


class Clients:
    """A ClientFactory: one client of each service for all; a new one when a config is given."""

    def __init__(self, endpoint_url: str, credentials: Any, *, ca_file: str | None = None) -> None:
        """credentials: botocore's, refreshable ones too. ca_file: for an https endpoint, whom to trust."""
        self._endpoint_url = endpoint_url
        self._ca_file = ca_file
        self._lock = threading.Lock()
        self._shared: dict[str, Any] = {}
        self._session: Any = _offline_session(credentials)  # typed by service name, which is not a literal here

    def __call__(self, service: str, config: Config | None = None, /) -> Any:
        with self._lock:
            if config is not None:
                return self._new(service, config)
            if service not in self._shared:
                self._shared[service] = self._new(service, Config())
            return self._shared[service]

    def _new(self, service: str, config: Config) -> Any:
        # A bucket named in the host would need a name server; 127.0.0.1 has none.
        base = Config(s3={"addressing_style": "path"}, max_pool_connections=32, proxies={"no": ""})
        return self._session.client(
            service, endpoint_url=self._endpoint_url, verify=self._ca_file, config=base.merge(config)
        )


class _Given(CredentialProvider):
    METHOD = "given"

    def __init__(self, credentials: Any) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Any:
        return self._credentials


def _offline_session(credentials: Any) -> boto3.session.Session:
    """Reads no profile, no credentials file and no instance metadata of the user's."""
    nothing = (None, None, os.devnull, None)
    core = botocore.session.Session(
        session_vars={"profile": (None, None, None, None), "config_file": nothing, "credentials_file": nothing}
    )
    core.register_component("credential_provider", CredentialResolver([_Given(credentials)]))
    return boto3.session.Session(botocore_session=core, region_name=REGION)
