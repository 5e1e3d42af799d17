"""How many texts may go out, against somebody who keeps every text for ever and counts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.limits import (
    CLOCK_TOLERANCE,
    HOUR,
    Held,
    LimitHit,
    Limits,
    LimitState,
    admit,
    due_digests,
    note_digest,
)

MADRID, NEW_YORK = pytz.timezone("Europe/Madrid"), pytz.timezone("America/New_York")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE, DAY, TICK = timedelta(minutes=1), timedelta(days=1), timedelta(microseconds=1)
EMPTY = LimitState()


def send(
    texts: Sequence[tuple[str, datetime]],
    limits: Limits,
    zone: Any = MADRID,
    *,
    state: LimitState = EMPTY,
    critical: bool = False,
) -> tuple[LimitState, list[LimitHit | None]]:
    """Asks for one text after the other."""
    hits = []
    for contact_id, at in texts:
        state, hit = admit(state, contact_id, at, limits, zone, critical=critical)
        hits.append(hit)
    return state, hits


def local(zone: Any, *at: int, is_dst: bool = True) -> datetime:
    """The instant at which a wall clock shows it; is_dst: of a doubled hour the first pass."""
    return zone.localize(datetime(*at), is_dst=is_dst).astimezone(UTC)  # type: ignore[no-any-return, arg-type]  # noqa: DTZ001


# -- the hour of a contact -------------------------------------------------------------------------------------------


def test_a_limit_holds_back_the_eleventh_text() -> None:
    _, hits = send([("ana", NOON + n * MINUTE) for n in range(11)], Limits())
    assert hits == [None] * 10 + [LimitHit.CONTACT_HOUR]


def test_the_hour_slides() -> None:
    limits = Limits(per_contact_and_hour=2)
    state, _ = send([("ana", NOON), ("ana", NOON + 30 * MINUTE)], limits)
    last = NOON + HOUR
    assert admit(state, "ana", last - TICK, limits, MADRID, critical=False)[1] is LimitHit.CONTACT_HOUR
    state, hit = admit(state, "ana", last, limits, MADRID, critical=False)
    assert hit is None
    assert admit(state, "ana", last + 30 * MINUTE - TICK, limits, MADRID, critical=False)[1] is LimitHit.CONTACT_HOUR


def test_each_contact_has_an_hour_of_its_own() -> None:
    _, hits = send([("ana", NOON), ("ben", NOON), ("ana", NOON)], Limits(per_contact_and_hour=1))
    assert hits == [None, None, LimitHit.CONTACT_HOUR]


def test_a_refused_text_changes_nothing() -> None:
    limits = Limits(per_contact_and_hour=1)
    state, _ = send([("ana", NOON)], limits)
    assert admit(state, "ana", NOON + MINUTE, limits, MADRID, critical=False)[0] is state


def test_no_texts_at_all_can_be_asked_for() -> None:
    assert send([("ana", NOON)], Limits(per_contact_and_hour=0)) == (EMPTY, [LimitHit.CONTACT_HOUR])


def test_a_clock_that_goes_back_admits_no_more() -> None:
    limits = Limits(per_contact_and_hour=2)
    _, hits = send([("ana", NOON), ("ana", NOON + MINUTE), ("ana", NOON - 50 * MINUTE)], limits)
    assert hits == [None, None, LimitHit.CONTACT_HOUR]


def test_a_clock_that_goes_back_finds_what_others_wrote_an_hour_later() -> None:
    limits = Limits(per_contact_and_hour=1)
    _, hits = send([("ana", NOON), ("ben", NOON + HOUR + 30 * MINUTE), ("ana", NOON + HOUR - TICK)], limits)
    assert hits == [None, None, LimitHit.CONTACT_HOUR]


def test_of_texts_out_of_order_the_latest_are_remembered() -> None:
    limits = Limits(per_contact_and_hour=2)
    state, _ = send([("ana", NOON), ("ana", NOON + 10 * MINUTE)], limits)
    state, _ = send([("ana", NOON - 30 * MINUTE)], limits, state=state, critical=True)
    assert send([("ana", NOON + 50 * MINUTE)], limits, state=state)[1] == [LimitHit.CONTACT_HOUR]


def test_a_clock_of_next_century_does_not_silence_the_site() -> None:
    limits = Limits(per_contact_and_hour=1, per_day=1, monthly_budget_usd=0.08)
    state, _ = send([("ana", NOON.replace(year=2126))], limits)
    state = note_digest(state, "ana", NOON.replace(year=2126), limits, MADRID)
    assert [d.contact_id for d in due_digests([held("ana", NOON - HOUR)], state, NOON, limits, MADRID)] == ["ana"]
    state, hits = send([("ana", NOON), ("ana", NOON)], limits, state=state)
    assert hits == [None, LimitHit.BUDGET]
    assert [d.contact_id for d in due_digests([held("ana", NOON)], state, NOON + HOUR, limits, MADRID)] == ["ana"]


# -- the day of the site ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        (MADRID, (2026, 3, 29)),  # 23 hours
        (MADRID, (2026, 10, 25)),  # 25 hours
        (NEW_YORK, (2026, 3, 8)),
        (NEW_YORK, (2026, 11, 1)),
        (MADRID, (2026, 6, 1)),
    ],
)
def test_a_day_lasts_from_midnight_to_midnight_on_the_sites_wall(zone: Any, day: tuple[int, int, int]) -> None:
    year, month, first = day
    begins, ends = local(zone, year, month, first), local(zone, year, month, first + 1)
    limits = Limits(per_day=3, per_contact_and_hour=9)
    state, hits = send([("ana", begins), ("ben", begins + 11 * HOUR), ("ana", ends - TICK)], limits, zone)
    assert hits == [None] * 3
    assert admit(state, "eva", ends - TICK, limits, zone, critical=False)[1] is LimitHit.SITE_DAY
    assert admit(state, "eva", ends, limits, zone, critical=False)[1] is None
    assert admit(state, "eva", begins - TICK, limits, zone, critical=False)[1] is None


@pytest.mark.parametrize(("zone", "day"), [(MADRID, (2026, 10, 25)), (NEW_YORK, (2026, 11, 1))])
def test_the_doubled_hour_is_two_hours_of_one_day(zone: Any, day: tuple[int, int, int]) -> None:
    hour = 2 if zone is MADRID else 1
    first, second = (local(zone, *day, hour, 30, is_dst=is_dst) for is_dst in (True, False))
    assert second - first == HOUR
    texts = [("ana", first), ("ana", second - TICK), ("ana", second), ("ana", second + HOUR)]
    _, hits = send(texts, Limits(per_contact_and_hour=1, per_day=2), zone)
    assert hits == [None, LimitHit.CONTACT_HOUR, None, LimitHit.SITE_DAY]


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        (MADRID, local(MADRID, 2027, 1, 1)),
        # The day between these two never was.
        (pytz.timezone("Pacific/Apia"), local(pytz.timezone("Pacific/Apia"), 2011, 12, 31)),
    ],
)
@pytest.mark.parametrize(
    ("limits", "hit"),
    [(Limits(per_day=1), LimitHit.SITE_DAY), (Limits(monthly_budget_usd=0.08), LimitHit.BUDGET)],
)
def test_a_clock_that_goes_back_over_midnight_finds_the_count_of_the_day_before(
    zone: Any, midnight: datetime, limits: Limits, hit: LimitHit
) -> None:
    before, after = ("ana", midnight - MINUTE), ("ana", midnight)
    state, _ = send([before, after], limits, zone, critical=True)
    assert send([before, after], limits, zone, state=state)[1] == [hit, hit]


# -- money -----------------------------------------------------------------------------------------------------------


def test_the_budget_is_spent_to_the_last_text_and_starts_anew_with_the_month() -> None:
    limits = Limits(per_contact_and_hour=200, per_day=1000, monthly_budget_usd=8)
    ends = local(MADRID, 2026, 12, 1)
    state, hits = send([("ana", ends - TICK)] * 101, limits)
    assert hits == [None] * 100 + [LimitHit.BUDGET]
    _, hits = send([("ana", ends)] * 101, limits, state=state)
    assert hits == [None] * 100 + [LimitHit.BUDGET]


def test_a_digest_costs_money_and_nothing_else() -> None:
    limits = Limits(per_contact_and_hour=1, per_day=1, monthly_budget_usd=0.16)
    state = note_digest(EMPTY, "ana", NOON, limits, MADRID)
    _, hits = send([("ana", NOON), ("ana", NOON)], limits, state=state)
    assert hits == [None, LimitHit.BUDGET]


# -- what is critical ------------------------------------------------------------------------------------------------

NONE_LEFT = Limits(per_contact_and_hour=0, per_day=0, monthly_budget_usd=0)


def test_a_critical_text_is_never_refused() -> None:
    assert send([("ana", NOON)] * 300, NONE_LEFT, critical=True)[1] == [None] * 300


def test_a_critical_text_is_refused_where_the_site_says_so() -> None:
    limits = Limits(per_contact_and_hour=1, critical_passes=False)
    assert send([("ana", NOON)] * 2, limits, critical=True)[1] == [None, LimitHit.CONTACT_HOUR]


def test_a_critical_text_counts() -> None:
    for limits, hit in [
        (Limits(per_contact_and_hour=1), LimitHit.CONTACT_HOUR),
        (Limits(per_day=1), LimitHit.SITE_DAY),
        (Limits(monthly_budget_usd=0.08), LimitHit.BUDGET),
    ]:
        state, _ = send([("ana", NOON)], limits, critical=True)
        assert admit(state, "ana", NOON, limits, MADRID, critical=False)[1] is hit


# -- digests ---------------------------------------------------------------------------------------------------------


def held(contact_id: str, at: datetime, reason: str = "limit") -> Held:
    return Held(contact_id, "door", reason, at, at)


def due(waiting: Sequence[Held], state: LimitState, now: datetime, limits: Limits) -> dict[str, int]:
    """How many alerts each contact's digest tells of."""
    return {d.contact_id: len(d.held) for d in due_digests(waiting, state, now, limits, MADRID)}


