"""What was priced, as a person reads it, as JSON and as CSV."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from framewatch.domain.cost import DAYS_A_MONTH, CostLine, Free, Service, text_of

if TYPE_CHECKING:
    from local_cloud.cost import Priced

_UNCHECKED = "*"
_FREE_WORDS = {
    Free.NONE: "none are taken off",
    Free.ALWAYS: "those that never end are taken off",
    Free.FIRST_YEAR: "those of an account's first year are taken off, too",
}


def headline(priced: "Priced") -> str:
    """The answer in one line."""
    plan, cost = priced.estimate.plan, priced.cost
    said = (
        f"{_count(plan.cameras, 'camera')}, {plan.fps:g} frame{'' if plan.fps == 1 else 's'}/s for {plan.hours:g} h"
    )
    said += f", {_percent(plan.gate_share)} sent after the gate" if plan.gate_share < 1 else ", all sent"
    if plan.analysed_share < 1:
        said += f", {_percent(plan.analysed_share)} of those analysed"
    said += f": about {usd_words(cost.usd)} USD a month ({usd_words(cost.usd / DAYS_A_MONTH)} a day)"
    services = cost.by_service()
    dearest = max(services, key=lambda service: services[service])
    share = services[dearest] / cost.usd if cost.usd else Decimal(0)
    part = "most of it" if share > Decimal("0.5") else "the largest part"
    return f"{said}, {part} {dearest.value} ({_percent(share)})."


def as_text(priced: Sequence["Priced"]) -> str:
    lines = [headline(priced[0]), ""]
    lines += _whole(priced[0]) if len(priced) == 1 else _side_by_side(priced)
    return "\n".join([*lines, "", *_notes(priced)])


def _whole(priced: "Priced") -> list[str]:
    rows = [("", "a day", "a month", "USD a day", "USD a month", "priced at")]
    for service, usd in priced.cost.by_service().items():
        rows.append((service.value, "", "", f"{usd / DAYS_A_MONTH:,.2f}", f"{usd:,.2f}", ""))
        for line in priced.cost.lines:
            if line.kind.service is service:
                a_day, a_month = quantity_words(line.quantity / DAYS_A_MONTH), quantity_words(line.quantity)
                rows.append((f"  {line.price.unit}", a_day, a_month, "", f"{line.usd:,.2f}", price_words(line)))
    rows.append(("together", "", "", f"{priced.cost.usd / DAYS_A_MONTH:,.2f}", f"{priced.cost.usd:,.2f}", ""))
    return _aligned(rows)


def _side_by_side(priced: Sequence["Priced"]) -> list[str]:
    rows = [("USD a month", *(p.name or "this plan" for p in priced))]
    sums = [p.cost.by_service() for p in priced]
    for service in Service:
        if any(service in each for each in sums):
            rows.append((service.value, *(f"{each.get(service, Decimal(0)):,.2f}" for each in sums)))
    rows.append(("together", *(f"{p.cost.usd:,.2f}" for p in priced)))
    rows.append(("of this plan", *(_percent(p.cost.usd / priced[0].cost.usd) for p in priced)))
    return _aligned(rows)


def _notes(priced: Sequence["Priced"]) -> Iterator[str]:
    plan = priced[0].estimate.plan
    unchecked = {kind for p in priced for kind in p.cost.unchecked()}
    if unchecked:
        names = ", ".join(sorted(kind.value for kind in unchecked))
        yield f"{_UNCHECKED} at prices that nobody has looked up, as the price file says of each: {names}."
    tables = {p.table.region: p.table for p in priced}.values()
    yield f"Prices of {'; '.join(f'{t.region}, the newest read on {t.as_of}' for t in tables)}; before tax."
    free = [_FREE_WORDS[f] for f in Free if f in {p.free for p in priced}]
    yield f"Free tiers, which the account's other uses share: {'; '.join(free)}."
    kept = max(plan.retention_days, plan.metadata_days)
    yield f"A month of {DAYS_A_MONTH} days, at a site that has run for {kept}: what is kept has its full size."


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, numbers to the right, and a last one of words to the left."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        for n in range(1, len(row)):
            words_last = rows[0][n] == "priced at"
            cells.append(row[n] if words_last else row[n].rjust(widths[n]))
        lines.append("  ".join(cells).rstrip())
    return lines


def price_words(line: CostLine) -> str:
    parts = [f"{quantity_words(share.quantity)} x {text_of(share.usd_each)}" for share in line.shares]
    if line.free:
        parts.insert(0, f"{quantity_words(line.free)} free")
    return ", ".join(parts) + ("" if line.price.checked else f" {_UNCHECKED}")


def usd_words(usd: Decimal) -> str:
    return f"{usd:,.0f}" if usd >= 100 else f"{usd:,.2f}"


def quantity_words(quantity: Decimal) -> str:
    places = 0 if quantity >= 100 else 2 if quantity >= 1 else 4
    return text_of(round(quantity, places)) if quantity < 1000 else f"{quantity:,.0f}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _percent(share: float | Decimal) -> str:
    percent = Decimal(str(share)) * 100
    return f"{percent:.0f} %" if percent >= 1 or not percent else f"{percent:.1f} %"


def as_json(priced: Sequence["Priced"]) -> str:
    first, *others = [_whole_json(p) for p in priced]
    return json.dumps({**first, "alternatives": others}, indent=2)


def _whole_json(priced: "Priced") -> dict[str, Any]:
    frames = priced.estimate.frames
    return {
        "changes": priced.name,
        "headline": headline(priced),
        "region": priced.table.region,
        "prices_as_of": priced.table.as_of.isoformat(),
        "free_tier": priced.free.value,
        "plan": priced.estimate.plan.model_dump(),
        "frames_per_day": {name: text_of(getattr(frames, name)) for name in ("taken", "sent", "analysed", "watched")},
        "usd_per_day": text_of(round(priced.cost.usd / DAYS_A_MONTH, 6)),
        "usd_per_month": text_of(priced.cost.usd),
        "month": priced.cost.as_json(),
    }


def as_csv(priced: Sequence["Priced"]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ("plan", "service", "kind", "unit", "per_day", "per_month", "free", "usd_per_day", "usd_per_month", "checked")
    )
    for p in priced:
        for line in p.cost.lines:
            a_day, usd_a_day = line.quantity / DAYS_A_MONTH, line.usd / DAYS_A_MONTH
            amounts = (round(a_day, 6), line.quantity, line.free, round(usd_a_day, 6), line.usd)
            names = (p.name or "this plan", line.kind.service.value, line.kind.value, line.price.unit)
            writer.writerow((*names, *(text_of(a) for a in amounts), str(line.price.checked).lower()))
    return out.getvalue().rstrip("\n")
