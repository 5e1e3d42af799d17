"""The built dashboard in Chromium: weight, time to the first picture, scrolling, memory.

    python -m benchmarks.dashboard [weight] [first] [scroll] [memory]

Needs web_ui/dist and a Chromium, as the browser tests do, and asks their fake API; prints a line a figure and exits 1
where one passes its target. Time is only compared within a run: the page against a bare one with one picture, both by
turns from the same server; scrolling against 5,000 plain rows. A task on a busy machine takes as long as others let
it: what it took of the CPU is held to the target, what the clock says is printed beside it.
"""

import contextlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.browser import fake_site
from tests.browser.built import FIRST_VIEW_MAX_BYTES, compressed_bytes, first_view
from tests.browser.fake_review import FakeReview
from tests.browser.fake_site import FakeSite, serving
from tests.browser.fake_values import CAR, PERSON

DIST = Path(__file__).resolve().parents[1] / "web_ui" / "dist"
ROUNDS = 11
RATIO_MAX = 2.5
ROWS = 5_000
LONG_TASK_MS = 50
SHIFT_H = 8
# Timers of the page's own rhythm run so many times as fast; the 10 s after which a request is given up do not.
SPEED = 400
GROWTH_MAX = 0.05
# One poll in so many finds a new alert; every one finds a new frame.
NEWS_EVERY = 10

# Name, address, what it asks again and again, how often when nobody hurries it, and what it may keep of an alert, MB:
# the wall nothing, the review lists it.
VIEWS = [("wall", "/", "/v1/cameras", 2, 0.0), ("review", "/?view=review", "/v1/alerts", 5, 0.002)]

# The first animation frame after the one that had a picture to show, by the page's own clock since navigation.
WATCH_FIRST_PICTURE = """
const look = () => {
  const img = document.querySelector('img');
  const shown = img && img.complete && img.naturalWidth > 0 && getComputedStyle(img).opacity > 0;
  if (shown) requestAnimationFrame(() => (window.firstPictureMs = performance.now()));
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
WATCH_LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((entry) => entry.duration)))
  .observe({ type: 'longtask' });
"""
FAST_TIMERS = f"""
for (const name of ['setTimeout', 'setInterval']) {{
  const real = window[name];
  window[name] = (task, ms = 0, ...rest) => real(task, ms >= 1000 && ms < 10000 ? ms / {SPEED} : ms, ...rest);
}}
"""


class Figures:
    def __init__(self) -> None:
        self.passed_target = True

    def tell(self, what: str, figure: str, holds: bool | None = None) -> None:
        mark = "" if holds is None else "  ok" if holds else "  OVER"
        print(f"{what:58} {figure}{mark}", flush=True)
        self.passed_target &= holds is not False


@contextlib.contextmanager
def fake(dist: Path) -> Iterator[FakeSite]:
    with serving(FakeSite(dist)) as site:
        yield site


def open_page(browser: Browser, script: str = "", height: int = 900) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": height}, locale="en-GB").new_page()
    page.add_init_script(script)
    return page


# -- weight


def weight(_: Browser, figures: Figures) -> None:
    size = compressed_bytes(first_view(DIST))
    figures.tell("first view, gzip, without pictures", f"{size / 1000:.1f} KB", size <= FIRST_VIEW_MAX_BYTES)


# -- first picture


def first(browser: Browser, figures: Figures) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dist = Path(folder) / "dist"
        shutil.copytree(DIST, dist)
        with fake(dist) as site:
            frame = site.add(PERSON, CAR)
            picture = site.picture_of(frame["frame_id"])["image_url"].removeprefix(site.origin)
            bare = f'<!doctype html><title>bare</title><img src="{picture}" width="640" height="360" alt="">'
            (dist / "bare.html").write_text(bare, "utf-8")
            for rtt_ms in (0, 40):
                times: dict[str, list[float]] = {"/bare.html": [], "/": []}
                for _ in range(ROUNDS):
                    for path, seen in times.items():
                        seen.append(time_to_picture(browser, site.origin + path, rtt_ms))
                plain, ours = (statistics.median(seen) for seen in times.values())
                where = "on this machine" if rtt_ms == 0 else f"with {rtt_ms} ms on the way"
                holds = ours / plain <= RATIO_MAX if rtt_ms == 0 else None
                figures.tell(
                    f"first picture {where}", f"{ours:.0f} against {plain:.0f} ms: {ours / plain:.2f}", holds
                )