def test_a_digest_is_due_a_quarter_of_an_hour_after_the_first_that_was_held() -> None:
    waiting = [held("ana", NOON + 5 * MINUTE), held("ana", NOON), held("ben", NOON + MINUTE, "late")]
    assert due(waiting, EMPTY, NOON + 15 * MINUTE - TICK, Limits()) == {}
    (digest,) = due_digests(waiting, EMPTY, NOON + 15 * MINUTE, Limits(), MADRID)
    assert (digest.contact_id, digest.held) == ("ana", (waiting[1], waiting[0]))
    assert due(waiting, EMPTY, NOON + 16 * MINUTE, Limits()) == {"ana": 2, "ben": 1}


def test_an_hour_lies_between_two_digests_of_a_contact() -> None:
    state = note_digest(EMPTY, "ana", NOON, Limits(), MADRID)
    waiting = [held("ana", NOON + MINUTE), held("ben", NOON + MINUTE)]
    assert due(waiting, state, NOON + HOUR - TICK, Limits()) == {"ben": 1}
    assert due(waiting, state, NOON + HOUR, Limits()) == {"ana": 1, "ben": 1}


def test_a_clock_that_goes_back_sends_no_second_digest() -> None:
    state = note_digest(EMPTY, "ana", NOON, Limits(), MADRID)
    assert due([held("ana", NOON - HOUR)], state, NOON - MINUTE, Limits()) == {}


