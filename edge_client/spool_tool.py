"""`framewatch-edge spool`: what waits in a spool folder, also while a client runs on it. Changes nothing."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from errno import EROFS
from pathlib import Path

from edge_client.buffer import captured_at
from edge_client.folder_lock import is_held, was_used
from edge_client.segment import SETTLED, Disk, Segment, segment_paths
from edge_client.spool import LIVE_MAX_AGE_S
from framewatch.domain.frames import is_camera_id
from framewatch.wire.envelope import format_utc


class _LookingDisk(Disk):
    def open(self, path: Path, flags: int) -> int:  # noqa: ARG002 - whatever was asked
        return super().open(path, os.O_RDONLY)

    def truncate(self, fd: int, size: int) -> None:  # noqa: ARG002
        raise OSError(EROFS, os.strerror(EROFS))


@dataclass(frozen=True, slots=True)
class Waiting:
    camera_id: str
    lane: str
    records: int
    bytes: int
    oldest_captured_at: datetime | None


class CameraFolder:
    """One camera's waiting records as they lie on the disk at this moment, oldest first."""

    def __init__(self, folder: Path) -> None:
        self.damaged = 0
        self._records: list[tuple[Segment, int]] = []
        for path in segment_paths(folder):
            try:
                segment = Segment.load(path, _LookingDisk())
            except OSError:  # its client has just deleted it
                continue
            self.damaged += segment.damaged
            self._records += [(segment, i) for i, state in enumerate(segment.states) if state != SETTLED]

    def __len__(self) -> int:
        return len(self._records)

    def frame_ids(self) -> Iterator[str]:
        for segment, index in self._records:
            yield segment.frame_id(index)

    def bytes_of(self, records: slice) -> int:
        return sum(segment.length(index) for segment, index in self._records[records])

    def captured_at(self, number: int) -> datetime | None:
        segment, index = self._records[number]
        try:
            found = segment.read(index)
        except OSError:
            return None
        return captured_at(found[1]) if found else None


def look(folder: Path, now: datetime) -> list[Waiting]:
    """For each camera its backlog and its live records. What lies there without a client is backlog."""
    runs = is_held(folder)
    waiting: list[Waiting] = []
    for path in sorted(p for p in folder.iterdir() if p.is_dir() and is_camera_id(p.name)):
        camera = CameraFolder(path)
        first_live = len(camera)
        while runs and first_live:
            at = camera.captured_at(first_live - 1)
            if at is None or (now - at).total_seconds() > LIVE_MAX_AGE_S:
                break
            first_live -= 1
        for lane, records in (("live", slice(first_live, len(camera))), ("backlog", slice(0, first_live))):
            number = records.stop - records.start
            if number:
                oldest = camera.captured_at(records.start)
                waiting.append(Waiting(path.name, lane, number, camera.bytes_of(records), oldest))
    return waiting


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    spool = commands.add_parser("spool", help="what waits on disk for the stream, for each camera and lane")
    spool.add_argument("--folder", required=True, type=Path, metavar="F", help="the spool folder")
    spool.add_argument("--log-format", choices=("human", "json"), default="human")
    spool.set_defaults(run=lambda args, _parser: run(args))


def run(args: argparse.Namespace) -> int:
    """Returns 0, or 2 when there is no such folder, or it is no client's."""
    now = datetime.now(UTC)
    try:
        waiting = look(args.folder, now)
    except OSError as error:
        print(
            f"{args.folder} cannot be read: {error.strerror}; name the spool folder of the client.", file=sys.stderr
        )
        return 2
    if not waiting and not was_used(args.folder):
        print(f"no client has ever run on {args.folder}; name the spool folder of the client.", file=sys.stderr)
        return 2
    if args.log_format == "json":
        print(json.dumps({"client_runs": is_held(args.folder), "waiting": [_as_json(w) for w in waiting]}))
        return 0
    print("a client runs on it" if is_held(args.folder) else "no client runs on it; the next one sends what waits")
    if not waiting:
        print("nothing waits")
    for w in waiting:
        at = w.oldest_captured_at
        oldest = "its oldest tells no time" if at is None else f"oldest {format_utc(at)} ({_age(now, at)})"
        print(f"{w.camera_id:24} {w.lane:8} {w.records:8} records {w.bytes / 1e6:10.1f} MB  {oldest}")
    return 0


def _age(now: datetime, at: datetime) -> str:
    seconds = int((now - at).total_seconds())
    if seconds < 0:
        return "in the future: a clock is wrong"
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours} h {minutes} min ago" if hours else f"{minutes} min {seconds % 60} s ago"


def _as_json(waiting: Waiting) -> dict[str, object]:
    at = waiting.oldest_captured_at
    return {
        "camera_id": waiting.camera_id,
        "lane": waiting.lane,
        "records": waiting.records,
        "bytes": waiting.bytes,
        "oldest_captured_at": None if at is None else format_utc(at),
    }
