"""What every query and answer of the API is made of: times, words and pages as text, and the check of a query."""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, WithJsonSchema

from framewatch.domain.errors import InvalidQuery
from framewatch.domain.labels import fold
from framewatch.wire.envelope import format_utc

MAX_LIMIT = 100
DEFAULT_LIMIT = 24

Time = Annotated[
    datetime,
    PlainSerializer(format_utc, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339, UTC, microseconds"}),
]

# RFC 3339 with its zone; a blank before the offset is a plus that was not written as %2B in the address.
_RFC3339 = re.compile(
    r"^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:([Zz])|([+\- ])(\d{2}):(\d{2}))$", re.ASCII
)
_TIME_ALLOWED = "an RFC 3339 time with its zone, such as 2026-01-31T18:00:00Z or 2026-01-31T19:00:00+01:00"


def parse_time(text: str) -> datetime:
    """In UTC. Raises ValueError."""
    match = _RFC3339.match(text)
    if not match:
        raise ValueError(_TIME_ALLOWED)
    day, time, fraction, zulu, sign, hours, minutes = match.groups()
    zone = "+00:00" if zulu else f"{'-' if sign == '-' else '+'}{hours}:{minutes}"
    try:
        at = datetime.fromisoformat(f"{day}T{time}.{(fraction or '0').ljust(6, '0')[:6]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(_TIME_ALLOWED) from None
    if at.year < 1000:  # its text would be shorter, and so sort wrong
        raise ValueError(_TIME_ALLOWED)
    return at


def _parse_limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise ValueError(f"a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _parse_word(text: str) -> str:
    if not fold(text) or len(text) > 100:
        raise ValueError("1 to 100 characters")
    return text


def _parse_flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


def _parse_percent(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", text) or float(text) > 100:
        raise ValueError("a number of percent from 0 to 100")
    return float(text)


def text_only(parse: Any) -> BeforeValidator:
    """Query values are text; a value that is not comes from our own code, already parsed."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


Word = Annotated[str, text_only(_parse_word)]
Words = tuple[Word, ...]
"""A parameter that may be given several times."""
Flag = Annotated[bool, text_only(_parse_flag)]
Percent = Annotated[float, Field(ge=0, le=100), text_only(_parse_percent)]
TimeParameter = Annotated[
    datetime, text_only(parse_time), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT), text_only(_parse_limit)]


class Query(BaseModel):
    """The parameters of one route."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


Q = TypeVar("Q", bound=Query)


def parse_query(model: type[Q], pairs: Iterable[tuple[str, str]], *, max_value_chars: int) -> Q:
    """pairs: the decoded query string. Raises InvalidQuery, naming the parameter and what is allowed.

    An unknown parameter is refused: a misspelt filter that is ignored would show the wrong things.
    """
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    known = list(fields)
    values: dict[str, Any] = {}
    for name, value in pairs:
        refuse_unknown(name, known)
        several = get_origin(fields[name].annotation) is tuple
        if name in values and not several:
            raise InvalidQuery(f"{name}: stands twice; give it once")
        if not value:
            raise InvalidQuery(f"{name}: is empty; leave it out or give it a value")
        if len(value) > max_value_chars:
            raise InvalidQuery(f"{name}: is longer than {max_value_chars} characters")
        values[name] = [*values.get(name, ()), value] if several else value
    for name, field in fields.items():
        if field.is_required() and name not in values:
            raise InvalidQuery(f"{name}: is missing; {field.description or 'give it'}")
    return checked(model, values)


def json_object(body: str, *, max_chars: int, example: str) -> dict[str, Any]:
    """A request's body. Raises InvalidQuery."""
    if len(body) > max_chars:
        raise InvalidQuery(f"body: is longer than {max_chars} characters")
    try:
        values = json.loads(body)
        # Escapes may make text of it that is none, and that no table or answer can hold.
        json.dumps(values, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise InvalidQuery(f"body: must be JSON, such as {example}") from None
    if not isinstance(values, dict):
        raise InvalidQuery("body: must be a JSON object")
    return values


def refuse_unknown(name: str, known: Sequence[str]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name[:40], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known)}"
        raise InvalidQuery(f"unknown parameter {name[:40]!r}; {hint}")


def checked(model: type[Q], values: dict[str, Any]) -> Q:
    """Raises InvalidQuery, naming the first value that is wrong and what is allowed."""
    try:
        query = model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        allowed = str(first.get("ctx", {}).get("error", first["msg"]))
        raise InvalidQuery(f"{first['loc'][0] if first['loc'] else 'body'}: must be {allowed}") from None
    first_at, end = getattr(query, "from_", None), getattr(query, "to", None)
    if first_at and end and first_at >= end:
        raise InvalidQuery("from: must be before to")
    return query
