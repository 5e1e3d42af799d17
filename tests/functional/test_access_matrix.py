"""Who gets what from every route of the API: role x route x whose camera, from one table; and what answers may name.

The routes come from docs/openapi.json: one that is new has no entry here, and fails until somebody has said who may
ask it and what a person is told who may see other cameras only. Everything of the hidden camera is called `cellar`,
so that whatever leaks has that word in it.
"""

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.budget_table import DynamoBudgetTable
from framewatch.adapters.aws.count_table import DynamoCountTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.adapters.aws.trouble_table import DynamoTroubleTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.access import Role
from framewatch.domain.alerts import Alert, IncidentSighting
from framewatch.domain.budget import (
    BudgetCause,
    BudgetChange,
    BudgetPin,
    BudgetState,
    BudgetStep,
    CameraStep,
    ChangeKind,
)
from framewatch.domain.frames import FrameMeta
from framewatch.domain.heartbeats import CameraState
from framewatch.domain.hourly import bucket_of, hour_of
from framewatch.domain.labels import Instance, Label
from framewatch.domain.trouble_life import Stage, TroubleLife
from framewatch.domain.troubles import TroubleKind
from framewatch.domain.visits import Visit, VisitChange, VisitSighting
from framewatch.services.ports import Decided
from framewatch.services.try_rules import TrialTables, try_rules
from framewatch.wire.api_routes import ROUTES, Address
from framewatch.wire.envelope import format_utc
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.site_file import load_site_text
from tests.aws import items_of_the_site, stage_on_moto
from tests.frames import make_heartbeat
from tests.functional.test_api import CONTEXT, DOCUMENT, FUNCTIONS, forget, name_of
from tests.functional.test_frame_fetcher import claims, event
from tests.functional.test_operator_actions import naming
from tests.secrets_in import secrets_in

NOW = datetime.now(UTC).replace(microsecond=0)
SEEN_AT = NOW - timedelta(minutes=50)
LATER = NOW + timedelta(days=90)
HIDDEN = "cellar"
OWN, OTHER = "front", "cellar-1"
HALF = "[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]"
SITE = f"""\
site: {{name: Home, time_zone: Europe/Madrid}}
cameras:
  - {{id: {OWN}, name: Front door, group: doors, zones: [{{id: step, points: {HALF}}}]}}
  - {{id: {OTHER}, name: Wine cellar, group: cellar, zones: [{{id: cellar-rack, points: {HALF}}}]}}
contacts: [{{id: ana, phone: "+34600123456"}}]
rules:
  - {{id: people, labels: [Person], notify: [ana]}}
  - {{id: thirst, labels: [Cellar rat], cameras: [{OTHER}], notify: [ana]}}
  - {{id: cellar-rule, labels: [Person], zones: [cellar-rack], notify: [ana]}}
budget: {{per_month_usd: 50}}
"""
PERSON = Label("Person", 91.5, instances=(Instance((0.1, 0.2, 0.3, 0.9), 91.5),))
SHADOW = replace(PERSON, confidence=50.0)
RAT = Label("Cellar rat", 95.0, instances=(Instance((0.1, 0.2, 0.3, 0.9), 95.0),))


@dataclass(frozen=True)
class Asks:
    """What one route is asked about a camera, and what somebody is told who may see only others.

    query, body: the camera goes in for `{camera}`. other: the status for a camera that the caller may not see; 200
    where the request names none. limited: the status for whoever may see only some cameras, whatever is asked.
    names_cameras: whether an answer to somebody who may see all of them does.
    """

    role: Role
    query: str = ""
    body: str = ""
    other: int = 200
    limited: int = 200
    names_cameras: bool = True


