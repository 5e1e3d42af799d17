"""`framewatch-local aws`: an empty emulated AWS account to deploy into, and what a deployment needs around it."""

import argparse
import contextlib
import os
import shlex
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.cameras import demo_clip
from local_cloud.clients import REGION
from local_cloud.deployments import Dashboards, EventSources
from local_cloud.emulator import Email, Emulator
from local_cloud.front import listen
from local_cloud.journal import Journal
from local_cloud.machine import Machine, MachineOptions, check_disk_space
from local_cloud.problem import LocalProblem
from local_cloud.runner import sms_line

_LOOK_EVERY_S = 1.0
_EXPORTED = (
    *("AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    *("AWS_DEFAULT_REGION", "NO_PROXY", "no_proxy", "FRAMEWATCH_DEMO_CLIP"),
)
# What a shell may have from another account, and what would be taken before or beside the above.
_UNSET = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


def run_account(args: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Until Ctrl-C, which comes through as Interrupted. 1 when one of the parts ends. Raises LocalProblem."""
    check_disk_space()
    # Only asked: who holds them must be able to let go of them, and another stage may come first.
    for port, option in ((args.port, "--port"), (args.dashboard_port, "--dashboard-port")):
        listen(port, option).close()
    with contextlib.ExitStack() as undo:
        machine = Machine(MachineOptions(args.model, args.model_sha256, enforce_iam=True, port=args.port))
        undo.callback(machine.stop)
        machine.start(remove_when_orphaned=args.env_file)
        emulator = machine.emulator
        machine.wait_until_it_sees()
        dashboards = Dashboards(emulator.client, emulator.url, _trust(emulator), args.dashboard_port, say)
        undo.callback(dashboards.stop)
        sources = EventSources(machine, say)
        undo.callback(sources.stop)
        undo.callback(args.env_file.unlink, missing_ok=True)
        # For whoever has no camera at hand.
        write_environment(args.env_file, {**emulator.environment(), "FRAMEWATCH_DEMO_CLIP": demo_clip()})
        _say_how(args.env_file, emulator, say)
        # A link to a dashboard leads to the one that is here.
        mail = Mail(emulator, lambda line: say(dashboards.to_front(line)))
        while (broken := machine.broken()) is None:
            # A stack that is half there, or half gone, is looked at again in a moment.
            with contextlib.suppress(ClientError, BotoCoreError, httpx.HTTPError):
                sources.look()
                dashboards.look()
                mail.look()
            time.sleep(_LOOK_EVERY_S)
        say(broken)
        return 1


def write_environment(path: Path, environment: Mapping[str, str]) -> None:
    """A file for `source`, which nobody else may read. Raises LocalProblem."""
    exported = {name: environment[name] for name in _EXPORTED if name in environment} | {"AWS_REGION": REGION}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(exported.items())]
    text = "\n".join([*lines, f"unset {' '.join(_UNSET)}", ""])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # whose mode it has may be another's
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise LocalProblem(f"{path} cannot be written: {error.strerror}; name another with --env-file.") from None


class Mail:
    """Texts and e-mails on the terminal, each once, as they are sent."""

    def __init__(self, emulator: Emulator, say: Callable[[str], None]) -> None:
        self._emulator = emulator
        self._say = say
        self._texts = Journal(on_sms=lambda seen: say(sms_line(seen)))
        self._known: set[str] = set()

    def look(self) -> None:
        """Raises httpx.HTTPError."""
        self._texts.on_texts(self._emulator.texts())
        for email in self._emulator.emails():
            if email.message_id not in self._known:
                self._known.add(email.message_id)
                self._say(email_line(email))


def email_line(email: Email) -> str:
    """In one line, and whole: the first password of an invitation stands in it, and nowhere else."""
    # No other tag is taken out: a password may well look like one.
    return f"[e-mail to {email.to}] {email.subject}: {' '.join(email.text.replace('<br>', ' ').split())}"


def _trust(emulator: Emulator) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=emulator.ca_file) if emulator.ca_file else True


def _say_how(env_file: Path, emulator: Emulator, say: Callable[[str], None]) -> None:
    shown = env_file.relative_to(Path.cwd()) if env_file.is_relative_to(Path.cwd()) else env_file
    say(f"an empty AWS account is at {emulator.url}, with IAM enforced, in {REGION}")
    say(f"in another terminal:  source {shown}")
    say("then bootstrap and deploy as into any account (README); the dashboard's address is said here")
    say("press Ctrl-C to end it, and everything in it")
