"""The live wall and the shell around it, in a real browser. No test measures time: it sets the page's clock."""

from __future__ import annotations

import json
import re
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage, has_sideways_scroll, violations, wait_until
from tests.browser.fake_cameras import offline
from tests.browser.fake_review import FakeReview
from tests.browser.fake_site import FakeSite
from tests.browser.fake_values import CAR, PERSON, PERSON_BOX, label, rfc3339

pytestmark = pytest.mark.slow

HOSTILE = '<img src=x onerror="document.title=1"><b>Till</b>'


def tile(page: Page, camera: str) -> Locator:
    return page.locator(f'[data-camera="{camera}"]')


def picture(page: Page, camera: str) -> Locator:
    return tile(page, camera).locator(".wall-image img")


def trouble(page: Page, camera: str) -> Locator:
    return tile(page, camera).locator(".wall-trouble")


def camera(camera_id: str, name: str, group: str | None = None) -> dict[str, Any]:
    return {"camera_id": camera_id, "name": name, "group": group, "zones": []}


def fill(site: FakeSite, count: int) -> None:
    """Cameras in every state, then living ones."""
    site.cameras = [camera(f"c{i}", f"Camera {i}", ["outside", "inside"][i % 2]) for i in range(count)]
    for i in range(count):
        if i != 3:
            site.add(*[(PERSON,), (CAR,), (PERSON, CAR), ()][i % 4], camera=f"c{i}", age_s=200 if i == 2 else 2)
    site.camera_states["c1"] = offline("reconnecting", for_s=840, why="rtsp: connection timed out")
    site.camera_states["c4"] = {"state": "disabled"}
    site.troubles = [{"kind": "vision", "since": rfc3339(datetime.now(UTC) - timedelta(minutes=7))}]
    review = FakeReview(site)
    for i in range(6):
        review.add(age_s=60 + 300 * i, camera_id=f"c{i % 2}", picture=False, severity="alert" if i else "critical")


# -- pictures


