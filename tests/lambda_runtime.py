"""AWS's own runtime client, `awslambdaric`, in a process of its own, fed by a Runtime API of ours.

A `Function` is one execution environment: it takes one invocation at a time, as in Lambda.
"""

import json
import os
import queue
import subprocess
import sys
import sysconfig
import threading
import time
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

SITE = Path(sysconfig.get_paths()["purelib"])
PREFIX = "/2018-06-01/runtime"


class FunctionError(Exception):
    """The function raised, or did not start; its error as Lambda would show it."""


class Invocation:
    """One event under way."""

    def __init__(self, event: Any) -> None:
        self.id = str(uuid.uuid4())
        self.body = json.dumps(event).encode()
        self.over = threading.Event()
        self.response: Any = None
        self.error: dict[str, Any] | None = None


class Handler(BaseHTTPRequestHandler):
    """next, response, error, and init error."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    function: "Function"

    def do_GET(self) -> None:
        assert self.path == f"{PREFIX}/invocation/next", self.path
        invocation = self.function.next()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.function.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.function.arn,
            "Content-Type": "application/json",
        }
        self.answer(200, invocation.body, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = json.loads(body) if body else None
        if self.path == f"{PREFIX}/init/error":
            self.function.broken(said)
        else:
            id, _, kind = self.path.removeprefix(f"{PREFIX}/invocation/").partition("/")
            self.function.ended(id, kind, said)
        self.answer(202, b'{"status": "OK"}', {})

    def answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self._headers_buffer.append(b"\r\n" + body)  # type: ignore[attr-defined]
        self.flush_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """The Runtime API of one function."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A killed function hangs up in the middle of a request."""


class Function:
    """A function from its unpacked archive. A context manager; the process ends with it."""

    def __init__(
        self, name: str, handler: str, directory: Path, variables: Mapping[str, str], timeout: float = 60.0
    ) -> None:
        self.name = name
        self.handler = handler
        self.arn = f"arn:aws:lambda:{variables['AWS_REGION']}:123456789012:function:{name}"
        self.timeout = timeout
        self.init_error: dict[str, Any] | None = None
        self._directory = directory
        self._variables = dict(variables)
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._under_way: Invocation | None = None
        self._turn = threading.Lock()
        self._log: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        bound = type("Bound", (Handler,), {"function": self})
        self._server = Server(("127.0.0.1", 0), bound)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-B", "-c", STARTED, str(SITE), self.handler],
            cwd=self._directory,
            env={**self._variables, **self._environment()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()

    def _environment(self) -> dict[str, str]:
        host, port = self._server.server_address[:2]
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self._directory),
            "AWS_LAMBDA_RUNTIME_API": f"{host!s}:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_LOG_GROUP_NAME": self.name,
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            "LAMBDA_TASK_ROOT": str(self._directory),
            "_HANDLER": self.handler,
        }

    def invoke(self, event: Any) -> Any:
        """The function's answer; waits its turn. Raises FunctionError when it raised."""
        with self._turn:
            if self.init_error is not None:
                raise FunctionError(self.init_error)
            self._under_way = invocation = Invocation(event)
            self._waiting.put(invocation)
            self._wait(invocation)
        if invocation.error is not None:
            raise FunctionError(invocation.error)
        return invocation.response

    def _wait(self, invocation: Invocation) -> None:
        assert self._process is not None
        until = time.monotonic() + self.timeout
        while not invocation.over.wait(0.2):
            if self._process.poll() is not None or time.monotonic() > until:
                raise FunctionError(f"{self.name} is dead or late: {self.log[-3000:]}")

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return "".join(self._log)

    def next(self) -> Invocation | None:
        """The next invocation, when there is one; None when the function ends."""
        return self._waiting.get()

    def ended(self, id: str, kind: str, said: Any) -> None:
        """The runtime client's word on an invocation."""
        invocation = self._under_way
        assert invocation is not None
        assert invocation.id == id
        if kind == "response":
            invocation.response = said
        else:
            invocation.error = said
        invocation.over.set()

    def broken(self, said: dict[str, Any]) -> None:
        """The function did not start."""
        self.init_error = said
        if self._under_way is not None:
            self._under_way.error = said
            self._under_way.over.set()

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._log.extend(self._process.stdout)


STARTED = """
import importlib.machinery, importlib.util, sys
site, handler = sys.argv[1:]
# The runtime client and nothing else of what is installed beside it.
for name in ("simplejson", "snapshot_restore_py", "runtime_client", "awslambdaric"):
    spec = importlib.machinery.PathFinder.find_spec(name, [site])
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
from awslambdaric.__main__ import main
main(["awslambdaric", handler])
"""
"""As `python -m awslambdaric HANDLER`, with only the archive and the standard library to import from."""
