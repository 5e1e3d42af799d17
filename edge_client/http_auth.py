"""Basic and digest passwords over HTTP, as cameras ask for them.

httpx computes digests (MD5, SHA-256 and SHA-512, also as -sess) but wants the challenge as RFC 7616 writes it.
Cameras write it otherwise: Basic and Digest in one header, keys in any case, a realm without quotes, an algorithm or
qop with stray blanks, empty or unknown. So it is read here, written again properly, and given to httpx.
"""

import re
from collections.abc import Generator
from typing import NamedTuple

import httpx

# Best first. The -sess forms are what httpx knows too; a server that offers several means the same password by all.
_ALGORITHMS = ("SHA-256", "SHA-256-SESS", "SHA-512", "SHA-512-SESS", "MD5", "MD5-SESS")
# key=value, key="value" with \" in it, or a scheme's bare name.
_ITEM = re.compile(r"""\s*([A-Za-z0-9_-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?[\s,]*""", re.DOTALL)


class Challenge(NamedTuple):
    scheme: str
    """Lower case."""
    params: dict[str, str]
    """Keys in lower case; values as they stand between the quotes."""


def read_challenges(headers: list[str]) -> list[Challenge]:
    """Every challenge of every WWW-Authenticate header; what cannot be understood is left out."""
    challenges: list[Challenge] = []
    for header in headers:
        at = 0
        while match := _ITEM.match(header, at):
            at = match.end()
            key, quoted, bare = match.groups()
            if quoted is None and bare is None:
                challenges.append(Challenge(key.lower(), {}))
            elif challenges:
                challenges[-1].params.setdefault(key.lower(), (quoted if quoted is not None else bare).strip())
    return challenges


def _best_digest(challenges: list[Challenge]) -> str | None:
    """A WWW-Authenticate header that httpx understands, for the best algorithm that was offered."""
    found: list[tuple[int, str]] = []
    for scheme, params in challenges:
        algorithm = params.get("algorithm", "").upper() or "MD5"
        qops = [qop for qop in re.split(r"[\s,]+", params.get("qop", "").lower()) if qop]
        if scheme != "digest" or "nonce" not in params or algorithm not in _ALGORITHMS or qops == ["auth-int"]:
            continue
        parts = [f'realm="{params.get("realm", "")}"', f'nonce="{params["nonce"]}"', f"algorithm={algorithm}"]
        if "auth" in qops:
            parts.append('qop="auth"')
        if params.get("opaque"):
            parts.append(f'opaque="{params["opaque"]}"')
        found.append((_ALGORITHMS.index(algorithm), "Digest " + ", ".join(parts)))
    return min(found)[1] if found else None


class CameraAuth(httpx.Auth):
    """Answers whichever of basic and digest the camera asks for, digest first; remembers it for the next request."""

    def __init__(self, user: str, password: str) -> None:
        self._basic = httpx.BasicAuth(user, password)
        self._digest = httpx.DigestAuth(user, password)
        self._scheme = ""
        self.asked_for = ""
        """What the camera asked for last, where neither was among it."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._scheme == "basic":
            yield from self._basic.auth_flow(request)
            return
        # httpx's own flow, which knows the nonce of the last answer and counts its uses.
        flow = self._digest.auth_flow(request)
        response = yield next(flow)
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        challenges = read_challenges(response.headers.get_list("www-authenticate"))
        digest = _best_digest(challenges)
        if digest:
            self._scheme = "digest"
            clean = httpx.Response(response.status_code, headers={"www-authenticate": digest}, request=request)
            clean.headers.update({"set-cookie": c} if (c := response.headers.get("set-cookie")) else {})
            yield flow.send(clean)
        elif any(challenge.scheme == "basic" for challenge in challenges):
            self._scheme = "basic"
            yield from self._basic.auth_flow(request)
        else:
            self.asked_for = ", ".join(dict.fromkeys(challenge.scheme for challenge in challenges))
