"""`python -m local_cloud.tethered [--remove PATH] MODULE [ARGUMENT...]`: a module that never outlives its starter.

Standard input is the tether: nothing is ever written to it, and when its other end closes - the starter ended,
however it ended, SIGKILL included - the whole process group is killed, this process and all that it started. PATH, a
folder or a file, is removed then: what still ran would go on writing into it. The starter gives each its own session,
so that Ctrl-C on the terminal reaches the starter alone.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading

# Outlives the group. What is killed in the middle of a call ends it first, so that a folder may fill once more.
_KILL_AND_REMOVE = (
    'kill -KILL -- "-$0"; n=0; while [ $n -lt 50 ]; do rm -rf -- "$1" && exit; sleep 0.2; n=$((n+1)); done'
)


def _hold(tether_fd: int, remove: str | None) -> None:
    while os.read(tether_fd, 4096):
        pass
    group = os.getpgrp()
    try:
        if remove is not None:
            subprocess.Popen(
                ["/bin/sh", "-c", _KILL_AND_REMOVE, str(group), remove],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
    finally:
        os.killpg(group, signal.SIGKILL)


def main(argv: list[str]) -> None:
    remove = None
    if argv[0] == "--remove":
        remove, argv = argv[1], argv[2:]
    # The module and its children get an empty standard input; the duplicate is not inherited.
    tether_fd = os.dup(0)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is what is wanted
        os.dup2(nothing.fileno(), 0)
    threading.Thread(target=_hold, args=(tether_fd, remove), daemon=True, name="tether").start()
    sys.argv = argv
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