def test_a_clock_that_goes_back_remembers_the_digest_of_a_day_ago() -> None:
    limits = Limits(per_day=0)
    state = note_digest(EMPTY, "ana", NOON, limits, MADRID)
    state, _ = send([("ben", NOON + DAY + 30 * MINUTE)], limits, state=state, critical=True)
    assert due([held("ana", NOON)], state, NOON + DAY - TICK, limits) == {}


@pytest.mark.parametrize("limits", [Limits(per_day=0), Limits.model_construct(monthly_budget_usd=0.07)])
def test_a_day_lies_between_two_digests_while_the_day_or_the_budget_is_used_up(limits: Limits) -> None:
    waiting = [held("ana", NOON)]
    assert due(waiting, EMPTY, NOON + 15 * MINUTE, limits) == {"ana": 1}
    state = note_digest(EMPTY, "ana", NOON, limits, MADRID)
    # Others write in between, and must not make it forget.
    state, _ = send([("ben", NOON + DAY - MINUTE)], limits, state=state, critical=True)
    assert due(waiting, state, NOON + DAY - TICK, limits) == {}
    assert due(waiting, state, NOON + DAY, limits) == {"ana": 1}


def test_a_new_day_brings_the_digest_of_the_day_that_was_used_up() -> None:
    limits = Limits(per_day=1)
    midnight = local(MADRID, 2026, 11, 22)
    state, _ = send([("ana", midnight - 3 * HOUR)], limits)
    state = note_digest(state, "ana", midnight - 2 * HOUR, limits, MADRID)
    waiting = [held("ana", midnight - HOUR)]
    assert due(waiting, state, midnight - TICK, limits) == {}
    assert due(waiting, state, midnight, limits) == {"ana": 1}


