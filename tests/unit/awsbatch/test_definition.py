"""What the head job's container does, carried out by a real shell."""

import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.nextflow.headjob import BOOT, SCRIPT

RUNNER = """
import json, os, pathlib, subprocess, sys
boot = json.load(open(sys.argv[2]))
lib = pathlib.Path(sys.argv[0]).parent
lib.joinpath("seen.json").write_text(json.dumps([boot, sorted(os.environ)]))
{act}
"""
ENDS = 'lib.joinpath("finished").touch(); subprocess.run(["shutdown", "-h", "now"]); raise SystemExit(3)'


@pytest.fixture
def control() -> Iterator[tuple[str, dict[str, str]]]:
    """A control plane that serves a runner."""
    runner: dict[str, str] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = runner.get("text", "").encode()
            self.send_response(200 if self.path == "/headnode/runner.pyz" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", runner
    server.shutdown()
    thread.join()
    server.server_close()


def carried_out(root: Path, control: str) -> tuple[int, Path]:
    boot = json.dumps({"control": control, "run": "r", "attempt": 1, "token": "t0ken", "deadline": 1})
    own = {"HEADNODE_ROOT": str(root), BOOT: boot}
    ended = subprocess.run(["sh", "-c", SCRIPT], env={**os.environ, **own}, timeout=60, check=False)
    return ended.returncode, root / "var/lib/headnode"


def test_the_runner_is_fetched_and_told_what_to_do(tmp_path: Path, control: Any) -> None:
    url, runner = control
    runner["text"] = RUNNER.format(act=ENDS)
    status, lib = carried_out(tmp_path, url)
    boot, variables = json.loads((lib / "seen.json").read_text())
    assert (boot["run"], boot["control"]) == ("r", url)
    assert BOOT not in variables
    assert (tmp_path / "etc/headnode/boot.json").stat().st_mode & 0o077 == 0
    # The machine's power is not the container's to switch: the runner ended, and well.
    assert status == 0


def test_a_runner_that_breaks_fails_the_job(tmp_path: Path, control: Any) -> None:
    url, runner = control
    runner["text"] = RUNNER.format(act="raise SystemExit(7)")
    assert carried_out(tmp_path, url)[0] == 7


def test_a_submission_with_a_real_boot_document_is_within_the_limit_of_overrides() -> None:
    from shared.nextflow.boot import boot_document
    from shared.nextflow.headjob import BOOT_JSON

    document = boot_document(
        control_url="https://example.org", run_id="r" * 16, attempt=1, token="t" * 64, deadline=9.0, now=1.0
    )
    found = BOOT_JSON.search(document)
    assert found is not None
    assert json.loads(found[1])["run"] == "r" * 16
    assert len(found[1]) < 1000
