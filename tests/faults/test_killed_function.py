"""The function's process is killed while it works; Lambda's redelivery repairs it."""

import contextlib
import json
import subprocess
import sys
import time

import psutil
import pytest

from local_cloud.cameras import demo_clip

KILLS = 3


def function_processes(run: psutil.Process) -> list[psutil.Process]:
    found = []
    for each in run.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if any("ImageProcessor" in word for word in each.cmdline()):
                found.append(each)
    return found


@pytest.mark.long  # the storms kill the function, too, and are the shorter way
def test_frames_in_a_function_that_is_killed_at_work_are_stored_by_the_redelivery(tmp_path):
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "local_cloud.cli", "run", "--once", "--fast", "--no-browser", "--every", "4"]
    command += ["--source", demo_clip(), "--watch", "Vehicle", "--min-confidence", "50", "--report", str(report)]
    log = (tmp_path / "log").open("w+")
    run = psutil.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        killed: set[int] = set()
        while run.poll() is None and len(killed) < KILLS:
            time.sleep(0.2)
            log.seek(0)
            if "frames are sent" not in log.read():
                continue  # warming up: nothing is at work yet
            for process in function_processes(run):
                if process.pid not in killed:
                    time.sleep(0.5)  # into its batch
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
                        killed.add(process.pid)
        assert run.wait(120) == 0, log.read()
    finally:
        if run.poll() is None:
            run.terminate()
            run.wait(30)
    assert len(killed) == KILLS
    told = json.loads(report.read_text("utf-8"))
    frames = told["frames"]
    assert (frames["stored"], frames["lost"], told["errors"]) == (63, 0, [])
    assert frames["duplicates"] > 0, "nothing was redelivered, so nothing was proved"
    with_vehicle = next(label["count"] for label in told["labels"] if label["name"] == "Vehicle")
    assert [(visit["label"], visit["frames"]) for visit in told["visits"]] == [("Vehicle", with_vehicle)]
    assert len(told["sms"]) == 1