ABOUT = "camera={camera}"
# Who may ask what. Written down once more, and not read from the code: what the code says is what is tried here.
ACCESS: dict[Address, Asks] = {
    ("GET", "/v1/frames"): Asks(Role.VIEWER, ABOUT, other=400),
    ("GET", "/v1/frames/around"): Asks(Role.VIEWER, ABOUT + "&at={seen_at}", other=400),
    ("GET", "/v1/alerts"): Asks(Role.VIEWER, ABOUT, other=400),
    ("GET", "/v1/withheld"): Asks(Role.VIEWER, ABOUT, other=400),
    ("GET", "/v1/latency"): Asks(Role.VIEWER, ABOUT, other=400, names_cameras=False),
    ("GET", "/v1/visits"): Asks(Role.VIEWER, ABOUT, other=400),
    ("GET", "/v1/stats"): Asks(Role.VIEWER, ABOUT, other=400),
    ("GET", "/v1/site"): Asks(Role.VIEWER),
    ("GET", "/v1/cameras"): Asks(Role.VIEWER),
    ("GET", "/v1/health"): Asks(Role.VIEWER),
    ("GET", "/v1/snoozes"): Asks(Role.VIEWER),
    ("GET", "/v1/me"): Asks(Role.VIEWER, names_cameras=False),
    ("GET", "/v1/limits"): Asks(Role.VIEWER, names_cameras=False),
    ("GET", "/v1/openapi.json"): Asks(Role.VIEWER, names_cameras=False),
    ("GET", "/v1/costs"): Asks(Role.OPERATOR),
    ("GET", "/v1/budget"): Asks(Role.OPERATOR),
    ("POST", "/v1/rules/test"): Asks(Role.OPERATOR, body='{"camera": "{camera}"}', other=400),
    ("POST", "/v1/alerts/answer"): Asks(Role.OPERATOR, body='{alert, "kind": "taken"}', other=404),
    ("POST", "/v1/alerts/notes"): Asks(Role.OPERATOR, body='{alert, "text": "the postman"}', other=404),
    ("POST", "/v1/me/seen"): Asks(Role.VIEWER, body='{"until": "{seen_at}"}', names_cameras=False),
    ("POST", "/v1/snoozes/end"): Asks(Role.ADMIN, body='{"rule": "people", "scope": "group:{group}"}', other=404),
    # Of the whole site, so for nobody who may see but some of it.
    ("POST", "/v1/limits"): Asks(Role.ADMIN, body='{"per_day": 5, "until": "{until}"}', other=403, limited=403),
    ("POST", "/v1/budget"): Asks(
        Role.ADMIN, body='{"camera": "{camera}", "step": "slower", "until": "{until}"}', other=400
    ),
}
# What an answer names only where the request has named it.
NAMED_ONLY_IF_ASKED = {("GET", "/v1/frames/around"), ("POST", "/v1/rules/test")}

# The groups of the user pool beside the role -> the cameras that these let somebody see.
OWNERSHIP: dict[str, frozenset[str]] = {
    "": frozenset({OWN, OTHER}),
    "cameras-doors": frozenset({OWN}),
    "cameras-doors cameras-cellar": frozenset({OWN, OTHER}),
    "cameras-none": frozenset(),
}
NOBODY: dict[str, dict[str, Any]] = {
    "nobody": {},
    "nobody's claims": {"jwt": {"claims": {}}},
    "another authorizer's": {"lambda": {"sub": "x", "cognito:groups": "[admin]"}},
    "in no group": claims(None),
    "in a camera group alone": claims("[cameras-doors]"),
    "in a group of a like name": claims("[Admin admins cameras-admin]"),
}


@dataclass(frozen=True)
class Home:
    client: Any
    alerts: dict[str, Alert]

    def asked(self, asks: Asks, camera: str) -> tuple[str, str]:
        """Query and body."""
        alert = naming(self.alerts[camera])
        words = {
            "{camera}": camera,
            "{group}": "doors" if camera == OWN else "cellar",
            "{seen_at}": format_utc(SEEN_AT),
            "{until}": format_utc(NOW + timedelta(hours=1)),
            "{alert": json.dumps(alert)[:-1],
        }
        query, body = asks.query, asks.body
        for word, value in words.items():
            query, body = query.replace(word, value), body.replace(word, value)
        return query, body

    def items(self) -> list[dict[str, Any]]:
        return items_of_the_site(self.client, "table")


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """Both cameras have everything that a camera can have."""
    with stage_on_moto(SITE) as (_, dynamodb):
        forget()
        yield Home(dynamodb, _furnish(DynamoTable(dynamodb, "table")))
        forget()


