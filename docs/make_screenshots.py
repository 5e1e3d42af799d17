"""Takes the README's pictures from the real dashboard: run `make demo` for two minutes, then this.

.venv/bin/python docs/make_screenshots.py
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

DASHBOARD = "http://127.0.0.1:8080/"
IMAGES = Path(__file__).resolve().parent / "images"
DESK = (1280, 800)
PHONE = (390, 844)


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no chromium was found; install it from your system's packages", file=sys.stderr)
        return 1
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        _shoot(browser, "wall.png", "", DESK, pictures=".wall-image img")
        _shoot(
            browser, "review.png", "?view=review", DESK, dark=True, pictures=".review-row img", keys=("j", "Enter")
        )
        _shoot(browser, "timeline.png", "?view=timeline&last=15m", DESK, shows=".tl-bar")
        _shoot(browser, "costs.png", "?view=costs", DESK, shows=".chart")
        _shoot(browser, "phone.png", "?view=review", PHONE, pictures=".review-row img")
        _shoot_alert(browser, "alert.png")
        browser.close()
    return 0


def _shoot_alert(browser: Browser, name: str) -> None:
    """What the link in the newest text opens, on a phone in the dark."""
    page = _open(browser, PHONE, dark=True)
    texts = page.request.get(f"{DASHBOARD}demo/sms").json()["messages"]
    if not texts:
        sys.exit("the demo has texted nobody yet; let it run for a minute")
    page.goto(texts[-1]["text"].rpartition(" ")[2])
    _wait_for_pictures(page, "img")
    page.screenshot(path=IMAGES / name)
    page.close()


def _shoot(
    browser: Browser,
    name: str,
    query: str,
    size: tuple[int, int],
    *,
    dark: bool = False,
    pictures: str | None = None,
    shows: str | None = None,
    keys: tuple[str, ...] = (),
) -> None:
    """pictures, shows: what must be there, loaded, before the keys are pressed."""
    page = _open(browser, size, dark=dark)
    # There and back through the sign-in, which the demo fills in by itself.
    page.goto(DASHBOARD + query, wait_until="commit")
    if pictures is not None:
        page.locator(pictures).first.wait_for()
        _wait_for_pictures(page, pictures)
    if shows is not None:
        page.locator(shows).first.wait_for()
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_timeout(3000)
    page.screenshot(path=IMAGES / name)
    page.close()


def _open(browser: Browser, size: tuple[int, int], *, dark: bool) -> Page:
    return browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        device_scale_factor=1,
    )


def _wait_for_pictures(page: Page, selector: str) -> None:
    # Asked from outside: the page's content policy lets nothing be evaluated inside it.
    for _ in range(100):
        if page.locator(selector).evaluate_all("all => all.some(i => i.complete && i.naturalWidth)"):
            return
        page.wait_for_timeout(100)
    sys.exit(f"no picture is on {page.url} after 10 s; has `make demo` run for two minutes?")


if __name__ == "__main__":
    sys.exit(main())
