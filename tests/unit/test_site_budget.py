"""The site file's budgets: what is refused, what is rarely meant, and who hears of them."""

import json

from framewatch.wire.site_file import load_site_text
from tests.unit.test_site_alerts import warnings
from tests.unit.test_site_file import problems

GOOD = """\
contacts: [{id: ana, phone: "+34600123456"}, {id: bo, phone: "+34600123457"}, {id: systems, topic: true}]
watch: {labels: [Person], notify: [ana, bo]}
rules: [{id: all, labels: [Person], notify: [systems]}]
"""


def site(budget: object, *cameras: object) -> str:
    return f"{GOOD}cameras: {json.dumps(cameras or ({'id': 'front'},))}\nbudget: {json.dumps(budget)}\n"


def test_amounts_are_of_a_month_a_day_or_both():
    for budget in ({"per_month_usd": 60}, {"per_day_usd": 4}, {"per_month_usd": 60, "per_day_usd": 4}):
        assert load_site_text(site(budget)).has_budget and warnings(site(budget)) == []
    assert not load_site_text(GOOD + "cameras: [{id: front}]\n").has_budget
    assert problems(site({"per_month_usd": 3, "per_day_usd": 4})) == [
        "site.yaml:5: budget.per_day_usd: is more than the whole month may cost (3); lower it, or leave it out"
    ]
    (line,) = problems(site({"per_month_usd": 0}))
    assert line.startswith("site.yaml:5: budget.per_month_usd: ") and "greater than 0" in line


def test_a_cameras_budget_without_an_amount_is_refused():
    assert problems(site({"per_month_usd": 60}, {"id": "front", "budget": {}})) == [
        "site.yaml:4: cameras[0].budget.per_month_usd: is missing; add it or per_day_usd, or remove the budget"
    ]


def test_who_is_told_must_be_there_and_have_a_phone():
    assert problems(site({"per_month_usd": 60, "notify": ["anna", "systems"]})) == [
        "site.yaml:5: budget.notify[0]: budget.notify names the contact 'anna', which is not among contacts"
        " (ana, bo, systems); did you mean 'ana'?",
        "site.yaml:5: budget.notify[1]: 'systems' is the alert topic, which takes alerts only; name a contact with a"
        " phone",
    ]


def test_who_hears_of_the_budget_is_who_hears_of_silence_unless_somebody_is_named():
    assert load_site_text(site({"per_month_usd": 60})).budget_contacts == ("ana", "bo", "systems")
    named = load_site_text(site({"per_month_usd": 60, "notify": ["bo"]}))
    assert named.budget_contacts == ("bo",) and "bo" in named.texted_phones


def test_what_is_rarely_meant_is_a_warning_with_its_line():
    critical = {"id": "front", "critical": True}
    assert warnings(site({"notify": ["ana"]})) == [
        "site.yaml:5: budget: names no amount; add per_month_usd or per_day_usd"
    ]
    assert warnings(site({"per_month_usd": 60, "reserve_share": 0.1}, {"id": "front"}, {"id": "yard"})) == [
        "site.yaml:5: budget.reserve_share: no camera is critical, so that nothing is kept in reserve"
    ]
    assert warnings(site({"per_month_usd": 60, "reserve_share": 0.1}, critical)) == [
        "site.yaml:5: budget.reserve_share: every camera is critical, so that nothing is kept in reserve"
    ]
    assert warnings(site({}, critical, {"id": "yard"})) == [
        "site.yaml:4: cameras[0].critical: there is no site budget it could have a reserve of; add budget"
    ]
    assert warnings(site({"per_month_usd": 60}, {**critical, "budget": {"per_day_usd": 1}}, {"id": "yard"})) == [
        "site.yaml:4: cameras[0].budget: its own budget stops the analysis of a critical camera, too; leave it out if"
        " it must not"
    ]
    nobody = "cameras: [{id: front}]\nbudget: {per_month_usd: 60}\n"
    assert warnings(nobody) == [
        "site.yaml:2: budget: nobody would be told of its steps; name a contact with a phone in notify"
    ]


def test_a_contact_that_only_the_budget_names_is_told_of_something():
    text = GOOD.replace("[ana, bo]", "[ana]") + "cameras: [{id: front}]\n"
    assert len(warnings(text)) == 1
    assert warnings(text + "budget: {per_month_usd: 60, notify: [bo]}\n") == []
