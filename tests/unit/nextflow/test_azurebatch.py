"""The config and the variables of Nextflow on Azure Batch."""

from shared.nextflow.azurebatch import AutoPools, Tasks, config, variables

LEAST = Tasks(
    pool="tower-pool-e",
    account="acct",
    region="westeurope",
    storage_account="store",
    wall_clock=604800,
    token_duration=43200,
)
APPLICATION = {"tenantId": "t", "clientId": "c", "clientSecret": "s"}


def lines(tasks: Tasks) -> list[str]:
    return config(tasks).splitlines()[1:]


def test_the_least() -> None:
    assert lines(LEAST) == [
        "process.executor = 'azurebatch'",
        "azure.batch.accountName = 'acct'",
        "azure.batch.location = 'westeurope'",
        "azure.storage.accountName = 'store'",
        "azure.storage.tokenDuration = '720m'",
        "process.queue = 'tower-pool-e'",
        "azure.batch.jobMaxWallClockTime = '10080m'",
        "azure.batch.terminateJobsOnCompletion = true",
        "azure.batch.deleteJobsOnCompletion = false",
        "azure.batch.deleteTasksOnCompletion = true",
        "azure.batch.deletePoolsOnCompletion = false",
    ]


def test_pools_that_nextflow_makes_carry_our_labels_and_may_be_deleted() -> None:
    auto = AutoPools(subnet="/subnets/it's", labels={"headnode:environment": "e"})
    found = lines(LEAST.but(auto=auto, delete_pools=True))
    assert "process.queue = 'auto'" in found
    assert "azure.batch.allowPoolCreation = true" in found
    assert "azure.batch.pools.auto.virtualNetwork = '/subnets/it\\'s'" in found
    assert "process.resourceLabels = ['headnode:environment': 'e']" in found
    assert "azure.batch.deletePoolsOnCompletion = true" in found


def test_pools_of_ours_are_never_nextflows_to_delete() -> None:
    assert "azure.batch.deletePoolsOnCompletion = false" in lines(LEAST.but(delete_pools=True))


def test_identities_fusion_and_variables() -> None:
    found = lines(LEAST.but(head_client="h", pool_client="w", wave=True, fusion=True, variables={"A": "b"}))
    assert "azure.managedIdentity.clientId = 'h'" in found
    assert "azure.batch.poolIdentityClientId = 'w'" in found
    assert "process.containerOptions = '--security-opt apparmor=seqera-fusionfs-container'" in found
    assert found[-1] == "env.A = 'b'"


def test_the_least_secret_that_does_is_given() -> None:
    assert variables("identity", APPLICATION, "key", "sas") == {}
    assert variables("", APPLICATION, "key", "sas") == {
        "AZURE_TENANT_ID": "t",
        "AZURE_CLIENT_ID": "c",
        "AZURE_CLIENT_SECRET": "s",
    }
    assert variables("", {}, "key", "sas") == {
        "AZURE_BATCH_ACCOUNT_KEY": "key",
        "AZURE_STORAGE_SAS_TOKEN": "sas",
    }
