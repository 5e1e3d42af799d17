"""The site with the limits that hold now: those of its file, or what an administrator has set in their place.

The one place where the two meet: who texts is given the result, and knows of no override.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from framewatch.domain.errors import FramewatchError
from framewatch.domain.limits import LimitOverride
from framewatch.domain.site import SiteConfig
from framewatch.services.ports import Clock, LimitOverrides, SiteSource

# Within a minute of being set it holds everywhere; a read in 30 s and process costs some ten cents a month and shard.
READ_EVERY = timedelta(seconds=30)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class LimitedSite:
    """A SiteSource. Two threads may read at once, and no more comes of it than one read too many."""

    whole: SiteSource
    overrides: LimitOverrides
    clock: Clock
    _override: LimitOverride | None = field(default=None, init=False)
    _read_at: datetime | None = field(default=None, init=False)

    def current(self) -> SiteConfig:
        """Raises SiteFileError when there never was one. While no override can be read, the last one known holds."""
        site, now = self.whole.current(), self.clock.now()
        # A clock that was set back must not keep an old one for hours.
        if self._read_at is None or not timedelta() <= now - self._read_at < READ_EVERY:
            self._read_at = now
            try:
                self._override = self.overrides.override()
            except FramewatchError as error:
                _log.warning("limits that may have been set are not known, going on as before: %s", error)
        override = self._override
        if override is None or not override.holds(now):
            return site
        return site.model_copy(update={"limits": override.over(site.limits)})
