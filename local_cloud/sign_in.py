"""Signs in to the emulated user pool as a demo user, the way a browser does: sign-in page, code with PKCE, tokens."""

import base64
import hashlib
import secrets
import threading
import time
from urllib.parse import parse_qs, urlsplit

import httpx

from local_cloud.clients import ClientFactory
from local_cloud.problem import LocalProblem

DEMO_USER = "demo@example.com"
DEMO_GROUP = "operator"
_RENEW_BEFORE_S = 300.0


class DemoSignIn:
    """`access_token` gives one that is good for some minutes yet. Thread-safe. Raises LocalProblem."""

    def __init__(self, client: ClientFactory, outputs: dict[str, str], emulator_url: str) -> None:
        """outputs: of the deployed stacks."""
        self._cognito = client("cognito-idp")
        self._pool_id = outputs["UserPoolId"]
        self._client_id = outputs["UserPoolClientId"]
        self._page = f"{outputs['DashboardUrl']}/"
        self._emulator_url = emulator_url
        self._lock = threading.Lock()
        self._password = f"Aa1-{secrets.token_urlsafe(24)}"  # every kind of character that the pool's policy asks for
        self._token = ""
        self._good_until = 0.0

    def create_user(self) -> None:
        """One that looks as if invited and then signed in once, so that no password is asked to be changed."""
        who = {"UserPoolId": self._pool_id, "Username": DEMO_USER}
        self._cognito.admin_create_user(
            **who,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": DEMO_USER}, {"Name": "email_verified", "Value": "true"}],
        )
        self._cognito.admin_set_user_password(**who, Password=self._password, Permanent=True)
        self._cognito.admin_add_user_to_group(**who, GroupName=DEMO_GROUP)

    def access_token(self) -> str:
        with self._lock:
            if time.monotonic() >= self._good_until:
                self._sign_in()
            return self._token

    def _sign_in(self) -> None:
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": self._client_id,
            "response_type": "code",
            "scope": "openid email",
            "redirect_uri": self._page,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        with httpx.Client(base_url=self._emulator_url, timeout=30, trust_env=False) as http:
            form = {**asked, "username": DEMO_USER, "password": self._password}
            answer = http.post("/login", data=form)
            code = parse_qs(urlsplit(answer.headers.get("location", "")).query).get("code")
            if not code:
                raise LocalProblem(f"The emulated sign-in page let {DEMO_USER} not in (HTTP {answer.status_code}).")
            grant = {
                "grant_type": "authorization_code",
                "client_id": self._client_id,
                "redirect_uri": self._page,
                "code": code[0],
                "code_verifier": verifier,
            }
            tokens = http.post("/oauth2/token", data=grant).raise_for_status().json()
        self._token = tokens["access_token"]
        self._good_until = time.monotonic() + tokens["expires_in"] - _RENEW_BEFORE_S