def _furnish(table: DynamoTable) -> dict[str, Alert]:
    alerts = DynamoAlertTable(table)
    # The last one is withheld: nobody is sure enough of it.
    seen = [
        (OWN, [PERSON]),
        (OTHER, [PERSON, RAT]),
        (OWN, [PERSON]),
        (OTHER, [RAT]),
        (OWN, [SHADOW]),
        (OTHER, [SHADOW]),
    ]
    frames = [_frame(n, camera, *labels) for n, (camera, labels) in enumerate(seen)]
    for frame in frames:
        assert DynamoFrameTable(table).put(frame, LATER)
    try_rules(frames, load_site_text(SITE), TrialTables(DynamoVisitTable(table), alerts))
    day = SEEN_AT.date().isoformat()
    newest = {c: next(a for _, a in alerts.newest_first(c, day) if a.rule_id == "people") for c in (OWN, OTHER)}
    # Before the camera was given a group of its own, its visit was joined to the other's alert.
    passer = VisitSighting("cellar-1.f9", SEEN_AT + timedelta(minutes=3), 88.0)
    visit = Visit("cellar-1.f9/Person", OTHER, "Person", passer.captured_at, passer.captured_at, 1, passer)
    joined = IncidentSighting(OTHER, "Person", visit.visit_id, passer.frame_id, passer.captured_at, 88.0)
    DynamoVisitTable(table).apply(
        VisitChange((), visit, (passer,)), Decided(joins=((newest[OWN].ref, joined),)), LATER
    )
    for group in ("doors", "cellar"):
        alerts.put_rule_state(
            replace(
                alerts.rule_state("people", f"group:{group}"),
                snoozed_until=NOW + timedelta(hours=3),
                snoozed_by="ana",
            ),
            LATER,
        )
    _keep_watch(table)
    _keep_books(table)
    return newest


def _frame(n: int, camera: str, *labels: Label) -> StoredFrame:
    meta = FrameMeta(camera, "20260101T000000Zabcdef", n, SEEN_AT + timedelta(seconds=90 * n), 640, 480)
    return StoredFrame.of(meta, labels, (), meta.captured_at + timedelta(seconds=1))


def _keep_watch(table: DynamoTable) -> None:
    """Heartbeats of both boxes, and troubles of both cameras and of one whole box."""
    for camera, box in ((OWN, "shop-1"), (OTHER, "cellar-box")):
        beat = make_heartbeat(
            1, camera_id=camera, at=NOW, box=box, state=CameraState.STALLED, last_error=f"{camera}: no picture."
        )
        assert DynamoHeartbeatTable(table).put(StoredHeartbeat.of(beat, NOW), LATER)
    lives = [
        TroubleLife(TroubleKind.CAMERA, camera, SEEN_AT, Stage.OPEN, SEEN_AT, cameras=(camera,))
        for camera in (OWN, OTHER)
    ]
    lives.append(TroubleLife(TroubleKind.BOX, "cellar-box", SEEN_AT, Stage.OPEN, SEEN_AT, cameras=(OTHER,)))
    DynamoTroubleTable(table).put(lives, LATER)


def _keep_books(table: DynamoTable) -> None:
    """What was counted, and what the budget holds."""
    counts, budget = DynamoCountTable(table), DynamoBudgetTable(table)
    until = NOW + timedelta(days=1)
    for camera in (OWN, OTHER):
        counts.put_counted_until(camera, bucket_of(NOW), LATER)
        counts.put_hour(counts.hour(camera, hour_of(SEEN_AT)), LATER)
        budget.put_pin(BudgetPin(camera, BudgetStep.FULL, until, "user:1", "maria", NOW), LATER)
    change = BudgetChange(
        NOW, ChangeKind.GIVES_UP, BudgetCause.SET, (OWN, OTHER), BudgetStep.FULL, BudgetStep.SLOWER, until
    )
    steps = {c: CameraStep(BudgetStep.SLOWER, BudgetCause.SET, NOW, until) for c in (OWN, OTHER)}
    budget.put_state(BudgetState(steps, NOW), LATER, [change])
    own = replace(change, at=NOW + timedelta(seconds=1), camera_ids=(OTHER,))
    budget.put_state(replace(budget.state(), decided_at=own.at), LATER, [own])


