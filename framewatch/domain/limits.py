"""How many texts may go out, and when what was held back is told in one digest.

One small value for the whole site is kept between decisions. A contact's hour is any 60 minutes; days and months are
those of the site's calendar. No contact gets more than per_contact_and_hour + 1 texts in any hour, critical ones
apart: the one more is a digest. While the day's limit or the budget is used up, a contact gets at most one digest in
24 hours, so that beyond the budget nothing costs money but those and critical texts.

Clocks of several machines decide, so an instant may lie before one that is already counted: by less than
CLOCK_TOLERANCE, and the limits hold exactly. What lies further ahead is taken for a wrong clock's and forgotten, so
that one bad machine cannot silence the site for years.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum

from framewatch.domain.alert_settings import Limits

HOUR = timedelta(hours=1)
CLOCK_TOLERANCE = timedelta(hours=1)
_DAY = timedelta(days=1)
_MICRO = 1_000_000
# The days and months beside the current one, so that a clock that goes back over midnight finds its count.
# Two days: a zone may leave one out (Apia, 30 December 2011).
_DAYS_KEPT = timedelta(days=2)
_MONTHS_KEPT = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class LimitState:
    """What has gone out, as far as it still matters; instants are in UTC.

    Its size is bounded: of a contact at most per_contact_and_hour instants and only for two hours, its last digest
    for 25 hours, five days, three months. version: counts writes; 0 means not yet stored.
    """

    texted_at: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)  # by contact id, oldest first
    digest_at: Mapping[str, datetime] = field(default_factory=dict)  # by contact id
    texts_by_day: Mapping[date, int] = field(default_factory=dict)
    micro_usd_by_month: Mapping[date, int] = field(default_factory=dict)  # by the month's first day
    version: int = 0


@dataclass(frozen=True, slots=True)
class LimitOverride:
    """What an administrator has put in place of the site file's limits, until a time. None: as the site file says.

    by, name: who set it, as of an answer. at: when.
    """

    until: datetime
    by: str
    name: str | None
    at: datetime
    per_contact_and_hour: int | None = None
    per_day: int | None = None
    monthly_budget_usd: float | None = None

    def holds(self, at: datetime) -> bool:
        return at < self.until

    def over(self, limits: Limits) -> Limits:
        """The limits with these in their place."""
        values = {
            "per_contact_and_hour": self.per_contact_and_hour,
            "per_day": self.per_day,
            "monthly_budget_usd": self.monthly_budget_usd,
        }
        return limits.model_copy(update={name: value for name, value in values.items() if value is not None})


@dataclass(frozen=True, slots=True)
class LimitUse:
    """Of the day and month that it is on the site. texts: also those of critical rules."""

    day: date
    texts: int
    month: date
    spent_usd: float


def use_of(state: LimitState, at: datetime, zone: tzinfo) -> LimitUse:
    today = at.astimezone(zone).date()
    month = today.replace(day=1)
    spent = state.micro_usd_by_month.get(month, 0) / _MICRO
    return LimitUse(today, state.texts_by_day.get(today, 0), month, spent)


class LimitHit(StrEnum):
    """Why a text was refused; of several that hold, the one that holds longest."""

    CONTACT_HOUR = "contact-hour"
    SITE_DAY = "site-day"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Held:
    """One alert that was not texted to a contact, because of a limit or because its frames came late.

    reason: limit | late. at: when it was held, by the clock.
    """

    contact_id: str
    camera_id: str
    reason: str
    at: datetime
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class Digest:
    """One text that is due now. held: what it tells of, in the order in which it was held."""

    contact_id: str
    held: tuple[Held, ...]


def admit(
    state: LimitState, contact_id: str, at: datetime, limits: Limits, zone: tzinfo, *, critical: bool
) -> tuple[LimitState, LimitHit | None]:
    """The state to write before one text goes out at that instant, or the state as it was and why none may.

    at: aware. zone: of pytz. A critical text counts, but is never refused while critical_passes.
    """
    at = at.astimezone(UTC)
    if not (critical and limits.critical_passes):
        hit = _used_up(state, at, limits, zone)
        if hit is None and _within(state, contact_id, at) >= limits.per_contact_and_hour:
            hit = LimitHit.CONTACT_HOUR
        if hit is not None:
            return state, hit
    today = at.astimezone(zone).date()
    spent = _pay(state, at, limits, zone)
    return _tidied(
        replace(
            spent,
            texted_at={**state.texted_at, contact_id: (*state.texted_at.get(contact_id, ()), at)},
            texts_by_day={**state.texts_by_day, today: state.texts_by_day.get(today, 0) + 1},
        ),
        at,
        limits,
        zone,
    ), None


def due_digests(held: Sequence[Held], state: LimitState, now: datetime, limits: Limits, zone: tzinfo) -> list[Digest]:
    """One for each contact whose first of these was held digest_after_s ago, unless its last digest is too young.

    held: all that no digest has told of yet. An hour lies between two digests of a contact, and a day while the day's
    limit or the budget is used up. Who sends one writes `note_digest` first.
    """
    now = now.astimezone(UTC)
    apart = HOUR if _used_up(state, now, limits, zone) is None else _DAY
    by_contact: dict[str, list[Held]] = {}
    for one in sorted(held, key=lambda h: h.at):
        by_contact.setdefault(one.contact_id, []).append(one)
    return [
        Digest(contact_id, tuple(told))
        for contact_id, told in by_contact.items()
        if now - told[0].at >= timedelta(seconds=limits.digest_after_s)
        and ((last := state.digest_at.get(contact_id)) is None or abs(now - last) >= apart)
    ]


def note_digest(state: LimitState, contact_id: str, at: datetime, limits: Limits, zone: tzinfo) -> LimitState:
    """The state to write before a digest goes out: it costs money, and counts against no hour and no day."""
    at = at.astimezone(UTC)
    spent = _pay(state, at, limits, zone)
    return _tidied(replace(spent, digest_at={**state.digest_at, contact_id: at}), at, limits, zone)


def _used_up(state: LimitState, at: datetime, limits: Limits, zone: tzinfo) -> LimitHit | None:
    """What holds back every contact's texts."""
    today = at.astimezone(zone).date()
    if limits.monthly_budget_usd is not None:
        spent = state.micro_usd_by_month.get(today.replace(day=1), 0)
        if spent + _micro_usd(limits.usd_per_text) > _micro_usd(limits.monthly_budget_usd):
            return LimitHit.BUDGET
    return LimitHit.SITE_DAY if state.texts_by_day.get(today, 0) >= limits.per_day else None


