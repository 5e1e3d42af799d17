"""What stands in the table: written by this build, an older one, a newer one, or somebody's hand."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from pydantic import ValidationError

from framewatch.domain.errors import NewerItem
from framewatch.wire import (
    alert_items,
    budget_items,
    count_items,
    frame_items,
    heartbeat_items,
    items,
    rule_state_items,
    trouble_items,
    use_items,
    visit_items,
)
from tests.fuzz import PHONE, cases, read
from tests.fuzz.mutations import changed_json, seeded

_MODULES = (
    alert_items,
    budget_items,
    count_items,
    frame_items,
    heartbeat_items,
    rule_state_items,
    trouble_items,
    use_items,
    visit_items,
)
FORMS = {
    name: form
    for module in _MODULES
    for name, form in vars(module).items()
    if isinstance(form, type) and issubclass(form, items.StoredItem) and form is not items.StoredItem
}
_EVENTS = Path(__file__).parents[1] / "events"


def _golden_docs():
    for path in sorted(_EVENTS.glob("stored-*.json")):
        found = json.loads(path.read_text("utf-8"))
        for item in found["items"] if isinstance(found, dict) else found:
            if "doc" in item:
                yield json.loads(item["doc"]["S"])


def _reads(form, doc) -> bool:
    try:
        form.read(json.dumps(doc))
    except (NewerItem, ValidationError):
        return False
    return True


# It came without a file of its own.
_OVERRIDE = {
    "item_version": 1,
    "until": "2026-03-15T12:00:00Z",
    "by": "s",
    "name": "ana",
    "at": "2026-03-14T12:00:00Z",
    "per_contact_and_hour": None,
    "per_day": 5,
    "monthly_budget_usd": 1.5,
}
_DOCS = [*_golden_docs(), _OVERRIDE]


def _is_finite(value) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


SAMPLES = {name: [doc for doc in _DOCS if _reads(form, doc)] for name, form in FORMS.items()}


def test_there_is_a_sample_of_every_form():
    assert len(FORMS) > 15 and all(SAMPLES.values()), [name for name, found in SAMPLES.items() if not found]


@cases(80)
@given(
    seeded(lambda random: (name := random.choice(sorted(FORMS)), changed_json(random, random.choice(SAMPLES[name]))))
)
def test_any_body_of_an_item_is_read_or_told_to_be_none(sent):
    name, doc = sent
    form = FORMS[name]
    doc = doc.replace(PHONE.encode(), b"7")  # as a version it is a number like any other, and told
    found = read(form.read, doc, refuses=(NewerItem, ValidationError))
    # Neither NaN nor infinity gets into the table: what is stored was checked, or clipped, where it came in.
    if found is not None and _is_finite(found.model_dump()):
        assert form.read(found.model_dump_json()).model_dump_json() == found.model_dump_json()


@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_body_of_the_worst_form_is_told_at_once(name):
    for doc in ("[" * 400_000, '{"item_version":' + "9" * 300_000 + "}", '{"a":' * 60_000, ""):
        assert read(FORMS[name].read, doc, refuses=(NewerItem, ValidationError)) is None
