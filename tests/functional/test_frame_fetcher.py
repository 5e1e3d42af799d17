"""The function as API Gateway calls it, on S3 and DynamoDB that moto plays."""

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.adapters.aws.function import SettingsError
from framewatch.domain import access
from framewatch.domain.errors import StorageUnavailable
from framewatch.domain.frames import GateReason, make_frame_id
from framewatch.domain.labels import Instance, Label
from framewatch.services.fetch_frames import encode_cursor
from framewatch.wire.api import FramesQuery
from framewatch.wire.api_routes import ROUTES
from framewatch.wire.frame_items import StoredFrame, StoredLabel
from lambdas.frame_fetcher import handler, openapi
from lambdas.frame_fetcher.settings import Settings
from tests.aws import processes_of, stage_on_moto

pytestmark = pytest.mark.usefixtures("cloud")

NOW = datetime.now(UTC)
SITE = """\
site: {name: Home, time_zone: Europe/Madrid}
cameras:
  - {id: front, name: Front door, source: "rtsp://${U}:${P}@front.secret.test/1"}
  - {id: garage}
contacts: [{id: ana, phone: "+34600123456"}]
watch: {labels: [Person, Vehicle], min_confidence: 75, notify: [ana]}
"""
CONTEXT = SimpleNamespace(aws_request_id="1", function_name="frame_fetcher")


SUBJECT = "e2c5a4d4-80a1-70f5-1c5e-0c7d5ad9a1f2"


def claims(groups: str | None = "[viewer]") -> dict:
    """The authorizer's part of an event: what API Gateway makes of an access token's claims, all of them texts."""
    told = {
        "sub": SUBJECT,
        "username": "ana",
        "email": "ana@example.com",
        "client_id": "4example",
        "token_use": "access",
        "exp": "1773493200",
    }
    return {"jwt": {"claims": told | ({"cognito:groups": groups} if groups is not None else {}), "scopes": None}}


def event(
    path: str, query: str = "", method: str = "GET", authorizer: dict | None = None, body: str | None = None
) -> dict:
    """As an HTTP API sends it, payload format 2.0; from a viewer unless told otherwise."""
    return {
        **({"body": body} if body is not None else {}),
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "accept": "application/json",
            "host": "d111111abcdef8.cloudfront.net",
            "x-forwarded-proto": "https",
            **({"content-type": "application/json; charset=utf-8"} if body is not None else {}),
        },
        **({"queryStringParameters": {k: ",".join(v) for k, v in parse_qs(query).items()}} if query else {}),
        "requestContext": {
            "authorizer": claims() if authorizer is None else authorizer,
            "accountId": "123456789012",
            "apiId": "a1b2c3",
            "domainName": "a1b2c3.execute-api.eu-west-1.amazonaws.com",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "x",
            },
            "requestId": "abc=",
            "routeKey": f"{method} {path}",
            "stage": "$default",
            "time": "14/Mar/2026:12:00:00 +0000",
            "timeEpoch": 1773489600000,
        },
        "isBase64Encoded": False,
    }


def call(
    path: str, query: str = "", method: str = "GET", authorizer: dict | None = None, body: str | None = None
) -> tuple[int, dict, dict]:
    answer = handler.lambda_handler(event(path, query, method, authorizer, body), CONTEXT)
    assert answer["isBase64Encoded"] is False
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def get(path: str, **parameters) -> dict:
    status, body, _ = call(path, urlencode({k.rstrip("_"): v for k, v in parameters.items()}))
    assert status == 200, body
    return body


def refusal(query: str) -> str:
    status, body, headers = call("/v1/frames", query)
    assert (status, body["error"]["code"]) == (400, "invalid_parameter")
    assert headers["Cache-Control"] == "no-store"
    return body["error"]["message"]


def frame(camera: str, seq: int, at: datetime, *labels: Label, watch: bool = False) -> StoredFrame:
    boot = "20260101T000000Zabcdef"
    return StoredFrame(
        frame_id=make_frame_id(camera, boot, seq),
        camera_id=camera,
        boot_id=boot,
        seq=seq,
        captured_at=at,
        stored_at=at + timedelta(seconds=2),
        width=640,
        height=480,
        gate_reason=GateReason.MOTION,
        image_key=f"frames/{camera}/{seq}.jpg",
        labels=tuple(StoredLabel.of(label, watch) for label in labels),
        watch_hit=watch,
    )


