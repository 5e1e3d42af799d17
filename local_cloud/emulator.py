"""The emulated AWS: ministack as a child on 127.0.0.1, and clients that reach it and nothing else.

With `enforce_iam` it is as strict as AWS about who may do what, and about TLS: requests are signed and authorised,
and come through a TLS front. What everything here signs with unless told otherwise, `test`/`test`, is the root user.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials

from local_cloud.clients import REGION, Clients
from local_cloud.processes import Child, choose_port
from local_cloud.tls import TlsFront

# What the templates use. The fewer, the less can be reached and the sooner it is up.
_SERVICES = (
    "apigateway",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "cognito-identity",
    "cognito-idp",
    "dynamodb",
    "ecr",  # the CDK's bootstrap makes a repository
    "events",
    "iam",
    "kinesis",
    "kms",
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


@dataclass(frozen=True, slots=True)
class Email:
    """One that would have been sent: an invitation with its first password, say."""

    message_id: str
    to: str
    subject: str
    text: str


class Emulator:
    """Start it, wait until it is ready, stop it. Keeps all state in memory, and its files in `state_dir`."""

    def __init__(
        self,
        state_dir: Path,
        *,
        function_env: dict[str, str],
        port: int | None = None,
        enforce_iam: bool = False,
    ) -> None:
        """function_env: more environment for every Lambda function, such as where Rekognition is.

        Raises LocalProblem.
        """
        self.port = port or choose_port()
        plain_port = choose_port() if enforce_iam else self.port
        self.plain_url = f"http://127.0.0.1:{plain_port}"
        self.url = self.plain_url
        self.ca_file: Path | None = None
        self._front: TlsFront | None = None
        module, more = "ministack", dict(function_env)
        if enforce_iam:
            self.ca_file = state_dir / "ca.pem"
            self._front = TlsFront(plain_port, port=self.port, ca_file=self.ca_file)
            self.url = self._front.url
            module = "local_cloud.guarded_emulator"
            more |= {"AUTH": "true", "AWS_ENDPOINT_URL": self.url, "AWS_CA_BUNDLE": str(self.ca_file)}
        self._root = Credentials("test", "test")  # what the emulator takes for its own account
        self.client = self._clients(self._root)
        scratch = state_dir / "tmp"
        scratch.mkdir()
        self._child = Child(
            "AWS emulator",
            [module],
            log=state_dir / "emulator.log",
            env=local_environment(
                GATEWAY_PORT=str(plain_port),
                BIND_HOST="127.0.0.1",  # its default is every interface
                IOT_MTLS_ENABLED="false",  # would listen on every interface, whatever the line above says
                MINISTACK_REGION=REGION,
                MINISTACK_ACCOUNT_ID=ACCOUNT,
                SERVICES=",".join(_SERVICES),
                LAMBDA_EXECUTOR="local",
                LOG_LEVEL="WARNING",
                TMPDIR=str(scratch),
                STATE_DIR=str(scratch / "state"),
                S3_DATA_DIR=str(scratch / "s3"),
                # The functions are started with the emulator's own environment.
                **more,
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

    def environment(self) -> dict[str, str]:
        """What a process of ours needs in its environment to reach this, as the account's root."""
        trust: dict[str, str] = {}
        if self.ca_file is not None:
            trust = {"AWS_CA_BUNDLE": str(self.ca_file), "NODE_EXTRA_CA_CERTS": str(_trust_of_node(self.ca_file))}
        return local_environment(AWS_ENDPOINT_URL=self.url, **trust)

    def as_user(self, access_key_id: str, secret_access_key: str) -> Clients:
        return self._clients(Credentials(access_key_id, secret_access_key))

    def as_role(self, role_arn: str) -> Clients:
        """Acts as the role, and assumes it anew before a session ends."""
        fetcher = AssumeRoleCredentialFetcher(
            lambda service, **_: self.client(service), self._root, role_arn, {"RoleSessionName": "framewatch-local"}
        )
        return self._clients(DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role"))

    def _clients(self, credentials: Any) -> Clients:
        return Clients(self.url, credentials, ca_file=str(self.ca_file) if self.ca_file else None)

    def texts(self) -> list[Sms]:
        """Every text that was sent, by number, in order of sending within one. Raises httpx.HTTPError."""
        return [
            Sms(m["MessageId"], number, m["Message"])
            for number, messages in self._kept("sns/sms-messages")["sms_messages"].items()
            for m in messages
        ]

    def emails(self) -> list[Email]:
        """Every e-mail. Raises httpx.HTTPError."""
        return [
            Email(m["MessageId"], ", ".join(m["To"]), m["Subject"], m["BodyText"] or m["BodyHtml"] or "")
            for messages in self._kept("ses/messages")["messages"].values()
            for m in messages
        ]

    def _kept(self, what: str) -> dict[str, Any]:
        with httpx.Client(trust_env=False, timeout=10) as http:
            return dict(http.get(f"{self.plain_url}/_ministack/{what}").raise_for_status().json())

    def stop(self) -> None:
        # Nothing of it survives, so nothing is worth a graceful end.
        self._child.stop(grace_s=0)
        if self._front is not None:
            self._front.stop()

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.plain_url}/_ministack/health", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


def _trust_of_node(ca_file: Path) -> Path:
    """Ours beside what the user's node trusts already: npm, behind a company's authority, goes on needing that."""
    theirs = Path(os.environ.get("NODE_EXTRA_CA_CERTS") or os.devnull)
    both = ca_file.with_name("node-ca.pem")
    with contextlib.suppress(OSError):
        both.write_bytes(theirs.read_bytes() + b"\n" + ca_file.read_bytes())
        return both
    return ca_file
