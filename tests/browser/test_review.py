"""Alerts looked through and answered in a real browser, by keyboard and by more than one. No test measures time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage, has_sideways_scroll, violations, wait_until
from tests.browser.fake_provider import FakeProvider, providing
from tests.browser.fake_review import FakeReview, View
from tests.browser.fake_site import FakeSite

pytestmark = pytest.mark.slow

HOSTILE = '<img src=x onerror="document.title=1"><b>Person</b>'
OpenAs = Callable[..., Page]


@pytest.fixture
def provider(site: FakeSite) -> Iterator[FakeProvider]:
    with providing(FakeProvider(site_origin=site.origin, remembers=True)) as running:
        site.provider = running
        yield running


@pytest.fixture
def review(site: FakeSite) -> FakeReview:
    return FakeReview(site)


@pytest.fixture
def open_as(open_page: OpenPage, provider: FakeProvider) -> OpenAs:
    """`open_as("ana", "viewer", "/?view=review")`: each is somebody else, in a browser of their own."""

    def open_it(name: str = "bea", role: str = "operator", path: str = "/?view=review", **options: object) -> Page:
        provider.email, provider.groups = f"{name}@example.com", (role,)
        page = open_page(path, until="commit", **options)
        expect(page.locator(".review-row, .review-detail, main.snoozes").first).to_be_visible()
        return page

    return open_it


def row(page: Page, alert: View) -> Locator:
    return page.locator(f'[data-alert-id="{alert["alert_id"]}"]')


def detail(page: Page) -> Locator:
    return page.locator(".review-detail")


def kinds(alert: View) -> list[str]:
    return [given["kind"] for given in alert["answers"]]


def focused_alert(page: Page) -> str | None:
    found: str | None = page.evaluate("document.activeElement.closest('[data-alert-id]')?.dataset.alertId ?? null")
    return found


# -- by keyboard


def test_ten_alerts_are_reviewed_with_the_keyboard_alone(review: FakeReview, open_as: OpenAs) -> None:
    alerts = [review.add(age_s=60 * n, camera_id=("front-door", "yard")[n % 2]) for n in range(1, 11)]
    page = open_as()
    expect(page.locator(".review-row")).to_have_count(10)
    expect(page).to_have_title("(10) Review · Corner shop · Framewatch")
    page.keyboard.press("k")
    expect(row(page, alerts[0])).to_have_class("review-row is-open is-selected")
    assert focused_alert(page) == alerts[0]["alert_id"]
    for key in "ajfjcj":
        page.keyboard.press(key)
    expect(row(page, alerts[0])).to_contain_text("You have it.")
    expect(row(page, alerts[1])).to_contain_text("Marked as a false alarm.")
    expect(row(page, alerts[2])).to_contain_text("Closed.")
    page.keyboard.press("s")
    expect(row(page, alerts[3])).to_contain_text("Snoozed.")
    # Opened, the list goes on beside it.
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(detail(page).get_by_role("heading", level=2)).to_contain_text("Person 97%")
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.keyboard.type("a courier, jack")
    page.keyboard.press("Enter")
    expect(detail(page).locator(".note-text")).to_have_text("a courier, jack")
    expect(detail(page).get_by_label("Write a note")).to_have_value("")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(detail(page)).to_have_count(0)
    assert focused_alert(page) == alerts[4]["alert_id"]
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("False alarm")
    page.keyboard.press("f")  # means nothing there
    page.keyboard.press("Escape")
    for _ in range(5):
        page.keyboard.press("j")
        page.keyboard.press("f")
    expect(page).to_have_title("Review · Corner shop · Framewatch")
    expect(page.locator(".nav-count")).to_have_count(0)
    assert [kinds(alert) for alert in alerts] == [
        ["taken"],
        ["false-alarm"],
        ["closed"],
        ["snoozed"],
        ["taken"],
        *[["false-alarm"]] * 5,
    ]
    assert [note["text"] for note in alerts[4]["notes"]] == ["a courier, jack"]
    page.keyboard.press("/")
    expect(page.get_by_label("Label", exact=True)).to_be_focused()
    page.keyboard.type("Car")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{review.site.origin}/?view=review&label=Car")
    expect(page.get_by_text("Nothing matches these filters.")).to_be_visible()


# -- more than one


def test_of_two_who_take_an_alert_the_second_is_told_who_has_it(review: FakeReview, open_as: OpenAs) -> None:
    alert, other = review.add(age_s=60), review.add(age_s=90)
    ana, bea = open_as("ana"), open_as("bea")
    for page in (ana, bea):
        row(page, alert).locator(".review-open").click()
        expect(detail(page).get_by_role("button", name="Take")).to_be_visible()
    detail(ana).get_by_role("button", name="Take").click()
    expect(detail(ana).get_by_text("You have it.")).to_be_visible()
    detail(bea).get_by_role("button", name="Take").click()
    expect(detail(bea).locator(".deed")).to_have_text(re.compile(r"^ana had it \d+ s before you\.$"))
    expect(bea.get_by_test_id("detail-state")).to_have_text(re.compile("^Taken by ana, "))
    assert [(given["kind"], given["name"]) for given in alert["answers"]] == [("taken", "ana")]
    # What the other does is seen without a reload, on the row and in the detail.
    row(ana, other).locator(".review-open").click()
    row(bea, other).locator(".review-open").click()
    detail(ana).get_by_role("button", name="False alarm").click()
    expect(bea.get_by_test_id("detail-state")).to_contain_text("False alarm, says ana")
    expect(row(bea, other)).to_contain_text("False alarm, says ana")


def test_a_viewer_sees_everything_and_is_offered_nothing(review: FakeReview, open_as: OpenAs) -> None:
    alert = review.add(age_s=60)
    page = open_as("vic", "viewer")
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.get_by_role("status").get_by_text("Operators answer them.")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(detail(page).get_by_text("You may look at alerts.")).to_be_visible()
    expect(detail(page).locator(".detail-actions, textarea")).to_have_count(0)
    page.get_by_role("button", name="Mark all seen").click()
    expect(page.get_by_text("All reviewed")).to_be_visible()
    # Said at once; what is kept follows.
    wait_until(page, lambda: review.seen_until == {"vic": alert["decided_at"]}, "the mark")
    assert [path for path, _ in review.site.posts] == ["/v1/me/seen"]


def test_who_is_refused_reads_why_and_stays(review: FakeReview, open_as: OpenAs) -> None:
    alert = review.add(age_s=60)
    page = open_as()
    # Somebody has made a viewer of them since.
    review.actions_refused = (403, "forbidden", "This needs the role operator.")
    page.keyboard.press("j")
    page.keyboard.press("f")
    expect(row(page, alert)).to_contain_text("Not marked as a false alarm. You may look at alerts, not answer them.")
    row(page, alert).get_by_role("button", name="Leave it").click()
    expect(row(page, alert)).to_contain_text("Texted ana, no answer yet")
    assert kinds(alert) == []


def test_an_answer_that_does_not_arrive_is_kept_and_tried_again(review: FakeReview, open_as: OpenAs) -> None:
    alert = review.add(age_s=60)
    page = open_as()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(detail(page).locator("img.is-shown")).to_be_visible()
    review.site.hang_up = True
    page.keyboard.press("n")
    page.keyboard.type("at the gate")
    page.keyboard.press("Enter")
    expect(detail(page).locator(".deed")).to_contain_text("The note is not saved. Framewatch cannot be reached.")
    expect(detail(page).get_by_label("Write a note")).to_have_value("at the gate")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(detail(page).locator(".deed").nth(1)).to_contain_text("Not taken. Framewatch cannot be reached.")
    expect(page.get_by_test_id("detail-state")).to_contain_text("Texted ana, no answer yet · then bo at ")
    # What failed waits, whatever is looked at meanwhile.
    page.get_by_role("link", name="Frames", exact=True).click()
    page.go_back()
    review.site.hang_up = False
    failed = detail(page).locator(".deed").filter(has_text="Not taken")
    failed.get_by_role("button", name="Try again").click()
    expect(detail(page).get_by_text("You have it.")).to_be_visible()
    detail(page).locator(".deed.is-failed").get_by_role("button", name="Try again").click()
    expect(detail(page).locator(".note-text")).to_have_text("at the gate")
    assert kinds(alert) == ["taken"]
    expect(page.get_by_test_id("banner")).to_have_count(0)


# -- the list


def test_new_alerts_wait_while_something_is_read(review: FakeReview, open_as: OpenAs) -> None:
    old = review.add(age_s=600)
    page = open_as()
    at_rest = review.add(age_s=300)
    expect(row(page, at_rest)).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    before = row(page, old).bounding_box()
    new = [review.add(age_s=n) for n in (3, 2, 1)]
    pill = page.get_by_role("button", name="3 new")
    expect(pill).to_be_visible()
    assert row(page, old).bounding_box() == before
    assert focused_alert(page) == old["alert_id"]
    pill.click()
    expect(page.locator(".review-row")).to_have_count(5)
    expect(page.locator(".review-row").first).to_have_attribute("data-alert-id", new[-1]["alert_id"])
    expect(page.locator(".nav-count")).to_have_text("5")
    page.get_by_role("button", name="Mark all seen").click()
    expect(page).to_have_title("Review · Corner shop · Framewatch")
    review.add(age_s=0)
    expect(page).to_have_title("(1) Review · Corner shop · Framewatch")


def test_a_long_list_is_fetched_as_it_is_scrolled_and_draws_only_what_is_seen(
    review: FakeReview, open_as: OpenAs
) -> None:
    review.add_plain(900, start_age_s=60, step_s=500)
    last = review.alerts[-1]
    page = open_as()
    wait_until(page, lambda: scrolled_to(page, last), "the end of the list")
    expect(row(page, last)).to_be_visible()
    assert page.locator(".review-row").count() < 60
    expect(page.get_by_text("That is all: 900")).to_be_visible()
    # A link to any of them opens it, wherever it lies.
    row(page, last).locator(".review-open").click()
    shared = page.url
    other = open_as("ana", path=shared.removeprefix(review.site.origin))
    expect(detail(other).get_by_text(last["visit_id"])).to_be_visible()
    expect(row(other, last)).to_have_count(0)
    gone = open_as("ana", path="/?view=review&alert=none&camera=yard&at=2026-01-01T00:00:00Z")
    expect(gone.get_by_role("heading", name="This alert is no longer kept")).to_be_visible()


def scrolled_to(page: Page, last: View) -> bool:
    """A list that has just grown is scrolled on."""
    page.mouse.wheel(0, 20_000)
    return row(page, last).count() > 0


def test_the_address_holds_the_filters_and_the_api_is_asked_for_them(review: FakeReview, open_as: OpenAs) -> None:
    review.site.cameras[1]["zones"] = [{"zone_id": "gate", "points": [[0, 0], [1, 0], [1, 1]]}]
    kept = review.add(age_s=60, camera_id="yard", severity="critical")
    review.add(age_s=120, camera_id="front-door")
    page = open_as()
    expect(page.locator(".review-row")).to_have_count(2)
    page.locator('[data-camera-id="yard"]').click()
    for name, value in (("Severity", "critical"), ("Answered", "false"), ("Zone", "gate"), ("Confidence", "80")):
        page.get_by_label(name, exact=True).select_option(value)
    expect(page.locator(".review-row")).to_have_count(1)
    want = {"severity": "critical", "answered": "false", "zone": "gate", "min_confidence": "80", "camera": "yard"}
    wait_until(page, lambda: any(want.items() <= asked.query.items() for asked in list(review.asked)), "the filters")
    page.reload()
    expect(row(page, kept)).to_be_visible()
    expect(page.get_by_label("Zone", exact=True)).to_have_value("gate")
    page.go_back()
    expect(page.get_by_label("Confidence", exact=True)).to_have_value("")
    page.get_by_role("button", name="Clear filters").click()
    expect(page).to_have_url(f"{review.site.origin}/?view=review")


def test_why_no_text_came_is_said_in_words(review: FakeReview, open_as: OpenAs) -> None:
    review.add(age_s=10)
    visit = review.add_untold(age_s=300, reason="cool-down", count=14)
    told = review.add_untold(age_s=200, reason="limit", count=1)
    told["alerts"] = [{"rule_id": "r", "state": "sent", "alert_id": "x", "frame_id": "y"}]
    page = open_as()
    page.get_by_role("link", name="Without a text").click()
    expect(page.locator(".review-row")).to_have_count(1)
    expect(page.locator(".review-row")).to_contain_text("after-hours: cool-down, 14 frames")
    expect(page.locator(".review-row img.is-shown")).to_be_visible()
    page.get_by_role("link", name="Why no text").click()
    expect(page.locator(".review-row")).to_have_count(2)
    expect(page.locator(f'[data-entry-id^="{visit["visit_id"]} "]')).to_contain_text("no text for this visit")


def test_labels_names_and_notes_stay_text(review: FakeReview, open_as: OpenAs) -> None:
    review.site.cameras[0]["name"] = HOSTILE
    by = {"by": f"user:{HOSTILE}", "name": HOSTILE, "at": "2026-11-21T03:00:00.000000Z"}
    alert = review.add(
        age_s=60,
        label=HOSTILE,
        rule_id=HOSTILE,
        answers=[{"kind": "taken", **by}],
        notes=[{"text": f"{HOSTILE}\nsecond line", **by}],
        deliveries=[{"contact_id": HOSTILE, "state": "rejected", "at": by["at"], "reason": HOSTILE}],
    )
    page = open_as()
    expect(page.locator(".review-label")).to_have_text(f"{HOSTILE} 97%")
    page.locator(".review-open").click()
    expect(detail(page).locator(".note-text")).to_have_text(f"{HOSTILE}\nsecond line")
    expect(detail(page).get_by_text(f"Text to {HOSTILE} did not get through")).to_be_visible()
    page.reload()
    expect(detail(page).locator(".review-label")).to_contain_text(alert["label"])
    assert page.locator('img[src="x"]').count() == 0
    assert page.locator("main b").count() == 0
    assert "Framewatch" in page.title()


def test_a_text_that_a_limit_held_back_says_which(review: FakeReview, open_as: OpenAs) -> None:
    at = "2026-11-21T03:00:00.000000Z"
    held = {"contact_id": "ana", "state": "held", "at": at, "reason": "contact-hour"}
    review.add(age_s=60, state="held", deliveries=[held])
    page = open_as()
    page.locator(".review-open").click()
    expect(
        detail(page).get_by_text("Text to ana held back (the contact's texts of the hour are used up")
    ).to_be_visible()


# -- for everyone


@pytest.mark.parametrize(
    "screen",
    [(360, 740, "dark"), (1280, 800, "light"), (1920, 1080, "dark")],
    ids=["phone", "laptop", "desk"],
)
def test_the_review_fits_every_screen_and_axe_finds_nothing(
    review: FakeReview, open_as: OpenAs, axe_js: Path, artifacts: Path, screen: tuple[int, int, str]
) -> None:
    width, height, scheme = screen
    review.site.cameras[0]["zones"] = [{"zone_id": "porch", "points": [[0.2, 0.5], [0.6, 0.5], [0.6, 1], [0.2, 1]]}]
    by = {"by": "user:ana", "name": "ana", "at": review.add(age_s=30, severity="critical")["decided_at"]}
    review.add(age_s=300, answers=[{"kind": "taken", **by}], notes=[{"text": "The courier, with\na parcel", **by}])
    review.add(age_s=900, camera_id="yard", state="failed", deliveries=[])
    review.add(age_s=1500, state="held", severity="notice", deliveries=[], label="A-label-that-never-ends" * 4)
    review.add_plain(20, start_age_s=90_000, step_s=4000)
    page = open_as(width=width, height=height, scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    page.add_script_tag(path=axe_js)

    def look(state: str) -> None:
        page.evaluate("scrollTo(0, 0)")
        assert violations(page) == [], state
        assert not has_sideways_scroll(page), state
        page.screenshot(path=artifacts / f"review-{state}-{width}-{scheme}.png", animations="disabled")

    expect(page.locator(".review-row img.is-shown")).to_have_count(4)
    expect(page.locator(".nav-count")).to_have_text("23")
    look("list")
    page.locator(".review-open").nth(1).click()
    expect(detail(page).locator("img.is-shown")).to_be_visible()
    # What a phone shows in its place goes on to the next by touch.
    detail(page).get_by_role("button", name="Newer").click()
    detail(page).get_by_role("button", name="Older").click()
    expect(detail(page).locator(".note-text")).to_be_visible()
    expect(detail(page).locator("img.is-shown")).to_be_visible()
    look("alert")
    detail(page).get_by_role("button", name="Close the alert").click()
    if width < 720:
        page.get_by_role("button", name="Filters").click()
    page.get_by_role("button", name="Custom").click()
    look("filters")


def test_an_admin_ends_a_snooze_and_others_see_who_can(
    review: FakeReview, open_as: OpenAs, axe_js: Path, artifacts: Path
) -> None:
    until = "2099-11-21T04:50:00.000000Z"
    for rule in ("porch", "gate"):
        review.snooze(rule, "front-door", until, {"by": "user:ana", "name": "ana"})
    looks = open_as("bea", "operator", "/?view=snoozes", width=360, bypass_csp=True)
    expect(looks.locator(".snooze")).to_have_count(2)
    expect(looks.locator('[data-rule="porch"]')).to_contain_text("On Front door · By ana")
    expect(looks.get_by_text("Who has the role admin can end a snooze")).to_be_visible()
    expect(looks.locator(".snooze button")).to_have_count(0)
    page = open_as("adam", "admin", "/?view=snoozes", scheme="dark", bypass_csp=True)
    for shown, name in ((looks, "360-light"), (page, "1280-dark")):
        expect(shown.locator(".snooze")).to_have_count(2)
        shown.add_script_tag(path=axe_js)
        assert violations(shown) == []
        shown.screenshot(path=artifacts / f"snoozes-{name}.png", animations="disabled")
    review.site.hang_up = True
    page.get_by_role("button", name="End now: the snooze of porch on Front door").click()
    expect(page.locator('[data-rule="porch"]')).to_contain_text("Not ended. Framewatch cannot be reached.")
    review.site.hang_up = False
    page.get_by_role("button", name="Try again: the snooze of porch").click()
    expect(page.locator('[data-rule="porch"]')).to_have_count(0)
    expect(page.locator('[data-rule="gate"]')).to_be_visible()
    expect(looks.locator(".snooze")).to_have_count(1)


def test_an_admin_changes_the_limits_for_a_while_and_ends_it_and_others_only_see(
    review: FakeReview, open_as: OpenAs
) -> None:
    page = open_as("adam", "admin", "/?view=snoozes")
    shown = page.get_by_role("region", name="Limits")
    expect(shown).to_contain_text("12 of 100 texts")
    expect(shown).to_contain_text("As the site file says.")
    form = shown.get_by_role("form", name="Change for a while")
    form.get_by_label("Texts a day").fill("plenty")
    form.get_by_role("button", name="Set").click()
    expect(shown.get_by_role("status")).to_have_text("Texts a day: a whole number from 0 to 10000.")
    form.get_by_label("Texts a day").fill("12")
    form.get_by_label("For").select_option("24 hours")
    form.get_by_role("button", name="Set").click()
    expect(shown).to_contain_text("12 of 12 texts")
    expect(shown).to_contain_text("Nothing more is texted today but critical alerts")
    assert review.site.posts[-1][1].keys() == {"until", "per_day"}
    looks = open_as("bea", "operator", "/?view=snoozes", width=360)
    theirs = looks.get_by_role("region", name="Limits")
    expect(theirs).to_contain_text("Set by adam until")
    expect(theirs).to_contain_text("Who has the role admin can change limits")
    expect(theirs.get_by_role("button")).to_have_count(0)
    assert not has_sideways_scroll(looks)
    shown.get_by_role("button", name="Back to the site file's now").click()
    expect(shown).to_contain_text("12 of 100 texts")
