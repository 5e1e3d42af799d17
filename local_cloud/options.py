"""What the command line's options mean, for the commands that take them."""

import argparse

from edge_client.client import DEFAULT_SAMPLING
from edge_client.sampler import EveryNth, PerSecond, Sampling
from local_cloud.problem import LocalProblem


def sampling_of(args: argparse.Namespace) -> Sampling:
    """Raises LocalProblem."""
    option = f"--fps {args.fps:g}" if args.fps is not None else f"--every {args.every}"
    try:
        if args.fps is not None:
            return PerSecond(args.fps)
        return EveryNth(args.every) if args.every is not None else DEFAULT_SAMPLING
    except ValueError as error:
        # What precedes the colon repeats the number.
        raise LocalProblem(f"{option}: {str(error).partition(': ')[2]}.") from None


def watch_of(args: argparse.Namespace) -> list[str] | None:
    return [w.strip() for w in args.watch.split(",") if w.strip()] if args.watch is not None else None
