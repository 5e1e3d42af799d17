"""What a module imports, read from the sources: which files of ours a function needs, and which packages besides.

Nothing is run. What stands below `if TYPE_CHECKING:` is not imported when the function runs, and is left out; an
import inside a function counts as one that happens.
"""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class UnknownModule(Exception):
    """A module of ours that is imported and is not there."""


@dataclass(frozen=True, slots=True)
class Closure:
    """ours: file by dotted name, a package's being its `__init__.py`. others: what else is imported and does not
    come with Python, by the first part of its name."""

    ours: dict[str, Path]
    others: frozenset[str]


def closure_of(start: str, root: Path) -> Closure:
    """start: a module's dotted name. root: the folder that holds our packages. Raises UnknownModule."""
    ours: dict[str, Path] = {}
    others: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in ours:
            continue
        path = _file_of(name, root)
        if path is None:
            raise UnknownModule(f"{name} is imported, and there is no such module below {root}")
        ours[name] = path
        for imported, attribute in _imports(name, path):
            top = imported.partition(".")[0]
            if not (root / top).is_dir():
                others.add(top)
                continue
            waiting += _with_packages(imported)
            # `from package import name`: a module of that package, or something that its `__init__.py` holds
            if attribute and _file_of(f"{imported}.{attribute}", root):
                waiting.append(f"{imported}.{attribute}")
        waiting += _with_packages(name)
    return Closure(dict(sorted(ours.items())), frozenset(others - sys.stdlib_module_names))


def _with_packages(name: str) -> list[str]:
    """`a.b.c` is `a`, `a.b` and `a.b.c`: Python imports the packages of a module before it."""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _file_of(name: str, root: Path) -> Path | None:
    place = root.joinpath(*name.split("."))
    for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
        if path.is_file():
            return path
    return None


def _imports(name: str, path: Path) -> Iterator[tuple[str, str | None]]:
    """(module, what is taken from it) of each import."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _run_nodes(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                yield module, alias.name


def _run_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All but what is there for the type checker alone."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            for otherwise in child.orelse:
                yield from _run_nodes(otherwise)
        else:
            yield from _run_nodes(child)
