"""The emulated Batch service against the official examples of Azure's REST specifications: every field
that an example shows is here and of the same type, but for those that are named as left out."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import token
from tests.unit.clouds.azure.batch import ACCOUNT, AGENT, AUDIENCE, IMAGE, job_body, pool_body, task_body
from tests.unit.clouds.azure.official import EXAMPLES, differences, example

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the official examples are not here")
Ask = Callable[..., httpx.Response]
START = {"commandLine": "/bin/bash -c 'echo start task'"}


@pytest.fixture
def ask(azure: EmulatedAzure) -> Ask:
    azure.batch_account(ACCOUNT)
    headers = {"Authorization": f"Bearer {token(azure, AUDIENCE)}"}

    def send(method: str, path: str, json: Any = None) -> httpx.Response:
        where = f"{azure.url}/batch/{ACCOUNT}/{path}"
        return httpx.request(method, where, params={"api-version": "2025-06-01"}, json=json, headers=headers)

    return send


def lacks(name: str, answer: httpx.Response) -> set[str]:
    official = example(f"batch-dp__{name}")["responses"]
    assert str(answer.status_code) in official, answer.text
    return differences(
        official[str(answer.status_code)].get("body", {}), answer.json() if answer.content else {}
    )


def test_a_pool_is_created_and_shown_as_in_the_examples(ask: Ask):
    asked = example("batch-dp__Pools_CreatePool_VirtualMachineConfigurationWithContainers")
    pool = asked["parameters"]["pool"]
    pool["virtualMachineConfiguration"] |= {"imageReference": IMAGE, "nodeAgentSKUId": AGENT}
    answer = ask("POST", "pools", pool)
    assert answer.status_code == 201
    wanted = {name.lower() for name in asked["responses"]["201"]} - {"request-id"}
    assert wanted <= set(answer.headers)
    ask("POST", "pools", pool_body(startTask=START))
    assert lacks("Pools_GetPool_Basic", ask("GET", "pools/pool")) == set()


def test_images_and_nodes_have_every_field(ask: Ask):
    assert lacks("AccountListSupportedImages", ask("GET", "supportedimages")) == set()
    ask("POST", "pools", pool_body(targetDedicatedNodes=1, startTask=START))
    found = lacks("Nodes_ListNodes", ask("GET", "pools/pool/nodes"))
    assert found == {"value[].ipv6Address", "value[].virtualMachineInfo.imageReference.exactVersion"}


def test_a_formula_is_evaluated_as_in_the_example(ask: Ask):
    asked = example("batch-dp__Pools_EvaluatePoolAutoscale")["parameters"]["evaluateAutoScaleOptions"]
    formula = {"autoScaleFormula": "$TargetDedicatedNodes=1"}
    ask("POST", "pools", pool_body(enableAutoScale=True, **formula))
    answer = ask("POST", "pools/pool/evaluateautoscale", asked)
    assert lacks("Pools_EvaluatePoolAutoscale", answer) == set()


def test_jobs_and_tasks_have_every_field(ask: Ask):
    job = example("batch-dp__JobCreate_Basic")["parameters"]["job"]
    assert lacks("JobCreate_Basic", ask("POST", "jobs", job)) == set()
    ask("POST", "jobs/jobId/disable", {"disableTasks": "wait"})
    ask("POST", "jobs/jobId/enable")
    assert lacks("Jobs_ListJobs", ask("GET", "jobs")) == set()
    task = example("batch-dp__Tasks_CreateTask_Basic")["parameters"]["task"]
    assert lacks("Tasks_CreateTask_Basic", ask("POST", "jobs/jobId/tasks", task)) == set()
    settings = {"numberOfInstances": 3, "coordinationCommandLine": "echo"}
    ask("POST", "jobs/jobId/tasks", task_body("testTask", requiredSlots=2, multiInstanceSettings=settings))
    assert lacks("Tasks_GetTask", ask("GET", "jobs/jobId/tasks/testTask")) == set()
    end = example("batch-dp__Jobs_TerminateJob")["parameters"]["jobTerminateParameter"]
    assert lacks("Jobs_TerminateJob", ask("POST", "jobs/jobId/terminate", end)) == set()
    assert ask("GET", "jobs/jobId").json()["executionInfo"]["terminateReason"] == end["terminateReason"]
    assert ask("POST", "jobs", job_body("jobId")).json()["code"] == "JobExists"
