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

import cv2
import numpy as np

from tests.browser.fake_provider import FakeProvider
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
}
BoxPx = tuple[float, float, float, float]
WIDTH, HEIGHT = 640, 360
PERSON_BOX = (0.25, 0.3, 0.45, 0.9)
CAR_BOX = (0.55, 0.5, 0.95, 0.85)


def label(
    name: str,
    confidence: float,
    *boxes: tuple[float, float, float, float],
    watch_hit: bool = False,
    parents: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
) -> dict[str, Any]:
    return {
        "name": name,
        "confidence": confidence,
        "aliases": list(aliases),
        "parents": list(parents),
        "categories": [],
        "watch_hit": watch_hit,
        "instances": [{"box_xyxy_rel": list(box), "confidence": confidence} for box in boxes],
    }


PERSON = label("Person", 97.1, PERSON_BOX, watch_hit=True, aliases=("Human",))
CAR = label("Car", 88.4, CAR_BOX, parents=("Vehicle", "Transportation"), aliases=("Automobile",))


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def jpeg_of(frame: dict[str, Any], seed: int) -> bytes:
    """A yard at one of four hours of the day, with a figure or a car where the boxes say so."""
    w, h = frame["width"], frame["height"]
    rng = np.random.default_rng(seed)
    sky, ground = [
        ((200, 170, 130), (105, 120, 118)),
        ((90, 60, 42), (46, 50, 52)),
        ((150, 150, 190), (88, 98, 112)),
        ((172, 180, 168), (98, 116, 104)),
    ][seed % 4]
    picture = np.empty((h, w, 3), np.float32)
    horizon = int(h * 0.48)
    for y in range(h):
        near = y / h
        picture[y] = np.array(sky if y < horizon else ground) * (0.8 + 0.35 * near)
    cv2.rectangle(picture, (0, int(h * 0.2)), (int(w * 0.2), horizon + 8), [c * 0.75 for c in ground], -1)
    cv2.rectangle(picture, (int(w * 0.8), int(h * 0.12)), (w, horizon + 14), [c * 0.6 for c in sky], -1)
    cv2.fillPoly(
        picture,
        [np.array([[w * 0.42, horizon], [w * 0.58, horizon], [w * 0.95, h], [w * 0.02, h]], np.int32)],
        [c * 1.15 for c in ground],
    )
    for found in frame["labels"]:
        for instance in found["instances"]:
            x0, y0, x1, y1 = (v * s for v, s in zip(instance["box_xyxy_rel"], (w, h, w, h), strict=True))
            if found["name"] == "Car":
                draw_car(picture, (x0, y0, x1, y1))
            else:
                draw_figure(picture, (x0, y0, x1, y1), rng)
    picture += rng.normal(0, 5, picture.shape)
    ok, data = cv2.imencode(
        ".jpg", cv2.GaussianBlur(np.clip(picture, 0, 255), (3, 3), 0).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 82]
    )
    assert ok
    return data.tobytes()


def draw_figure(picture: np.ndarray, box_xyxy_px: BoxPx, rng: np.random.Generator) -> None:
    x0, y0, x1, y1 = box_xyxy_px
    w, h = x1 - x0, y1 - y0
    cx = (x0 + x1) / 2
    coat = tuple(float(c) for c in rng.integers(40, 140, 3))
    cv2.ellipse(picture, (int(cx), int(y1)), (int(w * 0.5), int(h * 0.03) + 1), 0, 0, 360, (30, 32, 34), -1)
    for side in (-0.16, 0.16):
        cv2.rectangle(
            picture,
            (int(cx + w * (side - 0.11)), int(y0 + h * 0.55)),
            (int(cx + w * (side + 0.11)), int(y1)),
            (52, 46, 44),
            -1,
        )
    cv2.rectangle(picture, (int(x0 + w * 0.14), int(y0 + h * 0.2)), (int(x1 - w * 0.14), int(y0 + h * 0.6)), coat, -1)
    cv2.circle(picture, (int(cx), int(y0 + h * 0.1)), int(max(3, h * 0.09)), (140, 165, 205), -1)


def draw_car(picture: np.ndarray, box_xyxy_px: BoxPx) -> None:
    x0, y0, x1, y1 = box_xyxy_px
    w, h = x1 - x0, y1 - y0
    cv2.rectangle(picture, (int(x0), int(y0 + h * 0.4)), (int(x1), int(y0 + h * 0.82)), (128, 74, 48), -1)
    roof = [
        [x0 + w * 0.2, y0 + h * 0.42],
        [x0 + w * 0.32, y0 + 2],
        [x0 + w * 0.72, y0 + 2],
        [x0 + w * 0.84, y0 + h * 0.42],
    ]
    cv2.fillPoly(picture, [np.array(roof, np.int32)], (150, 122, 100))
    for at in (0.22, 0.78):
        cv2.circle(picture, (int(x0 + w * at), int(y0 + h * 0.82)), int(h * 0.18), (24, 24, 24), -1)


