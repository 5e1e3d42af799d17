"""python -m tests.fuzz [cases]: the long run, in this process. Prints how many cases ran and in what time."""

import os
import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    from tests.fuzz import LONG_CASES

    os.environ["FRAMEWATCH_FUZZ_CASES"] = sys.argv[1] if len(sys.argv) > 1 else str(LONG_CASES)
    sys.modules.pop("tests.fuzz")  # it has read the number already
    folder = str(Path(__file__).parent)
    sys.exit(pytest.main([folder, "-q", "-p", "no:xdist", "-m", "not long", "--timeout=1800", *sys.argv[2:]]))
