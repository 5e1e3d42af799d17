"""Ask a camera for its stream addresses (ONVIF), so that one that changes with a firmware update still works.

The camera is believed in what it says of itself, but not where it sends us: whatever host its addresses name, the one
that the user gave is used, so a password never goes to another.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from edge_client.opening import OpenFailed

# Before the library is imported: it would set up logging for the whole process, addresses and all.
logging.getLogger().addHandler(logging.NullHandler())

import aiohttp  # noqa: E402
from onvif import ONVIFCamera  # noqa: E402
from zeep.exceptions import Fault, TransportError  # noqa: E402

DEFAULT_PORT = 80
_HTTP_UNAUTHORIZED = (401, 403)
_NOT_AUTHORIZED = ("notauthorized", "not authorized", "unauthorized", "authority failure", "failedauthentication")
_RTSP_UNICAST = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}


@dataclass(frozen=True, slots=True)
class Profile:
    """One of a camera's streams. Its addresses hold no user and no password."""

    token: str
    name: str
    width: int
    height: int
    codec: str
    """As the camera says: H264, JPEG, MPEG4; H.265 where it names it here at all."""
    rtsp_url: str = field(repr=False)
    snapshot_url: str | None = field(repr=False)


class _Camera(ONVIFCamera):  # type: ignore[misc]  # the package has no types
    def rewrite_url(self, url: str | None) -> str | None:
        return _at_host(url, self.host) if url else None


def look_up(host: str, port: int, user: str, password: str, timeout_s: float) -> list[Profile]:
    """The streams with video, in the camera's order: the first is its best on every camera we know of.

    Raises OpenFailed.
    """

    async def bounded() -> list[Profile]:
        async with asyncio.timeout(timeout_s):
            return await _ask(host, port, user, password)

    try:
        profiles = asyncio.run(bounded())
    except TimeoutError:
        raise OpenFailed("timeout") from None
    except Fault as fault:
        raise _from_fault(fault) from None
    except TransportError as error:
        if error.status_code in _HTTP_UNAUTHORIZED:
            raise OpenFailed("auth") from None
        raise OpenFailed("not_onvif", f"status {error.status_code}") from None
    except (aiohttp.ClientError, OSError) as error:
        raise _from_socket(error) from None
    # Where a camera leaves out what the standard demands, the libraries raise whatever they trip over.
    except Exception as error:  # noqa: BLE001
        raise OpenFailed("not_onvif", type(error).__name__) from None
    if not profiles:
        raise OpenFailed("no_profiles")
    return profiles


def resolve(target: str, timeout_s: float) -> str:
    """`onvif://user:password@host[:port][/profile]` -> the RTSP URL, with its secrets. Raises OpenFailed."""
    parts = urlsplit(target)
    userinfo, _, _ = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    assert parts.hostname is not None  # noqa: S101 - parse_source saw to it
    profiles = look_up(parts.hostname, parts.port or DEFAULT_PORT, unquote(user), unquote(password), timeout_s)
    url = urlsplit(_chosen(profiles, unquote(parts.path.strip("/"))).rtsp_url)
    login = ":".join(quote(unquote(part), safe="") for part in (user, password)) + "@" if userinfo else ""
    return url._replace(netloc=login + url.netloc).geturl()


def _chosen(profiles: Sequence[Profile], wanted: str) -> Profile:
    for profile in profiles:
        if wanted in ("", profile.token, profile.name):
            return profile
    raise OpenFailed("no_profile", "it has " + ", ".join(profile.token for profile in profiles)[:200])


async def _ask(host: str, port: int, user: str, password: str) -> list[Profile]:
    # adjust_time: a password digest holds the time, and a camera takes it only near its own.
    camera = _Camera(host, port, user, password, adjust_time=True, no_cache=True)
    try:
        await camera.update_xaddrs()
        media = await camera.create_media_service()
        found: list[Profile] = []
        for profile in await media.GetProfiles() or ():
            encoder = profile.VideoEncoderConfiguration
            if encoder is None or encoder.Resolution is None:
                continue
            token = str(profile.token)
            stream = await media.GetStreamUri({"StreamSetup": _RTSP_UNICAST, "ProfileToken": token})
            url = _at_host(str(stream.Uri), host)
            if urlsplit(url).scheme not in ("rtsp", "rtsps"):
                continue  # FFmpeg would open files, too
            found.append(
                Profile(
                    token,
                    str(profile.Name or token),
                    int(encoder.Resolution.Width),
                    int(encoder.Resolution.Height),
                    str(encoder.Encoding),
                    url,
                    await _snapshot_url(camera, media, token),
                )
            )
        return found
    finally:
        await camera.close()


async def _snapshot_url(camera: _Camera, media: Any, token: str) -> str | None:
    """None where the camera has none: it is no part of the profile that every camera must have."""
    try:
        answer = await media.GetSnapshotUri({"ProfileToken": token})
        return camera.rewrite_url(answer.Uri) if answer is not None else None
    except Exception:  # noqa: BLE001  as in look_up; its streams are no worse for it
        return None


def _at_host(url: str, host: str) -> str:
    """The same address at `host`, its port kept, without user and password."""
    parts = urlsplit(url)
    shown = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=shown + (f":{parts.port}" if parts.port else "")).geturl()


def _from_fault(fault: Fault) -> OpenFailed:
    said = " ".join(str(part) for part in (fault.message, fault.code, *(fault.subcodes or ()))).lower()
    if any(mark in said for mark in _NOT_AUTHORIZED):
        return OpenFailed("auth")
    return OpenFailed("not_onvif", str(fault.message)[:100])


def _from_socket(error: BaseException) -> OpenFailed:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return OpenFailed("dns")
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(inner, socket.gaierror):
        return OpenFailed("dns")
    if isinstance(inner, ConnectionRefusedError):
        return OpenFailed("refused")
    if isinstance(inner, OSError) and not isinstance(inner, ConnectionError):
        return OpenFailed("no_route")
    return OpenFailed("broken_off")
