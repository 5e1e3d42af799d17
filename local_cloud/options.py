"""What the command line's options mean, for the commands that take them."""

import argparse

from edge_client.client import DEFAULT_SAMPLING
from edge_client.sampler import EveryNth, PerSecond, Sampling
from local_cloud.problem import LocalProblem


def sampling_of(args: argparse.Namespace) -> Sampling:
    """Raises LocalProblem."""
    try:
        if args.fps is not None:
            return PerSecond(args.fps)
        return EveryNth(args.every) if args.every is not None else DEFAULT_SAMPLING
    except ValueError as error:
        raise LocalProblem(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def watch_of(args: argparse.Namespace) -> list[str] | None:
    return [w.strip() for w in args.watch.split(",") if w.strip()] if args.watch is not None else None
