"""What goes in over TLS comes out on the other side as it was sent, and back."""

import contextlib
import hashlib
import socket
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local_cloud import emulator
from local_cloud.problem import LocalProblem
from local_cloud.processes import choose_port
from local_cloud.tls import TlsFront

ADDED = b"X-Forwarded-Proto: https\r\n"


class Upstream(socketserver.ThreadingTCPServer):
    """Plain HTTP: keeps the bytes of every request, and answers each with `answer`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.answer = b"fine"
        self.hangs_up = False
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = self.server_address[1]


class _Handler(socketserver.StreamRequestHandler):
    server: Upstream

    def handle(self) -> None:
        self.server.connections += 1
        while head := self._until(b"\r\n\r\n"):
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            if b"transfer-encoding" in fields:
                body = self._until(b"0\r\n") + self._until(b"\r\n\r\n")
            else:
                body = self.rfile.read(int(fields.get(b"content-length", 0)))
            self.server.heads.append(head)
            self.server.bodies.append(body)
            if self.server.hangs_up:
                return
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self.server.answer))
            self.wfile.write(self.server.answer)

    def _until(self, end: bytes) -> bytes:
        read = b""
        while not read.endswith(end):
            byte = self.rfile.read(1)
            if not byte:
                return b""
            read += byte
        return read


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def ca_file(tmp_path):
    return tmp_path / "ca.pem"


@pytest.fixture
def front(upstream, ca_file) -> Iterator[TlsFront]:
    front = TlsFront(upstream.port, port=choose_port(), ca_file=ca_file)
    yield front
    front.stop()


class Client:
    """One TLS connection, and raw bytes on it."""

    def __init__(self, front: TlsFront, name: str = "127.0.0.1") -> None:
        tls = ssl.create_default_context(cafile=str(front.ca_file))
        plain = socket.create_connection(("127.0.0.1", int(front.url.rpartition(":")[2])), timeout=10)
        self.socket = tls.wrap_socket(plain, server_hostname=name)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_until(self, end: bytes) -> bytes:
        """What came, or all there was when the connection ends first."""
        read = b""
        while not read.endswith(end):
            piece = self.socket.recv(1)
            if not piece:
                break
            read += piece
        return read


def with_added(head: bytes) -> bytes:
    return head.removesuffix(b"\r\n") + ADDED + b"\r\n"


def test_a_request_goes_on_byte_for_byte_with_one_header_more(upstream, front):
    head = (
        b"PUT /b%C3%BCcket//./a%2Fb/../c?x=%20&y=+&x=&z HTTP/1.1\r\n"
        b"Host: frames.s3.eu-west-1.amazonaws.com\r\n"
        b"X-Amz-Meta-Odd:   two  spaces \r\n"
        b"x-amz-meta-odd: again\r\n"
        b"AUTHORIZATION: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c\r\n"
        b"Content-Length: 5\r\n"
        b"\r\n"
    )
    with Client(front) as client:
        client.send(head + b"\x00\xff\r\n.")
        assert client.read_until(b"fine").startswith(b"HTTP/1.1 200 OK\r\n")
    assert upstream.heads == [with_added(head)]
    assert upstream.bodies == [b"\x00\xff\r\n."]


def test_what_a_client_says_of_its_own_protocol_is_not_believed(upstream, front):
    with Client(front) as client:
        client.send(b"GET / HTTP/1.1\r\nx-forwarded-proto: http\r\nHost: a\r\n\r\n")
        client.read_until(b"fine")
    assert upstream.heads == [with_added(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")]


def test_a_chunked_body_keeps_its_chunks_and_trailers_and_the_next_request_follows(upstream, front):
    head = b"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"5;signature=x\r\nhello\r\n1A\r\n" + b"." * 26 + b"\r\n0\r\nx-amz-checksum-crc32: AAAA\r\n\r\n"
    with Client(front) as client:
        client.send(head + body)
        client.read_until(b"fine")
        client.send(b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n")
        client.read_until(b"fine")
    assert upstream.bodies == [body, b""]
    assert upstream.heads == [with_added(head), with_added(b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n")]
    assert upstream.connections == 1


def test_requests_sent_before_their_answers_are_all_answered(upstream, front):
    with Client(front) as client:
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(5)))
        for _ in range(5):
            assert client.read_until(b"fine")
    assert [head.split()[1] for head in upstream.heads] == [b"/0", b"/1", b"/2", b"/3", b"/4"]


def test_forty_megabytes_pass_whole_in_both_directions(upstream, front):
    upstream.answer = bytes(range(256)) * 160 * 1024
    sent = upstream.answer[::-1]
    with httpx.Client(verify=ssl.create_default_context(cafile=str(front.ca_file)), trust_env=False) as http:
        got = http.put(f"{front.url}/big", content=sent, timeout=60).content
    digests = [hashlib.sha256(b).hexdigest() for b in (got, upstream.bodies[0])]
    assert digests == [hashlib.sha256(b).hexdigest() for b in (upstream.answer, sent)]


def test_a_client_that_waits_for_leave_to_send_gets_it_here(upstream, front):
    with Client(front) as client:
        client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"body")
        client.read_until(b"fine")
    assert upstream.heads == [with_added(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")]
    assert upstream.bodies == [b"body"]


def test_the_connection_ends_when_the_one_behind_it_does(upstream, front):
    upstream.hangs_up = True
    with Client(front) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.read_until(b"never") == b""


@pytest.mark.parametrize("body", [b"", b"." * 3_000_000])
def test_with_nothing_behind_it_the_answer_is_a_sentence(ca_file, body):
    front = TlsFront(choose_port(), port=choose_port(), ca_file=ca_file)
    try:
        with Client(front) as client:
            client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            answer = client.read_until(b"never").decode()
    finally:
        front.stop()
    assert answer.startswith("HTTP/1.1 502 Bad Gateway\r\n")
    assert answer.endswith("What this stands in front of does not answer: it has ended.\n")


@pytest.mark.parametrize(
    ("request_", "status", "sentence"),
    [
        (b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400", "Content-Length is not a number: -1."),
        (b"GET / HTTP/1.1\r\nX: " + b"." * 300_000 + b"\r\n\r\n", "431", "The headers are over 256 KiB."),
    ],
)
def test_a_request_that_cannot_be_followed_is_refused_and_goes_nowhere(upstream, front, request_, status, sentence):
    with Client(front) as client:
        client.send(request_)
        answer = client.read_until(b"never").decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert answer.endswith(f"\r\n\r\n{sentence}\n")
    assert upstream.heads == []


def test_the_certificate_holds_for_both_names_of_this_machine_and_only_by_its_own_authority(front):
    for name in ("127.0.0.1", "localhost"):
        with Client(front, name):
            pass
    with pytest.raises(ssl.SSLCertVerificationError):
        Client(front, "example.com")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(front.url, trust_env=False)


def test_no_private_key_is_left_on_the_disk(upstream, ca_file, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    TlsFront(upstream.port, port=choose_port(), ca_file=ca_file).stop()
    assert [path.name for path in tmp_path.iterdir()] == ["ca.pem"]
    assert ca_file.read_text().count("BEGIN") == ca_file.read_text().count("BEGIN CERTIFICATE") == 1


def test_no_other_address_than_127_0_0_1_is_listened_on(front):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", int(front.url.rpartition(":")[2])), timeout=5)


def test_a_port_in_use_is_said_in_a_sentence(upstream, ca_file):
    with pytest.raises(LocalProblem, match=f"Port {upstream.port} of 127.0.0.1 cannot be listened on"):
        TlsFront(upstream.port, port=upstream.port, ca_file=ca_file)


def test_stopping_ends_open_connections_and_may_be_repeated(upstream, front):
    with Client(front) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        client.read_until(b"fine")
        front.stop()
        front.stop()
        with contextlib.suppress(ConnectionError):
            assert client.read_until(b"never") == b""


def test_node_goes_on_trusting_whom_its_user_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company, ours = tmp_path / "company.pem", tmp_path / "state" / "ca.pem"
    company.write_text("company", encoding="ascii")
    ours.parent.mkdir()
    ours.write_text("ours", encoding="ascii")
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(company))
    assert emulator._trust_of_node(ours).read_text(encoding="ascii").split() == ["company", "ours"]
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tmp_path / "gone.pem"))
    assert emulator._trust_of_node(ours) == ours
