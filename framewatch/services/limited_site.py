"""The site with the limits that hold now: those of its file, or what an administrator has set in their place.

The one place where the two meet: who texts is given the result, and knows of no override.
"""

from framewatch.domain.limits import LimitOverride
from framewatch.domain.site import SiteConfig
from framewatch.services.last_known import LastKnown
from framewatch.services.ports import Clock, LimitOverrides, SiteSource


class LimitedSite:
    """A SiteSource."""

    def __init__(self, whole: SiteSource, overrides: LimitOverrides, clock: Clock):
        self._whole = whole
        self._clock = clock
        self._override = LastKnown[LimitOverride | None]("what limits were set", overrides.override, None)

    def current(self) -> SiteConfig:
        """Raises SiteFileError when there never was one. While no override can be read, the last one known holds."""
        site, now = self._whole.current(), self._clock.now()
        override = self._override.at(now)
        if override is None or not override.holds(now):
            return site
        return site.model_copy(update={"limits": override.over(site.limits)})