def ask(address: Address, query: str, body: str, authorizer: dict[str, Any]) -> tuple[int, str]:
    method, path = address
    sent = event(path, query, method, authorizer, body if method == "POST" else None)
    answer = FUNCTIONS[ROUTES[address].function].lambda_handler(sent, CONTEXT)
    status, body = answer["statusCode"], answer["body"]
    # What is answered holds links to pictures; what is refused has nothing to hold.
    assert "+34600" not in body and (status == 200 or secrets_in(body) == [])
    return status, body


# -- who is let in at all ------------------------------------------------------------------------------------------


def test_every_route_of_the_description_has_its_entry_and_says_the_same_role() -> None:
    described = {
        (m.upper(), path): told for path, methods in DOCUMENT["paths"].items() for m, told in methods.items()
    }
    assert described.keys() == ACCESS.keys() == ROUTES.keys()
    for address, asks in ACCESS.items():
        assert f"Needs the group {asks.role.group} or above." in described[address]["description"], address
        takes_camera = any(p["name"] == "camera" for p in described[address].get("parameters", []))
        assert takes_camera == ("camera=" in asks.query), f"{address} is tried on a camera, where it takes one"


@pytest.mark.parametrize("address", ACCESS, ids=name_of)
def test_whoever_has_no_role_is_refused_and_changes_nothing(home: Home, address: Address) -> None:
    before = home.items()
    for who, authorizer in NOBODY.items():
        status, body = ask(address, *home.asked(ACCESS[address], OWN), authorizer)
        assert (status, json.loads(body)["error"]["code"]) == (403, "forbidden"), who
        assert HIDDEN not in body and OWN not in body
    assert home.items() == before


# -- what leaks ---------------------------------------------------------------------------------------------------


