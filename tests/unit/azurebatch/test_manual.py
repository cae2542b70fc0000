"""Pools of the user's own, held against what is sent to them: identity, network, image, room and nodes."""

from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.providers.azure.batch.manual import stale
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.unit.azurebatch.conftest import ACCOUNT, CLIENT, Bind
from tests.unit.azurebatch.test_check import MANUAL, NODE
from tests.unit.clouds.azure.batch import GROUP, MACHINE, arm_body, management, pool_body, service

START = {"commandLine": NODE["commandLine"], "waitForSuccess": True}


def said(provider: Any) -> list[str]:
    return [str(each) for each in provider.check()]


def with_identity(azure: EmulatedAzure, sdk: Sdk, name: str = "mine") -> str:
    """Makes a pool that works as a new identity; that one's client id."""
    sdk.group("ids")
    known = sdk.identities.user_assigned_identities
    made = known.create_or_update("ids", f"for-{name}", {"location": LOCATION})
    body = arm_body(startTask=START, taskSlotsPerNode=4)
    machine = body["properties"]["deploymentConfiguration"]["virtualMachineConfiguration"]
    machine["containerConfiguration"] = {"type": "DockerCompatible"}
    body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {made.id: {}}}
    with service(azure):
        management(sdk).pool.create(GROUP, ACCOUNT, name, body)
    return str(made.client_id)


def test_the_identity_of_the_config_must_be_the_pools(bind: Bind, azure: EmulatedAzure, sdk: Sdk) -> None:
    client = with_identity(azure, sdk)
    config = {"forge": None, "headPool": "mine"}
    assert said(bind(**config, managedIdentityClientId=client.upper())) == []
    assert said(bind(**config)) == [
        f"managedIdentityClientId: {CLIENT} is not attached to mine, which has {client}"
    ]
    with service(azure) as service_client:
        service_client.create_pool(pool_body("plain", startTask=NODE, targetDedicatedNodes=1))
    assert said(bind(forge=None, headPool="plain")) == [
        f"managedIdentityClientId: {CLIENT} is not attached to plain, which has no identity"
    ]
    both = {**config, "managedIdentityClientId": client, "workerPool": "plain"}
    assert said(bind(**both)) == []
    assert said(bind(**both, managedIdentityPoolClientId=client)) == [
        f"managedIdentityPoolClientId: {client} is not attached to plain, which has no identity"
    ]


def test_what_nobody_can_tell_of_identities_is_a_note(bind: Bind, azure: EmulatedAzure) -> None:
    azure.account("keyed", group="data", location=LOCATION, containers=["work"], keyed=True)
    keys = {
        "batchName": ACCOUNT,
        "batchKey": azure.batch_key(ACCOUNT),
        "storageName": "keyed",
        "storageKey": azure.storage_key("keyed"),
    }
    with service(azure) as client:
        client.create_pool(pool_body("mine", startTask=NODE, targetDedicatedNodes=1))
    provider = bind(keys, forge=None, headPool="mine", storageAccount="keyed")
    assert said(provider) == []
    assert "whether mine has the identity of the config could not be read" in provider.details()["notes"]


def test_a_pool_outside_of_the_network_of_the_others(bind: Bind, azure: EmulatedAzure, sdk: Sdk) -> None:
    sdk.group()
    subnet = sdk.subnet()
    auto = {**MANUAL, "autoPoolMode": True, "subnetId": subnet}
    inside = {"networkConfiguration": {"subnetId": subnet}}
    with service(azure) as client:
        client.create_pool(pool_body("mine", startTask=NODE, targetDedicatedNodes=1))
    with service(azure, entra=True) as client:
        client.create_pool(pool_body("there", startTask=NODE, targetDedicatedNodes=1, **inside))
    found = said(bind(**auto))
    assert found[0].startswith("headPool: mine stands in no subnet, subnetId names ")
    # Nextflow itself makes no pool in a network with a key.
    assert [each.partition(":")[0] for each in found] == ["headPool", "subnetId"]
    assert [each for each in said(bind(**{**auto, "headPool": "there"})) if "stands" in each] == []


def test_an_image_that_batch_supports_no_more(bind: Bind, azure: EmulatedAzure) -> None:
    old = {
        **MACHINE,
        "imageReference": {**MACHINE["imageReference"], "sku": "2204"},
        "nodeAgentSKUId": "batch.node.ubuntu 22.04",
    }
    with service(azure) as client:
        client.create_pool(
            pool_body("mine", startTask=NODE, targetDedicatedNodes=1, virtualMachineConfiguration=old)
        )
    provider = bind(**MANUAL)
    assert said(provider) == []
    body = {"virtualMachineConfiguration": old}
    ended = [{**old, "batchSupportEndOfLife": "2027-06-30T00:00:00Z"}]
    assert list(stale("mine", body, ended, 1_830_000_000.0)) == [
        "mine is made of an image that Batch has not supported since 2027-06-30"
    ]
    assert list(stale("mine", body, [], 0.0)) == [
        "mine is made with batch.node.ubuntu 22.04, which Batch does not support any more"
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"nextflowConfig": "azure.batch.copyToolInstallMode = 'task'"},
        {"waveEnabled": True, "fusion2Enabled": True},
    ],
)
def test_azcopy_is_asked_for_only_where_nodes_have_to_bring_it(
    bind: Bind, azure: EmulatedAzure, more: dict[str, Any]
) -> None:
    with service(azure) as client:
        client.create_pool(pool_body("mine", targetDedicatedNodes=1))
    assert said(bind(**MANUAL)) == [
        "headPool: mine has no start task that installs azcopy, which Nextflow's tasks need"
    ]
    assert said(bind(**MANUAL, **more)) == []


def test_room_for_the_head_job_and_nodes_at_all(bind: Bind, azure: EmulatedAzure) -> None:
    with service(azure) as client:
        client.create_pool(pool_body("mine", startTask=NODE))
    assert said(bind(**MANUAL, headJobCpus=8)) == [
        "headPool: mine has 4 task slots per node, headJobCpus asks for 8"
    ]
    assert bind(**MANUAL).details()["notes"] == [
        "mine has no nodes, and neither a formula nor a target: runs wait until it has some"
    ]
