"""framewatch-edge: run cameras into a stream from a terminal or a service."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from edge_client.check import add_check, add_snapshot
from edge_client.cli_lines import HumanLines, JsonLines
from edge_client.client import EdgeCamera, run_edge
from edge_client.discover import add_parser as _add_discover
from edge_client.gate_tool import add_parser as _add_gate
from edge_client.sampler import EveryNth, PerSecond, Sampling
from edge_client.spool_tool import add_parser as _add_spool

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

_EPILOG = """\
sources:
  0                                a camera device number
  clips/visit.mp4                  a video file, played once in real time (see --fast and --loop)
  clips/pictures/                  a folder of images, one a second, in natural order
  rtsp://user:${CAM_PW}@host/path  an IP camera; ${NAME} is read from the environment, so that no
  http://user:${CAM_PW}@host/path  password stands in a command line or a file

Give --camera-id and --source several times, in pairs, for several cameras.
AWS credentials, profile and region are found as every AWS tool finds them.
"""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="framewatch-edge", description="The client beside the camera.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add_command in _COMMANDS:
        add_command(commands)
    return parser


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = commands.add_parser(
        "run",
        help="read cameras, put sampled frames into a Kinesis stream",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument(
        "--config",
        metavar="FILE",
        help="the edge file, or s3://bucket/key: run unattended what it says; of the rest only --endpoint-url and the"
        " log's options go with it",
    )
    run.add_argument("--stream", metavar="NAME", help="the Kinesis data stream")
    run.add_argument("--source", action="append", default=[], dest="sources", metavar="SOURCE")
    run.add_argument("--camera-id", action="append", default=[], dest="camera_ids", metavar="ID")
    rate = run.add_mutually_exclusive_group()
    rate.add_argument("--every", type=int, default=30, metavar="N", help="take every Nth frame (default 30)")
    rate.add_argument("--fps", type=float, metavar="F", help="take at most F frames a second instead")
    end = run.add_mutually_exclusive_group()
    end.add_argument("--once", action="store_true", help="end when a source ends; do not open a lost camera again")
    end.add_argument("--loop", action="store_true", help="play clips and folders again and again")
    run.add_argument("--fast", action="store_true", help="read clips as fast as possible, not in real time")
    run.add_argument(
        "--base-time", metavar="TIME", help="with --fast: when the first frame happened, as 2026-05-01T08:00:00+02:00"
    )
    run.add_argument("--region", help="AWS region, where the environment does not say")
    run.add_argument("--endpoint-url", metavar="URL", help="an emulator's address instead of AWS")
    run.add_argument("--log-format", choices=("human", "json"), default="human")
    run.add_argument("--verbose", action="store_true", help="a line for every frame")
    run.set_defaults(run=_run)


# Each adds one command, whose defaults hold `run`: (args, parser) -> exit status. What is heavy to import (OpenCV,
# boto3) is imported inside `run`, so that --help does not wait for it.
_COMMANDS: tuple[Callable[["argparse._SubParsersAction[argparse.ArgumentParser]"], object], ...] = (
    _add_run,
    _add_gate,
    add_check,
    add_snapshot,
    _add_spool,
    _add_discover,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 when every source was read and every frame sent, 1 when not, 2 for wrong arguments."""
    parser = build_parser()
    args = parser.parse_args(argv)
    return int(args.run(args, parser))


def _run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if args.config is not None:
        return _run_service(args, parser)
    if args.stream is None or not args.sources:
        parser.error("give --config, or --stream and --source")
    try:
        cameras = _cameras(args)
    except ValueError as error:
        parser.error(str(error))
    stop = threading.Event()
    _stop_on_signals(stop)
    lines = JsonLines() if args.log_format == "json" else HumanLines(verbose=args.verbose)
    try:
        report = run_edge(
            cameras, _kinesis(args.region, args.endpoint_url), args.stream, on_event=lines.on_event, stop=stop
        )
    except ValueError as error:
        parser.error(str(error))
    except BrokenPipeError:  # whoever read our lines is gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    lines.finish(report)
    return 0 if report.ok else 1


def _cameras(args: argparse.Namespace) -> list[EdgeCamera]:
    sources, camera_ids = args.sources, args.camera_ids
    if not camera_ids:
        camera_ids = [f"camera-{number}" for number in range(1, len(sources) + 1)]
    if len(camera_ids) != len(sources):
        raise ValueError(f"{len(sources)} sources need as many --camera-id, there are {len(camera_ids)}")
    sampling: Sampling = PerSecond(args.fps) if args.fps is not None else EveryNth(args.every)
    base_time = None
    if args.base_time is not None:
        try:
            base_time = datetime.fromisoformat(args.base_time)
        except ValueError:
            raise ValueError("--base-time is not a time such as 2026-05-01T08:00:00+02:00") from None
        if base_time.tzinfo is None:
            raise ValueError("--base-time has no time zone; add one, such as Z or +02:00")
        if not args.fast:
            raise ValueError("--base-time needs --fast: in real time frames happen now")
    return [
        EdgeCamera(
            camera_id,
            source,
            sampling=sampling,
            pace="fast" if args.fast else "realtime",
            loop=args.loop,
            base_time=base_time,
            reopen=not args.once,
        )
        for camera_id, source in zip(camera_ids, sources, strict=True)
    ]


def _kinesis(region: str | None, endpoint_url: str | None) -> "KinesisClient":
    from edge_client.aws_clients import kinesis_client  # noqa: PLC0415 - boto3: see _COMMANDS

    return kinesis_client(region, endpoint_url)


def _run_service(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from edge_client.aws_clients import config_source  # noqa: PLC0415 - boto3: see _COMMANDS
    from edge_client.service import EdgeService  # noqa: PLC0415
    from edge_client.service_log import ServiceLog  # noqa: PLC0415

    if args.stream is not None or args.sources:
        parser.error("--config names the stream and the cameras; remove --stream and --source")
    stop = threading.Event()
    log = ServiceLog(args.log_format, verbose=args.verbose)
    try:
        source = config_source(args.config)
    except ValueError as error:
        parser.error(str(error))
    service = EdgeService(
        source,
        lambda region: _kinesis(args.region or region, args.endpoint_url),
        log,
        sources=config_source,
        stop=stop,
    )
    _stop_on_signals(stop)
    signal.signal(signal.SIGHUP, lambda _number, _frame: service.ask_reload())
    try:
        return service.run()
    except ValueError as error:  # no client for this region
        parser.error(str(error))


def _stop_on_signals(stop: threading.Event) -> None:
    def on_signal(number: int, _frame: object) -> None:
        if stop.is_set():  # asked twice: no more waiting for the stream
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)


if __name__ == "__main__":
    sys.exit(main())
