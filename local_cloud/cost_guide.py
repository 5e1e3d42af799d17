"""The tables of docs/cost.md that the estimator makes: `python -m local_cloud.cost_guide` writes them anew."""

from decimal import Decimal

from framewatch.domain.cost import DAYS_A_MONTH, Service
from local_cloud.cost import DEFAULT_COUNTRY, Choice, Priced, changed, price_choice
from local_cloud.cost_tables import headline
from local_cloud.guides import DOCS, with_tables

GUIDE = DOCS / "cost.md"
SIX = Choice({"cameras": 6}, sms_country=DEFAULT_COUNTRY)
# In the order of the plan's settings; each alone, the rest as it is.
CHANGES = (
    "cameras=12",
    "hours=10",
    "fps=2",
    "fps=0.5",
    "fps=0.2",
    "frame_kb=300",
    "gate_share=1",
    "gate_share=0.1",
    "analysed_share=0.5",
    "watched_share=0.6",
    "labels=6",
    "alerts_per_day=50",
    "texts_per_alert=3",
    "parts_per_text=2",
    "retention_days=7",
    "metadata_days=30",
    "users=10 page_hours=8",
    "shards=6",
    "window_s=5",
    "log_days=365",
    "region=us-east-1",
    "sms_country=US",
    "free_tier=none",
    "hours=10 fps=0.5 gate_share=0.1 metadata_days=30",
)


def tables() -> str:
    six = price_choice(SIX)
    return "\n".join(["", headline(six), "", *_by_service(six), "", *_by_change(six), "", ""])


def _by_service(priced: Priced) -> list[str]:
    rows = ["| service | USD a day | USD a month | share |", "|---|---:|---:|---:|"]
    whole = priced.cost.usd
    for service, usd in priced.cost.by_service().items():
        rows.append(f"| {service.value} | {usd / DAYS_A_MONTH:,.2f} | {usd:,.2f} | {usd / whole:.1%} |")
    return [*rows, f"| together | {whole / DAYS_A_MONTH:,.2f} | {whole:,.2f} | |"]


def _by_change(base: Priced) -> list[str]:
    rows = ["| what changes | USD a month | difference | most of it in |", "|---|---:|---:|---|"]
    rows.append(f"| nothing | {base.cost.usd:,.0f} | | |")
    before = base.cost.by_service()
    for text in CHANGES:
        other = price_choice(changed(SIX, text)).cost
        after = other.by_service()
        moved = {s: after.get(s, Decimal(0)) - before.get(s, Decimal(0)) for s in Service}
        most = max(moved, key=lambda s: abs(moved[s]))
        # Two figures are all that a reader can use of a difference.
        difference = other.usd - base.cost.usd
        said = f"{difference:+,.0f}" if abs(difference) >= 10 else f"{difference:+,.2f}"
        rows.append(f"| `{text}` | {other.usd:,.0f} | {said} | {most.value if moved[most] else ''} |")
    return rows


def made_anew(guide: str) -> str:
    """The guide with its tables as they are now. Raises ValueError when it has no place for them."""
    return with_tables(guide, tables(), made_by="local_cloud.cost_guide", guide=GUIDE)


if __name__ == "__main__":
    GUIDE.write_text(made_anew(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
