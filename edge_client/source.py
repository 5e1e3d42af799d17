"""What the user wrote as a source, taken apart once. Passwords come from the environment and show up nowhere.

A `${NAME}` in the user or password part of a URL is taken literally, whatever characters the value holds; a
password written into the URL itself has to be percent-encoded, as in any URL. The redacted form keeps `${NAME}` as
it was written, which tells the reader where to look and gives nothing away.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from framewatch.domain.errors import PermanentError

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_URL = re.compile(r"^([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
# A scheme has a bound, and so has the time that a long line takes.
_USERINFO_ANYWHERE = re.compile(r"([a-z][a-z0-9+.-]{0,30}://)[^\s/]*@", re.IGNORECASE)
_DEVICE_PATH = re.compile(r"^/dev/video(\d+)$")
IMAGE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".avif", ".jp2"))
"""What a folder of images is looked through for."""
_MASK = "***"
# Shorter than this, a secret would blot out half of every message, and anybody would guess it anyway.
_MIN_SECRET_CHARS = 3


class SourceError(PermanentError):
    """The source cannot be understood. The message holds no secret and no URL that might hold one."""


class SourceKind(StrEnum):
    DEVICE = "device"
    PATH = "path"
    """A clip, one image or an image folder: which of them is seen when it is opened."""
    RTSP = "rtsp"
    HTTP = "http"
    """A stream of JPEGs, a snapshot address, or whatever else FFmpeg reads over HTTP."""
    ONVIF = "onvif"
    """The camera is asked for its RTSP address each time it is opened."""


_KINDS = {
    "rtsp": SourceKind.RTSP,
    "rtsps": SourceKind.RTSP,
    "http": SourceKind.HTTP,
    "https": SourceKind.HTTP,
    "onvif": SourceKind.ONVIF,
}


@dataclass(frozen=True, slots=True)
class Source:
    """target: what the decoder opens, secrets and all; it goes to the child through a pipe and nowhere else."""

    kind: SourceKind
    target: str = field(repr=False)
    redacted: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_live(self) -> bool:
        return self.kind is not SourceKind.PATH

    def redact(self, text: str) -> str:
        """Text from a library, with every form of this source's secrets and anybody's `user:password@` masked."""
        text = text.replace(self.target, self.redacted)
        for secret in self.secrets:
            text = text.replace(secret, _MASK)
        return _USERINFO_ANYWHERE.sub(rf"\1{_MASK}@", text)


def parse_source(text: str, env: Mapping[str, str] = os.environ) -> Source:
    """text: a device number, a path, or an rtsp, rtsps, http, https or onvif URL. Raises SourceError."""
    text = text.strip()
    if not text:
        raise SourceError("the source is empty; give a device number, a file, an image folder or a URL")
    values = _referenced(text, env)
    if not _URL.match(text) and values:
        # The whole source, or the start of a URL, comes from the environment: then all of that is secret.
        expanded = _expand(text, values)
        if _URL.match(expanded):
            inner = _parse_url(expanded, {})
            return Source(inner.kind, inner.target, text, (*inner.secrets, *_forms(list(values.values()))))
        return _parse_local(expanded)
    if _URL.match(text):
        return _parse_url(text, values)
    return _parse_local(text)


def _referenced(text: str, env: Mapping[str, str]) -> dict[str, str]:
    names = _REFERENCE.findall(text)
    for name in names:
        if not env.get(name):
            raise SourceError(f"the source needs ${{{name}}}, which the environment does not hold; set {name}")
    return {name: env[name] for name in names}


def _expand(text: str, values: Mapping[str, str], *, encode: bool = False) -> str:
    return _REFERENCE.sub(lambda m: quote(values[m[1]], safe="") if encode else values[m[1]], text)


def _parse_local(text: str) -> Source:
    device = _DEVICE_PATH.match(text)
    if text.isascii() and text.isdigit():
        return Source(SourceKind.DEVICE, text, f"device {text}")
    if device:
        return Source(SourceKind.DEVICE, device[1], text)
    try:
        # Absolute, so that no name can be taken for one of FFmpeg's own protocols (`concat:`, `subfile:`).
        path = str(Path(text).expanduser().absolute())
        os.fsencode(path)
    except RuntimeError:  # ~somebody
        raise SourceError(
            "the source begins with ~ and a user whom this machine does not know; write the path out"
        ) from None
    except ValueError:
        raise SourceError("the source holds a character that no file name can; write another") from None
    if "\0" in path:
        raise SourceError("the source holds a NUL character, which no file name can")
    return Source(SourceKind.PATH, path, text)


def _parse_url(text: str, values: Mapping[str, str]) -> Source:
    """text: a URL whose references are still unexpanded, except for those that `values` no longer lists."""
    scheme = text.split(":", 1)[0].lower()
    kind = _KINDS.get(scheme)
    if kind is None:
        raise SourceError(f"{scheme}:// is not a source this client reads; use rtsp://, http://, onvif:// or a path")
    if any(ch.isspace() or not ch.isprintable() for ch in text):
        raise SourceError(f"the {scheme}:// URL holds a blank or a control character; percent-encode it")
    try:
        parts = urlsplit(text)
        likely = urlsplit(_REFERENCE.sub("1", text))  # a port may be a reference
        has_host = bool(likely.hostname) and (likely.port is None or likely.port > 0)
    except ValueError:
        has_host = False
        parts = urlsplit("")
    stray_at = "@" not in parts.netloc and "@" in text
    if not has_host or stray_at:
        # Most often a password with / ? or # in it, which ends the host early: then no part of it can be shown.
        raise SourceError(
            f"the {scheme}:// URL has no readable host; percent-encode special characters in its user and password"
            " (@ is %40, / is %2F, # is %23), or take them from the environment as ${NAME}"
        )
    userinfo, at, host = parts.netloc.rpartition("@")
    user, colon, password = userinfo.partition(":")
    target = parts._replace(
        netloc=_expand(user + colon + password, values, encode=True) + at + _expand(host, values),
        path=_expand(parts.path, values),
        query=_expand(parts.query, values),
        fragment="",
    ).geturl()
    if not target.isprintable() or " " in target:
        raise SourceError(
            f"a value from the environment puts a blank or a control character into the {scheme}:// URL"
        )
    secrets = [password, *values.values()]
    if parts.query:
        secrets.append(parts.query)
    if not colon and user:
        secrets.append(user)  # a bare token
    return Source(kind, target, _redacted(parts), _forms(secrets))


def _redacted(parts: SplitResult) -> str:
    userinfo, at, host = parts.netloc.rpartition("@")
    user, colon, password = userinfo.partition(":")
    shown_user = user if colon or _is_reference(user) else (user and _MASK)
    shown_password = password if _is_reference(password) else (password and _MASK)
    # Cameras take `?user=..&pwd=..` too, under a hundred names: no query is shown.
    return parts._replace(
        netloc=shown_user + colon + shown_password + at + host,
        query=parts.query and (parts.query if _is_reference(parts.query) else _MASK),
        fragment="",
    ).geturl()


def _is_reference(text: str) -> bool:
    return _REFERENCE.fullmatch(text) is not None


def _forms(secrets: list[str]) -> tuple[str, ...]:
    """Each secret as written, decoded and encoded: a library may print any of the three. Longest first."""
    forms = {form for s in secrets for form in (s, unquote(s), quote(s, safe=""), quote(unquote(s), safe=""))}
    return tuple(sorted((f for f in forms if len(f) >= _MIN_SECRET_CHARS), key=len, reverse=True))
