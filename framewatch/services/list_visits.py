"""Pages of visits. What a page costs is stated in list_pages.py."""

from datetime import UTC, timedelta

from framewatch.domain.labels import fold
from framewatch.domain.visits import Visit
from framewatch.services.list_alerts import FILTERED_PAGE, ListDeps
from framewatch.services.list_filters import choose_cameras, choose_zone, filters_of
from framewatch.services.list_pages import (
    Walk,
    choose_span,
    decode_place,
    encode_place,
    is_sort_key,
)
from framewatch.wire.api_visits import VisitsPage, VisitsQuery, VisitView
from framewatch.wire.items import image_key_of


def list_visits(query: VisitsQuery, deps: ListDeps) -> VisitsPage:
    """Raises InvalidQuery, StorageUnavailable."""
    site, now = deps.site.current(), deps.clock.now().astimezone(UTC)
    filters = filters_of(query)
    place, _ = decode_place(query.cursor, filters, is_sort_key) if query.cursor is not None else (None, None)
    cameras, stands = choose_zone(query.zone, choose_cameras(query.camera, site), site)
    labels, least = {fold(word) for word in query.label}, query.min_confidence or 0
    walk = Walk(
        deps.visits,
        cameras,
        choose_span(query, site, now),
        before_sk=place,
        page=FILTERED_PAGE if labels or least or query.zone is not None else query.limit,
        executor=deps.executor,
    )
    found: list[Visit] = []
    resume: str | None = None
    for sk, visit in walk:
        best = visit.best
        fits = (not labels or fold(visit.label) in labels) and best.confidence >= least
        if fits and stands(visit.camera_id, best.box_xyxy_rel):
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
