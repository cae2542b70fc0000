"""The HTTP server: threaded, keep-alive, one write per answer, and able to hang up on a client."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from local.clouds.answer import Answer, Dropped
from local.clouds.front import Background, hang_up

App = Callable[[str, str, dict[str, str], bytes], Answer]
"""Method, target, headers by lower-case name, and body."""


class Handler(BaseHTTPRequestHandler):
    """Every method goes to the one app."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer waits 40 ms for the client's delayed ACK
    server: "Front"

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            answer = self._app(headers, self._body())
        except Dropped:
            self._hang_up()
            return
        self._send(answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _serve  # noqa: N815

    def _app(self, headers: dict[str, str], body: bytes) -> Answer:
        return self.server.app(self.command, self.path, headers, body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        silent = answer.status in (204, 304)
        if not silent:
            said = next((v for n, v in answer.headers if n.lower() == "content-length"), "")
            length = said if said and self.command == "HEAD" else str(len(answer.body))
            self.send_header("Content-Length", length)
        body = b"" if self.command == "HEAD" or silent else answer.body
        self._headers_buffer: list[bytes]
        self._headers_buffer.append(b"\r\n" + body)  # headers and body in one packet
        self.flush_headers()

    def _hang_up(self) -> None:
        self.close_connection = True
        hang_up(self.connection)

    def log_message(self, *_: Any) -> None:
        """Says nothing: the journal knows."""


class Front(Background):
    """Serves an app."""

    def __init__(self, host: str, port: int, app: App) -> None:
        super().__init__(host, port, Handler)
        self.app = app
