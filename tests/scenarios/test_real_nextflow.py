"""The bundled example, run by a real Nextflow where one can be had, and by its script twin everywhere.

HEADNODE_TRACE_BODIES names a file that gets every body that the real `-with-tower` sends, as JSON.
"""

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from local.nextflow import Engine, resolve
from shared.logs.file import FileLogs
from shared.model.environment import Environment
from tests.unit.runner.reader import reader, tell

EXAMPLE = Path(__file__).parents[2] / "local" / "example"
EXPECTED = (EXAMPLE / "expected.json").read_bytes()
WORKFLOW = "1k0K4WlGep8ZTM"


class Trace(ThreadingHTTPServer):
    """The four calls of `-with-tower`, answered as the platform does, and remembered."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), TraceHandler)
        self.calls: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def names(self) -> list[str]:
        return [f"{call['method']} {call['path']}" for call in self.calls]


class TraceHandler(BaseHTTPRequestHandler):
    server: Trace

    def answer(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"null")
        kept = {"method": self.command, "path": self.path.partition("?")[0], "headers": dict(self.headers)}
        self.server.calls.append({**kept, "body": body})
        reply = json.dumps({"workflowId": WORKFLOW, "watchUrl": self.server.url, "status": "OK"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_POST = do_PUT = answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def tracing() -> Iterator[Trace]:
    with Trace() as trace:
        thread = threading.Thread(target=trace.serve_forever, daemon=True)
        thread.start()
        yield trace
        trace.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def engine() -> Engine:
    """A real Nextflow, or why there is none."""
    found = resolve()
    if found.kind == "script":
        pytest.skip(found.note)
    return found


def launch(engine: Engine, place: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NXF_", "TOWER_"))}
    argv = [*engine.command, "run", str(EXAMPLE), "--outdir", "out", "--pause", "0", *arguments]
    environ = {**kept, "NXF_ANSI_LOG": "false", "NXF_OFFLINE": "true", **environ}
    return subprocess.run(
        argv, cwd=place, env=environ, capture_output=True, text=True, timeout=120, check=False
    )


def test_nextflow_runs_the_example(engine: Engine, tmp_path: Path) -> None:
    done = launch(engine, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out/summary.json").read_bytes() == EXPECTED
    for process, times in {"SPLIT": 1, "COUNT": 8, "MERGE": 1, "REPORT": 1}.items():
        assert len(re.findall(rf"Submitted process > {process}\b", done.stdout)) == times
    assert len(re.findall("^counted: chunk-0[1-8]$", done.stdout, re.MULTILINE)) == 8


def test_a_task_that_fails_fails_the_run(engine: Engine, tmp_path: Path) -> None:
    done = launch(engine, tmp_path, "--input", "/dev/null")
    assert done.returncode != 0
    assert "SPLIT" in done.stdout
    assert not (tmp_path / "out/summary.json").exists()


def test_nextflow_reports_its_tasks(engine: Engine, tmp_path: Path) -> None:
    if not engine.tower:
        pytest.skip(engine.note)
    with tracing() as trace:
        token = {"TOWER_ACCESS_TOKEN": "eyJ0aWQiOiAxfS5hYmM=", "TOWER_WORKFLOW_ID": WORKFLOW}
        done = launch(engine, tmp_path, "-with-tower", trace.url, TOWER_API_ENDPOINT=trace.url, **token)
    if file := os.environ.get("HEADNODE_TRACE_BODIES"):
        Path(file).write_text(json.dumps(trace.calls, indent=1))
    assert done.returncode == 0, done.stdout + done.stderr
    names = trace.names()
    assert names[:2] == ["POST /trace/create", f"PUT /trace/{WORKFLOW}/begin"]
    assert set(names[2:-1]) <= {f"PUT /trace/{WORKFLOW}/progress", f"PUT /trace/{WORKFLOW}/heartbeat"}
    assert names[-1] == f"PUT /trace/{WORKFLOW}/complete"
    states = {
        task["taskId"]: task["status"]
        for call in trace.calls if call["path"].endswith("/progress")
        for task in call["body"]["tasks"]
    }  # fmt: skip
    assert list(states.values()) == ["COMPLETED"] * 11
    assert trace.calls[0]["body"]["workflowId"] == WORKFLOW
    assert trace.calls[-1]["body"]["workflow"]["success"] is True


def test_a_nextflow_that_cannot_report_runs_all_the_same(engine: Engine, tmp_path: Path) -> None:
    if engine.tower or engine.kind == "path":
        pytest.skip("only for the launchers made here, around a Nextflow that has no nf-tower plugin")
    with tracing() as trace:
        token = {"TOWER_ACCESS_TOKEN": "secret", "TOWER_WORKFLOW_ID": WORKFLOW}
        done = launch(engine, tmp_path, "-with-tower", trace.url, **token)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tasks are not reported" in done.stderr
    assert trace.calls == []
    assert (tmp_path / "out/summary.json").read_bytes() == EXPECTED


def test_the_trace_stub_answers_and_remembers() -> None:
    with tracing() as trace:
        request = Request(f"{trace.url}/trace/create?workspaceId=1", b'{"runName": "a"}', method="POST")
        with urlopen(request) as reply:
            assert json.load(reply)["workflowId"] == WORKFLOW
    assert trace.names() == ["POST /trace/create"]
    assert trace.calls[0]["body"] == {"runName": "a"}


def twin(place: Path, **environ: str) -> "subprocess.Popen[bytes]":
    environ = {**os.environ, "OUTDIR": "out", **environ}
    return subprocess.Popen(
        ["bash", str(EXAMPLE / "main.sh")], cwd=place, env=environ, stdout=subprocess.PIPE
    )


def test_the_script_twin_makes_the_same_bytes_and_speaks_as_it_goes(tmp_path: Path) -> None:
    with twin(tmp_path, PAUSE="0.2") as process:
        assert process.stdout is not None
        heard = [(time.monotonic(), line.decode()) for line in process.stdout]
    assert process.returncode == 0
    assert (tmp_path / "out/summary.json").read_bytes() == EXPECTED
    assert sum(line.startswith("counted: chunk-") for _, line in heard) == 8
    assert heard[-1][0] - heard[0][0] > 0.5, "lines come while it runs, not all at its end"


@pytest.mark.parametrize("broken", [{"INPUT": "/dev/null"}, {"PAUSE": "forever"}])
def test_the_script_twin_fails_where_a_task_does(tmp_path: Path, broken: dict[str, str]) -> None:
    with twin(tmp_path, **{"PAUSE": "0", **broken}) as process:
        process.communicate()
    assert process.returncode != 0
    assert not (tmp_path / "out/summary.json").exists()


def test_the_standin_runs_the_twin(tmp_path: Path) -> None:
    environ = {**os.environ, "HEADNODE_NEXTFLOW": "script", "PAUSE": "0"}
    standin = resolve(tmp_path / "cache", environ=environ)
    argv = [*standin.command, "run", str(EXAMPLE), "-with-tower", "http://127.0.0.1:1", "--outdir", "out"]
    subprocess.run(argv, cwd=tmp_path, env=environ, check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "out/summary.json").read_bytes() == EXPECTED


FAILS = """process BAD {
    script:
    'echo to-stdout; echo to-stderr >&2; exit 3'
}

