"""The spool's disk: appending, draining, and what a start costs after a kill.

    python -m benchmarks.spool [--megabytes 1000]

Appending is compared with writing the same bytes, frame by frame, to one plain file under the same policy: fsync what
is older than 5 s, every 64 MB, and everything at the end. Both write to this folder's disk, in turns; medians. The
spool's checksum and index cost processor time that the plain file does not need; its fsyncs run beside. Draining is
taking the whole backlog in requests of 1 MB and acknowledging each record. Recovery is the opening of a spool whose
writer was killed with SIGKILL, until its first record is taken; once as the kill left it, and once with its files
dropped from the page cache.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

from edge_client.buffer import Record
from edge_client.pace import MAX_REQUEST_BYTES
from edge_client.segment import segment_paths
from edge_client.shelves import FULL_UNSYNCED, SEGMENT_BYTES
from edge_client.spool import SYNC_AFTER_S, Spool

# JPEGs of a small and of a full HD picture.
FRAMES_BYTES = (50_000, 200_000)
TARGET_APPEND, TARGET_DRAIN_BPS = 0.7, 100e6
MB = 1_000_000

_WRITER = """
import sys
from pathlib import Path
from benchmarks.spool import frames
from edge_client.buffer import Record
from edge_client.shelves import FULL_UNSYNCED, SEGMENT_BYTES
from edge_client.spool import Spool
spool = Spool(Path(sys.argv[1]), max_bytes=1 << 40)
for frame_id, data in frames(int(sys.argv[2]), int(sys.argv[3])):
    spool.put(Record("front-door", frame_id, data), drop_oldest=True)
print("written", flush=True)
sys.stdin.read()
"""


def frames(megabytes: int, frame_bytes: int) -> list[tuple[str, bytes]]:
    """Frame ids with random bytes, as incompressible as JPEGs; a hundred different ones."""
    pictures = cycle([os.urandom(frame_bytes) for _ in range(100)])
    ids = (f"front-door.20260501T080000Zabcdef.{n:010d}" for n in range(megabytes * MB // frame_bytes))
    return [(frame_id, next(pictures)) for frame_id in ids]


def append_to_file(folder: Path, content: list[tuple[str, bytes]]) -> float:
    began_s = synced_s = time.perf_counter()
    with (folder / "plain").open("wb", buffering=0) as file:
        unsynced = 0
        for _, data in content:
            unsynced += file.write(data)
            if time.perf_counter() - synced_s > SYNC_AFTER_S or unsynced >= FULL_UNSYNCED * SEGMENT_BYTES:
                os.fsync(file.fileno())
                synced_s = time.perf_counter()
                unsynced = 0
        os.fsync(file.fileno())
    return time.perf_counter() - began_s


def append_to_spool(folder: Path, content: list[tuple[str, bytes]]) -> float:
    spool = Spool(folder, ["front-door"], max_bytes=1 << 40)
    began_s = time.perf_counter()
    for frame_id, data in content:
        spool.put(Record("front-door", frame_id, data), drop_oldest=True)
    spool.abort()
    return time.perf_counter() - began_s


def drain(folder: Path) -> tuple[float, int]:
    """Seconds and bytes."""
    spool = Spool(folder, max_bytes=1 << 40)
    began_s = time.perf_counter()
    size = 0
    while batch := spool.take(timeout_s=0, backlog_bytes=MAX_REQUEST_BYTES):
        for record in batch:
            size += len(record.data)
            spool.ack(record)
    seconds = time.perf_counter() - began_s
    spool.abort()
    return seconds, size


def recover(folder: Path) -> tuple[float, int]:
    began_s = time.perf_counter()
    spool = Spool(folder, max_bytes=1 << 40)
    first = spool.take(timeout_s=0, backlog_bytes=1)
    seconds = time.perf_counter() - began_s
    assert first
    records = spool.depth("front-door").records
    spool.abort()
    return seconds, records


def write_and_kill(folder: Path, megabytes: int) -> None:
    command = [sys.executable, "-c", _WRITER, str(folder), str(megabytes), str(FRAMES_BYTES[0])]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdin is not None
    assert writer.stdout.readline() == b"written\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdin.close()
    writer.stdout.close()


def leave_the_page_cache(folder: Path) -> None:
    for path in segment_paths(folder / "front-door"):
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def append_and_drain(megabytes: int, frame_bytes: int, rounds: int) -> None:
    content = frames(megabytes, frame_bytes)
    size = sum(len(data) for _, data in content)
    plain_s, spool_s, drain_bps = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            plain_s.append(append_to_file(Path(folder), content))
        os.sync()
        with tempfile.TemporaryDirectory(dir=".") as folder:
            spool_s.append(append_to_spool(Path(folder), content))
            seconds, drained = drain(Path(folder))
            assert drained == size
            drain_bps.append(drained / seconds)
        os.sync()
    plain, ours = statistics.median(plain_s), statistics.median(spool_s)
    drained_bps = statistics.median(drain_bps)
    print(
        f"frames of {frame_bytes / 1000:.0f} KB: append {size / ours / MB:.0f} MB/s, a plain file"
        f" {size / plain / MB:.0f} MB/s: {plain / ours:.2f} of it (at least {TARGET_APPEND});"
        f" drain {drained_bps / MB:.0f} MB/s (at least {TARGET_DRAIN_BPS / MB:.0f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    for frame_bytes in FRAMES_BYTES:
        append_and_drain(args.megabytes // 2, frame_bytes, args.rounds)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        write_and_kill(Path(folder), args.megabytes)
        warm_s, records = recover(Path(folder))
        leave_the_page_cache(Path(folder))
        cold_s, again = recover(Path(folder))
        assert records == again == args.megabytes * MB // FRAMES_BYTES[0]
        print(f"recover {args.megabytes} MB, {records} records: {warm_s:.2f} s; not in the page cache {cold_s:.2f} s")


if __name__ == "__main__":
    main()