def texts_of(found: Any) -> Iterator[str]:
    """Every text anywhere in an answer, keys among them; and what lies in a cursor, which anybody can open."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield name
            yield from texts_of(value)
    elif isinstance(found, list):
        for value in found:
            yield from texts_of(value)
    elif isinstance(found, str):
        yield found
        with contextlib.suppress(ValueError):
            yield base64.urlsafe_b64decode(found + "=" * (-len(found) % 4)).decode("latin-1")


def leaks(body: str) -> list[str]:
    return [text for text in texts_of(json.loads(body)) if HIDDEN in text.casefold()]


GETS = [address for address in ACCESS if address[0] == "GET"]
HERS = claims("[admin cameras-doors]")


def queries(address: Address, camera: str) -> Iterator[str]:
    """With nothing; with each parameter, right or wrong."""
    asks = ACCESS[address]
    needed = {"camera": camera, "at": format_utc(SEEN_AT)} if "at=" in asks.query else {}
    yield urlencode(needed)
    for parameter in DOCUMENT["paths"][address[1]]["get"].get("parameters", []):
        schema = parameter["schema"].get("items", parameter["schema"])
        words = ["true"] if schema.get("type") == "boolean" else schema.get("enum") or []
        for value in [*map(str, words), "nothing-of-this-name", "1", format_utc(SEEN_AT - timedelta(hours=1))]:
            yield urlencode(needed | {parameter["name"]: value})


@pytest.mark.parametrize("address", GETS, ids=name_of)
def test_nothing_of_a_camera_of_another_group_stands_in_any_answer_or_refusal(home: Home, address: Address) -> None:
    answered = set()
    for query in queries(address, OWN):
        status, body = ask(address, query, "", HERS)
        answered.add(status)
        assert status in (200, 400) and leaks(body) == [], (query, leaks(body))
    assert 200 in answered
    for groups in ("cameras-none", "cameras-", "cameras-none cameras-Cellar"):
        _, body = ask(address, next(queries(address, OWN)), "", claims(f"[admin {groups}]"))
        assert leaks(body) == [] and (OWN not in body or "camera=" in ACCESS[address].query), groups


@pytest.mark.parametrize("address", GETS, ids=name_of)
def test_the_camera_is_there_for_those_who_may_see_it(home: Home, address: Address) -> None:
    """So that its absence says something."""
    camera = OTHER if address in NAMED_ONLY_IF_ASKED else OWN
    _, body = ask(address, next(queries(address, camera)), "", claims("[admin]"))
    assert (leaks(body) != []) == ACCESS[address].names_cameras


def test_a_cursor_of_somebody_who_sees_everything_shows_nobody_else_more(home: Home) -> None:
    for path in ("/v1/frames", "/v1/alerts", "/v1/withheld", "/v1/visits"):
        address = ("GET", path)
        cursor = json.loads(ask(address, "limit=1", "", claims("[viewer]"))[1])["next_cursor"]
        for _ in range(20):
            if cursor is None:
                break
            status, body = ask(address, urlencode({"limit": 1, "cursor": cursor}), "", HERS)
            assert status in (200, 400) and leaks(body) == []
            cursor = json.loads(body).get("next_cursor")
        assert cursor is None


def test_an_alert_of_a_hidden_camera_is_not_reached_by_naming_a_camera_that_one_may_see(home: Home) -> None:
    own, other = naming(home.alerts[OWN]), naming(home.alerts[OTHER])
    before = home.items()
    for mixed in (other | {"camera": own["camera"]}, own | {"alert_id": other["alert_id"]}):
        for path, more in (("/v1/alerts/answer", {"kind": "taken"}), ("/v1/alerts/notes", {"text": "x"})):
            status, body = ask(("POST", path), "", json.dumps(mixed | more), HERS)
            assert status == 404
            assert set(leaks(body)) <= {t for t in texts_of(json.loads(body)) if mixed["alert_id"] in t}
    assert home.items() == before


# -- the whole matrix; from here on things are changed ---------------------------------------------------------------


def test_what_an_action_answers_names_no_camera_of_another_group(home: Home) -> None:
    for address, asks in ACCESS.items():
        if address[0] == "POST" and asks.limited == 200:
            status, body = ask(address, *home.asked(asks, OWN), HERS)
            assert status == 200 and leaks(body) == [], address


@dataclass(frozen=True)
class Case:
    role: Role
    groups: str
    camera: str
    expected: int

    @property
    def seen(self) -> frozenset[str]:
        return OWNERSHIP[self.groups]

    @property
    def authorizer(self) -> dict[str, Any]:
        return claims(f"[{self.role.group} {self.groups}]")


def combinations(asks: Asks) -> Iterator[Case]:
    for role, groups, camera in product(Role, OWNERSHIP, (OWN, OTHER)):
        expected = 200 if not groups else asks.limited
        if camera not in OWNERSHIP[groups]:
            expected = asks.other
        yield Case(role, groups, camera, expected if role >= asks.role else 403)


@pytest.mark.parametrize("address", ACCESS, ids=name_of)
def test_each_role_gets_what_the_table_says_of_each_camera(home: Home, address: Address) -> None:
    """Refusals come first, and leave everything as it was."""
    cases = sorted(combinations(ACCESS[address]), key=lambda case: case.expected == 200)
    before = home.items()
    for case in cases:
        if case.expected == 200 and address[0] == "POST" and before:
            assert home.items() == before
            before = []
        status, body = ask(address, *home.asked(ACCESS[address], case.camera), case.authorizer)
        assert status == case.expected, (case, body)
        if OTHER not in case.seen and case.camera == OWN:
            assert leaks(body) == [], case
    assert not before or home.items() == before