workflow { BAD() }
"""


def test_the_files_of_a_real_task_are_read_through_the_api(engine: Engine, tmp_path: Path) -> None:
    """What Nextflow itself wrote, where its trace says that it is."""
    pipeline, work = tmp_path / "main.nf", tmp_path / "work"
    pipeline.write_text(FAILS)
    argv = [*engine.command, "run", str(pipeline), "-w", str(work), "-with-trace", "trace.txt"]
    words = ["-process.errorStrategy", "ignore"]
    environ = {**os.environ, "NXF_ANSI_LOG": "false", "NXF_OFFLINE": "true"}
    done = subprocess.run(
        [*argv, *words], cwd=tmp_path, env=environ, capture_output=True, timeout=120, check=False
    )
    folders = [path.parent for path in work.glob("??/*/.exitcode")]
    assert len(folders) == 1, done.stdout
    place = Environment(id="e", name="e", platform="local-platform", config={"workDir": str(work)})
    front, run = reader(tmp_path, FileLogs(place, tmp_path), str(work))
    found = tell(front, run, 1, str(folders[0]), "FAILED")
    assert sorted(found["entries"]) == ["to-stderr", "to-stdout"]
    wanted = {".command.out": "to-stdout\n", ".command.err": "to-stderr\n", ".exitcode": "3"}
    assert wanted.keys() | {".command.sh", ".command.run"} <= {
        each["fileName"] for each in found["downloads"]
    }
    for name, text in wanted.items():
        assert front.call("GET", f"/workflow/{run}/download/1?fileName={name}").text == text
