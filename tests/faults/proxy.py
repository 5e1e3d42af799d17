"""A small HTTP proxy in front of emulated AWS that lets a request through, or does to it what networks and busy
services do.

What becomes of a request is decided by the seed, its service, its operation and how many of its kind came before: so
threads that race for a connection do not change the schedule, and a seed gives the same storm again.
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
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

_SERVICE = re.compile(r"Credential=[^/,]+/\d+/[^/]+/([a-z0-9-]+)/aws4_request")
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_MOST_LATENCY_S = 0.4
_UPSTREAM_TIMEOUT_S = 30.0
# What belongs to one connection, or is made anew for the next.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "host"}


class Fault(StrEnum):
    LATENCY = "latency"
    RESET_BEFORE = "reset before"  # the service never saw it
    RESET_AFTER = "reset after"  # the service did it, and nobody was told
    CUT = "cut"  # half of the answer, then the connection is closed
    SIGN_IN_PAGE = "sign-in page"  # a 200 of somebody in between
    THROTTLED = "throttled"
    ERROR_500 = "500"
    EXPIRED = "expired credentials"
    PARTIAL = "partial"  # some of a request's records or items are refused
    TWICE = "twice"  # the records stand in the stream two times
    SHUFFLED = "shuffled"  # they stand there in another order


LOST_ANSWERS = frozenset({Fault.RESET_AFTER, Fault.CUT, Fault.SIGN_IN_PAGE})
"""After these whoever asked cannot know whether it was done."""
_PARTIAL = {"PutRecords", "BatchWriteItem", "BatchGetItem", "TransactWriteItems"}
_ONLY_PUT_RECORDS = {Fault.TWICE, Fault.SHUFFLED}


@dataclass(slots=True)
class Schedule:
    """rates: by service, how likely each fault is for one request. outages: by service and operation, from which to
    before which of its requests every one is reset. Nothing happens once it is calm.
    """

    seed: int | str
    rates: Mapping[str, Mapping[Fault, float]]
    outages: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    calm: bool = False
    happened: Counter[tuple[str, str, Fault]] = field(default_factory=Counter)
    _asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, service: str, operation: str) -> tuple[Fault | None, random.Random]:
        with self._lock:
            self._asked[service, operation] += 1
            number = self._asked[service, operation]
            rng = random.Random(f"{self.seed}/{service}/{operation}/{number}")
            draw, rates = rng.random(), {} if self.calm else self.rates.get(service, {})
            first, end = self.outages.get((service, operation), (0, 0))
            if first <= number < end and not self.calm:
                rates = {Fault.RESET_BEFORE: 1.0}
            for fault, rate in rates.items():
                if draw < rate:
                    if not _fits(fault, operation):
                        break
                    self.happened[service, operation, fault] += 1
                    return fault, rng
                draw -= rate
        return None, rng

    def count(self, service: str, operation: str, faults: frozenset[Fault]) -> int:
        with self._lock:
            return sum(self.happened[service, operation, fault] for fault in faults)


def _fits(fault: Fault, operation: str) -> bool:
    if fault in _ONLY_PUT_RECORDS:
        return operation == "PutRecords"
    return fault is not Fault.PARTIAL or operation in _PARTIAL


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
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        service, operation = _what(self.command, self.path, self.headers, body)
        fault, rng = self.server.proxy.schedule.next(service, operation)

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
