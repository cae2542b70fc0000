"""File shares of a Nextflow config: mounted where tasks look for them, or why not, before anything is."""

from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.model.run import Run
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.contracts.provider_suite import make
from tests.unit.azurebatch.conftest import ACCOUNT, CONTAINER, FORGE, ID, STORAGE, Bind
from tests.unit.azurebatch.test_check import NODE
from tests.unit.clouds.azure.batch import pool_body, service

REFS = "azure.storage.fileShares.refs.mountPath = '/mnt/refs'\n"
MORE = """
azure { storage { fileShares {
    refs { mountPath = '/mnt/refs'; mountOptions = '-o ro' }
    'lab-data' { mountPath = '/data' }
} } }
"""


@pytest.fixture
def keys(azure: EmulatedAzure) -> dict[str, str]:
    """An Entra application's, with the storage account's key beside."""
    azure.account(STORAGE, group="data", location=LOCATION, containers=[CONTAINER], keyed=True)
    known = azure.environment()
    return {
        "tenantId": known["AZURE_TENANT_ID"],
        "clientId": known["AZURE_CLIENT_ID"],
        "clientSecret": known["AZURE_CLIENT_SECRET"],
        "subscriptionId": known["AZURE_SUBSCRIPTION_ID"],
        "storageName": STORAGE,
        "storageKey": azure.storage_key(STORAGE),
        "batchName": ACCOUNT,
    }


def launch(text: str = "", **more: Any) -> Run:
    return Run(id="r", name="r", session_id="s", launch={"configText": text, **more})


def shares_of(azure: EmulatedAzure, pool: str) -> list[dict[str, Any]]:
    mounts = azure.batch_pool(ACCOUNT, pool).body.get("mountConfiguration", [])
    return [each["azureFileShareConfiguration"] for each in mounts]


def test_a_pool_mounts_shares_where_nextflow_looks_for_them(
    bind: Bind, azure: EmulatedAzure, keys: dict[str, str]
) -> None:
    provider = bind(keys, nextflowConfig=MORE)
    assert provider.check() == []
    make(provider)
    refs, data = shares_of(azure, f"tower-pool-{ID}")
    assert refs == {
        "accountName": STORAGE,
        "azureFileUrl": f"https://{STORAGE}.file.core.windows.net/refs",
        "accountKey": keys["storageKey"],
        "relativeMountPath": "refs",
        "mountOptions": "-o ro",
    }
    assert data["relativeMountPath"] == "lab-data"
    assert data["mountOptions"] == "-o vers=3.0,dir_mode=0777,file_mode=0777,sec=ntlmssp"


def test_of_two_pools_that_of_tasks_mounts_them_by_arm_too(
    bind: Bind, azure: EmulatedAzure, sdk: Sdk, keys: dict[str, str]
) -> None:
    sdk.group("ids")
    made = sdk.identities.user_assigned_identities.create_or_update("ids", "mine", {"location": LOCATION})
    identity = {"managedIdentityPoolResourceId": made.id, "managedIdentityPoolClientId": made.client_id}
    provider = bind(keys, nextflowConfig=REFS, forge={**FORGE, "dualPoolConfig": True}, **identity)
    assert provider.check() == []
    make(provider)
    assert shares_of(azure, f"tower-pool-{ID}-head") == []
    assert [each["accountKey"] for each in shares_of(azure, f"tower-pool-{ID}-worker")] == [
        keys["storageKey"]
    ]


@pytest.mark.parametrize(
    ("text", "lacks", "said"),
    [
        (REFS, "storageKey", f"refs needs the key of {STORAGE}, which the credentials lack"),
        (REFS.replace("refs.", "'Big_Refs'."), "", "Big_Refs is no name of a file share"),
        (
            f"{REFS}azure.storage.fileShares.refs.mountOptions = params.options",
            "",
            "refs needs mountOptions as",
        ),
    ],
)
def test_a_share_that_no_pool_can_mount_is_told_by_field(
    bind: Bind, keys: dict[str, str], text: str, lacks: str, said: str
) -> None:
    known = {name: value for name, value in keys.items() if name != lacks}
    found = bind(known, nextflowConfig=text).check()
    assert [fault.field for fault in found] == ["nextflowConfig"]
    assert found[0].message.startswith(f"azure.storage.fileShares.{said}")


def test_a_key_of_another_account_opens_nothing(bind: Bind, keys: dict[str, str]) -> None:
    other = {**keys, "storageName": "another"}
    assert "needs the key of workstore" in str(bind(other, nextflowConfig=REFS).check())


def test_a_launch_names_no_share_that_is_not_mounted(bind: Bind, keys: dict[str, str]) -> None:
    profile = "profiles { big { azure.storage.fileShares.big.mountPath = '/big' } }"
    provider = bind(keys, nextflowConfig=f"{REFS}{profile}")
    assert provider.check() == []
    assert provider.check_run(launch("azure.storage.fileShares.refs.mountPath = '/elsewhere'")) == []
    assert provider.check_run(launch(configProfiles=["small"])) == []
    for run in (
        launch("azure.storage.fileShares.big.mountPath = params.place"),
        launch(configProfiles=["big"]),
    ):
        assert list(map(str, provider.check_run(run))) == [
            "configText: azure.storage.fileShares.big is not mounted by the pools of this environment"
            " (mounted: refs): tasks would find an empty directory"
        ]


def test_a_pool_of_ones_own_is_asked_what_it_mounts(
    bind: Bind, azure: EmulatedAzure, keys: dict[str, str]
) -> None:
    nfs = {"nfsMountConfiguration": {"source": "server:/export", "relativeMountPath": "refs"}}
    config = {"forge": None, "headPool": "mine", "nextflowConfig": REFS, "managedIdentityClientId": ""}
    with service(azure) as client:
        client.create_pool(pool_body("mine", startTask=NODE))
        assert list(map(str, bind(keys, **config).check())) == [
            "nextflowConfig: azure.storage.fileShares.refs is not mounted by the pool mine (mounted: none):"
            " tasks would find an empty directory"
        ]
        client.update_pool("mine", {"mountConfiguration": [nfs]})
    provider = bind(keys, **config)
    assert provider.check() == []
    assert provider.details()["mounts"] == ["refs"]


def test_nextflow_mounts_shares_on_pools_of_its_own_and_needs_the_key(
    bind: Bind, keys: dict[str, str]
) -> None:
    found = bind(keys, nextflowConfig=REFS, autoPoolMode=True).check()
    assert "azure.storage.fileShares.refs needs azure.storage.accountKey" in str(found[0])
