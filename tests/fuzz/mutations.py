"""Good samples, and what a hostile hand makes of them: bytes, JSON documents, lines of a settings file."""

import copy
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.fuzz import ACCESS_KEY, PASSWORD, PHONE, TOKEN

_MARKERS = (
    b"\xff\xd8\xff",
    b"\xff\xd9",
    b"\xff\xda",
    b"\x00",
    b"\xff" * 4,
    b"FWF2",
    b"FWH9",
    b"\r\n\r\n",
    b"]]>",
    b"%00",
)
_EDITS = ("flip", "cut", "drop", "twice", "put", "over")
T = TypeVar("T")


def seeded(make: Callable[[Random], T]) -> st.SearchStrategy[T]:
    """Hypothesis draws the seed alone: a case is ten times as cheap, and small without being shrunk."""
    return st.integers(0, 2**64 - 1).map(lambda seed: make(Random(seed)))  # noqa: S311 - to be repeated


def some_text(random: Random, most: int = 20) -> str:
    """Letters, digits and signs, ASCII three times in four."""
    length = random.randrange(most + 1)
    return "".join(chr(random.randrange(128 if random.random() < 0.75 else 0xD800)) for _ in range(length))


def edited(random: Random, data: bytes, most: int = 4) -> bytes:
    """After up to `most` edits: bits flipped, cut short, parts left out, doubled or put in."""
    for _ in range(random.randrange(most + 1)):
        kind, at = random.choice(_EDITS), random.randrange(len(data) + 1)
        end = at + 1 + random.randrange(256)
        payload = random.choice(_MARKERS) if random.random() < 0.3 else random.randbytes(random.randrange(1, 9))
        if kind == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "drop":
            data = data[:at] + data[end:]
        elif kind == "twice":
            data = data[:end] + data[at:end] + data[end:]
        elif kind == "put":
            data = data[:at] + payload + data[at:]
        else:
            data = data[:at] + payload + data[at + len(payload) :]
    return data


def broken(samples: Sequence[bytes], most: int = 4) -> st.SearchStrategy[bytes]:
    """One of the samples, edited."""
    return seeded(lambda random: edited(random, random.choice(samples), most))


def _nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


_STRANGE = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, -(2**63), 10**4000, 0.5, 1e308, -0.0, 5e-324),
    *(float("nan"), float("inf"), float("-inf")),
    *("", " ", "\x00", "\ud800", "\udfff\ud800", "\u202e", "a" * 5000, "é" * 300, "🐈" * 40, "İ", "ß"),
    *("../../etc/passwd", "<script>alert(1)</script>", "${PATH}", "%s%n", "'; --", "*", "#", "a#b"),
    *("2026-13-45T99:99:99Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59", "2026-03-14"),
    *("99999999T999999Zabcdef", "00000000T000000Z000000", "1e400", "-0", "NaN", "٣", "²", "1" * 4400),
    *(PHONE, PASSWORD, ACCESS_KEY, TOKEN, f"rtsp://admin:{PASSWORD}@cam/1"),
    *([], {}, [[]], [{}], {"": ""}, {"__proto__": {}}, [None] * 101, [0.5] * 4, _nested(60), _nested(250)),
)


def any_value(random: Random) -> Any:
    """Of JSON, or what Python would write as such."""
    match random.randrange(8):
        case 0:
            return some_text(random)
        case 1:
            return random.randrange(-(2 ** random.randrange(70)), 2 ** random.randrange(70))
        case 2:
            return struct.unpack("d", random.randbytes(8))[0]
        case 3:
            return [any_value(random) for _ in range(random.randrange(4))]
    return copy.deepcopy(random.choice(_STRANGE))


def places_in(value: Any, holder: Any = None, key: Any = None) -> Iterator[tuple[Any, Any]]:
    """Where its values stand: in what, and under which key."""
    if holder is not None:
        yield holder, key
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from places_in(inner, value, name)


