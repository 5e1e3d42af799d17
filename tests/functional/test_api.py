"""The whole API against its own description: whoever asks, whatever is sent, the answer is one that is described.

Requests come from docs/openapi.json, which test_frame_fetcher.py holds to the code: what we thought of as hostile.
"""

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.domain.access import Role
from framewatch.wire.api_routes import ACTOR, READER, ROUTES, Address
from framewatch.wire.envelope import format_utc
from infra.settings import REPO
from lambdas.frame_fetcher import handler as reader
from lambdas.operator_actions import handler as actor
from tests.aws import forget, stage_on_moto
from tests.functional.test_frame_fetcher import CAR, PERSON, claims, event, frame
from tests.functional.test_operator_actions import NOW, SITE, naming, put_alert

FUNCTIONS = {READER: reader, ACTOR: actor}
CONTEXT = SimpleNamespace(aws_request_id="1", function_name="api")
DOCUMENT: dict[str, Any] = json.loads((REPO / "docs" / "openapi.json").read_text("utf-8"))
ADDRESSES = sorted(ROUTES)
NOBODY: dict[str, Any] = {}
# Who asks, and what they are to the API.
CALLERS: dict[str, tuple[dict[str, Any], Role | None]] = {
    "nobody": (NOBODY, None),
    "in-no-group": (claims(None), None),
    "in-other-groups": (claims("[Admin administrators viewers]"), None),
    "viewer": (claims("[viewer]"), Role.VIEWER),
    "operator": (claims("[operator]"), Role.OPERATOR),
    "admin": (claims("[admin]"), Role.ADMIN),
    "viewer-and-operator": (claims("[viewer operator]"), Role.OPERATOR),
}


def name_of(address: Address) -> str:
    return " ".join(address)


@pytest.fixture(scope="module")
def alert():
    """Of a site with frames, a visit and an alert, which the functions serve."""
    with stage_on_moto(SITE) as (_, dynamodb):
        table = DynamoTable(dynamodb, "table")
        for number, labels in enumerate([(CAR,), (PERSON, CAR), ()]):
            at = NOW - timedelta(minutes=number)
            assert DynamoFrameTable(table).put(frame("front", number, at, *labels), NOW + timedelta(days=90))
        forget(*FUNCTIONS.values())
        yield put_alert(table, NOW - timedelta(minutes=2))
        forget(*FUNCTIONS.values())


def ask(address: Address, query: str = "", body: str | None = None, authorizer: Any = None) -> tuple[int, Any]:
    """Status and body. The answer is as it is described, or this fails."""
    method, path = address
    sent = event(path, query, method, authorizer, body if method == "POST" else None)
    answer = FUNCTIONS[ROUTES[address].function].lambda_handler(sent, CONTEXT)
    status, found = answer["statusCode"], json.loads(answer["body"])
    assert answer["headers"]["Content-Type"] == "application/json"
    described = DOCUMENT["paths"][path][method.lower()]["responses"]
    assert str(status) in described, f"{name_of(address)} answered {status}, which is not described: {found}"
    schema = described[str(status)]["content"]["application/json"]["schema"]
    jsonschema_rs.validate({**schema, "components": DOCUMENT["components"]}, found)
    return status, found


# -- who may ask what --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("address", ADDRESSES, ids=name_of)
def test_exactly_those_whom_the_description_names_are_let_in(alert, address, caller):
    authorizer, role = CALLERS[caller]
    told = DOCUMENT["paths"][address[1]][address[0].lower()]["description"]
    (needed,) = [each for each in Role if f"Needs the group {each.group} or above." in told]
    forget(*FUNCTIONS.values())
    status, body = ask(address, body="{}", authorizer=authorizer)
    if role is not None and role >= needed:
        assert status in (200, 400)
        return
    assert (status, body["error"]["code"]) == (403, "forbidden")
    # Nothing was read for whoever was refused.
    assert all(function.deps.cache_info().currsize == 0 for function in FUNCTIONS.values())


def test_a_token_that_was_checked_by_nobody_lets_nobody_in(alert):
    """What the caller wrote themselves, in place of what API Gateway's authorizer found."""
    for address in ADDRESSES:
        for forged in ({"jwt": {"claims": {}}}, {"lambda": {"cognito:groups": "[admin]"}}, {"jwt": None}):
            assert ask(address, body="{}", authorizer=forged)[0] == 403


