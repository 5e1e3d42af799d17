"""What the built pages are made of, as index.html and its first script say."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

# Without pictures and the API's answers.
FIRST_VIEW_MAX_BYTES = 80_000


def first_view(dist: Path) -> list[Path]:
    """What a browser fetches to show the wall: the page, what that names but pictures, the view and what it needs."""
    page = (dist / "index.html").read_text("utf-8")
    named = re.findall(r'(?:src|href)="/([^"]+)"', page)
    script = next(name for name in named if re.fullmatch(r"assets/index-.*\.js", name))
    text = (dist / script).read_text("utf-8")
    parts = re.findall(r'"(assets/[^"]+)"', text[text.index("__vite__mapDeps") :].split("])", 1)[0])
    wall = re.search(r"import\(`\./WallView-[^`]+`\).*?__vite__mapDeps\(\[([\d,]+)\]\)", text)
    assert wall, "the first script does not say what the wall needs: has the bundler changed how it says so?"
    needed = [parts[int(number)] for number in wall[1].split(",")]
    files = [dist / "index.html", *(dist / name for name in dict.fromkeys([*named, *needed]))]
    return [file for file in files if file.suffix != ".png"]


def compressed_bytes(files: list[Path]) -> int:
    """By gzip at its usual level, as a web server or CDN sends them."""
    return sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)
