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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pytz
from pydantic import BaseModel, ValidationError

from framewatch.domain.errors import SiteFileError
from framewatch.domain.frames import CAMERA_ID_PATTERN, is_camera_id
from framewatch.domain.labels import fold
from framewatch.domain.site import SiteConfig, SiteProblems, Vision, Watch, reference_problems
from framewatch.wire.yaml_reading import (
    Loc,
    Reading,
    dotted,
    line_of,
    read_settings,
    report,
    scrub,
    shown_key,
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
    config = None if data is None else _validate(data, reading)
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


def _validate(data: dict[str, Any], reading: Reading) -> SiteConfig | None:
    """Strict, as the JSON Schema is: `max_labels: yes` is not 1. JSON mode, where a tuple is a list."""
    errors: Sequence[Any] = ()
    for _ in range(2):
        try:
            config = SiteConfig.model_validate_json(json.dumps(data), strict=True)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
        else:
            return config
        misread = [e["loc"] for e in errors if e["type"] == "string_type" and e["loc"] in reading.raw_texts]
        if not misread:
            break
        for loc in misread:
            _set(data, loc, reading.raw_texts[loc])
    for problem in errors:
        if problem["loc"] not in reading.unreadable:
            _note(problem, data, reading)
    # The model looks across sections only once each is right in itself; the user wants to hear everything now.
    for loc, message in _reference_problems(data):
        reading.wrong(line_of(reading.lines, loc), loc, message)
    return None


def _note(error: Any, data: Any, reading: Reading) -> None:
    loc: Loc = error["loc"]
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, SiteProblems):
        for below, message in cause.found:
            reading.wrong(line_of(reading.lines, (*loc, *below)), (*loc, *below), message)
        return
    value = _get(data, loc)
    if error["type"] == "too_short" and isinstance(value, list) and len(value) >= error["ctx"]["min_length"]:
        return  # pydantic counts good items only, and the bad one is told by itself
    reading.wrong(line_of(reading.lines, loc), loc, _words(error, loc, value))


def _words(error: Any, loc: Loc, value: Any) -> str:  # noqa: PLR0911  one return a kind of error
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(loc)
    if kind == "missing":
        return "is missing; add it"
    if value is None:
        return "is empty; fill it in or remove the line"
    if kind == "string_type":
        return "must be text; write one value in quotes"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "must be a section; write `key: value` lines below it, indented"
    if kind in ("tuple_type", "list_type"):
        return "must be a list; begin each item with `- `"
    if kind == "string_pattern_mismatch" and context.get("pattern") == CAMERA_ID_PATTERN:
        return "is not an id; use lower-case letters, digits and hyphens, at most 63, a letter or digit first"
    if kind == "too_short":
        return f"needs at least {context['min_length']}; add one"
    if kind == "too_long":
        return f"takes at most {context['max_length']}; remove some"
    if kind == "value_error":
        message = str(context["error"])
        near = difflib.get_close_matches(str(value), pytz.all_timezones, n=2) if loc == ("site", "time_zone") else []
        return f"{message}; did you mean {' or '.join(near)}?" if near else message
    said = str(error["msg"])
    return f"{said[:1].lower()}{said[1:]}; correct it"


def _unknown_key(loc: Loc) -> str:
    key, section = str(loc[-1]), _model_at(loc[:-1])
    known = list(section.model_fields) if section else []
    elsewhere = [
        f"{name}.{key}"
        for name, other in SiteConfig.model_fields.items()
        if (model := _model_in(other.annotation)) and model is not section and key in model.model_fields
    ]
    near = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1)
    if near:
        fix = f"did you mean {near[0]!r}?"
    elif elsewhere:
        fix = f"did you mean {elsewhere[0]}? Check the indentation"
    else:
        fix = f"the keys here are: {', '.join(known)}"
    return f"unknown key {shown_key(key)}; {fix}"


def _model_at(loc: Loc) -> type[BaseModel] | None:
    model: type[BaseModel] | None = SiteConfig
    for part in loc:
        if isinstance(part, str) and model is not None:
            model = _model_in(model.model_fields[part].annotation) if part in model.model_fields else None
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation such as `Site` or `tuple[Camera, ...]` is about."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


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
        return not doubtful and is_camera_id(str(_get(data, loc)))

    return [(loc, message) for loc, message in problems if certain(loc)]


_ABSENT = object()


def _get(data: Any, loc: Loc) -> Any:
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return data


def _set(data: Any, loc: Loc, value: str) -> None:
    _get(data, loc[:-1])[loc[-1]] = value


if __name__ == "__main__":
    json.dump(site_schema(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
