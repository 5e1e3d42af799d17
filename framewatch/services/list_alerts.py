"""Pages of alerts and of what was withheld. What a page costs is stated in list_pages.py."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, timedelta

from framewatch.domain.access import Caller
from framewatch.domain.alerts import Alert
from framewatch.domain.labels import fold
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import Reason, Visit, Withheld
from framewatch.services.list_filters import Stands, choose_cameras, choose_zone, filters_of
from framewatch.services.list_pages import (
    ReadDay,
    Walk,
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
    WithheldPage,
    WithheldQuery,
    WithheldView,
)
from framewatch.wire.items import image_key_of

# Where most of what is read may be left out, more is asked for at once.
FILTERED_PAGE = 100


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
    filters = filters_of(query)
    place, _ = decode_place(query.cursor, filters, is_sort_key) if query.cursor is not None else (None, None)
    cameras, stands = choose_zone(query.zone, choose_cameras(query.camera, site), site)
    wanted = _wanted(query, stands)
    walk = Walk(
        deps.alerts,
        cameras,
        choose_span(query, site, deps.clock.now()),
        before_sk=place,
        page=query.limit if not wanted else FILTERED_PAGE,
        executor=deps.executor,
    )
    found: list[Alert] = []
    resume: str | None = None
    for sk, alert in walk:
        if all(is_so(alert) for is_so in wanted):
            found.append(alert)
            if query.alert is not None:
                return AlertsPage(alerts=_views(found, site, deps, you), next_cursor=None)  # ids are unique
            if len(found) == query.limit:
                resume = sk
                break
    resume = resume or walk.resume_before
    return AlertsPage(
        alerts=_views(found, site, deps, you),
        next_cursor=encode_place(resume, filters) if resume is not None else None,
    )


def _wanted(query: AlertsQuery, stands: Stands) -> list[Callable[[Alert], bool]]:
    """What an alert must be, besides of these cameras and this time; empty when anything will do."""
    labels = {fold(word) for word in query.label}
    least = query.min_confidence
    conditions: list[tuple[bool, Callable[[Alert], bool]]] = [
        (query.alert is not None, lambda a: a.alert_id == query.alert),
        (query.rule is not None, lambda a: a.rule_id == query.rule),
        (query.state is not None, lambda a: a.state is query.state),
        (query.severity is not None, lambda a: a.severity is query.severity),
        (bool(labels), lambda a: fold(a.label) in labels),
        (least is not None, lambda a: a.confidence >= (least or 0)),
        (query.answered is not None, lambda a: a.answered is query.answered),
        (query.zone is not None, lambda a: stands(a.camera_id, a.box_xyxy_rel)),
    ]
    return [is_so for asked, is_so in conditions if asked]


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
    filters = filters_of(query)
    place, within = decode_place(query.cursor, filters, is_sort_key) if query.cursor is not None else (None, None)
    walk = Walk(
        deps.visits,
        choose_cameras(query.camera, site),
        choose_span(query, site, deps.clock.now()),
        # A visit that the page before did not show to its end is read again.
        before_sk=place if place is None or within is None else f"{place}!",
        page=FILTERED_PAGE,
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
