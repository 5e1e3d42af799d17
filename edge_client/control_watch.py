"""The control document while the service runs: read again and again, and never worse than the last good one.

Without a document nothing is asked of the box. What is not a good one changes nothing and is told; so does a store
that cannot be asked. Both for as long as the last good document says and no longer.
"""

import threading
from collections.abc import Callable
from datetime import datetime

from edge_client.config import EdgeFileError, EdgeFileMissing
from edge_client.config_watch import ConfigSource
from framewatch.domain.edge_control import EdgeControl
from framewatch.domain.errors import EdgeControlError
from framewatch.wire.edge_control import decode_edge_control


class ControlWatch:
    """on_error: what is wrong with the newest, once; None when nothing is any more."""

    def __init__(self, source: ConfigSource, *, on_error: Callable[[str | None], None]) -> None:
        self._source = source
        self._on_error = on_error
        self._read_version: str | None = None
        self._bad: str | None = None
        self._error: str | None = None
        self._control: EdgeControl | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="control", daemon=True)

    @property
    def name(self) -> str:
        return self._source.name

    def at(self, now: datetime) -> EdgeControl | None:
        """What holds then, None when nothing is asked. May be called from any thread."""
        control = self._control
        return control if control is not None and now < control.until else None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()

    def _watch(self) -> None:
        self.look()
        while not self._ending.wait(self._source.poll_s):
            self.look()

    def look(self) -> None:
        try:
            version = self._source.version()
            if version != self._read_version:
                self._take(self._source.read())
                self._read_version = version
        except EdgeFileMissing:
            self._control, self._read_version, self._bad = None, None, None
        except EdgeFileError as error:
            self._say(str(error))
            return
        self._say(self._bad)

    def _take(self, text: bytes) -> None:
        try:
            self._control, self._bad = decode_edge_control(text), None
        except EdgeControlError as error:
            self._bad = f"{self.name}: {error}"

    def _say(self, error: str | None) -> None:
        if error != self._error:
            self._error = error
            self._on_error(error)