# -- against the whole history ---------------------------------------------------------------------------------------


@dataclass
class Counting:
    """Every text and digest there ever was, and a look at the wall's calendar for each."""

    limits: Limits
    zone: str
    texts: list[tuple[str, datetime]] = field(default_factory=list)
    digests: list[tuple[str, datetime]] = field(default_factory=list)

    def day(self, at: datetime) -> str:
        return f"{at.astimezone(ZoneInfo(self.zone)):%Y-%m-%d}"

    def used_up(self, at: datetime) -> LimitHit | None:
        month = self.day(at)[:7]
        paid = sum(self.day(t)[:7] == month for _, t in self.texts + self.digests)
        # The prices of these tests are whole cents.
        price, budget = round(self.limits.usd_per_text * 100), self.limits.monthly_budget_usd
        if budget is not None and (paid + 1) * price > round(budget * 100):
            return LimitHit.BUDGET
        if sum(self.day(t) == self.day(at) for _, t in self.texts) >= self.limits.per_day:
            return LimitHit.SITE_DAY
        return None

    def hit(self, contact_id: str, at: datetime, *, critical: bool) -> LimitHit | None:
        if critical and self.limits.critical_passes:
            return None
        near = sum(c == contact_id and abs(t - at) < HOUR for c, t in self.texts)
        return self.used_up(at) or (LimitHit.CONTACT_HOUR if near >= self.limits.per_contact_and_hour else None)

    def digest_due(self, waiting: list[Held], contact_id: str, at: datetime) -> bool:
        mine = [h.at for h in waiting if h.contact_id == contact_id]
        apart = HOUR if self.used_up(at) is None else DAY
        return (
            bool(mine)
            and at - min(mine) >= timedelta(seconds=self.limits.digest_after_s)
            and all(abs(at - t) >= apart for c, t in self.digests if c == contact_id)
        )


# Not every one of them would pass for a site file's, which asks for a budget that pays for one text at least.
LIMITS = st.builds(
    Limits.model_construct,
    per_contact_and_hour=st.integers(0, 4),
    per_day=st.integers(0, 12),
    monthly_budget_usd=st.none() | st.integers(0, 200).map(lambda cents: cents / 100),
    usd_per_text=st.sampled_from([0.01, 0.07, 0.08]),
    critical_passes=st.booleans(),
    digest_after_s=st.sampled_from([60, 900, 7200]),
)
# Before the nights in which the clock changes, and before the end of a month and a year.
STARTS = st.sampled_from(
    [
        (zone, datetime(*day, 18, tzinfo=UTC))
        for zone in ("Europe/Madrid", "America/New_York", "Pacific/Apia")
        for day in ((2026, 3, 7), (2026, 3, 28), (2026, 10, 24), (2026, 10, 31), (2026, 12, 31), (2011, 12, 29))
    ]
)
# How far after the latest so far: also before it, and also to the edge of an hour.
AFTER = st.one_of(
    st.sampled_from([timedelta(), TICK, HOUR - TICK, HOUR, 2 * HOUR, DAY, 31 * DAY, -TICK, TICK - CLOCK_TOLERANCE]),
    st.timedeltas(TICK - CLOCK_TOLERANCE, 2 * HOUR),
    st.integers(-59, 90).map(lambda minutes: minutes * MINUTE),
)
STEPS = st.lists(st.tuples(st.sampled_from(["ana", "ben"]), AFTER, st.booleans()), max_size=60)


