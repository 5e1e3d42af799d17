"""What holds for every rule, what is rarely meant, and the example: the site file's sections about alerts."""

import json
import re
from pathlib import Path

import pytest
import yaml

from framewatch.domain.alert_settings import Alerts, Limits, Rule, Severity, Watchdog
from framewatch.domain.budget_settings import Budget
from framewatch.domain.site import Camera, SiteConfig
from framewatch.wire.site_file import check_watch_labels, load_site_text, read_site_text, site_warnings
from tests.unit.test_site_rules import GOOD, problems, rules

CONFIG = Path(__file__).parents[2] / "config"


# -- what holds for every rule ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("cams.example.com", "does not begin with https://"),
        ("ftp://cams.example.com", "does not begin with https://"),
        ("https://cams.example.com/", "is more than scheme and host"),
        ("https://cams.example.com/a", "is more than scheme and host"),
        ("https://cams.example.com?x=1", "is more than scheme and host"),
        ("https://ana:hunter2@cams.example.com", "is more than scheme and host"),
        ("https://cams.example.com\n", "is more than scheme and host"),
        ("https://", "is more than scheme and host"),
        ("http://cams.example.com", "write https://"),
        ("http://127.0.0.1.example.com", "write https://"),
        ("https://" + "a" * 60 + ".com", "is longer than 67 characters"),
    ],
)
def test_a_link_base_that_no_text_could_carry_is_refused(url, words):
    (line,) = problems(GOOD + f"alerts: {json.dumps({'link_base_url': url})}\n")
    assert line.startswith("site.yaml:11: alerts.link_base_url: ")
    assert words in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "url", ["https://cams.example.com", "https://d1.cloudfront.net:8443", "http://localhost:8080", "http://127.0.0.1"]
)
def test_a_link_base_is_scheme_and_host(url):
    assert load_site_text(GOOD + f"alerts: {{link_base_url: '{url}'}}\n").alerts.link_base_url == url


@pytest.mark.parametrize("sender", ["123456", "My Shop", "ElevenPlus12", "", "Caf\u00e9"])
def test_a_sender_id_that_no_network_takes_is_refused(sender):
    (line,) = problems(GOOD + f"alerts: {json.dumps({'sender_id': sender})}\n")
    assert line.startswith("site.yaml:11: alerts.sender_id: a sender id is 1 to 11 letters and digits")
    assert load_site_text(GOOD + "alerts: {sender_id: 24Shop}\n")


def test_a_budget_that_pays_for_no_text_is_refused_but_none_at_all_may_be_meant():
    (line,) = problems(GOOD + "limits: {monthly_budget_usd: 0.05}\n")
    assert line == (
        "site.yaml:11: limits.monthly_budget_usd: does not pay for one text (0.08 USD); raise it, or write 0 for none"
    )
    assert load_site_text(GOOD + "limits: {monthly_budget_usd: 0}\n")


# -- what is allowed and rarely meant --------------------------------------------------------------------------------


def warnings(text: str) -> list[str]:
    return site_warnings(read_site_text(text))


def test_what_is_rarely_meant_is_a_warning_with_its_line():
    everybody = {"notify": ["ana", "bo", "systems"]}
    assert warnings(rules(everybody)) == []
    assert warnings(rules(everybody, {}, {"severity": "notice"})) == [
        "site.yaml:13: rules[1]: nobody is told by 'r1'; add notify, or severity: notice if it is meant so"
    ]
    assert warnings(rules({"notify": ["ana", "systems"]})) == [
        "site.yaml:9: contacts[1]: no rule, watch list or watchdog names 'bo', who is never told"
    ]
    assert warnings("cameras: [{id: a}]\nwatch:\n  labels: [Dog]\n") == [
        "site.yaml:3: watch.labels: nobody is told of these; add `phone: ...` or `notify: [...]` beside them"
    ]
    assert warnings("cameras: [{id: a}]\nwatch: {phone: '+34600123456'}\n") == [
        "site.yaml:2: watch: says who is told, and not of what; add labels: [Person]"
    ]
    assert warnings("cameras: [{id: a}]\nlimits: {monthly_budget_usd: 5}\n") == [
        "site.yaml:2: limits.monthly_budget_usd: SNS stops before it, at deployment.sms_spend_limit_usd (1);"
        " have AWS raise that"
    ]


