"""Zones and privacy masks are drawn on a camera's picture and leave as YAML that the files take."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from edge_client.config import read_edge_text
from framewatch.domain.geometry import contains
from framewatch.wire.site_file import load_site_text
from tests.browser.conftest import OpenPage, has_sideways_scroll, violations
from tests.browser.fake_frames import FakeFrames
from tests.browser.fake_site import FakeSite
from tests.browser.fake_values import CAR, label

pytestmark = pytest.mark.slow

HOSTILE = '<img src=x onerror="document.title=1"><b>Person</b>'
NOON = datetime(2026, 1, 15, 12, 0, 5, tzinfo=UTC)
PORCH = [[0.3, 0.4], [0.9, 0.4], [0.9, 1.0], [0.3, 1.0]]
Points = list[tuple[float, float]]
SITE_HEAD = "site: {name: Home, time_zone: Europe/Madrid}\ncameras:\n  - id: front-door\n"
EDGE_HEAD = "box: attic\nstream: {name: s}\nspool: {folder: /tmp/s}\ncameras:\n  - id: front-door\n    source: 0\n"


@pytest.fixture
def frames(site: FakeSite) -> FakeFrames:
    site.cameras[0]["zones"] = [{"zone_id": "porch", "points": PORCH}]
    frames = FakeFrames(site)
    frames.rules = [
        {
            "rule_id": "porch-at-night",
            "severity": "critical",
            "labels": ["Person"],
            "cameras": ["front-door"],
            "zones": ["porch"],
            "min_confidence": 80,
        }
    ]
    return frames


def press(page: Page, *points: tuple[float, float]) -> None:
    """Where the picture is, at these shares of it."""
    for x, y in points:
        at = page.locator(".zoom-picture").bounding_box()
        assert at
        page.mouse.click(at["x"] + x * at["width"], at["y"] + y * at["height"])


def drawn(page: Page) -> Points:
    """The chosen polygon, as its points say it."""
    names = [point.get_attribute("aria-label") or "" for point in page.locator("[data-point]").all()]
    found = [re.search(r"([\d.]+) % from the left, ([\d.]+) % from the top", name) for name in names]
    return [(float(each[1]) / 100, float(each[2]) / 100) for each in found if each]


def yaml_field(page: Page) -> Locator:
    return page.locator(".zones-yaml textarea")


def test_a_zone_that_was_drawn_is_the_site_file_s_and_comes_back(
    site: FakeSite, frames: FakeFrames, open_page: OpenPage
) -> None:
    site.add(CAR, at=NOON)
    page = open_page("/?view=zones&camera=front-door", permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator(".zoom-picture img.is-shown")).to_be_visible()
    expect(page.locator(".outline-name")).to_have_text(["porch"])
    page.get_by_role("button", name="Add a zone").click()
    page.get_by_label("Id, as rules name it").fill("lawn")
    press(page, (0.1, 0.2), (0.5, 0.25), (0.45, 0.8))
    expect(page.locator("[data-point]")).to_have_count(3)
    # A side takes a point in between, and a point is dragged.
    press(page, (0.3, 0.225))
    expect(page.locator("[data-point]")).to_have_count(4)
    second = page.locator('[data-point="2"]')
    place, box = page.locator(".zoom-picture").bounding_box(), second.bounding_box()
    assert place and box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(place["x"] + 0.35 * place["width"], place["y"] + 0.1 * place["height"], steps=5)
    page.mouse.up()
    want = [(0.1, 0.2), (0.35, 0.1), (0.5, 0.25), (0.45, 0.8)]
    assert [each for point in drawn(page) for each in point] == pytest.approx([e for p in want for e in p], abs=0.004)
    expect(page.get_by_text("The file takes this as it is.")).to_be_visible()

    page.get_by_role("button", name="Copy the YAML").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    zones = load_site_text(SITE_HEAD + copied).cameras[0].zones
    assert [zone.id for zone in zones] == ["porch", "lawn"]
    assert [list(point) for point in zones[0].points] == PORCH
    flat = [each for point in zones[1].points for each in point]
    assert flat == pytest.approx([each for point in drawn(page) for each in point], abs=0.0006)

    page.reload()
    expect(page.locator(".outline-name")).to_have_text(["porch"])
    yaml_field(page).fill("zones:\n- id: lawn\n  points: [[0, 0], [x, 1]]")
    expect(page.get_by_text("Polygon 1: point 2 is not two numbers")).to_be_visible()
    yaml_field(page).fill(SITE_HEAD + copied)
    page.get_by_role("button", name="Draw this").click()
    expect(yaml_field(page)).to_have_value(copied)
    expect(page.locator(".outline-name")).to_have_text(["porch", "lawn"])
    assert site.posts == []


def test_a_privacy_mask_is_drawn_without_a_pointer_and_is_the_edge_file_s(
    site: FakeSite, frames: FakeFrames, open_page: OpenPage
) -> None:
    page = open_page("/?view=zones&camera=front-door&draw=masks")
    expect(page.get_by_text("No picture of this camera is kept yet.")).to_be_visible()
    page.get_by_role("button", name="Add a mask").press("Enter")
    for number in (1, 2, 3):
        page.get_by_role("button", name="Add a point").press("Enter")
        expect(page.locator(f'[data-point="{number}"]')).to_be_focused()
    expect(page.get_by_text("The file takes this as it is.")).to_be_visible()
    start = drawn(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    moved = [*start[:2], (start[2][0] + 0.02, start[2][1] - 0.001)]
    page.keyboard.press("Enter")  # one more behind the third, on the side to the first
    expect(page.locator('[data-point="4"]')).to_be_focused()
    middle = ((moved[2][0] + moved[0][0]) / 2, (moved[2][1] + moved[0][1]) / 2)
    # The file holds four digits, names three.
    mask = read_edge_text(EDGE_HEAD + yaml_field(page).input_value()).cameras[0].privacy_masks[0]
    assert mask == tuple((round(x, 4), round(y, 4)) for x, y in [*moved, middle])
    page.keyboard.press("Control+z")
    assert read_edge_text(EDGE_HEAD + yaml_field(page).input_value()).cameras[0].privacy_masks[0] == tuple(
        (round(x, 4), round(y, 4)) for x, y in moved
    )
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("[data-point]")).to_have_count(4)
    page.locator('[data-point="4"]').press("Delete")
    expect(page.locator('[data-point="3"]')).to_be_focused()
    page.keyboard.press("Delete")
    expect(
        page.get_by_text("Mask 1: it has 2 points and needs at least 3. The file would be refused.")
    ).to_be_visible()
    page.get_by_role("button", name="Zones", exact=True).click()
    expect(page.locator(".outline-name")).to_have_text(["Mask 1", "porch"])


def test_what_the_file_would_refuse_is_said_before_it_is_copied(
    site: FakeSite, frames: FakeFrames, open_page: OpenPage
) -> None:
    site.add(CAR, at=NOON)
    page = open_page("/?view=zones&camera=front-door")
    warnings = page.locator(".zones-warnings li")
    expect(warnings).to_have_text(["The file takes this as it is."])
    page.get_by_label("Id, as rules name it").fill("Front Porch")
    expect(warnings).to_contain_text(
        ['"Front Porch" cannot be an id', 'The rule "porch-at-night" names the zone "porch", which no camera']
    )
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Add a zone").click()
    page.get_by_label("Id, as rules name it").fill("porch")
    press(page, (0.1, 0.1), (0.25, 0.4), (0.25, 0.1), (0.1, 0.38))
    expect(warnings).to_contain_text(['the id "porch" stands twice', "its sides 1 and 3 cross"])


def test_the_boxes_that_stand_inside_are_counted_as_a_rule_counts_them(
    site: FakeSite, frames: FakeFrames, open_page: OpenPage
) -> None:
    site.cameras[0]["name"] = HOSTILE
    people = [(n / 14, 0.1 + n / 30, n / 14 + 0.12, 0.35 + n / 24) for n in range(12)]
    for n, box in enumerate(people):
        found = (label("Person", 90, box, aliases=("Human",)), *([CAR] if n % 3 == 0 else ()))
        site.add(*found, at=NOON + timedelta(seconds=n))
    site.add(label(HOSTILE, 90), at=NOON - timedelta(seconds=5))
    page = open_page("/?view=zones&camera=front-door")
    inside = sum(contains(tuple((x, y) for x, y in PORCH), (x0 + x1) / 2, y1) for x0, _, x1, y1 in people)
    assert 0 < inside < len(people)
    # The car stands in it at every fourth moment.
    expect(page.locator(".zones-count")).to_have_text(f"{inside + 4} of {len(people) + 4} boxes inside")
    page.get_by_role("combobox", name="Label").select_option("Person")
    expect(page.locator(".zones-count")).to_have_text(f"{inside} of {len(people)} boxes inside")
    expect(page.locator(".feet .is-inside")).to_have_count(inside)
    assert "label=Person" in page.url
    page.reload()
    expect(page.locator(".zones-count")).to_have_text(f"{inside} of {len(people)} boxes inside")
    # A zone is smaller: the count follows while it is drawn.
    page.get_by_role("button", name=re.compile("^Delete porch")).click()
    expect(page.locator(".zones-count")).to_contain_text("Choose or draw a polygon")
    assert page.locator("b").count() == 0 and page.locator('img[src="x"]').count() == 0


@pytest.mark.parametrize("screen", [(360, 740, "dark"), (1280, 800, "light"), (1920, 1080, "dark")])
def test_axe_finds_nothing_and_pictures_are_kept(
    frames: FakeFrames, open_page: OpenPage, axe_js: Path, artifacts: Path, screen: tuple[int, int, str]
) -> None:
    site, (width, height, scheme) = frames.site, screen
    for n in range(12):
        box = (n / 14, 0.1 + n / 30, n / 14 + 0.12, 0.35 + n / 24)
        site.add(label("Person", 90, box), at=NOON + timedelta(seconds=n))
    page = open_page(
        "/?view=zones&camera=front-door",
        width=width,
        height=height,
        scheme=scheme,
        bypass_csp=True,
        reduced_motion="reduce",
    )
    expect(page.locator(".zoom-picture img.is-shown")).to_be_visible()
    expect(page.locator(".zones-count")).to_contain_text("of 12 boxes inside")
    page.get_by_label("Id, as rules name it").fill("Porch")
    page.get_by_label("Id, as rules name it").blur()
    page.screenshot(path=artifacts / f"zones-{width}-{scheme}.png", full_page=width == 360)
    assert not has_sideways_scroll(page)
    page.add_script_tag(path=axe_js)
    assert violations(page) == []
    page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
    assert violations(page) == []
