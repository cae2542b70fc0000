"""File systems of nodes in the emulated Batch, by Azure's own clients."""

from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import Clients
from tests.unit.clouds.azure.batch import ACCOUNT, GROUP, management, pool_body, refusal, service

STORAGE = "labdata"


@pytest.fixture
def batch(azure: EmulatedAzure) -> Any:
    azure.account(STORAGE, keyed=True)
    azure.file_share(STORAGE, "refs")
    return service(azure)


def share(azure: EmulatedAzure, **more: Any) -> dict[str, Any]:
    told = {
        "accountName": STORAGE,
        "azureFileUrl": f"https://{STORAGE}.file.core.windows.net/refs",
        "accountKey": azure.storage_key(STORAGE),
        "relativeMountPath": "refs",
        "mountOptions": "-o vers=3.0",
    }
    return {"azureFileShareConfiguration": {**told, **more}}


def test_a_share_is_mounted_and_its_key_is_shown_to_nobody(
    azure: EmulatedAzure, batch: Any, clients: Clients
):
    batch.create_pool(pool_body(targetDedicatedNodes=1, mountConfiguration=[share(azure)]))
    assert next(iter(batch.list_nodes("pool"))).state.value == "idle"
    arm = management(clients)
    shown = [batch.get_pool("pool").as_dict(), arm.pool.get(GROUP, ACCOUNT, "pool").as_dict()]
    for each in shown:
        assert f"{STORAGE}.file.core.windows.net/refs" in str(each)
        assert "accountKey" not in str(each)
    assert azure.storage_key(STORAGE) in str(azure.batch_pool(ACCOUNT, "pool").body)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"accountKey": "b2xk"}, "mount error(13): Permission denied"),
        ({"azureFileUrl": f"https://{STORAGE}.file.core.windows.net/none"}, "mount error(2): No such file"),
    ],
)
def test_what_can_not_be_mounted_makes_nodes_unusable(
    azure: EmulatedAzure, batch: Any, change: dict[str, Any], why: str
):
    batch.create_pool(pool_body(targetDedicatedNodes=1, mountConfiguration=[share(azure, **change)]))
    node = next(iter(batch.list_nodes("pool")))
    assert (node.state.value, [each.code for each in node.errors]) == (
        "unusable",
        ["MountConfigurationError"],
    )
    assert why in node.errors[0].error_details[-1].value


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"accountKey": None}, "MissingRequiredProperty"),
        ({"accountName": ""}, "MissingRequiredProperty"),
        ({"relativeMountPath": None}, "MissingRequiredProperty"),
        ({"azureFileUrl": None}, "MissingRequiredProperty"),
        ({"relativeMountPath": "/refs"}, "InvalidPropertyValue"),
        ({"relativeMountPath": "../refs"}, "InvalidPropertyValue"),
        ({"relativeMountPath": 7}, "InvalidPropertyValue"),
        ({"mountOptions": ["-o"]}, "InvalidPropertyValue"),
        ({"azureFileUrl": "https://other.file.core.windows.net/refs"}, "InvalidPropertyValue"),
        ({"azureFileUrl": f"https://{STORAGE}.file.core.windows.net/"}, "InvalidPropertyValue"),
    ],
)
def test_a_share_that_could_not_be_is_refused(
    azure: EmulatedAzure, batch: Any, change: dict[str, Any], code: str
):
    mounts = [share(azure, **change)]
    assert refusal(batch.create_pool, pool_body(mountConfiguration=mounts)) == (400, code)


def test_a_mount_is_of_one_kind_and_has_a_place_of_its_own(azure: EmulatedAzure, batch: Any):
    nfs = {"nfsMountConfiguration": {"source": "server:/export", "relativeMountPath": "refs"}}
    for mounts in ([{}], [{**share(azure), **nfs}], [{"ftp": {}}], [share(azure), nfs], ["refs"], "refs"):
        made = pool_body(mountConfiguration=mounts)
        assert refusal(batch.create_pool, made) == (400, "InvalidPropertyValue")
    nfs["nfsMountConfiguration"]["relativeMountPath"] = "other"
    batch.create_pool(pool_body(mountConfiguration=[share(azure), nfs]))