def test_a_name_that_a_text_cannot_spell_is_a_warning_and_one_with_accents_is_not():
    said = " in a text, which has no such letters; write it in Latin ones"
    names = "site: {name: 'Пекарня 24?'}\ncameras:\n  - {id: a, name: Zażółć}\n  - {id: b, name: 前門 2}\n"
    assert warnings(names + "  - {id: c, name: 'Πίσω αυλή?'}\n") == [
        f"site.yaml:1: site.name: reads '??????? 24?'{said}",
        f"site.yaml:4: cameras[1].name: reads '?? 2'{said}",
    ]


def test_a_rule_that_only_waits_for_an_answer_from_the_dashboard_tells_somebody():
    waits = {"escalate_to": ["ana", "bo"]}
    assert warnings(rules(waits, {"notify": ["systems"]})) == []


def test_labels_of_every_rule_are_checked_against_what_the_backend_can_see():
    site = read_site_text(
        rules({"labels": ["Persn"], "all_of": ["Dog"]}, {"none_of": ["Kat"]}, watch={"labels": ["x"]})
    )
    found = check_watch_labels(site, frozenset({"Person", "Dog", "Cat"})).errors
    assert [line.partition(" can never be seen by this vision backend; ")[::2] for line in found] == [
        ("site.yaml:14: watch.labels[0]: 'x'", "take a label that it knows"),
        ("site.yaml:12: rules[0].labels[0]: 'Persn'", "did you mean Person?"),
        ("site.yaml:13: rules[1].none_of[0]: 'Kat'", "did you mean Cat?"),
    ]


# -- what the rest builds on -----------------------------------------------------------------------------------------


def test_words_whose_visits_are_followed_are_each_there_once_as_first_written():
    site = load_site_text(
        rules({"labels": ["person", "Dog"]}, {"labels": ["CAR", "dog"]}, watch={"labels": ["Person"]})
    )
    assert site.watch_words == ("Person", "Dog", "CAR")


def test_who_is_told_of_silence_is_who_hears_of_alerts_unless_somebody_is_named():
    told = rules({"notify": ["bo"], "escalate_to": ["ana"]}, {"severity": "notice", "notify": ["systems"]})
    assert load_site_text(told).watchdog_contacts == ("bo",)
    assert set(load_site_text(told).texted_phones) == {"bo", "ana"}


def test_a_group_of_one_camera_is_a_group():
    assert load_site_text("cameras: [{id: a, group: yard}]").cameras[0].alert_scope == "group:yard"
    assert load_site_text("cameras: [{id: a}]").cameras[0].alert_scope == "a"


def test_a_site_built_in_code_is_checked_as_a_file_is():
    with pytest.raises(ValueError, match="names the contact 'zoe'"):
        SiteConfig(cameras=({"id": "a"},), rules=(Rule(id="r", labels=("Dog",), notify=("zoe",)),))


# -- the example -----------------------------------------------------------------------------------------------------


def example() -> dict[str, object]:
    """As data, with the lines that are marked as left out (`# key: value`)."""
    text = (CONFIG / "site.example.yaml").read_text().partition("# What runs in the cloud")[0]
    text = re.sub(r"^# (budget:|  .*)$", r"\1", text, flags=re.MULTILINE)
    return yaml.safe_load(re.sub(r"^( +)# ([a-z_]+: (?:\S+|\{.*\}))$", r"\1\2", text, flags=re.MULTILINE))


@pytest.mark.parametrize(
    ("section", "model"), [("alerts", Alerts), ("limits", Limits), ("watchdog", Watchdog), ("budget", Budget)]
)
def test_the_example_shows_every_setting_and_its_default(section, model):
    shown = example()[section]
    assert set(shown) == set(model.model_fields)
    assert {k: v for k, v in shown.items() if getattr(model(), k) not in (None, ())} == {
        k: v for k, v in model() if v not in (None, ())
    }


def test_the_examples_rule_shows_every_setting_and_its_warnings_are_none():
    (rule,) = example()["rules"]
    assert set(rule) == set(Rule.model_fields)
    defaults = Rule(id="r", labels=("Dog",))
    for key in ("min_confidence", "cool_down_s", "escalate_after_s"):
        assert rule[key] == getattr(defaults, key)
    assert {key for camera in example()["cameras"] for key in camera} == set(Camera.model_fields)
    text = (CONFIG / "site.example.yaml").read_text()
    assert warnings(text) == []
    assert load_site_text(text).rules[0].severity is Severity.CRITICAL
