"""One page of frames for the dashboard. What a page costs is stated in frame_merge.py."""

import re
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from framewatch.domain.labels import fold
from framewatch.domain.site import SiteConfig
from framewatch.services.frame_merge import FramePages, end_of_day, merge_newest_first
from framewatch.services.list_filters import choose_cameras, filters_of
from framewatch.services.list_pages import CLOCK_AHEAD, decode_place, encode_place
from framewatch.services.ports import Clock, ImageStore, SiteSource
from framewatch.wire.api import FramesPage, FramesQuery, FrameView, SiteView
from framewatch.wire.envelope import format_utc
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import day_of, index_name

_POSITION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[A-Za-z0-9:.#-]{0,150}")


@dataclass(frozen=True, slots=True)
class FetchDeps:
    site: SiteSource
    pages: FramePages
    images: ImageStore
    clock: Clock
    image_url_ttl: timedelta
    executor: Executor | None = None


def fetch_site(deps: FetchDeps) -> SiteView:
    return SiteView.of(deps.site.current())


def fetch_frames(query: FramesQuery, deps: FetchDeps) -> FramesPage:
    """Raises InvalidQuery, StorageUnavailable."""
    site = deps.site.current()
    cameras = choose_cameras([query.camera] if query.camera else (), site)
    indexes = [index_name(camera_id, query.label, query.watch_only) for camera_id in cameras]
    merged = merge_newest_first(
        deps.pages,
        indexes,
        before_sk=_start(query, deps.clock.now()),
        floor_sk=format_utc(query.from_) if query.from_ else None,
        limit=query.limit,
        wanted=_wanted(query),
        executor=deps.executor,
    )
    next_cursor = encode_cursor(query, merged.resume_before) if merged.resume_before else None
    return FramesPage(frames=frame_views(merged.frames, site, deps), next_cursor=next_cursor)


def _wanted(query: FramesQuery) -> Callable[[StoredFrame], bool] | None:
    """What a frame of the right camera and label must be besides; None when it need be nothing."""
    least = query.min_confidence
    if least is None:
        return None
    asked = fold(query.label) if query.label is not None else None

    def is_sure(frame: StoredFrame) -> bool:
        labels = (label.to_domain() for label in frame.labels if label.confidence >= least)
        return any(asked is None or asked in label.names_folded for label in labels)

    return is_sure


def _start(query: FramesQuery, now: datetime) -> str:
    """The sort key below which the page begins."""
    if query.cursor is not None:
        return decode_cursor(query)
    if query.to is not None:
        return format_utc(query.to)
    return end_of_day(day_of(now + CLOCK_AHEAD))


def frame_views(frames: list[StoredFrame], site: SiteConfig, deps: FetchDeps) -> tuple[FrameView, ...]:
    names = {camera.id: camera.display_name for camera in site.cameras}
    # A link's life is counted from the second in which it is signed. A link signed with a role's credentials also
    # ends with them; Lambda renews those hours ahead, so a lifetime of minutes is not cut short in practice.
    expires_at = deps.clock.now().astimezone(UTC).replace(microsecond=0) + deps.image_url_ttl
    return tuple(
        FrameView.of(
            frame,
            camera_name=names.get(frame.camera_id, frame.camera_id),
            image_url=deps.images.url(frame.image_key, deps.image_url_ttl),
            image_url_expires_at=expires_at,
        )
        for frame in frames
    )


def encode_cursor(query: FramesQuery, position: str) -> str:
    """Opaque to clients. Holds a place in time, not a count: frames that arrive meanwhile shift nothing."""
    return encode_place(position, filters_of(query))


def decode_cursor(query: FramesQuery) -> str:
    """The position in the query's cursor. Raises InvalidQuery when it is damaged or from other filters."""
    place, _ = decode_place(query.cursor or "", filters_of(query), lambda text: bool(_POSITION.fullmatch(text)))
    return place
