"""The text of an alert."""

# ruff: noqa: RUF001  characters that look alike are what this file is about
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from framewatch.wire.sms import (
    GSM7_BASIC,
    GSM7_EXTENDED,
    MAX_LINK_SEPTETS,
    MAX_SEPTETS,
    alert_text,
    cut,
    septets,
    to_gsm7,
)

MADRID = pytz.timezone("Europe/Madrid")
NIGHT = datetime(2026, 11, 21, 3, 17, 30, tzinfo=UTC)
LINK = "https://d1234567890abc.cloudfront.net/a/4hT9xQ2mZ7bL0wV5nR8k"
LONGEST_LINK = "https://a-long-name-for-a-custom-domain.cameras.example.org/".ljust(MAX_LINK_SEPTETS, "x")


def text(
    *,
    label: str = "Person",
    confidence: float = 97.6,
    place: str = "Front door",
    at: datetime = NIGHT,
    zone: str = "Europe/Madrid",
    site: str = "Shop",
    more_places: tuple[str, ...] = (),
    link: str | None = None,
    critical: bool = False,
) -> str:
    return alert_text(
        label=label,
        confidence=confidence,
        places=(place, *more_places),
        captured_at=at,
        time_zone=pytz.timezone(zone),
        site_name=site,
        link=link,
        critical=critical,
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
        ("Πίσω αυλή", "ΠIΣΩ AYΛH"),
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


# -- several places, a link, what is critical ----------------------------------------------------------------------


def test_several_places_are_named_as_far_as_there_is_room() -> None:
    assert "at Front door, Yard, 21 Nov" in text(more_places=("Yard",))
    streets = tuple(f"{n} Long Street of Many Houses" for n in range(2, 9))
    named = ", ".join(("Front door", *streets[:3]))
    assert f"at {named} and 4 more, 21 Nov 04:17 (CET)." in text(more_places=streets)
    assert "at Front door and 2 more, 21 Nov" in text(more_places=("y" * 40, "z" * 40), link=LINK)


def test_the_link_is_the_last_word() -> None:
    assert text(link=LINK) == f"Framewatch: Person 97% at Front door, 21 Nov 04:17 (CET). Shop {LINK}"
    assert text(link=LINK, site="\u200d").endswith(f"04:17 (CET). {LINK}")


def test_a_critical_text_begins_with_a_word_that_says_so() -> None:
    assert text(critical=True) == "URGENT Framewatch: Person 97% at Front door, 21 Nov 04:17 (CET). Shop"


def test_the_sites_name_gives_way_first_then_framewatch_then_the_names() -> None:
    assert text(link=LINK, site="s" * 60).endswith(f"(CET). {'s' * 39}.. {LINK}")
    one = text(link=LONGEST_LINK, critical=True, place="Front window")
    assert one == f"URGENT Framewatch: Person 97% at Front window, 21 Nov 04:17 (CET). {LONGEST_LINK}"
    three = text(link=LONGEST_LINK, critical=True, more_places=("Yard " * 5, "Garage"))
    assert three == f"URGENT: Person 97% at Front door and 2 more, 21 Nov 04:17 (CET). Shop {LONGEST_LINK}"
    long = text(link=LONGEST_LINK, critical=True, label="Bird of prey", place="Door of the garden house")
    assert long == f"URGENT: Bird of prey 97% at Door of the garden.., 21 Nov 04:17 (CET). {LONGEST_LINK}"
    several = text(
        link=LONGEST_LINK,
        critical=True,
        label="Bird of prey",
        place="Door of the garden house",
        more_places=("Y",) * 9,
    )
    assert several == f"URGENT: Bird of.. 97% at Door of th.. and 9 more, 21 Nov 04:17 (CET). {LONGEST_LINK}"


@pytest.mark.parametrize(
    "link",
    ["https://x.example/" + "x" * MAX_LINK_SEPTETS, "https://x.example/a b", "https://x.example/\n", "https://é.ç/"],
)
def test_a_link_that_cannot_stand_whole_is_left_out(link: str) -> None:
    assert text(link=link) == text()


a_long_name = st.text("abc€ ", min_size=20, max_size=60)
anything = st.fixed_dictionaries(
    {
        "label": st.text(max_size=100) | a_long_name,
        "place": st.text(max_size=60) | a_long_name,
        "site": st.text(max_size=60),
        "confidence": st.floats(0, 100),
        "at": st.datetimes(datetime(2000, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
        "zone": st.sampled_from(sorted(pytz.all_timezones)),
        "more_places": st.lists(st.text(max_size=60), max_size=300).map(tuple),
        "link": st.none()
        | st.just(LONGEST_LINK)
        | st.text(LINK, max_size=MAX_LINK_SEPTETS - 10).map("https://x/".__add__),
        "critical": st.booleans(),
    }
)


@given(anything)
def test_it_is_always_one_part_of_gsm7_on_one_line(given: dict[str, Any]) -> None:
    made = text(**given)
    assert set(made) <= GSM7_BASIC | GSM7_EXTENDED
    assert septets(made) <= MAX_SEPTETS
    assert f"{given['at'].astimezone(pytz.timezone(given['zone'])):%H:%M} (" in made
    assert made.startswith("URGENT") == given["critical"] or given["label"].startswith("URGENT")
    if given["link"]:
        assert made.endswith(f" {given['link']}")


@given(anything)
def test_what_and_where_stay_recognisable(given: dict[str, Any]) -> None:
    what, where = (to_gsm7(given[name]) for name in ("label", "place"))
    made = text(**given)
    # The first words of a cut name: at least 6 of its septets, even beside the longest link.
    assert first_of(what, 6) in made.partition("% at ")[0]
    assert made.partition("% at ")[2].startswith(first_of(where, 6))


def first_of(name: str, limit: int) -> str:
    while septets(name) > limit:
        name = name[:-1]
    return name.rstrip()


def doubled_hours() -> list[tuple[str, datetime, datetime]]:
    """Of every zone, the pairs of instants in 2026 at which its clock shows the same time of the same day."""
    found = []
    for name in pytz.all_timezones:
        zone = pytz.timezone(name)
        for day in range(365):
            noon = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
            before, after = ((noon + timedelta(days=d)).astimezone(zone).utcoffset() or timedelta() for d in (0, 1))
            if after < before:
                found += [
                    (name, at, at + (before - after))
                    for at in (noon + timedelta(minutes=10 * n) for n in range(144))
                    if at.astimezone(zone).utcoffset() == before
                    and (at + (before - after)).astimezone(zone).utcoffset() == after
                ]
    return found


def test_the_two_passes_of_a_doubled_hour_read_differently_in_every_zone() -> None:
    pairs = doubled_hours()
    assert {"Europe/Madrid", "America/New_York", "Australia/Lord_Howe"} <= {name for name, _, _ in pairs}
    for name, first, second in pairs:
        a, b = first.astimezone(pytz.timezone(name)), second.astimezone(pytz.timezone(name))
        assert f"{a:%d %H:%M}" == f"{b:%d %H:%M}"
        assert text(at=first, zone=name) != text(at=second, zone=name), name
