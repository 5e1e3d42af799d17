"""What a process on a tether leaves when its starter is gone."""

import os
import subprocess
import sys
from pathlib import Path

from tests.waiting import wait_until

BUSY = """
import pathlib, sys, threading
def fill(name):
    n = 0
    while True:
        n += 1
        (pathlib.Path(sys.argv[1]) / f"{name}-{n}" / "code").mkdir(parents=True)
for name in "abcd":
    threading.Thread(target=fill, args=(name,)).start()
"""


def test_a_folder_that_is_being_filled_goes_with_whatever_fills_it(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    folder = tmp_path / "scratch"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "local_cloud.tethered", "--remove", str(folder), "busy", str(folder)],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])},
        start_new_session=True,
    )
    wait_until(lambda: len(list(folder.iterdir())) > 20, 60)
    assert process.stdin
    process.stdin.close()
    assert process.wait(60) == -9
    wait_until(lambda: not folder.exists(), 60)
