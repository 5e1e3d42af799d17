"""What callers send: queries, cursors, bodies, claims, and the tokens of the links in texts."""

import base64
import json
import logging
import math
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from framewatch.adapters.aws.http_api import NotJson, dispatch, guarded, json_response, json_text, query_pairs
from framewatch.domain.access import Caller
from framewatch.domain.errors import InvalidQuery
from framewatch.services.fetch_frames import decode_cursor
from framewatch.services.list_filters import filters_of
from framewatch.services.list_pages import decode_place, encode_place, is_sort_key
from framewatch.wire import (
    api,
    api_actions,
    api_alerts,
    api_budget,
    api_costs,
    api_limits,
    api_rules,
    api_stats,
    api_visits,
)
from framewatch.wire.api_routes import ROUTES
from framewatch.wire.caller import read_caller
from framewatch.wire.envelope import format_utc
from tests.fuzz import PASSWORD, PHONE, TOKEN, cases, read
from tests.fuzz.mutations import any_value, as_json, broken, broken_document, changed_json, seeded, some_text

QUERIES = {
    "/v1/frames": api.parse_frames_query,
    "/v1/frames/around": api.parse_around_query,
    "/v1/alerts": api_alerts.parse_alerts_query,
    "/v1/withheld": api_alerts.parse_withheld_query,
    "/v1/latency": api_alerts.parse_latency_query,
    "/v1/visits": api_visits.parse_visits_query,
    "/v1/stats": api_stats.parse_stats_query,
    "/v1/costs": api_costs.parse_costs_query,
}
# Routes whose answer depends on nothing that is sent.
ASKED_NOTHING = {
    ("GET", f"/v1/{name}")
    for name in ("site", "me", "openapi.json", "snoozes", "cameras", "health", "limits", "budget")
}
_ALERT = {"camera": "front", "captured_at": "2026-03-14T12:00:01.500000Z", "alert_id": "visit-1/watch"}
BODIES = {
    "/v1/alerts/answer": (api_actions.parse_answer, {**_ALERT, "kind": "snoozed", "minutes": 30}),
    "/v1/alerts/notes": (api_actions.parse_note, {**_ALERT, "text": "a fox"}),
    "/v1/me/seen": (api_actions.parse_seen, {"until": "2026-03-14T12:00:00Z"}),
    "/v1/snoozes/end": (api_actions.parse_end_snooze, {"rule": "watch", "scope": "group:doors"}),
    "/v1/limits": (
        api_limits.parse_limits,
        {"until": "2026-03-14T12:00:00Z", "per_day": 5, "per_contact_and_hour": 2, "monthly_budget_usd": 1.5},
    ),
    "/v1/budget": (api_budget.parse_budget, {"step": "slower", "until": "2026-03-14T12:00:00Z", "camera": "front"}),
    "/v1/rules/test": (
        api_rules.parse_rule_test,
        {"rules": [{"id": "people", "labels": ["Person"]}], "camera": "front", "from": "2026-03-14T12:00:00Z"},
    ),
}
_NAMES = [
    *(
        "camera",
        "label",
        "from",
        "to",
        "at",
        "limit",
        "cursor",
        "watch_only",
        "min_confidence",
        "month",
        "step",
        "rule",
    ),
    *("reason", "severity", "state", "zone", "query", "Camera", "", "camera[]", "__proto__"),
]
_TIMES = (
    "2026-03-14T12:00:00Z",
    "2026-03-14t12:00:00.123456789+14:00",
    "9999-12-31T23:59:59-23:59",
    "1000-01-01T00:00:00Z",
)
_VALUES = (*_TIMES, "front", "Person", "true", "10", "50.5", "2026-03", "hour", PHONE, PASSWORD, "١٢", "1e5", "-1")


def pairs_of(random):
    def value():
        return random.choice(_VALUES) if random.random() < 0.6 else str(any_value(random))

    def name():
        return random.choice(_NAMES) if random.random() < 0.9 else some_text(random, 8)

    return [(name(), value()) for _ in range(random.randrange(6))]


PAIRS = seeded(pairs_of)


def test_every_route_is_fuzzed_or_takes_nothing():
    read_here = {("GET", path) for path in QUERIES} | {("POST", path) for path in BODIES} | ASKED_NOTHING
    assert read_here == set(ROUTES)


def _says_only_what_it_may(query) -> None:
    for name, value in query:
        if isinstance(value, datetime):
            assert value.tzinfo is UTC and len(format_utc(value)) == 27, name
        if isinstance(value, float):
            assert math.isfinite(value), name


@cases(120)
@given(st.sampled_from(sorted(QUERIES)), PAIRS)
def test_any_query_is_read_or_refused(path, pairs):
    # The name that is not known is repeated, and is no secret; a value never is.
    found = read(QUERIES[path], pairs, refuses=InvalidQuery)
    if found is not None:
        _says_only_what_it_may(found)
        json.dumps(filters_of(found))


@cases(40)
@given(PAIRS, st.text(max_size=30), st.booleans())
def test_any_query_string_is_pairs_of_text_or_refused(pairs, more, is_raw):
    text = (
        "&".join(
            f"{quote(n, safe='', errors='replace')}={quote(v[:500], safe='', errors='replace')}" for n, v in pairs
        )
        + more
    )
    event = {"rawQueryString": text} if is_raw else {"queryStringParameters": dict(pairs) or None}
    found = read(query_pairs, event, refuses=InvalidQuery)
    assert found is None or all(isinstance(part, str) for pair in found for part in pair)