PERSON = Label(
    "Person",
    91.5,
    instances=(Instance((0.1, 0.2, 0.3, 0.9), 91.5),),
    aliases=("Human",),
    categories=("Person Description",),
)
CAR = Label("Car", 80.25, parents=("Vehicle",))
FRAMES = [
    frame("front", 1, NOW - timedelta(days=3, seconds=1), CAR, watch=True),
    frame("garage", 2, NOW - timedelta(days=3), CAR),
    frame("front", 3, NOW - timedelta(seconds=30), PERSON, watch=True),
    frame("garage", 4, NOW - timedelta(seconds=20)),
    frame("front", 5, NOW - timedelta(seconds=10), PERSON, CAR),
]


@pytest.fixture(scope="module")
def cloud():
    with stage_on_moto(SITE) as (s3, dynamodb):
        table = DynamoFrameTable(DynamoTable(dynamodb, "table"))
        for f in FRAMES:
            assert table.put(f, NOW + timedelta(days=90))
        yield s3


@pytest.fixture
def new_process():
    with processes_of(handler) as start:
        yield start


@pytest.fixture
def log(caplog):
    """What the function logs. Its JSON logger sits between and passes nothing on to pytest's."""
    own = logging.getLogger("framewatch.frame_fetcher")
    own.addHandler(caplog.handler)
    yield caplog
    own.removeHandler(caplog.handler)


def seqs(page: dict) -> list[int]:
    return [int(f["frame_id"].rpartition(".")[2]) for f in page["frames"]]


# -- what is answered -------------------------------------------------------------------------------------------


def test_the_site_is_answered_without_phones_and_camera_addresses():
    status, body, headers = call("/v1/site")
    assert status == 200
    assert headers == {"Cache-Control": "no-store", "Content-Type": "application/json"}
    assert body == {
        "name": "Home",
        "time_zone": "Europe/Madrid",
        "cameras": [
            {"camera_id": "front", "name": "Front door", "group": None, "zones": []},
            {"camera_id": "garage", "name": "garage", "group": None, "zones": []},
        ],
        "watch_labels": ["Person", "Vehicle"],
        "watch_min_confidence": 75.0,
        "rules": [
            {
                "rule_id": "watch",
                "severity": "alert",
                "labels": ["Person", "Vehicle"],
                "cameras": [],
                "zones": [],
                "min_confidence": 75.0,
            }
        ],
    }


def test_a_frame_is_answered_whole():
    shown = get("/v1/frames", limit=1)["frames"][0]
    at = FRAMES[4].captured_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    image_url, expires_at = shown.pop("image_url"), shown.pop("image_url_expires_at")
    assert shown == {
        "frame_id": FRAMES[4].frame_id,
        "camera_id": "front",
        "camera_name": "Front door",
        "captured_at": at,
        "stored_at": (FRAMES[4].stored_at).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "width": 640,
        "height": 480,
        "gate_reason": "motion",
        "analysis": "analysed",
        "watch_hit": False,
        "labels": [
            {
                "name": "Person",
                "confidence": 91.5,
                "aliases": ["Human"],
                "parents": [],
                "categories": ["Person Description"],
                "watch_hit": False,
                "instances": [{"box_xyxy_rel": [0.1, 0.2, 0.3, 0.9], "confidence": 91.5}],
            },
            {
                "name": "Car",
                "confidence": 80.25,
                "aliases": [],
                "parents": ["Vehicle"],
                "categories": [],
                "watch_hit": False,
                "instances": [],
            },
        ],
    }
    assert image_url.startswith("https://") and expires_at.endswith(".000000Z")


