"""Jobs and tasks of the emulated Batch, by azure-batch."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.batch import life
from local.clouds.azure.batch.models import Quotas
from tests.azure_cloud import token
from tests.clock import FakeClock
from tests.unit.clouds.azure.batch import (
    ACCOUNT,
    AUDIENCE,
    begin,
    job_body,
    pool_body,
    refusal,
    service,
    states,
    task_body,
)


@pytest.fixture
def batch(azure: EmulatedAzure) -> Iterator[Any]:
    """An account with a pool of one node of four slots, and a job on it."""
    with service(azure) as client:
        client.create_pool(pool_body(targetDedicatedNodes=1))
        client.create_job(job_body())
        yield client


def terminate(client: Any, job: str = "job", reason: str = "enough") -> None:
    from azure.batch.models import _models

    options = _models.BatchJobTerminateOptions(termination_reason=reason)
    begin(client, "terminate_job", job, options)


def test_tasks_take_slots_and_the_rest_waits(azure: EmulatedAzure, batch: Any):
    bodies = [task_body("big", requiredSlots=3), task_body("a"), task_body("b"), task_body("c")]
    results = batch.create_task_collection("job", {"value": bodies}).result_values
    assert [each.status.value for each in results] == ["success"] * 4
    assert states(batch) == {"big": "running", "a": "running", "b": "active", "c": "active"}
    node = next(iter(batch.list_nodes("pool")))
    assert (node.running_tasks_count, node.running_task_slots_count) == (2, 4)
    counts = batch.get_job_task_counts("job")
    assert (counts.task_counts.running, counts.task_slot_counts.running, counts.task_counts.active) == (
        2,
        4,
        2,
    )
    azure.end_task(ACCOUNT, "job", "big")
    assert states(batch) == {"big": "completed", "a": "running", "b": "running", "c": "running"}


def test_a_task_is_prepared_runs_and_ends(azure: EmulatedAzure, azure_clock: FakeClock, batch: Any):
    azure.timings.transitions = {life.PREPARE: 20}
    batch.create_task("job", task_body())
    assert states(batch) == {"task": "preparing"}
    azure_clock.advance(20)
    task = batch.get_task("job", "task")
    assert (task.state.value, task.node_info.pool_id) == ("running", "pool")
    azure_clock.advance(5)
    azure.end_task(ACCOUNT, "job", "task", 3, {"stdout.txt": b"out", "stderr.txt": b"bad"})
    info = batch.get_task("job", "task").execution_info
    assert (info.exit_code, info.result.value, info.failure_info.code) == (3, "failure", "FailureExitCode")
    assert info.failure_info.category.value == "usererror"
    assert (info.end_time - info.start_time).total_seconds() == 5
    assert b"".join(batch.download_task_file("job", "task", "stderr.txt")) == b"bad"
    assert batch.get_job_task_counts("job").task_counts.failed == 1


def test_files_can_be_read_in_parts(azure: EmulatedAzure, batch: Any):
    batch.create_task("job", task_body())
    azure.settle()
    azure.write_file(ACCOUNT, "job", "task", "stdout.txt", b"0123456789")
    part = batch.download_task_file("job", "task", "stdout.txt", ocp_range="bytes=2-4")
    assert b"".join(part) == b"234"
    assert b"".join(batch.download_task_file("job", "task", "stdout.txt", ocp_range="bytes=8-")) == b"89"
    for name, wanted, status in (("stdout.txt", "bytes=10-", 416), ("other.txt", None, 404)):
        with pytest.raises(HttpResponseError) as caught:
            batch.download_task_file("job", "task", name, ocp_range=wanted)
        error: Any = caught.value
        assert error.status_code == status
        error.response.close()  # the client leaves it open: it was to be a stream
    assert batch.get_task_file_properties("job", "task", "stdout.txt").content_length == 10
    assert [each.name for each in batch.list_task_files("job", "task")] == ["stderr.txt", "stdout.txt"]


def test_a_task_is_retried_as_often_as_it_says(azure: EmulatedAzure, batch: Any):
    batch.create_task("job", task_body(constraints={"maxTaskRetryCount": 1}))
    azure.end_task(ACCOUNT, "job", "task", 1)
    task = batch.get_task("job", "task")
    assert (task.state.value, task.execution_info.retry_count) == ("running", 1)
    azure.end_task(ACCOUNT, "job", "task", 1)
    assert states(batch) == {"task": "completed"}
    batch.reactivate_task("job", "task")
    assert states(batch) == {"task": "running"}


def test_a_task_out_of_time_has_failed(azure_clock: FakeClock, batch: Any):
    batch.create_task("job", task_body(constraints={"maxWallClockTime": "PT1H"}))
    assert states(batch) == {"task": "running"}
    azure_clock.advance(3600)
    info = batch.get_task("job", "task").execution_info
    assert (info.failure_info.code, info.result.value, info.exit_code) == ("TaskEnded", "failure", None)


def test_terminating_a_job_ends_what_runs_and_leaves_what_waits(
    azure: EmulatedAzure, azure_clock: FakeClock, batch: Any
):
    azure.timings.transitions = {life.TERMINATE: 10}
    for id in ("one", "two"):
        batch.create_task("job", task_body(id, requiredSlots=4))
    assert states(batch) == {"one": "running", "two": "active"}
    terminate(batch)
    assert batch.get_job("job").state.value == "terminating"
    assert refusal(batch.create_task, "job", task_body("three")) == (409, "JobBeingTerminated")
    azure_clock.advance(10)
    job = batch.get_job("job")
    assert (job.state.value, job.execution_info.termination_reason) == ("completed", "enough")
    assert states(batch) == {"one": "completed", "two": "active"}
    assert refusal(batch.create_task, "job", task_body("three")) == (409, "JobCompleted")
    assert refusal(terminate, batch) == (409, "JobCompleted")


def test_the_clients_bug_with_terminations_is_still_there(batch: Any):
    with pytest.raises(ValueError, match="No value for given attribute"):
        batch.begin_terminate_job("job")


def test_a_job_ends_with_its_last_task(azure: EmulatedAzure, batch: Any):
    batch.create_task("job", task_body())
    batch.update_job("job", {"onAllTasksComplete": "terminatejob"})
    assert batch.get_job("job").state.value == "active"
    azure.end_task(ACCOUNT, "job", "task")
    job = batch.get_job("job")
    assert (job.state.value, job.execution_info.termination_reason) == ("completed", "AllTasksCompleted")


def test_a_job_without_tasks_has_all_of_them_completed(batch: Any):
    batch.create_job(job_body("empty", onAllTasksComplete="terminatejob"))
    assert refusal(batch.create_task, "empty", task_body()) == (409, "JobCompleted")


def test_a_job_out_of_time_ends(azure_clock: FakeClock, batch: Any):
    batch.create_job(job_body("short", constraints={"maxWallClockTime": "P1DT1S"}))
    azure_clock.advance(86400)
    assert batch.get_job("short").state.value == "active"
    azure_clock.advance(1)
    assert batch.get_job("short").execution_info.termination_reason == "MaxWallClockTimeExpiry"


def test_completed_jobs_do_not_count_against_the_quota(azure: EmulatedAzure, batch: Any):
    service(azure, quotas=Quotas(jobs=1))
    assert refusal(batch.create_job, job_body("other")) == (409, "ActiveJobAndScheduleQuotaReached")
    terminate(batch)
    batch.create_job(job_body("other"))
    assert [job.id for job in batch.list_jobs(filter="state eq 'active'")] == ["other"]


def test_a_deleted_job_takes_its_tasks_along(azure: EmulatedAzure, azure_clock: FakeClock, batch: Any):
    azure.timings.transitions = {"Microsoft.Batch/batchAccounts/jobs/delete": 10}
    batch.create_task("job", task_body())
    begin(batch, "delete_job", "job")
    assert refusal(batch.create_job, job_body()) == (409, "JobBeingDeleted")
    assert refusal(batch.create_task, "job", task_body("two")) == (409, "JobBeingDeleted")
    azure_clock.advance(10)
    assert refusal(batch.get_job, "job") == (404, "JobNotFound")
    assert next(iter(batch.list_nodes("pool"))).state.value == "idle"


def test_a_lost_pool_leaves_its_tasks_waiting(azure: EmulatedAzure, batch: Any):
    batch.create_task("job", task_body())
    batch.begin_delete_pool("pool", polling_interval=0).result()
    assert states(batch) == {"task": "active"}
    batch.create_pool(pool_body(targetDedicatedNodes=1))
    task = batch.get_task("job", "task")
    assert (task.state.value, task.execution_info.requeue_count) == ("running", 1)


def test_jobs_and_tasks_that_could_not_be_are_refused(batch: Any):
    assert refusal(batch.create_job, job_body()) == (409, "JobExists")
    assert refusal(batch.create_job, {"id": "x", "poolInfo": {}}) == (400, "MissingRequiredProperty")
    bad = job_body("x", constraints={"maxWallClockTime": "soon"})
    assert refusal(batch.create_job, bad) == (400, "InvalidPropertyValue")
    batch.create_task("job", task_body())
    assert refusal(batch.create_task, "job", task_body("TASK")) == (409, "TaskExists")
    assert refusal(batch.create_task, "none", task_body()) == (404, "JobNotFound")
    assert refusal(batch.get_task, "job", "none") == (404, "TaskNotFound")
    assert refusal(batch.create_task, "job", {"id": "y", "commandLine": ""}) == (
        400,
        "MissingRequiredProperty",
    )
    batch.terminate_task("job", "task")
    assert refusal(batch.terminate_task, "job", "task") == (409, "TaskCompleted")
    batch.delete_task("job", "task")
    assert states(batch) == {}


def test_a_collection_tells_the_fate_of_each_and_has_a_limit(azure: EmulatedAzure, batch: Any):
    batch.create_task("job", task_body("a"))
    found = batch.create_task_collection("job", {"value": [task_body("a"), task_body("b")]}).result_values
    assert [(each.task_id, each.status.value) for each in found] == [("a", "clienterror"), ("b", "success")]
    assert found[0].error.code == "TaskExists"
    many = [task_body(f"t{number}") for number in range(101)]
    url = f"{azure.url}/batch/{ACCOUNT}/jobs/job/addtaskcollection?api-version=2025-06-01"
    headers = {"Authorization": f"Bearer {token(azure, AUDIENCE)}"}
    answer = httpx.post(url, json={"value": many}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "RequestBodyTooLarge")


def test_listings_have_pages_filters_and_selections(azure: EmulatedAzure, batch: Any):
    batch.create_task_collection("job", {"value": [task_body(f"t{n}", requiredSlots=4) for n in range(5)]})
    mark = azure.journal.count
    assert len(list(batch.list_tasks("job", max_results=2, select=["id", "state"]))) == 5
    assert azure.journal.totals(mark) == {"batch:ListTasks": 3}
    first = next(iter(batch.list_tasks("job", select=["id", "state"])))
    assert (first.id, first.state.value, first.command_line) == ("t0", "running", None)
    wanted = "state eq 'active' and startswith(id, 't')"
    assert [task.id for task in batch.list_tasks("job", filter=wanted)] == ["t1", "t2", "t3", "t4"]
    assert refusal(lambda: list(batch.list_tasks("job", filter="what?"))) == (
        400,
        "InvalidQueryParameterValue",
    )


def test_more_urgent_jobs_come_first_and_disabled_ones_not_at_all(azure: EmulatedAzure, batch: Any):
    batch.create_task("job", task_body("first", requiredSlots=4))
    batch.create_task("job", task_body("later", requiredSlots=4))
    batch.create_job(job_body("urgent", priority=10))
    batch.create_task("urgent", task_body(requiredSlots=4))
    azure.end_task(ACCOUNT, "job", "first")
    assert (states(batch, "urgent"), states(batch)["later"]) == ({"task": "running"}, "active")
    begin(batch, "disable_job", "urgent", {"disableTasks": "requeue"})
    assert states(batch, "urgent") == {"task": "active"}
    begin(batch, "enable_job", "urgent")
    assert states(batch, "urgent") == {"task": "running"}


def test_a_job_can_say_how_often_its_tasks_are_retried(azure: EmulatedAzure, batch: Any):
    batch.create_job(job_body("keen", constraints={"maxTaskRetryCount": 2}))
    for id, limits, left in (("a", {}, "running"), ("b", {"maxTaskRetryCount": 0}, "completed")):
        batch.create_task("keen", task_body(id, constraints=limits))
        azure.end_task(ACCOUNT, "keen", id, 1)
        assert batch.get_task("keen", id).state.value == left
