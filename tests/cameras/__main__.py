"""One camera as a process of its own: `python -m tests.cameras TornCamera --port 8081`, until its stdin closes."""

import argparse
import inspect
import sys

from tests.cameras import http, rtsp
from tests.cameras.server import LoopbackServer


def _cameras():
    """Those that need nothing said to be what they are."""
    found = [c for c in (*vars(http).values(), *vars(rtsp).values()) if isinstance(c, type)]
    return {c.__name__: c for c in found if issubclass(c, LoopbackServer) and not _needs(c)}


def _needs(camera):
    parameters = list(inspect.signature(camera).parameters.values())
    return camera.serve is LoopbackServer.serve or any(
        p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters
    )


def main():
    cameras = _cameras()
    parser = argparse.ArgumentParser(prog="python -m tests.cameras")
    parser.add_argument("name", choices=sorted(cameras))
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    with cameras[args.name](port=args.port) as camera:
        print(camera.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
