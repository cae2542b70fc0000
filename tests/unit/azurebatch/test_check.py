"""A config of Azure Batch held against the (emulated) account."""

from collections.abc import Callable
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.model.run import Run
from shared.providers.azure.batch.bodies import AZCOPY
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.unit.azurebatch.conftest import ACCOUNT, Bind
from tests.unit.clouds.azure.batch import MACHINE, pool_body, service

KEY = {"head": True, "compute": False, "name": "AZURE_BATCH_ACCOUNT_KEY", "value": "a2V5"}
MANUAL = {"forge": None, "headPool": "mine", "managedIdentityClientId": None, "environment": [KEY]}
NODE = {"commandLine": f"/bin/sh -c 'curl -o azcopy {AZCOPY}'", "waitForSuccess": True}


def test_what_fits_is_taken(bind: Bind) -> None:
    assert bind().check() == []


@pytest.mark.parametrize(
    ("quotas", "field", "said"),
    [
        ({"families": {"standardDDSv5Family": 12}}, "forge.vmType", "needs 16 DDSv5 cores, 12 left of 12"),
        ({"families": {"standardESv5Family": 12}}, "forge.vmType", "needs 16 DDSv5 cores, 0 left of 0"),
        ({"dedicated": 10}, "forge.vmCount", "needs 16 dedicated cores, 10 left of 10"),
        ({"pools": 0}, "forge", "needs 1 pools, 0 left of 0"),
        ({"jobs": 0}, "forge", "needs 1 active jobs, 0 left of 0"),
    ],
)
def test_a_quota_that_is_too_small_is_told_with_its_numbers(
    bind: Bind, account: Callable[..., None], quotas: dict[str, Any], field: str, said: str
) -> None:
    account(**quotas)
    found = bind().check()
    assert [fault.field for fault in found] == [field]
    assert said in found[0].message


def test_cores_of_spot_are_counted_by_themselves(bind: Bind, account: Callable[..., None]) -> None:
    account(low_priority=3, families={"standardDDSv5Family": 4})
    forge = {
        "dualPoolConfig": True,
        "vmType": "Standard_D4ds_v5",
        "workerPool": {"vmCount": 2, "lowPriority": True},
    }
    assert [str(fault) for fault in bind(forge=forge).check()] == [
        "forge.vmCount: needs 8 low-priority (Spot) cores, 3 left of 3"
    ]


def test_cores_that_others_have_are_not_left(bind: Bind, azure: EmulatedAzure) -> None:
    with service(azure) as client:
        client.create_pool(pool_body(targetDedicatedNodes=22))
    assert "needs 16 dedicated cores, 12 left of 100" in str(bind().check()[0])


def test_what_is_named_must_exist(bind: Bind, sdk: Sdk) -> None:
    group = f"/subscriptions/{sdk.cloud.environment()['AZURE_SUBSCRIPTION_ID']}/resourceGroups/rg/providers"
    identity = f"{group}/Microsoft.ManagedIdentity/userAssignedIdentities/none"
    guid = "0b1f6471-1bf0-4dda-aec3-111122223333"
    found = bind(
        workDir="az://none/runs",
        managedIdentityHeadResourceId=identity,
        managedIdentityClientId=guid,
        subnetId=f"{group}/Microsoft.Network/virtualNetworks/none/subnets/default",
    ).check()
    assert [fault.field for fault in found] == ["managedIdentityHeadResourceId", "subnetId", "workDir"]
    assert [str(fault) for fault in bind(batchAccount="other").check()][:1] == [
        "credentialsId: there is no Batch account other in the subscription "
        f"{sdk.cloud.environment()['AZURE_SUBSCRIPTION_ID']}"
    ]


def test_the_account_is_in_the_region(bind: Bind, azure: EmulatedAzure) -> None:
    azure.batch_account("faraway", location="eastus")
    assert [str(each) for each in bind(batchAccount="faraway").check()][:1] == [
        "region: the Batch account faraway is in eastus"
    ]


