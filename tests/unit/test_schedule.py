"""Weekly hours, against somebody who looks at the clock on the wall every minute."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytz
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from framewatch.domain.alert_settings import Rule
from framewatch.domain.rules import judge_hour
from framewatch.domain.schedule import DAYS, WeeklyHours
from framewatch.domain.visits import Reason

MADRID, NEW_YORK, CAIRO, APIA = (
    pytz.timezone(name) for name in ("Europe/Madrid", "America/New_York", "Africa/Cairo", "Pacific/Apia")
)
# The night before each change, so that a walk of two days passes it: spring and autumn, east and west, a change at
# midnight (Cairo), and a whole day that never was (Apia, 30 December 2011, a Friday).
CHANGES = [
    (MADRID, datetime(2026, 3, 28, 12, tzinfo=UTC)),
    (MADRID, datetime(2026, 10, 24, 12, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 3, 7, 18, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 10, 31, 18, tzinfo=UTC)),
    (CAIRO, datetime(2025, 4, 24, 6, tzinfo=UTC)),
    (APIA, datetime(2011, 12, 29, 12, tzinfo=UTC)),
    (MADRID, datetime(2026, 6, 1, 12, tzinfo=UTC)),
]
# The evening before each change, and how long the night from 22:00 to 06:00 is; an ordinary one for comparison.
NIGHTS = [
    (MADRID, (2026, 3, 28), 7),
    (MADRID, (2026, 10, 24), 9),
    (NEW_YORK, (2026, 3, 7), 7),
    (NEW_YORK, (2026, 10, 31), 9),
    (NEW_YORK, (2026, 6, 1), 8),
]


def hours(*texts):
    return WeeklyHours.parse(texts)


def local(zone, *at):
    """The instant at which a wall clock shows it; of a doubled hour the first pass."""
    return zone.localize(datetime(*at), is_dst=True).astimezone(UTC)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "open_at", "closed_at"),
    [
        ("mon-fri 08:00-18:00", [(1, 8, 0), (5, 17, 59)], [(1, 7, 59), (1, 18, 0), (6, 12, 0)]),
        ("sat,sun 00:00-24:00", [(6, 0, 0), (7, 23, 59)], [(5, 23, 59), (1, 0, 0)]),
        ("daily 22:00-06:00", [(1, 22, 0), (2, 5, 59), (1, 3, 0)], [(1, 21, 59), (2, 6, 0)]),
        ("fri 22:00-06:00", [(5, 22, 0), (6, 5, 59)], [(5, 5, 0), (6, 6, 0), (6, 22, 0)]),
        ("sun 22:00-06:00", [(7, 22, 0), (1, 5, 59)], [(7, 5, 0), (1, 22, 0)]),
        ("fri-mon 9:00-10:00", [(5, 9, 0), (6, 9, 0), (7, 9, 0), (1, 9, 0)], [(2, 9, 0), (4, 9, 0)]),
        ("MON,Wed-Thu 09:00-10:00", [(1, 9, 0), (3, 9, 0), (4, 9, 0)], [(2, 9, 0), (5, 9, 0)]),
        ("daily 22:00-00:00", [(1, 23, 59)], [(2, 0, 0)]),
    ],
)
def test_hours_mean_what_they_say(text, open_at, closed_at):
    # 1 June 2026 is a Monday.
    for day, hour, minute in open_at:
        assert hours(text).is_open(local(MADRID, 2026, 6, day, hour, minute), MADRID), (day, hour, minute)
    for day, hour, minute in closed_at:
        assert not hours(text).is_open(local(MADRID, 2026, 6, day, hour, minute), MADRID), (day, hour, minute)


def test_several_lines_add_up_and_those_that_touch_are_one():
    assert hours("mon 08:00-12:00", "mon 12:00-18:00", "mon 17:00-19:00").spans == ((480, 1140),)
    assert hours("daily 00:00-24:00").spans == ((0, 7 * 1440),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not days, a blank and hours; write days and hours, such as mon-fri 08:00-18:00"),
        ("mon-fri", "is not days, a blank and hours"),
        ("mon - fri 08:00-18:00", "is not days, a blank and hours"),
        ("monday 08:00-18:00", "'monday' is not a day; did you mean 'mon'?"),
        ("weekend 08:00-18:00", "'weekend' is not a day; did you mean 'sat,sun'?"),
        ("weekdays 08:00-18:00", "'weekdays' is not a day; did you mean 'mon-fri'?"),
        ("everyday 08:00-18:00", "'everyday' is not a day; did you mean 'daily'?"),
        ("wednesday 08:00-18:00", "'wednesday' is not a day; did you mean 'wed'?"),
        ("tus 08:00-18:00", "'tus' is not a day; did you mean 'tue'?"),
        ("lunes 08:00-18:00", "'lunes' is not a day; the days are mon, tue"),
        ("mon-xyz 08:00-18:00", "'xyz' is not a day; the days are mon, tue"),
        ("mon,,tue 08:00-18:00", "'' is not a day"),
        ("mon 08:00", "'08:00' is not hours; write from and to"),
        ("mon 8-18", "'8' is not a time of day; write it as 08:00"),
        ("mon 08:00-24:01", "'24:01' is not a time of day"),
        ("mon 08:60-09:00", "'08:60' is not a time of day"),
        ("mon 08:00-09:00:00", "'09:00:00' is not a time of day"),
        ("mon 24:00-06:00", "24:00 ends a day and begins none"),
        ("mon 08:00-08:00", "is no time at all; write 00:00-24:00 for a whole day"),
    ],
)
def test_what_is_wrong_is_said_with_the_fix(text, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        hours(text)


def test_no_hours_and_too_many_are_refused():
    with pytest.raises(ValueError, match="no hours; write days and hours"):
        hours()
    with pytest.raises(ValueError, match="51 lines of hours are more than 50"):
        hours(*["daily 08:00-09:00"] * 51)


@given(st.text(max_size=40))
def test_any_text_is_hours_or_a_sentence(text):
    try:
        assert hours(text).spans
    except ValueError as error:
        assert len(str(error)) < 300


# -- clock changes ---------------------------------------------------------------------------------------------------


def test_both_passes_of_a_doubled_hour_count_alike():
    # 25 October 2026: 03:00 becomes 02:00 in Madrid, at 01:00 UTC.
    night = hours("daily 22:00-02:30")
    first_pass, second_pass = (datetime(2026, 10, 25, hour, 15, tzinfo=UTC) for hour in (0, 1))
    assert night.is_open(first_pass, MADRID)
    assert night.is_open(second_pass, MADRID)
    assert night.next_change(first_pass, MADRID) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    # It closes at 02:30, opens again when the clock is set back to 02:00, and closes at the second 02:30.
    assert night.next_change(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), MADRID) == datetime(
        2026, 10, 25, 1, 0, tzinfo=UTC
    )
    assert night.next_change(second_pass, MADRID) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_what_begins_in_a_skipped_hour_begins_when_the_clock_has_jumped():
    # 8 March 2026: 02:00 becomes 03:00 in New York, at 07:00 UTC.
    early = hours("sun 02:30-05:00")
    assert early.next_change(datetime(2026, 3, 8, 6, 0, tzinfo=UTC), NEW_YORK) == datetime(
        2026, 3, 8, 7, 0, tzinfo=UTC
    )


def test_what_lies_wholly_in_a_skipped_hour_is_left_out_that_day():
    short = hours("sun 02:10-02:50")
    assert short.next_change(datetime(2026, 3, 7, 12, tzinfo=UTC), NEW_YORK) == local(NEW_YORK, 2026, 3, 15, 2, 10)
    friday = hours("fri 08:00-09:00")
    assert friday.next_change(local(APIA, 2011, 12, 24, 12, 0), APIA) == local(APIA, 2012, 1, 6, 8, 0)


def test_what_never_changes_says_so():
    assert hours("daily 00:00-24:00").next_change(datetime(2026, 3, 28, tzinfo=UTC), MADRID) is None


SPAN = st.tuples(
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=3, unique=True),
    st.integers(0, 1439),
    st.integers(0, 1440),
).filter(lambda s: s[1] != s[2])


def written(span):
    days, begin, end = span
    return f"{','.join(days)} {begin // 60:02d}:{begin % 60:02d}-{end // 60:02d}:{end % 60:02d}"


def on_the_wall(spans, at, zone):
    """Whether one who stands before the clock would say that it is open: zoneinfo's clock, and no arithmetic."""
    now = at.astimezone(ZoneInfo(zone.zone))
    minute, today, yesterday = now.hour * 60 + now.minute, DAYS[now.weekday()], DAYS[now.weekday() - 1]
    for days, begin, end in spans:
        if begin < end and today in days and begin <= minute < end:
            return True
        if begin > end and ((today in days and minute >= begin) or (yesterday in days and minute < end)):
            return True
    return False


