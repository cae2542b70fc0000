"""`headnode clouds`: emulated clouds as processes of their own, which real SDKs can use."""

import json
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import httpx
import pytest

from shared.providers.local import processes
from tests.azure_cloud import Clients, by_resource, vm_body
from tests.headnode import COMMAND, headnode, one_line, variables, wait_for


class Cloud:
    """A `headnode clouds` that runs, as far as a client sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said: dict[str, str] = {}

    @property
    def url(self) -> str:
        return self.said["HEADNODE_AZURE_URL"]

    def environment(self) -> dict[str, str]:
        return self.said

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        return line

    def read(self, last: str) -> None:
        """Reads lines for a shell until one sets `last`."""
        while last not in self.said:
            export, setting = shlex.split(self.line())
            assert export == "export"
            name, _, self.said[name] = setting.partition("=")

    def interrupt(self) -> tuple[int, str, str]:
        """Ctrl-C; the exit code, and what it printed after it."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out, err


@contextmanager
def cloud(*words: str) -> Iterator[Cloud]:
    """One on a free port, that never outlives the test."""
    command = [COMMAND, "clouds", *words, "--port", "0"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=variables({}), **pipes) as process:
        try:
            yield Cloud(process)
        finally:
            process.kill()


def test_an_emulated_aws_says_how_to_reach_it_and_ends_at_once() -> None:
    with cloud("aws") as running:
        running.read("AWS_EC2_METADATA_DISABLED")
        known = {"aws_access_key_id": "AKIAEMULATED00000000", "aws_secret_access_key": "x"}
        s3 = boto3.client(
            "s3", endpoint_url=running.said["AWS_ENDPOINT_URL"], region_name="us-east-1", **known
        )
        s3.create_bucket(Bucket="lab")

        assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == ["lab"]
        assert running.interrupt() == (0, "", "")


def test_an_emulated_azure_begins_with_its_storage() -> None:
    with cloud("azure", "--storage", "lab/work", "--storage", "lab/more") as running:
        running.read("AZURE_CLIENT_SECRET")
        clients = Clients(running)  # type: ignore[arg-type]
        clients.group("mine")
        service = clients.blobs("lab")
        service.get_blob_client("work", "hello").upload_blob(b"hello")

        assert service.get_blob_client("work", "hello").download_blob().readall() == b"hello"
        assert service.get_container_client("more").exists()
        groups = clients.resources.resource_groups.list()
        assert sorted(group.name for group in groups) == ["mine", "storage-rg"]
        assert running.interrupt() == (0, "", "")
        with pytest.raises(httpx.ConnectError):
            httpx.get(running.url)


def test_an_emulated_azure_takes_its_machines_along() -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("machines need bubblewrap")
    with cloud("azure", "-o", "json") as running:
        running.said = json.loads(running.line())
        clients = Clients(running)  # type: ignore[arg-type]
        clients.group()
        body = vm_body(clients.subnet(), "IyEvYmluL3NoCnNsZWVwIDYwMAo=")
        machines = clients.compute.virtual_machines
        machines.begin_create_or_update("rg", "vm", body, polling=by_resource()).result()
        tree = wait_for(lambda: asleep(running.process.pid), within=20)

        assert clients.blobs("headnode").get_container_client("work").exists()
        assert running.interrupt() == (0, "", "")
        wait_for(lambda: not [pid for pid in tree if processes.started(pid)], within=5)


def asleep(root: int) -> list[int]:
    """All below a process, once the machine's own program runs."""
    found = processes.descendants(root)
    return found if len(found) > 2 else []


def test_a_name_that_azure_would_refuse_is_refused() -> None:
    said = headnode("clouds", "azure", "--port", "0", "--storage", "Lab/work")
    assert said.code == 2
    assert "not a name of a storage account: 'Lab'" in one_line(said)
