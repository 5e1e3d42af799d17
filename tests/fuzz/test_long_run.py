"""The long run as a test; `python -m tests.fuzz` shows more of it."""

import re
import subprocess
import sys

import pytest

from tests.fuzz import LONG_CASES


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_hundred_thousand_cases_crash_hang_and_leak_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz"], capture_output=True, text=True, timeout=3500, check=False
    )
    assert done.returncode == 0, done.stdout[-10_000:]
    assert int(re.search(r"fuzz: (\d+) cases", done.stdout)[1]) >= LONG_CASES
