"""What of a site file somebody is shown who may see the cameras of some groups only."""

from collections.abc import Sequence

import pytest

from framewatch.domain.access import Caller, Role
from framewatch.domain.site import SiteConfig
from framewatch.services.callers_site import CallersSite

LEFT_HALF = [(0, 0), (0.5, 0), (0.5, 1), (0, 1)]
SITE = SiteConfig.model_validate(
    {
        "cameras": [
            {"id": "front", "group": "doors", "zones": [{"id": "step", "points": LEFT_HALF}]},
            {"id": "back", "group": "doors"},
            {"id": "shelf", "group": "shop", "zones": [{"id": "till", "points": LEFT_HALF}]},
            {"id": "attic"},
        ],
        "contacts": [{"id": "ana", "phone": "+34600123456"}],
        "rules": [
            {"id": "people", "labels": ["Person"], "notify": ["ana"]},
            {"id": "way-in", "labels": ["Dog"], "cameras": ["front", "attic"], "notify": ["ana"]},
            {"id": "theft", "labels": ["Bag"], "cameras": ["shelf"], "notify": ["ana"]},
            {"id": "places", "labels": ["Car"], "zones": ["step", "till"], "notify": ["ana"]},
        ],
        "watch": {"labels": ["Bird"], "notify": ["ana"]},
    }
)


class OneSite:
    def current(self) -> SiteConfig:
        return SITE


def site_of(*groups: str) -> SiteConfig:
    return CallersSite(OneSite(), Caller("s", Role.ADMIN, camera_groups=frozenset(groups))).current()


def cameras(site: SiteConfig) -> list[str]:
    return [camera.id for camera in site.cameras]


@pytest.mark.parametrize(
    ("groups", "seen"),
    [
        ((), ["front", "back", "shelf", "attic"]),
        (("doors",), ["front", "back"]),
        (("doors", "shop"), ["front", "back", "shelf"]),
        (("attic",), []),
        (("", "none"), []),
    ],
)
def test_cameras_of_all_their_groups_are_seen_and_of_nobody_else(groups: Sequence[str], seen: list[str]) -> None:
    assert cameras(site_of(*groups)) == seen


def test_rules_name_only_cameras_and_zones_that_are_seen() -> None:
    found = {rule.id: (rule.cameras, rule.zones) for rule in site_of("doors").all_rules}
    assert found == {"watch": ((), ()), "people": ((), ()), "way-in": (("front",), ()), "places": ((), ("step",))}
    assert site_of("doors").watch_words == ("Bird", "Person", "Dog", "Car")


def test_a_rule_in_zones_that_are_not_seen_is_not_shown_as_one_for_everywhere() -> None:
    assert "places" not in {rule.id for rule in site_of("attic").rules}


def test_the_whole_site_stays_as_it_was() -> None:
    before = SITE.model_dump()
    site_of("doors")
    assert SITE.model_dump() == before and site_of() is SITE
