"""The HTTP server: threaded, keep-alive, one write per answer, and able to hang up on a client."""

import io
from collections.abc import Callable
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler

from local.clouds.answer import Answer, Dropped
from local.clouds.front import Background, hang_up


class Handler(MotoRequestHandler):
    """moto's reading of a request (header names, raw paths) with our own way of answering it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer waits 40 ms for the client's delayed ACK

    def run_wsgi(self) -> None:
        """Serves one request of a connection that stays open."""
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self._body(environ))
        try:
            answer = self.server.app(environ)  # type: ignore[call-arg]
        except Dropped:
            self._hang_up()
            return
        self._send(answer)  # type: ignore[arg-type]

    def _body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read()
            environ["CONTENT_LENGTH"] = str(len(body))
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            return bytes(body)
        return self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        length = str(len(answer.body))
        if self.command == "HEAD":
            length = next((v for n, v in answer.headers if n.lower() == "content-length"), length)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", length)
        body = b"" if self.command == "HEAD" or answer.status in (204, 304) else answer.body
        self._headers_buffer: list[bytes]
        self._headers_buffer.append(b"\r\n" + body)  # headers and body in one packet
        self.flush_headers()

    def _hang_up(self) -> None:
        self.close_connection = True
        hang_up(self.connection)

    def log_request(self, *_: Any) -> None:
        """Says nothing: the journal knows."""


class Front(Background):
    """Serves `app(environ) -> Answer`."""

    multithread, multiprocess, ssl_context, _server_version = True, False, None, "AmazonEmulated"

    def __init__(self, host: str, port: int, app: Callable[[dict[str, Any]], Answer]) -> None:
        super().__init__(host, port, Handler)
        self.app = app