@given(st.sampled_from(CHANGES), st.lists(SPAN, min_size=1, max_size=3), st.integers(0, 59))
@example(CHANGES[1], [(["sat"], 22 * 60, 150)], 0)
@example(CHANGES[0], [(["sun"], 150, 300)], 30)
def test_a_walk_through_two_days_minute_by_minute_finds_every_change(change, spans, second):
    zone, start = change
    start += timedelta(seconds=second)
    weekly = hours(*map(written, spans))
    was_open = on_the_wall(spans, start, zone)
    assert weekly.is_open(start, zone) == was_open
    expected = weekly.next_change(start, zone)
    for n in range(1, 2 * 1440):
        at = start + timedelta(minutes=n)
        is_open = on_the_wall(spans, at, zone)
        assert weekly.is_open(at, zone) == is_open
        # Changes fall on whole minutes; the walker looks some seconds into each.
        if is_open != was_open:
            assert expected == at.replace(second=0)
            expected = weekly.next_change(at, zone)
        was_open = is_open
    assert expected is None or expected > start + timedelta(minutes=2 * 1440 - 1)


# -- through a rule --------------------------------------------------------------------------------------------------


def night_rule(**hours_):
    return Rule.model_validate({"id": "night", "labels": ["Person"]} | hours_)


def held_minutes(rule, start, zone, length):
    """Of the minutes from start on, those in which the rule would tell somebody."""
    minutes = (start + timedelta(minutes=n) for n in range(length))
    return [at for at in minutes if judge_hour(rule, at, zone) is None]


