"""`framewatch-local run`: play the sources once, wait until everything is processed, say what became of it."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from local_cloud.cameras import DEFAULT_WATCH, choose_site
from local_cloud.journal import Journal
from local_cloud.options import sampling_of, watch_of
from local_cloud.problem import LocalProblem
from local_cloud.report import Places, build_report, read_back, write_json
from local_cloud.runner import Pace, Run, edge_cameras, sms_line
from local_cloud.stack import LocalStack, StackOptions


def run_once(args: argparse.Namespace, say: Callable[[str], None]) -> int:
    """0 only if no frame was lost and no camera failed. Raises LocalProblem."""
    if not args.sources and args.config is None:
        raise LocalProblem("Nothing to play: give --source, or --config with cameras that have one.")
    choice = choose_site(
        args.sources,
        args.config,
        watch=watch_of(args),
        min_confidence=args.min_confidence,
        default_watch=DEFAULT_WATCH,
    )
    for warning in choice.warnings:
        say(f"warning: {warning}")
    pace = Pace(sampling_of(args), fast=args.fast, loop=False)
    _check_writable(args.report)
    journal = Journal(on_sms=lambda seen: say(sms_line(seen)))
    options = StackOptions(choice.site_text, args.model, args.model_sha256, args.assembly)
    stack = LocalStack(options, say=say, on_delivery=journal.on_delivery)
    try:
        stack.start()
        run = Run(stack, edge_cameras(choice.cameras, pace), journal, say)
        try:
            run.start()
            say(f"playing {', '.join(c.camera_id for c in choice.cameras)}")
            if run.wait_for_cameras():
                say(f"{journal.sent} frames are sent, waiting until all are processed")
                run.wait_until_processed()
        finally:
            run.stop()
        places = Places(
            stack.outputs["TableName"], stack.outputs["FramesBucketName"], stack.outputs["FailureQueueUrl"]
        )
        found = read_back(stack.emulator.client, places, journal.snapshot())
        report = build_report(journal, run.edge_report, found, choice.site, vision=_vision(stack), errors=run.errors)
    finally:
        stack.stop()
    if args.report is not None:
        write_json(args.report, report)
    _summary(report, say)
    frames = report["frames"]
    # A camera that ends without one frame would otherwise pass for a camera without losses.
    good = frames["lost"] == 0 and not journal.failed_cameras and not run.errors and run.edge_report.ok
    return 0 if good else 1


def _vision(stack: LocalStack) -> dict[str, Any]:
    try:
        return stack.vision_stats()
    except httpx.HTTPError:
        return {}


def _check_writable(report: Path | None) -> None:
    """Now, rather than after the run."""
    if report is not None and not report.parent.is_dir():
        raise LocalProblem(f"There is no folder {report.parent} for the report; make it, or name another.")


def _summary(report: dict[str, Any], say: Callable[[str], None]) -> None:
    f, latency = report["frames"], report["latency_ms"]["capture_to_stored"]
    took = f"; capture to stored p50 {latency['p50']} ms, p95 {latency['p95']} ms" if latency["count"] else ""
    say(
        f"{f['read']} frames read, {f['sampled']} sampled, {f['stored']} stored, {f['lost']} lost;"
        f" {len(report['visits'])} visits, {len(report['sms'])} texts{took}"
    )
    for sentence in report["errors"]:
        say(sentence)
