"""The function's answers about alerts, on a table that moto plays and the real adapters write."""

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.count_table import DynamoCountTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_pages import DynamoFramePages
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.adapters.aws.function import SystemClock
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.frames import FrameMeta
from framewatch.domain.heartbeats import CameraState
from framewatch.domain.hourly import bucket_of
from framewatch.domain.labels import Instance, Label
from framewatch.services.roll_up import CountDeps, roll_up
from framewatch.services.tally import Tally
from framewatch.services.try_rules import TrialTables, try_rules
from framewatch.wire.envelope import format_utc
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.site_file import load_site_text
from lambdas.frame_fetcher import handler, openapi
from tests.aws import forget, stage_on_moto
from tests.frames import make_heartbeat
from tests.functional.test_frame_fetcher import CONTEXT, claims, event

NOW = datetime.now(UTC).replace(microsecond=0)
START = NOW - timedelta(hours=2)
SITE = """\
site: {name: Home, time_zone: Europe/Madrid}
cameras:
  - {id: front, name: Front door, source: "rtsp://${U}:${P}@front.secret.test/1", group: doors}
  - {id: garage, group: cars}
contacts: [{id: ana, phone: "+34600123456"}, {id: bo, phone: "+34600654321"}]
rules:
  - {id: people, labels: [Person], notify: [ana], escalate_to: [bo], cool_down_s: 600, severity: critical}
  - {id: cars, labels: [Car], min_confidence: 95, notify: [bo]}
watch: {labels: [Bicycle, vehicle], min_confidence: 86, notify: [bo]}
"""
PERSON = Label("Person", 91.5, instances=(Instance((0.1, 0.2, 0.3, 0.9), 91.5),), aliases=("Human",))
CAR = Label("Car", 85.0, parents=("Vehicle",))


def frame(n: int, at_s: float, *labels: Label, camera: str = "front") -> StoredFrame:
    meta = FrameMeta(camera, "20260101T000000Zabcdef", n, START + timedelta(seconds=at_s), 640, 480)
    return StoredFrame.of(meta, labels, (), meta.captured_at + timedelta(seconds=1))


FRAMES = [
    frame(1, 0, PERSON),
    frame(2, 5, PERSON, CAR),
    frame(3, 120, PERSON),  # another visit, within the cool-down
    frame(4, 3600, PERSON, camera="garage"),
    frame(5, 3700, camera="garage"),
]


@pytest.fixture(scope="module")
def cloud():
    with stage_on_moto(SITE) as (_, dynamodb):
        table = DynamoTable(dynamodb, "table")
        frames = DynamoFrameTable(table)
        for f in FRAMES:
            assert frames.put(f, NOW + timedelta(days=90))
        # What the processor and the watchdog would have written, in the real table.
        try_rules(FRAMES, load_site_text(SITE), TrialTables(DynamoVisitTable(table), DynamoAlertTable(table)))
        forget(handler)
        yield dynamodb
        forget(handler)


@pytest.fixture(autouse=True)
def fresh(cloud):
    # A heartbeat is news for a minute, and this module may wait for longer than that.
    now = datetime.now(UTC)
    beat = make_heartbeat(1, at=now, state=CameraState.STALLED, last_error="front: no picture for 10 s.")
    DynamoHeartbeatTable(DynamoTable(cloud, "table")).put(StoredHeartbeat.of(beat, now), NOW + timedelta(days=90))


def get(path: str, **parameters) -> dict:
    answer = handler.lambda_handler(event(path, urlencode(parameters, doseq=True)), CONTEXT)
    assert answer["statusCode"] == 200, answer["body"]
    assert answer["headers"]["Cache-Control"] == "no-store"
    assert "+34600" not in answer["body"] and "secret" not in answer["body"]
    return json.loads(answer["body"])


def try_on(body: str, **more) -> tuple[int, dict]:
    asked = event("/v1/rules/test", method="POST", authorizer=claims("[operator]"), body=body) | more
    answer = handler.lambda_handler(asked, CONTEXT)
    assert "+34600654321" not in answer["body"] and "secret" not in answer["body"]
    return answer["statusCode"], json.loads(answer["body"])


def tried(**request) -> dict:
    status, body = try_on(json.dumps(request))
    assert status == 200, body
    return body


