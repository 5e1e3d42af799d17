"""A new operator's first minutes on the whole stack: the demo's street, the deployed sign-in and API."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Console, has_sideways_scroll, wait_until
from tests.built import built_assembly

pytestmark = pytest.mark.slow

STARTED_WITHIN_S = 240.0


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, dist: Path) -> Iterator[str]:
    """The address of a running demo that has texted somebody."""
    assembly = built_assembly(tmp_path_factory)
    folder = tmp_path_factory.mktemp("demo")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["demo", "--no-browser", "--every", "25", "--watch", "Person", "--port", str(port)]
    log = folder / "out.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local_cloud.cli", *command, "--assembly", str(assembly)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(folder)},
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + STARTED_WITHIN_S
        while "[SMS to" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1600, "height": 1000}, locale="en-GB")
    context.set_default_timeout(60_000)
    console = Console()
    context.on("page", console.listen)
    yield context.new_page()
    context.close()
    assert console.complaints == []


def go(page: Page, view: str) -> None:
    page.get_by_role("navigation", name="Views").get_by_role("link", name=re.compile(f"^{view}")).click()


def has_picture(page: Page, selector: str) -> None:
    # A picture that is not asked for yet counts as complete, and a newer one takes its place.
    picture = page.locator(selector).first
    wait_until(page, lambda: picture.evaluate("e => e.naturalWidth") > 100, f"{selector} is drawn")


def test_from_the_sign_in_to_an_answered_alert_and_back_to_who_was_there(
    demo: str, page: Page, artifacts: Path
) -> None:
    # The demo fills in the form by itself, so that this is there and back through the sign-in.
    page.goto(demo)
    # Nothing has been asked of the functions so far: the first answers wait for their processes.
    expect(page.locator('[data-camera="bikes"]')).to_be_visible(timeout=120_000)
    has_picture(page, '[data-camera="bikes"] img')
    page.screenshot(path=artifacts / "story-wall.png")

    # What waits for somebody is on the wall, and leads to its alert.
    waiting = page.locator(".wall-alert").first
    expect(waiting).to_contain_text("Person")
    waiting.click()
    detail = page.get_by_role("region", name="Alert", exact=True)
    expect(detail).to_contain_text("visitors")
    has_picture(page, ".review-detail img")
    page.keyboard.press("a")
    expect(detail).to_contain_text(re.compile("Taken by you", re.I))
    page.keyboard.press("n")
    expect(detail.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("<b>the courier</b>")
    detail.get_by_role("button", name="Add the note").click()
    expect(detail).to_contain_text("<b>the courier</b>")
    page.screenshot(path=artifacts / "story-review.png")
    address = page.url

    # Whoever holds the text sees the same.
    text = httpx.get(f"{demo}/demo/sms", timeout=60).json()["messages"][0]["text"]
    link = text.rpartition(" ")[2]
    assert "Nobody has answered yet" not in httpx.get(link, timeout=60).text

    # Without having seen it happen: who was there, from the timeline to the frame.
    go(page, "Timeline")
    # A bar; by its words alone it could as well be the choice of a label in the filter, which nobody sees.
    expect(page.locator('.tl-bar[aria-label*="Person"]').first).to_be_visible()
    page.screenshot(path=artifacts / "story-timeline.png")
    go(page, "Frames")
    expect(page.locator("[data-frame-id]").first).to_be_visible()
    go(page, "Charts")
    expect(page.get_by_role("heading", name=re.compile("Detections"))).to_be_visible()
    page.screenshot(path=artifacts / "story-charts.png")

    # The address is the state: whoever is sent it sees the alert, on a phone too.
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address)
    expect(page.get_by_role("region", name="Alert", exact=True)).to_contain_text("<b>the courier</b>")
    assert not has_sideways_scroll(page)
    page.screenshot(path=artifacts / "story-phone.png")
