"""What Framewatch costs, as an operator and an administrator see it, and the budget on the wall."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage, has_sideways_scroll, violations, wait_until
from tests.browser.fake_costs import FakeCosts, step
from tests.browser.fake_provider import FakeProvider, providing
from tests.browser.fake_site import FakeSite

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MONTH_ENDS = datetime(2026, 11, 30, 23, tzinfo=UTC)
OpenAs = Callable[..., Page]


@pytest.fixture
def provider(site: FakeSite) -> Iterator[FakeProvider]:
    with providing(FakeProvider(site_origin=site.origin, remembers=True)) as running:
        site.provider = running
        yield running


@pytest.fixture
def costs(site: FakeSite) -> FakeCosts:
    return FakeCosts(site, NOW).on()


@pytest.fixture
def open_as(open_page: OpenPage, site: FakeSite, provider: FakeProvider) -> OpenAs:
    def open_it(role: str, path: str = "/?view=costs", **options: object) -> Page:
        provider.email, provider.groups, site.role = "bea@example.com", (role,), role
        page = open_page(path, until="commit", **options)
        expect(page.get_by_role("main")).to_be_visible()
        return page

    return open_it


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=re.compile(f"^{title}"))


def test_the_month_is_told_by_day_service_and_camera_and_every_card_is_a_file_too(
    site: FakeSite, costs: FakeCosts, open_as: OpenAs, tmp_path: Path
) -> None:
    costs.budget = {"per_month_usd": 60.0, "per_day_usd": None}
    page = open_as("operator", "/?view=costs&month=2026-10")
    expect(card(page, "Costs")).to_contain_text("The whole month")
    expect(card(page, "Costs")).not_to_contain_text("Today")
    expect(page.get_by_text("Who has the role")).to_have_count(0)
    with page.expect_download() as download:
        card(page, "Day by day").get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "framewatch-corner-shop-days-2026-10.csv"
    download.value.save_as(tmp_path / "days.csv")
    with (tmp_path / "days.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header[:4] == ["Day", "To", "From (UTC)", "Rekognition"]
    assert len(rows) == 31
    assert float(rows[0][-1]) == pytest.approx(sum(float(cell) for cell in rows[0][3:-1]))

    page.get_by_role("button", name="As table").first.click()
    card(page, "By camera").get_by_role("button", name="show as table").click()
    expect(page).to_have_url(re.compile("month=2026-10&table=days%2Ccameras"))
    expect(card(page, "By camera").get_by_role("columnheader")).to_contain_text(
        ["Camera", "Today (USD)", "Month (USD)"]
    )
    expect(card(page, "What was saved")).to_contain_text("Nearly the same as the picture before")
    page.get_by_role("button", name="The month before").click()
    wait_until(page, lambda: costs.asked[-1] == "2026-09", "September was asked for")
    expect(page.get_by_text("September 2026")).to_be_visible()


def test_an_administrator_lifts_a_step_and_an_operator_sees_why_it_holds(
    site: FakeSite, costs: FakeCosts, open_as: OpenAs
) -> None:
    costs.steps["yard"] = step("zones-only", since=NOW - HOUR, until=datetime(2100, 12, 31, 23, tzinfo=UTC))
    costs.changes = [
        {
            "at": "2026-11-21T10:00:00Z",
            "kind": "gives-up",
            "cause": "site-month",
            "cameras": ["yard"],
            "before": "slower",
            "after": "zones-only",
            "until": "2100-12-31T23:00:00Z",
            "budget_usd": 60.0,
            "spent_usd": 51.3,
            "set_aside_usd": 4.0,
        }
    ]
    page = open_as("operator")
    page.get_by_text("What has changed").click()
    told = "Yard: analyses motion in its zones only 51.30 USD spent and 4.00 USD set aside of 60.00 USD"
    expect(page.locator(".costs-history")).to_contain_text(told)
    held = page.locator('[data-camera="yard"]')
    expect(held).to_contain_text("Analyses motion in its zones only until 1 Jan.")
    expect(held).to_contain_text("for the site's month. Next it analyses only what a rule watches.")
    expect(held.get_by_role("button")).to_have_count(0)
    expect(page.get_by_text("Who has the role admin can lift a step")).to_be_visible()

    page = open_as("admin")
    held = page.locator('[data-camera="yard"]')
    held.get_by_role("button", name="Lift for 8 hours").click()
    expect(page.get_by_text("It is set, and holds everywhere within two minutes.")).to_be_visible()
    path, body = site.posts[-1]
    assert (path, body["step"], body["camera"]) == ("/v1/budget", "full", "yard")
    expect(held).to_contain_text("as an administrator has set")
    pin = page.locator('[data-pin="yard"]')
    expect(pin).to_contain_text("Nothing: everything is analysed. Set by you until")
    pin.get_by_role("button", name="Back to what the budget says").click()
    wait_until(page, lambda: site.posts[-1][1] == {"step": None, "camera": "yard"}, "what was set ends")
    expect(held).to_have_count(0)
    expect(pin).to_have_count(0)


def test_who_may_only_look_is_asked_for_no_costs_and_still_sees_what_is_given_up(
    site: FakeSite, costs: FakeCosts, open_as: OpenAs
) -> None:
    site.camera_states["yard"] = {
        "budget": step("slower", since=datetime.now(UTC) - HOUR, until=datetime(2100, 11, 30, 23, tzinfo=UTC))
    }
    page = open_as("viewer")
    expect(page.get_by_text("Who has the role operator or admin sees what Framewatch costs.")).to_be_visible()
    expect(page.get_by_role("link", name="Costs")).to_have_count(0)
    page.get_by_role("link", name="Live").click()
    banner = page.get_by_role("status", name="Budget")
    expect(banner).to_have_text("Budget: 1 camera samples 4 times less often until 1 Dec. Every picture is kept.")
    expect(page.locator('[data-camera="yard"]')).to_contain_text("Budget: samples 4 times less often until 1 Dec")
    expect(page.locator('[data-camera="front-door"]')).not_to_contain_text("Budget")
    assert costs.asked == []


def test_what_is_not_known_is_said_and_a_site_is_no_sum_of_what_one_may_see(
    site: FakeSite, costs: FakeCosts, open_as: OpenAs
) -> None:
    costs.nothing = True
    page = open_as("operator")
    expect(page.get_by_text("Nothing of this month was metered.")).to_be_visible()
    expect(card(page, "Costs")).to_contain_text("At the month's endnot yet known")
    expect(page.get_by_text("No budget is set.")).to_be_visible()
    expect(page.get_by_text("Nothing was used yet.")).to_have_count(2)

    costs.nothing, costs.whole_site, site.demo = False, False, True
    costs.metered_from = NOW - timedelta(minutes=25)
    page = open_as("operator")
    expect(page.get_by_text("Of the cameras you may see.")).to_be_visible()
    expect(page.get_by_text("Demo: nothing is billed.")).to_contain_text("so far (at most 21 min)")
    expect(card(page, "Day by day")).to_have_count(0)
    expect(card(page, "By camera")).to_contain_text("Front door")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_no_width_scrolls_sideways(
    costs: FakeCosts, open_as: OpenAs, axe_js: Path, artifacts: Path, scheme: str
) -> None:
    costs.site.cameras[0]["name"] = "Loading-bay-camera-number-fourteen-at-the-far-end-of-it"
    costs.budget = {"per_month_usd": 60.0, "per_day_usd": 0.5}
    costs.steps = {
        "front-door": step("slower", since=NOW - HOUR, until=MONTH_ENDS),
        "yard": step("full", cause="set", since=NOW - HOUR, until=NOW + HOUR),
    }
    costs.critical = ("yard",)
    page = open_as("admin", "/?view=costs&table=cameras", scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    expect(card(page, "Day by day").locator("svg rect").first).to_be_visible()
    page.get_by_text("Set a step for a while").click()
    page.add_script_tag(path=axe_js)
    for width in (360, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert not has_sideways_scroll(page)
        assert violations(page) == []
        page.screenshot(path=artifacts / f"costs-{width}-{scheme}.png", full_page=True, animations="disabled")
