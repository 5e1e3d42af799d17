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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from framewatch.domain.errors import SiteFileError
from framewatch.domain.labels import fold
from framewatch.domain.site import SiteConfig
from framewatch.domain.site_checks import reference_problems
from framewatch.wire.settings_model import validate_settings
from framewatch.wire.sms import is_legible, to_gsm7
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
            for loc, message in reference_problems(data):
                reading.wrong(line_of(reading.lines, loc), loc, message)
    if reading.problems or config is None:
        raise SiteFileError(report(filename, reading))
    return SiteDocument(config, filename, reading.lines)


def site_warnings(site: SiteDocument) -> list[str]:
    """What the file says that is allowed and rarely meant; a line each, with the fix."""
    found = [*site.config.doubts(), *_illegible(site.config)]
    return [f"{site.where(loc)}: {scrub(message)}" for loc, message in found]


def _illegible(config: SiteConfig) -> Iterator[tuple[Loc, str]]:
    names: list[tuple[Loc, str]] = [(("cameras", n, "name"), c.display_name) for n, c in enumerate(config.cameras)]
    for loc, name in [(("site", "name"), config.site.name), *names]:
        if not is_legible(name):
            yield loc, f"reads {to_gsm7(name)!r} in a text, which has no such letters; write it in Latin ones"


def check_watch_labels(site: SiteDocument, known: frozenset[str] | None, *, closed: bool = True) -> LabelCheck:
    """Whether the vision backend can ever see the labels that the watch list and the rules ask for.

    known: every name, alias and parent the backend gives; None when there is no such list, and then nothing is said.
    closed: the list is complete, so a label outside it is an error; for an open list (Rekognition) it is a warning.
    """
    if known is None:
        return LabelCheck([], [])
    by_fold = {fold(name): name for name in sorted(known)}
    what = "can never be seen by this vision backend" if closed else "is not a label that is known to be seen"
    found = []
    for loc, word in _words_asked_for(site.config):
        if fold(word) not in by_fold:
            near = [by_fold[f] for f in difflib.get_close_matches(fold(word), by_fold, n=3, cutoff=0.6)]
            fix = f"did you mean {' or '.join(near)}?" if near else "take a label that it knows"
            found.append(f"{site.where(loc)}: {scrub(repr(word))} {what}; {fix}")
    return LabelCheck(found, []) if closed else LabelCheck([], found)


def _words_asked_for(config: SiteConfig) -> Iterator[tuple[Loc, str]]:
    for n, word in enumerate(config.watch.labels):
        yield ("watch", "labels", n), word
    for at, rule in enumerate(config.rules):
        for key, words in (("labels", rule.labels), ("all_of", rule.all_of), ("none_of", rule.none_of)):
            for n, word in enumerate(words):
                yield ("rules", at, key, n), word


def site_schema() -> dict[str, Any]:
    """The JSON Schema that editors check a site file with."""
    schema = SiteConfig.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Framewatch site file"}


if __name__ == "__main__":
    json.dump(site_schema(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
