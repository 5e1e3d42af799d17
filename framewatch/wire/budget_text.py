"""The text that tells what was given up for a budget, or taken back: one part, as every text."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from framewatch.domain.budget import SLOWER_BY, BudgetCause, BudgetChange, BudgetStep, ChangeKind
from framewatch.wire.sms import Sentence, moment_text, short_name, told

_WHAT = {
    BudgetStep.FULL: "fully analysed again",
    BudgetStep.SLOWER: f"sampled {SLOWER_BY}x less often",
    BudgetStep.ZONES_ONLY: "only motion in zones analysed",
    BudgetStep.WATCHED_ONLY: "analysed only where a rule tells",
    BudgetStep.KEEP_ONLY: "frames kept, not analysed",
}


def budget_text(
    *,
    changes: Sequence[BudgetChange],
    names: Mapping[str, str],
    now: datetime,
    time_zone: tzinfo,
    site_name: str,
) -> str:
    """`Framewatch: Month's budget: all cameras: sampled 4x less often until 1 Dec 00:00 (CET), 51 of 60 USD spent.`

    changes: at least one, the newest last; those that do not fit are counted. names: of every camera of the site, by
    its id. Amounts are those of the moment of the change.
    """
    return told([_sentence(c, names, now, time_zone) for c in reversed(changes)], site_name, None, counted="change")


def _sentence(change: BudgetChange, names: Mapping[str, str], now: datetime, time_zone: tzinfo) -> Sentence:
    own = tuple(short_name(names.get(i, i)) for i in change.camera_ids) if _is_named(change, names) else ()
    if change.kind is ChangeKind.NEARS:
        period = "today" if change.cause.is_daily else "this month"
        aside = f", {_usd(change.set_aside_usd or 0)} set aside" if (change.set_aside_usd or 0) >= 0.005 else ""
        amounts = f"{_usd(change.spent_usd or 0)} of {period}'s {_usd(change.budget_usd or 0)} USD spent{aside}"
        after = f"{amounts}. Next: {_WHAT[BudgetStep.SLOWER]}"
        return Sentence("", own, f": {after}") if own else Sentence(after)
    until = f" until {moment_text(change.until, now, time_zone)}" if change.after is not BudgetStep.FULL else ""
    what = f"{_WHAT[change.after]}{until}"
    if change.kind is ChangeKind.GIVES_UP and change.budget_usd is not None:
        what += f", {_usd(change.spent_usd or 0)} of {_usd(change.budget_usd)} USD spent"
    why = _why(change)
    if own:
        return Sentence(f"{why}: ", own, f": {what}")
    count = len(change.camera_ids)
    who = "all cameras" if count == len(names) else f"{count} of {len(names)} cameras"
    return Sentence(f"{why}: {who}: {what}")


def _is_named(change: BudgetChange, names: Mapping[str, str]) -> bool:
    return change.cause.is_cameras or (change.cause is BudgetCause.SET and len(change.camera_ids) < len(names))


def _why(change: BudgetChange) -> str:
    if change.cause is BudgetCause.SET:
        return "Set by hand"
    return "Day's budget" if change.cause.is_daily else "Month's budget"


def _usd(amount: float) -> str:
    return f"{amount:.2f}".removesuffix(".00")
