"""The function as API Gateway calls it, on S3 and DynamoDB that moto plays."""

import base64
import logging
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import count
from types import SimpleNamespace
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.clients import Waits
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.function import SettingsError
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.alerts import Alert, AlertLink, Answer, AnswerKind, IncidentSighting
from framewatch.domain.errors import StorageUnavailable
from framewatch.domain.visits import Visit, VisitChange, VisitSighting
from framewatch.services.answer_alerts import AlertPage, Picture, Who
from framewatch.services.ports import Decided
from framewatch.services.send_alerts import TOKEN_CHARS, TOKEN_LENGTH, new_token
from lambdas.alert_link import handler
from lambdas.alert_link.page import alert_page
from lambdas.alert_link.settings import Settings
from lambdas.frame_fetcher import handler as reader
from lambdas.operator_actions import handler as actor
from tests.aws import forget, items_of_the_site, processes_of, stage_on_moto

pytestmark = pytest.mark.usefixtures("cloud")

SITE = """\
site: {name: Home, time_zone: Europe/Madrid}
cameras:
  - {id: front, name: "Front <door>", source: "rtsp://${U}:${P}@front.secret.test/1"}
  - {id: garage, name: Garage}
contacts:
  - {id: ana, name: "Ana <b>", phone: "+34600123456"}
  - {id: bo, name: Bo, phone: "+34600654321"}
watch: {labels: [Person], min_confidence: 75, notify: [ana, bo]}
"""
CONTEXT = SimpleNamespace(aws_request_id="1", function_name="alert_link")
LABEL = 'Person"><script>alert(1)</script>'
_numbers = count(1)
NEXT_YEAR = datetime.now(UTC) + timedelta(days=365)


def event(
    token: str, method: str = "GET", body: str | None = None, *, encoded: bool = False, query: str = ""
) -> dict:
    """As an HTTP API sends it, payload format 2.0; nobody has signed in."""
    path = f"/a/{token}"
    if body is not None and encoded:
        body = base64.b64encode(body.encode()).decode()
    return {
        "version": "2.0",
        "routeKey": f"{method} /a/{{token}}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"accept": "text/html", "content-type": "application/x-www-form-urlencoded"},
        "pathParameters": {"token": token},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}, "stage": "$default"},
        **({"body": body} if body is not None else {}),
        "isBase64Encoded": encoded,
    }


def call(*args, **kwargs) -> tuple[int, str, dict]:
    answer = handler.lambda_handler(event(*args, **kwargs), CONTEXT)
    assert answer["isBase64Encoded"] is False
    # What every answer carries, whatever became of the request.
    assert answer["headers"]["Cache-Control"] == "no-store"
    assert answer["headers"]["Referrer-Policy"] == "no-referrer"
    assert answer["headers"]["X-Robots-Tag"] == "noindex, nofollow"
    return answer["statusCode"], answer["body"], answer["headers"]


def tap(token: str, kind: str, **options) -> tuple[int, str, dict]:
    return call(token, "POST", f"answer={kind}", **options)


