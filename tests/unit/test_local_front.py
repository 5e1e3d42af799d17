"""The front on 8080: pages, the API with a token, headers as in the template, and nobody else's pages."""

import json
import socket
from datetime import UTC, datetime

import httpx
import pytest
from starlette.testclient import TestClient

from local_cloud import front
from local_cloud.assembly import Assembly, Stack
from local_cloud.pages import FrontRules, front_rules
from local_cloud.problem import LocalProblem

WEB_TEMPLATE = {
    "Resources": {
        "Dashboard": {
            "Type": "AWS::CloudFront::Distribution",
            "Properties": {
                "DistributionConfig": {
                    "Origins": [{"Id": "pages", "S3OriginConfig": {}}, {"Id": "api", "CustomOriginConfig": {}}],
                    "DefaultCacheBehavior": {"TargetOriginId": "pages"},
                    "CacheBehaviors": [
                        {"PathPattern": "/v1/*", "TargetOriginId": "api"},
                        {"PathPattern": "/media/*", "TargetOriginId": "pages"},
                    ],
                }
            },
        },
        "Headers": {
            "Type": "AWS::CloudFront::ResponseHeadersPolicy",
            "Properties": {
                "ResponseHeadersPolicyConfig": {
                    "SecurityHeadersConfig": {
                        "ContentSecurityPolicy": {
                            "ContentSecurityPolicy": {
                                "Fn::Join": [
                                    "",
                                    [
                                        "default-src 'self'; img-src 'self' https://",
                                        {"Fn::ImportValue": "bucket"},
                                        "; frame-ancestors 'none'",
                                    ],
                                ]
                            },
                            "Override": True,
                        },
                        "ContentTypeOptions": {"Override": True},
                        "FrameOptions": {"FrameOption": "DENY", "Override": True},
                        "ReferrerPolicy": {"ReferrerPolicy": "no-referrer", "Override": True},
                        "StrictTransportSecurity": {"AccessControlMaxAgeSec": 1},
                    }
                }
            },
        },
    }
}


@pytest.fixture
def rules(tmp_path) -> FrontRules:
    stack = Stack("web", json.dumps(WEB_TEMPLATE), ())
    return front_rules(Assembly(tmp_path, (stack,)), "http://127.0.0.1:4566")


@pytest.fixture
def asked():
    return []


@pytest.fixture
def client(tmp_path, rules, asked, monkeypatch):
    pages = tmp_path / "dist"
    (pages / "assets").mkdir(parents=True)
    (pages / "index.html").write_text("<title>Framewatch</title>")
    (pages / "assets" / "a.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")

    def upstream(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.path == "/v1/down":
            raise httpx.ConnectError("no")
        return httpx.Response(
            200, json={"frames": []}, headers={"Date": "then", "X-Frame-Options": "ALLOW", "apigw-requestid": "r"}
        )

    real = httpx.AsyncClient
    monkeypatch.setattr(front.httpx, "AsyncClient", lambda **k: real(transport=httpx.MockTransport(upstream), **k))
    app = front.build_app(
        pages,
        rules,
        emulator_url="http://127.0.0.1:4566",
        api_url="http://abc.execute-api.localhost:4566",
        token=lambda: "tok.en",
        texts=lambda: [("+12025550123", "Person", datetime(2026, 5, 1, tzinfo=UTC))],
    )
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        yield client


def test_only_behaviours_of_the_api_lead_to_the_api(rules):
    assert rules.is_api("/v1/frames")
    assert not rules.is_api("/media/a.jpg")
    assert not rules.is_api("/index.html")


def test_the_policy_is_the_templates_with_the_emulators_pictures_in_place_of_the_bucket(rules):
    assert rules.headers["Content-Security-Policy"] == (
        "default-src 'self'; frame-ancestors 'none'; img-src 'self' http://127.0.0.1:4566"
    )


def test_every_answer_carries_the_policys_headers_and_overrides_the_origins(client):
    for path in ("/", "/v1/frames", "/nowhere", "/config.json", "/demo/sms"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "img-src" in headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in headers


def test_the_root_is_the_dashboard_and_pages_are_asked_for_again(client):
    answer = client.get("/")
    assert "Framewatch" in answer.text
    assert answer.headers["Cache-Control"] == "no-cache"


def test_the_page_is_told_where_the_api_and_the_texts_are(client):
    config = client.get("/config.json").json()
    assert config == {"api_base": "/v1", "demo": {"sms_url": "/demo/sms"}}
    assert client.get("/demo/sms").json() == {
        "messages": [{"number": "+12025550123", "text": "Person", "sent_at": "2026-05-01T00:00:00.000000Z"}]
    }


def test_a_request_to_the_api_has_a_token_and_is_otherwise_as_it_came(client, asked):
    answer = client.get("/v1/frames?camera=a%20b&limit=2", headers={"If-None-Match": "x", "Authorization": "mine"})
    assert answer.json() == {"frames": []}
    (request,) = asked
    assert str(request.url) == "http://127.0.0.1:4566/v1/frames?camera=a%20b&limit=2"
    assert request.headers["host"] == "abc.execute-api.localhost:4566"
    assert request.headers.get_list("authorization") == ["Bearer tok.en"]
    assert request.headers["if-none-match"] == "x"
    assert "then" not in answer.headers.get("date", "")


def test_an_api_that_is_down_is_a_502_in_json(client):
    answer = client.get("/v1/down")
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "unavailable"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:8080", "localhost.evil"])
def test_another_host_name_is_refused(client, host):
    assert client.get("/v1/frames", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "localhost"])
def test_this_machines_names_are_served(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_another_sites_page_cannot_change_anything(client, asked):
    assert client.post("/v1/frames", headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/v1/frames", headers={"Origin": "null"}).status_code == 403
    assert not asked
    assert client.post("/v1/frames", headers={"Origin": "http://127.0.0.1:8080"}).status_code == 200


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"])
def test_nothing_outside_the_pages_is_served(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_a_busy_port_is_one_sentence():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LocalProblem, match=f"Port {port} is in use"):
            front.listen(port)


def test_a_dashboard_that_is_not_built_is_one_sentence(tmp_path):
    with pytest.raises(LocalProblem, match="make setup"):
        front.check_pages(tmp_path)
