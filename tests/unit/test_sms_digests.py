"""The texts that tell of several things at once: digests, and what the watchdog found."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.troubles import Trouble, TroubleKind
from framewatch.wire.sms import (
    GSM7_BASIC,
    GSM7_EXTENDED,
    MAX_LINK_SEPTETS,
    MAX_SEPTETS,
    back_text,
    digest_text,
    septets,
    silence_text,
)

MADRID = pytz.timezone("Europe/Madrid")
SINCE = datetime(2026, 11, 21, 20, 4, 30, tzinfo=UTC)  # 21:04 in Madrid
NOW = SINCE + timedelta(minutes=16)
LINK = "https://d1234567890abc.cloudfront.net/a/4hT9xQ2mZ7bL0wV5nR8k"
LONGEST_LINK = "https://a-long-name-for-a-custom-domain.cameras.example.org/".ljust(MAX_LINK_SEPTETS, "x")
CAMERA, BOX, STREAM, VISION, PROCESSING = (
    TroubleKind.CAMERA,
    TroubleKind.BOX,
    TroubleKind.STREAM,
    TroubleKind.VISION,
    TroubleKind.PROCESSING,
)


def digest(
    *places: str,
    late: int = 0,
    since: datetime = SINCE,
    now: datetime = NOW,
    zone: str = "Europe/Madrid",
    site: str = "Home",
    link: str | None = None,
) -> str:
    return digest_text(
        places=places, late=late, since=since, now=now, time_zone=pytz.timezone(zone), site_name=site, link=link
    )


def silence(*troubles: Trouble, now: datetime = NOW, zone: str = "Europe/Madrid", site: str = "Home") -> str:
    return silence_text(troubles=troubles, now=now, time_zone=pytz.timezone(zone), site_name=site)


def back(
    *troubles: Trouble,
    until: datetime = NOW,
    now: datetime = NOW,
    zone: str = "Europe/Madrid",
    site: str = "Home",
) -> str:
    return back_text(troubles=troubles, until=until, now=now, time_zone=pytz.timezone(zone), site_name=site)


def cameras(*names: str, since: datetime = SINCE) -> list[Trouble]:
    return [Trouble(CAMERA, name, since) for name in names]


# -- digests ---------------------------------------------------------------------------------------------------------


def test_a_digest_says_how_many_where_and_since_when() -> None:
    assert digest(*["Front door"] * 12) == "Framewatch: 12 more since 21:04 (CET): Front door. Home"
    assert digest("Front door") == "Framewatch: 1 more since 21:04 (CET): Front door. Home"


def test_the_most_frequent_place_comes_first_and_those_that_do_not_fit_are_counted() -> None:
    assert ": Front door, Yard. Home" in digest("Yard", "Front door", "Front door")
    places = [f"{n} Long Street of Many Houses" for n in range(9)]
    text = digest(*places, "Yard", "Yard", link=LINK)
    assert text == f"Framewatch: 11 more since 21:04 (CET): Yard, {places[0]} and 8 more. Home {LINK}"


def test_alerts_that_came_late_are_said_to_be_late() -> None:
    assert digest(*["Yard"] * 3, late=3) == "Framewatch: 3 late alerts since 21:04 (CET): Yard. Home"
    assert digest("Yard", late=1) == "Framewatch: 1 late alert since 21:04 (CET): Yard. Home"
    assert digest(*["Yard"] * 3, late=2) == "Framewatch: 3 more since 21:04 (CET), 2 late: Yard. Home"


def test_a_digest_beside_the_longest_link_still_says_where() -> None:
    text = digest(*["Front door"] * 11, "Back door", "Garage", late=3, now=NOW + timedelta(days=1), link=LONGEST_LINK)
    assert text == f"13 more since 21 Nov 21:04 (CET), 3 late: Front door and 2 more. Home {LONGEST_LINK}"


def test_a_date_is_written_when_it_is_not_the_sites_today() -> None:
    midnight = MADRID.localize(datetime(2026, 11, 22)).astimezone(UTC)  # noqa: DTZ001
    for text in (digest("Yard", now=midnight), silence(*cameras("Yard"), now=midnight)):
        assert "since 21 Nov 21:04 (CET)" in text
    for text in (digest("Yard", now=midnight - timedelta(seconds=1)), silence(*cameras("Yard"), now=NOW)):
        assert "since 21:04 (CET)" in text
    over_midnight = back(*cameras("Yard"), until=midnight, now=midnight)
    assert "silent 21 Nov 21:04 to 00:00 (CET)." in over_midnight
    assert "silent 21 Nov 21:04 to 22 Nov 00:00 (CET)." in back(
        *cameras("Yard"), until=midnight, now=midnight + timedelta(days=1)
    )


# -- silence ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("troubles", "says"),
    [
        (cameras("Front door"), "Front door camera silent since 21:04 (CET)"),
        (
            cameras("Front door", "Garage", "Yard"),
            "3 cameras silent since 21:04 (CET): Front door, Garage, Yard",
        ),
        (
            cameras("Front door") + cameras("Yard", since=SINCE - timedelta(minutes=2)),
            "2 cameras silent, first since 21:02 (CET): Front door, Yard",
        ),
        ([Trouble(CAMERA, name, SINCE, 1) for name in "AB"], "2 cameras silent since 21:04 (CET): A, B"),
        ([Trouble(BOX, "attic", SINCE, 4)], "Box attic silent since 21:04 (CET): 4 cameras"),
        ([Trouble(BOX, "attic", SINCE, 1)], "Box attic silent since 21:04 (CET): 1 camera"),
        ([Trouble(BOX, "attic", SINCE)], "Box attic silent since 21:04 (CET)"),
        (
            [Trouble(BOX, "attic", SINCE, 4), Trouble(BOX, "cellar", SINCE, 3)],
            "2 boxes (7 cameras) silent since 21:04 (CET): attic, cellar",
        ),
        ([Trouble(STREAM, "", SINCE, late_s=479)], "Frames are 7 min late since 21:04 (CET)"),
        ([Trouble(STREAM, "", SINCE, late_s=3 * 3600)], "Frames are 3 h late since 21:04 (CET)"),
        ([Trouble(STREAM, "", SINCE)], "Frames are late since 21:04 (CET)"),
        ([Trouble(VISION, "", SINCE)], "Pictures cannot be analysed since 21:04 (CET)"),
        ([Trouble(PROCESSING, "", SINCE)], "Nothing is processed since 21:04 (CET)"),
        (
            [*cameras("Yard"), Trouble(BOX, "attic", SINCE, 4)],
            "Box attic silent since 21:04 (CET): 4 cameras. Yard camera silent since 21:04 (CET)",
        ),
    ],
)
def test_what_is_wrong_is_one_text(troubles: Sequence[Trouble], says: str) -> None:
    assert silence(*troubles) == f"Framewatch: {says}. Home"


def test_what_does_not_fit_is_counted() -> None:
    troubles = [
        *cameras("Yard", "Garage"),
        *(Trouble(kind, "attic", SINCE, 4) for kind in (BOX, STREAM, VISION, PROCESSING)),
    ]
    assert silence(*troubles) == (
        "Framewatch: Nothing is processed since 21:04 (CET). Pictures cannot be analysed since 21:04 (CET)."
        " Frames are late since 21:04 (CET). 3 more troubles. Home"
    )
    assert silence(*(t for t in troubles if t.kind in (PROCESSING, VISION, BOX)), now=NOW + timedelta(days=1)) == (
        "Framewatch: Nothing is processed since 21 Nov 21:04 (CET)."
        " Pictures cannot be analysed since 21 Nov 21:04 (CET). 1 more trouble. Home"
    )
    assert silence(*cameras(*["Garden behind the house"] * 30)) == (
        "Framewatch: 30 cameras silent since 21:04 (CET): "
        + ", ".join(["Garden behind the house"] * 4)
        + " and 26 more."
    )


def test_the_names_of_a_later_sentence_are_left_recognisable() -> None:
    text = silence(Trouble(BOX, "b" * 60, SINCE, 4), *cameras("Front door on the left of the house", "Yard"))
    assert f"Box {'b' * 38}.. silent" in text
    assert "2 cameras silent since 21:04 (CET): Front door on th.. and 1 more." in text


# -- well again ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("troubles", "says"),
    [
        (cameras("Front door"), "Front door camera is back, silent 21:04 to 21:20 (CET)"),
        (
            cameras("Front door") + cameras("Yard", since=SINCE + timedelta(minutes=2)),
            "2 cameras are back, silent between 21:04 and 21:20 (CET): Front door, Yard",
        ),
        ([Trouble(BOX, "attic", SINCE, 4)], "Box attic is back, silent 21:04 to 21:20 (CET): 4 cameras"),
        (
            [Trouble(BOX, "attic", SINCE, 4), Trouble(BOX, "cellar", SINCE, 3)],
            "2 boxes (7 cameras) are back, silent between 21:04 and 21:20 (CET): attic, cellar",
        ),
        ([Trouble(STREAM, "", SINCE)], "Frames are in time again, late 21:04 to 21:20 (CET)"),
        ([Trouble(VISION, "", SINCE)], "Pictures are analysed again, interrupted 21:04 to 21:20 (CET)"),
        ([Trouble(PROCESSING, "", SINCE)], "Frames are processed again, interrupted 21:04 to 21:20 (CET)"),
    ],
)
def test_what_is_well_again_says_how_long_it_was_not(troubles: Sequence[Trouble], says: str) -> None:
    assert back(*troubles) == f"Framewatch: {says}. Home"


def test_the_hour_that_autumn_doubles_is_told_apart() -> None:
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert "since 02:30 (CEST)" in silence(*cameras("Yard", since=first), now=second)
    assert "since 02:30 (CET)" in silence(*cameras("Yard", since=second), now=second)
    assert "2 cameras silent, first since 02:30 (CEST)" in silence(
        *cameras("Yard", since=first), *cameras("Garage", since=second), now=second
    )
    assert "silent 02:30 (CEST) to 02:30 (CET)." in back(*cameras("Yard", since=first), until=second, now=second)


# -- any names, any number -------------------------------------------------------------------------------------------

names = st.text(max_size=60) | st.text("abc€ ", min_size=20, max_size=60)
instants = st.datetimes(datetime(2000, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
zones = st.sampled_from(sorted(pytz.all_timezones))
troubles = st.lists(
    st.builds(
        Trouble,
        st.sampled_from(TroubleKind),
        names,
        instants,
        cameras=st.integers(0, 9999),
        late_s=st.floats(0, 1e7),
    ),
    min_size=1,
    max_size=300,
)


def is_one_part(text: str) -> bool:
    return set(text) <= GSM7_BASIC | GSM7_EXTENDED and septets(text) <= MAX_SEPTETS


def clock(at: datetime, zone: str) -> str:
    return f"{at.astimezone(pytz.timezone(zone)):%H:%M}"


digests = st.fixed_dictionaries(
    {
        "late": st.integers(0, 300),
        "since": instants,
        "now": instants,
        "zone": zones,
        "site": names,
        "link": st.none()
        | st.just(LONGEST_LINK)
        | st.text(LINK, max_size=MAX_LINK_SEPTETS - 10).map("https://x/".__add__),
    }
)


@given(st.lists(st.tuples(names, st.integers(1, 300)), min_size=1, max_size=300), digests)
def test_a_digest_is_always_one_part_with_its_count_its_time_and_its_link(
    counts: list[tuple[str, int]], given: dict[str, Any]
) -> None:
    places = [name for name, count in counts for _ in range(count)]
    text = digest(*places, **given | {"late": min(given["late"], len(places))})
    assert is_one_part(text)
    assert text.removeprefix("Framewatch: ").startswith(f"{len(places)} ")
    assert f"{clock(given['since'], given['zone'])} (" in text
    assert text.endswith(f" {given['link']}" if given["link"] else "")


@given(troubles, instants, instants, zones, names)
def test_a_text_of_the_watchdog_is_always_one_part_that_tells_the_worst_and_since_when(
    troubles: list[Trouble], until: datetime, now: datetime, zone: str, site: str
) -> None:
    told = silence(*troubles, now=now, zone=zone, site=site)
    over = back(*troubles, until=until, now=now, zone=zone, site=site)
    assert is_one_part(told)
    assert is_one_part(over)
    assert clock(until, zone) in over
    worst = min(troubles, key=lambda t: (list(TroubleKind).index(t.kind), t.since))
    for text in (told, over):
        assert f"{clock(worst.since, zone)}" in text


def doubled(data: Any) -> tuple[str, datetime, datetime]:
    """Two instants at which the clock of a zone shows the same."""
    zone, begins, by = data.draw(
        st.sampled_from(
            [
                ("Europe/Madrid", datetime(2026, 10, 25, 0, tzinfo=UTC), 60),
                ("America/New_York", datetime(2026, 11, 1, 5, tzinfo=UTC), 60),
                ("Australia/Lord_Howe", datetime(2026, 4, 4, 14, 30, tzinfo=UTC), 30),
            ]
        )
    )
    first = begins + timedelta(minutes=data.draw(st.integers(0, by - 1)))
    return zone, first, first + timedelta(minutes=by)


@given(st.data(), names, names)
def test_the_two_passes_of_a_doubled_hour_read_differently(data: Any, name: str, site: str) -> None:
    zone, first, second = doubled(data)
    now = second + timedelta(minutes=data.draw(st.integers(0, 3000)))
    assert clock(first, zone) == clock(second, zone)
    a, b = ([Trouble(CAMERA, name, since)] for since in (first, second))
    assert silence(*a, now=now, zone=zone, site=site) != silence(*b, now=now, zone=zone, site=site)
    assert back(*a, until=now, now=now, zone=zone) != back(*b, until=now, now=now, zone=zone)
    assert back(*a, until=first, now=now, zone=zone) != back(*a, until=second, now=now, zone=zone)
    assert digest(name, since=first, now=now, zone=zone) != digest(name, since=second, now=now, zone=zone)
