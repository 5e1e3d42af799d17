"""The text of an alert."""

# ruff: noqa: RUF001  characters that look alike are what this file is about
from datetime import UTC, datetime
from typing import Any

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from framewatch.wire.sms import GSM7_BASIC, GSM7_EXTENDED, MAX_SEPTETS, cut, septets, sms_text, to_gsm7

MADRID = pytz.timezone("Europe/Madrid")
NIGHT = datetime(2026, 11, 21, 3, 17, 30, tzinfo=UTC)


def text(
    *,
    label: str = "Person",
    confidence: float = 97.6,
    place: str = "Front door",
    at: datetime = NIGHT,
    zone: str = "Europe/Madrid",
    site: str = "Shop",
) -> str:
    return sms_text(
        label=label,
        confidence=confidence,
        place=place,
        captured_at=at,
        time_zone=pytz.timezone(zone),
        site_name=site,
    )


def test_it_says_what_where_and_when_in_the_sites_time() -> None:
    assert text() == "Framewatch: Person 97% at Front door, 21 Nov 04:17 (CET). Shop"


def test_the_alphabet_is_gsm_0338_without_line_breaks() -> None:
    assert len(GSM7_BASIC) == 128 - 3  # line feed, carriage return, escape
    assert "\n" not in GSM7_BASIC


def test_the_hour_that_autumn_doubles_is_told_apart() -> None:
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert "25 Oct 02:30 (CEST)" in text(at=first)
    assert "25 Oct 02:30 (CET)" in text(at=second)


def test_the_hour_that_spring_skips_is_never_written() -> None:
    before, after = (datetime(2026, 3, 29, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert "29 Mar 01:30 (CET)" in text(at=before)
    assert "29 Mar 03:30 (CEST)" in text(at=after)


def test_a_zone_without_letters_is_its_offset() -> None:
    assert "(-03)" in text(zone="America/Sao_Paulo")


def test_confidence_is_rounded_down() -> None:
    assert "Person 79% at" in text(confidence=79.99)
    assert "Person 100% at" in text(confidence=100.0)


@pytest.mark.parametrize(
    ("name", "spelt"),
    [
        ("Señora’s “café” – naïve", 'Señora\'s "café" - naive'),
        ("Łódź, Đakovo", "Lodz, Dakovo"),
        ("ﬁne №5", "fine No5"),
        ("Ночь", "????"),
        ("北門", "??"),
        ("door 🚪\ufe0f", "door ?"),
        ("two\nlines\tand\u2028more", "two lines and more"),
        ("\u202eevil\u202c\u200d", "evil"),
        ("[{€}]", "[{€}]"),
        ("Ωmega Αlpha", "Ωmega Alpha"),
        ("e\u0301", "é"),
    ],
)
def test_what_gsm7_lacks_is_written_as_near_as_can_be(name: str, spelt: str) -> None:
    assert to_gsm7(name) == spelt


def test_extension_characters_cost_two() -> None:
    assert septets("[€]") == 6
    assert cut("[[[[", 6) == "[[.."
    assert cut("abcdef", 6) == "abcdef"


def test_a_long_place_is_cut_before_the_time_is() -> None:
    long = text(place="x" * 60, label="y" * 100, site="z" * 60)
    assert septets(long) <= MAX_SEPTETS
    assert "21 Nov 04:17 (CET)." in long
    assert "x.." in long
    assert "y.. 97%" in long


anything = st.fixed_dictionaries(
    {
        "label": st.text(max_size=100),
        "place": st.text(max_size=60),
        "site": st.text(max_size=60),
        "confidence": st.floats(0, 100),
        "at": st.datetimes(datetime(2000, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
        "zone": st.sampled_from(sorted(pytz.all_timezones)),
    }
)


@given(anything)
def test_it_is_always_one_part_of_gsm7_on_one_line(given: dict[str, Any]) -> None:
    made = text(**given)
    assert set(made) <= GSM7_BASIC | GSM7_EXTENDED
    assert septets(made) <= MAX_SEPTETS
    assert f"{given['at'].astimezone(pytz.timezone(given['zone'])):%H:%M} (" in made
