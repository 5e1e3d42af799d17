"""The front on 8080: distribution, sign-in and pictures behind one origin, and nobody else's pages."""

import socket
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import pytest
from botocore.exceptions import ClientError
from starlette.testclient import TestClient

from local_cloud import front, front_app
from local_cloud.deploy import check_pages
from local_cloud.distribution import Api, Bucket, NotADashboard, Origins, read_distribution
from local_cloud.front_app import FrontApp, Upstream
from local_cloud.problem import LocalProblem
from local_cloud.sign_in import User

EMULATOR = "http://127.0.0.1:4566"
FRONT = "http://127.0.0.1:8080"
DASHBOARD = "https://d111.cloudfront.net"
SIGN_IN = "https://framewatch-dev-1.auth.eu-west-1.amazoncognito.com"
PICTURES = ("https://frames.s3.eu-west-1.amazonaws.com", "https://frames.s3.amazonaws.com")


class CloudFront:
    """The two answers that are read, as the API gives them."""

    def __init__(self) -> None:
        self.origins = {
            "pages": "web.s3.eu-west-1.amazonaws.com",
            "api": "abc123.execute-api.eu-west-1.amazonaws.com",
        }

    def get_distribution(self, Id):
        read = {"Items": ["GET", "HEAD"]}
        everything = {"Items": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]}
        return {
            "Distribution": {
                "DomainName": DASHBOARD.removeprefix("https://"),
                "DistributionConfig": {
                    "Comment": "Framewatch dev",
                    "DefaultRootObject": "index.html",
                    "Origins": {"Items": [{"Id": i, "DomainName": name} for i, name in self.origins.items()]},
                    "CacheBehaviors": {
                        "Items": [
                            {
                                "PathPattern": "/v1/*",
                                "TargetOriginId": "api",
                                "AllowedMethods": everything,
                                "ResponseHeadersPolicyId": "p",
                            },
                            {
                                "PathPattern": "/a/*",
                                "TargetOriginId": "api",
                                "AllowedMethods": everything,
                                "ResponseHeadersPolicyId": "p",
                            },
                            {"PathPattern": "/media/*", "TargetOriginId": "pages", "AllowedMethods": read},
                        ]
                    },
                    "DefaultCacheBehavior": {
                        "TargetOriginId": "pages",
                        "AllowedMethods": read,
                        "ResponseHeadersPolicyId": "p",
                    },
                },
            }
        }

    def get_response_headers_policy(self, Id):
        pictures = " ".join(PICTURES)
        policy = f"default-src 'self'; connect-src 'self' {SIGN_IN}; img-src 'self' {pictures}; form-action 'self'"
        security = {
            "ContentSecurityPolicy": {"ContentSecurityPolicy": policy, "Override": True},
            "ContentTypeOptions": {"Override": True},
            "FrameOptions": {"FrameOption": "DENY", "Override": True},
            "ReferrerPolicy": {"ReferrerPolicy": "no-referrer", "Override": True},
            "StrictTransportSecurity": {"AccessControlMaxAgeSec": 1},
        }
        return {"ResponseHeadersPolicy": {"ResponseHeadersPolicyConfig": {"SecurityHeadersConfig": security}}}


@pytest.fixture
def distribution():
    return read_distribution(CloudFront(), "E1")


class Client:
    """boto3's, of S3 and of the user pool."""

    def __init__(self) -> None:
        self.revoked = []

    def generate_presigned_url(self, operation, Params):
        return f"{EMULATOR}/{Params['Bucket']}/{Params['Key']}?signed={operation}"

    def get_tokens_from_refresh_token(self, ClientId, RefreshToken):
        if RefreshToken != "good":
            error = {"Error": {"Code": "NotAuthorizedException", "Message": "Refresh Token has been revoked"}}
            raise ClientError(error, "GetTokensFromRefreshToken")
        return {
            "AuthenticationResult": {"AccessToken": "a2", "IdToken": "i2", "TokenType": "Bearer", "ExpiresIn": 60}
        }

    def revoke_token(self, ClientId, Token):
        self.revoked.append((ClientId, Token))


FORM = (
    '<form method="POST" action="/login"><input type="hidden" name="state" value="s">'
    f'<input type="hidden" name="redirect_uri" value="{DASHBOARD}/">'
    '<input name="username"><input type="password" name="password"></form>'
)


