"""The front on 127.0.0.1: what CloudFront is in the cloud. `front_app` says what it answers."""

import socket
import threading
import time

import uvicorn

from local_cloud.distribution import Distribution
from local_cloud.front_app import FrontApp
from local_cloud.problem import LocalProblem


def listen(port: int, option: str = "--port (make demo PORT=8081)") -> socket.socket:
    """Taken at once, so that a busy port is said before anything has started. Raises LocalProblem.

    option: where the user may name another.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
        sock.listen(128)
    except PermissionError:
        sock.close()
        raise LocalProblem(
            f"Port {port} needs more rights than you have; take one above 1023 with {option}."
        ) from None
    except OSError:
        sock.close()
        raise LocalProblem(f"Port {port} is in use; end what uses it, or take another with {option}.") from None
    return sock


def address_of(sock: socket.socket) -> str:
    return f"http://127.0.0.1:{sock.getsockname()[1]}"


class Front:
    """Serves from a thread of its own until `stop`."""

    def __init__(self, sock: socket.socket, app: FrontApp) -> None:
        # Critical: a page that is asking at the moment of Ctrl-C is no reason for a trace.
        config = uvicorn.Config(
            app.asgi(), log_level="critical", access_log=False, server_header=False, lifespan="on"
        )
        config.timeout_graceful_shutdown = 1
        self.url = address_of(sock)
        self._app = app
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

    def serve(self, distribution: Distribution) -> None:
        """From now on as the distribution is now."""
        self._app.distribution = distribution

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(5)
        self._sock.close()
