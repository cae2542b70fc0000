"""What a machine meets in these tests: a control plane, a metadata service, S3 and CloudWatch Logs, all on
loopback; and the machine itself, which carries out the real boot document in a sandbox."""

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from shared.nextflow.boot import boot_document
from shared.providers.local.sandbox import Machine, Sandbox
from shared.runner.archive import zipapp_bytes

RUN, SESSION = "1k0K4WlGep8ZTMab", "40f3f3fb-db1e-4736-a606-8beb680628b1"
BOOT_TOKEN = "b" * 32 + "boot-canary"
RUN_TOKEN = base64.b64encode(b'{"tid":7}.run-canary').decode()


class Handler(BaseHTTPRequestHandler):
    """Answers from the `routes` of its server: (method, path) -> (status, body)."""

    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        status, data = self.server.routes(self.command, self.path, dict(self.headers), body)  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


Routes = Callable[[str, str, dict[str, str], bytes], tuple[int, bytes]]


@contextmanager
def serving(routes: Routes, handler: type[Handler] = Handler) -> Iterator[str]:
    """A server on a free port of loopback; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.routes = routes  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class ControlPlane:
    """A stand-in for ours: serves the runner and a spec, keeps the reports."""

    url: str = ""
    spec: Any = None
    reports: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=lambda: {"go_on": True, "cancel": False, "deadline": 0})
    down: bool = False
    gone: bool = False
    runner: bytes = field(default_factory=zipapp_bytes)

    def routes(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """One request."""
        self.requests.append((path.rpartition("/")[2], headers.get("Authorization", "")))
        if self.down:
            return 503, b"{}"
        if path.endswith("/headnode/runner.pyz"):
            return (200, self.runner) if self.runner else (404, b"")
        if self.gone:
            return 410, b"{}"
        if path.endswith("/spec"):
            return 200, self.spec if isinstance(self.spec, bytes) else json.dumps(self.spec).encode()
        self.reports.append(json.loads(body))
        return 200, json.dumps(self.answer).encode()

    def events(self, event: str) -> list[dict[str, Any]]:
        """The reports of one kind, in the order they came."""
        return [report for report in self.reports if report["event"] == event]

    @property
    def end(self) -> dict[str, Any]:
        """The one report of the end."""
        (said,) = self.events("end")
        return said


@dataclass
class Metadata:
    """IMDSv2: refuses a request without its token."""

    url: str = ""
    action: str = ""
    keys_given: int = 0

    def routes(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """One request."""
        if method == "PUT":
            return 200, b"the-token"
        if {name.lower(): value for name, value in headers.items()}.get(
            "x-aws-ec2-metadata-token"
        ) != "the-token":
            return 401, b""
        name = path.removeprefix("/latest/meta-data/")
        if name == "instance-id":
            return 200, b"i-0123456789abcdef0"
        if name == "iam/security-credentials/":
            return 200, b"the-role"
        if name == "iam/security-credentials/the-role":
            self.keys_given += 1
            keys = {"AccessKeyId": "AKIATEST", "SecretAccessKey": "key-canary", "Token": "session-canary"}
            return 200, json.dumps({**keys, "Expiration": "2099-01-01T00:00:00Z"}).encode()
        if name == "spot/instance-action" and self.action:
            return 200, json.dumps({"action": "terminate", "time": self.action}).encode()
        return 404, b""


@dataclass
class Stage:
    """Everything a test needs."""

    root: Path
    control: ControlPlane
    metadata: Metadata
    sandbox: Sandbox
    aws: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    machines: list[Machine] = field(default_factory=list)
    attempt: int = 1

    @property
    def work_dir(self) -> Path:
        """A POSIX work directory that machines share."""
        path = self.root / "work"
        path.mkdir(exist_ok=True)
        return path

    @property
    def log_file(self) -> Path:
        """Where lines are shipped to by default."""
        return self.work_dir / f"live-{self.attempt}.txt"

    def pipeline(self, main: str, name: str = "pipeline") -> Path:
        """A folder with an executable `main`."""
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        program = folder / "main"
        program.write_text(main)
        program.chmod(0o755)
        return folder

    def asks(self, **changes: Any) -> None:
        """What the control plane hands out: a script run, with changes."""
        self.control.spec = {
            "run": RUN,
            "attempt": self.attempt,
            "name": "happy_euler",
            "session": SESSION,
            "resume": False,
            "engine": "script",
            "pipeline": "",
            "revision": "",
            "main": "",
            "args": [],
            "params": {},
            "files": {},
            "environment": {},
            "secrets": [],
            "pre_run": "",
            "post_run": "",
            "work_dir": str(self.work_dir),
            "container": None,
            "deadline": time.time() + 3600,
            "heartbeat": 0.3,
            "logs": {"kind": "file", "path": str(self.log_file)},
            "region": "us-east-1",
            "token": RUN_TOKEN,
            "api": f"{self.control.url}/api",
            "workspace": 0,
            **changes,
        }

    def boots(
        self,
        deadline: float | None = None,
        before: Callable[[Path], None] = lambda _: None,
        **environment: str,
    ) -> Machine:
        """Starts a machine with the real boot document. `before` gets its file system's root."""
        directory = self.root / f"machine-{len(self.machines)}"
        directory.mkdir()
        before(directory / "root")
        now = time.time()
        document = boot_document(
            control_url=f"{self.control.url}/api",
            run_id=RUN,
            attempt=self.attempt,
            token=BOOT_TOKEN,
            deadline=now + 3600 if deadline is None else deadline,
            now=now,
        )
        (directory / "user-data").write_text(document)
        given = {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata.url,
            "HEADNODE_PACE": "0.05",
            **({"AWS_ENDPOINT_URL": self.aws} if self.aws else {}),
            **self.environment,
            **environment,
        }
        machine = self.sandbox.start(
            directory / "user-data", directory, given, share=[self.work_dir, *self.seen()]
        )
        self.machines.append(machine)
        return machine

    def seen(self) -> list[Path]:
        """Directories of the test that machines see."""
        return [
            path for path in self.root.iterdir() if path.is_dir() and not path.name.startswith("machine-")
        ]

    def live(self) -> list[str]:
        """The lines shipped to the file, without the runner's own."""
        text = self.log_file.read_text() if self.log_file.exists() else ""
        return [line for line in text.splitlines() if not line.startswith("headnode: ")]


@contextmanager
def stage(root: Path, sandbox: Sandbox, aws: str = "") -> Iterator[Stage]:
    """A stage whose machines are all gone at the end."""
    control, metadata = ControlPlane(), Metadata()
    with serving(control.routes) as control.url, serving(metadata.routes) as metadata.url:
        made = Stage(root, control, metadata, sandbox, aws)
        try:
            yield made
        finally:
            for machine in made.machines:
                machine.kill()


def until(true: Callable[[], object], seconds: float = 15.0, why: Callable[[], object] = str) -> None:
    """Waits for something that a real process does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"did not happen in {seconds} s: {why()}"
        time.sleep(0.02)


def ends(machine: Machine, seconds: float = 30.0) -> None:
    """Waits for a machine to power off by itself."""
    assert machine.wait(seconds) == 0, f"{machine.ended}\n{machine.console()}"


def path_with(folder: Path) -> str:
    """A PATH that finds this folder's programs first."""
    return f"{folder}:{os.environ['PATH']}"