def test_all_cameras_come_newest_first_over_days_and_pages():
    assert seqs(get("/v1/frames")) == [5, 4, 3, 2, 1]
    first = get("/v1/frames", limit=2)
    second = get("/v1/frames", limit=2, cursor=first["next_cursor"])
    third = get("/v1/frames", limit=2, cursor=second["next_cursor"])
    assert [*seqs(first), *seqs(second), *seqs(third)] == [5, 4, 3, 2, 1]
    assert third["next_cursor"] is None


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"camera": "garage"}, [4, 2]),
        ({"label": "hUMAN"}, [5, 3]),
        ({"label": "vehicle"}, [5, 2, 1]),
        ({"label": "vehicle", "camera": "front"}, [5, 1]),
        ({"watch_only": "true"}, [3, 1]),
        ({"watch_only": "false", "limit": "1"}, [5]),
        ({"watch_only": "true", "label": "car"}, [1]),
        ({"label": "unicorn"}, []),
        ({"from": (NOW - timedelta(days=1)).isoformat()}, [5, 4, 3]),
        ({"to": FRAMES[2].captured_at.isoformat()}, [2, 1]),
        ({"from": FRAMES[1].captured_at.isoformat(), "to": FRAMES[2].captured_at.isoformat()}, [2]),
    ],
)
def test_filters_choose_what_is_shown(filters, found):
    assert seqs(get("/v1/frames", **filters)) == found