def refused(**request) -> str:
    status, body = try_on(json.dumps(request))
    assert (status, body["error"]["code"]) == (400, "invalid_parameter")
    return body["error"]["message"]


# -- what there was ---------------------------------------------------------------------------------------------


def test_alerts_are_answered_newest_first_with_their_deliveries_and_a_link_to_the_picture():
    newest, oldest = get("/v1/alerts")["alerts"]
    assert (newest["camera_id"], oldest["camera_id"], oldest["camera_name"]) == ("garage", "front", "Front door")
    assert (oldest["rule_id"], oldest["severity"], oldest["label"], oldest["confidence"], oldest["state"]) == (
        "people",
        "critical",
        "Person",
        91.5,
        "sent",
    )
    assert [(d["contact_id"], d["state"]) for d in oldest["deliveries"]] == [("ana", "sent"), ("bo", "sent")]
    assert [(s["contact_id"], s["told"]) for s in oldest["escalation"]] == [("bo", True)]
    assert oldest["frame_id"] == FRAMES[0].frame_id and f"{FRAMES[0].frame_id}.jpg" in oldest["image_url"]
    assert oldest["box_xyxy_rel"] == [0.1, 0.2, 0.3, 0.9]
    assert oldest["trace"]["stored_at"] > oldest["trace"]["captured_at"]


def test_alerts_are_paged_and_filtered():
    first = get("/v1/alerts", limit=1)
    second = get("/v1/alerts", limit=1, cursor=first["next_cursor"])
    third = get("/v1/alerts", limit=1, cursor=second["next_cursor"])
    assert [a["camera_id"] for page in (first, second, third) for a in page["alerts"]] == ["garage", "front"]
    assert third["next_cursor"] is None
    assert [a["camera_id"] for a in get("/v1/alerts", camera="front")["alerts"]] == ["front"]
    assert get("/v1/alerts", rule="cars")["alerts"] == get("/v1/alerts", state="held")["alerts"] == []
    assert len(get("/v1/alerts", camera=["front", "garage"], label=["person"], answered="false")["alerts"]) == 2


def test_withheld_rows_say_why_there_was_no_alert():
    rows = get("/v1/withheld")["withheld"]
    assert [(r["rule_id"], r["reason"], r["count"], r["best_confidence"]) for r in rows] == [
        ("people", "cool-down", 1, 91.5),
        ("watch", "below-confidence", 1, 85.0),
        ("cars", "below-confidence", 1, 85.0),
    ]
    assert [r["reason"] for r in get("/v1/withheld", reason="cool-down")["withheld"]] == ["cool-down"]
    first = get("/v1/withheld", limit=1)
    rest = get("/v1/withheld", limit=5, cursor=first["next_cursor"])
    assert [*first["withheld"], *rest["withheld"]] == rows


def test_visits_are_paged_and_filtered():
    visits = get("/v1/visits")["visits"]
    assert [(v["camera_id"], v["label"], v["frames"]) for v in visits] == [
        ("garage", "Person", 1),
        ("front", "Person", 1),
        ("front", "vehicle", 1),
        ("front", "Car", 1),
        ("front", "Person", 2),
    ]
    assert [[c["rule_id"] for c in v["alerts"]] for v in visits] == [["people"], [], [], [], ["people"]]
    assert [w["reason"] for w in visits[1]["withheld"]] == ["cool-down"]
    assert f"{FRAMES[3].frame_id}.jpg" in visits[0]["best"]["image_url"] and not visits[0]["open"]
    first = get("/v1/visits", label="person", camera="front", limit=1)
    second = get("/v1/visits", label="person", camera="front", limit=1, cursor=first["next_cursor"])
    assert [*first["visits"], *second["visits"]] == [visits[1], visits[4]]


def test_cameras_are_answered_with_their_state_and_newest_frame():
    front, garage = get("/v1/cameras")["cameras"]
    assert (front["state"], front["name"], front["heartbeat"]["counts"]["sampled"]) == ("stalled", "Front door", 60)
    assert front["why"] == "front: no picture for 10 s."
    assert front["newest_frame"]["frame_id"] == FRAMES[2].frame_id
    assert f"{FRAMES[2].frame_id}.jpg" in front["newest_frame"]["image_url"]
    assert front["newest_frame"]["labels"] == get("/v1/frames", camera="front")["frames"][0]["labels"]
    assert (garage["state"], garage["heartbeat"]) == ("silent", None)
    assert garage["newest_frame"]["frame_id"] == FRAMES[4].frame_id


