"""Who may speak to the emulated Batch service, and how it says no."""

import base64
import uuid
from typing import Any

import httpx
import pytest
from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import RETRIES_OFF, Bearer, Clients, Credential, token
from tests.clock import FakeClock
from tests.unit.clouds.azure.batch import (
    ACCOUNT,
    AGENT,
    AUDIENCE,
    job_body,
    pool_body,
    refusal,
    service,
    task_body,
)

ROOT = "Microsoft.Batch/batchAccounts"
CONTRIBUTOR = "6aaa78f1-f7de-44ca-8722-c64a23943cae"


def with_key(cloud: EmulatedAzure, name: str, key: str) -> Any:
    credential = AzureNamedKeyCredential(name, key)
    return BatchClient(f"{cloud.url}/batch/{ACCOUNT}", credential, **RETRIES_OFF)


def bare(cloud: EmulatedAzure, path: str, bearer: str = "", version: str = "2025-06-01") -> httpx.Response:
    headers = {"Authorization": bearer} if bearer else {}
    where = f"{cloud.url}/batch/{ACCOUNT}/{path}"
    return httpx.get(where, params={"api-version": version}, headers=headers)


def test_a_signature_is_checked(azure: EmulatedAzure):
    azure.batch_account(ACCOUNT)
    wrong = base64.b64encode(b"another key").decode()
    for name, key in ((ACCOUNT, wrong), ("other", azure.batch_key(ACCOUNT))):
        client = with_key(azure, name, key)
        assert refusal(lambda client=client: list(client.list_pools())) == (403, "AuthenticationFailed")
    client = with_key(azure, ACCOUNT, azure.batch_key(ACCOUNT))
    assert list(client.list_jobs(filter="state eq 'active'", max_results=3)) == []
    assert azure.journal.entries("batch", "ListJobs")[-1].principal == "SharedKey"


def test_a_signature_covers_method_path_and_query(azure: EmulatedAzure):
    client = service(azure)
    list(client.list_pools())
    with pytest.raises(HttpResponseError) as caught:
        client.get_pool("pool")
    request: Any = caught.value.response.request
    sent = {
        name: request.headers[name]
        for name in ("Authorization", "ocp-date", "Accept")
        if name in request.headers
    }
    for url, status in (
        (request.url, 404),
        (request.url.replace("pools/pool", "pools/poo"), 403),
        (f"{request.url}&a=b", 403),
    ):
        assert httpx.get(url, headers=sent).status_code == status
    assert httpx.head(request.url, headers=sent).status_code == 403


@pytest.mark.parametrize("entra", [True, False])
def test_both_ways_in_may_everything(azure: EmulatedAzure, entra: bool):
    client = service(azure, entra=entra)
    client.create_pool(pool_body(targetDedicatedNodes=1))
    client.create_job(job_body())
    client.create_task("job", task_body())
    assert client.get_task("job", "task").state.value == "running"


def test_tokens_are_looked_at(azure: EmulatedAzure, azure_clock: FakeClock):
    azure.batch_account(ACCOUNT)
    good = token(azure, AUDIENCE)
    for bearer in ("", "Basic abc", "Bearer nonsense", f"Bearer {token(azure)}"):
        answer = bare(azure, "pools", bearer)
        assert (answer.status_code, answer.json()["code"]) == (401, "AuthenticationFailed")
        assert "batch.core.windows.net" in answer.headers["WWW-Authenticate"]
    assert bare(azure, "pools", f"Bearer {good}").status_code == 200
    azure_clock.advance(3600)
    assert bare(azure, "pools", f"Bearer {good}").status_code == 401


def test_jobs_need_rights_on_data_and_pools_rights_on_the_account(azure: EmulatedAzure):
    client = service(azure, entra=True)
    azure.enforce("operator", {"actions": [f"{ROOT}/*"]})
    client.create_pool(pool_body())
    assert refusal(client.create_job, job_body()) == (403, "InsufficientAccountPermissions")
    azure.enforce("operator", {"dataActions": [f"{ROOT}/jobs/*"]})
    client.create_job(job_body())
    assert refusal(client.get_pool, "pool") == (403, "InsufficientAccountPermissions")
    wanted = [f"{ROOT}/jobs/write", f"{ROOT}/pools/read"]
    assert [each.action for each in azure.judge.refusals] == wanted


def test_an_identity_may_what_its_role_at_the_account_allows(azure: EmulatedAzure, clients: Clients):
    home = azure.batch_account(ACCOUNT)
    clients.group()
    made = clients.identities.user_assigned_identities.create_or_update(
        "rg", "id", {"location": "westeurope"}
    )
    known = azure.state.directory.by_object[made.principal_id]
    policy = Bearer(lambda: azure.state.directory.issue(known, AUDIENCE, azure.state.now))
    url = f"{azure.url}/batch/{ACCOUNT}"
    client: Any = BatchClient(url, Credential(), authentication_policy=policy, **RETRIES_OFF)
    assert refusal(client.create_pool, pool_body()) == (403, "InsufficientAccountPermissions")
    everywhere = home.partition("/resourceGroups")[0]
    role = f"{everywhere}/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}"
    properties = {
        "roleDefinitionId": role,
        "principalId": made.principal_id,
        "principalType": "ServicePrincipal",
    }
    clients.authorization.role_assignments.create(home, str(uuid.uuid4()), {"properties": properties})
    client.create_pool(pool_body())
    client.create_job(job_body())