def test_a_pool_of_the_users_own_that_fits_is_taken(bind: Bind, azure: EmulatedAzure) -> None:
    with service(azure) as client:
        client.create_pool(pool_body("mine", startTask=NODE))
        before = client.get_pool("mine").as_dict()
        provider = bind(**MANUAL)
        assert provider.check() == []
        assert [each.type for each in provider.resources()] == ["BatchJobs"]
        assert client.get_pool("mine").as_dict() == before


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"taskSlotsPerNode": 1},
            "has 1 task slots per node, Nextflow expects 4: the vCPUs of Standard_D4ds_v5",
        ),
        ({"startTask": {"commandLine": "/bin/true"}}, "no start task that installs azcopy"),
        (
            {"virtualMachineConfiguration": {**MACHINE, "containerConfiguration": None}},
            "cannot run containers: its container configuration is none, not dockerCompatible",
        ),
    ],
)
def test_a_pool_of_the_users_own_that_does_not_fit_is_told_why(
    bind: Bind, azure: EmulatedAzure, body: dict[str, Any], said: str
) -> None:
    with service(azure) as client:
        client.create_pool(pool_body("mine", **{"startTask": NODE, **body}))
    found = bind(**MANUAL).check()
    assert [fault.field for fault in found] == ["headPool"]
    assert said in found[0].message


def test_a_pool_that_is_not_there_or_cannot_grow(
    bind: Bind, account: Callable[..., None], azure: EmulatedAzure
) -> None:
    account(dedicated=3)
    with service(azure) as client:
        client.create_pool(pool_body("mine", startTask=NODE, targetDedicatedNodes=1))
    found = bind(**MANUAL, workerPool="none").check()
    assert "mine has no nodes: AccountCoreQuotaReached" in found[0].message
    assert str(found[1]) == "workerPool: none does not exist"


def test_missing_rights_are_a_fault_of_the_credentials(bind: Bind, azure: EmulatedAzure) -> None:
    azure.enforce("operator", {"actions": ["Microsoft.Batch/batchAccounts/read"], "dataActions": []})
    said = {str(fault) for fault in bind().check()}
    assert any("Microsoft.Batch/batchAccounts/pools/read is not allowed" in each for each in said)
    assert {each.split(":")[0] for each in said} == {"credentialsId"}


def test_keys_cannot_do_what_only_entra_can(bind: Bind, azure: EmulatedAzure, sdk: Sdk) -> None:
    keys = {"batchName": ACCOUNT, "batchKey": azure.batch_key(ACCOUNT), "storageName": "workstore"}
    group = f"/subscriptions/{sdk.cloud.environment()['AZURE_SUBSCRIPTION_ID']}/resourceGroups/rg/providers"
    subnet = f"{group}/Microsoft.Network/virtualNetworks/net/subnets/default"
    found = {fault.field: fault.message for fault in bind(keys, subnetId=subnet).check()}
    assert "needs an Entra application" in found["subnetId"]


def test_the_users_nextflow_config_is_held_against_the_platforms(bind: Bind) -> None:
    text = "azure.batch.autoPollMode = true\nazure.batch.pools.auto.autoScale = 'yes'"
    assert [str(each) for each in bind(nextflowConfig=text).check()] == [
        "nextflowConfig: azure.batch.autoPollMode is no option; did you mean autoPoolMode?",
        "nextflowConfig: azure.batch.pools.auto.autoScale 'yes' is not true or false (without quotes)",
    ]
    text = "azure.batch.pools.auto.vmType = 'Standard_X1000_v9'"
    assert [str(each) for each in bind(nextflowConfig=text).check()] == [
        "nextflowConfig: azure.batch.pools.auto.vmType Standard_X1000_v9 is no size that Nextflow knows in"
        f" {LOCATION}"
    ]


def test_what_of_it_was_not_read_is_a_note(bind: Bind) -> None:
    provider = bind(nextflowConfig="azure.batch.pools.auto.vmType = params.size")
    assert provider.check() == []
    assert provider.details()["notes"] == [
        "nextflowConfig: azure.batch.pools.auto.vmType: only Nextflow can tell its value"
    ]