def test_each_camera_says_how_it_is_since_when_and_why(site: FakeSite, open_page: OpenPage) -> None:
    site.cameras = [camera(c, c.title()) for c in ("live", "stale", "lost", "locked", "off", "never")]
    for name in ("live", "stale", "lost", "locked", "off"):
        site.add(PERSON, camera=name, age_s=200 if name == "stale" else 2)
    site.camera_states["lost"] = offline("reconnecting", for_s=840, why=HOSTILE)
    site.camera_states["locked"] = offline("auth-failed", for_s=90)
    site.camera_states["off"] = {"state": "disabled"}
    site.troubles = [{"kind": "stream", "since": rfc3339(datetime.now(UTC) - timedelta(minutes=7))}]
    page = open_page("/")
    expect(picture(page, "live")).to_have_js_property("naturalWidth", 640)
    expect(trouble(page, "live")).to_have_count(0)
    expect(tile(page, "live")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d(just now|\d+ s ago)"))
    expect(trouble(page, "stale")).to_have_text("Stale: no new picture for 3 min")
    expect(trouble(page, "lost")).to_contain_text(
        re.compile(r"^Connection lost, its box keeps trying, since (\d+ \w+ \d+, )?\d\d:\d\d CES?T \(14 min ago\)")
    )
    expect(trouble(page, "lost").locator(".wall-why")).to_have_text(HOSTILE)
    expect(trouble(page, "locked")).to_contain_text("It refuses the password that its box has, since")
    expect(trouble(page, "off")).to_have_text("Switched off in its box's settings")
    expect(trouble(page, "never")).to_contain_text("Never sent a picture")
    expect(tile(page, "never").get_by_role("link")).to_have_count(0)
    expect(page.locator(".wall-summary")).to_have_text(
        "6 cameras 1 live · 1 stale · 2 offline · 1 without a picture yet · 1 switched off"
    )
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Frames arrive late, since .* \(7 min ago\)\."))
    assert page.locator("[data-camera]").evaluate_all("all => all.map(e => e.dataset.camera)") == [
        c["camera_id"] for c in site.cameras
    ]
    for name in ("stale", "lost"):
        greyed = tile(page, name).locator(".wall-frame").evaluate("e => getComputedStyle(e).filter")
        assert "grayscale(1)" in greyed
    assert page.locator('img[src="x"]').count() == 0
    assert page.title() == "Corner shop · Framewatch"


def test_a_picture_goes_stale_by_the_clock_alone_and_comes_back(site: FakeSite, open_page: OpenPage) -> None:
    site.add(PERSON, age_s=1)
    page = open_page("/favicon.svg")
    page.clock.install()
    page.goto(site.origin)
    expect(picture(page, "front-door")).to_be_visible()
    expect(tile(page, "front-door")).to_have_attribute("data-mood", "live")
    # Nobody answers any more: only the clock can tell.
    page.route("**/v1/**", lambda route: None)
    page.clock.fast_forward(59_000)
    page.clock.run_for(6_000)
    expect(tile(page, "front-door")).to_have_attribute("data-mood", "stale")
    expect(trouble(page, "front-door")).to_contain_text("Stale: no new picture for 1 min")
    expect(page.locator(".wall-summary")).to_contain_text("1 stale")
    page.unroute("**/v1/**")
    site.add(CAR)
    page.clock.run_for(45_000)
    expect(tile(page, "front-door")).to_have_attribute("data-mood", "live")
    expect(trouble(page, "front-door")).to_have_count(0)


def test_pictures_change_without_an_empty_moment_and_an_address_that_ran_out_changes_nothing(
    site: FakeSite, open_page: OpenPage
) -> None:
    site.add(PERSON, age_s=2)
    page = open_page("/")
    expect(picture(page, "front-door")).to_be_visible()
    page.evaluate(
        """() => {
            window.seen = new Set();
            window.images = [document.querySelector("[data-camera=front-door] img")];
            const look = () => {
                const image = document.querySelector("[data-camera=front-door] img");
                if (!image || !image.complete || !image.naturalWidth) seen.add("an empty tile");
                else if (images.at(-1) !== image) images.push(image);
            };
            new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true });
        }"""
    )
    site.expire_images()
    asked = site.paths.count("/v1/cameras")
    wait_until(page, lambda: site.paths.count("/v1/cameras") > asked + 1, "the cameras are asked for again")
    assert page.evaluate("images.length") == 1
    frame = site.add(CAR)
    expect(tile(page, "front-door").locator(f'[data-frame="{frame["frame_id"]}"]')).to_be_visible()
    expect(tile(page, "front-door").locator('[data-label="Car"]')).to_have_count(1)
    # A picture that cannot be had leaves the last one, with its own age.
    site.images_work = False
    site.add(PERSON)
    expect(trouble(page, "front-door")).to_have_text("The newest picture could not be loaded. It is tried again.")
    expect(tile(page, "front-door").locator(f'[data-frame="{frame["frame_id"]}"]')).to_be_visible()
    site.images_work = True
    expect(trouble(page, "front-door")).to_have_count(0)
    assert page.evaluate("[...seen]") == []
    assert page.evaluate("images.length") == 3


def test_names_and_labels_stay_text_and_the_whole_wall_works_from_the_keyboard(
    site: FakeSite, open_page: OpenPage
) -> None:
    site.cameras = [camera("till", HOSTILE, "inside"), camera("yard", "Yard", "outside")]
    frame = site.add(label(HOSTILE, 99.0, PERSON_BOX, watch_hit=True), camera="till", age_s=3)
    site.add(CAR, camera="yard", age_s=3)
    page = open_page("/")
    expect(tile(page, "till").get_by_role("heading")).to_have_text(HOSTILE)
    expect(tile(page, "till").locator(".box-tag")).to_have_text(f"{HOSTILE} 99%")
    page.keyboard.press("b")
    expect(page).to_have_url(re.compile(r"\?view=wall&boxes=off$"))
    expect(page.locator(".box-tag")).to_have_count(0)
    page.get_by_label("Group").select_option("inside")
    expect(page).to_have_url(re.compile(r"boxes=off&group=inside$"))
    expect(tile(page, "yard")).to_have_count(0)
    page.go_back()
    expect(tile(page, "yard")).to_have_count(1)
    tile(page, "yard").get_by_role("link").focus()
    page.keyboard.press("ArrowLeft")
    expect(tile(page, "till").get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"\?view=frame&camera=till&at=[^&]+&id={frame['frame_id']}$"))
    expect(page.locator("#main")).to_be_focused()
    assert page.locator("b").count() == 0
    assert page.locator('img[src="x"]').count() == 0


