"""The runner as a job of AWS Batch: its id, its own role's keys, and Nextflow at work in the bucket."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.runner.boot import Places
from shared.runner.engine import work_place
from shared.runner.imds import Metadata
from shared.runner.on_aws import AwsCloud
from shared.runner.spec import Spec

GIVEN = {
    "AccessKeyId": "ASIACONTAINER",
    "SecretAccessKey": "s",
    "Token": "t",
    "Expiration": "2099-01-01T00:00:00Z",
}
LEAST: dict[str, Any] = {
    "run": "r",
    "attempt": 1,
    "pipeline": "/p",
    "work_dir": "s3://bucket/work",
    "deadline": 1.0,
    "token": "t",
}


@pytest.fixture
def keys() -> Iterator[str]:
    class Agent(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/v2/credentials/role"
            body = json.dumps(GIVEN if found else {}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_keys_are_those_of_the_jobs_own_role(keys: str) -> None:
    environ = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{keys}/v2/credentials/role"}
    found = Metadata({**environ, "AWS_EC2_METADATA_DISABLED": "true"}).keys()
    assert found is not None
    assert (found.access, found.token) == ("ASIACONTAINER", "t")


def test_a_role_that_is_not_there_is_no_keys_and_never_the_nodes(keys: str) -> None:
    environ = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{keys}/none"}
    assert Metadata({**environ, "AWS_EC2_METADATA_SERVICE_ENDPOINT": keys}).keys() is None


def test_a_job_is_known_by_its_own_id() -> None:
    assert AwsCloud("", {"AWS_BATCH_JOB_ID": "job-1"}).machine_id() == "job-1"


def test_nextflow_works_in_the_bucket_when_tasks_run_elsewhere(tmp_path: Path) -> None:
    places = Places(str(tmp_path))
    direct = Spec.of({**LEAST, "environment": {"HEADNODE_WORK": "direct"}})
    assert work_place(direct, places) == "s3://bucket/work"
    assert work_place(Spec.of(LEAST), places) == str(places.work)
    assert places.work.is_dir()
    assert list(tmp_path.iterdir()) == [tmp_path / "var"]
