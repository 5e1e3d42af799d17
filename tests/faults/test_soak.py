"""A demo that is left running, with somebody looking at it: `make test-long`. FRAMEWATCH_SOAK_S sets how long."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import time

import httpx
import psutil
import pytest

from local_cloud.cameras import demo_clip
from tests.front import open_dashboard
from tests.waiting import wait_until

SOAK_S = float(os.environ.get("FRAMEWATCH_SOAK_S", "1200"))
# The emulator grows until the demo begins to let go of old frames, after ten minutes or so; nothing else does.
WARM_UP_SHARE = 0.5
# Python's allocator gives little back; what leaks goes on growing and passes this within the soak.
MOST_GROWTH = 1.1


def memory_bytes(process: psutil.Process) -> int:
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def opened(demo: psutil.Popen, url: str) -> httpx.Client:
    """The dashboard, as soon as there is one."""

    def try_it() -> httpx.Client | None:
        assert demo.poll() is None, demo.stderr.read()
        try:
            return open_dashboard(url)
        except httpx.TransportError:
            return None

    return wait_until(try_it, why=lambda: "the demo did not start")


@pytest.mark.long
@pytest.mark.timeout(SOAK_S + 300)
def test_a_demo_with_a_reader_does_not_grow_and_ends_clean():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "local_cloud.cli", "demo", "--no-browser", "--port", str(port), "--every", "10"]
    command += ["--source", demo_clip(), "--source", demo_clip()]
    demo = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seen: list[int] = []
    newest = ""
    try:
        page = opened(demo, f"http://127.0.0.1:{port}")
        started = time.monotonic()
        while time.monotonic() - started < SOAK_S:
            assert demo.poll() is None, demo.stderr.read()
            time.sleep(5)
            seen.append(memory_bytes(demo))
            answer = page.get("/v1/frames")
            if answer.status_code == httpx.codes.UNAUTHORIZED:  # a token lasts for an hour
                page = opened(demo, f"http://127.0.0.1:{port}")
                continue
            frames = answer.raise_for_status().json()["frames"]
            before, newest = newest, (frames or [{"captured_at": newest}])[0]["captured_at"]
            assert newest >= before, "newest first went back"
        assert newest, "no frame was ever shown"
        below = demo.children(recursive=True)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
        assert psutil.wait_procs(below, timeout=10)[1] == []
    finally:
        if demo.poll() is None:
            demo.terminate()
            demo.wait(30)
    warm = seen[int(len(seen) * WARM_UP_SHARE) :]
    early, late = warm[: len(warm) // 3], warm[-len(warm) // 3 :]
    growth = statistics.median(late) / statistics.median(early)
    print(f"memory of the whole demo: {statistics.median(late) / 1e6:.0f} MB, {growth:.2f} of what it was early")
    assert growth <= MOST_GROWTH