class Reader(HTMLParser):
    """Every element, and the text as a person reads it."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def look(token: str) -> Reader:
    status, body, headers = call(token)
    assert status == 200, body
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    return Reader(body)


class Cloud:
    def __init__(self, s3, dynamodb):
        self.s3, self.dynamodb = s3, dynamodb
        table = DynamoTable(dynamodb, "table")
        self.visits, self.alerts = DynamoVisitTable(table), DynamoAlertTable(table)

    def alert(self, age: timedelta = timedelta(minutes=1), **changes) -> Alert:
        """A new one, with its visit and with work that is open."""
        at, frame = datetime.now(UTC) - age, f"front.{next(_numbers):06}"
        best = VisitSighting(frame, at, 97.9, (0.25, 0.3, 0.45, 0.9))
        visit = Visit(f"{frame}/{LABEL}", "front", LABEL, at, at, 1, best)
        alert = Alert(
            alert_id=f"{visit.visit_id}/watch",
            rule_id="watch",
            scope="front",
            visit_id=visit.visit_id,
            camera_id="front",
            label=LABEL,
            confidence=97.9,
            frame_id=frame,
            captured_at=at,
            decided_at=at,
            notify=("ana",),
            escalate_to=("bo",),
        )
        alert = replace(alert, **changes)
        decided = Decided(alerts=(alert,), due_at=at + timedelta(seconds=60))
        self.visits.apply(VisitChange((), visit, (best,)), decided, at + timedelta(days=90))
        return alert

    def link(self, alert: Alert, contact: str = "ana", good_for: timedelta = timedelta(hours=24)) -> str:
        token = new_token()
        self.alerts.put_link(token, AlertLink(alert.ref, contact, datetime.now(UTC) + good_for))
        return token

    def items(self) -> list[dict]:
        return items_of_the_site(self.dynamodb, "table")


@pytest.fixture(scope="module")
def cloud():
    with stage_on_moto(SITE) as (s3, dynamodb):
        yield Cloud(s3, dynamodb)
    forget(handler)


@pytest.fixture
def new_process():
    with processes_of(handler) as start:
        yield start


@pytest.fixture
def log(caplog):
    """What the function logs. Its JSON logger sits between and passes nothing on to pytest's."""
    own = logging.getLogger("framewatch.alert_link")
    own.addHandler(caplog.handler)
    own.setLevel(logging.DEBUG)
    yield caplog
    own.removeHandler(caplog.handler)
    own.setLevel(logging.NOTSET)


# -- looking ----------------------------------------------------------------------------------------------------


def test_a_link_shows_the_alert_and_three_buttons(cloud):
    alert = cloud.alert()
    page = look(cloud.link(alert))
    assert f"{LABEL} at Front <door>" in page.text
    assert "97% sure" in page.text and "Europe/Madrid time" in page.text
    assert "Nobody has answered yet." in page.text
    assert [b["value"] for b in page.all("button")] == ["taken", "snoozed", "false-alarm"]
    assert page.all("form") == [{"method": "post"}]
    (image,) = page.all("img")
    assert f"{alert.frame_id}.jpg" in image["src"] and "X-Amz-Expires=900" in image["src"]
    assert {"x": "25", "y": "30", "width": "20", "height": "60"}.items() <= page.all("rect")[0].items()


def test_labels_and_names_stay_text_wherever_they_stand(cloud):
    alert = cloud.alert()
    seen = IncidentSighting("gone<i>", LABEL, "v/2", "f", alert.captured_at, 90.0)
    # As a visit of another camera joins it, in one write with its own.
    other = VisitSighting("garage.1", alert.captured_at, 90.0)
    visit = Visit(f"garage.{alert.frame_id}", "garage", "Dog", other.captured_at, other.captured_at, 1, other)
    joins = Decided(joins=((alert.ref, seen),))
    cloud.visits.apply(VisitChange((), visit, (replace(other, frame_id=f"g{alert.frame_id}"),)), joins, NEXT_YEAR)
    tap(cloud.link(alert), "taken")
    page = look(cloud.link(alert, "bo"))
    assert "Ana <b> has it since" in page.text
    assert f"gone<i>: {LABEL}, " in page.text
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "b", "door", "i", "style"})
    assert "Front <door>" in page.all("img")[0]["alt"] and LABEL in page.all("img")[0]["alt"]


