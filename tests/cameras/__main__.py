"""One camera as a process of its own: `python -m tests.cameras TornCamera --port 8081`, until its stdin closes."""

import argparse
import sys

from tests.cameras import http, rtsp
from tests.cameras.server import LoopbackServer


def _cameras():
    found = [*vars(http).values(), *vars(rtsp).values()]
    return {c.__name__: c for c in found if isinstance(c, type) and issubclass(c, LoopbackServer)}


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
