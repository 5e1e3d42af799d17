"""One frame on a page of its own, which links lead to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage, has_sideways_scroll, violations, wait_until
from tests.browser.fake_frames import FakeFrames
from tests.browser.fake_site import FakeSite
from tests.browser.fake_values import CAR, PERSON, PERSON_BOX, label, rfc3339

pytestmark = pytest.mark.slow

HOSTILE = '<img src=x onerror="document.title=1"><b>Person</b>'
NOON = datetime(2026, 1, 15, 12, 0, 5, 123456, tzinfo=UTC)  # 13:00:05 in Madrid
PORCH = {"zone_id": "porch", "points": [[0.3, 0.4], [0.9, 0.4], [0.9, 1.0], [0.3, 1.0]]}


@pytest.fixture
def frames(site: FakeSite) -> FakeFrames:
    return FakeFrames(site)


def address(frame: dict[str, Any], **more: str) -> str:
    named = {"camera": frame["camera_id"], "at": frame["captured_at"], "id": frame["frame_id"]}
    return "/?" + urlencode({"view": "frame", **named, **more})


def shown(page: Page) -> Locator:
    return page.locator(".zoom-picture img.is-shown")


def rect(place: Locator) -> dict[str, float]:
    found: dict[str, float] = place.evaluate("e => e.getBoundingClientRect().toJSON()")
    return found


def in_strip(page: Page, frame: dict[str, Any]) -> Locator:
    return page.locator(f'[data-strip="{frame["frame_id"]}"]')


def look(page: Page, native: float | None = None) -> None:
    """The person's box is where the API says, and the name of each box in sight, of its size, beside the others."""
    person, names = page.locator('.zoom-picture [data-label="Person"]'), page.locator(".tags .box-tag")
    picture, stage, box = rect(shown(page)), rect(page.locator(".zoom-stage")), rect(person)
    if native is not None:
        assert picture["width"] == pytest.approx(640 * native, rel=0.01)
    want = [picture["x"] + PERSON_BOX[0] * picture["width"], picture["y"] + PERSON_BOX[3] * picture["height"]]
    assert [box["left"], box["bottom"]] == pytest.approx(want, abs=1.5)
    tags = [rect(tag) for tag in names.all()]
    for tag in tags:
        assert tag["height"] == pytest.approx(21, abs=0.5)
        assert stage["left"] - 1 <= tag["left"] and tag["right"] <= stage["right"] + 1
        assert stage["top"] - 1 <= tag["top"] and tag["bottom"] <= stage["bottom"] + 1
    for n, a in enumerate(tags):
        for b in tags[n + 1 :]:
            beside = a["right"] <= b["left"] or b["right"] <= a["left"]
            assert beside or a["bottom"] <= b["top"] or b["bottom"] <= a["top"]
    # lines are as wide on the screen as ever
    assert person.evaluate("e => getComputedStyle(e).vectorEffect") == "non-scaling-stroke"


def test_boxes_lie_on_the_picture_and_their_names_stay_readable_at_every_zoom(
    site: FakeSite, frames: FakeFrames, open_page: OpenPage
) -> None:
    site.cameras[0]["zones"] = [PORCH]
    frame = site.add(PERSON, CAR, label("Coat", 81, PERSON_BOX), at=NOON)
    page = open_page(address(frame))
    expect(shown(page)).to_be_visible()
    names = page.locator(".tags .box-tag")
    expect(names).to_have_text(["Person 97%", "Car 88%", "Coat 81%"])

    look(page)
    whole = rect(shown(page))
    # The wheel looks closer at what is under the pointer.
    spot = (whole["x"] + whole["width"] * 0.3, whole["y"] + whole["height"] * 0.6)
    page.mouse.move(*spot)
    page.mouse.wheel(0, -240)
    wait_until(page, lambda: rect(shown(page))["width"] > whole["width"] * 1.2, "the wheel zooms in")
    closer = rect(shown(page))
    assert (spot[0] - closer["x"]) / closer["width"] == pytest.approx(0.3, abs=0.01)
    assert (spot[1] - closer["y"]) / closer["height"] == pytest.approx(0.6, abs=0.01)
    look(page)
    for _ in range(8):
        page.keyboard.press("+")
    expect(page.get_by_role("button", name="Zoom in")).to_have_attribute("aria-disabled", "true")
    look(page, native=4)
    expect(names.first).to_have_text("Person 97%")
    # By hand, and with the keys.
    before = rect(shown(page))
    page.mouse.down()
    page.mouse.move(spot[0] + 60, spot[1] + 40, steps=4)
    page.mouse.up()
    page.keyboard.press("Shift+ArrowLeft")
    wait_until(page, lambda: rect(shown(page))["x"] > before["x"] + 60, "it moves")
    assert rect(shown(page))["y"] == pytest.approx(before["y"] + 40, abs=2)
    look(page, native=4)
    page.keyboard.press("0")
    wait_until(page, lambda: rect(shown(page)) == whole, "the whole picture is back")

    page.locator(".switch", has_text="Zones").click()
    expect(page.locator(".outline-name")).to_have_text(["porch"])
    outline = rect(page.locator('[data-outline="porch"] .outline-line'))
    assert [outline["left"], outline["top"]] == pytest.approx(
        [whole["x"] + 0.3 * whole["width"], whole["y"] + 0.4 * whole["height"]], abs=1.5
    )
    page.locator(".switch", has_text="Boxes").click()
    expect(names).to_have_count(0)
    page.reload()
    expect(page.locator(".outline-name")).to_have_text(["porch"])
    expect(names).to_have_count(0)


