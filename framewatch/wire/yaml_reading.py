"""Untrusted YAML, bounded and with its line numbers: plain values out, and a note of every problem on the way.

Nodes are composed, never constructed: no tag runs code. Size, depth and aliases are bounded. No message repeats a
value that may be a secret.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor

MAX_BYTES = 256 * 1024  # hundreds of cameras take some tens of KiB
MAX_VALUES = 20_000  # aliases count each time they are used, so that a few lines cannot become millions
MAX_DEPTH = 12
_HOPELESS_DEPTH = 100  # a little too deep is told with its place
MAX_SHOWN = 100
MAX_NOTED = 3 * MAX_SHOWN  # words for each of twenty thousand problems would take half a minute

Loc = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_TYPED_SCALARS = {f"{_TAG}null", f"{_TAG}bool", f"{_TAG}int", f"{_TAG}float"}
_TEXT_SCALARS = {f"{_TAG}str", f"{_TAG}timestamp", f"{_TAG}merge", f"{_TAG}value"}
_PLAIN_WORD = re.compile(r"^[A-Za-z_][A-Za-z0-9_. -]{0,39}$")
_SECRETS = (
    (re.compile(r"(?<=://)[^/@\s'\"]+@"), "***@"),  # user:password@ in a URL
    # Cameras take `?user=..&pwd=..` too, under a hundred names. A quote at the end closes the message's own.
    (re.compile(r"(?<=[?&])([\w.-]+=)[^\s&]*[^\s&'\"]"), r"\1***"),
    # A phone or account number, unless it is the example that a message gives.
    (re.compile(r"(?<!such as )(?<!such as \+)(?<!\d)\+?\d{7,}"), "***"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), "***"),
    # A key or token; looked for where a word begins, or a long one without a digit would be read once a letter.
    (re.compile(r"(?<![A-Za-z0-9/+=_-])(?=[A-Za-z/+=_-]*\d)[A-Za-z0-9/+=_-]{28,}"), "***"),
)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    line: int
    where: str
    message: str


@dataclass(slots=True)
class Reading:
    """What is learnt of a text while it is read. lines: 1-based, by place. example: a good file to start from."""

    example: str = "config/site.example.yaml"
    lines: dict[Loc, int] = field(default_factory=lambda: {(): 1})
    raw_texts: dict[Loc, str] = field(default_factory=dict)  # of scalars that YAML does not read as text
    unreadable: set[Loc] = field(default_factory=set)  # noted already, and None stands in the data instead
    problems: list[Problem] = field(default_factory=list)
    unsaid: int = 0  # further problems, of which no more than this number is known
    values: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.problems) >= MAX_NOTED

    def wrong(self, line: int, loc: Loc, message: str) -> None:
        if self.is_full:
            self.unsaid += 1
            return
        problem = Problem(line, dotted(loc), scrub(message))
        if problem not in self.problems:
            self.problems.append(problem)


class _GaveUp(Exception):
    """The text is past its bounds; the problem is noted already."""


class _Loader(Composer, yaml.CSafeLoader):
    """Stops where a text is past its bounds, not seconds later at its end.

    libyaml reads it, which every wheel of PyYAML brings, in a quarter of Python's time. It is composed in Python:
    libyaml's own composer dies of a deep text.
    """

    def __init__(self, text: str, reading: Reading) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)
        self._reading = reading
        self._values = self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        is_key = isinstance(parent, yaml.MappingNode) and index is None
        self._values += not is_key
        self._depth += 1
        if self._values > MAX_VALUES:
            _too_much(_line(self.peek_event()), (), self._reading)
        if self._depth > _HOPELESS_DEPTH:
            self._reading.wrong(1, (), f"nested more than {MAX_DEPTH} deep; start from {self._reading.example}")
            raise _GaveUp
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _too_much(line: int, loc: Loc, reading: Reading) -> NoReturn:
    limits = f"{MAX_VALUES} values or {MAX_DEPTH} levels"
    reading.wrong(line, loc, f"more than {limits} (an alias counts each time it is used); write less")
    raise _GaveUp


def read_settings(text: str | bytes, reading: Reading) -> dict[str, Any] | None:
    """The text's top-level mapping as plain values; None when there is none, and then a problem is noted."""
    try:
        root = _compose(text, reading)
        if root is None:
            return None
        data = _plain(root, (), reading, ())
    except _GaveUp:
        return None
    if not isinstance(data, dict):
        reading.wrong(_line(root), (), f"the file holds no settings (key: value lines); start from {reading.example}")
        return None
    return data