def _within(state: LimitState, contact_id: str, at: datetime) -> int:
    # Every hour that holds `at` lies between the two, so that none of them can get more than is counted here.
    return sum(at - HOUR < texted < at + HOUR for texted in state.texted_at.get(contact_id, ()))


def _pay(state: LimitState, at: datetime, limits: Limits, zone: tzinfo) -> LimitState:
    month = at.astimezone(zone).date().replace(day=1)
    spent = state.micro_usd_by_month.get(month, 0) + _micro_usd(limits.usd_per_text)
    return replace(state, micro_usd_by_month={**state.micro_usd_by_month, month: spent})


def _micro_usd(usd: float) -> int:
    # Whole numbers: a hundred times 0.08 has to be 8.
    return round(usd * _MICRO)


def _tidied(state: LimitState, at: datetime, limits: Limits, zone: tzinfo) -> LimitState:
    """Without what no decision can ask for any more."""
    today = at.astimezone(zone).date()
    month = today.replace(day=1)
    texted_at = {}
    for contact_id, instants in state.texted_at.items():
        # The latest are enough: once they fill the hour, older ones change nothing.
        near = sorted(t for t in instants if -HOUR - CLOCK_TOLERANCE < t - at < CLOCK_TOLERANCE)
        if kept := near[max(0, len(near) - limits.per_contact_and_hour) :]:
            texted_at[contact_id] = tuple(kept)
    return replace(
        state,
        texted_at=texted_at,
        digest_at={c: t for c, t in state.digest_at.items() if -_DAY - CLOCK_TOLERANCE < t - at < CLOCK_TOLERANCE},
        texts_by_day={d: n for d, n in state.texts_by_day.items() if abs(d - today) <= _DAYS_KEPT},
        micro_usd_by_month={m: n for m, n in state.micro_usd_by_month.items() if abs(m - month) <= _MONTHS_KEPT},
    )
