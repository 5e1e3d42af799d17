"""The site as one caller may know it: with the cameras of their groups, and the rules that cover any of these.

The one place where what somebody may see is decided: whatever answers a request is given the narrowed site, and knows
of no other camera. None is read for it, none is listed, and to ask for one is to ask for a camera that is not there.
"""

from collections.abc import Collection
from dataclasses import dataclass

from framewatch.domain.access import Caller
from framewatch.domain.alert_settings import Rule
from framewatch.domain.site import Camera, SiteConfig
from framewatch.services.ports import SiteSource


@dataclass(frozen=True, slots=True)
class CallersSite:
    """A SiteSource."""

    whole: SiteSource
    caller: Caller

    def current(self) -> SiteConfig:
        """Raises SiteFileError when there never was one."""
        site, groups = self.whole.current(), self.caller.camera_groups
        return with_cameras(site, {c.id for c in site.cameras if c.group in groups}) if groups else site


def with_cameras(site: SiteConfig, camera_ids: Collection[str]) -> SiteConfig:
    """Perhaps with no camera at all, which no site file may say."""
    cameras = tuple(camera for camera in site.cameras if camera.id in camera_ids)
    rules = tuple(kept for rule in site.rules if (kept := _covering(rule, cameras)) is not None)
    fields = {name: getattr(site, name) for name in SiteConfig.model_fields}
    # Not checked again: that a rule's contacts are there, say, was, and that there is a camera need not hold.
    return SiteConfig.model_construct(**(fields | {"cameras": cameras, "rules": rules}))


def _covering(rule: Rule, cameras: Collection[Camera]) -> Rule | None:
    """None when it covers none of the cameras. Else it names no other one, and no zone that none of them has."""
    zone_ids = {camera.id: [zone.id for zone in camera.zones] for camera in cameras}
    covered = [camera_id for camera_id, ids in zone_ids.items() if rule.covers(camera_id, ids)]
    named = tuple(camera_id for camera_id in rule.cameras if camera_id in zone_ids)
    zones = tuple(zone for zone in rule.zones if any(zone in ids for ids in zone_ids.values()))
    if not covered or (rule.zones and not zones):  # without its zones it would seem to look everywhere
        return None
    return rule.model_copy(update={"cameras": named, "zones": zones})
