"""A TCP server on 127.0.0.1 whose connections may misbehave. Ends at once, whatever they are doing."""

import contextlib
import hashlib
import socket
import threading


def noise(seed, size):
    """Bytes that mean nothing, the same for the same seed."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


class Gone(Exception):
    """The client has hung up, or the server is stopping."""


class Connection:
    def __init__(self, sock, stopping):
        self._sock = sock
        self._stopping = stopping

    def send(self, data):
        try:
            self._sock.sendall(data)
        except OSError:
            raise Gone from None

    def read_head(self):
        """Request line and headers of an HTTP or RTSP request, with the body's first bytes where they came along."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.read_some()
        return data

    def read_some(self):
        try:
            data = self._sock.recv(65_536)
        except OSError:
            raise Gone from None
        if not data:
            raise Gone
        return data

    def wait(self, seconds):
        if self._stopping.wait(seconds):
            raise Gone

    def wait_for_ever(self):
        self._stopping.wait()
        raise Gone


class LoopbackServer:
    """port: 0 for any that is free. `connections` counts those taken so far."""

    scheme = "http"
    path = "/"

    def __init__(self, port=0, tls=None):
        self._tls = tls
        self._stopping = threading.Event()
        self._open = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"{self.scheme}{'s' if self._tls else ''}://{self.host}{self.path}"

    def url_with(self, login):
        return self.url.replace("://", f"://{login}@")

    def serve(self, connection):
        raise NotImplementedError

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stopping.set()
        # A thread that waits in accept is woken by a connection, not by the closing.
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            pass
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), f"{type(self).__name__} does not end"

    def hang_up(self):
        """Cuts every connection, as a camera that is switched off."""
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._stopping.is_set():
                sock.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._run, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, sock):
        if self._tls is not None:
            try:
                sock = self._tls.wrap_socket(sock, server_side=True)
            except OSError:  # a client that does not trust us
                sock.close()
                return
        with self._lock:
            self._open.add(sock)
        try:
            if not self._stopping.is_set():
                self.serve(Connection(sock, self._stopping))
        except Gone:
            pass
        finally:
            with self._lock:
                self._open.discard(sock)
            # Shut first: closing with unread bytes would reset the connection and lose what was just sent.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
            sock.close()
