"""Guides below docs/ with tables that a module makes: they stand between two marks, of which the first names it."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def with_tables(text: str, tables: str, *, made_by: str, guide: Path) -> str:
    """The guide's text with these tables in place of its own. Raises ValueError when it has no place for them."""
    begins, ends = f"<!-- made by python -m {made_by} -->\n", "<!-- end of what is made -->"
    found = re.search(f"(?<={re.escape(begins)}).*?(?={re.escape(ends)})", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{guide.name} has no marks between which the tables stand")
    return text[: found.start()] + tables + text[found.end() :]