def test_the_frames_around_one_are_answered_nearest_first():
    (one,) = get("/v1/visits", camera="front", label="Car")["visits"]
    around = get("/v1/frames/around", camera="front", at=one["first_seen"])
    assert [f["frame_id"] for f in around["before"]] == [FRAMES[0].frame_id]
    assert [f["frame_id"] for f in around["after"]] == [FRAMES[2].frame_id]
    assert around["after"] == get("/v1/frames", camera="front", limit=1)["frames"]


def test_health_is_answered_with_what_is_wrong():
    body = get("/v1/health")
    assert body["status"] == "troubled"
    assert [(t["camera_id"], t["state"]) for t in body["troubles"]] == [("front", "stalled"), ("garage", "silent")]
    assert set(openapi.document()["components"]["schemas"]["HealthView"]["required"]) == set(body)


def test_latency_is_answered_stage_by_stage():
    body = get("/v1/latency")
    assert body["alerts"] == 2 and body["cut_at"] is None and body["from"] < body["to"]
    assert {s["stage"]: s["count"] for s in body["stages"]} == {
        "captured-arrived": 0,
        "arrived-received": 0,
        "received-labelled": 0,
        "labelled-stored": 0,
        "stored-decided": 2,
        "decided-published": 2,
        "captured-published": 2,
    }


def body_for(path: str, groups: str, **parameters) -> str:
    answer = handler.lambda_handler(event(path, urlencode(parameters), authorizer=claims(groups)), CONTEXT)
    assert answer["statusCode"] == 200, answer["body"]
    return answer["body"]


def test_latency_counts_only_alerts_of_cameras_that_one_may_see():
    assert [json.loads(body_for("/v1/latency", g))["alerts"] for g in ("[viewer]", "[viewer cameras-cars]")] == [2, 1]


@pytest.mark.parametrize("path", ["/v1/frames", "/v1/alerts", "/v1/visits", "/v1/withheld", "/v1/latency"])
def test_a_camera_of_another_group_is_refused_as_one_that_is_not_there(path):
    told = []
    for camera in ("front", "xront"):
        asked = event(path, f"camera={camera}", authorizer=claims("[admin cameras-cars]"))
        answer = handler.lambda_handler(asked, CONTEXT)
        told.append((answer["statusCode"], json.loads(answer["body"])["error"]["message"].replace(camera, "it")))
    assert told[0] == told[1] and told[0][0] == 400 and told[0][1].endswith("known are: garage")


def test_rules_are_tried_on_no_camera_of_another_group_whatever_the_file_says():
    limited = claims("[operator cameras-cars]")
    for request in ({}, {"site": SITE}, {"rules": [{"id": "mine", "labels": ["Person"], "notify": ["ana"]}]}):
        status, body = try_on(
            json.dumps(request), requestContext=event("/v1/rules/test", "", "POST", limited)["requestContext"]
        )
        assert (status, body["timeline"]["frames"]) == (200, 1)
        assert "front" not in json.dumps(body)


def test_the_document_names_the_fields_that_are_answered():
    schemas = openapi.document()["components"]["schemas"]
    assert set(schemas["AlertView"]["required"]) == set(get("/v1/alerts")["alerts"][0])
    assert set(schemas["WithheldView"]["required"]) == set(get("/v1/withheld")["withheld"][0])
    assert set(schemas["LatencyView"]["required"]) == set(get("/v1/latency"))
    assert set(schemas["VisitView"]["required"]) == set(get("/v1/visits")["visits"][0])
    cameras = get("/v1/cameras")
    assert set(schemas["CamerasView"]["required"]) == set(cameras)
    assert set(schemas["CameraStatusView"]["required"]) == set(cameras["cameras"][0])
    assert set(schemas["HeartbeatView"]["required"]) == set(cameras["cameras"][0]["heartbeat"])
    assert set(schemas["NewestFrameView"]["required"]) == set(cameras["cameras"][0]["newest_frame"])
    assert set(schemas["RuleTestView"]["required"]) == set(tried())