def test_alerts_that_nobody_answered_lead_to_the_review(site: FakeSite, open_page: OpenPage) -> None:
    site.add(PERSON)
    page = open_page("/")
    expect(page.get_by_text("No alert waits for an answer.")).to_be_visible()
    review = FakeReview(site)
    for age_s in (300, 200, 150, 100):
        review.add(age_s=age_s)
    review.add(age_s=60, severity="critical", label=HOSTILE)
    review.add(age_s=40, severity="notice")
    taken = {"kind": "taken", "at": rfc3339(datetime.now(UTC)), "by": "user:bo", "name": "bo", "is_you": False}
    review.add(age_s=30, answers=[taken])
    strip = page.get_by_role("region", name="Alerts that nobody has answered")
    expect(strip.get_by_role("link").first).to_have_text(
        re.compile(
            re.escape(f"Critical: {HOSTILE} at Front door, ") + r"(\d+ \w+ \d+, )?\d\d:\d\d CES?T · nobody has it yet"
        )
    )
    expect(strip.get_by_role("link", name="3 more")).to_have_attribute("href", "/?view=review&answered=false")
    strip.get_by_role("link").nth(1).click()
    expect(page).to_have_url(re.compile(r"\?view=review&alert=[^&]+&camera=front-door&at="))
    expect(page.get_by_role("main")).to_contain_text("after-hours")


def test_the_wall_says_when_the_api_is_away_and_goes_on_by_itself(site: FakeSite, open_page: OpenPage) -> None:
    first = site.add(PERSON, age_s=3)
    page = open_page("/?view=wall&screen=full")
    expect(page.get_by_role("navigation")).to_have_count(0)
    expect(picture(page, "front-door")).to_be_visible()
    site.hang_up = True
    banner = page.get_by_test_id("banner")
    expect(banner).to_contain_text("Framewatch cannot be reached.")
    expect(tile(page, "front-door").locator(f'[data-frame="{first["frame_id"]}"]')).to_be_visible()
    second = site.add(CAR)
    site.hang_up = False
    expect(banner).to_have_count(0)
    expect(tile(page, "front-door").locator(f'[data-frame="{second["frame_id"]}"]')).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()


# -- the shell


def test_keys_lead_to_views_and_the_help_lists_them_and_turns_them_off(site: FakeSite, open_page: OpenPage) -> None:
    site.add(PERSON)
    page = open_page("/", scheme="light")
    expect(picture(page, "front-door")).to_be_visible()
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keys and appearance")
    expect(help_.get_by_text("Boxes on or off")).to_be_visible()
    background = "getComputedStyle(document.body).backgroundColor"
    # Of what a browser paints around the page.
    around = "[...document.querySelectorAll('[name=theme-color]')].find((m) => matchMedia(m.media).matches).content"
    light, light_around = page.evaluate(background), page.evaluate(around)
    help_.get_by_role("button", name="Dark").click()
    assert page.evaluate(background) != light
    assert page.evaluate(around) != light_around
    page.reload()
    expect(picture(page, "front-door")).to_be_visible()
    assert page.evaluate(background) != light
    assert page.evaluate(around) != light_around
    page.keyboard.press("?")
    help_.get_by_role("button", name="As the system").click()
    assert page.evaluate(background) == light
    assert page.evaluate(around) == light_around
    assert page.evaluate("localStorage.length") == 0
    page.keyboard.press("Escape")
    expect(help_).to_have_count(0)
    for key, view in (("f", "frames"), ("r", "review"), ("t", "timeline"), ("c", "charts")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page).to_have_url(f"{site.origin}/?view={view}")
        expect(page.locator("#main")).to_be_focused()
        expect(page.get_by_role("navigation", name="Views").locator("[aria-current=page]")).to_contain_text(
            view.title()
        )
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page).to_have_url(f"{site.origin}/")
    page.get_by_role("button", name="Keys and appearance").click()
    help_.get_by_role("switch", name="Single keys work").click(force=True)
    expect(help_.get_by_role("switch", name="Single keys work")).not_to_be_checked()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("?")
    expect(help_).to_have_count(0)
    expect(page).to_have_url(f"{site.origin}/")


