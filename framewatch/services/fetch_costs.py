"""What a month cost, for the dashboard. Reckoned for the whole site, and answered as far as the caller may see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import pytz

from framewatch.domain.access import Caller
from framewatch.domain.analysis import Analysis
from framewatch.domain.bill import DayBill
from framewatch.domain.budget import BudgetState, BudgetStep, CameraStep
from framewatch.domain.budget_settings import Budget, CameraBudget
from framewatch.domain.errors import InvalidQuery
from framewatch.domain.hourly import day_in
from framewatch.domain.site import Camera, SiteConfig
from framewatch.services.callers_site import CallersSite
from framewatch.services.ports import Clock, SiteSource
from framewatch.services.ports_cost import BudgetSource
from framewatch.services.spend import Books, CameraMonth, Month
from framewatch.wire.api_costs import (
    BudgetAmountsView,
    CameraCostsView,
    CameraStepView,
    CostsQuery,
    CostsView,
    DayCostView,
    PricesView,
    SavedView,
    Saver,
    ServiceCostView,
    SiteCostsView,
    StepName,
)

MONTHS_BACK = 24
_SPARED_BY = {
    Saver.NEAR_DUPLICATES: Analysis.INHERITED,
    Saver.SCREEN: Analysis.SCREENED,
    Saver.BUDGET: Analysis.BUDGET,
}


@dataclass(frozen=True, slots=True)
class CostDeps:
    """site: the whole one, whoever asks: what is shared is split among all of its cameras."""

    site: SiteSource
    books: Books
    budget: BudgetSource
    clock: Clock


def fetch_costs(query: CostsQuery, deps: CostDeps, caller: Caller) -> CostsView:
    """Raises InvalidQuery, RetryableError, PriceMissing."""
    site, seen, now = deps.site.current(), CallersSite(deps.site, caller).current(), deps.clock.now()
    today = day_in(now, pytz.timezone(site.site.time_zone))
    first = query.month or today.replace(day=1)
    ago = 12 * (today.year - first.year) + today.month - first.month
    if ago < 0:
        raise InvalidQuery("month: lies in the future; give this one or an earlier one")
    if ago > MONTHS_BACK:
        raise InvalidQuery(f"month: lies more than {MONTHS_BACK} months back; give a later one")
    month = deps.books.month(site, first, now, to_the_minute=True)
    newest = None if month.is_over else month.bill_of(today)
    state = deps.budget.current()
    table = month.prices.table
    return CostsView(
        month=first,
        begins=month.begins,
        ends=month.ends,
        is_over=month.is_over,
        metered_from=month.metered_from,
        known_until=month.known_until,
        forecast_since=month.rest.since if month.rest else None,
        prices=PricesView(table=table.id, region=table.region, as_of=table.as_of),
        site=_site(site, month, newest) if not caller.camera_groups else None,
        cameras=tuple(_camera(camera, month, newest, state, now) for camera in seen.cameras),
    )


def _site(site: SiteConfig, month: Month, newest: DayBill | None) -> SiteCostsView:
    by_service = {service: Decimal(0) for b in month.bills for service in b.by_service}
    for b in month.bills:
        for service, usd in b.by_service.items():
            by_service[service] += usd
    dearest = sorted(by_service.items(), key=lambda item: (-item[1], item[0]))
    return SiteCostsView(
        today_usd=_today(month, newest.usd if newest else Decimal(0)),
        month_usd=_usd(month.usd),
        forecast_usd=_usd(month.usd + month.rest.bill.usd) if month.rest else None,
        standing_usd=_usd(sum((b.standing_usd for b in month.bills), Decimal(0))),
        by_service=tuple(
            ServiceCostView(
                service=service,
                today_usd=_today(month, newest.by_service.get(service, Decimal(0)) if newest else Decimal(0)),
                month_usd=_usd(usd),
            )
            for service, usd in dearest
        ),
        by_day=tuple(
            DayCostView(day=b.day, usd=_usd(b.usd), by_service={s.value: _usd(u) for s, u in b.by_service.items()})
            for b in month.bills
            if b.usd
        ),
        budget=_amounts(site.budget),
    )


def _camera(
    camera: Camera, month: Month, newest: DayBill | None, state: BudgetState, now: datetime
) -> CameraCostsView:
    usd, used = month.of_camera(camera.id), month.cameras[camera.id]
    step = state.held_by(camera.id, now)
    return CameraCostsView(
        camera_id=camera.id,
        name=camera.display_name,
        today_usd=_today(month, newest.of_camera(camera.id) if newest else Decimal(0)),
        month_usd=_usd(usd),
        own_usd=_usd(sum((b.own.get(camera.id, Decimal(0)) for b in month.bills), Decimal(0))),
        forecast_usd=_usd(usd + month.rest.bill.of_camera(camera.id)) if month.rest else None,
        frames=used.frames,
        images_analysed=used.analysed,
        images_billed=used.billed,
        alerts=used.alerts,
        usd_per_alert=_usd(usd / used.alerts) if used.alerts else None,
        saved=tuple(_saved(month, used)),
        budget=_amounts(camera.budget) if camera.budget is not None else None,
        critical=camera.critical,
        step=CameraStepView.of(step) if step is not None else None,
        next_step=_next(step),
    )


def _saved(month: Month, used: CameraMonth) -> Iterator[SavedView]:
    analysis = month.usd_per_analysis
    gated = used.gated * (analysis + month.own_usd_per_kept_frame)
    yield SavedView(by=Saver.GATE, frames=used.gated, usd=_usd(gated))
    for saver, kind in _SPARED_BY.items():
        frames = used.by_analysis.get(kind, 0)
        yield SavedView(by=saver, frames=frames, usd=_usd(frames * analysis))


def _next(step: CameraStep | None) -> StepName | None:
    after = (step.step if step is not None else BudgetStep.FULL) + 1
    return StepName.of(BudgetStep(after)) if after <= BudgetStep.KEEP_ONLY else None


def _amounts(budget: Budget | CameraBudget) -> BudgetAmountsView | None:
    if not budget.is_set:
        return None
    return BudgetAmountsView(per_month_usd=budget.per_month_usd, per_day_usd=budget.per_day_usd)


def _today(month: Month, usd: Decimal) -> float | None:
    return None if month.is_over else _usd(usd)


def _usd(usd: Decimal) -> float:
    """To a thousandth of a cent's thousandth: beyond that are no prices."""
    return float(round(usd, 8))
