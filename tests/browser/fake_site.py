"""A site to look at: the built pages and an API that a test steers, on one origin, under the CSP of production."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.browser import fake_cameras
from tests.browser.fake_pictures import jpeg_of
from tests.browser.fake_provider import FakeProvider
from tests.browser.fake_values import CAR, HEIGHT, PERSON, WIDTH, rfc3339
from tests.browser.listening import listening

CSP = (
    "default-src 'self'; img-src 'self' https: http://127.0.0.1:*; style-src 'self'; script-src 'self'; "
    "connect-src 'self'{sign_in}; form-action 'self'"
)
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
Answer = tuple[int, str, bytes]


@dataclass(frozen=True)
class Asked:
    """One question to the API."""

    path: str
    # the first value of each parameter; `all_of` where one may be repeated
    query: dict[str, str]
    queries: dict[str, list[str]] = field(default_factory=dict)
    # what was posted; None for a question that only reads
    body: Any = None
    # the header, as it came
    authorization: str | None = None

    def all_of(self, name: str) -> list[str]:
        return self.queries.get(name, [])


class Refused(Exception):
    """Raise it in a route: the API's own error envelope with this status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


Route = Callable[[Asked], object]


@dataclass
class FakeSite:
    """A site whose every answer a test can steer. Frames are kept newest first.

    What it can be asked stands in two dictionaries, by path: `routes` (GET) and `actions` (POST). A route is called
    with an Asked and returns what becomes the JSON of a 200; to refuse it raises Refused(409, "conflict", "..."). The
    tests of a view bring their own, from a module of their own, in a fixture:

        @pytest.fixture
        def alerts(site: FakeSite) -> FakeAlerts:
            alerts = FakeAlerts(site)                    # tests/browser/fake_alerts.py
            site.routes["/v1/alerts"] = alerts.page      # def page(self, asked: Asked) -> dict[str, Any]
            site.actions["/v1/alerts/answer"] = alerts.answer
            return alerts

    Answers must be true to docs/openapi.json. `picture_of(frame_id)` gives the two fields that any answer with a
    picture carries. From the start it knows /v1/site, /v1/me, /v1/frames, /v1/cameras (fake_cameras.py; from the
    frames it has, steered by `camera_states` and `troubles`), and /v1/alerts with none. Sign-in, refusals and hanging
    up come before any route.

    Recorded: `requests`, the query of every /v1/frames; `posts`, (path, body) of every action; `paths` of everything;
    `bearers`, the path of every request with a token.
    """

    dist: Path
    name: str = "Corner shop"
    time_zone: str = "Europe/Madrid"
    demo: bool = False
    frames: list[dict[str, Any]] = field(default_factory=list)
    cameras: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"camera_id": "front-door", "name": "Front door", "group": None, "zones": []},
            {"camera_id": "yard", "name": "Yard", "group": None, "zones": []},
        ]
    )
    # camera id -> what /v1/cameras says instead: state, since, why, heartbeat
    camera_states: dict[str, dict[str, Any]] = field(default_factory=dict)
    troubles: list[dict[str, str]] = field(default_factory=list)
    routes: dict[str, Route] = field(default_factory=dict)
    actions: dict[str, Route] = field(default_factory=dict)
    messages: list[dict[str, str]] = field(default_factory=list)
    posts: list[tuple[str, Any]] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    # without one the API asks for no token
    provider: FakeProvider | None = None
    bearers: list[str] = field(default_factory=list)
    unauthorized: int = 0
    # (status, code, message): the API answers this and nothing else
    refuse: tuple[int, str, str] | None = None
    hang_up: bool = False
    # of whoever looks, where no provider says
    role: str = "operator"
    images_work: bool = True
    # image addresses made before this counter's value are expired
    image_epoch: int = 0
    oldest_good_epoch: int = 0
    origin: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _jpegs: dict[str, bytes] = field(default_factory=dict)
    _made: int = 0

    def __post_init__(self) -> None:
        self.routes |= {
            "/demo/sms": lambda _: {"messages": self.messages},
            "/v1/site": lambda _: self.about(),
            "/v1/me": lambda _: {"subject": "s", "username": "ana", "name": "ana", "role": self.role},
            "/v1/frames": self.page,
            "/v1/cameras": lambda _: fake_cameras.statuses(self),
            "/v1/alerts": lambda _: {"alerts": [], "next_cursor": None},
        }

    def add(
        self,
        *labels: dict[str, Any],
        age_s: float | None = None,
        at: datetime | None = None,
        camera: str = "front-door",
        gate: str = "motion",
        analysis: str = "analysed",
        size: tuple[int, int] = (WIDTH, HEIGHT),
    ) -> dict[str, Any]:
        with self.lock:
            captured = at or datetime.now(UTC) - timedelta(seconds=age_s or 0)
            self._made += 1
            name = next((c["name"] for c in self.cameras if c["camera_id"] == camera), camera)
            frame = {
                "frame_id": f"{camera}.b1.{self._made:08d}",
                "camera_id": camera,
                "camera_name": name,
                "captured_at": rfc3339(captured),
                "stored_at": rfc3339(captured + timedelta(seconds=1.2)),
                "width": size[0],
                "height": size[1],
                "gate_reason": gate,
                "analysis": analysis,
                "watch_hit": any(found["watch_hit"] for found in labels),
                "labels": list(labels),
            }
            self._jpegs[str(frame["frame_id"])] = jpeg_of(frame, self._made)
            self.frames.append(frame)
            self.frames.sort(key=lambda f: f["captured_at"], reverse=True)
            return frame

    def add_many(self, count: int, *, start_age_s: float = 10, step_s: float = 7) -> None:
        for index in range(count):
            camera = "front-door" if index % 3 else "yard"
            labels = [(PERSON,), (CAR,), (PERSON, CAR), ()][index % 4]
            self.add(*labels, age_s=start_age_s + index * step_s, camera=camera)

    def expire_images(self) -> None:
        """Every address given so far stops working; those given from now on work."""
        with self.lock:
            self.image_epoch += 1
            self.oldest_good_epoch = self.image_epoch

    def csp(self) -> str:
        return CSP.format(sign_in=f" {self.provider.origin}" if self.provider else "")

    def config(self) -> dict[str, Any]:
        return {
            "api_base": "/v1",
            **({"sign_in": self.provider.config()} if self.provider else {}),
            **({"demo": {"sms_url": "/demo/sms"}} if self.demo else {}),
        }

    def answer(self, target: str, authorization: str | None = None, posted: bytes | None = None) -> Answer:
        parts = urlsplit(target)
        with self.lock:
            self.paths.append(parts.path)
            if authorization:
                self.bearers.append(parts.path)
            if parts.path == "/config.json":
                return as_json(self.config())
            if parts.path.startswith("/pictures/"):
                return self.picture(parts.path, parts.query)
            if parts.path.startswith(("/v1/", "/demo/")):
                queries = parse_qs(parts.query, keep_blank_values=True)
                first = {name: values[0] for name, values in queries.items()}
                body = None if posted is None else json.loads(posted)
                return self.shut_out(parts.path, authorization) or self.api(
                    Asked(parts.path, first, queries, body, authorization)
                )
        file = (self.dist / parts.path.lstrip("/")).resolve() if parts.path != "/" else self.dist / "index.html"
        if not file.is_relative_to(self.dist) or not file.is_file():
            return 404, "text/plain", b"no such page"
        return 200, CONTENT_TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes()

    def shut_out(self, path: str, authorization: str | None) -> Answer | None:
        """What API Gateway's authoriser says, then what the function says; None: come in."""
        if self.provider is None or not path.startswith("/v1/"):
            return None
        groups = self.provider.groups_of(authorization)
        if groups is None:
            self.unauthorized += 1
            return as_json({"message": "Unauthorized"}, 401)
        if not groups:
            return as_error(403, "forbidden", "You are in none of the groups.")
        return None

    def picture(self, path: str, query: str) -> Answer:
        epoch = int(query.removeprefix("e=") or 0)
        data = self._jpegs.get(path.removeprefix("/pictures/"))
        if data is None or not self.images_work or epoch < self.oldest_good_epoch:
            return 403, "application/xml", b"<Error>expired</Error>"
        return 200, "image/jpeg", data

    def api(self, asked: Asked) -> Answer:
        if self.refuse and asked.path.startswith("/v1/"):
            return as_error(*self.refuse)
        if asked.body is not None:
            self.posts.append((asked.path, asked.body))
        route = (self.routes if asked.body is None else self.actions).get(asked.path)
        if route is None:
            return as_error(404, "not_found", "No such resource.")
        try:
            return as_json(route(asked))
        except Refused as refused:
            return as_error(refused.status, refused.code, refused.message)

    def about(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "time_zone": self.time_zone,
            "cameras": self.cameras,
            "watch_labels": ["Person", "Dog"],
            "watch_min_confidence": 80.0,
            "rules": [],
        }

    def picture_of(self, frame_id: str) -> dict[str, str]:
        """An address that works until `expire_images`, and when it says that it stops working."""
        return {
            "image_url": f"{self.origin}/pictures/{frame_id}?e={self.image_epoch}",
            "image_url_expires_at": rfc3339(datetime.now(UTC) + timedelta(minutes=15)),
        }

    def page(self, asked: Asked) -> dict[str, Any]:
        query = asked.query
        self.requests.append(query)
        if wrong := complaint_about(query):
            raise Refused(400, "invalid_parameter", wrong)

        def since(name: str) -> datetime | None:
            return datetime.fromisoformat(query[name]) if name in query else None

        start, end = since("from"), since("to")
        wanted: list[Callable[[dict[str, Any]], bool]] = []
        if "camera" in query:
            wanted.append(lambda f: f["camera_id"] == query["camera"])
        if "label" in query:
            wanted.append(lambda f: any(found["name"].lower() == query["label"].lower() for found in f["labels"]))
        if query.get("watch_only") == "true":
            wanted.append(lambda f: f["watch_hit"])
        if start:
            wanted.append(lambda f: datetime.fromisoformat(f["captured_at"]) >= start)
        if end:
            wanted.append(lambda f: datetime.fromisoformat(f["captured_at"]) < end)
        if "cursor" in query:
            after = json.loads(base64.urlsafe_b64decode(query["cursor"]))["after"]
            wanted.append(lambda f: f["captured_at"] < after)
        found = [f for f in self.frames if all(want(f) for want in wanted)]
        limit = int(query.get("limit", 24))
        page = found[:limit]
        cursor = None
        if len(found) > limit:
            resume = {"after": page[-1]["captured_at"], "filters": filters_of(query)}
            cursor = base64.urlsafe_b64encode(json.dumps(resume).encode()).decode()
        return {"frames": [{**f, **self.picture_of(f["frame_id"])} for f in page], "next_cursor": cursor}


