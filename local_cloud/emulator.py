"""The emulated AWS: ministack as a child on 127.0.0.1, and clients that reach it and nothing else."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import httpx
from botocore.config import Config

from local_cloud.clients import REGION
from local_cloud.processes import Child, choose_port

# What the templates use. The fewer, the less can be reached and the sooner it is up.
_SERVICES = (
    "apigateway",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "dynamodb",
    "events",
    "iam",
    "kinesis",
    "lambda",
    "logs",
    "s3",
    "sns",
    "sqs",
    "ssm",
    "sts",
)
_START_TIMEOUT_S = 60.0
ACCOUNT = "000000000000"


@dataclass(frozen=True, slots=True)
class Sms:
    """One text as the emulator keeps it. The emulator notes no time."""

    message_id: str
    number: str
    text: str


def local_environment(**more: str) -> dict[str, str]:
    """This process's environment without anything of a real AWS account, and with no proxy in between."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    no_proxy = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1", "localhost"]))
    return {
        **kept,
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **more,
    }


class Emulator:
    """Start it, wait until it is ready, stop it. Keeps all state in memory, and its files in `state_dir`."""

    def __init__(self, state_dir: Path, *, function_env: dict[str, str], port: int | None = None) -> None:
        """function_env: more environment for every Lambda function, such as where Rekognition is."""
        self.port = port or choose_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._session = _offline_session()
        scratch = state_dir / "tmp"
        scratch.mkdir()
        self._child = Child(
            "AWS emulator",
            ["ministack"],
            log=state_dir / "emulator.log",
            env=local_environment(
                GATEWAY_PORT=str(self.port),
                BIND_HOST="127.0.0.1",  # its default is every interface
                MINISTACK_REGION=REGION,
                MINISTACK_ACCOUNT_ID=ACCOUNT,
                SERVICES=",".join(_SERVICES),
                LAMBDA_EXECUTOR="local",
                LOG_LEVEL="WARNING",
                TMPDIR=str(scratch),
                STATE_DIR=str(scratch / "state"),
                S3_DATA_DIR=str(scratch / "s3"),
                # The functions are started with the emulator's own environment.
                **function_env,
            ),
            remove_when_orphaned=state_dir,
        )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.returncode is None

    def last_words(self) -> str:
        return self._child.last_words()

    def wait_ready(self) -> None:
        """Raises LocalProblem."""
        self._child.wait_until(self._healthy, _START_TIMEOUT_S)

    def client(self, service: str, config: Config | None = None, /) -> Any:
        """One client of each service for all; a new one when a config is given."""
        with self._lock:
            if config is not None:
                return self._new_client(service, config)
            if service not in self._clients:
                self._clients[service] = self._new_client(service, Config())
            return self._clients[service]

    def _new_client(self, service: str, config: Config) -> Any:
        # A bucket named in the host would need a name server; 127.0.0.1 has none.
        base = Config(s3={"addressing_style": "path"}, max_pool_connections=32, proxies={"no": ""})
        session: Any = self._session  # typed by service name, which is not a literal here
        return session.client(service, endpoint_url=self.url, config=base.merge(config))

    def texts(self) -> list[Sms]:
        """Every text that was sent, by number, in order of sending within one. Raises httpx.HTTPError."""
        with httpx.Client(trust_env=False, timeout=10) as http:
            answer = http.get(f"{self.url}/_ministack/sns/sms-messages").raise_for_status().json()
        return [
            Sms(m["MessageId"], number, m["Message"])
            for number, messages in answer["sms_messages"].items()
            for m in messages
        ]

    def stop(self) -> None:
        # Nothing of it survives, so nothing is worth a graceful end.
        self._child.stop(grace_s=0)

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/_ministack/health", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


def _offline_session() -> boto3.session.Session:
    """Reads no profile, no credentials file and no instance metadata of the user's."""
    nothing = (None, None, os.devnull, None)
    core = botocore.session.Session(
        session_vars={"profile": (None, None, None, None), "config_file": nothing, "credentials_file": nothing}
    )
    core.set_credentials("test", "test")  # what the emulator takes for its own account
    return boto3.session.Session(botocore_session=core, region_name=REGION)