class Emulator:
    """Answers as the emulator does, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = getattr(self, request.url.path.strip("/").replace("/", "_").replace(".", "_"), self.missing)
        return answer(request)

    def missing(self, _):
        return httpx.Response(404, text="NoSuchKey")

    def v1_down(self, _):
        raise httpx.ConnectError("no")

    def v1_frames(self, _):
        link = f"{EMULATOR}/frames/f/1.jpg?X-Amz-Signature=s%2F1"
        headers = {"Date": "then", "X-Frame-Options": "ALLOW", "Access-Control-Allow-Origin": "*"}
        return httpx.Response(200, json={"frames": [{"image_url": link}]}, headers=headers)

    def web_index_html(self, _):
        return httpx.Response(200, html="<title>Framewatch</title>", headers={"Cache-Control": "no-cache"})

    def web_config_json(self, _):
        return httpx.Response(200, json={"sign_in": {"token_url": f"{SIGN_IN}/oauth2/token"}})

    def frames_f_1_jpg(self, _):
        return httpx.Response(200, content=b"\xff\xd8\xff", headers={"Content-Type": "image/jpeg"})

    def a_T0ken(self, request):
        if request.method == "POST":
            return httpx.Response(303, headers={"Location": "/a/T0ken"})
        link = f"{EMULATOR}/frames/f/1.jpg?X-Amz-Signature=s%2F1&amp;X-Amz-Expires=900"
        return httpx.Response(200, html=f'<img src="{link}">')

    def oauth2_authorize(self, _):
        return httpx.Response(200, html=FORM, headers={"Access-Control-Allow-Origin": "*"})

    def login(self, request):
        fields = parse_qs(request.content.decode())
        if fields["password"] != ["right"]:
            return httpx.Response(200, html=FORM)
        where = f"{fields['redirect_uri'][0]}?code=c&state={fields['state'][0]}"
        return httpx.Response(302, headers={"Location": where})

    def logout(self, request):
        return httpx.Response(302, headers={"Location": parse_qs(request.url.query.decode())["logout_uri"][0]})

    def oauth2_token(self, _):
        return httpx.Response(200, json={"access_token": "a"})


@pytest.fixture
def emulator():
    return Emulator()


@pytest.fixture
def account():
    return Client()


@pytest.fixture
def open_front(distribution, emulator, account, monkeypatch):
    """Gives a browser that has no redirects followed."""
    real = httpx.AsyncClient
    transport = httpx.MockTransport(emulator)
    monkeypatch.setattr(front_app.httpx, "AsyncClient", lambda **k: real(transport=transport, **k))
    opened = []

    def go(**options):
        app = FrontApp(distribution, Upstream(EMULATOR, lambda _: account), **options)
        client = TestClient(app.asgi(), base_url=FRONT, follow_redirects=False)
        opened.append(client.__enter__())
        return client

    yield go
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(open_front):
    return open_front(texts=lambda: [("+12025550123", "Person", datetime(2026, 5, 1, tzinfo=UTC))])


# -- what is learned


def test_paths_lead_where_the_deployed_behaviours_say(distribution):
    assert distribution.behaviour("/v1/frames").origin == Api("abc123")
    assert distribution.behaviour("/media/a.jpg").origin == Bucket("web")
    assert distribution.behaviour("/index.html").origin == Bucket("web")
    assert distribution.pages == Bucket("web")


def test_a_distribution_with_a_foreign_origin_is_not_served():
    cloudfront = CloudFront()
    cloudfront.origins["api"] = "elsewhere.example"
    with pytest.raises(NotADashboard):
        read_distribution(cloudfront, "E1")


def test_the_policy_is_the_deployed_one_with_self_for_what_the_front_stands_for(distribution):
    policy = Origins(distribution, EMULATOR).headers(distribution.behaviours[-1])["Content-Security-Policy"]
    assert policy == "default-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'"


def test_origins_are_translated_both_ways_and_nothing_else_is(distribution):
    origins = Origins(distribution, EMULATOR)
    assert origins.to_front(f"{SIGN_IN}/oauth2/token", FRONT) == f"{FRONT}/oauth2/token"
    assert origins.to_front(f"{DASHBOARD}/?code=1", FRONT) == f"{FRONT}/?code=1"
    assert origins.to_front(f"{EMULATOR}/frames/a?b=c%2Fd", FRONT) == f"{FRONT}/pictures/frames/a?b=c%2Fd"
    assert origins.to_front(f"{EMULATOR}/config/site.yaml", FRONT) == f"{EMULATOR}/config/site.yaml"
    assert origins.to_cloud(f"{FRONT}/", FRONT) == f"{DASHBOARD}/"
    assert origins.to_cloud(f"{FRONT}.evil.example/", FRONT) == f"{FRONT}.evil.example/"
    assert origins.to_cloud("https://evil.example/", FRONT) == "https://evil.example/"


# -- what is answered


def test_pages_and_answers_of_the_api_carry_the_policys_headers_over_the_origins_own(client):
    for path in ("/", "/v1/frames", "/nowhere", "/config.json"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "img-src" in headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in headers
        assert "Access-Control-Allow-Origin" not in headers


def test_the_root_is_the_deployed_dashboard(client, emulator):
    answer = client.get("/", headers={"Authorization": "Bearer t", "If-None-Match": '"x"'})
    assert "Framewatch" in answer.text
    assert answer.headers["Cache-Control"] == "no-cache"
    (request,) = emulator.asked
    assert str(request.url) == f"{EMULATOR}/web/index.html?signed=get_object"
    assert request.headers["if-none-match"] == '"x"'
    assert "authorization" not in request.headers


def test_the_page_is_led_to_the_front_for_everything(client):
    assert client.get("/config.json").json() == {
        "sign_in": {"token_url": f"{FRONT}/oauth2/token"},
        "demo": {"sms_url": "/demo/sms"},
    }
    assert client.get("/demo/sms").json() == {
        "messages": [{"number": "+12025550123", "text": "Person", "sent_at": "2026-05-01T00:00:00.000000Z"}]
    }


def test_without_texts_there_is_no_phone_panel(open_front):
    client = open_front()
    assert "demo" not in client.get("/config.json").json()
    assert client.get("/demo/sms").status_code == 404


def test_a_request_to_the_api_goes_through_as_it_came(client, emulator):
    sent = {"If-None-Match": "x", "Authorization": "Bearer token"}
    answer = client.get("/v1/frames?camera=a%20b&limit=2", headers=sent)
    (request,) = emulator.asked
    assert str(request.url) == f"{EMULATOR}/v1/frames?camera=a%20b&limit=2"
    assert request.headers["host"] == "abc123.execute-api.localhost"
    assert request.headers["authorization"] == "Bearer token"
    assert request.headers["if-none-match"] == "x"
    assert "then" not in answer.headers.get("date", "")


def test_pictures_come_through_the_front_with_their_signature_as_it_was(client, emulator):
    link = client.get("/v1/frames").json()["frames"][0]["image_url"]
    assert link == f"{FRONT}/pictures/frames/f/1.jpg?X-Amz-Signature=s%2F1"
    assert client.get(link, headers={"Authorization": "Bearer token"}).content == b"\xff\xd8\xff"
    request = emulator.asked[-1]
    assert str(request.url) == f"{EMULATOR}/frames/f/1.jpg?X-Amz-Signature=s%2F1"
    assert request.headers["host"] == "127.0.0.1:4566"
    assert "authorization" not in request.headers


def test_no_other_bucket_is_a_place_of_pictures(client, emulator):
    assert client.get("/pictures/config/site.yaml").status_code == 404
    assert client.post("/pictures/frames/f/1.jpg").status_code == 403
    assert not emulator.asked


@pytest.mark.parametrize(
    "path", ["/../config/site.yaml", "/%2e%2e/config/site.yaml", "/pictures/frames/%2e%2e/config/site.yaml"]
)
def test_nothing_beside_the_pages_and_pictures_is_reached(client, emulator, path):
    # httpx takes dots away itself; a raw request does not.
    url = httpx.URL(FRONT).copy_with(raw_path=path.encode())
    answer = client.get(url)
    assert answer.status_code == 404
    assert all(r.url.path.startswith(("/web/", "/frames/")) for r in emulator.asked)


def test_pages_are_read_only(client, emulator):
    assert client.post("/index.html").status_code == 403
    assert not emulator.asked


def test_an_api_that_is_down_is_a_502_in_json(client):
    answer = client.get("/v1/down")
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "unavailable"


def test_a_body_that_is_too_large_is_refused(client, emulator):
    assert client.post("/v1/frames", content=b"x" * (1024 * 1024 + 1)).status_code == 413
    assert not emulator.asked


def test_a_texts_link_opens_its_page_with_the_picture_through_the_front(client):
    assert client.get("/a/T0ken").text == (
        f'<img src="{FRONT}/pictures/frames/f/1.jpg?X-Amz-Signature=s%2F1&amp;X-Amz-Expires=900">'
    )


def test_the_answer_given_on_a_texts_page_goes_through_as_it_came(client, emulator):
    """The page sends no referrer, for its address is the secret; so the form comes from nowhere the browser names."""
    sent = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    answer = client.post("/a/T0ken", data={"answer": "taken"}, headers=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/a/T0ken")
    (request,) = emulator.asked
    assert (request.method, request.content) == ("POST", b"answer=taken")


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}])
def test_a_form_from_nowhere_that_is_not_of_a_page_of_ours_is_refused(client, emulator, site):
    assert client.post("/a/T0ken", data={"answer": "taken"}, headers={"Origin": "null", **site}).status_code == 403
    assert not emulator.asked


# -- the sign-in


def ask_for_a_code(client):
    return client.get("/oauth2/authorize", params={"redirect_uri": f"{FRONT}/", "client_id": "c", "state": "s"})


def test_the_form_is_asked_for_with_the_registered_address(client, emulator):
    answer = ask_for_a_code(client)
    assert answer.status_code == 200
    assert parse_qs(emulator.asked[0].url.query.decode())["redirect_uri"] == [f"{DASHBOARD}/"]
    assert "password" in answer.text
    assert "style-src 'unsafe-inline'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("front_origin", [FRONT, "http://localhost:8081"])
def test_a_form_that_is_filled_in_leads_back_to_the_front(client, front_origin):
    fields = {"username": "u", "password": "right", "state": "s", "redirect_uri": f"{DASHBOARD}/"}
    answer = client.post(f"{front_origin}/login", data=fields, headers={"Origin": front_origin})
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{front_origin}/?code=c&state=s"


def test_a_wrong_password_stays_on_the_form(client):
    fields = {"username": "u", "password": "wrong", "state": "s", "redirect_uri": f"{DASHBOARD}/"}
    answer = client.post("/login", data=fields)
    assert answer.status_code == 200
    assert "<form" in answer.text


def test_the_code_is_redeemed_with_the_registered_address(client, emulator):
    fields = {"grant_type": "authorization_code", "code": "c+/=", "redirect_uri": f"{FRONT}/"}
    assert client.post("/oauth2/token", data=fields).json() == {"access_token": "a"}
    sent = parse_qs(emulator.asked[0].content.decode())
    assert sent == {"grant_type": ["authorization_code"], "code": ["c+/="], "redirect_uri": [f"{DASHBOARD}/"]}


def test_a_token_is_renewed_by_the_pools_own_api_which_keeps_the_groups(client, emulator):
    fields = {"grant_type": "refresh_token", "client_id": "c", "refresh_token": "good"}
    renewed = client.post("/oauth2/token", data=fields)
    assert renewed.json() == {"access_token": "a2", "id_token": "i2", "token_type": "Bearer", "expires_in": 60}
    assert renewed.headers["Cache-Control"] == "no-store"
    refused = client.post("/oauth2/token", data={**fields, "refresh_token": "revoked"})
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_grant"
    assert not emulator.asked


def test_a_token_is_revoked_by_the_pools_own_api(client, account, emulator):
    assert client.post("/oauth2/revoke", data={"client_id": "c", "token": "t"}).status_code == 200
    assert account.revoked == [("c", "t")]
    assert not emulator.asked


def test_signing_out_leads_back_to_the_front(client, emulator):
    answer = client.get("/logout", params={"client_id": "c", "logout_uri": f"{FRONT}/"})
    assert answer.headers["location"] == f"{FRONT}/"
    assert parse_qs(emulator.asked[0].url.query.decode())["logout_uri"] == [f"{DASHBOARD}/"]


def test_a_demos_user_is_signed_in_unasked(open_front, emulator):
    client = open_front(user=User("demo", "right"))
    answer = ask_for_a_code(client)
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{FRONT}/?code=c&state=s"
    assert parse_qs(emulator.asked[1].content.decode())["username"] == ["demo"]


def test_a_form_that_was_asked_for_wrongly_is_not_filled_in(open_front, emulator):
    client = open_front(user=User("demo", "wrong"))
    answer = ask_for_a_code(client)
    assert answer.status_code == 200
    assert "wrong" not in answer.text


# -- who may ask


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:8080", "localhost.evil"])
def test_another_host_name_is_refused(client, host):
    assert client.get("/v1/frames", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "localhost"])
def test_this_machines_names_are_served(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/frames", "/login", "/oauth2/token", "/oauth2/revoke"])
def test_another_sites_page_cannot_change_anything(client, emulator, account, path):
    fields = {"password": "right", "state": "s", "redirect_uri": f"{DASHBOARD}/", "grant_type": "refresh_token"}
    fields |= {"refresh_token": "good", "token": "good"}
    assert client.post(path, data=fields, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post(path, data=fields, headers={"Origin": "null"}).status_code == 403
    assert not emulator.asked
    assert not account.revoked
    assert client.post(path, data=fields, headers={"Origin": FRONT}).status_code < 400


def test_a_busy_port_is_one_sentence():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LocalProblem, match=f"Port {port} is in use"):
            front.listen(port)


def test_a_dashboard_that_is_not_built_is_one_sentence(tmp_path):
    with pytest.raises(LocalProblem, match="make setup"):
        check_pages(tmp_path)