# -- what would have been ---------------------------------------------------------------------------------------


def items_in(dynamodb) -> list[dict]:
    found = dynamodb.scan(TableName="table")["Items"]
    return sorted(found, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def test_the_deployed_rules_tried_on_the_stored_frames_are_what_they_were(cloud):
    before = items_in(cloud)
    body = tried()
    assert body["stopped_at"] is None
    timeline = body["timeline"]
    assert [(a["camera_id"], a["alert_id"]) for a in timeline["alerts"]] == [
        (a["camera_id"], a["alert_id"]) for a in get("/v1/alerts")["alerts"][::-1]
    ]
    assert sorted((w["rule_id"], w["reason"]) for w in timeline["withheld"]) == [
        ("cars", "below-confidence"),
        ("people", "cool-down"),
        ("watch", "below-confidence"),
    ]
    assert items_in(cloud) == before, "nothing is written"


def test_other_rules_stand_in_place_of_the_deployed_ones():
    rule = {"id": "mine", "labels": ["vehicle"], "min_confidence": 80, "notify": ["ana"]}
    timeline = tried(rules=[rule])["timeline"]
    assert timeline["frames"] == 1, "only frames with a watched word are read"
    assert [(a["rule_id"], a["label"], len(a["texts"])) for a in timeline["alerts"]] == [("mine", "vehicle", 1)]
    assert timeline["withheld"] == [], "the watch list is not tried with them"
    assert timeline["alerts"][0]["texts"][0]["words"].startswith("Framewatch: vehicle 85% at Front door")


def test_a_whole_site_file_can_be_tried():
    site = SITE.replace("cool_down_s: 600", "cool_down_s: 0")
    timeline = tried(site=site, camera="front")["timeline"]
    assert [a["frame_id"] for a in timeline["alerts"]] == [FRAMES[0].frame_id, FRAMES[2].frame_id]


def test_a_span_of_frames_is_chosen():
    body = tried(**{"from": (START + timedelta(seconds=100)).isoformat(), "to": NOW.isoformat()})
    assert body["timeline"]["frames"] == 2


def test_a_frame_that_is_found_by_two_words_is_replayed_once():
    rules = [{"id": "a", "labels": ["Person"], "notify": ["ana"]}, {"id": "b", "labels": ["Human"], "notify": ["bo"]}]
    assert tried(rules=rules, camera="garage")["timeline"]["frames"] == 1


def test_more_frames_than_one_test_replays_end_with_where_to_go_on(monkeypatch):
    from framewatch.services import fetch_trial

    monkeypatch.setattr(fetch_trial, "MAX_FRAMES", 2)
    body = tried()
    assert body["timeline"]["frames"] == 2
    rest = tried(to=body["stopped_at"])
    assert (rest["timeline"]["frames"], rest["stopped_at"]) == (2, None)


def test_more_items_than_one_test_reads_end_with_where_to_go_on(monkeypatch):
    from framewatch.services import fetch_trial

    monkeypatch.setattr(fetch_trial, "MAX_ITEMS", 5)
    monkeypatch.setattr(fetch_trial, "PAGE", 1)
    assert tried()["stopped_at"] is not None
    seen, to = 0, None
    for _ in range(20):
        body = tried(**({"to": to} if to else {}))
        seen, to = seen + body["timeline"]["frames"], body["stopped_at"]
        if to is None:
            break
    assert (seen, to) == (4, None)


def test_a_body_in_base64_is_read():
    status, body = try_on(base64.b64encode(b'{"camera": "garage"}').decode(), isBase64Encoded=True)
    assert (status, body["timeline"]["frames"]) == (200, 1)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"rules": [{"id": "x"}]}, "rules[0]: the rule names no label"),
        ({"rules": [{"id": "x", "labels": ["Car"], "colour": 1}]}, "rules[0].colour"),
        ({"rules": [{"id": "x", "labels": ["Car"], "notify": ["nobody"]}]}, "'nobody'"),
        ({"site": "cameras: [{id: UPPER}]"}, "site:1: cameras[0].id"),
        ({"site": "a: b", "rules": []}, "rules: cannot be given together with site"),
        ({"site": 5}, "site: must be text"),
        ({"camera": "frnt"}, "camera: 'frnt' is not a camera of this site; known are: front, garage"),
        ({"from": "yesterday"}, "from: must be an RFC 3339 time"),
        ({"from": "2020-01-01T00:00:00Z"}, "from: lies more than 24 hours before the end"),
        ({"rule": []}, "unknown parameter 'rule'; did you mean 'rules'?"),
        ({"rules": "all"}, "rules: must be"),
    ],
)
def test_a_wrong_request_is_refused_with_what_is_allowed(request_, said):
    assert said in refused(**request_)


