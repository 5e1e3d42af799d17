"""`framewatch-edge check` and `snapshot`: open cameras as the service would, and show what they show. Where the box
has a screen, `check` tries it too.

Each is opened in its own worker process, behind its privacy masks, and ended at its first picture.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from edge_client.buffer import Record
from edge_client.camera import CameraProcess
from edge_client.client import EdgeCamera, make_job
from edge_client.config import EdgeConfig, EdgeFileError, read_edge_text
from edge_client.events import CameraEnded, CameraFailed, EdgeEvent, Opened
from edge_client.sampler import EveryNth
from edge_client.source import SourceError, parse_source
from framewatch.wire.envelope import decode_envelope

DEFAULT_CONFIG = "cameras.yaml"
# A connection, a login and a first key frame, each with the reader's own patience.
_PATIENCE_S = 45.0
# Decoders start at once on all cores; more at a time would make each look slow.
_AT_A_TIME = 4


@dataclass(frozen=True, slots=True)
class Probe:
    """What one camera showed. state: ok, disabled, or what kind of trouble. jpeg: None without a picture."""

    camera_id: str
    state: str
    hint: str = ""
    opened: Opened | None = None
    first_picture_ms: int | None = None
    jpeg: bytes | None = None


def probe(camera: EdgeCamera, patience_s: float = _PATIENCE_S) -> Probe:
    """The camera's first picture, sampled at once whatever its hours."""
    camera = replace(camera, sampling=EveryNth(1), gate=None, hours=None, loop=False)
    looking = _Looking()
    started_s = time.monotonic()
    try:
        source = parse_source(camera.source)
        process = CameraProcess(
            make_job(camera, source, datetime.now(UTC), supervised=True),
            source,
            on_event=looking.on_event,
            on_record=looking.on_record,
            on_finished=looking.done.set,
        )
        process.start()
    except (SourceError, OSError) as error:
        return Probe(camera.camera_id, "settings", f"{camera.camera_id}: {error}.")
    try:
        in_time = looking.done.wait(patience_s)
    finally:
        process.stop()
        if not process.finished.wait(3.0):
            process.kill()
            process.finished.wait(3.0)
    if looking.record is not None:
        took_ms = round((looking.seen_s - started_s) * 1000)
        return Probe(camera.camera_id, "ok", "", looking.opened, took_ms, decode_envelope(looking.record.data).jpeg)
    if looking.failure is not None:
        return Probe(camera.camera_id, looking.failure.cause, looking.failure.message, looking.opened)
    why = "it ended without a picture" if in_time else f"no picture within {patience_s:g} s; restart the camera"
    return Probe(camera.camera_id, "stalled", f"{camera.camera_id}: {why}.", looking.opened)


class _Looking:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.opened: Opened | None = None
        self.record: Record | None = None
        self.failure: CameraFailed | None = None
        self.seen_s = 0.0

    def on_event(self, event: EdgeEvent) -> None:
        if isinstance(event, Opened):
            self.opened = self.opened or event
        elif isinstance(event, CameraFailed):
            self.failure = event
        elif isinstance(event, CameraEnded):
            self.done.set()

    def on_record(self, record: Record) -> None:
        if self.record is None:
            self.record, self.seen_s = record, time.monotonic()
            self.done.set()


def table(probes: Sequence[Probe]) -> str:
    """A line for each camera, and below it what to do where something is wrong."""
    rows = [("camera", "state", "resolution", "fps", "codec", "first picture")]
    for p in probes:
        o = p.opened
        rows.append(
            (
                p.camera_id,
                p.state,
                f"{o.width}x{o.height}" if o is not None else "-",
                f"{o.fps:g}" if o is not None and o.fps else "-",
                (o.codec if o is not None else None) or "-",
                f"{p.first_picture_ms} ms" if p.first_picture_ms is not None else "-",
            )
        )
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for n, p in reversed(list(enumerate(probes, start=1))):
        if p.hint:
            lines.insert(n + 1, f"  {p.hint}")
    return "\n".join(lines)


def add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    check = commands.add_parser(
        "check", help="validate the edge file, open each camera, save a snapshot of each, try the screen"
    )
    check.add_argument("--config", default=DEFAULT_CONFIG, metavar="FILE", help=f"default {DEFAULT_CONFIG}")
    check.add_argument(
        "--snapshots", default="snapshots", metavar="FOLDER", help="where the pictures go, default snapshots"
    )
    check.set_defaults(run=_check)


def add_snapshot(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    snapshot = commands.add_parser("snapshot", help="save one picture of a camera, behind its privacy masks")
    snapshot.add_argument("camera", metavar="CAMERA", help="its id in the edge file")
    snapshot.add_argument("--config", default=DEFAULT_CONFIG, metavar="FILE", help=f"default {DEFAULT_CONFIG}")
    snapshot.add_argument("-o", "--output", metavar="FILE", help="default CAMERA.jpg")
    snapshot.set_defaults(run=_snapshot)


def _check(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:  # noqa: ARG001 - a command's shape
    """0 when every enabled camera shows a picture and the screen, if there is one, works; else 1."""
    config = _load(args.config)
    if config is None:
        return 1
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        probes = list(
            pool.map(lambda c: probe(config.edge_camera(c)) if c.enabled else Probe(c.id, "disabled"), config.cameras)
        )
    print(table(probes), flush=True)
    ok = all(p.state in ("ok", "disabled") for p in probes)
    for p in probes:
        if p.jpeg is not None:
            ok = _save(p.jpeg, Path(args.snapshots) / f"{p.camera_id}.jpg") and ok
    return 0 if _check_screen(config, probes) and ok else 1


def _check_screen(config: EdgeConfig, probes: Sequence[Probe]) -> bool:
    """Its model on the first picture of a camera that has it, or on a grey one where no camera shows any."""
    screened = {camera.id for camera in config.cameras if camera.enabled and camera.screen}
    if config.screen is None or not screened:
        return True
    import cv2  # noqa: PLC0415 - takes longer than all else here, and most boxes have no screen
    import numpy as np  # noqa: PLC0415

    from edge_client.screen import try_screen  # noqa: PLC0415

    jpeg = next((p.jpeg for p in probes if p.jpeg is not None and p.camera_id in screened), None)
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg is not None else None
    frame_bgr = np.full((720, 1280, 3), 128, np.uint8) if picture is None else np.asarray(picture, np.uint8)
    works, line = try_screen(config.screen, frame_bgr)
    print(line, flush=True)
    return works


def _snapshot(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    config = _load(args.config)
    if config is None:
        return 1
    found = [camera for camera in config.cameras if camera.id == args.camera]
    if not found:
        known = ", ".join(camera.id for camera in config.cameras)
        parser.error(f"there is no camera {args.camera!r} in {args.config}; there are: {known}")
    seen = probe(config.edge_camera(found[0]))
    if seen.jpeg is None:
        print(seen.hint, file=sys.stderr, flush=True)
        return 1
    return 0 if _save(seen.jpeg, Path(args.output or f"{args.camera}.jpg")) else 1


def _load(path: str) -> EdgeConfig | None:
    from edge_client.aws_clients import config_source  # noqa: PLC0415 - boto3 takes a third of a second

    try:
        source = config_source(path)
        return read_edge_text(source.read(), source.name)
    except (EdgeFileError, ValueError) as error:
        print(error, file=sys.stderr, flush=True)
        return None


def _save(jpeg: bytes, path: Path) -> bool:
    """For its owner's eyes: it shows what the camera sees."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(jpeg)
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror}); name another place."
        print(message, file=sys.stderr, flush=True)
        return False
    print(f"saved {path}", flush=True)
    return True
