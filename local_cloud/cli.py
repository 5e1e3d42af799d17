"""framewatch-local: the whole stack on one machine, with no account."""

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local_cloud.problem import LocalProblem

DEFAULT_PORT = 8080
DEFAULT_AWS_PORT = 4566  # where tools that know emulators look for one
ENV_FILE = Path(__file__).resolve().parent.parent / ".local" / "aws.env"
_EPILOG = """\
sources:
  0                                a camera device number
  clips/visit.mp4                  a video file
  clips/pictures/                  a folder of images
  rtsp://user:${CAM_PW}@host/path  an IP camera; ${NAME} is read from the environment

Give --source several times for several cameras.
"""


class Interrupted(BaseException):
    """Ctrl-C, or a request to end: unwinds through everything that has something to end."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="framewatch-local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the functions and templates that the other commands run")
    demo = _add_command(commands, "demo", "play cameras or a clip, serve the dashboard, until Ctrl-C")
    demo.add_argument("--port", type=_port, default=DEFAULT_PORT, help=f"of the dashboard (default {DEFAULT_PORT})")
    demo.add_argument("--once", action="store_true", help="play clips once instead of in a loop")
    demo.add_argument("--sign-in", action="store_true", help="show the sign-in form instead of signing in unasked")
    run = _add_command(commands, "run", "play the sources once, wait until all is processed, report")
    run.add_argument("--once", action="store_true", help="play each clip once; this is what run always does")
    run.add_argument("--fast", action="store_true", help="read clips as fast as possible, on the clip's own clock")
    run.add_argument("--report", type=Path, metavar="FILE", help="write what became of every frame, as JSON")
    what = "an empty emulated AWS account to deploy into, until Ctrl-C"
    aws = commands.add_parser("aws", help=what, description=what)
    aws.add_argument("--port", type=_port, default=DEFAULT_AWS_PORT, help=f"of AWS (default {DEFAULT_AWS_PORT})")
    aws.add_argument(
        "--dashboard-port",
        type=_port,
        default=DEFAULT_PORT,
        help=f"of the first dashboard that is deployed; others follow it (default {DEFAULT_PORT})",
    )
    aws.add_argument(
        "--env-file",
        type=Path,
        default=ENV_FILE,
        metavar="FILE",
        help="what a shell needs to reach it is written there, and removed at the end (default .local/aws.env)",
    )
    _add_model(aws)
    _add_rules(commands)
    _add_cost(commands)
    return parser


def _add_rules(commands: Any) -> None:
    rules = commands.add_parser("rules", help="what alert rules would do").add_subparsers(dest="rules", required=True)
    what = "what a site file's rules would text about a clip, and why not more; nothing is sent"
    trial = _add_source(rules, "try", what)
    trial.add_argument(
        "--start", metavar="TIME", help="when the clip begins, such as 2026-01-31T18:00:00Z (default: now)"
    )
    trial.add_argument("--seconds", type=float, metavar="S", help="end after S seconds (a live camera: 60)")
    trial.add_argument("--json", type=Path, metavar="FILE", help="write the timeline there, too")


def _add_cost(commands: Any) -> None:
    # Imported here and in no other command's way: the options are the plan's own settings.
    from local_cloud.cost import add_arguments  # noqa: PLC0415

    what = "what a plan of cameras will cost a month, and what other plans would"
    add_arguments(commands.add_parser("cost", help=what, description=what))


def _add_command(commands: Any, name: str, what: str) -> argparse.ArgumentParser:
    parser = _add_source(commands, name, what)
    parser.add_argument("--no-browser", action="store_true", help="do not open the dashboard in a browser")
    parser.add_argument("--assembly", type=Path, metavar="DIR", help="templates built elsewhere")
    return parser


def _add_source(commands: Any, name: str, what: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=what, description=what, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--source", action="append", default=[], dest="sources", metavar="SOURCE", help="what is played: see below"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a site file")
    rate = parser.add_mutually_exclusive_group()
    rate.add_argument("--every", type=int, metavar="N", help="take every Nth frame (default 30)")
    rate.add_argument("--fps", type=float, metavar="F", help="take at most F frames a second instead")
    parser.add_argument("--watch", metavar="LABEL,...", help="text when one of these turns up")
    parser.add_argument("--min-confidence", type=float, metavar="PERCENT", help="of a watched label (default 80)")
    _add_model(parser)
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="FILE.onnx", help="an ONNX detector instead of SSD MobileNet v2")
    parser.add_argument("--model-sha256", metavar="HEX", help="its digest; required when --model is a URL")
    parser.add_argument("--verbose", action="store_true", help="log what the event source does")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port; a port is a number from 1 to 65535")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """0: all is well. 1: a frame was lost or a camera failed. 2: it could not start. 128 + n: ended by signal n."""
    args = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO if getattr(args, "verbose", False) else logging.ERROR)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _command_of(args)
    except LocalProblem as problem:
        print(problem, file=sys.stderr)
        return 2
    except Interrupted as interrupted:
        # Ctrl-C is how these are meant to end.
        meant = args.command in ("demo", "aws") and interrupted.signal_number == signal.SIGINT
        return 0 if meant else 128 + interrupted.signal_number


def _command_of(args: argparse.Namespace) -> int:
    # Imported late: --help and wrong arguments need not wait for the AWS SDK.
    if args.command == "build":
        from local_cloud.build import build  # noqa: PLC0415

        build()
        return 0
    if args.command == "run":
        from local_cloud.once import run_once  # noqa: PLC0415

        return run_once(args, _Teller())
    if args.command == "rules":
        from local_cloud.rules_try import run_trial  # noqa: PLC0415

        return run_trial(args)
    if args.command == "cost":
        from local_cloud.cost import run_cost  # noqa: PLC0415

        return run_cost(args)
    if args.command == "aws":
        from local_cloud.account import run_account  # noqa: PLC0415

        return run_account(args, _Teller())
    from local_cloud.demo import run_demo  # noqa: PLC0415

    return run_demo(args, _Teller())


def _interrupt(number: int, _frame: object) -> None:
    # From here on a second one is ignored: ending takes a moment, and must not be ended half-way.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(number)


class _Teller:
    """Progress lines with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, text: str) -> None:
        try:
            print(f"[{time.monotonic() - self._started:6.1f} s] {text}", flush=True)
        except BrokenPipeError:
            # Whoever read our lines is gone, as with `| head`. Several threads talk: the main one is told to end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
