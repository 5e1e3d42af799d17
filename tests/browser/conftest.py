from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.browser.fake_site import FakeSite, serving

ROOT = Path(__file__).resolve().parents[2]
WEB_UI = ROOT / "web_ui"
BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# A shared machine with a software renderer; nothing here measures time.
EXPECT_TIMEOUT_MS = 30_000
# Colours depend on the scheme alone, and what is shown on the width alone: two pairs show all of both.
AXE_LOOKS = [
    pytest.param((360, "dark"), id="360-dark"),
    pytest.param((1280, "light"), id="1280-light"),
    pytest.param((360, "light"), id="360-light", marks=pytest.mark.long),
    pytest.param((1280, "dark"), id="1280-dark", marks=pytest.mark.long),
]
AXE_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def missing(reason: str) -> None:
    """Skips, or fails where a run without a browser must not pass for a green one."""
    if os.environ.get("FRAMEWATCH_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def artifacts() -> Path:
    folder = Path(os.environ.get("FRAMEWATCH_ARTIFACTS", ROOT / "build" / "artifacts"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def dist() -> Path:
    folder = WEB_UI / "dist"
    if not (folder / "index.html").is_file():
        missing("web_ui/dist is not built: run `npm ci && npm run build` in web_ui")
    return folder


@pytest.fixture(scope="session")
def axe_js() -> Path:
    script = WEB_UI / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        missing("axe-core is not installed: run `npm ci` in web_ui")
    return script


# Not for the session: Playwright leaves an event loop running in its thread, in which nothing else can start one.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = os.environ.get("FRAMEWATCH_CHROMIUM") or next(filter(None, map(shutil.which, BROWSER_NAMES)), None)
    if path is None:
        missing("no Chromium found: install one, or name it in FRAMEWATCH_CHROMIUM")
    expect.set_options(timeout=EXPECT_TIMEOUT_MS)
    with sync_playwright() as playwright:
        # A root user in a container has no sandbox to give.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site(dist: Path) -> Iterator[FakeSite]:
    with serving(FakeSite(dist)) as running:
        yield running


class Console:
    """What the page complained about: uncaught errors and refused content. Failed loads are the tests' own doing."""

    def __init__(self) -> None:
        self.complaints: list[str] = []

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("console", lambda message: self.hear(message.type, message.text))

    def hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not text.startswith("Failed to load resource"):
            self.complaints.append(text)


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, site: FakeSite) -> Iterator[OpenPage]:
    """`open_page("/?camera=yard", width=360, scheme="dark")`. No test may end with a complaint in the console."""
    contexts: list[BrowserContext] = []
    console = Console()

    def open_it(
        path: str = "/?view=frames",
        *,
        width: int = 1280,
        height: int = 800,
        scheme: Literal["dark", "light"] = "light",
        until: Literal["commit", "load"] = "load",
        **options: Any,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, **{"locale": "en-GB", **options}
        )
        contexts.append(context)
        context.set_default_timeout(EXPECT_TIMEOUT_MS)
        context.on("page", console.listen)
        page = context.new_page()
        page.goto(site.origin + path, wait_until=until)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert console.complaints == []


def cards(page: Page) -> Locator:
    return page.locator("[data-frame-id]")


def wait_until(page: Page, holds: Callable[[], bool], what: str) -> None:
    """Asks again and again, with the page kept running: wait_for_function needs eval, which the CSP forbids."""
    for _ in range(300):
        if holds():
            return
        page.wait_for_timeout(100)
    pytest.fail(f"never happened: {what}")


def has_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def violations(page: Page) -> list[str]:
    """What axe finds, once its script is on the page."""
    found = page.evaluate("rules => axe.run(rules)", AXE_RULES)["violations"]
    return [f"{v['id']}: {node['target']} {node['failureSummary']}" for v in found for node in v["nodes"]]