@cases(120)
@given(seeded(lambda random: (path := random.choice(sorted(BODIES)), changed_json(random, BODIES[path][1]))))
def test_any_body_is_read_or_refused(sent):
    path, body = sent
    parse, _ = BODIES[path]
    found = read(parse, body.decode("utf-8", "replace"), refuses=InvalidQuery)
    if found is not None:
        _says_only_what_it_may(found)


@cases(20)
@given(
    broken([b'{"a": 1}', b"eyJhIjogMX0=", b"\xff\xfe"]),
    st.booleans(),
    st.sampled_from(["application/json", "Application/JSON; x", "text/plain", ""]),
)
def test_any_bytes_are_a_body_or_refused(body, is_base64, kind):
    event = {"headers": {"Content-Type": kind}, "body": body.decode("latin-1"), "isBase64Encoded": is_base64}
    found = read(json_text, event, refuses=(InvalidQuery, NotJson))
    assert found is None or isinstance(found, str)


# -- cursors ----------------------------------------------------------------------------------------------------

_PLACES = ["2026-03-14T12:00:00.000000Z#front.1", "2026-03-14U", "2026-03-14T12:00:00.000000Z#front-1/Ärger"]
_FILTERS = filters_of(api.FramesQuery())


def _forged(body: object) -> str:
    """What somebody who knows how cursors are made can hand in; the hash is no secret."""
    return base64.urlsafe_b64encode(as_json(body).encode()).decode().rstrip("=")


_FORGED = broken_document(
    [
        json.loads(base64.urlsafe_b64decode(encode_place(place, _FILTERS, within) + "=="))
        for place in _PLACES
        for within in (None, "x")
    ]
).map(_forged)
_CUT = broken([encode_place(place, _FILTERS).encode() for place in _PLACES]).map(
    lambda cursor: cursor.decode("latin-1")
)


@cases(60)
@given(_FORGED | _CUT | st.text(max_size=40))
def test_any_cursor_is_a_place_that_a_table_can_be_asked_for_or_refused(cursor):
    found = read(decode_place, cursor, _FILTERS, is_sort_key, refuses=InvalidQuery)
    if found is not None:
        place, within = found
        assert datetime.fromisoformat(place[:10]) and 0 < len(place.encode()) <= 1000
        assert within is None or isinstance(within, str)


@cases(30)
@given(_FORGED | _CUT)
def test_any_cursor_of_the_frames_is_a_place_or_refused(cursor):
    assume(cursor)
    found = read(decode_cursor, api.FramesQuery(cursor=cursor[:600]), refuses=InvalidQuery)
    assert found is None or found[:4].isdigit()


# -- who calls --------------------------------------------------------------------------------------------------

_CLAIMS = {
    "version": "2.0",
    "rawPath": "/v1/site",
    "requestContext": {
        "http": {"method": "GET"},
        "authorizer": {
            "jwt": {"claims": {"sub": "s", "username": "ana", "cognito:groups": "[viewer cameras:doors]"}}
        },
    },
}


@cases(60)
@given(broken_document([_CLAIMS]))
def test_no_claims_are_an_error_or_make_more_of_a_caller(event):
    if not isinstance(event, dict):
        return
    caller = read(read_caller, event, refuses=())
    if caller is not None:
        assert isinstance(caller, Caller) and caller.subject
        assert caller.role is None or caller.role.name == "VIEWER"


@cases(20)
@given(st.sampled_from(sorted(ROUTES)), broken_document([_CLAIMS["requestContext"]["authorizer"]]))
def test_a_request_with_any_claims_gets_one_of_our_answers(address, authorizer):
    method, path = address
    event = {"rawPath": path, "requestContext": {"http": {"method": method}, "authorizer": authorizer}}
    caller = read_caller(event)
    if caller is not None and caller.subject != "s":
        return  # an id of the pool is signed, and told in the log
    roles = {each: route.role for each, route in ROUTES.items()}
    answers = dict.fromkeys(ROUTES, lambda event, caller: json_response(200, "{}"))
    log = logging.getLogger("framewatch.fuzz")
    answer = read(lambda: guarded(lambda: dispatch(event, roles, answers, log), log), refuses=())
    assert answer["statusCode"] in (200, 403)
    if answer["statusCode"] == 200:
        assert ROUTES[address].role.name == "VIEWER"
    assert TOKEN not in answer["body"]


@pytest.mark.parametrize("path", sorted(QUERIES))
def test_a_query_of_the_longest_values_is_refused_at_once(path):
    for name in _NAMES[:12]:
        assert read(QUERIES[path], [(name, "9" * 1_000_000)], refuses=InvalidQuery) is None


@pytest.mark.parametrize("path", sorted(BODIES))
@pytest.mark.parametrize(
    "body",
    ["[" * 600_000, '{"a":' * 100_000, "9" * 600_000, '{"' + "a" * 600_000 + '":1}', '"' + "\\ud800" * 90_000 + '"'],
)
def test_a_body_of_the_worst_form_is_refused_at_once(path, body):
    for text in (body, body[:9_999]):
        assert read(BODIES[path][0], text, refuses=InvalidQuery) is None