def test_a_pool_in_a_network_needs_a_token(azure: EmulatedAzure, subnet: str):
    body = pool_body(networkConfiguration={"subnetId": subnet})
    assert refusal(service(azure).create_pool, body) == (403, "Unauthorized")
    client = service(azure, entra=True)
    client.create_pool(body)
    assert client.get_pool("pool").network_configuration.subnet_id == subnet


def test_errors_have_the_services_own_form(azure: EmulatedAzure):
    client = service(azure)
    with pytest.raises(HttpResponseError) as caught:
        client.create_pool(pool_body("no id"))
    error: Any = caught.value
    assert "error" not in error.response.json()
    assert error.response.json()["odata.metadata"].endswith("errors/@Element")
    assert {"PropertyName", "PropertyValue", "Reason"} == {each.code for each in error.error.details}


def test_versions_and_accounts_that_are_not_there(azure: EmulatedAzure):
    azure.batch_account(ACCOUNT)
    bearer = f"Bearer {token(azure, AUDIENCE)}"
    assert bare(azure, "pools", bearer, "2012-01-01").json()["code"] == "UnsupportedRequestVersion"
    assert bare(azure, "pools", bearer, "").json()["code"] == "MissingApiVersionParameter"
    assert bare(azure, "pools", bearer, "2024-07-01.20.0").status_code == 200
    assert bare(azure, "jobschedules", bearer).status_code == 501
    elsewhere = httpx.get(f"{azure.url}/batch/none/pools", params={"api-version": "2025-06-01"})
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "AccountNotFound")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttle", 429, "TooManyRequests"),
        ("503", 503, "ServerBusy"),
        ("5xx", 500, "InternalError"),
        ("denied", 403, "InsufficientAccountPermissions"),
        ("PoolQuotaReached", 409, "PoolQuotaReached"),
    ],
)
def test_bad_days_can_be_scripted_by_call(azure: EmulatedAzure, kind: str, status: int, code: str):
    client = service(azure)
    azure.faults.add("batch", "CreatePool", kind=kind, status=409)
    assert refusal(client.create_pool, pool_body()) == (status, code)
    client.create_pool(pool_body())
    assert [str(each) for each in azure.journal.entries("batch", "CreatePool")] == [
        f"batch:CreatePool {status} {code}",
        "batch:CreatePool 201",
    ]


def test_an_answer_can_get_lost_after_the_work(azure: EmulatedAzure):
    client = service(azure)
    azure.faults.add("batch", "CreateJob", kind="reset-after")
    with pytest.raises(Exception, match=r"(?i)connection"):
        client.create_job(job_body())
    assert refusal(client.create_job, job_body()) == (409, "JobExists")


WRONG = [
    ("pools", {"id": "x", "vmSize": 3}),
    ("pools", pool_body(virtualMachineConfiguration="ubuntu")),
    ("pools", pool_body(virtualMachineConfiguration={"imageReference": "ubuntu", "nodeAgentSKUId": AGENT})),
    ("pools", pool_body(targetDedicatedNodes="many")),
    ("pools", pool_body(taskSlotsPerNode=True)),
    ("pools", pool_body(enableAutoScale=True, autoScaleFormula=["x"])),
    ("jobs", job_body(poolInfo="pool")),
    ("jobs", job_body(constraints=[])),
    ("jobs", job_body(priority="high")),
    ("jobs/known/tasks", task_body(environmentSettings=["A=b"])),
    ("jobs/known/tasks", task_body(environmentSettings=[{"value": "b"}])),
    ("jobs/known/tasks", task_body(requiredSlots="2")),
    ("jobs/known/tasks", task_body(constraints={"maxWallClockTime": 3})),
    ("jobs/known/addtaskcollection", {"value": ["task"]}),
    ("jobs/known/addtaskcollection", {"value": "task"}),
    ("jobs", ["no object"]),
]


@pytest.mark.parametrize(("path", "body"), WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_bodies_of_the_wrong_shape_are_refused(azure: EmulatedAzure, path: str, body: Any):
    service(azure).create_job(job_body("known"))
    where = f"{azure.url}/batch/{ACCOUNT}/{path}"
    headers = {"Authorization": f"Bearer {token(azure, AUDIENCE)}"}
    answer = httpx.post(where, params={"api-version": "2025-06-01"}, json=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in ("InvalidPropertyValue", "InvalidRequestBody")
