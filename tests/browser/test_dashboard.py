"""The built dashboard in a real browser, against an API that each test steers. No test measures time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import AXE_LOOKS, OpenPage, cards, has_sideways_scroll, violations, wait_until
from tests.browser.fake_site import FakeSite
from tests.browser.fake_values import CAR, CAR_BOX, PERSON, PERSON_BOX, label

pytestmark = pytest.mark.slow

HOSTILE = '<img src=x onerror="document.title=1"><b>Person</b>'


def card(page: Page, frame: dict[str, object]) -> Locator:
    return page.locator(f'[data-frame-id="{frame["frame_id"]}"]')


def camera_button(page: Page, camera_id: str) -> Locator:
    return page.locator(f'[data-camera-id="{camera_id}"]')


def status(page: Page) -> Locator:
    return page.get_by_test_id("status")


def asked(site: FakeSite, **wanted: str) -> bool:
    """True once a request for frames carried all of these parameters."""
    return any(wanted.items() <= query.items() for query in list(site.requests))


# -- frames


def test_a_frame_shows_picture_camera_site_time_labels_and_watch_mark(site: FakeSite, open_page: OpenPage) -> None:
    frame = site.add(PERSON, CAR, at=datetime(2026, 1, 15, 12, 0, 5, tzinfo=UTC))
    plain = site.add(at=datetime(2026, 1, 15, 11, 0, tzinfo=UTC), camera="yard", gate="keepalive")
    page = open_page()
    shown = card(page, frame)
    expect(shown.get_by_role("heading")).to_have_text("Front door")
    expect(shown.locator("time")).to_have_text("13:00:05 CET")
    expect(shown.locator(".chip")).to_have_text(["Person97%", "Car88%"])
    expect(shown.get_by_text("Watch list", exact=True)).to_be_visible()
    expect(shown.locator("img")).to_have_js_property("naturalWidth", 640)
    expect(page.get_by_role("heading", name="Thursday 15 January 2026")).to_be_visible()
    expect(card(page, plain).get_by_text("Nothing recognised")).to_be_visible()
    expect(card(page, plain).get_by_text("Routine check")).to_be_visible()
    expect(card(page, plain).get_by_text("Watch list", exact=True)).to_have_count(0)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("size", [(640, 360), (480, 480), (360, 640)], ids=["wide", "square", "tall"])
def test_boxes_lie_on_the_picture_where_the_api_says(
    site: FakeSite, open_page: OpenPage, width: int, size: tuple[int, int]
) -> None:
    frame = site.add(PERSON, CAR, age_s=5, size=size)
    page = open_page(width=width)
    expect(card(page, frame).locator("img.is-shown")).to_be_visible()

    def check(scope: Locator) -> None:
        picture = scope.locator("img").bounding_box()
        assert picture
        assert picture["width"] / picture["height"] == pytest.approx(size[0] / size[1], rel=0.02)
        for name, (x0, y0, x1, y1) in (("Person", PERSON_BOX), ("Car", CAR_BOX)):
            # getBoundingClientRect of an SVG shape is its geometry, without the stroke.
            box = scope.locator(f'[data-label="{name}"]').evaluate("e => e.getBoundingClientRect().toJSON()")
            want = {
                "left": picture["x"] + x0 * picture["width"],
                "top": picture["y"] + y0 * picture["height"],
                "right": picture["x"] + x1 * picture["width"],
                "bottom": picture["y"] + y1 * picture["height"],
            }
            assert {side: box[side] for side in want} == pytest.approx(want, abs=1.5), name

    check(card(page, frame))
    page.locator(".card-open").click()
    expect(page.locator("dialog img.is-shown")).to_be_visible()
    check(page.locator("dialog"))


def test_a_hostile_label_and_camera_name_stay_text(site: FakeSite, open_page: OpenPage) -> None:
    site.cameras[0]["name"] = HOSTILE
    frame = site.add(label(HOSTILE, 99.0, PERSON_BOX, watch_hit=True), age_s=3)
    page = open_page()
    shown = card(page, frame)
    expect(shown.locator(".chip-name")).to_have_text(HOSTILE)
    expect(shown.get_by_role("heading")).to_have_text(HOSTILE)
    page.locator(".card-open").click()
    expect(page.locator("dialog .chip-name")).to_have_text(HOSTILE)
    assert page.locator("b").count() == 0
    assert page.locator('img[src="x"]').count() == 0
    assert page.title() == "Frames · Corner shop · Framewatch"
    assert not has_sideways_scroll(page)


def test_a_browser_in_another_zone_shows_site_time(site: FakeSite, open_page: OpenPage) -> None:
    frame = site.add(PERSON, at=datetime(2026, 7, 15, 22, 30, tzinfo=UTC))
    page = open_page(timezone_id="Asia/Tokyo")
    expect(card(page, frame).locator("time")).to_have_text("00:30:00 CEST")
    expect(page.get_by_role("heading", name="Thursday 16 July 2026")).to_be_visible()
    expect(page.locator(".site-clock")).to_contain_text("Europe/Madrid")


def test_an_expired_picture_is_renewed_once_and_shown(site: FakeSite, open_page: OpenPage) -> None:
    frame = site.add(PERSON, age_s=3)
    page = open_page()
    expect(card(page, frame).locator("img.is-shown")).to_be_visible()
    site.expire_images()
    late = site.add(CAR, age_s=2)
    # Expires between the answer that carries the address and the picture's own request.
    site.image_epoch, site.oldest_good_epoch = 1, 2
    page.reload()
    expect(card(page, late).get_by_text("The picture could not be loaded.")).to_be_visible()
    renewals = [q for q in site.requests if q.get("from") == late["captured_at"]]
    assert len(renewals) == 1
    expect(card(page, late).locator("time")).to_be_visible()
    site.image_epoch = 2
    page.reload()
    expect(card(page, late).locator("img.is-shown")).to_be_visible()


def test_a_picture_whose_address_ran_out_comes_back_by_itself(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(24)
    oldest = site.frames[-1]
    page = open_page(width=360)
    expect(cards(page)).to_have_count(24)
    # Not loaded yet: it lies far below, and its address runs out before anyone scrolls there.
    site.expire_images()
    page.locator(".foot").scroll_into_view_if_needed()
    expect(card(page, oldest).locator("img.is-shown")).to_be_visible()
    assert asked(site, **{"from": oldest["captured_at"], "camera": oldest["camera_id"]})


# -- filters


def test_filters_change_the_requests_and_the_address_and_back_undoes_them(
    site: FakeSite, open_page: OpenPage
) -> None:
    site.add_many(8)
    page = open_page()
    expect(cards(page)).to_have_count(8)
    camera_button(page, "yard").click()
    expect(page).to_have_url(re.compile(r"\?view=frames&camera=yard$"))
    expect(cards(page)).to_have_count(3)
    page.get_by_label("Label", exact=True).fill("person")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?view=frames&camera=yard&label=person$"))
    wait_until(page, lambda: asked(site, camera="yard", label="person", limit="24"), "the label is asked for")
    page.get_by_role("switch", name="Watch list only").click(force=True)
    expect(page.get_by_role("switch", name="Watch list only")).to_be_checked()
    expect(page).to_have_url(re.compile("watch_only=true"))
    wait_until(
        page, lambda: asked(site, camera="yard", label="person", watch_only="true"), "the watch list is asked for"
    )
    page.get_by_role("button", name="1 hour").click()
    expect(page).to_have_url(re.compile("last=1h"))
    wait_until(page, lambda: any("from" in q and "label" in q for q in site.requests), "the last hour is asked for")

    for _ in range(3):
        page.go_back()
    expect(page).to_have_url(re.compile(r"\?view=frames&camera=yard$"))
    expect(camera_button(page, "yard")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Label", exact=True)).to_have_value("")
    expect(cards(page)).to_have_count(3)
    page.get_by_role("button", name="Clear filters").click()
    expect(cards(page)).to_have_count(8)


def test_a_switch_stays_as_it_was_put_while_the_page_follows(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(8)
    page = open_page()
    expect(cards(page)).to_have_count(8)
    # A message is a task of its own: what is rendered between two paintings is seen, too.
    seen = page.get_by_role("switch", name="Watch list only").evaluate(
        """async (input) => {
          const seen = [];
          const { port1, port2 } = new MessageChannel();
          const task = () => new Promise((resolve) => { port1.onmessage = resolve; port2.postMessage(null); });
          input.click();
          for (let n = 0; n < 500; n += 1) { await task(); seen.push(input.checked); }
          return seen;
        }"""
    )
    assert seen == [True] * 500
    expect(page).to_have_url(re.compile("watch_only=true"))


def test_what_was_typed_is_not_lost_to_a_switch_pressed_next(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(8)
    page = open_page()
    expect(cards(page)).to_have_count(8)
    # The press leaves the field, which applies the label, and turns the switch before the next painting.
    page.get_by_label("Label", exact=True).fill("person")
    page.get_by_role("switch", name="Watch list only").click(force=True)
    expect(page).to_have_url(re.compile(r"\?view=frames&label=person&watch_only=true$"))
    wait_until(page, lambda: asked(site, label="person", watch_only="true"), "both are asked for")


def test_a_bookmark_opens_with_its_filters(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(8)
    page = open_page("/?camera=yard&label=Person&watch_only=true&last=24h")
    expect(camera_button(page, "yard")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("switch", name="Watch list only")).to_be_checked()
    expect(page.get_by_role("button", name="24 hours")).to_have_attribute("aria-pressed", "true")
    wait_until(page, lambda: asked(site, camera="yard", label="Person", watch_only="true"), "all of it is asked for")
    assert all("label" in query for query in site.requests if query.get("limit") == "24")


def test_custom_times_are_site_time_also_across_a_clock_change(site: FakeSite, open_page: OpenPage) -> None:
    site.add(PERSON, at=datetime(2026, 10, 25, 0, 45, tzinfo=UTC))
    page = open_page(timezone_id="America/New_York")
    page.get_by_role("button", name="Custom").click()
    page.get_by_label("From").fill("2026-10-25T02:30")
    expect(page.get_by_text("02:30 happens twice that day; the first one (CEST) is used.")).to_be_visible()
    page.get_by_label("To (not included)").fill("2026-10-25T02:30")
    expect(page.get_by_text("02:30 happens twice that day; the second one (CET) is used.")).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    wait_until(
        page,
        lambda: asked(site, **{"from": "2026-10-25T00:30:00Z", "to": "2026-10-25T01:30:00Z"}),
        "the doubled hour is asked for, whole",
    )
    expect(cards(page)).to_have_count(1)
    expect(page.get_by_text("Showing from 25 Oct 2026, 02:30:00 CEST to 25 Oct 2026, 02:30:00 CET.")).to_be_visible()

    page.get_by_label("From").fill("2026-03-29T02:30")
    expect(page.get_by_text("The clocks skip 02:30 that day; 03:00 CEST is used.")).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    wait_until(page, lambda: asked(site, **{"from": "2026-03-29T01:00:00Z"}), "the skipped hour begins at its end")

    page.get_by_label("From").fill("2026-12-01T00:00")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("From must be before to.")).to_be_visible()


def test_an_address_that_makes_no_sense_says_what_was_left_out(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(2)
    page = open_page("/?from=yesterday&camera=yard")
    expect(page.get_by_text("Part of the address was not understood and was left out: from.")).to_be_visible()
    expect(cards(page)).to_have_count(1)


# -- more, and new


def test_scrolling_loads_more_until_the_end_and_no_frame_twice(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(60)
    page = open_page()
    expect(cards(page).first).to_be_visible()
    for _ in range(40):
        page.mouse.wheel(0, 4000)
        if page.get_by_text("That is all: 60 frames").is_visible():
            break
        page.wait_for_timeout(250)
    expect(page.get_by_text("That is all: 60 frames")).to_be_visible()
    ids = cards(page).evaluate_all("all => all.map(e => e.dataset.frameId)")
    assert ids == [frame["frame_id"] for frame in site.frames]
    assert any("cursor" in query for query in site.requests)


def test_load_more_works_from_the_keyboard_after_a_failure(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(30)
    page = open_page(width=360)
    expect(cards(page)).to_have_count(24)
    page.route("**/v1/frames?*cursor=*", lambda route: route.abort())
    page.locator(".foot").scroll_into_view_if_needed()
    button = page.locator(".foot button")
    expect(button).to_have_text("Try again")
    expect(page.get_by_text("Older frames could not be loaded.")).to_be_visible()
    page.unroute("**/v1/frames?*cursor=*")
    button.focus()
    page.keyboard.press("Enter")
    expect(cards(page)).to_have_count(30)


def test_new_frames_appear_at_the_top_by_themselves(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(6)
    page = open_page()
    expect(cards(page)).to_have_count(6)
    frame = site.add(PERSON)
    expect(cards(page).first).to_have_attribute("data-frame-id", frame["frame_id"])
    expect(cards(page)).to_have_count(7)


def test_while_reading_below_new_frames_wait_behind_a_pill_and_nothing_moves(
    site: FakeSite, open_page: OpenPage
) -> None:
    site.add_many(48)
    page = open_page()
    expect(cards(page)).to_have_count(24)
    page.mouse.wheel(0, 700)
    wait_until(page, lambda: page.evaluate("scrollY") == 700, "the page has scrolled")
    expect(cards(page)).to_have_count(48)
    read = cards(page).nth(8)
    before = read.bounding_box()
    frame = site.add(PERSON)
    site.add(CAR)
    pill = page.get_by_role("button", name="2 new frames")
    expect(pill).to_be_visible()
    assert read.bounding_box() == before
    assert card(page, frame).count() == 0
    pill.click()
    expect(card(page, frame)).to_be_in_viewport()
    expect(pill).to_have_count(0)
    assert page.evaluate("scrollY") == 0


def test_pausing_holds_new_frames_back(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(3)
    page = open_page()
    expect(cards(page)).to_have_count(3)
    page.get_by_role("button", name="Pause").click()
    expect(status(page)).to_contain_text("Paused")
    site.add(PERSON)
    expect(page.get_by_role("button", name="1 new frame")).to_be_visible()
    expect(cards(page)).to_have_count(3)
    page.get_by_role("button", name="Resume").click()
    expect(cards(page)).to_have_count(4)


# -- what is not right is said


def test_fresh_pictures_read_live(site: FakeSite, open_page: OpenPage) -> None:
    site.add(PERSON)
    site.add(CAR, camera="yard")
    page = open_page()
    expect(status(page)).to_contain_text("Live")
    expect(status(page)).to_contain_text(re.compile(r"newest frame (just now|\d+ s ago)"))


def test_old_pictures_are_called_old(site: FakeSite, open_page: OpenPage) -> None:
    site.add(PERSON, age_s=14 * 60)
    page = open_page()
    expect(status(page)).to_have_text("No recent picturesnewest frame 14 min ago")
    expect(status(page)).to_have_class(re.compile("is-warn"))


def test_a_dead_camera_does_not_hide_behind_a_living_one_nor_behind_a_filter(
    site: FakeSite, open_page: OpenPage
) -> None:
    site.add(PERSON)
    site.add(CAR, camera="yard", age_s=20 * 60)
    page = open_page("/?label=Person")
    expect(camera_button(page, "yard")).to_contain_text("stale, 20 min ago")
    expect(status(page)).to_contain_text("1 of 2 cameras stale")


def test_a_wrong_browser_clock_does_not_make_old_pictures_fresh(site: FakeSite, open_page: OpenPage) -> None:
    site.add(PERSON, age_s=600)
    site.add(CAR, age_s=600, camera="yard")
    page = open_page("/favicon.svg")
    page.clock.set_system_time(datetime.now(UTC) - timedelta(seconds=600))
    page.goto(f"{site.origin}/?view=frames")
    expect(status(page)).to_contain_text("No recent pictures")


def test_when_the_api_fails_the_page_says_so_and_recovers_by_itself(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(4)
    page = open_page()
    expect(cards(page)).to_have_count(4)
    site.refuse = (503, "unavailable", "Try later.")
    banner = page.get_by_test_id("banner")
    expect(banner).to_contain_text("Framewatch is not answering properly.")
    expect(banner).to_contain_text(re.compile(r"What you see was last checked at \d\d:\d\d:\d\d CES?T\."))
    expect(status(page)).to_contain_text("Not live")
    expect(cards(page)).to_have_count(4)
    site.refuse, site.hang_up = None, True
    expect(banner).to_contain_text("Framewatch cannot be reached.")
    site.add(PERSON)
    site.hang_up = False
    expect(banner).to_have_count(0)
    expect(cards(page)).to_have_count(5)


def test_a_page_opened_while_the_api_is_down_starts_by_itself_later(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(2)
    site.hang_up = True
    page = open_page()
    expect(page.get_by_test_id("banner")).to_contain_text("Nothing has been loaded yet.")
    site.hang_up = False
    expect(cards(page)).to_have_count(2)
    expect(page.get_by_test_id("banner")).to_have_count(0)


def test_a_refusal_is_shown_in_the_api_s_own_words_with_a_way_out(site: FakeSite, open_page: OpenPage) -> None:
    site.add_many(2)
    page = open_page()
    expect(cards(page)).to_have_count(2)
    site.refuse = (400, "invalid_parameter", "There is no camera with that id.")
    camera_button(page, "yard").click()
    expect(page.get_by_role("heading", name="The frames could not be loaded")).to_be_visible()
    expect(page.locator("main").get_by_text("There is no camera with that id.")).to_be_visible()
    site.refuse = None
    page.locator("main").get_by_role("button", name="Clear filters").click()
    expect(cards(page)).to_have_count(2)


def test_no_frames_and_no_matching_frames_read_differently(site: FakeSite, open_page: OpenPage) -> None:
    page = open_page()
    expect(page.get_by_role("heading", name="No frames yet")).to_be_visible()
    expect(status(page)).to_contain_text("No frames yet")
    site.add(PERSON)
    expect(cards(page)).to_have_count(1)
    page.get_by_label("Label", exact=True).fill("Zebra")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No frames match these filters")).to_be_visible()
    page.locator("main").get_by_role("button", name="Clear filters").click()
    expect(cards(page)).to_have_count(1)


# -- one frame, large


def test_the_keyboard_opens_walks_and_closes_a_frame(site: FakeSite, open_page: OpenPage) -> None:
    site.add(PERSON, CAR, age_s=5)
    site.add(CAR, camera="yard", age_s=20)
    page = open_page()
    expect(cards(page)).to_have_count(2)
    cards(page).first.locator(".card-open").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Front door")
    expect(dialog).to_be_visible()
    expect(page.get_by_role("button", name="Close")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        # A browser may also step out to its own controls, which the page sees as its body; never to the page behind.
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog", name="Yard")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog", name="Yard")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(dialog).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(cards(page).nth(1).locator(".card-open")).to_be_focused()


def test_an_open_frame_holds_the_list_still_and_filters_by_a_label(site: FakeSite, open_page: OpenPage) -> None:
    frame = site.add(PERSON, CAR, age_s=5)
    page = open_page()
    card(page, frame).locator(".card-open").click()
    site.add(CAR)
    expect(page.get_by_text("1 new frame", exact=True).last).to_be_attached()
    expect(page.get_by_role("dialog").get_by_text("1 of 1 loaded")).to_be_visible()
    page.get_by_role("button", name="Filter: only frames with Person").click()
    expect(page).to_have_url(re.compile(r"\?view=frames&label=Person$"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(cards(page)).to_have_count(1)


# -- the demo's phone


def test_the_phone_shows_texts_as_text_with_a_masked_number(site: FakeSite, open_page: OpenPage) -> None:
    site.demo = True
    site.add(PERSON)
    text = f"{HOSTILE} at 04:12. {site.origin}/a/x7Kp2 https://elsewhere.example/a"
    page = open_page()
    phone = page.get_by_role("complementary", name="Demo phone")
    expect(phone.get_by_text("Texts that Framewatch sends arrive here.")).to_be_visible()
    site.messages.append({"number": "+34600123456", "text": text, "sent_at": "2026-11-21T03:12:00Z"})
    expect(phone.locator(".sms-bubble")).to_have_text(text)
    expect(phone.locator(".sms-bubble a")).to_have_attribute("href", f"{site.origin}/a/x7Kp2")
    expect(phone.get_by_text("•••••••• 456")).to_be_visible()
    expect(phone.locator("time")).to_have_text("21 Nov 2026, 04:12 CET")
    assert "600123" not in page.content()
    assert page.locator('img[src="x"]').count() == 0


def test_on_a_small_screen_the_phone_starts_folded_away(site: FakeSite, open_page: OpenPage) -> None:
    site.demo = True
    site.add(PERSON)
    site.messages.append({"number": "+34600123456", "text": "Person", "sent_at": "2026-11-21T03:12:00Z"})
    page = open_page(width=360)
    expect(page.locator(".phone")).to_have_count(0)
    page.get_by_role("button", name="1 text").click()
    expect(page.locator(".phone")).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Hide the phone").click()
    expect(page.locator(".phone")).to_have_count(0)


def test_without_a_demo_nothing_of_the_phone_is_fetched(site: FakeSite, open_page: OpenPage) -> None:
    site.add(PERSON)
    page = open_page()
    expect(cards(page)).to_have_count(1)
    expect(status(page)).to_contain_text("newest frame")
    assert not [path for path in site.paths if "phone" in path.lower() or path.startswith("/demo")]


# -- for everyone


def test_the_page_asks_no_other_host_and_stores_nothing(site: FakeSite, open_page: OpenPage) -> None:
    site.demo = True
    site.add_many(3)
    page = open_page("/favicon.svg")
    foreign: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(site.origin) else foreign.append(request.url))
    page.goto(f"{site.origin}/?view=frames")
    expect(cards(page)).to_have_count(3)
    expect(page.locator(".phone")).to_be_visible()
    assert foreign == []
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie.length]") == [0, 0, 0]


@pytest.mark.parametrize("width", [320, 360, 768, 1280, 1920])
def test_no_width_scrolls_sideways(site: FakeSite, open_page: OpenPage, width: int) -> None:
    site.name = "The very long name of a site that nobody thought would be this long"
    site.cameras[0]["name"] = "Loading-bay-camera-number-fourteen-at-the-far-end"
    site.add(
        label("A-label-that-somebody-made-up-and-that-never-ends-at-all", 91.0, (0.9, 0.0, 1.0, 0.2), watch_hit=True)
    )
    site.add_many(6)
    page = open_page("/?last=24h", width=width)
    expect(cards(page)).to_have_count(7)
    assert not has_sideways_scroll(page)
    if width < 720:
        page.get_by_role("button", name=re.compile("^Filters")).click()
    page.get_by_role("button", name="Custom").click()
    expect(page.get_by_label("From")).to_be_visible()
    assert not has_sideways_scroll(page)


def test_someone_who_wants_less_motion_gets_none(site: FakeSite, open_page: OpenPage) -> None:
    site.demo = True
    site.add(PERSON)
    page = open_page(reduced_motion="reduce")
    expect(page.locator(".phone")).to_be_visible()
    expect(cards(page)).to_have_count(1)
    site.messages.append({"number": "+34600123456", "text": "Person", "sent_at": "2026-11-21T03:12:00Z"})
    expect(page.locator(".sms.is-arriving")).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("looks", AXE_LOOKS)
def test_axe_finds_nothing(site: FakeSite, open_page: OpenPage, axe_js: Path, looks: tuple[int, str]) -> None:
    width, scheme = looks
    site.demo = True
    site.add_many(5)
    site.add(CAR, camera="yard", age_s=1200)
    site.messages.append(
        {"number": "+34600123456", "text": f"Person {site.origin}/a/x", "sent_at": "2026-11-21T03:12:00Z"}
    )
    page = open_page(
        "/?from=2026-01-01T00:00:00Z&to=never", width=width, scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    expect(cards(page)).to_have_count(6)
    page.add_script_tag(path=axe_js)
    expect(page.locator(".phone-toggle")).to_be_visible()
    if width < 720:
        page.get_by_role("button", name=re.compile("^Filters")).click()
    assert violations(page) == [], "the list"
    if width < 720:
        page.get_by_role("button", name="1 text").click()
        expect(page.locator(".sms")).to_be_visible()
        assert violations(page) == [], "the phone"
        page.get_by_role("button", name="Hide the phone").click()
    cards(page).first.locator(".card-open").click()
    expect(page.locator("dialog img.is-shown")).to_be_visible()
    assert violations(page) == [], "one frame"
    page.keyboard.press("Escape")
    site.refuse = (503, "unavailable", "Try later.")
    expect(page.get_by_test_id("banner")).to_be_visible()
    assert violations(page) == [], "the API away"
    site.refuse = None
    page.goto(f"{site.origin}/?label=Zebra")
    expect(page.get_by_role("heading", name="No frames match these filters")).to_be_visible()
    page.add_script_tag(path=axe_js)
    assert violations(page) == [], "nothing found"


# What is expected on the way is what the tests above show, at one size as at another.
@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(360, 740), (1280, 800), (1920, 1080)], ids=["phone", "laptop", "desk"])
def test_pictures_of_the_page_for_people_to_look_at(
    site: FakeSite, open_page: OpenPage, artifacts: Path, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    site.cameras.append({"camera_id": "loading-bay", "name": "Loading bay"})
    site.add(PERSON, CAR, age_s=5)
    site.add(CAR, camera="loading-bay", age_s=900)
    site.add_many(40, step_s=340)
    page = open_page(width=width, height=height, scheme=scheme)
    name = f"{width}-{scheme}.png"
    expect(cards(page).nth(1).locator("img.is-shown")).to_be_visible()
    expect(camera_button(page, "loading-bay")).to_contain_text("stale")
    page.screenshot(path=artifacts / f"dashboard-{name}", animations="disabled")
    cards(page).first.locator(".card-open").click()
    expect(page.locator("dialog img.is-shown")).to_be_visible()
    page.screenshot(path=artifacts / f"frame-{name}", animations="disabled")
    page.keyboard.press("Escape")
    site.refuse = (503, "unavailable", "Try later.")
    expect(page.get_by_test_id("banner")).to_be_visible()
    page.screenshot(path=artifacts / f"away-{name}", animations="disabled")
    site.refuse, site.demo = None, True
    site.messages.append(
        {
            "number": "+34600123456",
            "text": f"Front door: Person (97%). {site.origin}/a/x7Kp2",
            "sent_at": "2026-11-21T03:12:00Z",
        }
    )
    page.reload()
    expect(cards(page).nth(1).locator("img.is-shown")).to_be_visible()
    expect(page.locator(".phone-toggle")).to_be_visible()
    page.screenshot(path=artifacts / f"demo-{name}", animations="disabled")
