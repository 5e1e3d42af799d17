"""Plain values from a settings file into a pydantic model, or every problem with its line and the fix.

Strict, as the JSON Schema for editors is, but a scalar is text wherever the model wants text: `source: 0` and
`id: no` mean what they say, though YAML 1.1 reads a number and false.
"""

import difflib
import json
import re
from collections.abc import Sequence
from typing import Any, TypeVar, get_args, get_origin

import pytz
from pydantic import BaseModel, ValidationError

from framewatch.domain.frames import CAMERA_ID_PATTERN
from framewatch.domain.settings_base import SiteProblems
from framewatch.wire.yaml_reading import Loc, Reading, line_of, shown_key

Model = TypeVar("Model", bound=BaseModel)


def validate_settings(model: type[Model], data: dict[str, Any], reading: Reading) -> Model | None:
    """None when something is wrong, and then it is noted. `max_labels: yes` is not 1. JSON mode: a tuple is a list.

    In data, what YAML took for a number and the model wants as text becomes text.
    """
    errors: Sequence[Any] = ()
    for _ in range(2):
        try:
            config = model.model_validate_json(json.dumps(data), strict=True)
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
        if reading.is_full:
            reading.unsaid += 1
        elif problem["loc"] not in reading.unreadable:
            _note(model, problem, data, reading)
    return None


def _note(root: type[BaseModel], error: Any, data: Any, reading: Reading) -> None:
    loc: Loc = error["loc"]
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, SiteProblems):
        for below, message in cause.found:
            reading.wrong(line_of(reading.lines, (*loc, *below)), (*loc, *below), message)
        return
    value = value_at(data, loc)
    if error["type"] == "too_short" and isinstance(value, list) and len(value) >= error["ctx"]["min_length"]:
        return  # pydantic counts good items only, and the bad one is told by itself
    reading.wrong(line_of(reading.lines, loc), loc, _words(root, error, loc, value))


def _words(root: type[BaseModel], error: Any, loc: Loc, value: Any) -> str:  # noqa: PLR0911  one return a kind of error
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(root, loc)
    if kind == "enum" and loc[-1:] == ("[key]",):
        near = difflib.get_close_matches(str(loc[-2]), re.findall(r"'(\w+)'", context["expected"]), n=1)
        return f"unknown key {shown_key(str(loc[-2]))}; " + (f"did you mean {near[0]!r}?" if near else error["msg"])
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
        near = difflib.get_close_matches(str(value), pytz.all_timezones, n=2) if loc[-1:] == ("time_zone",) else []
        return f"{message}; did you mean {' or '.join(near)}?" if near else message
    said = str(error["msg"])
    return f"{said[:1].lower()}{said[1:]}; correct it"


def _unknown_key(root: type[BaseModel], loc: Loc) -> str:
    key, section = str(loc[-1]), _model_at(root, loc[:-1])
    known = list(section.model_fields) if section else []
    elsewhere = [
        f"{name}.{key}"
        for name, other in root.model_fields.items()
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


def _model_at(root: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    model: type[BaseModel] | None = root
    names_entry = False
    for part in loc:
        if names_entry:
            names_entry = False  # a key of a mapping: what it holds is the model already
        elif isinstance(part, str) and model is not None:
            annotation = model.model_fields[part].annotation if part in model.model_fields else None
            names_entry = get_origin(annotation) is dict
            model = _model_in(annotation)
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation such as `Site`, `tuple[Camera, ...]` or `dict[str, Camera]` is about."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


ABSENT = object()


def value_at(data: Any, loc: Loc) -> Any:
    """ABSENT where the data holds nothing there."""
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return data


def _set(data: Any, loc: Loc, value: str) -> None:
    value_at(data, loc[:-1])[loc[-1]] = value
