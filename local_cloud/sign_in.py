"""Signing in as a browser does: the code flow with PKCE through the hosted form, for programs and tests."""

import base64
import hashlib
import secrets
import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx

from local_cloud.clients import ClientFactory

SCOPE = "openid email"
_TIMEOUT_S = 20.0


class SignInRefused(Exception):
    """Says at which step, and what was answered."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """access_token: what the API takes, as `Authorization: Bearer`."""

    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class User:
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """A page's only form. fields: every input that has a name, with its value."""

    action: str
    fields: dict[str, str] = field(repr=False)


def sign_in(
    base_url: str,
    client_id: str,
    redirect_uri: str,
    username: str,
    password: str,
    *,
    verify: ssl.SSLContext | bool = True,
    new_password: str | None = None,
) -> Tokens:
    """base_url: where /oauth2/authorize is. new_password: for one whose password was only the first.

    Raises SignInRefused and httpx.HTTPError.
    """
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
        "code_challenge_method": "S256",
    }
    with httpx.Client(base_url=base_url, verify=verify, trust_env=False, timeout=_TIMEOUT_S) as http:
        answer = http.get("/oauth2/authorize", params=asked)
        if answer.status_code == httpx.codes.OK:
            answer = _send(http, answer, {"username": username, "password": password})
        if answer.status_code == httpx.codes.OK and new_password is not None:
            answer = _send(http, answer, {"new_password": new_password, "confirm_password": new_password})
        if not answer.is_redirect:
            raise SignInRefused(f"{username} was not signed in: {read_error(answer.text) or answer.text[:200]}")
        back = parse_qs(urlsplit(answer.headers["location"]).query)
        if back.get("state") != [state] or "code" not in back:
            raise SignInRefused(f"the sign-in came back without a code of ours: {sorted(back)}")
        tokens = http.post(
            "/oauth2/token",
            data={
                "grant_type": "authorization_code",
                "client_id": client_id,
                "redirect_uri": redirect_uri,
                "code": back["code"][0],
                "code_verifier": verifier,
            },
        )
    if tokens.status_code != httpx.codes.OK:
        raise SignInRefused(f"the code was not taken: {tokens.text[:200]}")
    body = tokens.json()
    return Tokens(body["access_token"], body["id_token"], body["refresh_token"], int(body["expires_in"]))


def create_user(client: ClientFactory, pool_id: str, email: str, group: str) -> User:
    """One who is in the group and may sign in at once, with a password made here."""
    user = User(email, f"Aa1-{secrets.token_urlsafe(18)}")  # whatever the pool's policy asks for is in it
    cognito = client("cognito-idp")
    cognito.admin_create_user(
        UserPoolId=pool_id,
        Username=email,
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
        MessageAction="SUPPRESS",
    )
    cognito.admin_set_user_password(UserPoolId=pool_id, Username=email, Password=user.password, Permanent=True)
    cognito.admin_add_user_to_group(UserPoolId=pool_id, Username=email, GroupName=group)
    return user


def filled_in(page: str, answers: dict[str, str]) -> tuple[str, str]:
    """The form of a hosted page: where it is posted to, and the body. Raises SignInRefused when there is none."""
    form = read_form(page)
    return form.action, urlencode(form.fields | answers)


def read_form(page: str) -> Form:
    reader = _Reader()
    reader.feed(page)
    if reader.action is None:
        raise SignInRefused(f"a page without a form was answered: {page[:200]}")
    return Form(reader.action, reader.fields)


def read_error(page: str) -> str:
    """What the hosted page says is wrong; empty when it says nothing."""
    reader = _Reader()
    reader.feed(page)
    return " ".join(reader.error.split())


def _send(http: httpx.Client, page: httpx.Response, answers: dict[str, str]) -> httpx.Response:
    action, body = filled_in(page.text, answers)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return http.post(urljoin(str(page.url), action), content=body, headers=headers)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.error = ""
        self._in_error = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.action = found.get("action") or ""
        elif tag == "input" and (name := found.get("name")):
            self.fields[name] = found.get("value") or ""
        self._in_error = tag == "div" and found.get("class") == "error"

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  # its name is given
        self._in_error = False

    def handle_data(self, data: str) -> None:
        if self._in_error:
            self.error += data