@given(LIMITS, STARTS, STEPS)
def test_the_small_state_decides_as_the_whole_history_does(
    limits: Limits, start: tuple[str, datetime], steps: list[tuple[str, timedelta, bool]]
) -> None:
    zone, latest = start
    state, counting, waiting = EMPTY, Counting(limits, zone), list[Held]()
    for contact_id, after, critical in steps:
        at = latest + after
        latest = max(latest, at)
        expected = counting.hit(contact_id, at, critical=critical)
        state, hit = admit(state, contact_id, at, limits, pytz.timezone(zone), critical=critical)
        assert hit == expected
        if hit is None:
            counting.texts.append((contact_id, at))
        else:
            waiting.append(held(contact_id, at))
        digests = due_digests(waiting, state, at, limits, pytz.timezone(zone))
        assert {d.contact_id for d in digests} == {c for c in ("ana", "ben") if counting.digest_due(waiting, c, at)}
        for digest in digests:
            assert Counter(digest.held) == Counter(h for h in waiting if h.contact_id == digest.contact_id)
            state = note_digest(state, digest.contact_id, at, limits, pytz.timezone(zone))
            counting.digests.append((digest.contact_id, at))
            waiting = [h for h in waiting if h.contact_id != digest.contact_id]
        assert all(len(instants) <= limits.per_contact_and_hour for instants in state.texted_at.values())
        assert len(state.texts_by_day) <= 5
        assert len(state.micro_usd_by_month) <= 3


@given(LIMITS, STARTS, STEPS)
def test_no_hour_of_a_contact_has_more_than_the_limit_and_one_digest(
    limits: Limits, start: tuple[str, datetime], steps: list[tuple[str, timedelta, bool]]
) -> None:
    zone, latest = start
    state, got, waiting = EMPTY, list[tuple[str, datetime]](), list[Held]()
    for contact_id, after, _ in steps:
        at = latest + after
        latest = max(latest, at)
        state, hit = admit(state, contact_id, at, limits, pytz.timezone(zone), critical=False)
        waiting += [held(contact_id, at)] if hit else []
        got += [] if hit else [(contact_id, at)]
        for digest in due_digests(waiting, state, at, limits, pytz.timezone(zone)):
            state = note_digest(state, digest.contact_id, at, limits, pytz.timezone(zone))
            got.append((digest.contact_id, at))
    for contact_id, begins in got:
        hour = [t for c, t in got if c == contact_id and begins <= t < begins + HOUR]
        assert len(hour) <= limits.per_contact_and_hour + 1


@given(LIMITS, STARTS, st.lists(st.tuples(st.sampled_from("abcdef"), st.timedeltas(-400 * DAY, 400 * DAY))))
def test_whatever_the_clocks_do_the_state_stays_small(
    limits: Limits, start: tuple[str, datetime], jumps: list[tuple[str, timedelta]]
) -> None:
    zone, at = start
    state = EMPTY
    for contact_id, jump in jumps:
        state, _ = admit(state, contact_id, at + jump, limits, pytz.timezone(zone), critical=True)
        state = note_digest(state, contact_id, at + jump, limits, pytz.timezone(zone))
        assert all(len(instants) <= limits.per_contact_and_hour for instants in state.texted_at.values())
        assert len(state.texts_by_day) <= 5
        assert len(state.micro_usd_by_month) <= 3
        for instant in [*state.digest_at.values(), *(t for ts in state.texted_at.values() for t in ts)]:
            assert abs(instant - at - jump) < DAY + CLOCK_TOLERANCE
