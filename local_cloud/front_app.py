"""What the front answers: the deployed pages, the API, the sign-in's form and the pictures, all from one origin.

In the cloud these are four: the distribution leads to pages and API, the form is Cognito's and the pictures are S3's.
Here a browser would trust none of the other three. The front signs for the pages, as the distribution does for its
bucket. Everything else goes through as it came, but for the origins, which are translated both ways.
"""

import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from botocore.exceptions import BotoCoreError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from framewatch.wire.envelope import format_utc
from local_cloud import user_pool
from local_cloud.clients import ClientFactory
from local_cloud.distribution import PICTURES, Api, Bucket, Distribution, Origins
from local_cloud.sign_in import SignInRefused, User, filled_in

SMS_URL = "/demo/sms"
_MAX_SMS = 200
_MAX_BODY_BYTES = 1024 * 1024
_HOSTS = ("127.0.0.1", "localhost")
_TIMEOUT_S = 35.0  # API Gateway gives up after 30
_HARMLESS = ("GET", "HEAD", "OPTIONS")
_METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
_FORM = "application/x-www-form-urlencoded"
# Answers in which an address of the cloud may stand: a link to a picture, say. The sign-in's form is none of them:
# its hidden fields go back as they came.
_WITH_ADDRESSES = ("application/json",)
_PAGES_WITH_ADDRESSES = (*_WITH_ADDRESSES, "text/html")
# What belongs to one connection, and what the front decides itself.
_NOT_FORWARDED = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade"
    b" host content-length accept-encoding".split()
)
_NOT_RETURNED = frozenset(
    ["connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "server", "date"]
)
# To a bucket no more than what may save an answer: a token for the API is not S3's business.
_CONDITIONS = frozenset([b"if-none-match", b"if-modified-since", b"range"])
# The form is a page of AWS's in the cloud, with a style in it; it is posted to where it came from.
_FORM_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Without a referrer browsers post a form as from nowhere ("Origin: null"), which is refused here.
    "Referrer-Policy": "same-origin",
}

Texts = Callable[[], list[tuple[str, str, datetime]]]


class Upstream:
    """Where the emulated AWS is, and what the front needs to ask it."""

    def __init__(self, url: str, client: ClientFactory, tls: ssl.SSLContext | bool = True) -> None:
        """client: the account's own; it signs for the pages. tls: for an https url, whom to trust."""
        self.url = url
        self.client = client
        self._s3 = client("s3")
        self.http = httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, verify=tls)

    def page_url(self, method: str, bucket: str, key: str) -> str:
        operation = "head_object" if method == "HEAD" else "get_object"
        return str(self._s3.generate_presigned_url(operation, Params={"Bucket": bucket, "Key": key}))