# -- whatever is sent ----------------------------------------------------------------------------------------------

_HOSTILE = st.sampled_from(
    [
        *("", " ", "\x00", "\ufeff", "null", "true", "-1", "0", "1e999", "NaN", "9" * 40, "x" * 600, "../..", "%00"),
        *("'; DROP TABLE frames;--", "<script>alert(1)</script>", "{}", "[]", "\U0001f600", "\u202e", "front,yard"),
        *("0000-00-00T00:00:00Z", "1000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59"),
        *("2026-02-30T00:00:00Z", "2026-10-25T02:30:00", "Z" * 99),
    ]
) | st.text(st.characters(codec="utf-8"), max_size=30)
_NAMES = ["front", "yard", "people", "Person", "Car"]
# Most of what can go wrong with a time goes wrong at the ends of the calendar.
_TIMES = [format_utc(NOW - timedelta(minutes=n)) for n in (0, 1, 90)]
_TIMES += ["1000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]
_RIGHT = {"boolean": ["true", "false"], "integer": ["1", "100", "3600"], "number": ["0", "60.5", "100"]}


def right_words(schema: dict[str, Any]) -> list[str]:
    schema = schema.get("items", schema)
    if schema.get("format") == "date-time":
        return _TIMES
    return schema.get("enum") or _RIGHT.get(schema["type"], _NAMES)


@st.composite
def queries(draw: st.DrawFn, described: list[dict[str, Any]]) -> str:
    """Some of the parameters; all of them right every second time, since one that is wrong is refused at once."""
    all_right = draw(st.booleans())
    pairs = []
    for parameter in described:
        words = st.sampled_from([str(word) for word in right_words(parameter["schema"])])
        often = 1 if parameter["required"] else draw(st.sampled_from([0, 0, 1] if all_right else [0, 0, 1, 2]))
        pairs += [(parameter["name"], draw(words if all_right else words | _HOSTILE)) for _ in range(often)]
    if not all_right:
        pairs += draw(st.lists(st.tuples(_HOSTILE, _HOSTILE), max_size=1))
    return urlencode(draw(st.permutations(pairs)))


_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_HOSTILE, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """Anything at all, whole or cut short. Bodies that are nearly right: test_api_by_schemathesis.py."""
    text = json.dumps(draw(_ANY_JSON))
    return draw(st.sampled_from([text, text[:-1], text * 2]))


@pytest.mark.parametrize("examples", [25, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
@pytest.mark.parametrize("address", ADDRESSES, ids=name_of)
def test_whatever_is_sent_the_answer_is_one_that_is_described_and_never_a_5xx(alert, address, examples):
    told = DOCUMENT["paths"][address[1]][address[0].lower()]

    @settings(max_examples=examples, deadline=None, database=None)
    @given(queries(told.get("parameters", [])), bodies())
    def sent(query: str, body: str) -> None:
        status, found = ask(address, query, body, claims("[admin]"))
        assert status < 500, (query, body, found)

    sent()


def test_the_alert_that_the_site_has_is_found_answered_and_noted_as_it_is_described(alert):
    """So that the test above has more to look at than refusals and empty pages."""
    admin, named = claims("[admin]"), naming(alert)
    for address in ADDRESSES:
        if address[0] == "GET":
            query = urlencode({"camera": "front", "at": format_utc(NOW)}) if address[1].endswith("/around") else ""
            assert ask(address, query, authorizer=admin)[0] == 200
    assert ask(("GET", "/v1/alerts"), authorizer=admin)[1]["alerts"]
    assert ask(("GET", "/v1/frames"), authorizer=admin)[1]["frames"]
    for path, body in (
        ("/v1/alerts/answer", named | {"kind": "snoozed", "minutes": 30}),
        ("/v1/alerts/notes", named | {"text": "the postman"}),
        ("/v1/snoozes/end", {"rule": alert.rule_id, "scope": alert.scope}),
        ("/v1/rules/test", {}),
    ):
        assert ask(("POST", path), body=json.dumps(body), authorizer=admin)[0] == 200
    unknown = named | {"kind": "taken", "alert_id": "0" * len(alert.alert_id)}
    assert ask(("POST", "/v1/alerts/answer"), body=json.dumps(unknown), authorizer=admin)[0] == 404
