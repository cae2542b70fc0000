"""Files that the emulated Batch brings to tasks and takes from them, and azcopy on its nodes."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from local.clouds.azure import EmulatedAzure
from tests.unit.clouds.azure.batch import job_body, pool_body, refusal, service, states
from tests.unit.clouds.azure.test_batch_machines import content, shell, until

DATA = "https://labdata.blob.core.windows.net/work"
TOOL = "https://github.com/nextflow-io/azcopy-tool/raw/linux_amd64_10.8.0/azcopy"


@pytest.fixture
def cloud(azure_with_machines: EmulatedAzure) -> EmulatedAzure:
    azure_with_machines.account("labdata", containers=["work"], keyed=True)
    azure_with_machines.open_door()
    return azure_with_machines


@pytest.fixture
def batch(cloud: EmulatedAzure) -> Iterator[Any]:
    with service(cloud) as client:
        client.create_pool(pool_body(targetDedicatedNodes=1))
        client.create_job(job_body())
        yield client
    cloud.close_door()


def signed(cloud: EmulatedAzure, may: str = "racwdl") -> str:
    over = datetime.datetime.fromtimestamp(cloud.state.now + 3600, datetime.UTC)
    key = cloud.storage_key("labdata")
    rights = ContainerSasPermissions.from_string(may)
    return generate_container_sas("labdata", "work", account_key=key, permission=rights, expiry=over)


def brought(name: str, signature: str, blob: str = "") -> dict[str, str]:
    return {"httpUrl": f"{DATA}/{blob or name}?{signature}", "filePath": name}


def taken(pattern: str, signature: str, path: str = "", when: str = "taskcompletion") -> dict[str, Any]:
    container = {"containerUrl": f"{DATA}?{signature}", **({"path": path} if path else {})}
    options = {"uploadCondition": when}
    return {"filePattern": pattern, "destination": {"container": container}, "uploadOptions": options}


def ended(batch: Any) -> Any:
    until(lambda: states(batch) == {"task": "completed"})
    return batch.get_task("job", "task").execution_info


def test_files_come_before_a_task_and_go_after_it(cloud: EmulatedAzure, batch: Any) -> None:
    cloud.put("labdata", "work", "in/a b.txt", b"hello")
    sas = signed(cloud)
    task = shell(
        "cat given/a.txt; echo 3 > .exitcode; echo one > x-1; echo two > x-2; exit 3",
        resourceFiles=[brought("given/a.txt", sas, "in/a%20b.txt")],
        outputFiles=[
            taken(".exitcode", sas, "out/.exitcode"),
            taken("x-*", sas, "out"),
            taken("../stdout.txt", sas, "out/said"),
            taken("x-1", sas, "failed/x-1", "taskfailure"),
            taken("x-1", sas, "well/x-1", "tasksuccess"),
            taken("nothing", sas, "out/nothing"),
        ],
    )
    batch.create_task("job", task)
    assert ended(batch).exit_code == 3
    found = {name: data for name, data in cloud.files("labdata", "work").items() if name[:2] != "in"}
    ends = {"out/.exitcode": b"3\n", "out/x-1": b"one\n", "out/x-2": b"two\n"}
    assert found == {**ends, "out/said": b"hello", "failed/x-1": b"one\n"}


def test_what_cannot_be_brought_or_taken_fails_the_task(cloud: EmulatedAzure, batch: Any) -> None:
    batch.create_task("job", shell("true", resourceFiles=[brought("gone", signed(cloud))]))
    info = ended(batch)
    assert (info.exit_code, info.failure_info.code) == (None, "BlobNotFound")
    cloud.put("labdata", "work", "there", b"x")
    for task, code in (
        (shell("true", resourceFiles=[brought("there", signed(cloud, "l"))]), "BlobAccessDenied"),
        (shell("echo > f", outputFiles=[taken("f", signed(cloud, "r"), "f")]), "FileUploadAccessDenied"),
    ):
        batch.delete_task("job", "task")
        batch.create_task("job", task)
        assert ended(batch).failure_info.code == code


@pytest.mark.parametrize(
    "body",
    [
        {"resourceFiles": [{"filePath": "x"}]},
        {"resourceFiles": [{"httpUrl": DATA}]},
        {"resourceFiles": ["x"]},
        {"outputFiles": [taken("", "s")]},
        {"outputFiles": [taken("x", "s", when="always")]},
        {"outputFiles": [{**taken("x", "s"), "destination": {}}]},
    ],
)
def test_files_that_are_none_are_refused(batch: Any, body: dict[str, Any]) -> None:
    assert refusal(batch.create_task, "job", shell("true", **body))[0] == 400


def test_azcopy_copies_as_nextflow_has_it(cloud: EmulatedAzure, batch: Any) -> None:
    cloud.put("labdata", "work", "in/one", b"1")
    cloud.put("labdata", "work", "in/dir/two", b"2")
    script = """set -e; PATH=$PWD/.bin:$PATH
azcopy cp "$DATA/in/one?$SAS" one; azcopy cp "$DATA/in/*?$SAS" all --recursive; cat one all/dir/two
mkdir -p made/deep; echo 3 > made/deep/three
azcopy cp made "$DATA/out?$SAS" --recursive --block-blob-tier None --block-size-mb 4
azcopy cp one "$DATA/out/uno?$SAS" --block-blob-tier None
! azcopy cp "$DATA/in/none?$SAS" none; ! azcopy cp "$DATA/none/*?$SAS" . --recursive
! azcopy cp made "$DATA/out?$SAS"; ! azcopy cp a b; ! azcopy sync one two --new-flag"""
    settings = {"DATA": DATA, "SAS": signed(cloud)}
    task = shell(
        script,
        resourceFiles=[{"httpUrl": TOOL, "filePath": ".bin/azcopy"}],
        environmentSettings=[{"name": name, "value": value} for name, value in settings.items()],
    )
    batch.create_task("job", task)
    assert ended(batch).exit_code == 0, content(batch, "stderr.txt")
    assert content(batch, "stdout.txt") == "12"
    found = cloud.files("labdata", "work")
    assert (found["out/made/deep/three"], found["out/uno"]) == (b"3\n", b"1")
    assert "RESPONSE Status: 404 BlobNotFound" in content(batch, "stderr.txt")


def test_a_start_task_that_installs_azcopy_has_done_so(cloud: EmulatedAzure, batch: Any) -> None:
    start = {"commandLine": f"/bin/sh -c 'curl -o $AZ_BATCH_NODE_SHARED_DIR/bin/azcopy {TOOL}'"}
    batch.create_pool(pool_body("tools", targetDedicatedNodes=1, startTask=start))
    batch.create_job(job_body("other", "tools"))
    for job in ("job", "other"):
        batch.create_task(job, shell("test -x $AZ_BATCH_NODE_SHARED_DIR/bin/azcopy"))
        until(lambda job=job: states(batch, job) == {"task": "completed"})
    assert batch.get_task("other", "task").execution_info.exit_code == 0
    assert batch.get_task("job", "task").execution_info.exit_code == 1
