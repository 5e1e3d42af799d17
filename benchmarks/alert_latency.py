"""From a camera's picture to the text: how long each stage of an alert takes, four cameras through the local stack.

    python -m benchmarks.alert_latency [--clips DIR] [--seconds 90] [--model ONNX]

Four clips with people in them play in real time, each as one camera, one frame a second. Every frame with a person
alerts: visits end after half a second, and nothing cools down. The stages are those of the trace that each alert
carries; it ends when the provider has taken the text. The stack runs once with the mapping that is deployed (batches
of 100, which wait a second for company) and once without a window (batches of 10, as Lambda demands then).

Vision stands in three rows, for the model looks at one picture at a time and the function at one batch: what the
frame's own labels took with the wait for the model ("vision"); before that, how much of the wait in the stream went
by while an earlier batch of its shard was looked at ("vision before it"); and after it, what the frame waited until
the others of its batch had their labels and were stored, for nothing is decided before ("vision of its batch"). "all
but vision" is without these three.

Everything shares this machine: decoding, the model, the function and the emulated AWS, which answers in some
milliseconds and one at a time. Run it on one that has nothing else to do; the load is printed with the figures.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from edge_client.sampler import PerSecond
from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.domain.alerts import Alert, DeliveryState
from framewatch.domain.errors import EnvelopeError
from framewatch.services.fetch_latency import percentile
from framewatch.wire.envelope import decode_envelope
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import day_of
from local_cloud.cameras import SiteChoice, choose_site
from local_cloud.journal import Journal
from local_cloud.report import Places, read_back
from local_cloud.runner import Pace, Run, edge_cameras
from local_cloud.stack import LocalStack, StackOptions
from local_cloud.stream_batches import StreamRecord

TARGET_P95_MS = 300.0
MIN_ALERTS = 60
# Importing, connecting and first queries are over by then.
SETTLE_S = 5.0
CLIPS = ("one-by-one-person.mp4", "vtest.avi", "person-dog.mp4", "gmdcsa-1-adl-16.mp4")
STAGES = ("arrived", "received", "vision", "stored", "vision of its batch", "decided", "published")
VISION = ("vision before it", "vision", "vision of its batch")
ROWS = ("arrived", "received", "vision before it", *STAGES[2:], "all", "all but vision")
# A contact each: contacts share nothing but the day's limit. Critical, so that no limit ends the run early.
SITE = """
cameras: [{cameras}]
contacts: [{contacts}]
rules:
{rules}
visits: {{gap_s: 0.5}}
alerts: {{incident_window_s: 0}}
watchdog: {{enabled: false}}
"""
RULE = "  - {{id: r{n}, cameras: [cam-{n}], labels: [Person], min_confidence: 50, severity: critical,"
RULE += " notify: [c{n}], cool_down_s: 0}}"


@dataclass(frozen=True, slots=True)
class Batch:
    """One invocation: of which shard, when it began, with which frames."""

    shard_id: str
    began_at: datetime
    frame_ids: tuple[str, ...]


@dataclass(slots=True)
class Batches:
    """by_frame: the first batch that each frame came in."""

    all: list[Batch] = field(default_factory=list)
    by_frame: dict[str, Batch] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, records: Sequence[StreamRecord]) -> None:
        now, names = datetime.now(UTC), []
        for record in records:
            with contextlib.suppress(EnvelopeError):
                names.append(decode_envelope(record.data).meta.frame_id)
        batch = Batch(records[0].shard_id, now, tuple(names))
        with self._lock:
            self.all.append(batch)
            for name in names:
                self.by_frame.setdefault(name, batch)


@dataclass(frozen=True, slots=True)
class Looking:
    """When the frames of a batch were looked at: from its invocation until the last of them was stored."""

    batch: Batch
    until: datetime

    @classmethod
    def of(cls, batch: Batch, stored: Mapping[str, StoredFrame]) -> "Looking":
        times = [stored[name].stored_at for name in batch.frame_ids if name in stored]
        return cls(batch, max(times, default=batch.began_at))

    def within(self, first: datetime, last: datetime) -> timedelta:
        return max(min(self.until, last) - max(self.batch.began_at, first), timedelta())


def site_text(cameras: int) -> str:
    numbers = range(1, cameras + 1)
    return SITE.format(
        cameras=", ".join(f"{{id: cam-{n}}}" for n in numbers),
        contacts=", ".join(f'{{id: c{n}, phone: "+120255501{n:02}"}}' for n in numbers),
        rules="\n".join(RULE.format(n=n) for n in numbers),
    )


def stages_ms(alert: Alert, own: Looking, looking: Sequence[Looking]) -> dict[str, float] | None:
    """Milliseconds by row, from the capture on. None for an alert that was not told, or lacks a point.

    own: of the alert's batch; looking: of all batches.
    """
    t = alert.trace
    arrived, received, labelled, stored = t.arrived_at, t.received_at, t.labelled_at, t.stored_at
    sent = [d.at for d in alert.deliveries.values() if d.state is DeliveryState.SENT]
    if arrived is None or received is None or labelled is None or stored is None or not sent:
        return None
    others_stored = max(stored, min(own.until, alert.decided_at))
    points = (
        alert.captured_at,
        arrived,
        received,
        labelled,
        stored,
        others_stored,
        alert.decided_at,
        max(sent),
    )
    took = {name: b - a for name, (a, b) in zip(STAGES, pairwise(points), strict=True)}
    # One shard's batches follow one another: their times do not overlap.
    earlier = [x for x in looking if x.batch.shard_id == own.batch.shard_id and x.batch is not own.batch]
    took["vision before it"] = sum((x.within(arrived, received) for x in earlier), timedelta())
    took["received"] -= took["vision before it"]
    took["all"] = max(sent) - alert.captured_at
    took["all but vision"] = took["all"] - sum((took[name] for name in VISION), timedelta())
    return {name: span / timedelta(milliseconds=1) for name, span in took.items()}


def play(
    stack: LocalStack, choice: SiteChoice, batches: Batches, seconds: float
) -> tuple[list[dict[str, float]], int]:
    """Stages of each alert of the cameras' next so many seconds, and how many frames were stored."""
    journal = Journal()
    cameras = edge_cameras(choice.cameras, Pace(PerSecond(1.0), fast=False, loop=True))
    run = Run(stack, cameras, journal, print)
    try:
        run.start()
        run.wait_for_cameras(timeout_s=seconds + SETTLE_S)
    finally:
        run.stop()
    if not run.wait_until_processed():
        raise RuntimeError(f"the stack did not keep up: {run.errors}")
    frames = journal.snapshot()
    places = Places(*(stack.outputs[n] for n in ("TableName", "FramesBucketName", "FailureQueueUrl")))
    stored = read_back(stack.emulator.client, places, frames).stored
    table = DynamoAlertTable(DynamoTable(stack.emulator.client("dynamodb"), stack.outputs["TableName"]))
    from_at = min(f.captured_at for f in frames) + timedelta(seconds=SETTLE_S)
    looking = {id(batch): Looking.of(batch, stored) for batch in batches.all}
    found = []
    for camera_id, day in sorted({(f.camera_id, day_of(f.captured_at)) for f in frames}):
        for _, alert in table.newest_first(camera_id, day):
            if alert.captured_at < from_at:
                break
            own = looking[id(batches.by_frame[alert.frame_id])]
            took = stages_ms(alert, own, list(looking.values()))
            if took is None:
                raise RuntimeError(f"{alert.alert_id} was not told, or its trace lacks a point: {alert}")
            found.append(took)
    return found, len(stored)


