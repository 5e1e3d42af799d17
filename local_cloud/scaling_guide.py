"""The table of docs/scaling.md that the model makes: `python -m local_cloud.scaling_guide` writes it anew."""

from framewatch.domain.estimate import Plan
from framewatch.domain.quotas import by_what_breaks_first
from framewatch.domain.scaling import Load
from local_cloud.guides import DOCS, with_tables

GUIDE = DOCS / "scaling.md"
SIZES = (10, 1_000, 100_000)
PLAN = Plan()


def tables() -> str:
    return "\n".join(["", *_loads(), "", *_quotas(), "", ""])


def _loads() -> list[str]:
    rows = [
        f"| at the peak | {' | '.join(f'{size:,} cameras' for size in SIZES)} |",
        "|---|" + "---:|" * len(SIZES),
    ]
    loads = [Load(size, PLAN) for size in SIZES]
    for name, values in (
        ("sites", [load.sites for load in loads]),
        ("frames a second", [load.frames(load.cameras) for load in loads]),
        ("MB a second into the largest site's stream", [load.stream_mb for load in loads]),
        ("shards", [load.shards for load in loads]),
        ("write units a second, largest site", [load.table_writes for load in loads]),
        ("read units a second, largest site", [load.table_reads for load in loads]),
        ("open walls, largest site", [load.users for load in loads]),
    ):
        rows.append(f"| {name} | {' | '.join(_number(value) for value in values)} |")
    return rows


def _quotas() -> list[str]:
    heads = " | ".join(f"{size:,}" for size in SIZES)
    rows = [
        f"| quota | of each | by default | {heads} | passed at | what moves it |",
        "|---|---|---:|" + "---:|" * len(SIZES) + "---:|---|",
    ]
    for quota, passed in by_what_breaks_first(PLAN):
        shares = " | ".join(_share(quota.share(Load(size, PLAN))) for size in SIZES)
        limit = f"{_number(quota.limit)} {quota.unit}{'' if quota.checked else ' *'}"
        at = f"{passed:,}" if passed else "never"
        source = f"[{quota.name}]({quota.source})" if quota.source.startswith("https:") else quota.name
        rows.append(f"| {source} | {quota.per} | {limit} | {shares} | {at} | {quota.moved_by} |")
    return rows


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def _share(share: float) -> str:
    """Passed ones stand out."""
    percent = f"{share * 100:,.0f} %" if share >= 0.01 else "< 1 %"
    return f"**{percent}**" if share > 1 else percent


def made_anew(guide: str) -> str:
    """The guide with its tables as they are now. Raises ValueError when it has no place for them."""
    return with_tables(guide, tables(), made_by="local_cloud.scaling_guide", guide=GUIDE)


if __name__ == "__main__":
    GUIDE.write_text(made_anew(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
