"""Takes the README's pictures from the real dashboard: run `make demo` for a minute, then this in another terminal.

.venv/bin/python docs/make_screenshots.py
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

DASHBOARD = "http://127.0.0.1:8080/"
IMAGES = Path(__file__).resolve().parent / "images"


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no chromium was found; install it from your system's packages", file=sys.stderr)
        return 1
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        _shoot(browser, "dashboard.png", width=1280, height=800, dark=False, open_frame=False)
        _shoot(browser, "frame.png", width=1280, height=800, dark=True, open_frame=True, query="?watch_only=true")
        _shoot(browser, "phone.png", width=390, height=844, dark=False, open_frame=False)
        _shoot_alert(browser, "alert.png", width=390, height=844)
        browser.close()
    return 0


def _shoot_alert(browser: Browser, name: str, *, width: int, height: int) -> None:
    """What the link in the newest text opens, on a phone in the dark."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark", device_scale_factor=1)
    texts = page.request.get(f"{DASHBOARD}demo/sms").json()["messages"]
    if not texts:
        sys.exit("the demo has texted nobody yet; let it run for a minute")
    page.goto(texts[-1]["text"].rpartition(" ")[2])
    _wait_for_pictures(page, "img", 1)
    page.screenshot(path=IMAGES / name)
    page.close()


def _shoot(
    browser: Browser, name: str, *, width: int, height: int, dark: bool, open_frame: bool, query: str = ""
) -> None:
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", device_scale_factor=1
    )
    # There and back through the sign-in, which the demo fills in by itself.
    page.goto(DASHBOARD + query, wait_until="commit")
    page.locator("button.card-open").first.wait_for()
    _wait_for_pictures(page, "img", 3)
    if open_frame:
        page.locator("button.card-open").first.click()
        _wait_for_pictures(page, "dialog[open] img", 1)
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / name)
    page.close()


def _wait_for_pictures(page: Page, selector: str, count: int) -> None:
    # Asked from outside: the page's content policy lets nothing be evaluated inside it.
    for _ in range(100):
        loaded = page.locator(selector).evaluate_all("all => all.filter(i => i.complete && i.naturalWidth).length")
        if loaded >= count:
            return
        page.wait_for_timeout(100)
    sys.exit(f"fewer than {count} pictures are on {DASHBOARD} after 10 s; has `make demo` run for a minute?")


if __name__ == "__main__":
    sys.exit(main())
