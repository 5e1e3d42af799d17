"""Access tokens that are wrong in one thing alone, signed with the pool's own key: only an emulator gives it away."""

import base64
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from framewatch.wire.api_routes import Address
from local_cloud.clients import ClientFactory
from local_cloud.sign_in import Tokens, create_user


class Forger:
    """Of one pool's tokens, after the example of those that it gave."""

    def __init__(self, scratch: Path, given: Tokens) -> None:
        """scratch: below which the emulator keeps what it has on disk."""
        self._given = given
        self._head, self._body, self._signature = given.access_token.split(".")
        self.claims: dict[str, Any] = json.loads(_decoded(self._body))
        self.pool_id = str(self.claims["iss"]).rpartition("/")[2]
        (found,) = scratch.rglob(f"cognito-pool-keys/{self.pool_id}-access.pem")
        key = serialization.load_pem_private_key(found.read_bytes(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key

    def wrong_tokens(self) -> dict[str, tuple[str, int]]:
        """By what is wrong with each: the token, and the status that API Gateway has for it."""
        now, issuer = int(time.time()), self.claims["iss"]
        return {
            "not a token": ("a.b.c", 401),
            "expired": (self.signed(exp=now - 1), 401),
            "not valid yet": (self.signed(nbf=now + 600), 401),
            "given in the future": (self.signed(iat=now + 600), 401),
            "of another issuer": (self.signed(iss=f"{issuer}x"), 401),
            "of no issuer": (self.signed(iss=None), 401),
            "for another audience": (self.signed(aud="another"), 401),
            "for nobody": (self.signed(client_id=None), 401),
            "for the page": (self._given.id_token, 403),
            "without the scope": (self.signed(scope="email"), 403),
            "made to last": (self.tampered(exp=self.claims["exp"] + 3600), 401),
            "made another's": (self.tampered(sub="another"), 401),
            "signed by another key": (self.signed_by_another(), 401),
            "signed by the public key": (self.signed_by_what_everybody_knows(), 401),
            "signed by none": (self.unsigned(), 401),
        }

    def signed(self, **changed: Any) -> str:
        """With some claims changed, and right in everything else; None leaves one out."""
        signed = f"{self._head}.{_encoded(self._changed(changed))}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_text(signature)}"

    def tampered(self, **changed: Any) -> str:
        """Other claims below the signature that the pool gave."""
        return f"{self._head}.{_encoded(self._changed(changed))}.{self._signature}"

    def unsigned(self) -> str:
        """One that says itself that nobody need look at its signature."""
        return f"{self._header('none')}.{self._body}."

    def signed_by_what_everybody_knows(self) -> str:
        """With the public key as a shared secret, for whoever lets the token say how it is to be checked."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        secret = self._key.public_key().public_bytes(serialization.Encoding.PEM, form)
        signed = f"{self._header('HS256')}.{self._body}"
        code = hmac.HMAC(secret, hashes.SHA256())
        code.update(signed.encode())
        return f"{signed}.{_text(code.finalize())}"

    def signed_by_another(self) -> str:
        """By a key that goes by the name of the pool's."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        signature = key.sign(f"{self._head}.{self._body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{self._head}.{self._body}.{_text(signature)}"

    def _header(self, algorithm: str) -> str:
        return _encoded({**json.loads(_decoded(self._head)), "alg": algorithm})

    def _changed(self, changed: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in (self.claims | changed).items() if value is not None}


def token_of_a_new_client(client: ClientFactory, pool_id: str, username: str, password: str) -> str:
    """An access token that the pool gives its user at another client than the dashboard."""
    cognito = client("cognito-idp")
    new = cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="another", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    )
    answer = cognito.admin_initiate_auth(
        UserPoolId=pool_id,
        ClientId=new["UserPoolClient"]["ClientId"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": username, "PASSWORD": password},
    )
    return str(answer["AuthenticationResult"]["AccessToken"])


def token_of_a_new_pool(client: ClientFactory) -> str:
    """An access token of an admin of another pool in the same account."""
    cognito = client("cognito-idp")
    pool_id = cognito.create_user_pool(PoolName="another")["UserPool"]["Id"]
    cognito.create_group(UserPoolId=pool_id, GroupName="admin")
    user = create_user(client, pool_id, "mallory@example.org", "admin")
    return token_of_a_new_client(client, pool_id, user.username, user.password)


def statuses(url: str, token: str | None, addresses: Iterable[Address]) -> set[int]:
    """What addresses of the API answer to the token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=120) as http:
        return {http.request(method, path).status_code for method, path in addresses}


def _encoded(part: dict[str, Any]) -> str:
    return _text(json.dumps(part).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
