"""What one section of the site file says that another contradicts, each with its place and the fix.

Works on the file's plain values (mappings, lists, text, numbers) and passes over whatever has not the right shape, so
that a file whose sections are wrong in themselves is told of everything at once.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from framewatch.domain.alert_settings import WATCH_CONTACT_ID, WATCH_RULE_ID, Alerts, Rule, Severity, Watch
from framewatch.domain.frames import is_camera_id
from framewatch.domain.settings_base import Problem, Section

_SHOWN_IDS = 10
DEFAULT_VISION_CONFIDENCE = 50.0
"""Percent; `vision.min_confidence` where the file does not say."""


def reference_problems(data: Mapping[str, Any]) -> list[Problem]:
    """data: as written in the file; what is left out has its default."""
    return list(_File(data).problems())


@dataclass(frozen=True, slots=True)
class _Named:
    """A list's entries by id. doubtful: one of them has no good id, and may be the one that is missed elsewhere."""

    entries: Mapping[str, Mapping[str, Any]]
    doubtful: bool

    def missing(self, wanted: Any) -> bool:
        return not self.doubtful and _is_id(wanted) and wanted not in self.entries


class _File:
    def __init__(self, data: Mapping[str, Any]):
        self._data = data
        self._watch = _section(data, "watch")
        self._cameras = _named(data, "cameras")
        self._contacts = _named(data, "contacts")
        # Whom rules and the watchdog may name: the watch list's own number is a contact, too.
        own = {WATCH_CONTACT_ID: {"phone": self._watch["phone"]}} if self._watch.get("phone") else {}
        self._tellable = _Named({**self._contacts.entries, **own}, self._contacts.doubtful)

    def problems(self) -> Iterator[Problem]:
        for section, what in (("cameras", "camera"), ("contacts", "contact"), ("rules", "rule")):
            yield from _doubled(self._data, (section,), what)
        for n, camera in _entries(self._data, "cameras"):
            yield from _doubled(camera, ("cameras", n, "zones"), "zone")
        yield from self._contact_problems()
        yield from self._watch_problems()
        for n, rule in _entries(self._data, "rules"):
            yield from _below(("rules", n), self._rule_problems(rule))
        watchdog = _section(self._data, "watchdog")
        yield from _below(("watchdog",), _unknown(watchdog, "notify", "watchdog.notify", self._tellable, "contact"))
        yield from _below(("budget",), self._budget_problems(_section(self._data, "budget")))

    def _contact_problems(self) -> Iterator[Problem]:
        """No message repeats a number."""
        seen: dict[str, str] = {}
        for n, contact in _entries(self._data, "contacts"):
            who, phone = contact.get("id"), contact.get("phone")
            if isinstance(phone, str) and phone:
                if phone in seen:
                    message = f"is the number of the contact {seen[phone]!r}, who would be told twice; remove one"
                    yield ("contacts", n, "phone"), message
                seen.setdefault(phone, str(who))
            elif contact.get("topic") is True:
                if "topic" in seen:
                    message = f"there is one alert topic, and the contact {seen['topic']!r} is it; remove one"
                    yield ("contacts", n, "topic"), message
                seen.setdefault("topic", str(who))
            if who == WATCH_CONTACT_ID and self._watch.get("phone"):
                yield ("contacts", n, "id"), "'watch' is the contact of watch.phone; choose another id"
        own = self._watch.get("phone")
        if isinstance(own, str) and own in seen:
            message = f"is the number of the contact {seen[own]!r}; write `notify: [{seen[own]}]` instead"
            yield ("watch", "phone"), message

    def _watch_problems(self) -> Iterator[Problem]:
        yield from _below(("watch",), _unknown(self._watch, "notify", "watch.notify", self._contacts, "contact"))
        if self._watch.get("labels"):
            yield from _below(("watch",), self._confidence_problems("watch.min_confidence", self._watch, Watch))

    def _rule_problems(self, rule: Mapping[str, Any]) -> Iterator[Problem]:
        if rule.get("id") == WATCH_RULE_ID and self._watch.get("labels"):
            yield ("id",), "'watch' is the rule of the watch list; choose another id"
        yield from _unknown(rule, "cameras", "the rule", self._cameras, "camera")
        yield from _unknown(rule, "notify", "the rule", self._tellable, "contact")
        yield from _unknown(rule, "escalate_to", "the rule", self._tellable, "contact")
        yield from self._confidence_problems("its min_confidence", rule, Rule)
        yield from self._zone_problems(rule)
        if rule.get("severity") == Severity.NOTICE:
            for n, who in _texts(rule, "notify"):
                if self._tellable.entries.get(who, {}).get("phone"):
                    fix = "name a contact with `topic: true`, or set severity: alert"
                    yield ("notify", n), f"a notice rings no phone, and {who!r} is one; {fix}"
        yield from self._escalation_problems(rule)

    def _budget_problems(self, budget: Mapping[str, Any]) -> Iterator[Problem]:
        yield from _unknown(budget, "notify", "budget.notify", self._tellable, "contact")
        for n, who in _texts(budget, "notify"):
            if self._tellable.entries.get(who, {}).get("topic") is True:
                yield (
                    ("notify", n),
                    f"{who!r} is the alert topic, which takes alerts only; name a contact with a phone",
                )

    def _confidence_problems(self, what: str, section: Mapping[str, Any], model: type[Section]) -> Iterator[Problem]:
        own = _number(section, "min_confidence", model.model_fields["min_confidence"].default)
        stored = _number(_section(self._data, "vision"), "min_confidence", DEFAULT_VISION_CONFIDENCE)
        if own < stored:
            yield (
                ("min_confidence",),
                f"{what} ({own:g}) is below vision.min_confidence ({stored:g}):"
                " such labels are never stored; lower vision.min_confidence",
            )

    def _zone_problems(self, rule: Mapping[str, Any]) -> Iterator[Problem]:
        wanted = [zone for _, zone in _texts(rule, "zones")]
        if not wanted:
            return
        named = [(n, c) for n, c in _texts(rule, "cameras") if c in self._cameras.entries]
        covered = [c for _, c in named] or list(self._cameras.entries)
        zones_of = {c: _named(self._cameras.entries[c], "zones") for c in covered}
        doubtful = self._cameras.doubtful or any(zones.doubtful for zones in zones_of.values())
        zones = _Named({zone: {} for of_one in zones_of.values() for zone in of_one.entries}, doubtful)
        yield from _unknown(rule, "zones", "the rule", zones, "zone")
        if doubtful:
            return
        for n, camera in named:
            if not any(zone in zones_of[camera].entries for zone in wanted):
                message = f"{camera!r} has none of the rule's zones ({', '.join(wanted[:_SHOWN_IDS])});"
                yield ("cameras", n), f"{message} give it one, or leave it out here"

    def _escalation_problems(self, rule: Mapping[str, Any]) -> Iterator[Problem]:
        steps = len(_texts(rule, "escalate_to"))
        each_s = _number(rule, "escalate_after_s", Rule.model_fields["escalate_after_s"].default)
        hours = _number(_section(self._data, "alerts"), "link_hours", Alerts.model_fields["link_hours"].default)
        if steps * each_s > hours * 3600:
            told = f"the last of {steps} would be told after {steps * each_s / 3600:.3g} hours"
            message = f"{told}, but an alert is over after alerts.link_hours ({hours:g}); shorten this or raise that"
            yield ("escalate_after_s",), message


