"""TLS in front of a plain HTTP server of this machine: what a client sends goes on byte for byte.

A signature covers the method, the path and query as they were sent, and the Host header; so nothing is parsed that
need not be, and nothing is written anew. Three things change on the way:
- `X-Forwarded-Proto: https` is set, and whatever a client sent under that name is dropped.
- `Expect: 100-continue` is answered here and not passed on: whoever passes it on must know whether a body follows.
- Nothing else.

Each client connection has one connection behind it. Requests are followed, to know where the next one begins;
answers are passed back as they come.
"""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import trustme

from local_cloud.problem import LocalProblem

_HOSTS = ("127.0.0.1", "localhost")
_MAX_HEAD_BYTES = 256 * 1024
_PIECE_BYTES = 64 * 1024
_START_TIMEOUT_S = 10.0
# A client whose connection lies idle in a pool does not answer when it is closed.
_FAREWELL_TIMEOUT_S = 1.0


class BadRequest(Exception):
    """The message is a sentence for the client."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """to_send: request line and headers as they go on. body_bytes: None for a chunked body."""

    to_send: bytes
    body_bytes: int | None
    waits_for_continue: bool

    @classmethod
    def parse(cls, head: bytes) -> "RequestHead":
        """head: with the empty line that ends it. Raises BadRequest."""
        request_line, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        kept = [request_line]
        body_bytes: int | None = 0
        waits = False
        for line in lines:
            name, _, value = line.partition(b":")
            match name.lower():
                case b"x-forwarded-proto":
                    continue
                case b"expect":
                    waits = value.strip().lower() == b"100-continue"
                    continue
                case b"transfer-encoding":
                    body_bytes = None
                case b"content-length" if body_bytes is not None:
                    if not value.strip().isdigit():
                        raise BadRequest(f"Content-Length is not a number: {value.decode('latin-1').strip()}.")
                    body_bytes = int(value)
            kept.append(line)
        kept.append(b"X-Forwarded-Proto: https")
        return cls(b"\r\n".join(kept) + b"\r\n\r\n", body_bytes, waits)


class TlsFront:
    """`https://127.0.0.1:<port>` for what listens on `upstream_port`. A thread of this process, until `stop`.

    The certificate's authority is made for this one and forgotten with it; `ca_file` gets its public certificate,
    which is what AWS_CA_BUNDLE and NODE_EXTRA_CA_CERTS want.
    """

    def __init__(self, upstream_port: int, *, port: int, ca_file: Path) -> None:
        """Listens at once. Raises LocalProblem."""
        self.url = f"https://127.0.0.1:{port}"
        self.ca_file = ca_file
        self._port = port
        self._upstream_port = upstream_port
        authority = trustme.CA(organization_name="Framewatch on this machine")
        authority.cert_pem.write_to_path(str(ca_file))
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # OpenSSL reads keys from files only: it is one for as long as this call takes, and nobody else may read it.
        authority.issue_cert(*_HOSTS).configure_cert(self._tls)
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tls-front", daemon=True)
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(self._listen(), self._loop)
        try:
            self._server = listening.result(_START_TIMEOUT_S)
        except OSError as error:
            self._end_thread()
            raise LocalProblem(f"Port {port} of 127.0.0.1 cannot be listened on ({error}).") from None

    def stop(self) -> None:
        """May be called twice."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_START_TIMEOUT_S)
            self._end_thread()

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_TIMEOUT_S)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(
            self._accept,
            "127.0.0.1",
            self._port,
            ssl=self._tls,
            ssl_shutdown_timeout=_FAREWELL_TIMEOUT_S,
            limit=_MAX_HEAD_BYTES,
            backlog=256,
        )

    async def _close(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # this is a coroutine
        self._connections.add(task)
        try:
            # A client that goes away in the middle is nothing to report: it knows.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # being stopped: nobody waits for the other side's farewell
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await _read_head(reader, writer)
        if first is None:
            return
        try:
            behind, forward = await asyncio.open_connection("127.0.0.1", self._upstream_port, limit=_MAX_HEAD_BYTES)
        except OSError:
            async for _ in _body(reader, first.body_bytes):
                pass  # an answer before the end of the request would be lost with the connection
            await _answer(writer, "502 Bad Gateway", "What this stands in front of does not answer: it has ended.")
            return
        answers = asyncio.create_task(_pass_back(behind, writer))
        try:
            await _pass_on(first, reader, writer, forward)
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            forward.close()


async def _pass_on(
    head: RequestHead | None,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    forward: asyncio.StreamWriter,
) -> None:
    """Request after request, until the client has no more."""
    while head is not None:
        if head.waits_for_continue:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        forward.write(head.to_send)
        async for piece in _body(reader, head.body_bytes):
            forward.write(piece)
            await forward.drain()
        await forward.drain()
        head = await _read_head(reader, writer)


async def _pass_back(behind: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await behind.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    # The other side is done with this connection, and so must the client be; it wakes the reading of requests too.
    writer.close()


async def _read_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> RequestHead | None:
    """None when the client has no further request, or sent one that cannot be followed and was told so."""
    try:
        return RequestHead.parse(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        await _answer(
            writer, "431 Request Header Fields Too Large", f"The headers are over {_MAX_HEAD_BYTES // 1024} KiB."
        )
    except BadRequest as error:
        await _answer(writer, "400 Bad Request", str(error))
    return None


async def _body(reader: asyncio.StreamReader, body_bytes: int | None) -> AsyncIterator[bytes]:
    """The request's body as it was sent, chunk sizes and trailers included. Raises IncompleteReadError."""
    if body_bytes is not None:
        async for piece in _exactly(reader, body_bytes):
            yield piece
        return
    while True:
        size_line = await reader.readuntil(b"\r\n")
        yield size_line
        try:
            size = int(size_line.partition(b";")[0], 16)
        except ValueError:
            raise ConnectionResetError("a chunk without a size") from None
        if size == 0:
            break
        async for piece in _exactly(reader, size + len(b"\r\n")):
            yield piece
    trailer = b""
    while trailer != b"\r\n":
        trailer = await reader.readuntil(b"\r\n")
        yield trailer


async def _exactly(reader: asyncio.StreamReader, count: int) -> AsyncIterator[bytes]:
    while count:
        piece = await reader.read(min(count, _PIECE_BYTES))
        if not piece:
            raise asyncio.IncompleteReadError(b"", count)
        count -= len(piece)
        yield piece


async def _answer(writer: asyncio.StreamWriter, status: str, sentence: str) -> None:
    body = f"{sentence}\n".encode()
    writer.write(
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )
    await writer.drain()
