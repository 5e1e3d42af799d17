"""The site file: YAML text in, SiteConfig out, or every problem at once with its line and the fix.

    site.yaml:12: watch.labels[0]: what is wrong; the fix

The text is not trusted: no tag runs code, size, depth and aliases are bounded, and no message repeats a value that
may be a secret. A scalar is text wherever the model wants text: `phone: +34600123456`, `source: 0` and `id: no` mean
what they say, though YAML 1.1 reads a number, a number and false.

`python -m framewatch.wire.site_file` prints the JSON Schema for editors.
"""

import difflib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framewatch.domain.alert_settings import Watch
from framewatch.domain.errors import SiteFileError
from framewatch.domain.frames import is_camera_id
from framewatch.domain.labels import fold
from framewatch.domain.site import SiteConfig, Vision, reference_problems
from framewatch.wire.settings_model import validate_settings, value_at
from framewatch.wire.yaml_reading import (
    Loc,
    Reading,
    dotted,
    line_of,
    read_settings,
    report,
    scrub,
)


@dataclass(frozen=True, slots=True)
class SiteDocument:
    """A good site file, with where each setting stands in it."""

    config: SiteConfig
    filename: str
    lines: Mapping[Loc, int]

    def where(self, loc: Loc) -> str:
        return f"{self.filename}:{line_of(self.lines, loc)}: {dotted(loc)}"


@dataclass(frozen=True, slots=True)
class LabelCheck:
    errors: list[str]
    warnings: list[str]


def load_site_text(text: str | bytes, filename: str = "site.yaml") -> SiteConfig:
    """Raises SiteFileError with one line for each problem."""
    return read_site_text(text, filename).config


def read_site_text(text: str | bytes, filename: str = "site.yaml") -> SiteDocument:
    """Like load_site_text, and keeps the lines. Raises SiteFileError with one line for each problem."""
    reading = Reading()
    data = read_settings(text, reading)
    config = None
    if data is not None:
        config = validate_settings(SiteConfig, data, reading)
        if config is None:
            # The model looks across sections only once each is right in itself; the user wants to hear all of it now.
            for loc, message in _reference_problems(data):
                reading.wrong(line_of(reading.lines, loc), loc, message)
    if reading.problems or config is None:
        raise SiteFileError(report(filename, reading.problems))
    return SiteDocument(config, filename, reading.lines)


def check_watch_labels(site: SiteDocument, known: frozenset[str] | None, *, closed: bool = True) -> LabelCheck:
    """Whether the vision backend can ever see the watched labels.

    known: every name, alias and parent the backend gives; None when there is no such list, and then nothing is said.
    closed: the list is complete, so a label outside it is an error; for an open list (Rekognition) it is a warning.
    """
    if known is None:
        return LabelCheck([], [])
    by_fold = {fold(name): name for name in sorted(known)}
    found = []
    for n, word in enumerate(site.config.watch.labels):
        if fold(word) in by_fold:
            continue
        near = [by_fold[f] for f in difflib.get_close_matches(fold(word), by_fold, n=3, cutoff=0.6)]
        fix = f"did you mean {' or '.join(near)}?" if near else "take a label that it knows"
        what = "can never be seen by this vision backend" if closed else "is not a label that is known to be seen"
        found.append(f"{site.where(('watch', 'labels', n))}: {scrub(repr(word))} {what}; {fix}")
    return LabelCheck(found, []) if closed else LabelCheck([], found)


def site_schema() -> dict[str, Any]:
    """The JSON Schema that editors check a site file with."""
    schema = SiteConfig.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Framewatch site file"}


def _reference_problems(data: dict[str, Any]) -> list[tuple[Loc, str]]:
    """The checks between sections, on whatever parts of the data have the right shape."""

    def ids(section: str) -> list[str]:
        entries = data.get(section)
        found = [e.get("id") if isinstance(e, dict) else None for e in entries] if isinstance(entries, list) else []
        # A place is kept for what is no id, so that the others keep their index.
        return [i if isinstance(i, str) and is_camera_id(i) else f" {n}" for n, i in enumerate(found)]

    def setting(section: str, key: str, default: float) -> float:
        holder = data.get(section)
        value = holder.get(key, default) if isinstance(holder, dict) else default
        return value if isinstance(value, int | float) else default

    contacts, watch = ids("contacts"), data.get("watch")
    notify = watch.get("notify") if isinstance(watch, dict) else None
    problems = reference_problems(
        camera_ids=ids("cameras"),
        contact_ids=contacts,
        notify=[w if isinstance(w, str) else "" for w in notify] if isinstance(notify, list) else [],
        watch_min_confidence=setting("watch", "min_confidence", Watch().min_confidence),
        vision_min_confidence=setting("vision", "min_confidence", Vision().min_confidence),
    )
    doubtful = any(c.startswith(" ") for c in contacts)  # the contact that is missed may be the one that is damaged

    def certain(loc: Loc) -> bool:
        if loc[:2] != ("watch", "notify"):
            return True
        return not doubtful and is_camera_id(str(value_at(data, loc)))

    return [(loc, message) for loc, message in problems if certain(loc)]


if __name__ == "__main__":
    json.dump(site_schema(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
