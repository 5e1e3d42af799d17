"""The charts in a real browser: exact figures by pointer and keyboard, tables, files, words for what is not there."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage, has_sideways_scroll, violations, wait_until
from tests.browser.fake_charts import HOUR, Counted
from tests.browser.fake_site import FakeSite

pytestmark = pytest.mark.slow

HOSTILE = '=HYPERLINK("http://x")<b>Person</b>'


@pytest.fixture
def counted(site: FakeSite) -> Counted:
    return Counted().on(site)


@pytest.fixture
def this_hour() -> datetime:
    now = datetime.now(UTC)
    if now.minute == 59 and now.second > 30:
        # a page that is opened in the next hour would show another one
        now += timedelta(minutes=1)
    return now.replace(minute=0, second=0, microsecond=0)


def chart(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=re.compile(f"^{title}"))


def figures(shown: Locator) -> list[str]:
    return [re.sub(r"\s+", " ", text) for text in shown.locator(".stack-key li").all_inner_texts()]


def test_the_figures_of_a_bar_are_exact_by_pointer_and_by_keyboard_and_lead_to_its_frames(
    site: FakeSite, counted: Counted, open_page: OpenPage, this_hour: datetime
) -> None:
    site.time_zone = "Asia/Tokyo"
    counted.count("front-door", this_hour, frames=9, by_label={"Person": 7, "Car": 2})
    counted.count("yard", this_hour, frames=1, by_label={"Person": 1})
    counted.count("yard", this_hour - 2 * HOUR, frames=5, by_label={"Dog": 1204})
    page = open_page("/?view=charts", timezone_id="America/New_York")
    shown = chart(page, "Detections by label")
    expect(shown).to_contain_text("1,214 detections in the last 24 hours, most of them Dog (1,204).")
    assert figures(shown) == ["Dog 1,204", "Person 8", "Car 2"]

    slider = shown.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(shown.locator(".stack-at")).to_contain_text("GMT+9")
    assert figures(shown) == ["Dog 0", "Person 8", "Car 2"]
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"GMT\+9: 10 in all\. Dog 0, Person 8, Car 2$"))
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "1")
    page.keyboard.press("Escape")
    assert figures(shown) == ["Dog 1,204", "Person 8", "Car 2"]

    box = slider.bounding_box()
    assert box is not None
    left = 14 + 7.5 * len("1,500")
    slider.hover(position={"x": left + (box["width"] - left - 6) * 21.5 / 24, "y": 100})
    assert figures(shown) == ["Dog 1,204", "Person 0", "Car 0"]
    shown.get_by_role("link", name="Show its frames").click()
    starts = (this_hour - 2 * HOUR).strftime("%Y-%m-%dT%H:00:00Z")
    wait_until(page, lambda: any(q.get("from") == starts for q in site.requests), "that hour's frames were asked for")
    page.go_back()
    expect(shown).to_be_visible()


def test_every_chart_is_a_table_and_a_file_too_and_the_address_says_what_is_shown(
    site: FakeSite, counted: Counted, open_page: OpenPage, this_hour: datetime, tmp_path: Path
) -> None:
    for back in range(24 * 31):
        edge = {"read": 100, "sampled": 10, "gated": 6} if back else None
        counted.count("front-door", this_hour - back * HOUR, frames=4, by_label={HOSTILE: 3}, edge=edge)
    counted.alert(this_hour - HOUR)
    counted.withhold(this_hour - HOUR, "stationary", frames=3)
    page = open_page("/?view=charts")
    page.get_by_role("button", name="7 days").click()
    page.get_by_label("Camera").select_option("front-door")
    wait_until(page, lambda: counted.asked[-1].get("camera") == "front-door", "one camera was asked for")
    for title in ("Detections by label", "Alerts sent", "Frames sent", "Why alerts", "How long"):
        chart(page, title).get_by_role("button", name="show as table").click()
    expect(page).to_have_url(
        re.compile("last=7d&camera=front-door&table=detections%2Calerts%2Cwithheld%2Cframes%2Clatency")
    )
    page.reload()
    expect(page.get_by_role("table")).to_have_count(5)
    table = chart(page, "Detections by label").get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(57)
    expect(table.get_by_role("columnheader")).to_have_text(["From", HOSTILE, "Total"])
    expect(chart(page, "Frames sent").get_by_role("columnheader")).to_contain_text(["Cameras whose box does not say"])
    expect(chart(page, "Why alerts").get_by_role("row")).to_have_text(["ReasonVisitsFrames", "It did not move13"])
    expect(chart(page, "How long").get_by_role("row").last).to_have_text("The whole way15371,737")

    with page.expect_download() as download:
        chart(page, "Detections by label").get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "framewatch-corner-shop-front-door-detections-7d.csv"
    download.value.save_as(tmp_path / "chart.csv")
    with (tmp_path / "chart.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["From", "To", "From (UTC)", f"'{HOSTILE}", "Total"]
    assert len(rows) == 56
    assert [row[3] for row in rows[:-1]] == ["9"] * 55, "three hours of three each"
    assert datetime.fromisoformat(rows[0][2]).tzinfo is not None

    page.go_back()
    expect(page.get_by_label("Camera")).to_have_value("")


def test_what_is_not_there_is_said_in_words(
    site: FakeSite, counted: Counted, open_page: OpenPage, this_hour: datetime
) -> None:
    page = open_page("/?view=charts&last=30d")
    for words in (
        "Nothing was recognised in the last 30 days.",
        "There was no alert in the last 30 days, nor was one withheld.",
        "No frame was sent in the last 30 days.",
        "No alert was withheld in the last 30 days.",
        "No alert was sent in the last 30 days, so there is nothing to time.",
    ):
        expect(page.get_by_text(words)).to_be_visible()
    assert "€" not in page.content() and "$" not in page.locator("main").inner_text()

    counted.count("yard", this_hour, frames=12, by_label={})
    page.goto(f"{site.origin}/?view=charts&camera=yard")
    frames = chart(page, "Frames sent")
    expect(frames).to_contain_text("12 frames sent in the last 24 hours. The box does not say how many it kept back.")
    frames.get_by_role("slider").press("End")
    expect(frames.get_by_text("not said")).to_be_visible()
    expect(frames).to_contain_text("The box of 1 camera does not say what was kept back.")

    route = site.routes.pop("/v1/stats")
    page.goto(f"{site.origin}/?view=charts")
    expect(page.get_by_text("This site does not count its frames yet, so there is nothing to draw.")).to_have_count(2)
    expect(page.get_by_test_id("banner")).to_have_count(0)
    site.routes["/v1/stats"] = route
    site.refuse = (503, "unavailable", "Try later.")
    page.get_by_role("button", name="7 days").click()
    expect(page.get_by_text("This could not be loaded.")).to_have_count(5)
    expect(page.get_by_test_id("banner")).to_be_visible()
    site.refuse = None
    chart(page, "Frames sent").get_by_role("button", name="Try again").click()
    expect(frames).to_contain_text("12 frames sent")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_no_width_scrolls_sideways(
    site: FakeSite, open_page: OpenPage, axe_js: Path, artifacts: Path, scheme: str
) -> None:
    site.cameras[0]["name"] = "Loading-bay-camera-number-fourteen-at-the-far-end-of-it"
    Counted().on(site).busy_week(datetime.now(UTC))
    page = open_page("/?view=charts&last=7d&table=frames", scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    expect(chart(page, "Detections by label").locator("svg rect").first).to_be_visible()
    chart(page, "Alerts sent").get_by_role("slider").press("End")
    expect(chart(page, "How long").get_by_text("The whole way")).to_be_visible()
    page.add_script_tag(path=axe_js)
    assert page.evaluate("document.getAnimations().length") == 0
    for width in (360, 1280, 1920, 3840):
        page.set_viewport_size({"width": width, "height": 900})
        assert not has_sideways_scroll(page)
        assert violations(page) == []
        page.screenshot(path=artifacts / f"charts-{width}-{scheme}.png", full_page=True, animations="disabled")