def test_the_page_has_no_script_no_inline_style_and_one_style_sheet(cloud):
    page = look(cloud.link(cloud.alert()))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(name == "style" or name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert [link["href"] for link in page.all("link")] == ["/favicon.svg", "/alert.css"]


def test_the_page_tells_nothing_else_of_the_site(cloud):
    alert = cloud.alert()
    token = cloud.link(alert)
    body = call(token)[1]
    for secret in (token, "+34600", "secret.test", "Home", alert.alert_id, "user:", "/v1/", "Garage"):
        assert secret not in body, secret
    page = Reader(body)
    assert [a["href"] for a in page.all("a")] == [""]
    assert {"name": "robots", "content": "noindex, nofollow"} in page.all("meta")
    assert "<title>Framewatch alert</title>" in body


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_only_a_post_changes_anything(cloud, method):
    token = cloud.link(cloud.alert())
    before = cloud.items()
    status, _, headers = call(token, method, "answer=taken")
    assert cloud.items() == before
    assert status == (200 if method in {"GET", "HEAD"} else 405)
    assert status == 200 or headers["Allow"] == "GET, HEAD, POST"


def test_a_picture_that_retention_has_deleted_is_told_and_not_linked(cloud):
    page = look(cloud.link(cloud.alert(timedelta(days=31))))
    assert page.all("img") == [] and "kept for 30 days" in page.text


def test_a_picture_is_linked_for_as_long_as_the_environment_says(cloud, new_process):
    new_process(FW_IMAGE_URL_TTL_S="600")
    assert "X-Amz-Expires=600" in look(cloud.link(cloud.alert())).all("img")[0]["src"]


# -- answering --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize("kind", AnswerKind)
def test_an_answer_is_kept_and_leads_back_to_the_page(cloud, kind, encoded):
    alert = cloud.alert()
    token = cloud.link(alert)
    status, body, headers = tap(token, kind, encoded=encoded)
    assert (status, body, headers["Location"]) == (303, "", f"/a/{token}")
    kept = cloud.alerts.get(alert.ref)
    assert set(kept.answers) == {kind} and kept.answers[kind].by == "ana"
    assert alert.ref not in [work.ref for work in cloud.alerts.open_work()[0]]


def test_the_page_says_who_has_it_and_no_longer_asks_for_it(cloud):
    alert = cloud.alert()
    mine, others = cloud.link(alert), cloud.link(alert, "bo")
    tap(mine, "taken")
    assert "You have it since" in look(mine).text
    assert "Ana <b> has it since" in look(others).text
    assert [b["value"] for b in look(others).all("button")] == ["snoozed", "false-alarm"]


def test_a_snooze_is_shown_with_its_end_and_a_false_alarm_with_who_said_so(cloud):
    alert = cloud.alert(scope="other")
    mine, others = cloud.link(alert), cloud.link(alert, "bo")
    tap(mine, "snoozed")
    tap(others, "false-alarm")
    state = cloud.alerts.rule_state("watch", "other")
    assert timedelta(minutes=29) < state.snoozed_until - datetime.now(UTC) <= timedelta(minutes=30)
    assert "Snoozed until" in look(mine).text and "by you: no texts" in look(mine).text
    assert "Marked as a false alarm by Bo at" in look(mine).text


def test_the_page_says_that_an_operator_has_closed_it(cloud):
    alert = cloud.alert()
    cloud.alerts.answer(alert.ref, AnswerKind.CLOSED, Answer("user:e2c5a4d4", datetime.now(UTC), "maria"))
    page = look(cloud.link(alert))
    assert "Closed by somebody else at" in page.text and "maria" not in page.text and "Snooze" in page.text


def test_a_second_post_of_the_same_changes_no_answer(cloud):
    alert = cloud.alert()
    token = cloud.link(alert)
    tap(token, "taken")
    before = cloud.alerts.get(alert.ref)
    assert tap(token, "taken")[0] == 303
    assert cloud.alerts.get(alert.ref) == before


def test_of_two_contacts_who_tap_at_once_one_has_it_and_both_pages_say_who(cloud):
    alert = cloud.alert()
    tokens = [cloud.link(alert), cloud.link(alert, "bo")]
    with ThreadPoolExecutor(2) as pool:
        assert [status for status, _, _ in pool.map(lambda t: tap(t, "taken"), tokens)] == [303, 303]
    winner = cloud.alerts.get(alert.ref).answers[AnswerKind.TAKEN].by
    said = dict(zip(("ana", "bo"), (look(t).text for t in tokens), strict=True))
    loser = {"ana": "bo", "bo": "ana"}[winner]
    assert "You have it since" in said[winner]
    assert f"{ {'ana': 'Ana <b>', 'bo': 'Bo'}[winner] } has it since" in said[loser]


def test_an_answer_from_the_dashboard_is_somebody_elses(cloud):
    alert = cloud.alert()
    cloud.alerts.answer(alert.ref, AnswerKind.TAKEN, Answer("user:e2c5a4d4", datetime.now(UTC)))
    page = look(cloud.link(alert))
    assert "Somebody else has it since" in page.text and "e2c5a4d4" not in page.text


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "answer=",
        "answer=yes",
        "answer=taken&answer=taken",
        "Answer=taken",
        "taken",
        "answer=taken" + " " * 10_000,
        "answer=%FF",
        "{}",
    ],
    ids=repr,
)
@pytest.mark.parametrize("encoded", [False, True])
def test_a_body_that_is_no_answer_is_a_400_that_leads_back(cloud, body, encoded):
    token = cloud.link(cloud.alert())
    before = cloud.items()
    status, page, _ = call(token, "POST", body, encoded=encoded and body is not None)
    assert status == 400 and '<a href="">Back to the alert</a>' in page
    assert cloud.items() == before


