"""Tasks of the emulated Batch as real processes."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import Clients
from tests.unit.clouds.azure.batch import (
    ACCOUNT,
    GROUP,
    begin,
    job_body,
    pool_body,
    service,
    states,
    task_body,
)


@pytest.fixture
def batch(azure_with_machines: EmulatedAzure) -> Iterator[Any]:
    with service(azure_with_machines) as client:
        client.create_pool(pool_body(targetLowPriorityNodes=1))
        client.create_job(job_body())
        yield client


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """A real process is waited for, with a deadline."""
    over = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < over, "it did not come to pass"
        time.sleep(0.01)


def content(client: Any, name: str, task: str = "task") -> str:
    return b"".join(client.download_task_file("job", task, name)).decode()


def shell(script: str, id: str = "task", **more: Any) -> dict[str, Any]:
    return task_body(id, commandLine=f"/bin/sh -c '{script}'", **more)


def test_a_command_line_runs_with_its_environment_and_leaves_its_files(batch: Any):
    settings = [{"name": "WORD", "value": "two words"}]
    script = 'echo "$WORD on $AZ_BATCH_POOL_ID"; echo bad >&2; echo kept > file; exit 3'
    batch.create_task("job", shell(script, environmentSettings=settings))
    until(lambda: states(batch) == {"task": "completed"})
    info = batch.get_task("job", "task").execution_info
    assert (info.exit_code, info.failure_info.code) == (3, "FailureExitCode")
    assert content(batch, "stdout.txt") == "two words on pool\n"
    assert (content(batch, "stderr.txt"), content(batch, "wd/file")) == ("bad\n", "kept\n")
    names = [each.name for each in batch.list_task_files("job", "task", recursive=True)]
    assert names == ["stderr.txt", "stdout.txt", "wd/file"]


def test_output_can_be_read_while_a_task_runs(azure_with_machines: EmulatedAzure, batch: Any):
    batch.create_task("job", shell("echo begun; sleep 600"))
    until(lambda: states(batch) == {"task": "running"})
    until(lambda: content(batch, "stdout.txt") == "begun\n")
    batch.terminate_task("job", "task")
    info = batch.get_task("job", "task").execution_info
    assert (info.exit_code, info.failure_info.code) == (None, "TaskEnded")
    until(lambda: not processes(azure_with_machines))


def processes(cloud: EmulatedAzure) -> list[str]:
    """Supervisors of machines that still live."""
    return [id for id, machine in cloud.room._machines.items() if machine.alive]


def test_slots_hold_for_processes_and_the_next_starts_by_itself(batch: Any):
    for number in range(3):
        batch.create_task("job", shell(f"echo {number}", f"t{number}", requiredSlots=4))
    until(lambda: set(states(batch).values()) == {"completed"})
    assert [content(batch, "stdout.txt", f"t{number}") for number in range(3)] == ["0\n", "1\n", "2\n"]
    ends = [batch.get_task("job", f"t{number}").execution_info.result.value for number in range(3)]
    assert ends == ["success"] * 3


def test_preemption_kills_the_process_and_the_task_starts_anew(
    azure_with_machines: EmulatedAzure, batch: Any, tmp_path: Path
):
    azure_with_machines.room.share = [tmp_path]
    count = f"echo x >> {tmp_path}/starts; [ $(wc -l < {tmp_path}/starts) = 2 ] && exit 0; sleep 600"
    batch.create_task("job", shell(count))
    until(lambda: (tmp_path / "starts").exists())
    azure_with_machines.preempt(ACCOUNT, "pool")
    assert states(batch) == {"task": "active"}
    until(lambda: not processes(azure_with_machines))
    azure_with_machines.restore(ACCOUNT, "pool")
    until(lambda: states(batch) == {"task": "completed"})
    info = batch.get_task("job", "task").execution_info
    assert (info.exit_code, info.requeue_count, info.retry_count) == (0, 1, 0)


def test_nothing_outlives_its_job_nor_a_reset(azure_with_machines: EmulatedAzure, batch: Any):
    cloud = azure_with_machines
    batch.create_task("job", shell("sleep 600", constraints={"maxTaskRetryCount": 5}))
    until(lambda: bool(processes(cloud)))
    begin(batch, "delete_job", "job")
    until(lambda: not processes(cloud))
    batch.create_job(job_body("other"))
    batch.create_task("other", shell("sleep 600", constraints={"maxTaskRetryCount": 5}))
    until(lambda: bool(processes(cloud)))
    machines = list(cloud.room._machines.values())
    cloud.reset()
    assert not any(machine.alive for machine in machines)
    assert processes(cloud) == []


def test_a_group_takes_the_processes_of_its_account_along(azure_with_machines: EmulatedAzure, batch: Any):
    batch.create_task("job", shell("sleep 600", constraints={"maxTaskRetryCount": 5}))
    until(lambda: bool(processes(azure_with_machines)))
    Clients(azure_with_machines).resources.resource_groups.begin_delete(GROUP).result()
    until(lambda: not processes(azure_with_machines))
