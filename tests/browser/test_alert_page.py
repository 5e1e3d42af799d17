"""The page behind a text's link in a real browser: the function's own HTML under the distribution's own headers."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from framewatch.domain.alerts import AlertLink, AnswerKind, IncidentSighting
from framewatch.services.answer_alerts import LinkDeps
from infra.stacks.web import content_security_policy
from lambdas.alert_link import handler
from tests.browser.conftest import AXE_LOOKS, EXPECT_TIMEOUT_MS, WEB_UI, Console, has_sideways_scroll, violations
from tests.browser.fake_pictures import jpeg_of
from tests.browser.listening import listening
from tests.unit.test_answer_alerts import ALERT, ANA, BEST, BO, NOW, World, make_site

pytestmark = pytest.mark.slow

HOSTILE = '<img src=x onerror="document.title=1"><b>Person</b>\u202e'
CONTEXT: Any = None


def picture() -> bytes:
    instance = {"box_xyxy_rel": list(BEST.box_xyxy_rel), "confidence": 97.9}
    return jpeg_of({"width": 640, "height": 360, "labels": [{"name": "Person", "instances": [instance]}]}, 3)


@dataclass
class Pictures:
    """As links of another origin, as the bucket's are."""

    origin: str = ""

    def put(self, key: str, jpeg: bytes) -> None:
        raise AssertionError("nothing here puts pictures")

    def url(self, key: str, expires_in: timedelta) -> str:
        return f"{self.origin}/{key}?X-Amz-Expires={int(expires_in.total_seconds())}&X-Amz-Signature=x"


@dataclass
class Served:
    """The world behind the page, and every request for it."""

    world: World = field(default_factory=World)
    pictures: Pictures = field(default_factory=Pictures)
    asked: list[tuple[str, str]] = field(default_factory=list)
    origin: str = ""

    def deps(self) -> LinkDeps:
        return replace(self.world.deps(), images=self.pictures)


