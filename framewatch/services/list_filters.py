"""Which cameras a query asks about, what of theirs it wants, and what its cursor is bound to."""

from collections.abc import Callable, Collection
from typing import Any

from pydantic import BaseModel

from framewatch.domain.alert_settings import zone_polygons
from framewatch.domain.errors import InvalidQuery
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.labels import fold
from framewatch.domain.rules import stands_in
from framewatch.domain.site import SiteConfig

Stands = Callable[[str, BoxXYXYRel | None], bool]
"""Whether a box in the picture of this camera stands where the query asks."""


def choose_cameras(wanted: Collection[str], site: SiteConfig) -> list[str]:
    """In the site's order; none wanted: all. Raises InvalidQuery."""
    known = [c.id for c in site.cameras]
    for camera in wanted:
        if camera not in known:
            raise InvalidQuery(f"camera: {camera[:63]!r} is not a camera of this site; known are: {', '.join(known)}")
    return [camera for camera in known if camera in wanted] if wanted else known


def choose_zone(zone: str | None, cameras: list[str], site: SiteConfig) -> tuple[list[str], Stands]:
    """Those of the cameras that have a zone of this id, and what stands in it. Raises InvalidQuery."""
    if zone is None:
        return cameras, _anywhere
    chosen = [camera for camera in site.cameras if camera.id in cameras]
    polygons = {camera.id: found for camera in chosen if (found := zone_polygons(camera.zones, [zone]))}
    if not polygons:
        known = sorted({z.id for camera in chosen for z in camera.zones})
        there_are = f"known are: {', '.join(known)}" if known else "they have none"
        raise InvalidQuery(f"zone: {zone[:63]!r} is not a zone of these cameras; {there_are}")
    return list(polygons), lambda camera_id, box: box is not None and stands_in(polygons[camera_id], box)


def _anywhere(_: str, __: BoxXYXYRel | None) -> bool:
    return True


def filters_of(query: BaseModel) -> list[Any]:
    """Everything that decides what there is; not `limit`, which may change from page to page."""
    told = query.model_dump(mode="json", exclude={"limit", "cursor"})
    return [_plain(name, value) for name, value in told.items()]


def _plain(name: str, value: Any) -> Any:
    """Two ways to say the same are the same."""
    if isinstance(value, list):
        return sorted({_plain(name, each) for each in value})
    return fold(value) if name == "label" and value is not None else value
