"""The HTTP server of the one-machine host: uvicorn on a socket that we bound ourselves."""

import socket
import threading
import time
from typing import Any

from shared.errors import HeadnodeError

ANSWER_WITHIN = 1.0
"""Seconds that requests under way are given when the server stops."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket (port 0: any free one). Raises HeadnodeError, saying why, when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(128)
    except (OSError, OverflowError) as error:
        bound.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise HeadnodeError(f"cannot listen on {host} port {port}: {reason.lower()}") from None
    return bound


def url_of(bound: socket.socket) -> str:
    """The URL at which this machine itself reaches the socket."""
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (read, not bound)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Web:
    """Serves one ASGI app from a thread of its own."""

    def __init__(self, app: Any, bound: socket.socket) -> None:
        import uvicorn

        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=int(ANSWER_WITHIN),
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [bound]}, name="headnode-web", daemon=True
        )

    def start(self, within: float = 10.0) -> None:
        """Returns once requests are answered."""
        self._thread.start()
        end = time.monotonic() + within
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                raise HeadnodeError("the HTTP server did not start")
            time.sleep(0.005)

    def stop(self) -> None:
        """Takes no more requests; returns when those under way ended or ANSWER_WITHIN is over."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(ANSWER_WITHIN + 0.3)
