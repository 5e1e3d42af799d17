"""The HTTP layer: one thread a connection, on the standard library.

Measured on two cores with a picture of 260 KB and YOLOX nano, through boto3, alternating: 32 ms a DetectLabels here,
71 ms with uvicorn (whose parser is pure Python, and whose loop must hop to a worker thread and back). With SSD
MobileNet, where the model outweighs the rest, both took the same.

Bounds: connections (more are answered 503 and closed), the size of a body, the time to receive one, the wait for
the model. Signatures are not checked: it listens on 127.0.0.1 only.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local_cloud.vision_server.protocol import CONTENT_TYPE, MAX_IMAGE_BYTES, TARGET_PREFIX, ApiError
from local_cloud.vision_server.stats import Stats

_log = logging.getLogger(__name__)

MAX_CONNECTIONS = 64
_MAX_BODY_BYTES = MAX_IMAGE_BYTES * 4 // 3 + 1024 * 1024  # an image in base64, and room for the rest of the request
_MAX_DRAINED_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_REQUEST_TIMEOUT_S = 30.0
_IDLE_TIMEOUT_S = 120.0  # a client's kept connection; botocore reconnects by itself when one has gone

Operation = Callable[[bytes], dict[str, Any]]


class VisionServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1 from construction on. Raises OSError when the port is taken."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    # Two servers on one port would take turns answering: a taken port must be an error.
    allow_reuse_port = False

    def __init__(
        self,
        port: int,
        operations: Mapping[str, Operation],
        stats: Stats,
        *,
        about: dict[str, Any] | None = None,
        request_timeout_s: float = _REQUEST_TIMEOUT_S,
    ) -> None:
        """port: 0 for any free one. ``operations``: name -> call. ``about``: joins what ``GET /stats`` answers."""
        self.operations = operations
        self.stats = stats
        self.about = about or {}
        self.request_timeout_s = request_timeout_s
        self.started_at_s = time.monotonic()
        self._connections = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._busy = 0
        self._idle = threading.Condition()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def server_bind(self) -> None:
        # HTTPServer's own would look up the host's name, which can take seconds without a resolver.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._connections.acquire(blocking=False):
            self.stats.count("TooManyConnections")
            with contextlib.suppress(OSError):
                request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        _log.debug("a connection ended early", exc_info=True)

    @contextlib.contextmanager
    def at_work(self) -> Any:
        """Around a request that ``finish`` should wait for."""
        with self._idle:
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def finish(self, grace_s: float = 10.0) -> None:
        """After ``serve_forever`` has ended: waits for requests under way, not for idle connections."""
        self.server_close()
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, timeout=grace_s)

    def report(self) -> dict[str, Any]:
        """What ``GET /stats`` answers."""
        uptime_s = round(time.monotonic() - self.started_at_s, 3)
        return {**self.about, "uptime_s": uptime_s, **self.stats.snapshot()}


class _Handler(BaseHTTPRequestHandler):
    server: VisionServer
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_TIMEOUT_S
    disable_nagle_algorithm = True
    server_version = "framewatch-vision"
    sys_version = ""

    def do_GET(self) -> None:
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body nobody reads would be taken for the next request
        if self.path == "/stats":
            self._send(HTTPStatus.OK, self.server.report())
        elif self.path == "/health":
            self._send(HTTPStatus.OK, {"ready": True})
        else:
            self._send(HTTPStatus.NOT_FOUND, {"Message": "this server answers POST /, GET /stats and GET /health"})

    def do_POST(self) -> None:
        with self.server.at_work():
            started = time.perf_counter()
            request_id = str(uuid.uuid4())
            code = None
            try:
                status, answer = HTTPStatus.OK, self._answer()
            except ApiError as error:
                status, code = error.status, error.code
                answer = {"__type": code, "Message": error.message, "Code": code, "Logref": request_id}
            except Exception:  # noqa: BLE001  # the edge of the server: one request must not end it
                _log.exception("a request failed in an unforeseen way")
                status, code = HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError"
                answer = {
                    "__type": code,
                    "Message": "the local vision server failed: its log says how",
                    "Code": code,
                    "Logref": request_id,
                }
            self._send(status, answer, request_id)
            self.server.stats.count(code)
            if code is None:
                self.server.stats.add_ms("request", (time.perf_counter() - started) * 1000.0)

    def _answer(self) -> dict[str, Any]:
        body = self._body()
        if self.path != "/":
            raise ApiError("UnknownOperationException", "the API is at the path /", HTTPStatus.NOT_FOUND)
        target = self.headers.get("X-Amz-Target", "")
        operation = self.server.operations.get(target.removeprefix(TARGET_PREFIX))
        if operation is None or not target.startswith(TARGET_PREFIX):
            known = ", ".join(sorted(self.server.operations))
            raise ApiError(
                "UnknownOperationException", f"this server has only {known}; the X-Amz-Target names another"
            )
        return operation(body)

    def _body(self) -> bytes:
        """The request's body, whole. After an error the connection closes: the next start is unknown."""
        self.close_connection, keep = True, not self.close_connection
        if "Transfer-Encoding" in self.headers:
            raise ApiError(
                "SerializationException", "send the body with a Content-Length", HTTPStatus.LENGTH_REQUIRED
            )
        lengths = self.headers.get_all("Content-Length") or []
        if len(lengths) != 1 or not lengths[0].isascii() or not lengths[0].isdigit() or len(lengths[0]) > 15:
            raise ApiError("SerializationException", "the request needs one Content-Length, a number")
        length = int(lengths[0])
        deadline_s = time.monotonic() + self.server.request_timeout_s
        if length > _MAX_BODY_BYTES:
            if length <= _MAX_DRAINED_BYTES:  # a client reads the answer only after it has sent all
                for _ in self._received(length, deadline_s):
                    pass
            raise ApiError(
                "ImageTooLargeException",
                f"the request is larger than an image of {MAX_IMAGE_BYTES} bytes needs: "
                f"pass a larger image as an S3Object",
            )
        body = b"".join(self._received(length, deadline_s))
        self.close_connection = not keep
        return body

    def _received(self, length: int, deadline_s: float) -> Any:
        """Yields the next ``length`` bytes as they come. Raises ApiError when they do not, or too slowly."""
        left = length
        try:
            while left:
                self.connection.settimeout(max(0.001, deadline_s - time.monotonic()))
                chunk = self.rfile.read1(min(left, _CHUNK_BYTES))
                if not chunk:
                    raise ApiError("SerializationException", "the body ends before its Content-Length")
                left -= len(chunk)
                yield chunk
        except TimeoutError as error:
            raise ApiError(
                "RequestTimeoutException", "the body did not arrive in time", HTTPStatus.REQUEST_TIMEOUT
            ) from error
        finally:
            self.connection.settimeout(self.timeout)

    def _send(self, status: HTTPStatus, answer: dict[str, Any], request_id: str | None = None) -> None:
        """One write for head and body: with two, the second waits for the first one's acknowledgement."""
        body = json.dumps(answer, separators=(",", ":")).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            f"Server: {self.server_version}\r\n"
            f"Date: {self.date_time_string()}\r\n"
            f"Content-Type: {CONTENT_TYPE if request_id else 'application/json'}\r\n"
            f"Content-Length: {len(body)}\r\n"
            + (f"x-amzn-RequestId: {request_id}\r\n" if request_id else "")
            + ("Connection: close\r\n" if self.close_connection else "")
            + "\r\n"
        )
        try:
            self.wfile.write(head.encode("latin-1") + body)
        except OSError:  # the client has gone
            self.close_connection = True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What the standard library answers to requests it cannot parse, as JSON instead of a page."""
        self.close_connection = True
        status = HTTPStatus(code)
        self.server.stats.count(f"HTTP{code}")
        self._send(status, {"__type": "SerializationException", "Message": message or status.phrase}, "-")

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: requests are counted in ``/stats``."""
