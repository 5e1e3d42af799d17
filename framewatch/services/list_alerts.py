"""Pages of alerts and of what was withheld. What a page costs is stated in list_pages.py."""

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from framewatch.domain.access import Caller
from framewatch.domain.alerts import Alert
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import Reason, Visit, Withheld
from framewatch.services.list_pages import (
    ReadDay,
    Walk,
    choose_cameras,
    choose_span,
    decode_place,
    encode_place,
    is_sort_key,
)
from framewatch.services.ports import Clock, ImageStore, SiteSource
from framewatch.wire.api_alerts import (
    AlertsPage,
    AlertsQuery,
    AlertView,
    PagedQuery,
    WithheldPage,
    WithheldQuery,
    WithheldView,
)
from framewatch.wire.envelope import format_utc
from framewatch.wire.items import image_key_of

# Where most of what is read may be left out, more is asked for at once.
_FILTERED_PAGE = 100


@dataclass(frozen=True, slots=True)
class ListDeps:
    """alerts, visits: the tables' newest_first. executor: for reads that can go together."""

    site: SiteSource
    alerts: ReadDay[Alert]
    visits: ReadDay[Visit]
    images: ImageStore
    clock: Clock
    image_url_ttl: timedelta
    executor: Executor | None = None


def list_alerts(query: AlertsQuery, deps: ListDeps, you: Caller | None = None) -> AlertsPage:
    """you: who asks. Raises InvalidQuery, StorageUnavailable."""
    site = deps.site.current()
    filters = _filters(query, query.state)
    place, _ = decode_place(query.cursor, filters, is_sort_key) if query.cursor is not None else (None, None)
    walk = Walk(
        deps.alerts,
        choose_cameras(query.camera, site),
        choose_span(query, site, deps.clock.now()),
        before_sk=place,
        page=query.limit if query.rule is None and query.state is None else _FILTERED_PAGE,
        executor=deps.executor,
    )
    found: list[Alert] = []
    resume: str | None = None
    for sk, alert in walk:
        if query.rule in (None, alert.rule_id) and query.state in (None, alert.state):
            found.append(alert)
            if len(found) == query.limit:
                resume = sk
                break
    resume = resume or walk.resume_before
    return AlertsPage(
        alerts=_views(found, site, deps, you),
        next_cursor=encode_place(resume, filters) if resume is not None else None,
    )


def _views(alerts: list[Alert], site: SiteConfig, deps: ListDeps, you: Caller | None) -> tuple[AlertView, ...]:
    now = deps.clock.now().astimezone(UTC)
    names = {camera.id: camera.display_name for camera in site.cameras}
    # A link's life is counted from the second in which it is signed.
    expires_at = now.replace(microsecond=0) + deps.image_url_ttl
    kept = timedelta(days=site.retention.frames_days)
    return tuple(
        AlertView.of(
            alert,
            camera_names=names,
            # Pictures are kept from when they were stored, moments before the decision.
            image_url=_image_url(alert, deps) if now < alert.decided_at + kept else None,
            image_url_expires_at=expires_at,
            you=you,
        )
        for alert in alerts
    )


def _image_url(alert: Alert, deps: ListDeps) -> str:
    return deps.images.url(image_key_of(alert.camera_id, alert.captured_at, alert.frame_id), deps.image_url_ttl)


def list_withheld(query: WithheldQuery, deps: ListDeps) -> WithheldPage:
    """Rows of one visit stand together. Raises InvalidQuery, StorageUnavailable."""
    site = deps.site.current()
    filters = _filters(query, query.reason)
    place, within = decode_place(query.cursor, filters, is_sort_key) if query.cursor is not None else (None, None)
    walk = Walk(
        deps.visits,
        choose_cameras(query.camera, site),
        choose_span(query, site, deps.clock.now()),
        # A visit that the page before did not show to its end is read again.
        before_sk=place if place is None or within is None else f"{place}!",
        page=_FILTERED_PAGE,
        executor=deps.executor,
    )
    names = {camera.id: camera.display_name for camera in site.cameras}
    found: list[WithheldView] = []
    for sk, visit in walk:
        if within is not None and place is not None and sk > place:
            continue  # `!` also lets in what goes on with a blank
        for row_key, rule_id, reason, row in _rows(visit, query):
            if within is not None and sk == place and row_key <= within:
                continue
            found.append(WithheldView.of(visit, rule_id, reason, row, names.get(visit.camera_id, visit.camera_id)))
            if len(found) == query.limit:
                return WithheldPage(withheld=tuple(found), next_cursor=encode_place(sk, filters, row_key))
    cursor = encode_place(walk.resume_before, filters) if walk.resume_before is not None else None
    return WithheldPage(withheld=tuple(found), next_cursor=cursor)


def withheld_rows(visit: Visit) -> Iterator[tuple[str, Reason, Withheld]]:
    """Rule, reason and row, in their order."""
    for rule_id in sorted(visit.rules):
        withheld = visit.rules[rule_id].withheld
        for reason in sorted(withheld):
            yield rule_id, reason, withheld[reason]


def _rows(visit: Visit, query: WithheldQuery) -> Iterator[tuple[str, str, Reason, Withheld]]:
    for rule_id, reason, row in withheld_rows(visit):
        if query.rule in (None, rule_id) and query.reason in (None, reason):
            yield f"{rule_id}#{reason}", rule_id, reason, row


def _filters(query: PagedQuery, more: str | None) -> list[Any]:
    """Everything that decides what there is; not `limit`, which may change from page to page."""
    return [query.camera, query.rule, _text(query.from_), _text(query.to), more]


def _text(at: datetime | None) -> str | None:
    return format_utc(at) if at else None
