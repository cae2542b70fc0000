"""Batch by the real SDKs, in the account `acct`."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.batch.models import Quotas
from tests.azure_cloud import RETRIES_OFF, Bearer, Clients, Credential, token

ACCOUNT = "acct"
GROUP = "batch-rg"
AUDIENCE = "https://batch.core.windows.net/"
IMAGE = {"publisher": "microsoft-dsvm", "offer": "ubuntu-hpc", "sku": "2404", "version": "latest"}
AGENT = "batch.node.ubuntu 24.04"
MACHINE = {
    "imageReference": IMAGE,
    "nodeAgentSKUId": AGENT,
    "containerConfiguration": {"type": "dockerCompatible"},
}


def service(
    cloud: EmulatedAzure, *, entra: bool = False, quotas: Quotas | None = None, **options: Any
) -> Any:
    """The client of the account's service, with its key or as the app `operator`."""
    from azure.batch import BatchClient
    from azure.core.credentials import AzureNamedKeyCredential

    cloud.batch_account(ACCOUNT, quotas=quotas)
    credential: Any = AzureNamedKeyCredential(ACCOUNT, cloud.batch_key(ACCOUNT))
    if entra:
        credential = Credential()
        options["authentication_policy"] = Bearer(lambda: token(cloud, AUDIENCE))
    return BatchClient(f"{cloud.url}/batch/{ACCOUNT}", credential, **{**RETRIES_OFF, **options})


def management(clients: Clients) -> Any:
    """The client of Microsoft.Batch."""
    from azure.mgmt.batch import BatchManagementClient

    return BatchManagementClient(**clients.arguments())


def pool_body(id: str = "pool", **more: Any) -> dict[str, Any]:
    body = {"id": id, "vmSize": "Standard_D4ds_v5", "virtualMachineConfiguration": MACHINE}
    return {**body, "taskSlotsPerNode": 4, **more}


def job_body(id: str = "job", pool: str = "pool", **more: Any) -> dict[str, Any]:
    return {"id": id, "poolInfo": {"poolId": pool}, **more}


def task_body(id: str = "task", **more: Any) -> dict[str, Any]:
    return {"id": id, "commandLine": "/bin/true", **more}


def arm_body(**properties: Any) -> dict[str, Any]:
    machine = {"imageReference": IMAGE, "nodeAgentSkuId": AGENT}
    return {
        "properties": {
            "vmSize": "Standard_D4ds_v5",
            "deploymentConfiguration": {"virtualMachineConfiguration": machine},
            "scaleSettings": {"fixedScale": {"targetDedicatedNodes": 1}},
            **properties,
        }
    }


def refusal(act: Any, *arguments: Any, **named: Any) -> tuple[int, str]:
    """The status and the service's code with which a call is turned down."""
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments, **named)
    error: Any = caught.value
    return error.status_code, error.error.code


def states(client: Any, job: str = "job") -> dict[str, str]:
    return {task.id: str(task.state.value) for task in client.list_tasks(job)}


def begin(client: Any, what: str, *arguments: Any) -> None:
    """One request of a long operation (delete_pool, terminate_job, ...), whose end nobody waits for: the
    client's own pollers can not be told not to."""
    getattr(client, f"_{what}_internal")(*arguments)