def test_a_body_that_is_not_base64_is_a_400(cloud):
    asked = event(cloud.link(cloud.alert()), "POST", "answer=taken") | {"isBase64Encoded": True}
    assert handler.lambda_handler(asked, CONTEXT)["statusCode"] == 400


# -- what is refused --------------------------------------------------------------------------------------------

HOSTILE = [
    "",
    "x",
    "../v1/frames",
    "..%2f..%2fv1",
    "a" * 10_000,
    "ü" * 20,
    "a" * 19 + "\u0000",
    "a" * 20 + "/",
    "a" * 20 + "\n",
    '"><script>alert(1)</script>',
    "a" * 20,
]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_hostile_token_tells_anything_and_all_hear_the_same(cloud, method, log):
    alert = cloud.alert()
    revoked = cloud.link(alert)
    cloud.alerts.revoke_links(alert.ref)
    answers = {call(token, method, "answer=taken")[:2] for token in [*HOSTILE, revoked]}
    assert len(answers) == 1
    ((status, body),) = answers
    assert status == 404 and "This link opens nothing." in body
    assert not any(token in log.text for token in [*HOSTILE[2:], revoked])


def test_an_expired_link_is_gone_and_says_why(cloud):
    token = cloud.link(cloud.alert(), good_for=timedelta(seconds=-1))
    for status, body, _ in (call(token), tap(token, "taken")):
        assert status == 410 and "This link was good for 24 hours." in body


def test_the_twenty_first_answer_is_too_many_and_the_page_stays(cloud):
    token = cloud.link(cloud.alert(scope="twenty"))
    assert [tap(token, "snoozed")[0] for _ in range(21)] == [303] * 20 + [429]
    look(token)


def test_an_expired_or_revoked_link_changes_nothing(cloud):
    alert, gone = cloud.alert(), cloud.alert()
    tokens = [cloud.link(alert, good_for=timedelta(seconds=-1)), cloud.link(gone)]
    cloud.alerts.revoke_links(gone.ref)
    before = cloud.items()
    for token in tokens:
        assert {tap(token, kind)[0] for kind in AnswerKind} <= {404, 410}
    assert cloud.items() == before


# -- what a link is not good for --------------------------------------------------------------------------------


def test_a_link_acts_on_its_own_alert_and_on_nothing_else(cloud):
    mine, other = cloud.alert(scope="mine"), cloud.alert(scope="others")
    token, others = cloud.link(mine), cloud.link(other)
    untouched = [item for item in cloud.items() if other.alert_id in str(item) or "others" in str(item)]
    assert len(untouched) >= 3, "the alert, its link and its open work"
    for kind in AnswerKind:
        assert tap(token, kind)[0] == 303
        for naming in (f"&alert_id={other.alert_id}", f"&token={others}", f"&camera=front&alert={other.alert_id}"):
            assert call(token, "POST", f"answer={kind}{naming}")[0] == 400
    assert call(token, "POST", "answer=taken", query=f"token={others}&alert_id={other.alert_id}")[0] == 303
    assert [i for i in cloud.items() if other.alert_id in str(i) or "others" in str(i)] == untouched
    assert cloud.alerts.get(other.ref).answers == {} and set(cloud.alerts.get(mine.ref).answers) == set(AnswerKind)