class FrontApp:
    """`distribution` may be replaced by what it has become after another deployment."""

    def __init__(
        self,
        distribution: Distribution,
        upstream: Upstream,
        *,
        texts: Texts | None = None,
        user: User | None = None,
    ) -> None:
        """texts: for a demo's phone panel: (number, text, sent at), newest last. user: who is signed in unasked."""
        self._upstream = upstream
        self._texts = texts
        self._user = user
        self.distribution = distribution

    @property
    def distribution(self) -> Distribution:
        return self._distribution

    @distribution.setter
    def distribution(self, distribution: Distribution) -> None:
        self._distribution = distribution
        self._origins = Origins(distribution, self._upstream.url)

    def asgi(self) -> Starlette:
        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with self._upstream.http:
                yield

        return Starlette(
            routes=[
                *([Route(SMS_URL, self._sms)] if self._texts else []),
                Route("/oauth2/authorize", self._authorize),
                *(Route(path, self._sign_in, methods=_METHODS) for path in ("/oauth2/{_:path}", "/login", "/logout")),
                Route(PICTURES + "{bucket}/{_:path}", self._picture),
                Route("/{_:path}", self._by_behaviour, methods=_METHODS),
            ],
            # Another site's name that leads to 127.0.0.1 must not make its pages ours (DNS rebinding).
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(_HOSTS), www_redirect=False)],
            lifespan=lifespan,
        )

    async def _by_behaviour(self, request: Request) -> Response:
        behaviour = self._distribution.behaviour(request.url.path)
        if request.method not in behaviour.methods:
            response: Response = _error(403, "forbidden", f"{request.method} is not allowed here")
        elif isinstance(behaviour.origin, Api):
            response = await self._api(request, behaviour.origin)
        else:
            response = await self._page(request, behaviour.origin)
        response.headers.update(self._origins.headers(behaviour))
        return response

    async def _api(self, request: Request, api: Api) -> Response:
        url = self._upstream.url + _target(request)
        # The API answers to its own host name only.
        headers = [*_forwarded(request), (b"host", f"{api.name}.execute-api.localhost".encode())]
        return await self._pass(request, url, headers, translated=_PAGES_WITH_ADDRESSES)

    async def _page(self, request: Request, bucket: Bucket) -> Response:
        key = request.url.path.removeprefix("/") or self._distribution.root_object
        url = self._upstream.page_url(request.method, bucket.name, key)
        response = await self._pass(request, url, _forwarded(request, _CONDITIONS))
        if request.url.path == "/config.json" and self._texts and response.status_code == httpx.codes.OK:
            with_phone = {**json.loads(bytes(response.body)), "demo": {"sms_url": SMS_URL}}
            return JSONResponse(with_phone, headers={"Cache-Control": "no-cache"})
        return response

    async def _picture(self, request: Request) -> Response:
        if request.path_params["bucket"] not in self._origins.picture_buckets:
            return _error(404, "not_found", "no pictures are kept there")
        url = self._upstream.url + "/" + _target(request).removeprefix(PICTURES)
        response = await self._pass(request, url, _forwarded(request, _CONDITIONS))
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    async def _authorize(self, request: Request) -> Response:
        form = await self._sign_in(request)
        if self._user is None or form.status_code != httpx.codes.OK:
            return form
        answers = {"username": self._user.username, "password": self._user.password}
        try:
            action, body = filled_in(bytes(form.body).decode(), answers)
            filled = await self._upstream.http.post(
                self._upstream.url + action, content=body, headers={"Content-Type": _FORM}
            )
        except (SignInRefused, httpx.HTTPError) as error:
            return _error(502, "unavailable", f"the demo's user could not be signed in: {error}")
        return self._returned(filled, request)

    async def _sign_in(self, request: Request) -> Response:
        """Pages and answers of the pool's own domain. What they are told to lead back to is what is registered."""
        front = _front(request)

        def to_cloud(fields: str) -> str:
            pairs = parse_qsl(fields, keep_blank_values=True)
            return urlencode([(n, self._origins.to_cloud(v, front) if n.endswith("_uri") else v) for n, v in pairs])

        query = to_cloud(request.url.query)
        url = self._upstream.url + request.url.path + (f"?{query}" if query else "")
        form = None
        if request.headers.get("content-type", "").startswith(_FORM):
            form = to_cloud((await request.body()).decode(errors="replace"))
        fields = dict(parse_qsl(form or ""))
        answer = _of_the_pool(request, fields)
        if answer is not None and _is_ours(request):
            try:
                status, body = await run_in_threadpool(answer, self._upstream.client, fields)
            except BotoCoreError:
                return _error(502, "unavailable", "the sign-in does not answer")
            return JSONResponse(body, status, _FORM_HEADERS | {"Cache-Control": "no-store"})
        response = await self._pass(request, url, _forwarded(request), None if form is None else form.encode())
        response.headers.update(_FORM_HEADERS)
        return response

    async def _sms(self, _: Request) -> Response:
        newest = self._texts()[-_MAX_SMS:] if self._texts else []
        return JSONResponse(
            {"messages": [{"number": n, "text": t, "sent_at": format_utc(at)} for n, t, at in newest]},
            headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
        )

    async def _pass(
        self,
        request: Request,
        url: str,
        headers: list[tuple[bytes, bytes]],
        body: bytes | None = None,
        translated: tuple[str, ...] = _WITH_ADDRESSES,
    ) -> Response:
        """body: in the place of the request's own. translated: types of answers in which origins are."""
        if ".." in request.scope["path"].split("/"):
            return _error(404, "not_found", "there is nothing above")  # another bucket, or the emulator's own pages
        if not _is_ours(request):
            return _error(403, "forbidden", "another site's page asked")
        sent = await request.body()
        if len(sent) > _MAX_BODY_BYTES:
            return _error(413, "too_large", "the body is over 1 MB")
        http = self._upstream.http
        try:
            answer = await http.send(
                http.build_request(
                    request.method,
                    url,
                    headers=[*headers, (b"accept-encoding", b"identity")],
                    content=sent if body is None else body,
                )
            )
        except httpx.HTTPError:
            return _error(502, "unavailable", "the API does not answer")
        return self._returned(answer, request, translated)

    def _returned(
        self, answer: httpx.Response, request: Request, translated: tuple[str, ...] = _WITH_ADDRESSES
    ) -> Response:
        headers = {
            name: value
            for name, value in answer.headers.items()
            # The emulator lets every page of the world read its answers; the front is there for its own.
            if name not in _NOT_RETURNED and not name.startswith("access-control-")
        }
        front = _front(request)
        if "location" in headers:
            headers["location"] = self._origins.to_front(headers["location"], front)
        content = answer.content
        if headers.get("content-type", "").startswith(translated):
            content = self._origins.to_front(answer.text, front).encode()
        return Response(content, answer.status_code, headers)


def _is_ours(request: Request) -> bool:
    """Whether it only reads, or comes from a page of ours, or from no page at all."""
    origin = request.headers.get("origin")
    if request.method in _HARMLESS or not origin:
        return True
    if origin == "null":
        # So a page that sends no referrer posts its form. The browser still says whose page it was; no script can.
        return request.headers.get("sec-fetch-site") == "same-origin"
    return urlsplit(origin).netloc == request.headers.get("host")


def _of_the_pool(
    request: Request, fields: Mapping[str, str]
) -> Callable[[ClientFactory, Mapping[str, str]], user_pool.Answer] | None:
    """What the pool's own API answers in the place of the emulator's endpoint."""
    if (request.method, request.url.path) == ("POST", "/oauth2/revoke"):
        return user_pool.revoke
    if (request.method, request.url.path) == ("POST", "/oauth2/token") and fields.get(
        "grant_type"
    ) == "refresh_token":
        return user_pool.renew
    return None


def _front(request: Request) -> str:
    """The origin by which the browser knows the front."""
    return f"http://{request.headers['host']}"


def _target(request: Request) -> str:
    """Path and query as they were sent: a signature covers them byte for byte."""
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query = request.scope["query_string"].decode("latin-1")
    return raw_path.decode("latin-1").partition("?")[0] + (f"?{query}" if query else "")


def _forwarded(request: Request, only: frozenset[bytes] | None = None) -> list[tuple[bytes, bytes]]:
    return [
        (name, value)
        for name, value in request.headers.raw
        if name not in _NOT_FORWARDED and (only is None or name in only)
    ]


def _error(status: int, code: str, message: str) -> JSONResponse:
    body: Mapping[str, Any] = {"error": {"code": code, "message": message}}
    return JSONResponse(body, status)
