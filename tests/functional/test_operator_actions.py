"""What people who are signed in do about alerts, on a table that moto plays and the real adapters write."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.budget_table import DynamoBudgetTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.limit_table import DynamoLimitTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.alerts import Alert, Answer, AnswerKind, alert_id_for
from framewatch.domain.budget import BudgetStep
from framewatch.domain.errors import StorageUnavailable
from framewatch.domain.frames import make_frame_id
from framewatch.domain.limits import LimitOverride, LimitState
from framewatch.domain.visits import AlertClaim, AlertState, Visit, VisitChange, VisitSighting
from framewatch.services.ports import Decided
from framewatch.wire.api_routes import ROUTES
from framewatch.wire.envelope import format_utc
from lambdas.frame_fetcher import handler as reader
from lambdas.frame_fetcher import openapi
from lambdas.operator_actions import handler
from tests.aws import forget, stage_on_moto
from tests.functional.test_frame_fetcher import event

NOW = datetime.now(UTC)
SITE = """\
site: {name: Home, time_zone: Europe/Madrid}
cameras:
  - {id: front, name: Front door, source: "rtsp://${U}:${P}@front.secret.test/1", group: doors}
  - {id: yard, group: doors}
contacts: [{id: ana, phone: "+34600123456"}, {id: bo, phone: "+34600654321"}]
rules:
  - {id: people, labels: [Person], notify: [ana], escalate_to: [bo], escalate_after_s: 60}
