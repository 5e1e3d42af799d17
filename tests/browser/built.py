"""What the built pages are made of, as index.html says."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

# Without pictures and the API's answers.
FIRST_VIEW_MAX_BYTES = 80_000


# One that the wall alone has.
_WALL_CLASS = "wall-grid"


def first_view(dist: Path) -> list[Path]:
    """What a browser fetches to show the wall: the page, and what that names but pictures and the configuration."""
    page = (dist / "index.html").read_text("utf-8")
    named = [name for name in re.findall(r'(?:src|href)="/([^"]+)"', page) if name != "config.json"]
    script = next(name for name in named if re.fullmatch(r"assets/index-.*\.js", name))
    assert _WALL_CLASS in (dist / script).read_text("utf-8"), "the wall is in another script than the first"
    files = [dist / "index.html", *(dist / name for name in dict.fromkeys(named))]
    return [file for file in files if file.suffix != ".png"]


def compressed_bytes(files: list[Path]) -> int:
    """By gzip at its usual level, as a web server or CDN sends them."""
    return sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)