def test_a_link_is_signed_for_the_picture_and_says_when_it_ends(new_process):
    new_process(FW_IMAGE_URL_TTL_S="600")
    before = datetime.now(UTC).replace(microsecond=0)
    shown = get("/v1/frames", limit=1)["frames"][0]
    url = urlsplit(shown["image_url"])
    signed = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert "frames-bucket" in url.netloc + url.path and url.path.endswith("/frames/front/5.jpg")
    assert signed["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256" and signed["X-Amz-Signature"]
    assert signed["X-Amz-Expires"] == "600"
    signed_at = datetime.strptime(signed["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    said = datetime.fromisoformat(shown["image_url_expires_at"])
    assert before + timedelta(seconds=600) <= said <= signed_at + timedelta(seconds=600)


# -- what is refused --------------------------------------------------------------------------------------------


def test_an_unknown_camera_is_refused_with_the_known_ones():
    assert refusal("camera=frnt") == "camera: 'frnt' is not a camera of this site; known are: front, garage"


def test_a_misspelt_filter_is_refused_and_not_ignored():
    assert refusal("labels=Person") == "unknown parameter 'labels'; did you mean 'label'?"


def test_a_repeated_parameter_is_refused_though_the_gateway_joins_it():
    assert refusal("camera=front&camera=garage") == "camera: stands twice; give it once"


def test_a_damaged_cursor_and_one_of_other_filters_are_refused():
    cursor = get("/v1/frames", limit=1)["next_cursor"]
    assert "start again without cursor" in refusal("cursor=nonsense")
    assert "other filters; start again without cursor" in refusal(f"cursor={cursor}&camera=front")


def test_a_plus_that_was_not_escaped_in_a_time_is_understood():
    at = FRAMES[2].captured_at.astimezone(UTC).isoformat()
    assert "+00:00" in at
    assert call("/v1/frames", f"from={at}")[1]["frames"]


@pytest.mark.parametrize(
    ("path", "method"), [("/", "GET"), ("/v1/frame", "GET"), ("/v1/frames", "POST"), ("/v1/rules/test", "GET")]
)
def test_any_other_address_is_not_found(path, method):
    status, body, headers = call(path, method=method)
    assert (status, body["error"]["code"], headers["Cache-Control"]) == (404, "not_found", "no-store")


# -- who is refused ---------------------------------------------------------------------------------------------

LET_IN = ["[viewer]", "[operator]", "[admin]", "[admin viewer]", "[eu-west-1_abc_Google viewer]"]
SHUT_OUT = [None, "[]", "", "[guests]", "[Admin]", "[administrators x,admin]", "admin", "guests,admin", '["admin"]']


def ask(route: tuple[str, str], authorizer: dict) -> tuple[int, dict, dict]:
    """Anything that the route answers to."""
    method, path = route
    query = "camera=front&at=2026-01-31T18:00:00Z" if path == "/v1/frames/around" else ""
    return call(path, query, method=method, authorizer=authorizer, body="{}" if method == "POST" else None)


@pytest.mark.parametrize("route", [r for r, needed in handler.ROLES.items() if needed is access.Role.VIEWER])
@pytest.mark.parametrize("groups", LET_IN)
def test_a_member_of_a_group_is_answered(route, groups):
    assert ask(route, claims(groups))[0] == 200


@pytest.mark.parametrize(("group", "status"), [("viewer", 403), ("operator", 200), ("admin", 200)])
def test_rules_are_tried_by_operators_and_those_above(group, status):
    assert ask(("POST", "/v1/rules/test"), claims(f"[{group}]"))[0] == status


@pytest.mark.parametrize("route", handler.ROLES)
@pytest.mark.parametrize("groups", SHUT_OUT)
def test_whoever_is_in_none_of_the_groups_is_told_who_can_help(route, groups):
    status, body, headers = ask(route, claims(groups))
    assert (status, body["error"]["code"], headers["Cache-Control"]) == (403, "forbidden", "no-store")
    assert "viewer, operator, admin; ask this site's administrator" in body["error"]["message"]


@pytest.mark.parametrize("needed", access.Role)
@pytest.mark.parametrize("role", access.Role)
def test_a_route_answers_the_role_it_needs_and_those_above(monkeypatch, needed, role):
    monkeypatch.setitem(handler.ROLES, ("GET", "/v1/site"), needed)
    assert call("/v1/site", authorizer=claims(f"[{role.group}]"))[0] == (200 if role >= needed else 403)


@pytest.mark.parametrize("route", handler.ROLES)
@pytest.mark.parametrize(
    "authorizer",
    [
        {},
        {"jwt": None},
        {"jwt": {"claims": {}}},
        {"iam": {"userArn": "arn:aws:iam::1:user/x"}},
        {"lambda": {"sub": "x"}},
    ],
)
def test_a_route_that_was_deployed_without_its_authorizer_stays_closed(route, authorizer):
    status, body, _ = ask(route, authorizer)
    assert (status, body["error"]["code"]) == (403, "forbidden")


def test_a_refusal_is_logged_with_the_subject_and_nothing_personal(log):
    call("/v1/site", authorizer=claims("[guests]"))
    assert SUBJECT in log.text and "/v1/site" in log.text
    assert "ana" not in log.text


def test_a_body_that_does_not_say_that_it_is_json_is_refused():
    """A form of another site's page can say one of these, or nothing."""
    for told in ({}, {"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}):
        asked = event("/v1/rules/test", method="POST", authorizer=claims("[operator]"), body="{}") | {"headers": told}
        answer = handler.lambda_handler(asked, CONTEXT)
        body = json.loads(answer["body"])
        assert (answer["statusCode"], body["error"]["code"]) == (415, "unsupported_media_type")
        assert "Content-Type: application/json" in body["error"]["message"]


def test_a_caller_is_told_who_they_are():
    status, body, _ = call("/v1/me", authorizer=claims("[operator viewer]"))
    told = {"subject": SUBJECT, "username": "ana", "name": "ana", "role": "operator", "seen_until": None}
    assert (status, body) == (200, told)


# -- what fails -------------------------------------------------------------------------------------------------


def failing(monkeypatch, error: Exception) -> None:
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(handler, "fetch_frames", fail)


def test_a_store_that_is_down_is_a_503_that_says_when_to_try_again(monkeypatch, log):
    failing(monkeypatch, StorageUnavailable("table secret-table: throttled"))
    status, body, headers = call("/v1/frames")
    assert (status, body["error"]["code"], headers["Retry-After"]) == (503, "unavailable", "2")
    assert "secret-table" not in json.dumps(body) and "secret-table" in log.text


def test_a_missing_table_is_a_503(new_process):
    new_process(FW_TABLE="no-such-table")
    assert call("/v1/frames")[0] == 503


def test_a_site_file_that_never_was_good_is_a_503_that_says_what_to_do(new_process, log):
    new_process(FW_SITE_KEY="missing.yaml")
    status, body, _ = call("/v1/site")
    assert status == 503 and "pynt configure" in body["error"]["message"]
    assert "missing.yaml" in log.text


def test_a_mistake_of_ours_is_a_500_without_detail_and_is_logged(monkeypatch, log):
    failing(monkeypatch, RuntimeError("password is hunter2"))
    status, body, headers = call("/v1/frames")
    assert (status, body["error"]["code"], headers["Cache-Control"]) == (500, "internal", "no-store")
    assert "hunter2" not in json.dumps(body)
    assert any(record.exc_info for record in log.records)


def test_an_incomplete_environment_is_told_with_every_variable():
    with pytest.raises(
        SettingsError,
        match=r"FW_TABLE: is not set; FW_CONFIG_BUCKET: is not set; FW_STAGE: is not set; FW_IMAGE_URL_TTL_S",
    ):
        Settings.read({"FW_FRAMES_BUCKET": "b", "FW_CONFIG_BUCKET": " ", "FW_IMAGE_URL_TTL_S": "5"})


def _forged(position) -> str:
    """A cursor with the right hash for no filters and a position of somebody's own making."""
    return encode_cursor(FramesQuery(), position)


_NAMES = st.sampled_from(
    [*openapi.document()["paths"]["/v1/frames"]["get"]["parameters"][0:0], "x"]
) | st.sampled_from(["camera", "label", "from", "to", "watch_only", "limit", "cursor", "Camera", ""])
_VALUES = (
    st.sampled_from(
        ["front", "true", "10", "2026-03-14T12:00:00Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-23:59"]
    )
    | st.text(max_size=30)
    | st.builds(_forged, st.sampled_from(["2026-03-14", "9999-99-99U", "0000-00-00", "2026", "", "Z" * 99]))
    | st.builds(_forged, st.text(max_size=20) | st.integers() | st.none())
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_NAMES, _VALUES), max_size=4))
@example([("cursor", _forged("9999-99-99"))])
@example([("cursor", _forged("0000-00-00"))])
@example([("to", "9999-12-31T23:59:59.999999Z")])
@example([("from", "9999-12-31T23:59:59.999999Z")])
@example([("from", "1000-01-01T00:00:00Z"), ("to", "1000-01-01T00:00:01Z")])
@example([("label", "\x00"), ("camera", "front")])
def test_no_query_is_ever_a_500(pairs):
    query = "&".join(f"{quote(k)}={quote(v, errors='surrogatepass')}" for k, v in pairs)
    status, body, _ = call("/v1/frames", query)
    assert status in (200, 400), body


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(codec="ascii"), max_size=60))
def test_no_raw_query_string_is_ever_a_500(query):
    assert call("/v1/frames", query)[0] in (200, 400)


# -- its description --------------------------------------------------------------------------------------------


def test_the_stored_openapi_document_is_the_codes_own():
    stored = Path(__file__).parents[2] / "docs" / "openapi.json"
    printed = subprocess.run([sys.executable, "-m", "lambdas.frame_fetcher.openapi"], capture_output=True, check=True)
    assert printed.stdout == stored.read_bytes(), "run: python -m lambdas.frame_fetcher.openapi > docs/openapi.json"


def test_the_document_is_served_and_describes_every_route():
    status, body, _ = call("/v1/openapi.json")
    assert status == 200 and body == openapi.document()
    described = {(method.upper(), path) for path, methods in body["paths"].items() for method in methods}
    assert described == set(ROUTES)
    for route in handler.ROLES:
        assert ask(route, claims("[operator]"))[0] == 200


def test_the_document_names_the_fields_that_are_answered():
    schemas = openapi.document()["components"]["schemas"]
    assert set(schemas["FrameView"]["required"]) == set(get("/v1/frames")["frames"][0])
    assert set(schemas["SiteView"]["required"]) == set(get("/v1/site"))


def test_every_route_of_the_document_asks_for_a_sign_in_and_says_how_it_refuses():
    document = openapi.document()
    assert document["security"] == [{name: []} for name in document["components"]["securitySchemes"]]
    for path in document["paths"].values():
        for told in path.values():
            assert {"401", "403"} <= set(told["responses"]) and "security" not in told


def test_importing_the_handler_does_nothing():
    code = "from lambdas.frame_fetcher import handler as h; print(h.settings.cache_info()[3], h.deps.cache_info()[3])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env={"PATH": ""}, text=True)
    assert ran.stdout == "0 0\n" and ran.stderr == ""
