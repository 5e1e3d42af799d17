"""One process a folder: two that shared a spool would send, and delete, each other's records."""

import fcntl
import os
from pathlib import Path

from edge_client.segment import Disk

_NAME = "lock"


class SpoolError(Exception):
    """The spool cannot be used. The message is a sentence for a person."""


class FolderLock:
    """Held until `release`, or until the process is gone, however it went."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        """Makes the folder. Raises SpoolError when it cannot be written or another process has it."""
        self._disk = disk
        try:
            disk.make_folder(folder)
            self._fd = disk.open(folder / _NAME, os.O_RDWR | os.O_CREAT)
            probe = folder / ".probe"
            disk.close(disk.open(probe, os.O_RDWR | os.O_CREAT))
            disk.unlink(probe)
        except OSError as error:
            raise SpoolError(
                f"the spool folder {folder} cannot be written: {error.strerror or error};"
                " give the client a folder of its own that it may write, on a disk that is not mounted read-only."
            ) from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._fd, 20, 0).decode(errors="replace").strip()
            disk.close(self._fd)
            raise SpoolError(
                f"the spool folder {folder} is in use by another client"
                f"{f' (process {holder})' if holder.isdecimal() else ''}; stop that one, or name another folder."
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        self._disk.close(self._fd)


def was_used(folder: Path) -> bool:
    """Whether a client ever ran on this folder."""
    return (folder / _NAME).exists()


def is_held(folder: Path) -> bool:
    """Whether a client runs on this folder. Changes nothing."""
    try:
        fd = os.open(folder / _NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
