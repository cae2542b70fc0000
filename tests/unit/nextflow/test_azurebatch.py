"""The config and the variables of Nextflow on Azure Batch."""

from shared.nextflow.azure.checks import Run
from shared.nextflow.azurebatch import AutoPools, Secrets, Tasks, fitted, written

GUID = "11111111-2222-3333-4444-555555555555"
DAY = 86400.0
SUBNET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/it's"
LEAST = Tasks(
    pool="tower-pool-e",
    account="acct",
    region="westeurope",
    storage_account="store",
    wall_clock=7 * DAY,
    token_duration=43200,
)
RUN = Run(longest=7 * DAY, now=0.0)
KEYS = Secrets(batch_key="a2V5", sas="sv=1&sig=c2ln")
APPLICATION = Secrets(
    application={"tenantId": GUID, "clientId": GUID, "clientSecret": "s3cret"}, sas=KEYS.sas
)


def lines(tasks: Tasks, secrets: Secrets = KEYS, run: Run = RUN) -> list[str]:
    return written(tasks, secrets, run).text.splitlines()[1:]


def test_the_least() -> None:
    assert lines(LEAST) == [
        "azure.batch.accountName = 'acct'",
        "azure.batch.deleteJobsOnCompletion = false",
        "azure.batch.deletePoolsOnCompletion = false",
        "azure.batch.deleteTasksOnCompletion = true",
        "azure.batch.jobMaxWallClockTime = '7d'",
        "azure.batch.location = 'westeurope'",
        "azure.batch.terminateJobsOnCompletion = true",
        "azure.storage.accountName = 'store'",
        "process.executor = 'azurebatch'",
        "process.queue = 'tower-pool-e'",
    ]


def test_pools_that_nextflow_makes_carry_our_labels_and_may_be_deleted() -> None:
    auto = AutoPools(subnet=SUBNET, labels={"headnode:environment": "e"})
    found = lines(LEAST.but(auto=auto, delete_pools=True))
    assert "process.queue = 'auto'" in found
    assert "azure.batch.allowPoolCreation = true" in found
    assert f"azure.batch.pools.auto.virtualNetwork = '{SUBNET[:-2]}\\'s'" in found
    assert "process.resourceLabels = ['headnode:environment': 'e']" in found
    assert "azure.batch.deletePoolsOnCompletion = true" in found


def test_nextflows_pools_run_an_image_that_azure_offers_unless_the_user_names_one() -> None:
    image = [
        "azure.batch.pools.auto.offer = 'ubuntu-hpc'",
        "azure.batch.pools.auto.publisher = 'microsoft-dsvm'",
        "azure.batch.pools.auto.sku = 'batch.node.ubuntu 24.04'",
    ]
    assert set(image) <= set(lines(LEAST.but(auto=AutoPools())))
    assert not set(image) & set(lines(LEAST.but(auto=AutoPools(own_image=True))))


def test_pools_of_ours_are_never_nextflows_to_delete() -> None:
    assert "azure.batch.deletePoolsOnCompletion = false" in lines(LEAST.but(delete_pools=True))


def test_identities_fusion_and_variables() -> None:
    both = LEAST.but(head_client=GUID, pool_client=GUID, wave=True, variables={"A": "b"})
    found = lines(both.but(fusion=True))
    assert f"azure.managedIdentity.clientId = '{GUID}'" in found
    assert f"azure.batch.poolIdentityClientId = '{GUID}'" in found
    assert "process.containerOptions = '--security-opt apparmor=seqera-fusionfs-container'" in found
    assert found[-1] == "env.A = 'b'"
    assert not [each for each in lines(both) if "poolIdentity" in each]


def test_the_least_secret_that_does_is_given() -> None:
    everything = Secrets(application=APPLICATION.application, batch_key="a2V5", sas=KEYS.sas)
    assert written(LEAST.but(head_client=GUID), everything, RUN).variables == {}
    assert written(LEAST, everything, RUN).variables == {"AZURE_CLIENT_SECRET": "s3cret"}
    assert written(LEAST, KEYS, RUN).variables == {
        "AZURE_BATCH_ACCOUNT_KEY": "a2V5",
        "AZURE_STORAGE_SAS_TOKEN": KEYS.sas,
    }


def test_no_secret_is_in_the_text() -> None:
    text = written(LEAST, APPLICATION, RUN).text + written(LEAST, KEYS, RUN).text
    assert "s3cret" not in text
    assert "a2V5" not in text
    assert "c2ln" not in text


def test_signatures_of_nextflows_own_outlive_the_run_or_last_as_long_as_azure_lets_them() -> None:
    tokens = "azure.storage.tokenDuration = "
    assert f"{tokens}'7d'" in lines(LEAST, APPLICATION)
    assert f"{tokens}'27h'" in lines(LEAST, APPLICATION, RUN.but(longest=DAY))
    assert f"{tokens}'3d'" in lines(LEAST.but(token_duration=3 * DAY), APPLICATION, RUN.but(longest=DAY))


def test_a_run_that_no_signature_outlives_is_a_fault() -> None:
    identity = LEAST.but(head_client=GUID, wall_clock=30 * DAY)
    found = fitted(identity, Secrets(), RUN.but(longest=30 * DAY)).faults
    assert [each.field for each in found] == ["azure.storage.tokenDuration"]
    fusion = identity.but(fusion=True, pool_client=GUID)
    assert fitted(fusion, Secrets(), RUN.but(longest=30 * DAY, fusion=True)).faults == []