_KEYS = ("", "id", "x", "\x00", "\ud800", "a" * 5000, "é", "__proto__", "123", "front", "item_version", "İ", "name")
_CHANGES = ("value", "value", "drop", "name", "wrap", "twice")


def changed(random: Random, document: Any, most: int = 3) -> Any:
    """With up to `most` of its values replaced, left out, renamed or wrapped."""
    whole = [copy.deepcopy(document)]
    for _ in range(random.randrange(most + 1)):
        places = list(places_in(whole))
        if not places:
            return None
        holder, key = random.choice(places)
        _change(random, holder, key, random.choice(_CHANGES), any_value(random))
    return whole[0] if whole else None


def broken_document(samples: Sequence[Any]) -> st.SearchStrategy[Any]:
    return seeded(lambda random: changed(random, random.choice(samples)))


def _change(random: Random, holder: Any, key: Any, kind: str, value: Any) -> None:
    if kind == "value":
        holder[key] = value
    elif kind == "drop":
        del holder[key]
    elif kind == "wrap":
        holder[key] = [holder[key]]
    elif kind == "twice" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    elif isinstance(holder, dict):
        # Never a secret: a key that is not known is told.
        holder[random.choice(_KEYS)] = holder.pop(key)


def as_json(document: Any) -> str:
    """With what JSON does not know, too: NaN, half surrogates as escapes."""
    return json.dumps(document, separators=(",", ":"))


def changed_json(random: Random, document: Any) -> bytes:
    """As bytes; one in eight then has its bytes edited, too."""
    data = as_json(changed(random, document)).encode()
    return edited(random, data) if random.random() < 0.125 else data


def broken_json(samples: Sequence[Any]) -> st.SearchStrategy[bytes]:
    return seeded(lambda random: changed_json(random, random.choice(samples)))


_YAML = (
    *(
        "&a ",
        "*a",
        "!!python/object/apply:os.system [id]",
        "!!binary aGk=",
        "!x ",
        "<<: *a",
        "- ",
        "? ",
        "| ",
        ">-",
        "---",
        "...",
    ),
    *(
        "{",
        "}",
        "[",
        "]",
        "[" * 200,
        "{a: " * 40,
        "#",
        "'",
        '"',
        ": ",
        "\t",
        "%YAML 9.9",
        "0x1F",
        "1_000",
        "60:60",
        ".inf",
        "~",
    ),
    *(
        "yes",
        "2026-01-01",
        "12e400",
        '"\\ud800"',
        '"\\x00"',
        "\ufeff",
        "\u2028",
        "-5",
        PHONE,
        ACCESS_KEY,
        TOKEN,
    ),
    *(f"rtsp://admin:{PASSWORD}@cam/1", f"http://cam/?pwd={PASSWORD}", "a" * 3000, "id", "name", "cameras", "rules"),
)
_LINE_EDITS = ("drop", "twice", "in", "out", "value", "value", "key", "put", "join")


def changed_yaml(random: Random, sample: str) -> bytes:
    """With lines left out, doubled, moved in or out, or given other keys and values."""
    lines = sample.splitlines()
    for _ in range(random.randrange(5)):
        kind, at = random.choice(_LINE_EDITS), random.randrange(len(lines) + 1)
        text = random.choice(_YAML) if random.random() < 0.7 else some_text(random, 12)
        line = lines[at] if at < len(lines) else ""
        head, colon, _ = line.partition(":")
        lines[at : at + 1] = {
            "drop": [],
            "twice": [line, line],
            "in": ["  " + line],
            "out": [line.removeprefix("  ")],
            "value": [f"{head}{colon} {text}"],
            "key": [f"{line[: len(line) - len(line.lstrip())]}{text}{line[len(head) :]}"],
            "put": [line, text],
            "join": [line + text],
        }[kind]
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    return edited(random, data, most=2) if random.random() < 0.125 else data


def broken_yaml(samples: Sequence[str]) -> st.SearchStrategy[bytes]:
    return seeded(lambda random: changed_yaml(random, random.choice(samples)))
