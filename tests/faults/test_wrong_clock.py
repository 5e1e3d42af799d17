"""The clock that box storms set."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.edge_box import ROOT

# A process and its child say what time it is, the child after the file has changed.
_CODE = """
import datetime, subprocess, sys, time
from botocore.compat import get_current_datetime
told = [time.time(), time.time_ns() / 1e9, datetime.datetime.now(datetime.UTC).timestamp(),
        get_current_datetime().replace(tzinfo=datetime.UTC).timestamp(), time.mktime(time.localtime())]
assert isinstance(datetime.datetime.fromtimestamp(0, datetime.UTC), datetime.datetime)
print(*told, time.monotonic(), flush=True)
if len(sys.argv) == 1:
    input()
    print(time.time(), flush=True)
    subprocess.run([sys.executable, "-P", "-c", sys.stdin.read(), "child"], check=True)
"""


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
def test_a_process_and_its_child_take_the_files_time_for_the_time_of_day(tmp_path, ahead_s):
    file = tmp_path / "clock"
    file.write_text(str(ahead_s))
    folder = Path(__file__).with_name("wrong_clock")
    env = {**os.environ, "FRAMEWATCH_TEST_CLOCK": str(file), "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    before_s, monotonic_before_s = time.time(), time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-P", "-c", _CODE], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        *told_s, monotonic_s = map(float, process.stdout.readline().split())
        (tmp_path / "new").write_text("0")
        (tmp_path / "new").replace(file)
        after, _ = process.communicate(f"\n{_CODE}")
    later_s, *child_s = [float(line.split()[0]) for line in after.splitlines()]
    now_s = time.time()
    assert all(before_s - 1 <= each_s - ahead_s <= now_s for each_s in told_s)
    assert monotonic_before_s <= monotonic_s <= time.monotonic()
    assert before_s <= later_s <= child_s[0] <= now_s