def _compose(text: str | bytes, reading: Reading) -> yaml.Node | None:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        reading.wrong(
            1, (), f"the file has {len(raw)} bytes, more than the limit of {MAX_BYTES}; start from {reading.example}"
        )
        return None
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        reading.wrong(line, (), f"byte {error.start} is not UTF-8; save the file in the encoding UTF-8")
        return None
    try:
        # Only composed: nodes with their lines. No constructor that knows a type outside the model ever runs.
        root = _Loader(decoded, reading).get_single_node()
    except yaml.MarkedYAMLError as error:
        said = " ".join(part for part in (error.context, error.problem) if part)
        line, column = _place(error, decoded)
        reading.wrong(
            line, (), f"not valid YAML in column {column}: {said}; check blanks, tabs, colons and quotes here"
        )
        return None
    except yaml.reader.ReaderError as error:
        line = raw[: error.position].count(b"\n") + 1
        reading.wrong(line, (), f"the character #x{error.character:04x} may not stand here; remove it")
        return None
    if root is None:
        reading.wrong(1, (), f"the file is empty; start from {reading.example}")
    return root


def _place(error: yaml.MarkedYAMLError, text: str) -> tuple[int, int]:
    """Line and column. What misses its end until the text ends is looked for where it begins."""
    found, began = error.problem_mark, error.context_mark
    last = text.rstrip("\n").count("\n")
    mark = began if began is not None and (found is None or found.line > last) else found
    return (min(mark.line, last) + 1, mark.column + 1) if mark is not None else (1, 1)


def _plain(node: yaml.Node, loc: Loc, reading: Reading, inside: tuple[yaml.Node, ...]) -> Any:
    """The node as dicts, lists, text, numbers, booleans and None; notes where everything stands."""
    reading.values += 1
    if reading.values > MAX_VALUES or len(inside) > MAX_DEPTH or any(node is outer for outer in inside):
        _too_much(_line(node), loc, reading)
    if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
        return _plain_mapping(node, loc, reading, (*inside, node))
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
        items = []
        for n, child in enumerate(node.value):
            reading.lines[(*loc, n)] = _line(child)
            items.append(_plain(child, (*loc, n), reading, (*inside, node)))
        return items
    if isinstance(node, yaml.ScalarNode) and node.tag in _TEXT_SCALARS:
        return node.value
    if isinstance(node, yaml.ScalarNode) and node.tag in _TYPED_SCALARS:
        return _plain_scalar(node, loc, reading)
    reading.unreadable.add(loc)
    reading.wrong(_line(node), loc, "a YAML tag (!...) may not stand here; remove it")
    return None


def _plain_mapping(node: yaml.MappingNode, loc: Loc, reading: Reading, inside: tuple[yaml.Node, ...]) -> Any:
    section: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            reading.wrong(_line(key_node), loc, "a key must be a word; write `key: value`")
            continue
        key = key_node.value
        if key_node.tag == f"{_TAG}merge":
            reading.wrong(_line(key_node), loc, "merge keys (<<) are not supported; write the settings out")
            continue
        if key in section:
            first = reading.lines[(*loc, key)]
            message = f"the key {shown_key(key)} stands twice, first in line {first}; remove one"
            reading.wrong(_line(key_node), (*loc, key), message)
            continue
        reading.lines[(*loc, key)] = _line(key_node)
        section[key] = _plain(value_node, (*loc, key), reading, inside)
    return section


def _plain_scalar(node: yaml.ScalarNode, loc: Loc, reading: Reading) -> Any:
    try:
        value = SafeConstructor().construct_object(node)
    except (ValueError, KeyError, IndexError, OverflowError):  # `!!int word`, or thousands of digits
        reading.unreadable.add(loc)
        reading.wrong(_line(node), loc, "not a number, true, false or null; write it as plain text")
        return None
    if isinstance(value, float) and not abs(value) < float("inf"):
        reading.unreadable.add(loc)
        reading.wrong(_line(node), loc, "not a finite number; write an ordinary one")
        return None
    if value is not None:
        reading.raw_texts[loc] = node.value
    return value


def _line(found: Any) -> int:
    """Of a node or an event."""
    return int(found.start_mark.line) + 1


def line_of(lines: Mapping[Loc, int], loc: Loc) -> int:
    """The line of the place, or of the nearest place around it that the file holds."""
    while loc not in lines:
        loc = loc[:-1]
    return lines[loc]


def dotted(loc: Loc) -> str:
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if _PLAIN_WORD.match(part) else ".?"
    return scrub(text.lstrip(".")) or "file"


def shown_key(key: str) -> str:
    return repr(key) if _PLAIN_WORD.match(key) else "that is not a plain word"


def scrub(message: str) -> str:
    """The message without anything that looks like a password, a number or a token: errors end up in logs."""
    for pattern, instead in _SECRETS:
        message = pattern.sub(instead, message)
    return message


def report(filename: str, reading: Reading) -> str:
    ordered = sorted(reading.problems)
    shown = [f"{filename}:{p.line}: {p.where}: {p.message}" for p in ordered[:MAX_SHOWN]]
    if more := len(ordered) - len(shown) + reading.unsaid:
        shown.append(f"{filename}: and {more} more problems")
    return "\n".join(shown)
