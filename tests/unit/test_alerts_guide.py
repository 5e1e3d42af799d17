"""docs/alerts.md keeps its word: its site files are good and do what their headings say."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytz

from framewatch.domain.alert_settings import Alerts, Limits, Rule, Severity, zone_polygons
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.labels import Instance, Label
from framewatch.domain.rules import Observation, instances_of, judge_frame, judge_hour, names_in
from framewatch.domain.site import SiteConfig, Visits
from framewatch.domain.visits import Reason, VisitSighting
from framewatch.wire.site_file import read_site_text, site_warnings
from tests.frames import NOON

GUIDE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
WISHES = dict(re.findall(r"<!-- wish: ([a-z]+) -->\n```yaml\n(.*?)```", GUIDE, flags=re.DOTALL))
MADRID = pytz.timezone("Europe/Madrid")


def wish(name: str) -> SiteConfig:
    return read_site_text(WISHES[name], name).config


def judged(site: SiteConfig, label: str, box: BoxXYXYRel, *, moved: bool = False) -> Reason | None:
    """What the only rule makes of an object on the first camera."""
    (rule,), camera = site.rules_for(site.cameras[0].id, label), site.cameras[0]
    seen = (Label(label, 90, (Instance(box, 90),)),)
    sighting = VisitSighting("f", NOON, 90, box)
    observation = Observation(sighting, instances_of(seen, label), names_in(seen))
    return judge_frame(rule, zone_polygons(camera.zones, rule.zones), observation, (moved,))[0]


def at(rule: Rule, day: int, hour: int, minute: int = 0) -> Reason | None:
    """In Madrid, of the week that begins on Monday, 1 June 2026."""
    local = MADRID.localize(datetime(2026, 6, day, hour, minute))  # noqa: DTZ001
    return judge_hour(rule, local.astimezone(UTC), MADRID)


def test_there_are_five_wishes_each_a_whole_file_without_a_warning():
    assert list(WISHES) == ["watch", "porch", "cars", "shop", "yard"]
    assert GUIDE.count("```yaml") == len(WISHES)
    for name, text in WISHES.items():
        assert site_warnings(read_site_text(text, name)) == []


def test_the_watch_list_and_one_phone():
    site = wish("watch")
    assert WISHES["watch"].count("\n") == 5, "a camera, and four lines"
    assert judged(site, "Person", (0.1, 0.1, 0.2, 0.2)) is None
    assert list(site.texted_phones) == list(site.all_rules[0].notify) == ["watch"]


def test_a_person_at_the_porch_at_night_and_not_in_the_day():
    site = wish("porch")
    assert judged(site, "Person", (0.5, 0.2, 0.7, 0.8)) is None
    assert judged(site, "Person", (0.0, 0.2, 0.2, 0.8)) is Reason.OUTSIDE_ZONE
    (rule,) = site.rules
    assert [at(rule, 1, 23), at(rule, 2, 5, 59)] == [None, None]
    assert [at(rule, 1, 12), at(rule, 2, 6)] == [Reason.OFF_SCHEDULE] * 2


@pytest.mark.parametrize("label", ["Car", "Truck"])
def test_cars_that_drive_in_and_not_parked_ones(label):
    site, at_the_gate = wish("cars"), (0.1, 0.4, 0.4, 0.8)
    assert judged(site, label, at_the_gate, moved=True) is None
    assert judged(site, label, at_the_gate) is Reason.STATIONARY
    assert judged(site, label, (0.7, 0.4, 0.9, 0.8), moved=True) is Reason.OUTSIDE_ZONE


def test_the_shop_tells_one_after_the_other_whenever_it_is_closed():
    (rule,) = wish("shop").rules
    assert (rule.notify, rule.escalate_to, rule.escalate_after_s) == (("ana",), ("bo", "carl"), 5 * 60)
    assert rule.severity is Severity.CRITICAL
    for half_hour in range(7 * 48):
        hours, minutes = divmod(half_hour * 30, 60)
        day, hour = divmod(hours, 24)
        clock = timedelta(hours=hour, minutes=minutes)
        open_to_all = day < 6 and timedelta(hours=8, minutes=30) <= clock < timedelta(hours=20, minutes=30)
        assert at(rule, 1 + day, hour, minutes) is (Reason.OFF_SCHEDULE if open_to_all else None)


def test_two_cameras_of_one_yard_are_one_scope_with_quiet_hours_and_a_digest():
    site = wish("yard")
    assert {c.alert_scope for c in site.cameras} == {"group:yard"}
    assert site.alerts.incident_window_s == 120
    assert "fifth text" in WISHES["yard"] and site.limits.per_contact_and_hour == 4
    new_york = pytz.timezone(site.site.time_zone)
    assert judge_hour(site.rules[0], datetime(2026, 6, 1, 16, tzinfo=UTC), new_york) is Reason.QUIET_HOURS
    assert judge_hour(site.rules[0], datetime(2026, 6, 1, 22, tzinfo=UTC), new_york) is None


def test_every_reason_stands_in_the_table_in_the_order_in_which_it_is_asked():
    assert re.findall(r"^\| `([a-z-]+)` \|", GUIDE, flags=re.MULTILINE) == [reason.value for reason in Reason]


def test_the_defaults_that_are_explained_are_the_defaults():
    rule = Rule(id="r", labels=("Person",))
    explained = re.findall(r"^- \*\*`([a-z_]+): ([0-9.]+)`\*\*", GUIDE, flags=re.MULTILINE)
    assert len(explained) == 6
    for key, value in explained:
        (holder,) = [m for m in (rule, Alerts(), Limits(), Visits()) if key in type(m).model_fields]
        assert float(value) == getattr(holder, key), key