def test_the_arrow_keys_and_the_strip_go_through_the_frames_of_the_camera(
    site: FakeSite, frames: FakeFrames, open_page: OpenPage
) -> None:
    row = [site.add(PERSON if n % 2 else CAR, at=NOON + timedelta(seconds=10 * n)) for n in range(5)]
    site.add(PERSON, at=NOON + timedelta(seconds=25), camera="yard")
    page = open_page(address(row[2], zones="on"))
    time = page.locator(".frame-head time")
    expect(time).to_contain_text("13:00:25 CET")
    expect(page.locator("[data-strip]")).to_have_count(5)
    expect(in_strip(page, row[2])).to_have_attribute("aria-current", "true")
    for key, place, words in (
        ("ArrowRight", 3, "13:00:35"),
        ("ArrowRight", 4, "13:00:45"),
        ("ArrowLeft", 3, "13:00:35"),
        ("ArrowLeft", 2, "13:00:25"),
        ("ArrowLeft", 1, "13:00:15"),
    ):
        page.keyboard.press(key)
        expect(time).to_contain_text(words)
        expect(in_strip(page, row[place])).to_have_attribute("aria-current", "true")
        expect(shown(page)).to_be_visible()
    in_strip(page, row[0]).click()
    expect(time).to_contain_text("13:00:05")
    expect(page.get_by_text("Nothing kept before")).to_be_visible()
    expect(page.get_by_role("button", name="Earlier frame")).to_have_attribute("aria-disabled", "true")
    assert "zones=on" in page.url and row[0]["frame_id"] in page.url
    page.go_back()  # one step: walking with the keys left none behind
    expect(time).to_contain_text("13:00:15")


def test_a_frame_says_all_of_itself_and_the_alert_that_it_made(
    site: FakeSite, frames: FakeFrames, open_page: OpenPage, tmp_path: Path
) -> None:
    site.cameras[0]["name"] = HOSTILE
    frame = site.add(label(HOSTILE, 97.1, PERSON_BOX, watch_hit=True), CAR, at=NOON)
    frames.alert_of(frame, rule="porch-at-night")
    page = open_page(address(frame), permissions=["clipboard-read", "clipboard-write"])
    expect(page.get_by_role("heading", level=2)).to_contain_text(HOSTILE)
    expect(page.locator(".frame-head time")).to_have_text("Thursday 15 January 2026, 13:00:05 CET")
    expect(page.locator(".viewer-labels .chip-name")).to_have_text([HOSTILE, "Car"])
    expect(page.get_by_text("a kind of Vehicle, Transportation · also Automobile · 1 box")).to_be_visible()
    for fact in ("Motion", "1.2 s after capture", "640 \u00d7 360", frame["frame_id"]):
        expect(page.locator(".frame-side > .facts").get_by_text(fact, exact=True)).to_be_visible()
    assert page.locator("b").count() == 0 and page.locator('img[src="x"]').count() == 0
    assert page.title() == "Frame · Corner shop · Framewatch"

    claim = page.locator("[data-alert-id]")
    expect(claim).to_contain_text("porch-at-night")
    expect(claim).to_contain_text("Critical")
    expect(claim).to_contain_text("taken by Bo")
    expect(claim).to_contain_text("1.64 s from the capture to the text")
    widths = [rect(stage)["width"] for stage in claim.locator("[data-stage]").all()]
    assert [width / sum(widths) for width in widths] == pytest.approx(
        [ms / 1640 for ms in (240, 280, 420, 140, 50, 510)], abs=0.03
    )
    expect(page.locator("[data-visit-id]")).to_contain_text("12:59:45 to 13:01:35 CET, 12 frames")
    alert = claim.get_by_role("link", name="Open the alert")
    assert (alert.get_attribute("href") or "").startswith("/?view=review&alert=porch-at-night.")
    timeline = page.get_by_role("link", name="Timeline at this time").get_attribute("href")
    assert timeline == "/?" + urlencode(
        {
            "view": "timeline",
            "camera": "front-door",
            "from": "2026-01-15T11:50:05.123Z",
            "to": "2026-01-15T12:10:05.123Z",
        }
    )

    with page.expect_download() as saved:
        page.get_by_role("link", name="Download the picture").click()
    assert saved.value.suggested_filename == "front-door_2026-01-15_13-00-05_CET.jpg"
    saved.value.save_as(tmp_path / "saved.jpg")
    assert (tmp_path / "saved.jpg").read_bytes() == site.picture(f"/pictures/{frame['frame_id']}", "e=0")[2]

    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("status").filter(has_text="Link copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == site.origin + address(frame)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')) }")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_label("Link to this frame")).to_have_value(link)
    page.goto(link)
    expect(shown(page)).to_be_visible()


