"""What the HTTP servers of the emulated clouds have in common: threads, connections that stay open, and
hanging up on a client; and how such a cloud is served from a shell."""

import signal
import socket
import socketserver
import struct
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from http.server import ThreadingHTTPServer
from typing import Any, Protocol

_NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset, not a polite end."""


class Background(ThreadingHTTPServer):
    """Serves on a background thread."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str, port: int, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__((host, port), handler)
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def start(self) -> None:
        """Returns at once; the port is bound already."""
        self._thread.start()

    def stop(self) -> None:
        """Stops listening and waits for the loop's end, where it was started."""
        if self._thread.ident:
            self.shutdown()
            self._thread.join()
        self.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is no event worth a traceback."""


def hang_up(connection: socket.socket) -> None:
    """Ends a connection as a service that dies does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    connection.close()


class Pointing(Protocol):
    """A cloud that is served."""

    def environment(self) -> Mapping[str, str]:
        """The variables that point an SDK at it."""


def until_a_signal(cloud: AbstractContextManager[Pointing]) -> None:
    """Serves until SIGINT or SIGTERM, and prints what points a shell there. Blocks."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with cloud as running:
        for name, value in running.environment().items():
            print(f"export {name}={value}", flush=True)
        over.wait()
