"""Rules, contacts and zones in the site file: what is refused, at which line, with which fix."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from framewatch.domain.alert_settings import Alerts, Limits, Watchdog
from framewatch.domain.alerts import Alert
from framewatch.domain.errors import SiteFileError
from framewatch.domain.rule_state import RuleState
from framewatch.domain.site import MAX_RULES, SiteConfig
from framewatch.domain.visits import Visit, VisitChange, VisitSighting
from framewatch.services.ports import MAX_WRITES, Decided, writes_of
from framewatch.wire.site_file import load_site_text, read_site_text, site_warnings
from tests.frames import NOON

GOOD = """\
cameras:
  - id: front
    zones:
      - {id: porch, points: [[0, 0.5], [1, 0.5], [1, 1]]}
      - {id: drive, points: [[0, 0], [1, 0], [1, 0.5]]}
  - id: yard
contacts:
  - {id: ana, phone: "+34600123456"}
  - {id: bo, phone: "+34600123457"}
  - {id: systems, topic: true}
"""
SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]]


def problems(text: str) -> list[str]:
    with pytest.raises(SiteFileError) as caught:
        load_site_text(text)
    return str(caught.value).splitlines()


def rules(*settings: dict[str, object], **sections: object) -> str:
    """GOOD with one rule a line, from line 12 on, then the sections, a line each."""
    lines = [json.dumps({"id": f"r{n}", "labels": ["Person"]} | s) for n, s in enumerate(settings)]
    text = GOOD + "rules:\n" + "".join(f"  - {line}\n" for line in lines)
    return text + "".join(f"{name}: {json.dumps(value)}\n" for name, value in sections.items())


def refused(setting: dict[str, object], **sections: object) -> str:
    """The one problem of one rule, which stands in line 12, without file and line."""
    (line,) = problems(rules(setting, **sections))
    start, _, message = line.partition("12: ")
    assert start == "site.yaml:", line
    return message


# -- the shortest file -----------------------------------------------------------------------------------------------


def test_four_lines_beside_the_cameras_text_a_phone():
    site = load_site_text(
        "cameras: [{id: front}]\nwatch:\n  labels: [Person]\n  min_confidence: 60\n  phone: '+34600123456'\n"
    )
    (rule,) = site.all_rules
    assert (rule.id, rule.labels, rule.min_confidence, rule.notify) == ("watch", ("Person",), 60, ("watch",))
    assert site.texted_phones == {"watch": "+34600123456"}
    assert site.watchdog_contacts == ("watch",)
    assert site_warnings(read_site_text("cameras: [{id: a}]\nwatch: {labels: [Dog], phone: '+34600123456'}")) == []


def test_a_file_without_rules_has_the_defaults_of_every_section():
    site = load_site_text("cameras: [{id: front}]\n")
    assert (site.alerts, site.limits, site.watchdog) == (Alerts(), Limits(), Watchdog())
    assert (site.all_rules, site.all_contacts, site.watch_words) == ((), (), ())


# -- what names what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            {"cameras": ["frnt"]},
            "rules[0].cameras[0]: the rule names the camera 'frnt', which is not among cameras (front, yard);"
            " did you mean 'front'?",
        ),
        (
            {"notify": ["ana", "anna"]},
            "rules[0].notify[1]: the rule names the contact 'anna', which is not among contacts (ana, bo, systems);"
            " did you mean 'ana'?",
        ),
        (
            {"escalate_to": ["zoe"]},
            "rules[0].escalate_to[0]: the rule names the contact 'zoe', which is not among contacts (ana, bo,"
            " systems)",
        ),
        (
            {"zones": ["prch"]},
            "rules[0].zones[0]: the rule names the zone 'prch', which is not among its cameras' zones (porch, drive);"
            " did you mean 'porch'?",
        ),
    ],
)
def test_a_name_that_nothing_has_is_refused_with_the_near_one(setting, message):
    assert refused(setting) == message


def test_the_watchdog_names_contacts_too():
    (line,) = problems(GOOD + "watchdog: {notify: [carl]}\n")
    assert line.startswith("site.yaml:11: watchdog.notify[0]: watchdog.notify names the contact 'carl', which is not")
    site = load_site_text(GOOD + "watchdog: {notify: [systems]}\n")
    assert site.watchdog_contacts == ("systems",)


def test_the_number_of_the_watch_list_is_a_contact_that_rules_may_name():
    site = load_site_text(rules({"notify": ["watch"]}, watch={"labels": ["Dog"], "phone": "+34600123459"}))
    assert site.texted_phones == {"watch": "+34600123459"}
    assert refused({"notify": ["watch"]}).startswith("rules[0].notify[0]: the rule names the contact 'watch', which")


def test_each_named_camera_has_one_of_the_zones():
    assert refused({"cameras": ["front", "yard"], "zones": ["porch"]}) == (
        "rules[0].cameras[1]: 'yard' has none of the rule's zones (porch); give it one, or leave it out here"
    )
    assert load_site_text(rules({"cameras": ["front"], "zones": ["porch", "drive"]}))


def test_a_rule_for_every_camera_is_one_for_those_with_its_zones():
    site = load_site_text(rules({"zones": ["porch"]}, watch={"labels": ["Dog"]}))
    assert [r.id for r in site.rules_for("front", "person")] == ["r0"]
    assert site.rules_for("yard", "Person") == []
    assert [r.id for r in site.rules_for("yard", "dog")] == ["watch"]


def test_a_damaged_entry_raises_no_second_alarm_where_it_is_named():
    broken = rules({"notify": ["ana"], "cameras": ["front"], "zones": ["porch"]})
    for good, bad in (("id: ana", "id: Ana!"), ("id: front", "id: Front Door"), ("id: porch", "id: The Porch")):
        assert len(problems(broken.replace(good, bad, 1))) == 1


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (GOOD.replace("id: yard", "id: front"), "site.yaml:6: cameras[1].id: the camera id 'front' stands twice"),
        (GOOD.replace("id: bo", "id: ana"), "site.yaml:9: contacts[1].id: the contact id 'ana' stands twice"),
        (GOOD.replace("id: drive", "id: porch"), "site.yaml:5: cameras[0].zones[1].id: the zone id 'porch' stands"),
        (rules({"id": "a"}, {"id": "a"}), "site.yaml:13: rules[1].id: the rule id 'a' stands twice"),
    ],
)
def test_an_id_that_stands_twice_is_refused_at_the_second(text, place):
    (line,) = problems(text)
    assert line.startswith(place)


@pytest.mark.parametrize("key", ["cameras", "notify", "escalate_to", "zones"])
def test_a_name_that_stands_twice_in_one_list_is_refused(key):
    name = {"cameras": "front", "zones": "porch"}.get(key, "ana")
    assert refused({key: [name, name]}) == f"rules[0].{key}[1]: {name!r} stands twice here; remove one"


def test_two_cameras_may_have_a_zone_of_the_same_id():
    zone = [{"id": "porch", "points": SQUARE}]
    site = load_site_text(json.dumps({"cameras": [{"id": "a", "zones": zone}, {"id": "b", "zones": zone}]}))
    assert [z.id for c in site.cameras for z in c.zones] == ["porch", "porch"]


def test_the_id_watch_is_the_watch_lists_where_it_is_used():
    assert load_site_text(rules({"id": "watch"}))
    assert refused({"id": "watch"}, watch={"labels": ["Dog"]}).startswith("rules[0].id: 'watch' is the rule of the")
    contact = GOOD.replace("id: bo", "id: watch")
    assert load_site_text(contact)
    (line,) = problems(contact + "watch: {labels: [Dog], phone: '+34600123459'}\n")
    assert line == "site.yaml:9: contacts[1].id: 'watch' is the contact of watch.phone; choose another id"


# -- contacts --------------------------------------------------------------------------------------------------------


def test_a_contact_is_a_phone_or_the_topic():
    (line,) = problems(GOOD.replace(", topic: true", ""))
    assert line == "site.yaml:10: contacts[2].phone: is missing; add the number, or `topic: true` for the alert topic"
    (line,) = problems(GOOD.replace("topic: true", 'topic: true, phone: "+34600123458"'))
    assert line == "site.yaml:10: contacts[2].topic: is true beside a phone; make two contacts of them"


def test_one_number_is_one_contact_and_is_not_repeated():
    (line,) = problems(GOOD.replace("+34600123457", "+34600123456"))
    assert line == (
        "site.yaml:9: contacts[1].phone: is the number of the contact 'ana', who would be told twice; remove one"
    )
    (line,) = problems(GOOD + "watch: {labels: [Dog], phone: '+34600123457'}\n")
    assert line == "site.yaml:11: watch.phone: is the number of the contact 'bo'; write `notify: [bo]` instead"
    (line,) = problems(GOOD.replace('id: bo, phone: "+34600123457"', "id: bo, topic: true"))
    assert line == "site.yaml:10: contacts[2].topic: there is one alert topic, and the contact 'bo' is it; remove one"


# -- rules that could never tell -------------------------------------------------------------------------------------


def test_a_confidence_below_what_is_stored_is_refused_for_rules_and_the_watch_list():
    stored = {"min_confidence": 85}
    assert refused({"min_confidence": 60}, vision=stored) == (
        "rules[0].min_confidence: its min_confidence (60) is below vision.min_confidence (85):"
        " such labels are never stored; lower vision.min_confidence"
    )
    assert refused({}, vision=stored).startswith("rules[0].min_confidence: its min_confidence (80) is below")
    assert refused({"min_confidence": 49.5}).startswith("rules[0].min_confidence: its min_confidence (49.5) is below")
    (line,) = problems("cameras: [{id: a}]\nvision: {min_confidence: 85}\nwatch: {labels: [Dog]}\n")
    assert line.startswith("site.yaml:3: watch.min_confidence: watch.min_confidence (80) is below")
    assert load_site_text(rules({"min_confidence": 90}, vision=stored)), "an unused watch list is no matter"


def test_a_rule_about_nothing_is_refused():
    assert refused({"labels": []}) == ("rules[0]: the rule names no label; write labels: [Person], or all_of")
    assert load_site_text(rules({"labels": [], "all_of": ["Person", "Dog"]})).watch_words == ("Person",)


def test_what_must_be_there_and_must_not_is_refused():
    assert refused({"none_of": ["Cat", " PERSON"]}).startswith("rules[0].none_of[1]: 'PERSON' is also wanted")
    assert refused({"all_of": ["Dog"], "none_of": ["dog"]}).startswith("rules[0].none_of[0]: 'dog' is also wanted")


def test_a_notice_names_no_phone_and_does_not_escalate():
    assert refused({"severity": "notice", "notify": ["systems", "bo"]}) == (
        "rules[0].notify[1]: a notice rings no phone, and 'bo' is one;"
        " name a contact with `topic: true`, or set severity: alert"
    )
    assert refused({"severity": "notice", "notify": ["systems"], "escalate_to": ["bo"]}).startswith(
        "rules[0].escalate_to: a notice rings no phone"
    )
    assert load_site_text(rules({"severity": "notice", "notify": ["systems"]}, {"severity": "notice"}))


def test_escalation_without_anybody_to_escalate_to_is_refused():
    assert refused({"notify": ["ana"], "escalate_after_s": 120}) == (
        "rules[0].escalate_after_s: there is nobody to escalate to; add escalate_to, or remove it"
    )


def test_escalation_to_somebody_who_is_told_already_is_refused():
    assert refused({"notify": ["ana"], "escalate_to": ["bo", "ana"]}) == (
        "rules[0].escalate_to[1]: 'ana' is told at once already, by notify; remove one of the two"
    )


def test_escalation_that_outlasts_the_alert_is_refused():
    slow = {"notify": ["systems"], "escalate_to": ["ana", "bo"], "escalate_after_s": 3600}
    assert refused(slow, alerts={"link_hours": 1.5}) == (
        "rules[0].escalate_after_s: the last of 2 would be told after 2 hours,"
        " but an alert is over after alerts.link_hours (1.5); shorten this or raise that"
    )
    assert load_site_text(rules(slow, alerts={"link_hours": 2}))


def test_hours_that_are_none_are_told_one_by_one_at_their_lines():
    text = GOOD + (
        "rules:\n  - id: night\n    labels: [Person]\n    schedule:\n      - monday 08:00-18:00\n      - daily 8-18\n"
        "    quiet_hours: [22:00-06:00]\n"
    )
    assert problems(text) == [
        "site.yaml:15: rules[0].schedule[0]: 'monday 08:00-18:00': 'monday' is not a day; did you mean 'mon'?",
        "site.yaml:16: rules[0].schedule[1]: 'daily 8-18': '8' is not a time of day; write it as 08:00, up to 24:00",
        "site.yaml:17: rules[0].quiet_hours[0]: '22:00-06:00' is not days, a blank and hours; write days and hours,"
        " such as mon-fri 08:00-18:00, sat,sun 00:00-24:00 or daily 22:00-06:00",
    ]


@pytest.mark.parametrize(
    ("schedule", "quiet", "silent"),
    [
        (["daily 22:00-06:00"], ["daily 21:00-07:00"], True),
        (["daily 22:00-06:00"], ["daily 22:00-05:59"], False),
        (["mon-fri 08:00-18:00"], ["mon-thu 00:00-24:00"], False),
        ([], ["daily 00:00-24:00"], True),
        ([], ["daily 00:00-12:00", "mon-sun 12:00-24:00"], True),
        ([], ["mon-sat 00:00-24:00"], False),
    ],
)
def test_quiet_hours_that_leave_no_time_are_refused(schedule, quiet, silent):
    setting = {"schedule": schedule, "quiet_hours": quiet}
    if silent:
        when = "the schedule" if schedule else "the week"
        assert refused(setting).startswith(f"rules[0].quiet_hours: leave no time of {when} in which somebody")
    else:
        assert load_site_text(rules(setting))


def test_a_zone_in_pixels_or_without_an_area_is_refused_with_the_fix():
    def zone(points):
        (line,) = problems(json.dumps({"cameras": [{"id": "a", "zones": [{"id": "z", "points": points}]}]}))
        return line

    assert "cameras[0].zones[0].points: point 2 of the polygon is (640, 0); points are shares" in zone(
        [[0, 0], [640, 0], [640, 480]]
    )
    assert "needs at least 3 points" in zone([[0, 0], [1, 1]])
    assert "encloses no area" in zone([[0, 0], [0.5, 0.5], [1, 1]])


def test_more_rules_than_a_site_takes_are_refused():
    assert load_site_text(rules(*[{}] * MAX_RULES))
    (line,) = problems(rules(*[{}] * (MAX_RULES + 1)))
    assert line == "site.yaml:11: rules: takes at most 30; remove some"


def test_what_one_frame_leads_to_fits_one_write_though_it_fulfils_every_rule():
    found = VisitSighting("f", NOON, 99.0)
    visit = Visit("v", "front", "Person", NOON, NOON, 1, found)
    joined = tuple(replace(visit, visit_id=i, first_seen=NOON + timedelta(seconds=1)) for i in ("a", "b"))
    told = [
        Alert(f"v/{n}", f"r{n}", "front", "v", "front", "Person", 99.0, "f", NOON, NOON, ("ana",))
        for n in range(MAX_RULES + 1)  # with the watch list
    ]
    decided = Decided(tuple(told), NOON, states=tuple(RuleState(alert.rule_id, alert.scope) for alert in told))
    assert writes_of(VisitChange(joined, visit, (found,)), decided) <= MAX_WRITES


def test_problems_within_and_between_sections_are_told_at_once_in_the_order_of_the_file():
    text = rules(
        {"notify": ["zoe"], "cameras": ["nowhere"], "min_frames": 0},
        {"notify": ["ana"], "escalate_to": ["ana"]},
        {"severity": "loud", "zones": ["nowhere"]},
        watchdog={"notify": ["carl"], "grace_s": 1},
    )
    assert [re.match(r"site\.yaml:(\d+): ([^:]+):", line)[0] for line in problems(text)] == [
        "site.yaml:12: rules[0].cameras[0]:",
        "site.yaml:12: rules[0].min_frames:",
        "site.yaml:12: rules[0].notify[0]:",
        "site.yaml:13: rules[1].escalate_to[0]:",
        "site.yaml:14: rules[2].severity:",
        "site.yaml:14: rules[2].zones[0]:",
        "site.yaml:15: watchdog.grace_s:",
        "site.yaml:15: watchdog.notify[0]:",
    ]


def test_a_copy_with_other_cameras_knows_no_camera_that_it_does_not_have():
    whole = SiteConfig(cameras=({"id": "a"}, {"id": "b"}), contacts=({"id": "ana", "topic": True},))
    assert whole.camera("a") is not None and whole.contact("ana") is not None
    copy = whole.model_copy(update={"cameras": whole.cameras[1:], "contacts": ()})
    assert copy.camera("a") is None and copy.camera("b") is not None
    assert copy.contact("ana") is None
    assert whole.camera("a") is not None
