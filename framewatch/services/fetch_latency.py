"""How long alerts took, stage by stage."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from framewatch.domain.alerts import Alert, DeliveryState
from framewatch.services.list_alerts import ListDeps
from framewatch.services.list_filters import choose_cameras
from framewatch.services.list_pages import Walk, choose_span, time_of
from framewatch.wire.api_alerts import LatencyQuery, LatencyView, Stage, StageView

MAX_ALERTS = 1000


def fetch_latency(query: LatencyQuery, deps: ListDeps) -> LatencyView:
    """Of the newest MAX_ALERTS of the span, or of as many as one walk may read (list_pages.py).

    Who is told because nobody has answered is told minutes later on purpose, and not counted.
    Raises InvalidQuery, StorageUnavailable.
    """
    site = deps.site.current()
    span = choose_span(query, site, deps.clock.now())
    walk = Walk(deps.alerts, choose_cameras(query.camera, site), span, executor=deps.executor)
    found: list[Alert] = []
    cut_at: datetime | None = None
    for _, alert in walk:
        if query.rule in (None, alert.rule_id):
            if len(found) == MAX_ALERTS:
                cut_at = found[-1].captured_at
                break
            found.append(alert)
    if cut_at is None and walk.resume_before is not None:
        cut_at = time_of(walk.resume_before)
    times_ms: dict[Stage, list[float]] = {stage: [] for stage in Stage}
    for alert in found:
        for stage, took_ms in _times_ms(alert):
            times_ms[stage].append(took_ms)
    stages = tuple(
        StageView(stage=stage, count=len(took), p50_ms=percentile(took, 50), p95_ms=percentile(took, 95))
        for stage, took in times_ms.items()
    )
    return LatencyView(from_=span.first, to=span.end, alerts=len(found), cut_at=cut_at, stages=stages)


def percentile(values: Sequence[float], percent: int) -> float | None:
    """By nearest rank: the smallest value that so many percent of all do not exceed. None where there is none."""
    if not values:
        return None
    rank = -(-percent * len(values) // 100)
    return sorted(values)[max(rank, 1) - 1]


def _times_ms(alert: Alert) -> Iterator[tuple[Stage, float]]:
    trace = alert.trace
    points = (
        (Stage.ARRIVE, alert.captured_at, trace.arrived_at),
        (Stage.RECEIVE, trace.arrived_at, trace.received_at),
        (Stage.LABEL, trace.received_at, trace.labelled_at),
        (Stage.STORE, trace.labelled_at, trace.stored_at),
        (Stage.DECIDE, trace.stored_at, alert.decided_at),
    )
    for stage, before, after in points:
        if before is not None and after is not None:
            yield stage, _ms(after - before)
    for contact_id in alert.notify:
        delivery = alert.deliveries.get(contact_id)
        if delivery is not None and delivery.state is DeliveryState.SENT:
            yield Stage.PUBLISH, _ms(delivery.at - alert.decided_at)
            yield Stage.WHOLE, _ms(delivery.at - alert.captured_at)


def _ms(span: timedelta) -> float:
    return round(span.total_seconds() * 1000, 3)
