"""A sign-in to come back from, on an origin of its own: a form, and a token endpoint as strict as RFC 7636 asks."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.browser.listening import listening

CLIENT_ID = "dashboard"
FORM = """<!doctype html><html lang="en"><title>Hosted sign-in</title><h1>Hosted sign-in</h1>
<form method="post" action="/login"><input type="hidden" name="asked" value="{asked}">
<button>Sign in as {email}</button></form><a href="{cancel}">Cancel</a></html>"""

Form = dict[str, str]


@dataclass
class FakeProvider:
    """One person's account. A token is good until a test says otherwise, whatever time it was given."""

    email: str = "ops@example.com"
    groups: tuple[str, ...] = ("operator",)
    lifetime_s: int = 3600
    # the provider's own cookie: the next attempt needs no form
    remembers: bool = False
    hang_up: bool = False
    # what goes wrong on purpose: codes that cannot be redeemed, tokens that no API takes
    codes_work: bool = True
    tokens_work: bool = True
    origin: str = ""
    site_origin: str = ""
    # how often the browser came to /oauth2/authorize, and what the token endpoint was asked for
    visits: int = 0
    grants: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    _codes: dict[str, Form] = field(default_factory=dict)
    # access token -> groups at the time it was made
    _access: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # access token -> whose
    _emails: dict[str, str] = field(default_factory=dict)
    _refresh: set[str] = field(default_factory=set)

    def config(self) -> dict[str, str]:
        return {
            "issuer": f"{self.origin}/pool",
            "client_id": CLIENT_ID,
            "authorize_url": f"{self.origin}/oauth2/authorize",
            "token_url": f"{self.origin}/oauth2/token",
            "logout_url": f"{self.origin}/logout",
        }

    def groups_of(self, authorization: str | None) -> tuple[str, ...] | None:
        """None: not a token of ours, or no longer."""
        return self._access.get((authorization or "").removeprefix("Bearer "))

    def email_of(self, authorization: str | None) -> str | None:
        return self._emails.get((authorization or "").removeprefix("Bearer "))

    def expire_access_tokens(self) -> None:
        self._access.clear()

    def end_all_sessions(self) -> None:
        self._access.clear()
        self._refresh.clear()

    def authorize(self, asked: Form) -> tuple[int, str]:
        """(302, address) or (200, page) or (400, why)."""
        self.visits += 1
        wrong = self._wrong_with(asked)
        if wrong:
            return 400, wrong
        if self.remembers:
            return 302, self._back(asked, code=self._code_for(asked))
        cancel = self._back(asked, error="access_denied", error_description="The user cancelled.")
        page = FORM.format(
            asked=html.escape(json.dumps(asked)), email=html.escape(self.email), cancel=html.escape(cancel)
        )
        return 200, page

    def login(self, form: Form) -> str:
        asked = json.loads(form["asked"])
        self.remembers = True
        return self._back(asked, code=self._code_for(asked))

    def logout(self, asked: Form) -> tuple[int, str]:
        if asked.get("client_id") != CLIENT_ID or asked.get("logout_uri") != f"{self.site_origin}/":
            return 400, f"no such logout_uri: {asked}"
        self.remembers = False
        return 302, asked["logout_uri"]

    def token(self, form: Form) -> tuple[int, dict[str, object]]:
        grant = form.get("grant_type", "")
        self.grants.append(grant)
        if form.get("client_id") != CLIENT_ID:
            return self._refuse("invalid_client")
        if grant == "refresh_token":
            if form.get("refresh_token") not in self._refresh:
                return self._refuse("invalid_grant")
            return 200, self._tokens(None)
        asked = self._codes.pop(form.get("code", ""), None) if self.codes_work else None
        digest = hashlib.sha256(form.get("code_verifier", "").encode("ascii")).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or challenge != asked["code_challenge"] or form.get("redirect_uri") != asked["redirect_uri"]:
            return self._refuse("invalid_grant")
        refresh = secrets.token_urlsafe(24)
        self._refresh.add(refresh)
        return 200, {**self._tokens(asked["nonce"]), "refresh_token": refresh}

    def revoke(self, form: Form) -> None:
        self.revoked.append(form["token"])
        self._refresh.discard(form["token"])

    def _wrong_with(self, asked: Form) -> str | None:
        expected = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": f"{self.site_origin}/",
            "scope": "openid email",
            "code_challenge_method": "S256",
        }
        return next(
            (f"{name}: {asked.get(name)!r}" for name, value in expected.items() if asked.get(name) != value), None
        )

    def _code_for(self, asked: Form) -> str:
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return code

    def _back(self, asked: Form, **answer: str) -> str:
        return f"{asked['redirect_uri']}?{urlencode({**answer, 'state': asked['state']})}"

    def _tokens(self, nonce: str | None) -> dict[str, object]:
        access = secrets.token_urlsafe(24)
        if self.tokens_work:
            self._access[access] = self.groups
            self._emails[access] = self.email
        now_s = int(time.time())
        claims = {
            "iss": f"{self.origin}/pool",
            "aud": CLIENT_ID,
            "sub": "user-1",
            "email": self.email,
            "iat": now_s,
            "exp": now_s + 3600,
            **({"nonce": nonce} if nonce else {}),
        }
        # Straight from the provider by TLS: OpenID Connect asks nobody to check the signature then, and nobody does.
        id_token = ".".join([_base64url({"alg": "RS256"}), _base64url(claims), "c2lnbmF0dXJl"])
        return {
            "access_token": access,
            "id_token": id_token,
            "token_type": "Bearer",
            "expires_in": self.lifetime_s,
        }

    def _refuse(self, error: str) -> tuple[int, dict[str, object]]:
        self.refused.append(error)
        return 400, {"error": error}


def _base64url(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@contextmanager
def providing(provider: FakeProvider) -> Iterator[FakeProvider]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = _fields(parts.query)
            answers = {"/oauth2/authorize": provider.authorize, "/logout": provider.logout}
            status, words = answers[parts.path](asked) if parts.path in answers else (404, "no such page")
            if status == 302:
                self.send(302, b"", location=words)
            else:
                self.send(status, words.encode(), content_type="text/html; charset=utf-8")

        def do_POST(self) -> None:
            form = _fields(self.rfile.read(int(self.headers["Content-Length"])).decode())
            path = urlsplit(self.path).path
            if provider.hang_up:
                self.close_connection = True
            elif path == "/login":
                self.send(302, b"", location=provider.login(form))
            elif path == "/oauth2/token":
                status, body = provider.token(form)
                # Another origin's page may read what the token endpoint answers, as Cognito allows.
                self.send(status, json.dumps(body).encode(), content_type="application/json", readable=True)
            elif path == "/oauth2/revoke":
                provider.revoke(form)
                self.send(200, b"")
            else:
                self.send(404, b"no such page")

        def send(
            self,
            status: int,
            body: bytes,
            *,
            content_type: str = "text/plain",
            location: str | None = None,
            readable: bool = False,
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            if location:
                self.send_header("Location", location)
            if readable:
                self.send_header("Access-Control-Allow-Origin", provider.site_origin)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with listening(Handler) as provider.origin:
        yield provider


def _fields(encoded: str) -> Form:
    return {name: values[0] for name, values in parse_qs(encoded, keep_blank_values=True).items()}