"""
CONTEXT = SimpleNamespace(aws_request_id="1", function_name="operator_actions")
MARIA, JO = "e2c5a4d4-80a1-70f5-1c5e-0c7d5ad9a1f2", "a4d4e2c5-80a1-70f5-1c5e-0c7d5ad9a1f2"
NAMES = {MARIA: "maria", JO: "jo"}
SCOPE = "group:doors"


@pytest.fixture
def cloud():
    with stage_on_moto(SITE) as (_, dynamodb):
        forget(handler, reader)
        yield DynamoTable(dynamodb, "table")
        forget(handler, reader)


@pytest.fixture
def alerts(cloud) -> DynamoAlertTable:
    return DynamoAlertTable(cloud)


@pytest.fixture
def alert(cloud) -> Alert:
    """One that was just decided, with work for the watchdog."""
    return put_alert(cloud, NOW - timedelta(minutes=2))


def put_alert(table: DynamoTable, at: datetime) -> Alert:
    frame_id = make_frame_id("front", "20260101T000000Zabcdef", 1)
    visit_id = f"{frame_id}/Person"
    found = Alert(
        alert_id=alert_id_for(visit_id, "people"),
        rule_id="people",
        scope=SCOPE,
        visit_id=visit_id,
        camera_id="front",
        label="Person",
        confidence=91.5,
        frame_id=frame_id,
        captured_at=at,
        decided_at=at + timedelta(seconds=2),
        notify=("ana",),
        escalate_to=("bo",),
    )
    sighting = VisitSighting(frame_id, at, 91.5)
    claims = {"people": AlertClaim(frame_id, AlertState.SENT, found.alert_id)}
    visit = Visit(visit_id, "front", "Person", at, at, 1, sighting, claims)
    change = VisitChange((), visit, (sighting,))
    DynamoVisitTable(table).apply(change, Decided((found,), at + timedelta(minutes=1)), NOW + timedelta(days=90))
    return found


def signed_in(subject: str = MARIA, groups: str = "[operator]") -> dict:
    told = {"sub": subject, "username": NAMES[subject], "cognito:groups": groups}
    return {"jwt": {"claims": told, "scopes": ["openid"]}}


def post(path: str, body: object, authorizer: dict | None = None, **more) -> tuple[int, dict]:
    text = body if isinstance(body, str) else json.dumps(body)
    asked = event(path, method="POST", authorizer=authorizer or signed_in(), body=text) | more
    answer = handler.lambda_handler(asked, CONTEXT)
    assert answer["headers"]["Cache-Control"] == "no-store"
    assert "+34600" not in answer["body"] and "secret" not in answer["body"]
    return answer["statusCode"], json.loads(answer["body"])


def get(path: str, authorizer: dict) -> dict:
    answer = reader.lambda_handler(event(path, authorizer=authorizer), CONTEXT)
    assert answer["statusCode"] == 200, answer["body"]
    return json.loads(answer["body"])


def naming(alert: Alert) -> dict:
    return {"camera": alert.camera_id, "captured_at": format_utc(alert.captured_at), "alert_id": alert.alert_id}


def act(alert: Alert, kind: str = "taken", subject: str = MARIA, **more) -> dict:
    status, body = post("/v1/alerts/answer", naming(alert) | {"kind": kind} | more, signed_in(subject))
    assert status == 200, body
    return body


def note(alert: Alert, text: str, subject: str = MARIA) -> tuple[int, dict]:
    return post("/v1/alerts/notes", naming(alert) | {"text": text}, signed_in(subject))


# -- answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", AnswerKind)
def test_an_answer_is_kept_with_who_and_when_and_nobody_further_is_told(alerts, alert, kind):
    assert [w.ref for w in alerts.open_work()[0]] == [alert.ref]
    before = datetime.now(UTC)
    body = act(alert, kind)
    kept = alerts.get(alert.ref).answers
    assert set(kept) == {kind} and (kept[kind].by, kept[kind].name) == (f"user:{MARIA}", "maria")
    assert before <= kept[kind].at <= datetime.now(UTC)
    assert alerts.open_work()[0] == []
    said = {"kind": kind, "at": format_utc(kept[kind].at), "by": "user:maria", "name": "maria", "is_you": True}
    assert body["answer"] == said
    assert body["alert"]["answers"] == [said] and body["alert"]["alert_id"] == alert.alert_id
    assert body["alert"]["camera_name"] == "Front door" and body["alert"]["image_url"] is None


def test_of_two_operators_the_second_is_told_who_was_first(alerts, alert):
    first = act(alert, subject=MARIA)["answer"]
    second = act(alert, subject=JO)["answer"]
    assert second == first | {"is_you": False} and second["name"] == "maria"
    assert act(alert, subject=MARIA)["answer"] == first
    assert alerts.get(alert.ref).answers[AnswerKind.TAKEN].by == f"user:{MARIA}"


def test_a_contacts_answer_by_link_stands_before_an_operators(alerts, alert):
    alerts.answer(alert.ref, AnswerKind.TAKEN, Answer("ana", NOW))
    assert act(alert)["answer"] == {
        "kind": "taken",
        "at": format_utc(NOW),
        "by": "ana",
        "name": None,
        "is_you": False,
    }


def test_others_see_a_name_and_never_the_subject(alert):
    act(alert)
    note(alert, "The postman")
    seen = get("/v1/alerts", signed_in(JO, "[viewer]"))
    assert MARIA not in json.dumps(seen)
    (answer,), (written,) = seen["alerts"][0]["answers"], seen["alerts"][0]["notes"]
    assert (answer["by"], answer["is_you"], written["name"]) == ("user:maria", False, "maria")
    assert get("/v1/alerts", signed_in(MARIA, "[viewer]"))["alerts"][0]["answers"][0]["is_you"]


def test_a_false_alarm_is_kept_for_its_rule(alerts, alert):
    act(alert, "false-alarm")
    (kept,) = alerts.false_alarms("people", "front")
    assert kept.answer == alerts.get(alert.ref).answers[AnswerKind.FALSE_ALARM]


@pytest.mark.parametrize(("given_", "minutes"), [({}, 30), ({"minutes": 5}, 5), ({"minutes": 480}, 480)])
def test_a_snooze_lasts_as_long_as_was_asked(alerts, alert, given_, minutes):
    before = datetime.now(UTC)
    body = act(alert, "snoozed", **given_)
    state = alerts.rule_state("people", SCOPE)
    assert (state.snoozed_by, state.snoozed_name) == (f"user:{MARIA}", "maria")
    span = timedelta(minutes=minutes)
    assert before + span <= state.snoozed_until <= datetime.now(UTC) + span
    assert body["snoozed_until"] == format_utc(state.snoozed_until)


def test_a_longer_snooze_stands(alerts, alert):
    longer = act(alert, "snoozed", minutes=60)["snoozed_until"]
    assert act(alert, "snoozed", JO, minutes=5)["snoozed_until"] == longer
    assert alerts.rule_state("people", SCOPE).snoozed_name == "maria"


def test_a_rule_that_is_no_more_snoozed_can_be_snoozed_again(alerts, alert):
    act(alert, "snoozed", minutes=60)
    end("people")
    again = act(alert, "snoozed", JO, minutes=5)
    state = alerts.rule_state("people", SCOPE)
    assert again["snoozed_until"] == format_utc(state.snoozed_until)
    assert (state.snoozed_name, state.snooze_ended) == ("jo", None)


# -- notes ------------------------------------------------------------------------------------------------------


def test_a_note_is_kept_as_it_was_written(alerts, alert):
    text = '<script>alert("x")</script>\nat the gate \U0001f6aa'
    status, body = note(alert, f"  {text}\r\n")
    assert status == 200
    (kept,) = alerts.get(alert.ref).notes
    assert (kept.text, kept.by, kept.name) == (text, f"user:{MARIA}", "maria")
    said = {"text": text, "at": format_utc(kept.at), "by": "user:maria", "name": "maria", "is_you": True}
    assert body["notes"] == [said]
    assert get("/v1/alerts", signed_in())["alerts"][0]["notes"] == [said]
    assert alerts.open_work()[0] != [], "a note is no answer"


def test_the_same_note_again_changes_nothing_and_anothers_is_added(alert):
    first = note(alert, "The postman")[1]["notes"]
    assert note(alert, "The postman")[1]["notes"] == first
    assert [n["name"] for n in note(alert, "The postman", JO)[1]["notes"]] == ["maria", "jo"]


def test_an_alert_with_as_many_notes_as_one_may_have_takes_no_further_one(alerts, alert):
    for n in range(50):
        assert note(alert, f"Note {n}")[0] == 200
    status, body = note(alert, "One more")
    assert (status, body["error"]["code"]) == (409, "full")
    assert "has 50 notes" in body["error"]["message"]
    assert len(alerts.get(alert.ref).notes) == 50


# -- snoozes ----------------------------------------------------------------------------------------------------


def end(rule: str, scope: str = SCOPE, authorizer: dict | None = None) -> tuple[int, dict]:
    return post("/v1/snoozes/end", {"rule": rule, "scope": scope}, authorizer or signed_in(JO, "[admin]"))


def test_snoozes_are_listed_with_their_cameras_and_who_gave_them(alerts, alert):
    assert get("/v1/snoozes", signed_in(JO, "[viewer]")) == {"snoozes": []}
    until = act(alert, "snoozed")["snoozed_until"]
    assert get("/v1/snoozes", signed_in(JO, "[viewer]"))["snoozes"] == [
        {
            "rule_id": "people",
            "scope": SCOPE,
            "camera_ids": ["front", "yard"],
            "until": until,
            "by": "user:maria",
            "name": "maria",
            "is_you": False,
        }
    ]


def test_a_snooze_is_ended_by_an_admin_with_who_and_when(alerts, alert):
    act(alert, "snoozed", minutes=60)
    status, body = end("people")
    state = alerts.rule_state("people", SCOPE)
    assert status == 200 and not state.is_snoozed(datetime.now(UTC))
    assert (state.snooze_ended.by, state.snooze_ended.at) == (f"user:{JO}", state.snoozed_until)
    assert body == {
        "rule_id": "people",
        "scope": SCOPE,
        "over_since": format_utc(state.snoozed_until),
        "ended_by": {"by": "user:jo", "name": "jo", "is_you": True},
    }
    assert get("/v1/snoozes", signed_in()) == {"snoozes": []}
    status, again = end("people", authorizer=signed_in(MARIA, "[admin]"))
    assert status == 200 and again == body | {"ended_by": body["ended_by"] | {"is_you": False}}


def test_the_end_of_a_snooze_that_never_was_is_not_found(alert):
    status, body = end("people", "front")
    assert (status, body["error"]["code"]) == (404, "not_found")
    assert "rule people has never been snoozed on front" in body["error"]["message"]


# -- what is seen -----------------------------------------------------------------------------------------------


def see(until: str, subject: str = MARIA) -> str | None:
    status, body = post("/v1/me/seen", {"until": until}, signed_in(subject, "[viewer]"))
    assert status == 200, body
    assert get("/v1/me", signed_in(subject, "[viewer]")) == body
    return body["seen_until"]


def test_the_mark_of_what_is_seen_moves_on_and_never_back(cloud):
    assert get("/v1/me", signed_in())["seen_until"] is None
    first, later = format_utc(NOW - timedelta(hours=2)), format_utc(NOW - timedelta(hours=1))
    assert [see(first), see(later), see(first), see(later)] == [first, later, later, later]


def test_each_user_has_a_mark_of_their_own_kept_with_when(cloud):
    before = format_utc(datetime.now(UTC))
    assert (see(format_utc(NOW)), get("/v1/me", signed_in(JO))["seen_until"]) == (format_utc(NOW), None)
    (kept,) = cloud.query_down(f"U#{MARIA}", page=9)
    assert before <= kept["at"]["S"] <= format_utc(datetime.now(UTC))
    assert NOW + timedelta(days=89) < datetime.fromtimestamp(int(kept["expires_at"]["N"]), UTC)


def test_what_is_still_to_come_is_not_seen(cloud):
    before = format_utc(datetime.now(UTC))
    assert before <= (see("2999-01-01T00:00:00Z") or "") <= format_utc(datetime.now(UTC))


@pytest.mark.parametrize("until", [None, "now", 5, "2026-01-31", ""])
def test_a_wrong_mark_is_refused(cloud, until):
    status, body = post("/v1/me/seen", {"until": until}, signed_in(groups="[viewer]"))
    assert status == 400 and body["error"]["message"].startswith("until: ")
    assert get("/v1/me", signed_in())["seen_until"] is None


# -- limits -----------------------------------------------------------------------------------------------------


def limit(authorizer: dict | None = None, hours: float = 2, **body: object) -> tuple[int, dict]:
    until = format_utc(datetime.now(UTC) + timedelta(hours=hours))
    return post("/v1/limits", {"until": until} | body, authorizer or signed_in(JO, "[admin]"))


def test_an_admin_sets_other_limits_until_a_time_with_who_and_when(cloud, alerts):
    now = datetime.now(UTC)
    today = now.astimezone(ZoneInfo("Europe/Madrid")).date()
    spent = LimitState(texts_by_day={today: 7}, micro_usd_by_month={today.replace(day=1): 560_000})
    alerts.put_limit_state(spent, NOW + timedelta(days=90))
    before = get("/v1/limits", signed_in(groups="[viewer]"))
    assert (before["override"], before["holds"]) == (None, before["site_file"])
    assert before["used"] == {
        "day": today.isoformat(),
        "texts": 7,
        "texts_left": 93,
        "month": today.replace(day=1).isoformat(),
        "spent_usd": 0.56,
        "usd_left": None,
    }
    status, body = limit(per_day=5, monthly_budget_usd=2)
    assert status == 200
    said = body["override"]
    assert (said["by"], said["name"], said["is_you"]) == ("user:jo", "jo", True)
    assert (said["per_day"], said["monthly_budget_usd"], said["per_contact_and_hour"]) == (5, 2.0, None)
    seen = get("/v1/limits", signed_in(groups="[viewer]"))
    assert seen["override"] == said | {"is_you": False}
    assert seen["holds"] == before["site_file"] | {"per_day": 5, "monthly_budget_usd": 2.0} == body["holds"]
    assert (seen["used"]["texts_left"], seen["used"]["usd_left"]) == (0, 1.44)
    assert alerts.limit_state().texts_by_day == {today: 7}
    # As the processor and the watchdog read it.
    override = DynamoLimitTable(cloud).override()
    assert override is not None and override.by == f"user:{JO}" and now <= override.at <= datetime.now(UTC)


def test_what_was_set_is_replaced_as_a_whole_and_ended_by_a_time_that_is_past(cloud):
    limit(per_day=5)
    assert limit(per_contact_and_hour=1)[1]["override"]["per_day"] is None
    assert limit(hours=-1)[1]["override"] is None
    assert get("/v1/limits", signed_in())["override"] is None


def test_limits_of_version_1_are_read_and_are_what_is_written(cloud):
    until, at = datetime(2026, 3, 14, 13, tzinfo=UTC), datetime(2026, 3, 14, 12, tzinfo=UTC)
    override = LimitOverride(until, "user:1", "maria", at, None, 5, 2.5)
    table = DynamoLimitTable(cloud)
    table.put_override(override, until)
    item = cloud.get(("LIMITS", "OVERRIDE"))
    assert item["doc"]["S"] == (
        '{"item_version":1,"until":"2026-03-14T13:00:00Z","by":"user:1","name":"maria","at":"2026-03-14T12:00:00Z",'
        '"per_contact_and_hour":null,"per_day":5,"monthly_budget_usd":2.5}'
    )
    assert table.override() == override and table.both()[1] == override


def test_an_admin_of_some_cameras_sets_no_limits_of_the_whole_site(cloud):
    status, body = limit(signed_in(JO, "[admin cameras-doors]"), per_day=5)
    assert (status, body["error"]["code"]) == (403, "forbidden")
    assert "limits are the whole site's" in body["error"]["message"]
    assert DynamoLimitTable(cloud).override() is None


# -- the budget -------------------------------------------------------------------------------------------------


def set_step(authorizer: dict | None = None, **body: object) -> tuple[int, dict]:
    return post("/v1/budget", body, authorizer or signed_in(JO, "[admin]"))


def in_hours(hours: float) -> str:
    return format_utc(datetime.now(UTC) + timedelta(hours=hours))


def test_an_admin_sets_what_a_camera_or_all_give_up_until_a_time_with_who_and_when(cloud):
    now, until = datetime.now(UTC), in_hours(2)
    status, body = set_step(step="keep-only", until=until)
    said = body["set"]
    assert (status, said["camera"], said["step"], said["until"]) == (200, None, "keep-only", until)
    assert (said["by"], said["name"], said["is_you"]) == ("user:jo", "jo", True)
    assert set_step(step="full", until=until, camera="yard")[1]["set"]["camera"] == "yard"
    # As the watchdog reads it.
    of_all, own = DynamoBudgetTable(cloud).pins()
    assert (of_all.camera_id, of_all.step, of_all.by) == (None, BudgetStep.KEEP_ONLY, f"user:{JO}")
    assert (own.camera_id, own.step, own.until) == ("yard", BudgetStep.FULL, of_all.until)
    assert now <= of_all.at <= own.at <= datetime.now(UTC)


@pytest.mark.parametrize("ends", [{}, {"step": None, "until": None}, {"step": "slower", "until": format_utc(NOW)}])
def test_what_an_admin_has_set_ends_at_once(cloud, ends):
    set_step(step="slower", until=in_hours(1))
    assert set_step(**ends) == (200, {"set": None})
    (pin,) = DynamoBudgetTable(cloud).pins()
    assert not pin.holds(datetime.now(UTC))


def test_an_admin_of_some_cameras_sets_steps_of_these_alone(cloud):
    doors, attic = signed_in(JO, "[admin cameras-doors]"), signed_in(JO, "[admin cameras-attic]")
    status, body = set_step(doors, step="slower", until=in_hours(1))
    assert (status, body["error"]["code"]) == (403, "forbidden") and "name one" in body["error"]["message"]
    assert set_step(doors, step="slower", until=in_hours(1), camera="front")[0] == 200
    status, body = set_step(attic, step="slower", until=in_hours(1), camera="yard")
    assert (status, body["error"]["code"]) == (400, "invalid_parameter") and "yard" in body["error"]["message"]
    assert [pin.camera_id for pin in DynamoBudgetTable(cloud).pins()] == ["front"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"step": "none"}, "step"),
        ({"step": 4}, "step"),
        ({"until": "tomorrow"}, "until"),
        ({"until": format_utc(NOW + timedelta(days=32))}, "until"),
        ({"until": None}, "until"),
        ({"step": None}, "until"),
        ({"camera": "attic"}, "camera"),
        ({"camera": "PIN#"}, "camera"),
        ({"more": 1}, "unknown parameter"),
    ],
)
def test_a_wrong_step_is_refused_and_nothing_is_set(cloud, wrong, field):
    status, body = set_step(**({"step": "slower", "until": in_hours(1)} | wrong))
    assert status == 400 and body["error"]["message"].startswith(field)
    assert DynamoBudgetTable(cloud).pins() == []


# -- who is refused ---------------------------------------------------------------------------------------------

ON_CAMERAS = ("/v1/alerts/answer", "/v1/alerts/notes", "/v1/snoozes/end")
BODIES = (*ON_CAMERAS, "/v1/me/seen", "/v1/limits", "/v1/budget")


def a_body(path: str, alert: Alert) -> dict:
    if path == "/v1/me/seen":
        return {"until": format_utc(NOW)}
    if path == "/v1/limits":
        return {"until": format_utc(NOW + timedelta(hours=1)), "per_day": 5}
    if path == "/v1/budget":
        return {"until": format_utc(NOW + timedelta(hours=1)), "step": "slower"}
    more = {"/v1/alerts/answer": {"kind": "taken"}, "/v1/alerts/notes": {"text": "The postman"}}
    return naming(alert) | more[path] if path in more else {"rule": "people", "scope": SCOPE}


@pytest.mark.parametrize(("path", "least"), [(path, needed) for (_, path), needed in handler.ROLES.items()])
@pytest.mark.parametrize("group", ["viewer", "operator", "admin"])
def test_who_may_not_act_is_told_and_changes_nothing(alerts, alert, path, least, group):
    act(alert, "snoozed")
    before = alerts.get(alert.ref), alerts.rule_states()
    status, body = post(path, a_body(path, alert), signed_in(JO, f"[{group}]"))
    if ["viewer", "operator", "admin"].index(group) + 1 >= least:
        assert status == 200
    else:
        assert (status, body["error"]["code"]) == (403, "forbidden")
        assert f"this needs the group {least.group} or above" in body["error"]["message"]
        assert (alerts.get(alert.ref), alerts.rule_states()) == before


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    "authorizer", [{"iam": {}}, {"jwt": {"claims": {}}}, {"jwt": {"claims": {"sub": MARIA}}}, signed_in(groups="[x]")]
)
def test_without_a_token_or_a_group_nothing_is_done(alerts, alert, path, authorizer):
    assert post(path, a_body(path, alert), authorizer)[0] == 403
    assert alerts.get(alert.ref) == alert


@pytest.mark.parametrize("path", ON_CAMERAS)
def test_on_a_camera_of_another_group_nothing_is_done_and_nothing_is_there(alerts, alert, path):
    act(alert, "snoozed")
    before = alerts.get(alert.ref), alerts.rule_states()
    status, body = post(path, a_body(path, alert), signed_in(JO, "[admin cameras-attic]"))
    assert (status, body["error"]["code"]) == (404, "not_found")
    assert (alerts.get(alert.ref), alerts.rule_states()) == before
    assert get("/v1/snoozes", signed_in(JO, "[viewer cameras-attic]")) == {"snoozes": []}
    assert post(path, a_body(path, alert), signed_in(JO, "[admin cameras-attic cameras-doors]"))[0] == 200


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("told", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_a_body_that_does_not_say_that_it_is_json_is_refused(alerts, alert, path, told):
    headers = {"content-type": told} if told else {}
    status, body = post(path, a_body(path, alert), signed_in(groups="[admin]"), headers=headers)
    assert (status, body["error"]["code"]) == (415, "unsupported_media_type")
    assert alerts.get(alert.ref) == alert


# -- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/alerts/answer", "/v1/alerts/notes"])
@pytest.mark.parametrize(
    "wrong", [{"alert_id": "another"}, {"camera": "yard"}, {"captured_at": "2026-01-31T18:00:00Z"}]
)
def test_an_unknown_alert_is_not_found(alert, path, wrong):
    status, body = post(path, a_body(path, alert) | wrong)
    assert (status, body["error"]["code"]) == (404, "not_found")
    assert "has no alert" in body["error"]["message"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "seen"}, "kind: must be one of taken, snoozed, false-alarm, closed"),
        ({"kind": None}, "kind: is missing"),
        ({"kind": ["taken"]}, "kind: must be one of"),
        ({"camera": None}, "camera: is missing; camera_id of the alert"),
        ({"camera": "front#2026"}, "camera: must be an id of the site file"),
        ({"camera": 5}, "camera: must be an id of the site file"),
        ({"captured_at": 1769882400}, "captured_at: must be an RFC 3339 time with its zone"),
        ({"captured_at": "yesterday"}, "captured_at: must be an RFC 3339 time with its zone"),
        ({"alert_id": ""}, "alert_id: must be text of 1 to 900 bytes"),
        ({"alert_id": "\U0001f6aa" * 226}, "alert_id: must be text of 1 to 900 bytes"),
        ({"minutes": 30}, "minutes: only goes with the kind snoozed"),
        ({"kind": "snoozed", "minutes": 4}, "minutes: must be a whole number from 5 to 480"),
        ({"kind": "snoozed", "minutes": 481}, "minutes: must be a whole number from 5 to 480"),
        ({"kind": "snoozed", "minutes": "30"}, "minutes: must be a whole number from 5 to 480"),
        ({"kind": "snoozed", "minutes": True}, "minutes: must be a whole number from 5 to 480"),
        ({"minuts": 30}, "unknown parameter 'minuts'; did you mean 'minutes'?"),
    ],
)
def test_a_wrong_answer_is_refused_with_the_field_and_what_is_allowed(alerts, alert, wrong, said):
    status, body = post("/v1/alerts/answer", naming(alert) | {"kind": "taken"} | wrong)
    assert (status, body["error"]["code"]) == (400, "invalid_parameter")
    assert said in body["error"]["message"]
    assert alerts.get(alert.ref) == alert


@pytest.mark.parametrize("text", ["", " \n ", "x" * 501, 5, None, "a\x00b", "a\u202eb"])
def test_a_wrong_note_is_refused(alerts, alert, text):
    status, body = note(alert, text)
    assert status == 400 and body["error"]["message"].startswith("text: ")
    assert alerts.get(alert.ref) == alert


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("body", ["", "x", "[]", "[" * 9_999, '{"camera": "\\ud800"}', " " * 10_001, "1e999"])
def test_a_body_that_is_no_request_is_refused(cloud, path, body):
    status, said = post(path, body, signed_in(groups="[admin]"))
    assert status == 400 and said["error"]["message"].startswith("body: ")


_JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.none())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(BODIES),
    st.dictionaries(
        st.sampled_from(
            ["camera", "captured_at", "alert_id", "kind", "minutes", "text", "rule", "scope", "until", "x"]
        ),
        _JSON,
    ),
)
def test_no_request_is_ever_a_500(cloud, alert_once, path, changed):
    asked = {name: value for name, value in (a_body(path, alert_once) | changed).items()}
    assert post(path, asked, signed_in(groups="[admin]"))[0] in (200, 400, 404)


@pytest.fixture
def alert_once(alert) -> Alert:
    return alert


@pytest.mark.parametrize(("path", "method"), [("/v1/alerts", "GET"), ("/v1/alerts/answer", "GET"), ("/", "POST")])
def test_any_other_address_is_not_found(cloud, path, method):
    answer = handler.lambda_handler(event(path, method=method, authorizer=signed_in()), CONTEXT)
    assert answer["statusCode"] == 404


def test_a_store_that_is_down_is_a_503_that_says_when_to_try_again(cloud, alert, monkeypatch):
    def fail(*_args, **_kwargs):
        raise StorageUnavailable("table secret-table: throttled")

    monkeypatch.setattr(handler, "answer_alert", fail)
    status, body = post("/v1/alerts/answer", naming(alert) | {"kind": "taken"})
    assert (status, body["error"]["code"]) == (503, "unavailable") and "secret-table" not in json.dumps(body)


# -- its description --------------------------------------------------------------------------------------------


def test_every_route_has_one_function_that_answers_it():
    assert handler.ROLES.keys() | reader.ROLES.keys() == ROUTES.keys()
    assert not handler.ROLES.keys() & reader.ROLES.keys()
    for function in (handler, reader):
        assert function.ROLES.keys() == function._ANSWERS.keys()
    assert all(method == "POST" for method, _ in handler.ROLES)


def test_the_document_names_the_fields_that_are_taken_and_answered(alert):
    schemas = openapi.document()["components"]["schemas"]
    answered = act(alert, "snoozed")
    assert set(schemas["AnsweredView"]["required"]) == set(answered)
    assert set(schemas["AlertView"]["required"]) == set(note(alert, "The postman")[1])
    (snooze,) = get("/v1/snoozes", signed_in())["snoozes"]
    assert set(schemas["SnoozeView"]["required"]) == set(snooze)
    assert set(schemas["SnoozeEndView"]["required"]) == set(end("people")[1])
    assert set(schemas["MeView"]["required"]) == set(get("/v1/me", signed_in()))
    assert set(schemas["AnswerRequest"]["required"]) == {"camera", "captured_at", "alert_id", "kind"}


def test_the_document_says_who_may_ask_each():
    paths = openapi.document()["paths"]
    for (method, path), route in ROUTES.items():
        assert f"Needs the group {route.role.group} or above." in paths[path][method.lower()]["description"]


def test_importing_the_handler_does_nothing():
    code = (
        "from lambdas.operator_actions import handler as h; print(h.settings.cache_info()[3], h.deps.cache_info()[3])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env={"PATH": ""}, text=True)
    assert ran.stdout == "0 0\n" and ran.stderr == ""
