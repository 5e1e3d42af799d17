"""What a JSON value breaks of a schema, for the part of JSON Schema that docs/openapi.json uses.

A keyword that is not known here is an error: nothing of a schema is passed over in silence.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

Problems = Iterator[str]

_SAYS_NOTHING = {"title", "description", "default", "examples"}
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "string": lambda v: isinstance(v, str),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}


def problems(schema: dict[str, Any], value: Any, document: dict[str, Any], at: str = "$") -> Problems:
    """document: what the schema's references point into. Each problem begins with its place."""
    for keyword, told in schema.items():
        if keyword in _SAYS_NOTHING or (keyword == "properties" and not isinstance(value, dict)):
            continue
        yield from _KEYWORDS[keyword](told, value, document, at, schema)


def resolve(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Itself, or what it refers to."""
    while (reference := schema.get("$ref")) is not None:
        schema = document
        for part in reference.removeprefix("#/").split("/"):
            schema = schema[part]
    return schema


def _type(told: str, value: Any, _: Any, at: str, __: Any) -> Problems:
    if not _TYPES[told](value):
        yield f"{at}: {value!r} is no {told}"


def _any_of(told: list[Any], value: Any, document: Any, at: str, _: Any) -> Problems:
    found = [list(problems(each, value, document, at)) for each in told]
    if all(found):
        yield f"{at}: fits none of {len(told)}: {min(found, key=len)}"


def _properties(told: dict[str, Any], value: Any, document: Any, at: str, _: Any) -> Problems:
    for name in told.keys() & value.keys():
        yield from problems(told[name], value[name], document, f"{at}.{name}")


def _additional(told: Any, value: Any, document: Any, at: str, schema: dict[str, Any]) -> Problems:
    for name in value.keys() - schema.get("properties", {}).keys() if isinstance(value, dict) else ():
        if told is False:
            yield f"{at}.{name}: is not described"
        elif told is not True:
            yield from problems(told, value[name], document, f"{at}.{name}")


def _items(told: dict[str, Any], value: Any, document: Any, at: str, schema: dict[str, Any]) -> Problems:
    first = len(schema.get("prefixItems", ()))
    for number, item in enumerate(value[first:] if isinstance(value, list) else (), first):
        yield from problems(told, item, document, f"{at}[{number}]")


def _prefix_items(told: list[Any], value: Any, document: Any, at: str, _: Any) -> Problems:
    for number, (each, item) in enumerate(zip(told, value if isinstance(value, list) else (), strict=False)):
        yield from problems(each, item, document, f"{at}[{number}]")


def _required(told: list[str], value: Any, _: Any, at: str, __: Any) -> Problems:
    if isinstance(value, dict) and (missing := set(told) - value.keys()):
        yield f"{at}: lacks {sorted(missing)}"


def _names(told: dict[str, Any], value: Any, document: Any, at: str, _: Any) -> Problems:
    for name in value if isinstance(value, dict) else ():
        yield from problems(told, name, document, f"{at} (name)")


def _format(told: str, value: Any, _: Any, at: str, __: Any) -> Problems:
    assert told == "date-time", told
    if isinstance(value, str) and not _DATE_TIME.fullmatch(value):
        yield f"{at}: {value!r} is no {told}"


def _limit(kind: type | tuple[type, ...], fits: Callable[[Any, Any], bool]) -> Callable[..., Problems]:
    def check(told: Any, value: Any, _: Any, at: str, __: Any) -> Problems:
        if isinstance(value, kind) and not isinstance(value, bool) and not fits(value, told):
            yield f"{at}: {value!r} is beyond {told!r}"

    return check


_KEYWORDS: dict[str, Callable[[Any, Any, Any, str, dict[str, Any]], Problems]] = {
    "$ref": lambda told, value, document, at, _: problems(resolve({"$ref": told}, document), value, document, at),
    "type": _type,
    "enum": lambda told, value, *rest: () if value in told else iter([f"{rest[1]}: {value!r} is none of {told}"]),
    "const": lambda told, value, *rest: () if value == told else iter([f"{rest[1]}: {value!r} is not {told!r}"]),
    "anyOf": _any_of,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "prefixItems": _prefix_items,
    "required": _required,
    "propertyNames": _names,
    "format": _format,
    "pattern": _limit(str, lambda value, told: re.search(told, value) is not None),
    "minLength": _limit(str, lambda value, told: len(value) >= told),
    "maxLength": _limit(str, lambda value, told: len(value) <= told),
    "minItems": _limit(list, lambda value, told: len(value) >= told),
    "maxItems": _limit(list, lambda value, told: len(value) <= told),
    "minimum": _limit((int, float), lambda value, told: value >= told),
    "maximum": _limit((int, float), lambda value, told: value <= told),
    "exclusiveMinimum": _limit((int, float), lambda value, told: value > told),
    "exclusiveMaximum": _limit((int, float), lambda value, told: value < told),
}
