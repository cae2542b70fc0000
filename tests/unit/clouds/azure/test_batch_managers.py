"""Jobs that come with their manager, by azure-batch."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from tests.unit.clouds.azure.batch import ACCOUNT, job_body, pool_body, refusal, service, states, task_body


@pytest.fixture
def batch(azure: EmulatedAzure) -> Iterator[Any]:
    """A pool of one node of either kind."""
    with service(azure) as client:
        client.create_pool(pool_body(targetDedicatedNodes=1))
        client.create_pool(pool_body("cheap", targetLowPriorityNodes=1))
        yield client


def managed(id: str = "job", pool: str = "pool", **manager: Any) -> dict[str, Any]:
    manager = {"id": "head", "commandLine": "/bin/true", "requiredSlots": 2, **manager}
    return job_body(id, pool, jobManagerTask=manager, onAllTasksComplete="terminatejob")


def test_the_manager_is_the_first_task_and_the_job_ends_with_it(azure: EmulatedAzure, batch: Any):
    batch.create_job(managed())
    assert batch.get_job("job").job_manager_task.id == "head"
    batch.create_task("job", task_body("other"))
    assert states(batch) == {"head": "running", "other": "running"}
    azure.end_task(ACCOUNT, "job", "head")
    job = batch.get_job("job")
    assert (job.state.value, job.execution_info.termination_reason) == ("completed", "JMComplete")
    assert states(batch) == {"head": "completed", "other": "completed"}


def test_a_manager_that_does_not_kill_leaves_the_job_to_its_tasks(azure: EmulatedAzure, batch: Any):
    batch.create_job(managed(killJobOnCompletion=False))
    batch.create_task("job", task_body("other"))
    azure.end_task(ACCOUNT, "job", "head")
    assert batch.get_job("job").state.value == "active"
    azure.end_task(ACCOUNT, "job", "other")
    assert batch.get_job("job").execution_info.termination_reason == "AllTasksCompleted"


def test_a_manager_keeps_off_spot_where_it_is_told_to(batch: Any):
    batch.create_job(managed("a", "cheap", allowLowPriorityNode=False))
    batch.create_job(managed("b", "cheap"))
    assert (states(batch, "a"), states(batch, "b")) == ({"head": "active"}, {"head": "running"})


@pytest.mark.parametrize(
    ("manager", "code"),
    [
        ({"id": "a b"}, (400, "InvalidPropertyValue")),
        ({"commandLine": ""}, (400, "MissingRequiredProperty")),
        ({"requiredSlots": 0}, (400, "InvalidPropertyValue")),
    ],
)
def test_a_manager_that_could_not_be_makes_no_job(batch: Any, manager: dict[str, Any], code: tuple[int, str]):
    assert refusal(batch.create_job, managed(**manager)) == code
    assert list(batch.list_jobs()) == []
