"""Pages of visits. What a page costs is stated in list_pages.py."""

from datetime import UTC, timedelta

from framewatch.domain.labels import fold
from framewatch.domain.visits import Visit
from framewatch.services.list_alerts import ListDeps
from framewatch.services.list_pages import (
    Walk,
    choose_cameras,
    choose_span,
    decode_place,
    encode_place,
    is_sort_key,
)
from framewatch.wire.api_visits import VisitsPage, VisitsQuery, VisitView
from framewatch.wire.envelope import format_utc
from framewatch.wire.items import image_key_of

# Where most of what is read may be left out, more is asked for at once.
_FILTERED_PAGE = 100


def list_visits(query: VisitsQuery, deps: ListDeps) -> VisitsPage:
    """Raises InvalidQuery, StorageUnavailable."""
    site, now = deps.site.current(), deps.clock.now().astimezone(UTC)
    label = fold(query.label) if query.label is not None else None
    filters = [query.camera, label, *(format_utc(at) if at else None for at in (query.from_, query.to))]
    place, _ = decode_place(query.cursor, filters, is_sort_key) if query.cursor is not None else (None, None)
    walk = Walk(
        deps.visits,
        choose_cameras(query.camera, site),
        choose_span(query, site, now),
        before_sk=place,
        page=query.limit if label is None else _FILTERED_PAGE,
        executor=deps.executor,
    )
    found: list[Visit] = []
    resume: str | None = None
    for sk, visit in walk:
        if label in (None, fold(visit.label)):
            found.append(visit)
            if len(found) == query.limit:
                resume = sk
                break
    resume = resume or walk.resume_before
    names = {camera.id: camera.display_name for camera in site.cameras}
    gap, kept = timedelta(seconds=site.visits.gap_s), timedelta(days=site.retention.frames_days)
    # A link's life is counted from the second in which it is signed.
    expires_at = now.replace(microsecond=0) + deps.image_url_ttl

    def image_url(visit: Visit) -> str | None:
        if now >= visit.best.captured_at + kept:
            return None
        key = image_key_of(visit.camera_id, visit.best.captured_at, visit.best.frame_id)
        return deps.images.url(key, deps.image_url_ttl)

    return VisitsPage(
        visits=tuple(
            VisitView.of(
                visit,
                camera_name=names.get(visit.camera_id, visit.camera_id),
                is_open=visit.is_open(now, gap),
                image_url=image_url(visit),
                image_url_expires_at=expires_at,
            )
            for visit in found
        ),
        next_cursor=encode_place(resume, filters) if resume is not None else None,
    )
