"""A file of settings, checked before anything is done with it."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from framewatch.domain.errors import PermanentError
from infra.tasks.problem import TaskProblem

_Config = TypeVar("_Config")


def checked_file(path: Path, read: Callable[[bytes, str], _Config], *, example: str) -> tuple[bytes, _Config]:
    """The file's text and what it says. Raises TaskProblem with file, line and the fix.

    read: of text and file name; raises PermanentError. example: what to begin with when there is no file.
    """
    if not path.is_file():
        raise TaskProblem(f"there is no {path}; copy {example} there and make it yours")
    text = path.read_bytes()
    try:
        return text, read(text, str(path))
    except PermanentError as error:
        raise TaskProblem(str(error)) from error
