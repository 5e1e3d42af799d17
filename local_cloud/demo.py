"""`framewatch-local demo`: cameras or a clip, the dashboard, and the texts as they arrive, until Ctrl-C."""

import argparse
import contextlib
import os
import sys
import time
import webbrowser
from collections.abc import Callable
from datetime import datetime

from local_cloud.assembly import PAGES
from local_cloud.cameras import (
    DEMO_WATCH,
    SiteChoice,
    choose_site,
    demo_clip,
    machine_time_zone,
    with_a_neighbour,
    with_links_to,
)
from local_cloud.deploy import check_pages, put_pages
from local_cloud.distribution import read_distribution
from local_cloud.front import Front, address_of, listen
from local_cloud.front_app import FrontApp, Upstream
from local_cloud.journal import Journal
from local_cloud.options import sampling_of, watch_of
from local_cloud.runner import Pace, Run, edge_cameras, sms_line
from local_cloud.sign_in import User, create_user
from local_cloud.stack import LocalStack, StackOptions
from local_cloud.trim import KEEP_FRAMES, STREAM_BYTES, GatedKinesis, Trimmer

_STATUS_EVERY_S = 60.0
_MAX_TRACED_FRAMES = 2 * KEEP_FRAMES
_DEMO_USER = "demo@example.com"


def run_demo(args: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Returns when every camera has ended: 1 when one failed, else 0. Ctrl-C comes through as Interrupted."""
    check_pages(PAGES)
    sources = args.sources or ([] if args.config is not None else [demo_clip()])
    choice = choose_site(
        sources,
        args.config,
        watch=watch_of(args),
        min_confidence=args.min_confidence,
        default_watch=DEMO_WATCH,
        time_zone=machine_time_zone(),
    )
    if args.config is None:
        choice = with_a_neighbour(choice)
    for warning in choice.warnings:
        say(f"warning: {warning}")
    pace = Pace(sampling_of(args), fast=False, loop=not args.once)
    with contextlib.ExitStack() as undo:
        sock = listen(args.port)
        undo.callback(sock.close)
        choice = with_links_to(choice, address_of(sock))
        journal = Journal(_MAX_TRACED_FRAMES, on_sms=lambda seen: say(sms_line(seen)))
        stack = LocalStack(
            StackOptions(choice.site_text, args.model, args.model_sha256, args.assembly),
            say=say,
            on_delivery=journal.on_delivery,
        )
        undo.callback(stack.stop)
        stack.start()
        put_pages(PAGES, stack.outputs, stack.emulator.client)
        user = create_user(stack.emulator.client, stack.outputs["UserPoolId"], _DEMO_USER, "operator")
        front = Front(
            sock,
            FrontApp(
                read_distribution(stack.emulator.client("cloudfront"), stack.outputs["DistributionId"]),
                Upstream(stack.emulator.url, stack.emulator.client),
                texts=lambda: _texts(journal),
                user=None if args.sign_in else user,
            ),
        )
        undo.callback(front.stop)
        front.start()
        kinesis = GatedKinesis(stack.kinesis_for_the_edge())
        run = Run(stack, edge_cameras(choice.cameras, pace), journal, say, kinesis=kinesis)
        undo.callback(run.stop)
        run.start()
        trimmer = Trimmer(stack.emulator.client, stack.outputs, kinesis, stack.wait_drained, stack.renew_stream)
        undo.callback(trimmer.stop)
        trimmer.start()
        _say_where(choice, front.url, user if args.sign_in else None, say)
        if not args.no_browser and _has_desktop():
            webbrowser.open(front.url)
        _wait(run, journal, say)
        run.wait_until_processed()
        if run.errors or journal.failed_cameras:
            for sentence in run.errors:
                say(sentence)
            return 1
        say("every camera has ended")
        return 0


def _has_desktop() -> bool:
    """Without one, a browser for the terminal might open, and take it over."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _wait(run: Run, journal: Journal, say: Callable[[str], None]) -> None:
    """Until every camera has ended, with a line now and then."""
    next_at, sent_before = time.monotonic() + _STATUS_EVERY_S, 0
    first = False
    while not run.wait_for_cameras(timeout_s=1.0):
        if run.errors:
            return
        stats = run.stats()
        if not first and stats.acknowledged:
            first = True
            say("the first frames are on the dashboard")
        if time.monotonic() >= next_at:
            next_at += _STATUS_EVERY_S
            say(
                f"{journal.sent - sent_before} frames in the last minute, {journal.sent} in all;"
                f" {stats.records_waiting} waiting, the oldest for {stats.iterator_age_ms / 1000:.1f} s"
            )
            sent_before = journal.sent


def _texts(journal: Journal) -> list[tuple[str, str, datetime]]:
    return [(seen.sms.number, seen.sms.text, seen.noticed_at) for seen in journal.seen_texts()]


def _say_where(choice: SiteChoice, url: str, user: User | None, say: Callable[[str], None]) -> None:
    """user: who has to sign in."""
    say(f"watching {', '.join(f'{c.camera_id} ({c.source.redacted})' for c in choice.cameras)}")
    say(f"texts are sent for: {', '.join(choice.site.watch_words) or 'nothing; name labels with --watch'}")
    say(f"the dashboard is at {url}")
    if user is not None:
        say(f"sign in as {user.username} with the password {user.password}")
    say(f"the newest {KEEP_FRAMES} frames are kept, and up to {STREAM_BYTES // 1024**2} MB of stream")
    say("press Ctrl-C to stop")