def test_a_token_opens_no_other_address_and_no_address_opens_without_one(cloud):
    """Whatever API Gateway would send here by mistake: this function reads no frames and lists nothing."""
    token = cloud.link(cloud.alert())
    for path in (
        "/v1/frames",
        "/v1/alerts",
        f"/v1/frames/{token}",
        f"/a/{token}/v1/frames",
        f"/a/{token}/../x",
        "/a/",
    ):
        asked = event(token) | {"rawPath": path}
        answer = handler.lambda_handler(asked, CONTEXT)
        assert answer["statusCode"] == 404 and "This link opens nothing." in answer["body"], path


@pytest.mark.parametrize("function", [reader, actor], ids=["reads", "acts"])
def test_a_token_is_nobody_to_the_api(cloud, function):
    """As a bearer, in the place of a user, or as a claim that no authorizer has made."""
    token = cloud.link(cloud.alert())
    forget(function)
    for authorizer in ({}, {"jwt": {"claims": {"sub": token}}}, {"lambda": {"token": token}}):
        for method, path in function.ROLES:
            asked = event(token, method, "{}") | {
                "rawPath": path,
                "headers": {"authorization": f"Bearer {token}", "content-type": "application/json"},
                "requestContext": {"http": {"method": method, "path": path}, "authorizer": authorizer},
            }
            assert function.lambda_handler(asked, CONTEXT)["statusCode"] == 403, path
    forget(function)


def test_the_picture_of_a_link_is_one_picture_for_a_quarter_of_an_hour(cloud):
    """The bearer of a copy of the page can open that picture, until then; a longer time needs another signature."""
    alert = cloud.alert()
    src = urlsplit(look(cloud.link(alert)).all("img")[0]["src"])
    signed = parse_qs(src.query)
    assert src.path.endswith(f"/{alert.frame_id}.jpg")
    assert (signed["X-Amz-Expires"], signed["X-Amz-SignedHeaders"]) == (["900"], ["host"])
    assert {"X-Amz-Signature", "X-Amz-Date"} <= signed.keys()


def test_whoever_guesses_at_the_rate_that_the_api_lets_through_finds_nothing():
    """All links that a busy site has at once, tried for ten years: API Gateway lets 10 a second through (infra)."""
    assert (TOKEN_LENGTH, len(set(TOKEN_CHARS))) == (20, 62)
    guesses, links = 10 * 3600 * 24 * 3652, 100_000
    assert guesses * links / len(TOKEN_CHARS) ** TOKEN_LENGTH < 1e-18
    # Any one character of it is as likely as the others, and says nothing of the next.
    tokens = [new_token() for _ in range(2000)]
    assert len(set(tokens)) == len(tokens)
    for place in range(TOKEN_LENGTH):
        assert len({token[place] for token in tokens}) == len(TOKEN_CHARS)