def time_to_picture(browser: Browser, address: str, rtt_ms: int) -> float:
    """Nothing in the cache. rtt_ms: added to each request."""
    page = open_page(browser, WATCH_FIRST_PICTURE)
    if rtt_ms:
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        limits = {"offline": False, "latency": rtt_ms, "downloadThroughput": -1, "uploadThroughput": -1}
        network.send("Network.emulateNetworkConditions", limits)
    page.goto(address, wait_until="commit")
    taken = wait_for(page, "window.firstPictureMs ?? 0")
    page.context.close()
    return float(taken)


def wait_for(page: Page, expression: str, at_least: float = 1) -> float:
    """Asks again until it is as large; wait_for_function needs eval, which the pages forbid."""
    for _ in range(6_000):
        value = float(page.evaluate(expression))
        if value >= at_least:
            return value
        page.wait_for_timeout(20)
    raise TimeoutError(f"{expression} stayed below {at_least}")


# -- scrolling


def scroll(browser: Browser, figures: Figures) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dist = Path(folder) / "dist"
        shutil.copytree(DIST, dist)
        rows = "".join(f'<p style="height:90px;margin:0">Row {n}' for n in range(ROWS))
        (dist / "bare.html").write_text(f"<!doctype html><title>rows</title>{rows}", "utf-8")
        with fake(dist) as site:
            review = FakeReview(site)
            for n in range(ROWS):
                review.add(age_s=60 + n * 90, label=f"Label {n % 7}")
            page = open_page(browser, WATCH_LONG_TASKS)
            page.goto(f"{site.origin}/bare.html")
            figures.tell("scrolling 5,000 plain rows", words_of(tasks_of(browser, page, scroll_through)))
            page.goto(f"{site.origin}/?view=review")
            page.locator(".review-rows li").first.wait_for()
            for what, act in (
                ("reading 5,000 review rows page by page", read_all),
                ("scrolling them", scroll_through),
            ):
                tasks = tasks_of(browser, page, act)
                figures.tell(what, words_of(tasks), max(tasks.cpu_ms) <= LONG_TASK_MS)


def read_all(page: Page) -> None:
    loaded = "+(document.querySelector('.review-rows li')?.ariaSetSize ?? 0)"
    while (had := page.evaluate(loaded)) < ROWS:
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        wait_for(page, loaded, had + 1)


def scroll_through(page: Page) -> None:
    """From the top to the end by a wheel, and back in jumps."""
    page.evaluate("window.scrollTo(0, 0)")
    page.mouse.move(640, 500)
    end = page.evaluate("document.documentElement.scrollHeight - innerHeight")
    for _ in range(int(end / 1_200) + 1):
        page.mouse.wheel(0, 1_200)
    wait_for(page, "window.scrollY", end - 10)
    for tenth in range(10, -1, -1):
        page.evaluate(f"window.scrollTo(0, {end * tenth / 10})")
        page.wait_for_timeout(50)
    page.wait_for_timeout(500)


@dataclass
class Tasks:
    """cpu_ms: of every task of the page's main thread. long_ms: by the clock, of those over 50 ms."""

    cpu_ms: list[float]
    long_ms: list[float]


def tasks_of(browser: Browser, page: Page, act: Callable[[Page], None]) -> Tasks:
    page.wait_for_timeout(500)
    page.evaluate("window.longTasks.length = 0")
    browser.start_tracing(page=page, categories=["toplevel", "__metadata"])
    act(page)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    mains = {(e["pid"], e["tid"]) for e in events if e.get("args", {}).get("name") == "CrRendererMain"}
    ran = [e for e in events if e["ph"] == "X" and (e["pid"], e["tid"]) in mains and "RunTask" in e["name"]]
    return Tasks([e.get("tdur", 0) / 1000 for e in ran], page.evaluate("window.longTasks"))