def without_window(stack: LocalStack) -> None:
    stack.emulator.client("lambda").update_event_source_mapping(
        UUID=stack.mapping()["UUID"], BatchSize=10, MaximumBatchingWindowInSeconds=0
    )
    stack.renew_stream()


def tell(name: str, took: Sequence[dict[str, float]], frames: int, invocations: int) -> float:
    """p95 of all but vision, in milliseconds."""
    print(f"\n{name}: {len(took)} alerts of {frames} frames in {invocations} invocations")
    print(f"{'ms':22}{'p50':>8}{'p95':>8}")
    for stage in ROWS:
        values = [each[stage] for each in took]
        print(f"{stage:22}{percentile(values, 50) or 0:>8.0f}{percentile(values, 95) or 0:>8.0f}")
    whole = sum(each["all"] for each in took)
    share = sum(each[name] for each in took for name in VISION) / whole if whole else 0.0
    print(f"vision is {share:.0%} of the whole")
    return percentile([each["all but vision"] for each in took], 95) or float("inf")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    data = Path(os.environ.get("FRAMEWATCH_DATA", "../shared/data"))
    parser.add_argument("--clips", type=Path, default=data / "videos", help="a folder with the test data's clips")
    parser.add_argument("--seconds", type=float, default=90.0, help="of each of the two runs (default 90)")
    parser.add_argument("--model", help="an ONNX detector instead of SSD MobileNet v2")
    options = parser.parse_args()
    clips = [options.clips / name for name in CLIPS]
    if missing := [str(clip) for clip in clips if not clip.is_file()]:
        print(f"not measured, for these clips are missing: {', '.join(missing)}; name their folder with --clips")
        return 0

    batches, p95_ms, counts = Batches(), {}, []
    choice = cameras_of(clips)
    stack = LocalStack(StackOptions(choice.site_text, model=options.model), say=print, on_delivery=batches.note)
    try:
        stack.start()
        print(f"{len(clips)} cameras, one frame a second each, {options.seconds:g} s a run; {load()}")
        for name in ("window of 1 s, as deployed", "no window"):
            if name == "no window":
                without_window(stack)
            before = len(batches.all)
            took, frames = play(stack, choice, batches, options.seconds)
            p95_ms[name] = tell(name, took, frames, len(batches.all) - before)
            counts.append(len(took))
        vision = stack.vision_stats()["vision_ms"]
        print(f"\nthe model itself: p50 {vision['p50']:.0f} ms, p95 {vision['p95']:.0f} ms a picture; {load()}")
    finally:
        stack.stop()
    judged = p95_ms["no window"]
    print(f"all but vision, no window, p95: {judged:.0f} ms (target: under {TARGET_P95_MS:g})")
    if min(counts) < MIN_ALERTS:
        print(f"only {min(counts)} alerts in one of the runs: too few to judge; give more --seconds")
        return 1
    return 0 if judged < TARGET_P95_MS else 1


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def cameras_of(clips: Sequence[Path]) -> SiteChoice:
    with tempfile.TemporaryDirectory() as folder:
        site_file = Path(folder) / "site.yaml"
        site_file.write_text(site_text(len(clips)), encoding="utf-8")
        return choose_site([str(c) for c in clips], site_file, watch=None, min_confidence=None, default_watch=())


if __name__ == "__main__":
    sys.exit(main())
