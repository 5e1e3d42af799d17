"""Sign-in in a real browser: the built pages under the CSP of production, and a provider on another origin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import AXE_LOOKS, OpenPage, cards, has_sideways_scroll, violations, wait_until
from tests.browser.fake_provider import FakeProvider, providing
from tests.browser.fake_site import FakeSite
from tests.browser.fake_values import CAR, PERSON

pytestmark = pytest.mark.slow

HOSTILE_EMAIL = '"<img src=x onerror=document.title=1>"@example.com'
OpenSignedIn = Callable[..., Page]
LookAt = Callable[[Page, str], None]


@pytest.fixture
def provider(site: FakeSite) -> Iterator[FakeProvider]:
    with providing(FakeProvider(site_origin=site.origin)) as running:
        site.provider = running
        yield running


@pytest.fixture
def open_signed_in(open_page: OpenPage, provider: FakeProvider) -> OpenSignedIn:
    """Opens the page as somebody whom the provider still remembers: there and back without a form."""

    def open_it(path: str = "/?view=frames", **options: object) -> Page:
        provider.remembers = True
        page = open_page(path, until="commit", **options)
        expect(sign_out_button(page)).to_be_visible()
        return page

    return open_it


@pytest.fixture
def look_at(axe_js: Path, artifacts: Path, request: pytest.FixtureRequest) -> LookAt:
    """axe looks now; people look at the screenshot."""

    def look(page: Page, state: str) -> None:
        page.add_script_tag(path=axe_js)
        assert violations(page) == [], state
        name = f"sign-in-{state}-{request.node.callspec.id}.png"
        page.screenshot(path=artifacts / name, animations="disabled")

    return look


def sign_in(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Sign in as ")).click()


def sign_out_button(page: Page) -> Locator:
    return page.locator("header").get_by_role("button", name="Sign out")


def title_of_notice(page: Page) -> Locator:
    return page.locator("main .notice").get_by_role("heading")


def addresses_in_history(page: Page) -> list[str]:
    session = page.context.new_cdp_session(page)
    return [entry["url"] for entry in session.send("Page.getNavigationHistory")["entries"]]


def watch_for_flicker(page: Page) -> Callable[[], list[str]]:
    """From now on: what a person would have seen flash up, or go away."""
    page.evaluate(
        """() => {
            window.seen = new Set();
            const look = () => {
                if (!document.querySelector("[data-frame-id]")) seen.add("no frames");
                for (const bad of [".banner", ".skeleton", ".notice"]) if (document.querySelector(bad)) seen.add(bad);
            };
            new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
        }"""
    )
    return lambda: sorted(page.evaluate("[...seen]"))


# -- in


def test_signing_in_leads_back_to_the_same_filtered_view(
    site: FakeSite, provider: FakeProvider, open_page: OpenPage
) -> None:
    site.add_many(8)
    page = open_page("/?camera=yard&last=24h", until="commit")
    expect(page.get_by_role("heading", name="Hosted sign-in")).to_be_visible()
    assert not [path for path in site.paths if path.startswith("/v1/")]
    sign_in(page)
    expect(cards(page)).to_have_count(3)
    expect(page).to_have_url(f"{site.origin}/?camera=yard&last=24h")
    expect(page.locator('[data-camera-id="yard"]')).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("ops@example.com")).to_be_visible()
    assert provider.refused == []


def test_before_the_sign_in_no_dashboard_flashes_up(
    site: FakeSite, provider: FakeProvider, open_page: OpenPage
) -> None:
    site.add_many(2)
    page = open_page("/favicon.svg")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(f"{site.origin}/config.json", hold)
    # An answer without content leaves the page where it is: what stays on the screen is what would have flashed up.
    page.route(f"{provider.origin}/oauth2/authorize**", lambda route: route.fulfill(status=204))
    page.goto(site.origin, wait_until="commit")
    expect(page.get_by_role("heading", name="Framewatch")).to_be_visible()
    wait_until(page, lambda: bool(waiting), "the page asks where to sign in")
    dashboard = page.locator(".skeleton, .controls, .wall, [data-frame-id]")
    assert dashboard.count() == 0
    waiting[0].continue_()
    expect(page.get_by_text("Signing you in…")).to_be_visible()
    assert dashboard.count() == 0


def test_code_state_and_tokens_stay_out_of_addresses_and_history(
    site: FakeSite, provider: FakeProvider, open_page: OpenPage
) -> None:
    site.add_many(3)
    asked: list[str] = []
    page = open_page("/favicon.svg")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.origin}/?camera=yard", wait_until="commit")
    sign_in(page)
    expect(cards(page).first.locator("img.is-shown")).to_be_visible()
    ours = [url for url in addresses_in_history(page) if url.startswith(site.origin)]
    assert ours
    assert not [url for url in ours if "code=" in url or "state=" in url]
    stored = json.loads(page.evaluate("sessionStorage.getItem('framewatch.session')"))["tokens"]
    secrets = [stored["accessToken"], stored["refreshToken"]]
    assert not [url for url in asked if any(secret in url for secret in secrets)]
    # The one address that carried the code is the provider's own answer.
    assert len([url for url in asked if url.startswith(site.origin) and "code=" in url]) == 1
    assert page.evaluate("[localStorage.length, document.cookie.length]") == [0, 0]


def test_the_token_goes_to_the_api_and_never_with_a_picture(site: FakeSite, open_signed_in: OpenSignedIn) -> None:
    site.demo = True
    site.add(PERSON, age_s=3)
    page = open_signed_in()
    expect(cards(page).first.locator("img.is-shown")).to_be_visible()
    expect(page.locator(".phone")).to_be_visible()
    assert set(site.bearers) == {"/v1/site", "/v1/me", "/v1/frames"}
    assert any(path.startswith("/pictures/") for path in site.paths)
    assert site.unauthorized == 0


def test_a_reload_keeps_the_session(site: FakeSite, provider: FakeProvider, open_signed_in: OpenSignedIn) -> None:
    site.add_many(2)
    page = open_signed_in()
    page.reload()
    expect(cards(page)).to_have_count(2)
    assert provider.grants == ["authorization_code"]
    assert provider.visits == 1


def test_an_e_mail_address_stays_text(site: FakeSite, provider: FakeProvider, open_signed_in: OpenSignedIn) -> None:
    provider.email = HOSTILE_EMAIL
    site.add(PERSON)
    page = open_signed_in()
    expect(page.locator(".who")).to_contain_text(HOSTILE_EMAIL)
    expect(cards(page)).to_have_count(1)
    assert page.locator('img[src="x"]').count() == 0
    assert page.title() == "Frames · Corner shop · Framewatch"
    provider.groups = ()
    provider.expire_access_tokens()
    expect(page.locator("main")).to_contain_text(HOSTILE_EMAIL)
    assert page.locator('img[src="x"]').count() == 0


# -- not in


def test_a_cancelled_sign_in_is_a_sentence_and_a_button(
    site: FakeSite, provider: FakeProvider, open_page: OpenPage
) -> None:
    site.add_many(2)
    page = open_page("/?camera=yard", until="commit")
    page.get_by_role("link", name="Cancel").click()
    expect(title_of_notice(page)).to_have_text("You are not signed in")
    expect(title_of_notice(page)).to_be_focused()
    expect(page.get_by_text("The sign-in was cancelled.")).to_be_visible()
    expect(page).to_have_url(f"{site.origin}/?camera=yard")
    assert provider.visits == 1
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    sign_in(page)
    expect(cards(page)).to_have_count(1)
    expect(page).to_have_url(f"{site.origin}/?camera=yard")


def test_an_answer_that_was_not_asked_for_here_is_not_used(
    site: FakeSite, provider: FakeProvider, open_page: OpenPage
) -> None:
    page = open_page("/?code=somebody-elses&state=made-up")
    expect(page.get_by_text("This sign-in was not started here")).to_be_visible()
    expect(page).to_have_url(f"{site.origin}/")
    assert provider.grants == []
    assert provider.visits == 0


def test_a_code_that_the_provider_refuses_says_so_and_goes_nowhere(
    site: FakeSite, provider: FakeProvider, open_page: OpenPage
) -> None:
    page = open_page(until="commit")
    provider.codes_work = False
    sign_in(page)
    expect(title_of_notice(page)).to_have_text("The sign-in did not work")
    assert provider.refused == ["invalid_grant"]
    assert provider.visits == 1


def test_an_api_that_refuses_every_sign_in_ends_in_words_not_in_a_loop(
    site: FakeSite, provider: FakeProvider, open_page: OpenPage
) -> None:
    provider.remembers = True
    provider.tokens_work = False
    page = open_page(until="commit")
    expect(title_of_notice(page)).to_have_text("The sign-in does not last")
    assert provider.visits == 2
    provider.tokens_work = True
    site.add(PERSON)
    page.get_by_role("button", name="Try again").click()
    expect(cards(page)).to_have_count(1)


def test_somebody_in_no_group_reads_who_they_are_and_who_can_help(
    site: FakeSite, provider: FakeProvider, open_page: OpenPage
) -> None:
    provider.groups, provider.remembers = (), True
    site.add_many(2)
    page = open_page(until="commit")
    expect(title_of_notice(page)).to_have_text("You may not see this site")
    expect(page.locator("main")).to_contain_text("You are signed in as ops@example.com")
    expect(page.locator("main")).to_contain_text("Ask the person who manages Framewatch here")
    provider.groups = ("viewer",)
    page.get_by_role("button", name="Try again").click()
    expect(cards(page)).to_have_count(2)
    assert provider.visits == 1


def test_somebody_who_is_put_out_of_the_groups_sees_no_more_pictures(
    site: FakeSite, provider: FakeProvider, open_signed_in: OpenSignedIn
) -> None:
    site.add_many(2)
    page = open_signed_in()
    expect(cards(page)).to_have_count(2)
    provider.groups = ()
    provider.expire_access_tokens()
    expect(title_of_notice(page)).to_have_text("You may not see this site")
    expect(cards(page)).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(title_of_notice(page)).to_have_text("You are signed out")


# -- staying in


def test_an_expired_token_is_renewed_without_flicker(
    site: FakeSite, provider: FakeProvider, open_signed_in: OpenSignedIn
) -> None:
    site.add_many(4)
    page = open_signed_in("/?camera=front-door")
    expect(cards(page)).to_have_count(2)
    flickered = watch_for_flicker(page)
    provider.expire_access_tokens()
    frame = site.add(PERSON)
    expect(cards(page).first).to_have_attribute("data-frame-id", frame["frame_id"])
    assert site.unauthorized > 0
    assert provider.grants == ["authorization_code", "refresh_token"]
    assert flickered() == []
    assert provider.visits == 1


def test_a_token_is_renewed_before_anybody_refuses_it(
    site: FakeSite, provider: FakeProvider, open_signed_in: OpenSignedIn
) -> None:
    provider.lifetime_s = 6
    site.add_many(2)
    page = open_signed_in()
    wait_until(page, lambda: provider.grants.count("refresh_token") >= 2, "the token is renewed, twice")
    assert site.unauthorized == 0
    assert provider.refused == []


def test_a_session_that_ended_leads_to_the_sign_in_and_back_to_the_view(
    site: FakeSite, provider: FakeProvider, open_signed_in: OpenSignedIn
) -> None:
    site.add_many(8)
    page = open_signed_in()
    page.locator('[data-camera-id="yard"]').click()
    expect(cards(page)).to_have_count(3)
    provider.remembers = False
    provider.end_all_sessions()
    sign_in(page)
    expect(page).to_have_url(f"{site.origin}/?view=frames&camera=yard")
    expect(cards(page)).to_have_count(3)


def test_while_the_provider_is_away_the_page_stays_up_and_recovers(
    site: FakeSite, provider: FakeProvider, open_signed_in: OpenSignedIn
) -> None:
    site.add_many(4)
    page = open_signed_in()
    expect(cards(page)).to_have_count(4)
    provider.hang_up = True
    provider.expire_access_tokens()
    expect(page.get_by_test_id("banner")).to_contain_text("Framewatch cannot be reached.")
    expect(cards(page)).to_have_count(4)
    provider.hang_up = False
    expect(page.get_by_test_id("banner")).to_have_count(0)
    assert provider.visits == 1


# -- out


def test_signing_out_ends_the_session_here_at_the_provider_and_in_other_tabs(
    site: FakeSite, provider: FakeProvider, open_signed_in: OpenSignedIn
) -> None:
    site.add_many(2)
    page = open_signed_in()
    other = page.context.new_page()
    other.goto(f"{site.origin}/?camera=yard", wait_until="commit")
    expect(cards(other)).to_have_count(1)
    refresh_token = json.loads(page.evaluate("sessionStorage.getItem('framewatch.session')"))["tokens"][
        "refreshToken"
    ]

    sign_out_button(page).click()
    expect(title_of_notice(page)).to_have_text("You are signed out")
    expect(page).to_have_url(f"{site.origin}/")
    expect(title_of_notice(other)).to_have_text("You are signed out")
    expect(cards(other)).to_have_count(0)
    wait_until(page, lambda: len(provider.revoked) == 2, "both tabs' tokens are revoked")
    assert refresh_token in provider.revoked
    assert not provider.remembers
    assert [p.evaluate("sessionStorage.length") for p in (page, other)] == [0, 0]

    page.get_by_role("button", name="Sign in").click()
    sign_in(page)
    expect(page).to_have_url(f"{site.origin}/")
    page.get_by_role("link", name="Frames").click()
    expect(cards(page)).to_have_count(2)


# -- for everyone


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_the_header_holds_a_long_address_at_any_width(
    site: FakeSite, provider: FakeProvider, open_signed_in: OpenSignedIn, width: int
) -> None:
    provider.email = "somebody.with.a.very.long.name.indeed@a-company-with-a-long-name.example.com"
    site.name = "The very long name of a site that nobody thought would be this long"
    site.add(PERSON)
    page = open_signed_in(width=width)
    expect(cards(page)).to_have_count(1)
    expect(page.locator(".who")).to_be_in_viewport()
    expect(sign_out_button(page)).to_be_in_viewport(ratio=1)
    assert not has_sideways_scroll(page)
    provider.groups = ()
    provider.expire_access_tokens()
    expect(title_of_notice(page)).to_have_text("You may not see this site")
    assert not has_sideways_scroll(page)


@pytest.mark.parametrize("looks", AXE_LOOKS)
def test_axe_finds_nothing_in_any_state_of_the_sign_in(
    site: FakeSite, provider: FakeProvider, open_page: OpenPage, look_at: LookAt, looks: tuple[int, str]
) -> None:
    width, scheme = looks
    site.add(PERSON, CAR, age_s=5)
    site.add_many(6)
    page = open_page("/favicon.svg", width=width, scheme=scheme, bypass_csp=True, reduced_motion="reduce")

    page.route(f"{provider.origin}/oauth2/authorize**", lambda route: route.fulfill(status=204))
    page.goto(site.origin, wait_until="commit")
    expect(page.get_by_text("Signing you in…")).to_be_visible()
    look_at(page, "on-the-way")
    page.unroute(f"{provider.origin}/oauth2/authorize**")

    page.goto(f"{site.origin}/?error=x&state=y")
    expect(title_of_notice(page)).to_be_visible()
    look_at(page, "not-asked-for")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("link", name="Cancel").click()
    expect(title_of_notice(page)).to_have_text("You are not signed in")
    look_at(page, "cancelled")
    page.get_by_role("button", name="Sign in").click()
    sign_in(page)
    expect(sign_out_button(page)).to_be_visible()
    page.goto(f"{site.origin}/?view=frames")
    expect(cards(page).first.locator("img.is-shown")).to_be_visible()
    look_at(page, "signed-in")
    provider.groups = ()
    provider.expire_access_tokens()
    expect(title_of_notice(page)).to_have_text("You may not see this site")
    look_at(page, "no-group")
    page.get_by_role("button", name="Sign out").click()
    expect(title_of_notice(page)).to_have_text("You are signed out")
    look_at(page, "signed-out")