def bucket() -> type[BaseHTTPRequestHandler]:
    jpeg = picture()

    class Bucket(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.end_headers()
            self.wfile.write(jpeg)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Bucket


def front(served: Served) -> type[BaseHTTPRequestHandler]:
    """The distribution: `/a/*` from the function, all else a file of the pages, one policy over both."""
    policy = content_security_policy([served.pictures.origin], "https://sign-in.example")

    class Front(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            served.asked.append((method, self.path))
            given = self._function(method, body) if self.path.startswith("/a/") else self._file()
            self.send_response(given["statusCode"])
            for name, value in given["headers"].items():
                self.send_header(name, value)
            self.send_header("Content-Security-Policy", policy)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(given["body"])

        def _function(self, method: str, body: bytes) -> dict[str, Any]:
            event = {
                "rawPath": self.path,
                "requestContext": {"http": {"method": method}},
                "body": base64.b64encode(body).decode(),
                "isBase64Encoded": True,
            }
            given = handler.lambda_handler(event, CONTEXT)
            return {**given, "body": given["body"].encode()}

        def _file(self) -> dict[str, Any]:
            file = WEB_UI / "public" / Path(self.path).name
            kind = {".css": "text/css", ".svg": "image/svg+xml"}.get(file.suffix)
            if kind is None or not file.is_file():
                return {"statusCode": 404, "headers": {}, "body": b""}
            return {"statusCode": 200, "headers": {"Content-Type": kind}, "body": file.read_bytes()}

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Front


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    found = Served()
    monkeypatch.setattr(handler, "settings", lambda: None)
    monkeypatch.setattr(handler, "deps", found.deps)
    with listening(bucket()) as found.pictures.origin, listening(front(found)) as found.origin:
        yield found


class Screen(NamedTuple):
    width: int
    height: int
    scheme: str


PHONE = Screen(360, 740, "dark")


@pytest.fixture
def open_link(browser: Browser, served: Served) -> Iterator[Any]:
    """`open_link(BO)`. No test may end with a complaint in the console: what the policy refuses is one."""
    contexts = []
    console = Console()

    def open_it(token: str = ANA, screen: Screen = PHONE, **options: Any) -> Page:
        context = browser.new_context(
            viewport={"width": screen.width, "height": screen.height}, color_scheme=screen.scheme, **options
        )
        contexts.append(context)
        context.set_default_timeout(EXPECT_TIMEOUT_MS)
        context.on("page", console.listen)
        page = context.new_page()
        page.goto(f"{served.origin}/a/{token}")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert console.complaints == []


def join(served: Served, *sightings: tuple[str, str, int]) -> None:
    rows = [
        IncidentSighting(camera, label, f"v{n}", "f", ALERT.captured_at + timedelta(seconds=seconds), 90.0)
        for n, (camera, label, seconds) in enumerate(sightings)
    ]
    served.world.store.alerts[ALERT.alert_id] = replace(ALERT, joined={s.visit_id: s for s in rows})


def test_the_box_lies_on_the_picture_where_the_model_saw_it(open_link: Any) -> None:
    page = open_link()
    expect(page.get_by_role("heading", level=1)).to_have_text("Person at Front door")
    picture = page.get_by_role("img", name="Camera picture: Person at Front door, framed")
    expect(picture).to_have_js_property("naturalWidth", 640)
    where = picture.bounding_box()
    frame = page.locator("svg rect").last.evaluate("e => e.getBoundingClientRect().toJSON()")
    x0, y0, x1, y1 = BEST.box_xyxy_rel
    assert where and {side: frame[side] for side in ("left", "top", "right", "bottom")} == pytest.approx(
        {
            "left": where["x"] + x0 * where["width"],
            "top": where["y"] + y0 * where["height"],
            "right": where["x"] + x1 * where["width"],
            "bottom": where["y"] + y1 * where["height"],
        },
        abs=1.5,
    )
    assert page.title() == "Framewatch alert"


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize(
    ("button", "said"),
    [
        ("I have it", ("You have it since 21:05.", "Ana has it since 21:05.")),
        ("Snooze 30 min", ("Snoozed until 21:35 by you", "Snoozed until 21:35 by Ana")),
        ("False alarm", ("Marked as a false alarm by you", "Marked as a false alarm by Ana")),
    ],
)
def test_each_button_answers_with_one_tap(
    served: Served, open_link: Any, button: str, said: tuple[str, str], scripts: bool
) -> None:
    here, elsewhere = said
    page = open_link(java_script_enabled=scripts, has_touch=True)
    expect(page.get_by_text("Nobody has answered yet.")).to_be_visible()
    page.get_by_role("button", name=button).tap()
    expect(page.get_by_text(here)).to_be_visible()
    expect(page.get_by_text("Nobody has answered yet.")).to_have_count(0)
    posts = [path for method, path in served.asked if method == "POST"]
    assert posts == [f"/a/{ANA}"]
    # After the redirect a reload asks for the page, and answers nothing again.
    page.reload()
    assert [path for method, path in served.asked if method == "POST"] == posts
    expect(open_link(BO).get_by_text(elsewhere)).to_be_visible()


def test_a_second_tap_on_a_page_that_is_old_shows_who_was_first(served: Served, open_link: Any) -> None:
    mine, others = open_link(ANA), open_link(BO)
    others.get_by_role("button", name="I have it").click()
    expect(others.get_by_text("You have it since 21:05.")).to_be_visible()
    mine.get_by_role("button", name="I have it").click()
    expect(mine.get_by_text("Bo has it since 21:05.")).to_be_visible()
    expect(mine.get_by_role("button", name="I have it")).to_have_count(0)


def test_the_page_is_brought_up_to_date_by_a_tap(served: Served, open_link: Any) -> None:
    page = open_link()
    served.world.tap(AnswerKind.TAKEN, BO)
    page.get_by_role("link", name="Show what is new").click()
    expect(page.get_by_text("Bo has it since 21:05.")).to_be_visible()


def test_the_whole_page_works_by_keyboard_in_the_order_it_is_read(open_link: Any) -> None:
    page = open_link()
    names = []
    for _ in range(4):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent"))
    assert names == ["I have it", "Snooze 30 min", "False alarm", "Show what is new"]


def test_a_hostile_label_and_name_stay_text_and_within_the_screen(served: Served, open_link: Any) -> None:
    world = served.world
    world.site.config = make_site(
        cameras=[{"id": "front", "name": HOSTILE}, {"id": "yard", "name": "W" * 60}],
        contacts=[
            {"id": "ana", "name": HOSTILE, "phone": "+34600123456"},
            {"id": "bo", "name": "Bo", "phone": "+34600654321"},
        ],
    )
    join(served, ("yard", "M" * 100, 9))
    world.tap(AnswerKind.TAKEN, ANA)
    page = open_link(BO)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Person at {HOSTILE}")
    expect(page.get_by_text("has it since 21:05.")).to_contain_text(HOSTILE)
    assert page.locator("b").count() == 0 and page.locator('img[src="x"]').count() == 0
    assert page.title() == "Framewatch alert"
    assert not has_sideways_scroll(page)


def test_every_button_is_big_enough_for_a_thumb_and_in_reach_without_scrolling(open_link: Any) -> None:
    page = open_link()
    expect(page.get_by_role("img")).to_have_js_property("naturalWidth", 640)
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert box and box["height"] >= 48 and box["width"] >= 300
        assert box["y"] + box["height"] <= PHONE.height


def _states(served: Served) -> Iterator[tuple[str, str]]:
    """(name, token) of every page that there is, one after the other."""
    world = served.world
    yield "open", ANA
    join(served, ("yard", "Person", 9), ("front", "Car", 20))
    world.tap(AnswerKind.TAKEN, BO)
    world.tap(AnswerKind.SNOOZED, ANA)
    world.tap(AnswerKind.FALSE_ALARM, BO)
    yield "answered", ANA
    yield "unknown", "z" * 20
    world.site.config = make_site(retention={"frames_days": 1})
    world.alerts.put_link("c" * 20, AlertLink(ALERT.ref, "ana", NOW + timedelta(days=7)))
    world.clock.at += timedelta(days=2)
    yield "picture-gone", "c" * 20
    yield "expired", ANA


@pytest.mark.parametrize("looks", AXE_LOOKS)
def test_axe_finds_nothing_and_pictures_are_left_for_people_to_look_at(
    served: Served, open_link: Any, axe_js: Path, artifacts: Path, looks: tuple[int, str]
) -> None:
    width, scheme = looks
    screen = Screen(width, 740 if width == 360 else 800, scheme)
    for name, token in _states(served):
        page = open_link(token, screen, bypass_csp=True)
        page.add_script_tag(path=axe_js)
        assert violations(page) == [], name
        assert not has_sideways_scroll(page), name
        page.screenshot(path=artifacts / f"alert-{name}-{screen.width}-{screen.scheme}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_are_the_dashboards(scheme: str) -> None:
    def tokens(file: Path) -> dict[str, str]:
        light, _, dark = file.read_text("utf-8").partition("@media (prefers-color-scheme: dark)")
        found = re.findall(r"(--[a-z0-9-]+): ([^;]+);", dark if scheme == "dark" and dark else light)
        of_both = {"light": r"light-dark\((#\w+), #\w+\)", "dark": r"light-dark\(#\w+, (#\w+)\)"}[scheme]
        return {name: re.sub(of_both, r"\1", value) for name, value in found}

    own, dashboard = (tokens(WEB_UI / f) for f in ("public/alert.css", "src/styles/tokens.css"))
    assert own and own.items() <= dashboard.items()
