"""``python -m local_cloud.vision_server``: starts the server, says where it is, ends when told to.

Standard output holds one line of JSON, once requests are answered: ``{"ready": true, "url": "http://127.0.0.1:PORT",
"model": "..."}``. It ends with SIGTERM or SIGINT, and, given ``--parent-pid``, when that process is gone. A failure
to start is one sentence on standard error and exit status 2 (the command line), 3 (the model) or 4 (the port).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from framewatch.adapters.vision.base import ModelError
from framewatch.adapters.vision.load import DEFAULT_MODEL, load_detector
from framewatch.adapters.vision.pool import DetectorPool
from local_cloud.vision_server.server import VisionServer
from local_cloud.vision_server.service import DetectLabels, ImageSource, NoS3
from local_cloud.vision_server.stats import Stats

EXIT_MODEL = 3
EXIT_PORT = 4


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_cloud.vision_server",
        description="Answers Rekognition's DetectLabels on 127.0.0.1 from a local model.",
    )
    parser.add_argument("--port", type=_port, default=0, help="0 (the default) takes any free port")
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, help=f"{DEFAULT_MODEL} (the default), an .onnx file, or the URL of one"
    )
    parser.add_argument("--model-sha256", help="the digest the model file must have; required for a URL")
    parser.add_argument("--model-cache", type=Path, help="directory for downloaded models; required for a URL")
    parser.add_argument("--s3-endpoint", help="URL of the S3 that Image.S3Object is read from")
    parser.add_argument("--s3-region", default="us-east-1")
    parser.add_argument(
        "--detectors", type=_count, default=1, help="copies of the model that look at images side by side (default 1)"
    )
    parser.add_argument("--parent-pid", type=int, help="end when this process is gone")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 16:
        raise argparse.ArgumentTypeError("1 to 16 copies of the model can be held")
    return count


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stats = Stats()
    try:
        pool = DetectorPool(
            lambda: load_detector(options.model, sha256=options.model_sha256, cache_dir=options.model_cache),
            size=options.detectors,
        )
    except ModelError as error:
        return _failed(str(error), EXIT_MODEL)
    source: ImageSource = NoS3()
    if options.s3_endpoint:
        from local_cloud.vision_server.s3_source import S3ImageSource  # noqa: PLC0415  # loads boto3

        source = S3ImageSource(options.s3_endpoint, options.s3_region)
    operations = {"DetectLabels": DetectLabels(pool, options.detectors, source, stats)}
    try:
        server = VisionServer(options.port, operations, stats, about={"model": pool.name, "pid": os.getpid()})
    except OSError as error:
        return _failed(f"port {options.port} on 127.0.0.1 cannot be used: {error.strerror}", EXIT_PORT)
    _serve(server, pool.name, options.parent_pid)
    return 0


def _serve(server: VisionServer, model: str, parent_pid: int | None) -> None:
    # From a thread: shutdown waits for serve_forever, which a signal handler would be interrupting.
    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if parent_pid is not None:
        threading.Thread(target=_watch_parent, args=(parent_pid, stop), daemon=True).start()
    print(json.dumps({"ready": True, "url": server.url, "model": model}), flush=True)
    server.serve_forever(poll_interval=0.1)
    server.finish()


def _watch_parent(pid: int, stop: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait()  # also knows a new process with a reused id from the old one
    stop()


def _failed(sentence: str, status: int) -> int:
    print(f"vision server: {sentence}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
