"""The edge file while the service runs: read again when it changed, and never worse than the last good one."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from edge_client.config import EdgeConfig, EdgeFileError, EdgeFileMissing, read_edge_text

FILE_POLL_S = 1.0


class ConfigSource(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def poll_s(self) -> float: ...

    def version(self) -> str:
        """Another one when the text may be another. Raises EdgeFileError, EdgeFileMissing where there is none."""
        ...

    def read(self) -> bytes:
        """Raises EdgeFileError."""
        ...


class FileSource:
    poll_s = FILE_POLL_S

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    def version(self) -> str:
        try:
            stat = self._path.stat()
        except OSError as error:
            raise self._unreadable(error) from None
        return f"{stat.st_mtime_ns}:{stat.st_size}:{stat.st_ino}"

    def read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> EdgeFileError:
        kind = EdgeFileMissing if isinstance(error, FileNotFoundError) else EdgeFileError
        return kind(f"{self.name}: cannot be read ({error.strerror}); check the path and its rights")


class ConfigWatch:
    """on_change: a good file that says something else than the one before. on_error: what is wrong with the newest,
    once; None when it is good again."""

    def __init__(
        self,
        source: ConfigSource,
        *,
        on_change: Callable[[EdgeConfig], None],
        on_error: Callable[[str | None], None],
    ) -> None:
        self._source = source
        self._on_change = on_change
        self._on_error = on_error
        self._config: EdgeConfig | None = None
        self._read_version = ""
        self._seen_version = ""
        self._error: str | None = None
        self._asked = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._watch, name="config", daemon=True)

    def load(self) -> EdgeConfig:
        """The first time. Raises EdgeFileError."""
        self._read_version = self._seen_version = self._source.version()
        self._config = read_edge_text(self._source.read(), self._source.name)
        return self._config

    def start(self) -> None:
        self._thread.start()

    def ask(self) -> None:
        """Read it now, changed or not. May be called in a signal handler."""
        self._asked.set()

    def stop(self) -> None:
        self._ending = True
        self._asked.set()

    def _watch(self) -> None:
        while not self._ending:
            asked = self._asked.wait(self._source.poll_s)
            self._asked.clear()
            if not self._ending:
                self.look(asked=asked)

    def look(self, *, asked: bool = False) -> None:
        try:
            version = self._source.version()
            # What is just being written is looked at when it has been the same twice.
            is_settled, self._seen_version = version == self._seen_version, version
            if not asked and (version == self._read_version or not is_settled):
                return
            self._read_version = version
            config = read_edge_text(self._source.read(), self._source.name)
        except EdgeFileError as error:
            self._say(str(error))
            return
        self._say(None)
        if config != self._config:
            self._config = config
            self._on_change(config)

    def _say(self, error: str | None) -> None:
        if error != self._error:
            self._error = error
            self._on_error(error)
