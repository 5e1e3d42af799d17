"""One camera's HTTP: its login, its certificate, its redirects, and what its failures mean.

Credentials come from the URL's user part and go to that host alone. Proxies and .netrc of the environment are left
out: a camera stands in the local network.
"""

import errno
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from edge_client.http_auth import CameraAuth
from edge_client.jpeg_stream import MAX_PICTURE_BYTES
from edge_client.opening import OpenFailed, Opening

_MOST_REDIRECTS = 5
_BY_STATUS = {401: "auth", 403: "forbidden", 404: "no_path", 410: "no_path"}
_NO_ROUTE = frozenset((errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN))


class HttpCamera:
    def __init__(self, target: str, opening: Opening) -> None:
        """target: a URL with its secrets."""
        parts = urlsplit(target)
        userinfo, _, host = parts.netloc.rpartition("@")
        user, _, password = userinfo.partition(":")
        self._url = parts._replace(netloc=host).geturl()
        self._auth = CameraAuth(unquote(user), unquote(password)) if userinfo else None
        self._timeout_s = opening.timeout_s
        self._client = httpx.Client(
            auth=self._auth,
            verify=_any_certificate() if opening.accept_self_signed else ssl.create_default_context(),
            timeout=opening.timeout_s,
            trust_env=False,
            headers={"Accept": "*/*", "Accept-Encoding": "identity"},
        )

    def get(self) -> httpx.Response:
        """An answer of status 200 whose body has not been read. Raises OpenFailed, httpx.RemoteProtocolError."""
        with _as_open_failed():
            for _ in range(_MOST_REDIRECTS):
                response = self._client.send(self._client.build_request("GET", self._url), stream=True)
                if not response.has_redirect_location:
                    break
                response.close()
                self._url = self._same_host(urljoin(self._url, response.headers["location"]))
            if response.is_success:
                return response
            response.close()
        status = response.status_code
        if status == httpx.codes.UNAUTHORIZED and self._auth is not None and self._auth.asked_for:
            raise OpenFailed("auth_scheme", self._auth.asked_for[:100])
        why = "server_error" if response.is_server_error else _BY_STATUS.get(status, "http_status")
        raise OpenFailed(why, str(status))

    def _same_host(self, location: str) -> str:
        """Another port and from http to https will do; another host would be given the password."""
        old, new = urlsplit(self._url), urlsplit(location)
        is_downgrade = old.scheme == "https" and new.scheme != "https"
        if new.hostname != old.hostname or new.scheme not in ("http", "https") or is_downgrade:
            # Without user, path and query: any of them may hold a secret.
            raise OpenFailed("redirected", f"{new.scheme}://{new.hostname}"[:100])
        return new._replace(netloc=new.netloc.rpartition("@")[2]).geturl()

    def chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """As they come. Raises httpx.HTTPError."""
        try:
            yield from response.iter_raw()
        finally:
            response.close()

    def fetch_picture(self) -> bytes:
        """Raises OpenFailed."""
        try:
            return self.read_picture(self.get())
        except httpx.RemoteProtocolError:
            raise OpenFailed("broken_off") from None

    def read_picture(self, response: httpx.Response) -> bytes:
        """The body of an answer; shorter than it should be where the camera broke off. Raises OpenFailed."""
        picture = bytearray()
        deadline_s = time.monotonic() + self._timeout_s
        with _as_open_failed(), suppress(httpx.RemoteProtocolError):  # fewer bytes than were promised: it is torn
            for chunk in self.chunks(response):
                picture += chunk
                if len(picture) > MAX_PICTURE_BYTES or time.monotonic() > deadline_s:
                    raise OpenFailed("timeout")
        return bytes(picture)

    def hang_up(self, response: httpx.Response) -> None:
        """Ends a read that another thread is waiting in, which closing alone would not."""
        stream = response.extensions.get("network_stream")
        raw = stream.get_extra_info("socket") if stream is not None else None
        if raw is not None:
            with suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._client.close()


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def _as_open_failed() -> Iterator[None]:
    """httpx's errors as OpenFailed, but for answers that are no HTTP: those pass as they are."""
    try:
        yield
    except httpx.RemoteProtocolError:
        raise
    except httpx.TimeoutException:
        raise OpenFailed("timeout") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _translated(error) from None


def _translated(error: Exception) -> OpenFailed:
    """By what lies at the bottom: httpx keeps the socket's own error as a cause."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return OpenFailed("certificate", inner.verify_message.rstrip("."))
        if isinstance(inner, ssl.SSLError):
            return OpenFailed("no_tls", inner.reason or "")
        if isinstance(inner, socket.gaierror):
            return OpenFailed("dns")
        if isinstance(inner, ConnectionRefusedError):
            return OpenFailed("refused")
        if isinstance(inner, OSError) and inner.errno in _NO_ROUTE:
            return OpenFailed("no_route")
        inner = inner.__cause__ or inner.__context__
    return OpenFailed("broken_off")