@pytest.mark.parametrize(("zone", "night", "hours_long"), NIGHTS)
def test_a_rule_for_the_night_holds_from_evening_to_morning_whatever_the_clock_does(zone, night, hours_long):
    evening, morning = local(zone, *night, 22, 0), local(zone, *night, 22, 0) + timedelta(hours=hours_long)
    assert morning.astimezone(zone).hour == 6
    rule = night_rule(schedule=["daily 22:00-06:00"])
    noon = local(zone, *night, 12, 0)
    held = held_minutes(rule, noon, zone, 24 * 60)
    assert (held[0], held[-1]) == (evening, morning - timedelta(minutes=1))
    assert len(held) == hours_long * 60
    assert judge_hour(rule, evening - timedelta(seconds=1), zone) is Reason.OFF_SCHEDULE
    assert judge_hour(rule, morning, zone) is Reason.OFF_SCHEDULE


@pytest.mark.parametrize(("zone", "night", "hours_long"), NIGHTS)
def test_quiet_hours_over_midnight_hold_all_night_and_only_then(zone, night, hours_long):
    rule = night_rule(quiet_hours=["daily 22:00-06:00"])
    noon = local(zone, *night, 12, 0)
    told = held_minutes(rule, noon, zone, 24 * 60)
    assert len(told) == (24 - hours_long) * 60
    assert judge_hour(rule, local(zone, *night, 23, 59), zone) is Reason.QUIET_HOURS
    assert judge_hour(rule, local(zone, *night, 23, 59) + timedelta(minutes=2), zone) is Reason.QUIET_HOURS


def test_the_day_of_a_span_over_midnight_is_the_one_on_which_it_begins():
    rule = night_rule(schedule=["sat 22:00-06:00"], quiet_hours=["sun 02:00-04:00"])
    # The night in which Madrid's clock goes from 03:00 back to 02:00: its quiet hours are three.
    held = held_minutes(rule, local(MADRID, 2026, 10, 24, 12, 0), MADRID, 48 * 60)
    assert len(held) == (9 - 3) * 60
    assert judge_hour(rule, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), MADRID) is Reason.QUIET_HOURS
    assert judge_hour(rule, datetime(2026, 10, 25, 1, 30, tzinfo=UTC), MADRID) is Reason.QUIET_HOURS
    assert judge_hour(rule, local(MADRID, 2026, 10, 25, 23, 0), MADRID) is Reason.OFF_SCHEDULE


@given(st.sampled_from(CHANGES), st.lists(SPAN, min_size=1, max_size=2), st.lists(SPAN, max_size=1))
def test_a_rule_follows_the_clock_on_the_wall_through_every_change(change, schedule, quiet):
    zone, start = change
    texts = {"schedule": [*map(written, schedule)], "quiet_hours": [*map(written, quiet)]}
    try:
        rule = night_rule(**texts)
    except ValidationError:  # quiet whenever it holds
        return
    for n in range(0, 2 * 1440, 7):
        at = start + timedelta(minutes=n)
        told = on_the_wall(schedule, at, zone) and not on_the_wall(quiet, at, zone)
        assert (judge_hour(rule, at, zone) is None) == told