@pytest.mark.parametrize("body", ["", "x", "[]", "[" * 100_000, '"\\ud800"', '{"camera": "\\ud800"}', "1e999"])
def test_a_body_that_is_no_request_is_refused(body):
    assert try_on(body)[0] == 400


def test_no_phone_of_a_site_file_that_is_tried_is_repeated():
    message = refused(site=SITE.replace("+34600123456", "34699888777"))
    assert "site:5: contacts[0].phone" in message and "888777" not in message


def test_an_answer_that_is_too_large_says_what_to_do(monkeypatch):
    monkeypatch.setattr(handler, "MAX_ANSWER_CHARS", 100)
    assert "give a shorter span" in refused()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "labels", "notify", "zones", "min_confidence", "site", "cameras"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["site", "rules", "camera", "from", "to", "x"]), _JSON, max_size=3))
def test_no_request_is_ever_a_500(request_):
    assert try_on(json.dumps(request_))[0] in (200, 400)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["/v1/alerts", "/v1/withheld", "/v1/latency", "/v1/visits"]),
    st.dictionaries(
        st.sampled_from(
            [
                "camera",
                "rule",
                "label",
                "state",
                "reason",
                "from",
                "to",
                "limit",
                "cursor",
                "zone",
                "alert",
                "answered",
            ]
        ),
        st.sampled_from(["front", "sent", "late", "10", "1000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
        | st.text(alphabet=st.characters(codec="utf-8"), max_size=20),
        max_size=3,
    ),
)
@example("/v1/alerts", {"to": "1000-01-01T00:00:00Z"})
@example("/v1/latency", {"to": "1000-01-03T00:00:00Z"})
def test_no_query_is_ever_a_500(path, parameters):
    answer = handler.lambda_handler(event(path, urlencode(parameters)), CONTEXT)
    assert answer["statusCode"] in (200, 400), answer["body"]


# -- how much there was -------------------------------------------------------------------------------------------


def test_what_the_watchdog_counted_is_answered_by_hour_and_by_day(cloud):
    counts, pages = DynamoCountTable(DynamoTable(cloud, "table")), DynamoFramePages(cloud, "table", SystemClock())
    table = DynamoTable(cloud, "table")
    deps = CountDeps(
        counts=counts,
        frames=pages,
        alerts=DynamoAlertTable(table),
        visits=DynamoVisitTable(table).newest_first,
        heartbeats=DynamoHeartbeatTable(table),
        clock=SystemClock(),
    )
    for camera in ("front", "garage"):
        counts.put_counted_until(camera, bucket_of(START), NOW + timedelta(days=90))
    for _ in range(2):
        roll_up(load_site_text(SITE), deps, Tally(), lambda: 50.0)
    answer = get("/v1/stats", step=600, camera="front")
    (camera,) = answer["cameras"]
    buckets = camera["buckets"]
    assert buckets[0]["at"] == format_utc(bucket_of(START))
    assert sum(b["frames"] for b in buckets) == 3
    assert sum(b["by_label"].get("Person", 0) for b in buckets) == 3
    assert sum(b["by_label"].get("Car", 0) for b in buckets) == 1
    assert sum(b["alerts"] for b in buckets) == 1
    assert sum(b["withheld"] for b in buckets) == 3  # within the cool-down; the car, by two words
    assert answer["counted_until"] > answer["from"]
    hours = get("/v1/stats")["cameras"]
    assert [(c["camera_id"], sum(b["frames"] for b in c["buckets"])) for c in hours] == [("front", 3), ("garage", 2)]
    days = get("/v1/stats", step=86_400)
    assert sum(b["frames"] for c in days["cameras"] for b in c["buckets"]) == 5