def words_of(tasks: Tasks) -> str:
    cpu = f"longest task {max(tasks.cpu_ms):.0f} ms of CPU"
    if not tasks.long_ms:
        return f"{cpu}; none over {LONG_TASK_MS} ms by the clock"
    return f"{cpu}; by the clock {len(tasks.long_ms)} over {LONG_TASK_MS} ms, the longest {max(tasks.long_ms):.0f} ms"


# -- memory


def memory(browser: Browser, figures: Figures) -> None:
    for view, path, poll, every_s, kept_mb in VIEWS:
        with fake(DIST) as site:
            review = FakeReview(site)
            make_news(site, review, poll)
            page = open_page(browser, FAST_TIMERS)
            page.goto(site.origin + path)
            devtools = page.context.new_cdp_session(page)
            polls = SHIFT_H * 3600 // every_s
            heaps = [heap_mb(devtools, page, site, poll, polls * share // 10) for share in range(1, 11)]
            at_start, nodes_before, _ = heaps[0]
            at_end, nodes_after, frames = heaps[-1]
            slope = statistics.linear_regression(range(10), [heap for heap, _, _ in heaps]).slope * 10 / SHIFT_H
            figures.tell(
                f"heap of the {view}, {polls:,} polls, {frames:,} frames seen",
                f"{at_start:.2f}, {heaps[4][0]:.2f}, {at_end:.2f} MB ({slope * 1000:+.0f} KB an hour); "
                f"{nodes_before:,} and {nodes_after:,} nodes",
                at_end <= at_start * (1 + GROWTH_MAX) + kept_mb * polls / NEWS_EVERY,
            )
            page.context.close()


def make_news(site: FakeSite, review: FakeReview, poll: str) -> None:
    """With each poll a new frame, at times an alert; what is older than a page or two is forgotten by the API."""
    answer, asked = site.routes[poll], 0

    def with_news(question: Any) -> object:
        nonlocal asked
        asked += 1
        site.add(PERSON, *([CAR] if asked % 3 else []), camera=("front-door", "yard")[asked % 2])
        if asked % NEWS_EVERY == 0:
            review.add(age_s=0)
        for frame in site.frames[200:]:
            site._jpegs.pop(frame["frame_id"], None)
        del site.frames[200:]
        del review.alerts[300:]
        return answer(question)

    for _ in range(40):
        review.add(age_s=60)
    site.routes[poll] = with_news


def heap_mb(devtools: CDPSession, page: Page, site: FakeSite, poll: str, polls: int) -> tuple[float, int, int]:
    """Used JavaScript heap after a collection, nodes of the page, and frames so far, once it has asked so often."""
    deadline = time.monotonic() + 900
    while site.paths.count(poll) < polls:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{site.paths.count(poll)} of {polls} polls after 15 minutes")
        page.wait_for_timeout(200)
    for _ in range(3):
        devtools.send("HeapProfiler.collectGarbage")
    used = devtools.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    return used, devtools.send("Memory.getDOMCounters")["nodes"], site._made


PARTS: dict[str, Callable[[Browser, Figures], None]] = {
    "weight": weight,
    "first": first,
    "scroll": scroll,
    "memory": memory,
}


def main(wanted: list[str]) -> int:
    if not (DIST / "index.html").is_file():
        print("web_ui/dist is not built: run `npm ci && npm run build` in web_ui", file=sys.stderr)
        return 2
    path = os.environ.get("FRAMEWATCH_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    few_pictures()
    figures = Figures()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name in wanted or PARTS:
            PARTS[name](browser, figures)
        browser.close()
    return 0 if figures.passed_target else 1


def few_pictures() -> None:
    """Eight do for all frames: drawing one takes longer than most of what is measured here."""
    draw = fake_site.jpeg_of  # type: ignore[attr-defined]
    drawn, lock = dict[int, bytes](), threading.Lock()

    def jpeg_of(frame: dict[str, Any], seed: int) -> bytes:
        with lock:
            if seed % 8 not in drawn:
                drawn[seed % 8] = draw(frame, seed)
            return drawn[seed % 8]

    fake_site.jpeg_of = jpeg_of  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
