"""Waiting for what another thread or process brings about."""

import time

PATIENCE_S = 60.0


def wait_until(what, seconds=PATIENCE_S, why="waited too long"):
    """What it returned, once that is true. why: said when it never is; a function is asked only then."""
    deadline_s = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline_s, why() if callable(why) else why
        time.sleep(0.05)
    return found