def test_a_store_that_never_answers_is_told_on_a_page_of_ours(new_process, monkeypatch):
    monkeypatch.setattr(handler, "STORE_OF_A_PAGE", Waits(connect_s=0.2, read_s=0.2, attempts=2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        new_process(AWS_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
        status, body, headers = call("a" * 20)
    assert (status, headers["Retry-After"]) == (503, str(handler.RETRY_AFTER_S))
    assert "Try again" in Reader(body).text


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40), st.sampled_from(["GET", "POST"]), st.text(max_size=40), st.booleans())
@example("a" * 20, "POST", "answer=taken", False)
def test_no_request_is_ever_a_500(cloud, token, method, body, encoded):
    asked = event(token, method, body) | {"isBase64Encoded": encoded}
    assert handler.lambda_handler(asked, CONTEXT)["statusCode"] in (400, 404)
    asked = event(quote(token), method, body)
    assert handler.lambda_handler(asked, CONTEXT)["statusCode"] in (400, 404)


# -- what fails -------------------------------------------------------------------------------------------------


def failing(monkeypatch, error: Exception) -> None:
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(handler, "open_link", fail)


def test_a_store_that_is_down_is_a_503_page_that_says_to_try_again(monkeypatch, log, cloud):
    failing(monkeypatch, StorageUnavailable("table secret-table: throttled"))
    status, body, headers = call("a" * 20)
    assert (status, headers["Retry-After"]) == (503, "2")
    assert "secret-table" not in body and "secret-table" in log.text
    assert "a" * 20 not in log.text and Reader(body).all("a") == [{"href": ""}]


def test_a_missing_table_and_a_missing_site_file_are_503(new_process, cloud):
    token = cloud.link(cloud.alert())
    new_process(FW_SITE_KEY="missing.yaml")
    assert call(token)[0] == 503
    new_process(FW_TABLE="no-such-table")
    assert call(token)[0] == 503


def test_a_mistake_of_ours_is_a_500_without_detail_and_is_logged(monkeypatch, log, cloud):
    failing(monkeypatch, RuntimeError("password is hunter2"))
    status, body, _ = call("b" * 20)
    assert status == 500 and "hunter2" not in body and "Traceback" not in body
    assert any(record.exc_info for record in log.records)
    assert "b" * 20 not in log.text


def test_an_answer_is_logged_with_who_gave_it_and_without_the_token(cloud, log):
    token = cloud.link(cloud.alert())
    tap(token, "taken")
    assert "taken" in log.text and "ana" in log.text
    assert token not in log.text and "+34" not in log.text


def test_an_incomplete_environment_is_told_with_every_variable():
    with pytest.raises(SettingsError, match=r"FW_TABLE: is not set; FW_CONFIG_BUCKET: .*FW_IMAGE_URL_TTL_S"):
        Settings.read({"FW_FRAMES_BUCKET": "b", "FW_STAGE": "test", "FW_IMAGE_URL_TTL_S": "5"})


def test_importing_the_handler_does_nothing():
    code = "from lambdas.alert_link import handler as h; print(h.settings.cache_info()[3], h.deps.cache_info()[3])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env={"PATH": ""}, text=True)
    assert ran.stdout == "0 0\n" and ran.stderr == ""


# -- times and words --------------------------------------------------------------------------------------------


def a_page(now: str, **changes) -> Reader:
    at = datetime.fromisoformat(now)
    page = AlertPage(
        label="Person",
        confidence=99.99,
        place="Yard",
        captured_at=at,
        now=at,
        time_zone="Europe/Madrid",
        frames_days=1,
        picture=Picture(None, at, 99.0, None),
        also_seen=(),
        given=(),
        snoozed_until=None,
        snoozed_by=None,
    )
    return Reader(alert_page(replace(page, **changes)))


def test_times_are_the_sites_and_its_zone_is_named():
    page = a_page("2026-11-21T20:05:17+00:00")
    assert "Sat 21 Nov 2026, 21:05:17 CET, Europe/Madrid time" in page.text
    for name in ("Etc/UTC", "UTC"):
        assert "20:05:17 UTC " in a_page("2026-11-21T20:05:17+00:00", time_zone=name).text + " "
        assert f"{name} time" not in a_page("2026-11-21T20:05:17+00:00", time_zone=name).text


def test_a_share_of_hundred_is_never_claimed_from_less():
    assert "99% sure" in a_page("2026-11-21T20:05:17+00:00").text


def test_an_hour_of_another_day_says_its_day():
    taken = ((AnswerKind.TAKEN, Who(None, True), datetime(2026, 11, 20, 20, 5, tzinfo=UTC)),)
    assert "You have it since 20 Nov 21:05." in a_page("2026-11-21T20:05:17+00:00", given=taken).text
    assert "You have it since 21:05." in a_page("2026-11-20T20:06:17+00:00", given=taken).text


def test_the_hour_that_a_clock_change_doubles_is_told_with_its_zone():
    until = datetime(2026, 10, 25, 1, 20, tzinfo=UTC)  # 02:20 for the second time
    page = a_page("2026-10-25T00:50:00+00:00", snoozed_until=until, snoozed_by=Who("Bo", False))
    assert "Snoozed until 02:20 CET by Bo" in page.text


def test_a_snooze_that_is_over_says_so():
    given_ = ((AnswerKind.SNOOZED, Who("Bo", False), datetime(2026, 11, 21, 19, 5, tzinfo=UTC)),)
    page = a_page("2026-11-21T20:05:17+00:00", given=given_)
    assert "Snoozed by Bo at 20:05; that is over." in page.text
    assert "Nobody has answered" not in page.text


def test_one_day_is_said_as_one():
    assert "kept for one day" in a_page("2026-11-21T20:05:17+00:00").text
