"""Draws the icons of an installed dashboard from its favicon: `python -m tests.browser.make_icons`."""

from __future__ import annotations

import re
import shutil

from playwright.sync_api import sync_playwright

from tests.browser.conftest import BROWSER_NAMES, WEB_UI

PUBLIC = WEB_UI / "public"
# name, pixels, whether the system cuts it to a shape of its own: then it is full to the edges, its middle safe
ICONS = (("icon-192.png", 192, False), ("icon-512.png", 512, False), ("icon-maskable-512.png", 512, True))


def page_of(svg: str, *, maskable: bool) -> str:
    if maskable:
        # The middle four fifths are what every shape leaves.
        svg = re.sub(r'rx="[\d.]+" ', "", svg).replace('viewBox="0 0 32 32"', 'viewBox="-4 -4 40 40"')
        svg = svg.replace('<rect width="32" height="32"', '<rect x="-4" y="-4" width="40" height="40"')
    return f"<style>body{{margin:0}}svg{{display:block;width:100vw;height:100vh}}</style>{svg}"


def main() -> None:
    svg = (PUBLIC / "favicon.svg").read_text(encoding="utf-8")
    path = next(filter(None, map(shutil.which, BROWSER_NAMES)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, size_px, maskable in ICONS:
            page = browser.new_page(viewport={"width": size_px, "height": size_px})
            page.set_content(page_of(svg, maskable=maskable))
            page.screenshot(path=PUBLIC / name, omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