def test_nextflow_needs_a_way_into_the_account(bind: Bind) -> None:
    assert [str(each) for each in bind(managedIdentityClientId=None).check()] == [
        "managedIdentityClientId: azure.batch: has no way in: a managed identity, a service principal or an"
        " account key"
    ]
    assert bind(managedIdentityClientId=None, environment=[KEY]).check() == []
    said = "azure.managedIdentity.system = true\nazure.storage.tokenDuration = '7d'"
    assert bind(managedIdentityClientId=None, nextflowConfig=said).check() == []


def test_a_run_that_no_signature_outlives_is_refused_at_once(bind: Bind) -> None:
    (found,) = bind(jobMaxWallClockTime="30d").check()
    assert found.field == "jobMaxWallClockTime"
    assert "signatures made with a managed identity end after 7d" in found.message


def test_a_launchs_own_config_is_held_against_everything(bind: Bind) -> None:
    def said(text: str) -> list[str]:
        run = Run(id="r", name="n", session_id="s", launch={"configText": text})
        return [str(each) for each in bind(nextflowConfig="azure.azcopy.blockSize = 8").check_run(run)]

    assert said("process.cpus = 4") == []
    assert said("azure.storage.tokenDuration = params.x") == []
    assert said("azure.storage.tokenDuration = '12h'") == [
        "configText: azure.storage.tokenDuration of 12h ends before a run of up to 7d does: every task after"
        " that would fail"
    ]
    assert said("azure.batch.deletePoolsOnCompletion = true")[0].startswith(
        "configText: azure.batch.deletePoolsOnCompletion deletes every pool that the run used"
    )


def test_a_family_whose_quota_has_a_name_of_its_own(bind: Bind, account: Callable[..., None]) -> None:
    account(families={"standardDav6Family": 16, "standardBSFamily": 4})
    newer = {"vmType": "Standard_D4as_v6", "vmCount": 4}
    assert bind(forge=newer).check() == []
    burst = {"vmType": "Standard_B4ms", "vmCount": 2}
    assert [str(each) for each in bind(forge=burst).check()] == [
        "forge.vmType: needs 8 BS cores, 4 left of 4"
    ]


def test_profiles_that_a_launch_chooses_are_checked_with_it(bind: Bind) -> None:
    text = "profiles { big { azure.batch.autoPollMode = true } }\nazure.azcopy.blockSize = 8"
    provider = bind(nextflowConfig=text)
    assert provider.check() == []
    run = Run(id="r", name="n", session_id="s", launch={"configProfiles": ["big"]})
    assert [str(each) for each in provider.check_run(run)] == [
        "configProfiles: azure.batch.autoPollMode is no option; did you mean autoPoolMode?"
    ]
    assert provider.check_run(run.but(launch={"configProfiles": ["other"]})) == []


def test_a_secret_in_a_config_is_a_note_that_does_not_show_it(bind: Bind) -> None:
    (note,) = bind(nextflowConfig="azure.storage.accountKey = 'c2VjcmV0'").details()["notes"]
    assert note == (
        "nextflowConfig: azure.storage.accountKey: whoever sees this config sees the secret; credentials"
        " keep it"
    )


def test_a_machine_type_that_is_none_is_a_note_where_nextflow_makes_pools(bind: Bind) -> None:
    text = "process.machineType = 'Standard_Q*_v9'"
    assert bind(nextflowConfig=text).details()["notes"] == []
    assert bind(nextflowConfig=text, autoPoolMode=True).details()["notes"] == [
        f"nextflowConfig: process.machineType: Standard_Q*_v9 is no size that Nextflow knows in {LOCATION}"
    ]
    for known in ("Standard_E*d_v5", "Standard_E4d_v5"):
        text = f"process.machineType = '{known}'"
        assert bind(nextflowConfig=text, autoPoolMode=True).details()["notes"] == []