def test_a_frame_that_nobody_looked_at_says_so_and_not_that_it_shows_nothing(
    site: FakeSite, frames: FakeFrames, open_page: OpenPage
) -> None:
    site.add(PERSON, at=NOON - timedelta(seconds=9), analysis="inherited")
    frame = site.add(at=NOON, analysis="budget")
    page = open_page(address(frame))
    expect(page.get_by_text("Not analysed: the budget kept it from vision")).to_be_visible()
    expect(in_strip(page, frame)).to_contain_text("Not analysed")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".viewer-labels .chip-name")).to_have_text(["Person"])
    expect(page.get_by_text("Labels of the frame before, which looks the same")).to_be_visible()


def test_a_link_that_leads_nowhere_says_why_and_where_to_go_on(
    site: FakeSite, frames: FakeFrames, open_page: OpenPage
) -> None:
    frame = site.add(PERSON, at=NOON)
    gone = {**frame, "captured_at": rfc3339(NOON - timedelta(seconds=30)), "frame_id": "front-door.b0.1"}
    page = open_page(address(gone))
    expect(page.get_by_role("heading", name="This frame is no longer kept")).to_be_visible()
    expect(page.get_by_text("Thursday 15 January 2026, 12:59:35 CET")).to_be_visible()
    in_strip(page, frame).click()
    expect(page.locator(".frame-head time")).to_contain_text("13:00:05")

    page.goto(site.origin + address({**frame, "frame_id": "wrong"}))
    expect(page.get_by_role("heading", name="No frame goes by this id")).to_be_visible()
    page.get_by_role("link", name="Show that frame").click()
    expect(page.locator(".frame-head time")).to_contain_text("13:00:05")

    # A time alone, as the timeline links to it: what was captured closest, or a sentence.
    page.goto(site.origin + "/?view=frame&camera=front-door&at=2026-01-15T12:01:00Z")
    expect(page.locator(".frame-head time")).to_contain_text("13:00:05")
    assert frame["frame_id"] in page.url
    page.goto(site.origin + "/?view=frame&camera=front-door&at=2026-01-15T15:00:00Z")
    expect(page.get_by_role("heading", name="No frame of that time")).to_be_visible()
    expect(in_strip(page, frame)).to_be_visible()

    asked = len(site.requests)
    page.goto(site.origin + address({**frame, "camera_id": HOSTILE}))
    expect(page.get_by_role("heading", name=f"You cannot see the camera {HOSTILE}")).to_be_visible()
    page.goto(site.origin + "/?view=frame&camera=front-door&at=yesterday")
    expect(page.get_by_role("heading", name="This address names no frame")).to_be_visible()
    assert len(site.requests) == asked
    expect(page.get_by_role("main").get_by_role("link", name="Live wall")).to_have_attribute("href", "/")


def test_the_list_s_dialog_opens_the_frame_on_its_page(
    site: FakeSite, frames: FakeFrames, open_page: OpenPage
) -> None:
    frame = site.add(PERSON, at=NOON)
    page = open_page()
    page.locator(".card-open").click()
    page.get_by_role("link", name="Open this frame on a page of its own").click()
    expect(shown(page)).to_be_visible()
    assert page.url == site.origin + address(frame)


@pytest.mark.parametrize("screen", [(360, 740, "dark"), (1280, 800, "light"), (1920, 1080, "dark")])
def test_axe_finds_nothing_and_pictures_are_kept(
    frames: FakeFrames, open_page: OpenPage, axe_js: Path, artifacts: Path, screen: tuple[int, int, str]
) -> None:
    site, (width, height, scheme) = frames.site, screen
    site.cameras[0]["zones"] = [PORCH]
    for n in range(-6, 7):
        if n:
            site.add(PERSON if n % 2 else CAR, at=NOON + timedelta(seconds=9 * n))
    frame = site.add(PERSON, CAR, label("Backpack", 64, (0.28, 0.4, 0.36, 0.6)), at=NOON, size=(1280, 720))
    frames.alert_of(frame)
    page = open_page(
        address(frame, zones="on"),
        width=width,
        height=height,
        scheme=scheme,
        bypass_csp=True,
        reduced_motion="reduce",
    )
    expect(shown(page)).to_be_visible()
    expect(page.locator("[data-alert-id]")).to_be_visible()
    expect(page.locator("[data-strip] img.is-shown")).to_have_count(13)
    page.screenshot(path=artifacts / f"frame-view-{width}-{scheme}.png", full_page=width == 360)
    assert not has_sideways_scroll(page)
    page.add_script_tag(path=axe_js)
    assert violations(page) == []
    other = "light" if scheme == "dark" else "dark"
    page.emulate_media(color_scheme=other)  # type: ignore[arg-type]
    assert violations(page) == []