def _is_id(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and is_camera_id(value)


def _section(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = holder.get(key)
    return found if isinstance(found, dict) else {}


def _entries(holder: Mapping[str, Any], key: str) -> list[tuple[int, Mapping[str, Any]]]:
    found = holder.get(key)
    return [(n, e) for n, e in enumerate(found) if isinstance(e, dict)] if isinstance(found, list) else []


def _texts(holder: Mapping[str, Any], key: str) -> list[tuple[int, str]]:
    found = holder.get(key)
    return [(n, e) for n, e in enumerate(found) if isinstance(e, str)] if isinstance(found, list) else []


def _number(holder: Mapping[str, Any], key: str, default: float) -> float:
    """The default, too, for what its own model refuses: no number, or more than a float can hold."""
    found = holder.get(key)
    try:
        return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else default
    except OverflowError:
        return default


def _named(holder: Mapping[str, Any], key: str) -> _Named:
    entries = _entries(holder, key)
    listed = holder.get(key, [])
    good = {e["id"]: e for _, e in reversed(entries) if _is_id(e.get("id"))}
    doubtful = not isinstance(listed, list) or any(not isinstance(e, dict) or not _is_id(e.get("id")) for e in listed)
    return _Named(dict(reversed(good.items())), doubtful)


def _doubled(holder: Mapping[str, Any], place: tuple[str | int, ...], what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for n, entry in _entries(holder, str(place[-1])):
        found = entry.get("id")
        if _is_id(found):
            if found in seen:
                yield (*place, n, "id"), f"the {what} id {found!r} stands twice; ids must differ"
            seen.add(found)


def _unknown(holder: Mapping[str, Any], key: str, who: str, known: _Named, what: str) -> Iterator[Problem]:
    for n, wanted in _texts(holder, key):
        if known.missing(wanted):
            near = difflib.get_close_matches(wanted, known.entries, n=1)
            fix = f"; did you mean {near[0]!r}?" if near else ""
            where = "its cameras' zones" if what == "zone" else f"{what}s"
            yield (key, n), f"{who} names the {what} {wanted!r}, which is not among {where} ({_shown(known)}){fix}"


def _shown(known: _Named) -> str:
    ids: Sequence[str] = list(known.entries)
    return ", ".join(ids[:_SHOWN_IDS]) + (", ..." if len(ids) > _SHOWN_IDS else "") or "none"


def _below(place: tuple[str | int, ...], problems: Iterator[Problem]) -> Iterator[Problem]:
    for below, message in problems:
        yield (*place, *below), message