@dataclass
class FakeSite:
    """Frames are kept newest first.

    `requests` holds the query of every /v1/frames that was asked, `bearers` the path of every request with a token.
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
    messages: list[dict[str, str]] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    # without one the API asks for no token
    provider: FakeProvider | None = None
    bearers: list[str] = field(default_factory=list)
    unauthorized: int = 0
    # (status, code, message): the API answers this and nothing else
    refuse: tuple[int, str, str] | None = None
    hang_up: bool = False
    role: str = "operator"
    images_work: bool = True
    # image addresses made before this counter's value are expired
    image_epoch: int = 0
    oldest_good_epoch: int = 0
    origin: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _jpegs: dict[str, bytes] = field(default_factory=dict)
    _made: int = 0

    def add(
        self,
        *labels: dict[str, Any],
        age_s: float | None = None,
        at: datetime | None = None,
        camera: str = "front-door",
        gate: str = "motion",
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
                "watch_hit": any(found["watch_hit"] for found in labels),
                "labels": list(labels),
            }
            self._jpegs[frame["frame_id"]] = jpeg_of(frame, self._made)
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

    def answer(self, target: str, authorization: str | None = None) -> tuple[int, str, bytes]:
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
                query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
                return self.shut_out(parts.path, authorization) or self.api(parts.path, query)
        file = (self.dist / parts.path.lstrip("/")).resolve() if parts.path != "/" else self.dist / "index.html"
        if not file.is_relative_to(self.dist) or not file.is_file():
            return 404, "text/plain", b"no such page"
        return 200, CONTENT_TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes()

    def shut_out(self, path: str, authorization: str | None) -> tuple[int, str, bytes] | None:
        """What API Gateway's authoriser says, then what the function says; None: come in."""
        if self.provider is None or not path.startswith("/v1/"):
            return None
        groups = self.provider.groups_of(authorization)
        if groups is None:
            self.unauthorized += 1
            return as_json({"message": "Unauthorized"}, 401)
        if not groups:
            return as_json({"error": {"code": "forbidden", "message": "You are in none of the groups."}}, 403)
        return None

    def picture(self, path: str, query: str) -> tuple[int, str, bytes]:
        epoch = int(query.removeprefix("e=") or 0)
        data = self._jpegs.get(path.removeprefix("/pictures/"))
        if data is None or not self.images_work or epoch < self.oldest_good_epoch:
            return 403, "application/xml", b"<Error>expired</Error>"
        return 200, "image/jpeg", data

    def api(self, path: str, query: dict[str, str]) -> tuple[int, str, bytes]:
        if path == "/demo/sms":
            return as_json({"messages": self.messages})
        if self.refuse:
            status, code, message = self.refuse
            return as_json({"error": {"code": code, "message": message}}, status)
        if path == "/v1/site":
            return as_json(
                {
                    "name": self.name,
                    "time_zone": self.time_zone,
                    "cameras": self.cameras,
                    "watch_labels": ["Person", "Dog"],
                    "watch_min_confidence": 80.0,
                    "rules": [],
                }
            )
        if path == "/v1/me":
            return as_json({"subject": "s", "username": "ana", "name": "ana", "role": self.role})
        if path != "/v1/frames":
            return as_json({"error": {"code": "not_found", "message": "No such resource."}}, 404)
        self.requests.append(query)
        wrong = complaint_about(query)
        if wrong:
            return as_json({"error": {"code": "invalid_parameter", "message": wrong}}, 400)
        return as_json(self.page(query))

    def page(self, query: dict[str, str]) -> dict[str, Any]:
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
        expires = rfc3339(datetime.now(UTC) + timedelta(minutes=15))
        signed = [
            {
                **f,
                "image_url": f"{self.origin}/pictures/{f['frame_id']}?e={self.image_epoch}",
                "image_url_expires_at": expires,
            }
            for f in page
        ]
        return {"frames": signed, "next_cursor": cursor}


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


def as_json(body: object, status: int = 200) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(body).encode()


@contextmanager
def serving(site: FakeSite) -> Iterator[FakeSite]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if site.hang_up and urlsplit(self.path).path.startswith("/v1/"):
                self.close_connection = True
                return
            status, content_type, body = site.answer(self.path, self.headers.get("Authorization"))
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
