"""The timeline in a real browser: what happened, when, on which camera. No test measures time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage, has_sideways_scroll, violations, wait_until
from tests.browser.fake_site import FakeSite
from tests.browser.fake_timeline import FakeTimeline

pytestmark = pytest.mark.slow

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HOSTILE = '<img src=x onerror="document.title=1"><b>Person</b>'
MAX_ELEMENTS = 600


@pytest.fixture
def happened(site: FakeSite) -> FakeTimeline:
    return FakeTimeline(site)


def a_day(happened: FakeTimeline, *, pictures: bool = False) -> None:
    """A day on two cameras, somebody in the yard in the night, somebody at the door right now."""
    now = datetime.now(UTC).replace(microsecond=0)
    for n in range(9):
        label = ("Person", "Dog")[n % 3 == 2]
        happened.visit(now - HOUR * 22 + n * HOUR * 1.1, MINUTE * (3 + n * 2), label=label, picture=pictures)
    night = happened.visit(now - HOUR * 9, MINUTE * 25, camera="yard", withheld=None)
    happened.alert(night, severity="critical")
    happened.take(happened.alert(happened.visits[2]), "berta")
    happened.alert(happened.visits[4], severity="notice")
    happened.alert(happened.visits[5])
    for n in range(12):
        happened.visit(now - HOUR * 3 + n * MINUTE * 2, MINUTE, camera="yard", label="Dog", picture=False)
    happened.visit(now - MINUTE * 40, MINUTE * 39, is_open=True, picture=pictures)


def focused(page: Page) -> str:
    """The words of what has the focus, as a screen reader says them."""
    return str(page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.textContent"))


def things(page: Page) -> Locator:
    return page.locator(".tl [data-key]")


def window(page: Page) -> Locator:
    return page.get_by_test_id("window")


def address(page: Page) -> str:
    return str(page.evaluate("location.search.slice(1)"))


def test_last_night_s_visitor_is_found_from_the_bare_timeline_by_keyboard_alone(
    happened: FakeTimeline, open_page: OpenPage
) -> None:
    a_day(happened)
    page = open_page("/?view=timeline")
    expect(things(page).first).to_be_visible()
    expect(page.get_by_text("How many frames there were is not counted here.")).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.key !== undefined"):
            break
    assert re.match(r"Person 94% at Front door, since .*, still there\.", focused(page))
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("12 visits at Yard"), focused(page)
    page.keyboard.press("ArrowLeft")
    assert "Critical alert: Person 94% at Yard" in focused(page)
    assert focused(page).endswith("Nobody has answered.")
    page.keyboard.press("ArrowLeft")
    assert "Watch list: told." in focused(page)
    card = page.get_by_role("dialog", name="Details")
    expect(card.locator("img.is-shown")).to_be_visible()
    # Zooming keeps the visitor in hand, moving in time as well.
    for _ in range(3):
        page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowRight")
    expect(page).to_have_url(re.compile("from=.*to="))
    assert "Watch list: told." in focused(page)
    page.keyboard.press("Enter")
    expect(card.get_by_role("link", name="Open the frame")).to_be_focused()
    best = happened.visits[9]["best"]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?view=review&alert=watch-v9-yard&camera=yard&at=20"))
    page.go_back()
    expect(things(page).first).to_be_visible()
    listed = re.compile(r"^Person 94% at Yard, .* Watch list: told\.")
    page.get_by_role("list").get_by_role("link", name=listed).press("Enter")
    expect(page).to_have_url(re.compile(rf"\?view=frame&camera=yard&at=.*&id={re.escape(best['frame_id'])}"))


def test_zoom_and_moves_are_in_the_address_and_back_undoes_them_one_by_one(
    happened: FakeTimeline, open_page: OpenPage
) -> None:
    a_day(happened)
    page = open_page("/?view=timeline")
    expect(things(page).first).to_be_visible()
    steps = ["view=timeline"]

    def moved() -> None:
        wait_until(page, lambda: address(page) != steps[-1], "a new address")
        expect(page.locator("main")).to_have_attribute("aria-busy", "false")
        steps.append(address(page))

    page.get_by_role("button", name="7 days").click()
    moved()
    assert steps[-1] == "view=timeline&last=7d"
    page.get_by_role("button", name="Zoom in").click()
    moved()
    assert steps[-1] == "view=timeline&last=84h"
    plot = page.locator("[data-lane=yard] .tl-plot").bounding_box()
    assert plot
    left, y = plot["x"], plot["y"] + 12
    page.mouse.move(left + 200, y)
    page.mouse.down()
    page.mouse.move(left + 400, y, steps=4)
    page.mouse.move(left + 500, y, steps=4)
    page.mouse.up()
    moved()
    assert re.fullmatch(r"view=timeline&from=[^&]*&to=[^&]*", steps[-1]), steps[-1]
    expect(window(page)).not_to_contain_text("now")
    page.keyboard.down("Control")
    for _ in range(3):
        page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    moved()
    page.get_by_label("Label", exact=True).select_option("Dog")
    moved()
    page.locator(".tl-tools [data-camera-id=yard]").click()
    moved()
    assert steps[-1].endswith("&camera=yard&label=Dog")
    expect(page.locator(".tl-lane")).to_have_count(1)
    page.get_by_label("Jump to").fill("2026-02-03T04:05")
    page.get_by_role("button", name="Go").click()
    moved()
    expect(window(page)).to_contain_text("3 Feb 2026")
    filters = {"camera": ["yard"], "label": ["Dog"]}.items()
    wait_until(page, lambda: any(filters <= each.queries.items() for each in list(happened.asked)), "filters")
    for step in reversed(steps[:-1]):
        page.go_back()
        expect(page).to_have_url(re.compile(re.escape(step) + "$"))
    expect(window(page)).to_have_text(re.compile("now$"))


def test_an_empty_place_leads_to_the_nearest_frame_and_a_press_beside_an_open_card_only_closes_it(
    happened: FakeTimeline, open_page: OpenPage
) -> None:
    a_day(happened)
    page = open_page("/?view=timeline")
    expect(things(page).first).to_be_visible()
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    things(page).last.click()
    expect(page.get_by_role("dialog", name="Details")).to_be_visible()
    plot = page.locator("[data-lane=yard] .tl-plot").bounding_box()
    assert plot
    x, y = plot["x"] + 300, plot["y"] + 12
    page.mouse.click(x, y)
    expect(page.get_by_role("dialog", name="Details")).to_have_count(0)
    assert "view=timeline" in page.url
    # The place listens again one painting after the card has gone, which a busy machine may take its time for.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.mouse.click(x, y)
    expect(page).to_have_url(re.compile(r"view=frame&camera=yard&at=20"))


def test_a_doubled_hour_is_drawn_twice_and_a_visit_stands_in_its_own_pass(
    happened: FakeTimeline, open_page: OpenPage
) -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    happened.visit(first, MINUTE * 5, picture=False)
    happened.visit(first + HOUR, MINUTE * 5, picture=False)
    page = open_page("/?view=timeline&from=2026-10-24T22:30:00Z&to=2026-10-25T03:30:00Z", timezone_id="Asia/Tokyo")
    expect(page.locator(".tl-bar")).to_have_count(2)
    ticks = [tick for tick in page.locator(".tl-tick").all_inner_texts() if tick.strip()]
    at = ticks.index("02:00 CEST")
    assert "02:00 CET" in ticks[at + 1 :]
    assert ticks.index("03:00") > ticks.index("02:00 CET")
    expect(page.get_by_text("Clocks go back: CEST becomes CET")).to_be_visible()
    spoken = [str(bar.get_attribute("aria-label")) for bar in page.locator(".tl-bar").all()]
    assert "02:30:00 to 02:35:00 CEST" in spoken[0]
    assert "02:30:00 to 02:35:00 CET" in spoken[1]
    x = [box["x"] for bar in page.locator(".tl-bar").all() if (box := bar.bounding_box())]
    plot = page.locator(".tl-plot").first.bounding_box()
    assert plot
    assert x[1] - x[0] == pytest.approx(plot["width"] / 5, abs=3)
    page.get_by_label("Jump to").fill("2026-10-25T02:30")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text("02:30 happens twice that day; the first one (CEST) is used.")).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("from=2026-10-24T22%3A00%3A00Z&to=2026-10-25T03%3A00%3A00Z")))


def test_too_much_for_one_look_is_merged_and_said_and_hostile_names_stay_text(
    site: FakeSite, happened: FakeTimeline, open_page: OpenPage
) -> None:
    site.cameras[0]["name"] = HOSTILE
    now = datetime.now(UTC)
    for n in range(2300):
        label = HOSTILE if n % 2 else "Dog"
        happened.visit(now - MINUTE * 5 - SECOND * 30 * n, SECOND * 15, label=label, picture=False)
    page = open_page("/?view=timeline", width=360)
    cut = re.compile("Too much to show at once: the newest 2,000, back to .*Zoom in")
    expect(page.get_by_text(cut)).to_be_visible()
    assert page.locator(".tl *").count() < MAX_ELEMENTS
    expect(page.locator(".tl-entry")).to_have_count(40)
    expect(page.locator("[data-lane=front-door] strong")).to_have_text(HOSTILE)
    page.locator(".tl-bar").first.click()
    expect(page.locator(".tl-card")).to_contain_text(HOSTILE)
    for selector in ("b:has-text('Person')", 'img[src="x"]'):
        assert page.locator(selector).count() == 0
    assert page.title() == "Timeline · Corner shop · Framewatch"
    assert not has_sideways_scroll(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="15 min").click()
    expect(page.get_by_text("Too much to show at once")).to_have_count(0)
    expect(page.locator(".tl-list > .hint")).to_have_text(re.compile("^20 visits and 0 alerts|^21 visits"))


def test_who_came_this_moment_is_there_however_long_the_time_that_is_shown(
    happened: FakeTimeline, open_page: OpenPage
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    happened.alert(happened.visit(now - timedelta(seconds=1), timedelta(seconds=1)))
    # A pixel of it is most of an hour.
    page = open_page("/?view=timeline&last=30d")
    expect(page.locator('.tl-bar[aria-label^="Person 94% at Front door"]')).to_be_visible()
    expect(page.locator(".tl-mark")).to_be_visible()
    expect(page.get_by_text("Nothing happened here in this time.")).to_have_count(0)


def test_what_happens_now_waits_while_something_is_being_read(happened: FakeTimeline, open_page: OpenPage) -> None:
    a_day(happened)
    page = open_page("/?view=timeline&last=1h")
    things(page).first.click()
    words = window(page).inner_text()
    places = [bar.bounding_box() for bar in things(page).all()]
    happened.visit(datetime.now(UTC) - MINUTE * 5, MINUTE, camera="yard", picture=False)
    expect(page.get_by_role("button", name="1 new")).to_be_visible()
    assert window(page).inner_text() == words
    assert [bar.bounding_box() for bar in things(page).all()] == places
    page.get_by_role("button", name="1 new").click()
    expect(things(page)).to_have_count(len(places) + 1)
    expect(page.get_by_role("dialog", name="Details")).to_have_count(0)


def test_fingers_pinch_swipe_and_hit_what_is_near(happened: FakeTimeline, open_page: OpenPage) -> None:
    now = datetime.now(UTC)
    happened.visit(now - HOUR * 12, MINUTE, picture=False)
    page = open_page("/?view=timeline", width=360, has_touch=True, is_mobile=True)
    expect(things(page)).to_have_count(1)
    plot = page.locator(".tl-plot").first.bounding_box()
    bar = things(page).first.bounding_box()
    assert plot
    assert bar
    touch = page.context.new_cdp_session(page)

    def fingers(*ways: tuple[float, float]) -> None:
        """Each from one x to another, all at once, in the lane."""
        for step in range(6):
            kind = "touchStart" if step == 0 else "touchMove"
            points = [{"x": a + (b - a) * step / 5, "y": plot["y"] + 50, "id": n} for n, (a, b) in enumerate(ways)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    page.touchscreen.tap(bar["x"] + 20, bar["y"] + 10)
    expect(page.get_by_role("dialog", name="Details")).to_contain_text("Person 94%")
    page.get_by_role("button", name="Close").tap()
    middle = plot["x"] + plot["width"] / 2
    fingers((middle - 30, middle - 120), (middle + 30, middle + 120))
    expect(page).to_have_url(re.compile("from="))
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    times = re.findall(r"20[^&]*Z", address(page).replace("%3A", ":"))
    start, end = (datetime.fromisoformat(each) for each in times)
    assert (end - start) / timedelta(hours=6) == pytest.approx(1, abs=0.05)
    expect(things(page)).to_have_count(1)
    fingers((middle + 40, middle - 110))
    expect(things(page)).to_have_count(1)
    moved = things(page).first.bounding_box()
    assert moved
    assert moved["x"] - middle == pytest.approx(-150, abs=12)


SCREENS = [(360, 780, "light"), (360, 780, "dark"), (1280, 800, "light"), (1920, 1080, "dark")]


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_axe_finds_nothing_and_people_can_look_at_it(
    happened: FakeTimeline, open_page: OpenPage, axe_js: Path, artifacts: Path, screen: tuple[int, int, str]
) -> None:
    width, height, scheme = screen
    a_day(happened, pictures=True)
    happened.counts = lambda camera, at: (at.hour * 7 % 23 + 2, at.hour % 5) if camera == "yard" else (4, 1)
    page = open_page("/?view=timeline", width=width, height=height, scheme=scheme, bypass_csp=True)
    expect(page.get_by_text("frames with a watched label")).to_be_visible()
    page.screenshot(path=artifacts / f"timeline-{width}-{scheme}.png", full_page=True)
    page.get_by_role("button", name=re.compile("Critical alert")).click()
    expect(page.locator(".tl-card img.is-shown")).to_be_visible()
    page.add_script_tag(path=axe_js)
    assert violations(page) == []
    assert not has_sideways_scroll(page)
    page.screenshot(path=artifacts / f"timeline-card-{width}-{scheme}.png")
