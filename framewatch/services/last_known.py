"""What somebody may change at any time, read twice a minute, and not for each frame."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from framewatch.domain.errors import FramewatchError

# Within a minute of being changed it holds everywhere; a read in 30 s and process costs ten cents a month and shard.
READ_EVERY = timedelta(seconds=30)

_log = logging.getLogger(__name__)

T = TypeVar("T")


class LastKnown(Generic[T]):
    """While it cannot be read, what was last known holds. Two threads may ask at once: one read too many, no more."""

    def __init__(self, what: str, read: Callable[[], T], at_first: T):
        """what: goes into a log, before "is not known". at_first: holds until it could be read once."""
        self._what = what
        self._read = read
        self._known = at_first
        self._read_at: datetime | None = None

    def at(self, now: datetime) -> T:
        """Raises what `read` raises beside FramewatchError, which is logged."""
        # A clock that was set back must not keep an old one for hours.
        if self._read_at is None or not timedelta() <= now - self._read_at < READ_EVERY:
            self._read_at = now
            try:
                self._known = self._read()
            except FramewatchError as error:
                _log.warning("%s is not known, going on as before: %s", self._what, error)
        return self._known
