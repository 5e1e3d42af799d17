"""How much the first view weighs, read off the built files."""

from __future__ import annotations

from pathlib import Path

from tests.browser.built import FIRST_VIEW_MAX_BYTES, compressed_bytes, first_view


def test_the_first_view_weighs_at_most_80_kilobytes(dist: Path) -> None:
    files = first_view(dist)
    names = {file.name.split("-")[0] for file in files}
    assert {"index.html", "index"} <= names
    assert not names & {"ReviewView", "TimelineView", "ChartsView", "ZonesView", "PhonePanel"}
    assert compressed_bytes(files) <= FIRST_VIEW_MAX_BYTES, sorted((compressed_bytes([f]), f.name) for f in files)


def test_the_first_view_is_one_script_and_one_sheet(dist: Path) -> None:
    parts = [file.suffix for file in first_view(dist) if file.parent.name == "assets"]
    assert sorted(parts) == [".css", ".js"]