def test_on_a_phone_every_view_is_within_reach_of_a_thumb(site: FakeSite, open_page: OpenPage) -> None:
    site.add(PERSON)
    page = open_page("/", width=320, height=640)
    nav = page.get_by_role("navigation", name="Views")
    expect(nav.get_by_role("link", name="Live")).to_have_attribute("aria-current", "page")
    box = nav.bounding_box()
    assert box
    assert box["y"] + box["height"] == 640
    nav.get_by_role("button", name="More").click()
    nav.get_by_role("link", name="Charts").click()
    expect(page).to_have_url(f"{site.origin}/?view=charts")
    expect(nav.get_by_role("button", name="More: Charts")).to_have_attribute("aria-expanded", "false")
    assert not has_sideways_scroll(page)
    nav.get_by_role("link", name="Live").click()
    expect(picture(page, "front-door")).to_be_visible()
    assert not has_sideways_scroll(page)


def test_the_page_can_be_installed(site: FakeSite, open_page: OpenPage) -> None:
    site.add(PERSON)
    page = open_page("/")
    expect(picture(page, "front-door")).to_be_visible()
    manifest = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert manifest["errors"] == []
    told = json.loads(manifest["data"])
    assert (told["start_url"], told["scope"], told["display"]) == ("/", "/", "standalone")
    for icon in told["icons"]:
        answer = page.request.get(site.origin + icon["src"])
        assert answer.headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            # A PNG begins with its size.
            width, height = struct.unpack(">II", answer.body()[16:24])
            assert f"{width}x{height}" == icon["sizes"]


# -- for everyone


SIZES = ((360, 740), (1280, 800), (1920, 1080), (3840, 2160))
LOOKS = [(*size, scheme) for size in SIZES for scheme in ("light", "dark")]


@pytest.mark.parametrize("looks", LOOKS, ids=lambda looks: f"{looks[0]}-{looks[2]}")
def test_the_wall_fits_its_screen_and_axe_finds_nothing(
    site: FakeSite, open_page: OpenPage, axe_js: Path, artifacts: Path, looks: tuple[int, int, str]
) -> None:
    width, height, scheme = looks
    count = 64 if width > 1280 else 6
    fill(site, count)
    page = open_page("/", width=width, height=height, scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    expect(page.locator("[data-camera]")).to_have_count(count)
    if width > 720:
        expect(page.locator(".wall-image img")).to_have_count(count - 1)
        below = page.locator("[data-camera]").last.evaluate("e => e.getBoundingClientRect().bottom - innerHeight")
        assert below <= 0
        assert not page.evaluate("(e => e.scrollHeight > e.clientHeight)(document.querySelector('.wall-room'))")
    else:
        expect(picture(page, "c0")).to_be_visible()
    assert not has_sideways_scroll(page)
    page.screenshot(path=artifacts / f"wall-{width}-{scheme}.png", animations="disabled")
    if width <= 1920:
        page.add_script_tag(path=axe_js)
        assert violations(page) == [], "the wall"
    if width in {360, 1280}:
        page.get_by_role("button", name="Keys and appearance").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations(page) == [], "the help"
        page.screenshot(path=artifacts / f"help-{width}-{scheme}.png", animations="disabled")
