"""The demo's front on 127.0.0.1: what CloudFront is in the cloud. Pages from a folder, the API with a token."""

import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framewatch.wire.envelope import format_utc
from local_cloud.pages import FrontRules
from local_cloud.problem import LocalProblem

SMS_URL = "/demo/sms"
_MAX_SMS = 200
_MAX_BODY_BYTES = 1024 * 1024
_HOSTS = ("127.0.0.1", "localhost")
_API_TIMEOUT_S = 35.0  # API Gateway gives up after 30
# What belongs to one connection, and what the front decides itself.
_NOT_FORWARDED = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade"
    b" host authorization content-length accept-encoding".split()
)
_NOT_RETURNED = frozenset(
    ["connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "server", "date"]
)


def listen(port: int) -> socket.socket:
    """Taken at once, so that a busy port is said before anything has started. Raises LocalProblem."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
        sock.listen(128)
    except PermissionError:
        sock.close()
        raise LocalProblem(f"Port {port} needs more rights than you have; take one above 1023 with --port.") from None
    except OSError:
        sock.close()
        raise LocalProblem(
            f"Port {port} is in use; end what uses it, or take another with --port (make demo PORT=8081)."
        ) from None
    return sock


def check_pages(folder: Path) -> None:
    """Raises LocalProblem."""
    if not (folder / "index.html").is_file():
        raise LocalProblem(
            f"The dashboard is not built ({folder / 'index.html'} is missing); run `make setup` first."
        )


class Front:
    """Serves from a thread of its own until `stop`."""

    def __init__(
        self,
        sock: socket.socket,
        pages: Path,
        rules: FrontRules,
        *,
        emulator_url: str,
        api_url: str,
        token: Callable[[], str],
        texts: Callable[[], list[tuple[str, str, datetime]]],
    ) -> None:
        """api_url: the stack's output. token: an access token. texts: (number, text, sent at), newest last."""
        app = build_app(pages, rules, emulator_url=emulator_url, api_url=api_url, token=token, texts=texts)
        # Critical: a page that is asking at the moment of Ctrl-C is no reason for a trace.
        config = uvicorn.Config(app, log_level="critical", access_log=False, server_header=False, lifespan="on")
        config.timeout_graceful_shutdown = 1
        self._server = uvicorn.Server(config)
        self._sock = sock
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [sock]}, name="front", daemon=True
        )

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise LocalProblem("The dashboard's server did not start; start again with --verbose.")
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(5)
        self._sock.close()


def build_app(
    pages: Path,
    rules: FrontRules,
    *,
    emulator_url: str,
    api_url: str,
    token: Callable[[], str],
    texts: Callable[[], list[tuple[str, str, datetime]]],
) -> Starlette:
    proxy = _ApiProxy(emulator_url, api_url, token)

    async def config(_: Request) -> Response:
        return JSONResponse({"api_base": "/v1", "demo": {"sms_url": SMS_URL}})

    async def sms(_: Request) -> Response:
        newest = texts()[-_MAX_SMS:]
        return JSONResponse(
            {"messages": [{"number": n, "text": t, "sent_at": format_utc(at)} for n, t, at in newest]},
            headers={"Cache-Control": "no-store"},
        )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with proxy.client:
            yield

    return Starlette(
        routes=[
            Route("/config.json", config),
            Route(SMS_URL, sms),
            Mount("/", _ByBehaviour(rules, proxy, StaticFiles(directory=pages, html=True))),
        ],
        middleware=[
            # Another site's name that leads to 127.0.0.1 must not make its pages ours (DNS rebinding).
            Middleware(TrustedHostMiddleware, allowed_hosts=list(_HOSTS), www_redirect=False),
            Middleware(_Headers, headers=rules.headers),
        ],
        lifespan=lifespan,
    )


class _ByBehaviour:
    """To the API or to the pages, as the distribution's behaviours say."""

    def __init__(self, rules: FrontRules, api: "_ApiProxy", pages: ASGIApp) -> None:
        self._rules = rules
        self._api = api
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._rules.is_api(scope["path"]):
            response = await self._api.answer(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self._pages(scope, receive, send)


class _ApiProxy:
    """Adds the token that a signed-in page would send, and changes nothing else of a request."""

    def __init__(self, emulator_url: str, api_url: str, token: Callable[[], str]) -> None:
        self._base = emulator_url
        # The API answers to its own host name only.
        self._host = urlsplit(api_url).netloc
        self._token = token
        self.client = httpx.AsyncClient(timeout=_API_TIMEOUT_S, trust_env=False)

    async def answer(self, request: Request) -> Response:
        origin = request.headers.get("origin")
        ours = not origin or urlsplit(origin).netloc == request.headers.get("host")
        if request.method not in ("GET", "HEAD", "OPTIONS") and not ours:
            return JSONResponse({"error": {"code": "forbidden", "message": "another site's page asked"}}, 403)
        body = await request.body()
        if len(body) > _MAX_BODY_BYTES:
            return JSONResponse({"error": {"code": "too_large", "message": "the body is over 1 MB"}}, 413)
        try:
            token = await run_in_threadpool(self._token)
            upstream = await self.client.send(self._upstream(request, body, token))
        except (httpx.HTTPError, LocalProblem):
            return JSONResponse({"error": {"code": "unavailable", "message": "the API does not answer"}}, 502)
        headers = {k: v for k, v in upstream.headers.items() if k.lower() not in _NOT_RETURNED}
        return Response(upstream.content, upstream.status_code, headers)

    def _upstream(self, request: Request, body: bytes, token: str) -> httpx.Request:
        raw_path = request.scope.get("raw_path") or request.scope["path"].encode()
        query = request.scope["query_string"].decode("latin-1")
        target = raw_path.decode("latin-1").partition("?")[0] + (f"?{query}" if query else "")
        headers = [(k, v) for k, v in request.scope["headers"] if k not in _NOT_FORWARDED]
        headers += [(b"host", self._host.encode()), (b"authorization", f"Bearer {token}".encode())]
        headers.append((b"accept-encoding", b"identity"))
        return self.client.build_request(request.method, f"{self._base}{target}", headers=headers, content=body)


class _Headers:
    """The response headers policy; it overrides what the origin says, as in the template."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                # Pages change with every build under the same names, all but the hashed assets.
                if not scope["path"].startswith("/assets/"):
                    headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, with_headers)
