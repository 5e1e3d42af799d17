"""A small HTTP proxy in front of emulated AWS that lets a request through, or does to it what networks and busy
services do.
"""

# ruff: noqa: S311  a storm keeps no secret
import contextlib
import http.client
import http.server
import json
import random
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from tests.faults.weather import Asked, Fault, Schedule

_SERVICE = re.compile(r"Credential=[^/,]+/\d+/[^/]+/([a-z0-9-]+)/aws4_request")
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_MOST_LATENCY_S = 0.4
_UPSTREAM_TIMEOUT_S = 30.0
# AWS refuses what was signed by a clock that is further off.
MOST_SKEW_S = 300.0
# What belongs to one connection, or is made anew for the next.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "host"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


Stub = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
"""A service that the emulator does not have: a request's JSON -> status and JSON."""


class FaultProxy:
    def __init__(self, upstream_url: str, stubs: Mapping[str, Stub] | None = None) -> None:
        """stubs: by service."""
        self.schedule = Schedule(0, {})
        self.open_files = 0
        """Connections on either side."""
        self._counting = threading.Lock()
        self._upstream = urlsplit(upstream_url).netloc
        self._stubs = stubs or {}
        self._connections = threading.local()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def pass_on(self, method: str, path: str, headers: Mapping[str, str], body: bytes, service: str) -> Answer:
        if service in self._stubs:
            status, answer = self._stubs[service](json.loads(body))
            return _json_answer(status, answer)
        sent = {k: v for k, v in headers.items() if k.lower() not in _HOP} | {"Host": headers.get("Host", "")}
        for is_last in (False, True):
            connection = getattr(self._connections, "one", None)
            if connection is None:
                connection = http.client.HTTPConnection(self._upstream, timeout=_UPSTREAM_TIMEOUT_S)
                self._connections.one = connection
                self.count_files(1)
            try:
                connection.request(method, path, body=body, headers=sent)
                response = connection.getresponse()
                return Answer(response.status, response.getheaders(), response.read())
            except (http.client.HTTPException, OSError):
                self.end_connection()
                if is_last:
                    raise
        raise AssertionError("unreachable")

    def end_connection(self) -> None:
        """Of the calling thread, to the emulator."""
        connection = getattr(self._connections, "one", None)
        if connection is not None:
            connection.close()
            self._connections.one = None
            self.count_files(-1)

    def count_files(self, more: int) -> None:
        with self._counting:
            self.open_files += more


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: FaultProxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that the other side, or a fault, has ended are what this is about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        pass

    def setup(self) -> None:
        super().setup()
        self.server.proxy.count_files(1)

    def finish(self) -> None:
        self.server.proxy.end_connection()
        self.server.proxy.count_files(-1)
        with contextlib.suppress(OSError):
            super().finish()

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        if len(body) < size:  # who asked was killed over it: no service acts on half a request
            self.close_connection = True
            return
        service, operation = _what(self.command, self.path, self.headers, body)
        schedule = self.server.proxy.schedule
        if abs(_skew_s(self.headers)) > MOST_SKEW_S:
            schedule.note_wrong_clock(service, operation)
            self._answer(refusal(Fault.WRONG_CLOCK, service, random.Random()))
            return
        fault, rng = schedule.next(service, operation)
        self._status: int | None = None
        began_s = time.monotonic()
        try:
            self._bring_about(fault, rng, service, operation, body)
        finally:
            status = self._status if fault in (None, Fault.LATENCY) else None
            schedule.note(Asked(service, operation, body, fault, began_s, time.monotonic(), status))

    def _bring_about(
        self, fault: Fault | None, rng: random.Random, service: str, operation: str, body: bytes
    ) -> None:
        def ask(changed: bytes = body) -> Answer:
            return self.server.proxy.pass_on(self.command, self.path, dict(self.headers), changed, service)

        match fault:
            case None:
                self._answer(ask())
            case Fault.LATENCY:
                time.sleep(rng.uniform(0.02, _MOST_LATENCY_S))
                self._answer(ask())
            case Fault.RESET_BEFORE:
                self._reset()
            case Fault.RESET_AFTER:
                ask()
                self._reset()
            case Fault.CUT:
                self._answer(ask(), cut=True)
            case Fault.SIGN_IN_PAGE:
                ask()
                self._answer(
                    Answer(200, [("Content-Type", "text/html")], b"<html><body>Please sign in</body></html>")
                )
            case Fault.PARTIAL:
                self._answer(_partial(operation, body, ask, rng))
            case Fault.TWICE:
                ask()
                self._answer(ask())
            case Fault.SHUFFLED:
                self._answer(_shuffled(body, ask, rng))
            case _:
                self._answer(refusal(fault, service, rng))

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve

    def _answer(self, answer: Answer, *, cut: bool = False) -> None:
        self.send_response_only(answer.status)
        if not any(name.lower() == "date" for name, _ in answer.headers):
            self.send_header("Date", self.date_time_string())
        for name, value in answer.headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        length = dict((k.lower(), v) for k, v in answer.headers).get("content-length")
        self.send_header("Content-Length", (length or "0") if self.command == "HEAD" else str(len(answer.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if not cut:
            self.wfile.write(answer.body)
            self._status = answer.status
            return
        self.wfile.write(answer.body[: len(answer.body) // 2])
        self.wfile.flush()
        self.close_connection = True

    def _reset(self) -> None:
        # Without a lingering close what is open ends with a RST, as it does behind a router that has lost its table.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


def _what(method: str, path: str, headers: Any, body: bytes) -> tuple[str, str]:
    """Service and operation; S3's have no name on the wire and are called by their method."""
    found = _SERVICE.search(headers.get("Authorization") or "")
    service = found.group(1) if found else "unsigned"
    if target := headers.get("X-Amz-Target"):
        return service, target.rpartition(".")[2]
    if action := _ACTION.search(body):
        return service, action.group(1).decode()
    return service, method


def _skew_s(headers: Any) -> float:
    """How far ahead the clock was that signed it; 0 for what says no time."""
    try:
        signed_at = datetime.strptime(headers.get("X-Amz-Date") or "", "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return 0.0
    return (signed_at - datetime.now(UTC)).total_seconds()


# -- what services answer ------------------------------------------------------------------------------------------

_THROTTLED = {
    "kinesis": ("ProvisionedThroughputExceededException", "ThrottlingException", "LimitExceededException"),
    "dynamodb": ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"),
    "rekognition": ("ProvisionedThroughputExceededException", "ThrottlingException"),
    "sqs": ("ThrottlingException", "RequestThrottled"),
    "sns": ("Throttling",),
    "s3": ("SlowDown",),
}


def refusal(fault: Fault, service: str, rng: random.Random) -> Answer:
    """In the shape of the service: JSON for most, XML for S3 and SNS."""
    if fault is Fault.THROTTLED:
        code, status = rng.choice(_THROTTLED.get(service, ("ThrottlingException",))), 400
        status = 503 if service == "s3" else status
    elif fault is Fault.EXPIRED:
        code, status = ("ExpiredToken", 400) if service in {"s3", "sns"} else ("ExpiredTokenException", 400)
        status = 403 if service == "sns" else status
    elif fault is Fault.WRONG_CLOCK:
        code, status = ("RequestTimeTooSkewed", 403) if service == "s3" else ("InvalidSignatureException", 400)
    else:
        code, status = ("InternalError", 500) if service == "s3" else ("InternalFailure", 500)
    said = f"injected: {code}"
    if service == "s3":
        body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{said}</Message></Error>'
        return Answer(status, [("Content-Type", "application/xml")], body.encode())
    if service == "sns":
        body = (
            '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
            f"<Code>{code}</Code><Message>{said}</Message></Error><RequestId>injected</RequestId></ErrorResponse>"
        )
        return Answer(status, [("Content-Type", "text/xml")], body.encode())
    return _json_answer(status, {"__type": code, "message": said})


def _json_answer(status: int, content: Any) -> Answer:
    body = json.dumps(content).encode()
    # botocore checks DynamoDB's checksum where there is one.
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amz-crc32", str(zlib.crc32(body)))]
    return Answer(status, headers, body)


def _partial(operation: str, body: bytes, ask: Callable[[bytes], Answer], rng: random.Random) -> Answer:
    request = json.loads(body)
    if operation == "PutRecords":
        return _put_some(request, ask, rng)
    if operation == "TransactWriteItems":
        code = rng.choice(("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"))
        reasons = [{"Code": "None"} for _ in request["TransactItems"]]
        reasons[rng.randrange(len(reasons))] = {"Code": code, "Message": "injected"}
        said = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{code}]"
        return _json_answer(
            400,
            {
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "Message": said,
                "CancellationReasons": reasons,
            },
        )
    (table, wanted), *_ = request["RequestItems"].items()
    items = wanted if operation == "BatchWriteItem" else wanted["Keys"]
    done, left = items[: len(items) // 2], items[len(items) // 2 :]
    some = done if operation == "BatchWriteItem" else {**wanted, "Keys": done}
    rest = {table: left if operation == "BatchWriteItem" else {**wanted, "Keys": left}}
    undone = "UnprocessedItems" if operation == "BatchWriteItem" else "UnprocessedKeys"
    if not done:
        return _json_answer(200, {"Responses": {}, undone: rest})
    answer = ask(json.dumps({**request, "RequestItems": {table: some}}).encode())
    if answer.status != http.HTTPStatus.OK:
        return answer
    return _json_answer(200, {**json.loads(answer.body), undone: rest})


def _put_some(request: dict[str, Any], ask: Callable[[bytes], Answer], rng: random.Random) -> Answer:
    records = request["Records"]
    refused = {n for n in range(len(records)) if rng.random() < 0.5} or {rng.randrange(len(records))}
    results: list[dict[str, Any]] = []
    if len(refused) < len(records):
        kept = [record for n, record in enumerate(records) if n not in refused]
        answer = ask(json.dumps({**request, "Records": kept}).encode())
        if answer.status != http.HTTPStatus.OK:
            return answer
        results = json.loads(answer.body)["Records"]
    taken = iter(results)
    code = rng.choice(("ProvisionedThroughputExceededException", "InternalFailure"))
    merged = [
        {"ErrorCode": code, "ErrorMessage": "injected"} if n in refused else next(taken) for n in range(len(records))
    ]
    return _json_answer(200, {"FailedRecordCount": len(refused), "Records": merged})


def _shuffled(body: bytes, ask: Callable[[bytes], Answer], rng: random.Random) -> Answer:
    request = json.loads(body)
    order = list(range(len(request["Records"])))
    rng.shuffle(order)
    answer = ask(json.dumps({**request, "Records": [request["Records"][n] for n in order]}).encode())
    if answer.status != http.HTTPStatus.OK:
        return answer
    content = json.loads(answer.body)
    results = dict(zip(order, content["Records"], strict=True))
    return _json_answer(200, {**content, "Records": [results[n] for n in range(len(order))]})
