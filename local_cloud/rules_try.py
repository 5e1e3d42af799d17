"""`framewatch-local rules try`: what a site file's rules would text about a clip, and why not more.

No emulator and no stream: the edge's reader and sampler, the local model with the vision server's labels, and the
code that judges frames in the cloud, on tables in memory. The motion gate is not asked: every sampled frame counts.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import pytz

from edge_client.explain import explain_open_failure
from edge_client.opening import OpenFailed, decode_in_this_process
from edge_client.sampler import Sampling, make_sampler
from framewatch.adapters.aws.rekognition import to_label
from framewatch.adapters.memory import MemoryAlerts, MemoryStore, MemoryVisits
from framewatch.adapters.vision.base import ModelError, ObjectDetector
from framewatch.adapters.vision.load import DEFAULT_MODEL, load_detector
from framewatch.domain.alerts import DeliveryState
from framewatch.domain.frames import FrameMeta, make_boot_id
from framewatch.domain.limits import LimitHit
from framewatch.domain.site import SiteConfig
from framewatch.services.try_rules import TrialTables, try_rules
from framewatch.wire.api_values import parse_time
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.timeline import Timeline, TriedText
from local_cloud.cameras import DEFAULT_WATCH, CameraChoice, choose_site
from local_cloud.options import sampling_of, watch_of
from local_cloud.problem import LocalProblem
from local_cloud.vision_server.labels import labels_of

if TYPE_CHECKING:
    from edge_client.jpeg import FrameBGR

_LIVE_SECONDS = 60.0
_LINK_BASE_URL = "https://link.example"
_HELD_BY: dict[str, str] = {
    LimitHit.CONTACT_HOUR: "the contact's texts of the hour are used up; a digest tells",
    LimitHit.SITE_DAY: "the site's texts of the day are used up; a digest tells",
    LimitHit.BUDGET: "the month's budget for texts is used up; a digest tells",
}


def run_trial(args: argparse.Namespace) -> int:
    """0. Raises LocalProblem."""
    if not args.sources and args.config is None:
        raise LocalProblem("Nothing to look at: give --source, or --config with cameras that have one.")
    if args.json is not None and not args.json.absolute().parent.is_dir():
        raise LocalProblem(f"There is no folder {args.json.absolute().parent} for the timeline; make it first.")
    if args.seconds is not None and not args.seconds > 0:
        raise LocalProblem("--seconds must be above 0.")
    starts_at, sampling = _start(args.start), sampling_of(args)
    choice = choose_site(
        args.sources,
        args.config,
        watch=watch_of(args),
        min_confidence=args.min_confidence,
        default_watch=DEFAULT_WATCH,
    )
    for warning in choice.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    detector = _detector(args.model, args.model_sha256)
    frames = [
        stored
        for camera in choice.cameras
        for stored in _frames(camera, choice.site, detector, starts_at, _pictures(camera, sampling, args.seconds))
    ]
    store = MemoryStore()
    tables = TrialTables(MemoryVisits(store), MemoryAlerts(store))
    timeline = try_rules(frames, choice.site, tables, link_base_url=_LINK_BASE_URL)
    if args.json is not None:
        _write(args.json, timeline)
    print("\n".join(timeline_lines(timeline, choice.site, starts_at)))
    return 0


def _start(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return parse_time(text)
    except ValueError as error:
        raise LocalProblem(f"--start must be {error}.") from None


def _detector(model: str | None, sha256: str | None) -> ObjectDetector:
    cache_dir = Path.home() / ".cache" / "framewatch" / "models"
    try:
        return load_detector(model or DEFAULT_MODEL, sha256=sha256, cache_dir=cache_dir)
    except ModelError as error:
        raise LocalProblem(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def _frames(
    camera: CameraChoice,
    site: SiteConfig,
    detector: ObjectDetector,
    starts_at: datetime,
    pictures: Iterable[tuple[float, "FrameBGR"]],
) -> Iterator[StoredFrame]:
    """pictures: of the camera, with the seconds since the start. Raises LocalProblem."""
    boot_id = make_boot_id(starts_at, bytes(3))
    try:
        for seq, (at_s, frame_bgr) in enumerate(pictures):
            height, width = frame_bgr.shape[:2]
            meta = FrameMeta(camera.camera_id, boot_id, seq, starts_at + timedelta(seconds=at_s), width, height)
            found = labels_of(detector.detect(frame_bgr, site.vision.min_confidence))
            labels = [to_label(raw) for raw in found[: site.vision.max_labels]]
            yield StoredFrame.of(meta, labels, (), meta.captured_at)
    except OpenFailed as error:
        raise LocalProblem(
            explain_open_failure(camera.camera_id, camera.source, error.why, error.detail, [])
        ) from None


def _pictures(camera: CameraChoice, sampling: Sampling, seconds: float | None) -> Iterator[tuple[float, "FrameBGR"]]:
    """Seconds since the start, and the frame: uint8 (H, W, 3). Raises OpenFailed."""
    decode_in_this_process()
    from edge_client.reader import open_reader  # noqa: PLC0415  OpenCV reads its settings when it is loaded

    live = camera.source.is_live
    if seconds is None and live:
        seconds = _LIVE_SECONDS
    reader, sampler = open_reader(camera.source), make_sampler(sampling)
    started_s, index, found = time.monotonic(), 0, False
    try:
        while reader.grab():
            at_s = time.monotonic() - started_s if live else reader.media_time_s
            if seconds is not None and at_s > seconds:
                break
            if sampler.wants(index, at_s) and (frame_bgr := reader.retrieve()) is not None:
                found = True
                yield at_s, frame_bgr
            index += 1
    finally:
        reader.close()
    if not found:
        raise OpenFailed("no_frames")


def _write(path: Path, timeline: Timeline) -> None:
    try:
        path.write_text(timeline.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise LocalProblem(f"The timeline cannot be written to {path} ({error.strerror}).") from None


# -- what is shown ----------------------------------------------------------------------------------------------


def timeline_lines(timeline: Timeline, site: SiteConfig, starts_at: datetime) -> list[str]:
    """In clip time and in the site's own."""
    clock = _Times(starts_at, pytz.timezone(site.site.time_zone))
    texts = [(t.at, a, t) for a in timeline.alerts for t in a.texts]
    sent = sum(t.state is DeliveryState.SENT for _, _, t in texts) + len(timeline.digests)
    lines = [
        f"{_count(timeline.frames, 'frame')}, {_count(len(timeline.visits), 'visit')},"
        f" {_count(len(timeline.alerts), 'alert')}, {_count(sent, 'text')}."
        f" The clip begins at {clock.day(starts_at)}. Nothing was sent.",
        "",
        "visits",
    ]
    lines += [
        f"  {clock.span(v.first_seen, v.last_seen)}  {_plain(v.label)} at {_plain(v.camera_name)},"
        f" {_count(v.frames, 'frame')}, best {int(v.best_confidence)}%"
        for v in timeline.visits
    ] or ["  none"]
    lines += ["", "texts, while nobody answers"]
    told = [
        (at, f"{a.rule_id} to {t.contact_id}{_step(t.escalation)}: {_plain(t.words or _why_not(t))}")
        for at, a, t in texts
    ]
    told += [
        (
            a.captured_at,
            f"{a.rule_id} tells nobody: {_plain(a.label)} {int(a.confidence)}% at {_plain(a.camera_name)}",
        )
        for a in timeline.alerts
        if not a.texts
    ]
    told += [(d.at, f"digest to {d.contact_id}: {_plain(d.words)}") for d in timeline.digests]
    lines += [f"  {clock.at(at)}  {words}" for at, words in sorted(told, key=lambda line: line[0])] or ["  none"]
    lines += ["", "withheld"]
    lines += [
        f"  {clock.span(w.first_at, w.last_at)}  {w.rule_id}: {w.reason}, {_plain(w.label)} at"
        f" {_plain(w.camera_name)}, {_count(w.count, 'frame')}, best {int(w.best_confidence)}%"
        f"{' (the rule alerted for this visit)' if w.alerted else ''}"
        for w in timeline.withheld
    ] or ["  nothing"]
    return lines


class _Times:
    def __init__(self, starts_at: datetime, zone: tzinfo):
        self._starts_at = starts_at
        self._zone = zone

    def day(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%a %d %b %Y %H:%M:%S (%Z)}"

    def at(self, at: datetime) -> str:
        return f"{self._clip(at):>9}  {at.astimezone(self._zone):%H:%M:%S}"

    def span(self, first: datetime, last: datetime) -> str:
        return f"{self._clip(first):>9} - {self._clip(last):<9} {first.astimezone(self._zone):%H:%M:%S}"

    def _clip(self, at: datetime) -> str:
        at_s = (at - self._starts_at).total_seconds()
        return f"{int(at_s // 60)}:{at_s % 60:04.1f}"


def _why_not(text: TriedText) -> str:
    reason = text.reason or ""
    return f"{text.state}: {_HELD_BY.get(reason, reason)}"


def _step(escalation: int) -> str:
    return f" (step {escalation})" if escalation else ""


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _plain(text: str) -> str:
    """Names are somebody's text: what steers a terminal is not passed on."""
    return "".join(c if c.isprintable() else "?" for c in text)