def filters_of(query: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if name not in {"limit", "cursor"}}


def complaint_about(query: dict[str, str]) -> str | None:
    """As strict as the real API where a page could get it wrong."""
    unknown = query.keys() - {"camera", "label", "from", "to", "watch_only", "limit", "cursor"}
    if unknown:
        return f"unknown parameter {min(unknown)!r}"
    if "" in query.values():
        return "a parameter is empty; leave it out or give it a value"
    if "cursor" in query and json.loads(base64.urlsafe_b64decode(query["cursor"]))["filters"] != filters_of(query):
        return "cursor: belongs to a query with other filters; start again without cursor"
    return None


def as_json(body: object, status: int = 200) -> Answer:
    return status, "application/json", json.dumps(body).encode()


def as_error(status: int, code: str, message: str) -> Answer:
    return as_json({"error": {"code": code, "message": message}}, status)


@contextmanager
def serving(site: FakeSite) -> Iterator[FakeSite]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.reply(None)

        def do_POST(self) -> None:
            self.reply(self.rfile.read(int(self.headers["Content-Length"])))

        def reply(self, posted: bytes | None) -> None:
            if site.hang_up and urlsplit(self.path).path.startswith("/v1/"):
                self.close_connection = True
                return
            status, content_type, body = site.answer(self.path, self.headers.get("Authorization"), posted)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", site.csp())
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with listening(Handler) as site.origin:
        yield site
