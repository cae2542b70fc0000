"""A server that says what no Azure says."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

NONSENSE = [
    (200, b""),
    (200, b"{}"),
    (200, b"null"),
    (200, b"[]"),
    (200, b"<html>hello</html>"),
    (200, b'{"id": "/subscr'),
    (204, b""),
    (301, b""),
    (302, b"{}"),
    (304, b""),
]


class Liar:
    """An Azure that answers everything with the same status, headers and body. `{n}` in
    the body is the number of the call."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, dict[str, str](), b""
        self.calls: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                outer.calls.append(f"{self.command} {self.path}")
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b"" if outer.status == 204 else outer.body
                body = body.replace(b"{n}", str(len(outer.calls)).encode())
                self.send_response(outer.status)
                for name, value in {**outer.headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def say(self, status: int, body: Any = b"", **headers: str) -> None:
        self.status, self.headers = status, headers
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
def liar(monkeypatch: pytest.MonkeyPatch) -> Iterator[Liar]:
    found = Liar()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("HEADNODE_AZURE_URL", found.url)
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()
