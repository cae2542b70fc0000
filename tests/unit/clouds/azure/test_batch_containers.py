"""Logins to container registries in the emulated Batch, by Azure's own clients."""

from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import LOCATION, Clients
from tests.unit.clouds.azure.batch import (
    ACCOUNT,
    GROUP,
    MACHINE,
    arm_body,
    job_body,
    management,
    pool_body,
    refusal,
    service,
    task_body,
)

QUAY = {"registryServer": "quay.io", "username": "lab", "password": "canary"}
NOBODY = {"resourceId": "/subscriptions/none"}
HUB = {"username": "lab", "password": "canary"}


@pytest.fixture
def batch(azure: EmulatedAzure) -> Any:
    azure.registry("quay.io/lab", {"lab": "canary"})
    azure.registry("docker.io/lab", {"lab": "canary"})
    return service(azure)


def containers(*logins: Any, **more: Any) -> dict[str, Any]:
    given = {"type": "dockerCompatible", "containerRegistries": list(logins), **more}
    return {"virtualMachineConfiguration": {**MACHINE, "containerConfiguration": given}}


def failure(batch: Any, image: str, *logins: Any) -> Any:
    """How a task of an image fails on a pool with these logins; None for one that runs."""
    batch.create_pool(pool_body(targetDedicatedNodes=1, **containers(*logins)))
    batch.create_job(job_body())
    batch.create_task("job", task_body(containerSettings={"imageName": image}))
    return batch.get_task("job", "task").execution_info.failure_info


@pytest.mark.parametrize(
    ("image", "logins", "runs"),
    [
        ("quay.io/lab/tool:1", [QUAY], True),
        ("quay.io/lab/tool:1", [HUB], False),
        ("quay.io/lab/tool@sha256:0", [], False),
        ("quay.io/biocontainers/samtools:1", [], True),
        ("quay.io/labor/tool", [], True),
        ("docker.io/lab/tool", [HUB], True),
        ("lab/tool", [HUB], False),
        ("ubuntu", [], True),
    ],
)
def test_an_image_is_pulled_with_the_login_of_the_server_that_it_names(
    batch: Any, image: str, logins: list[Any], runs: bool
):
    found = failure(batch, image, *logins)
    assert (found is None) == runs
    if found is not None:
        assert (found.category.value, found.code) == ("usererror", "ContainerInvalidImage")
        assert found.message == "One or more container images specified are invalid"
        assert [each.name for each in found.details] == ["ContainerImage", "Message"]
        assert found.details[0].value == image


def test_a_login_that_is_not_taken_makes_nodes_unusable(batch: Any):
    batch.create_pool(
        pool_body(
            targetDedicatedNodes=1,
            **containers({**QUAY, "password": "old"}, {**QUAY, "registryServer": "x.org"}),
        )
    )
    node = next(iter(batch.list_nodes("pool")))
    assert (node.state.value, [each.code for each in node.errors]) == (
        "unusable",
        ["ContainerInvalidRegistry"],
    )
    assert node.errors[0].error_details[0].value == "quay.io"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (containers({"registryServer": "quay.io", "username": "lab"}), "MissingRequiredProperty"),
        (containers({"registryServer": "quay.io", "password": "canary"}), "MissingRequiredProperty"),
        (containers({**QUAY, "username": 7}), "InvalidPropertyValue"),
        (containers({**QUAY, "identityReference": NOBODY}), "InvalidPropertyValue"),
        (containers({"registryServer": "a.azurecr.io", "identityReference": NOBODY}), "InvalidPropertyValue"),
        (containers("quay.io"), "InvalidPropertyValue"),
        (containers(type="podman"), "InvalidPropertyValue"),
    ],
)  # fmt: skip
def test_what_could_not_be_is_refused(batch: Any, given: dict[str, Any], code: str):
    assert refusal(batch.create_pool, pool_body(**given)) == (400, code)


def test_nobody_is_shown_a_password(azure: EmulatedAzure, batch: Any, clients: Clients):
    batch.create_pool(pool_body(**containers(QUAY)))
    arm = management(clients)
    shown = [
        batch.get_pool("pool").as_dict(),
        *(each.as_dict() for each in batch.list_pools()),
        arm.pool.get(GROUP, ACCOUNT, "pool").as_dict(),
        *(each.as_dict() for each in arm.pool.list_by_batch_account(GROUP, ACCOUNT)),
    ]
    assert len(shown) == 4
    for each in shown:
        assert "quay.io" in str(each)
        assert "canary" not in str(each)
    # It is there for all that.
    arm.pool.update(GROUP, ACCOUNT, "pool", {"properties": {"metadata": [{"name": "a", "value": "b"}]}})
    batch.update_pool("pool", {"metadata": []})
    assert "canary" in str(azure.batch_pool(ACCOUNT, "pool").body)


def test_a_pool_logs_in_as_an_identity_of_its_own(azure: EmulatedAzure, batch: Any, clients: Clients):
    clients.group("ids")
    known = clients.identities.user_assigned_identities
    mine, other = (known.create_or_update("ids", name, {"location": LOCATION}).id for name in ("me", "other"))
    azure.registry("lab.azurecr.io", {}, [mine])
    arm = management(clients)

    def body(id: str, server: str = "lab.azurecr.io") -> dict[str, Any]:
        login = {"registryServer": server, "identityReference": {"resourceId": id}}
        made = arm_body()
        machine = made["properties"]["deploymentConfiguration"]["virtualMachineConfiguration"]
        machine["containerConfiguration"] = {"type": "DockerCompatible", "containerRegistries": [login]}
        return {**made, "identity": {"type": "UserAssigned", "userAssignedIdentities": {mine: {}}}}

    assert refusal(arm.pool.create, GROUP, ACCOUNT, "pool", body(other)) == (400, "InvalidPropertyValue")
    assert refusal(arm.pool.create, GROUP, ACCOUNT, "pool", body(mine, "quay.io"))[0] == 400
    arm.pool.create(GROUP, ACCOUNT, "pool", body(mine))
    batch.create_job(job_body())
    batch.create_task("job", task_body(containerSettings={"imageName": "lab.azurecr.io/tool"}))
    assert batch.get_task("job", "task").state.value == "running"
