"""The config and the variables of Nextflow on Azure Batch, and the formula of a pool."""

import pytest

from local.clouds.azure.batch.formula.evaluating import evaluate
from shared.nextflow.azurebatch import AutoPools, Scale, Tasks, config, formula, variables

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


class History:
    """Metrics that are what they are."""

    def __init__(self, pending: float) -> None:
        self._pending = pending

    def has(self, name: str) -> bool:
        return name == "$PendingTasks"

    def last(self, name: str, count: int) -> list[float]:
        return [self._pending] * count

    def within(self, name: str, seconds: float) -> list[float]:
        return [self._pending] * int(seconds // 30)


@pytest.mark.parametrize(
    ("scale", "startup", "pending", "before", "age", "expected"),
    [
        (Scale(least=0, most=4), 0, 0, 0, 600, 0),
        (Scale(least=0, most=4), 0, 3, 0, 600, 3),
        (Scale(least=0, most=4), 0, 9, 0, 600, 4),
        (Scale(least=0, most=4), 0, 0, 4, 600, 2),
        (Scale(least=1, most=4), 0, 0, 0, 600, 1),
        (Scale(least=0, most=4, fitting=4), 0, 9, 0, 600, 3),
        (Scale(least=0, most=4, spot=True), 0, 3, 0, 600, 3),
        (Scale(least=0, most=4), 2, 0, 0, 60, 2),
        (Scale(least=0, most=4), 2, 0, 3, 60, 3),
        (Scale(least=0, most=4), 9, 0, 0, 60, 4),
        (Scale(least=1, most=4), 0, 0, 0, 60, 1),
    ],
)
def test_a_pool_has_the_nodes_that_its_tasks_need(
    scale: Scale, startup: int, pending: float, before: float, age: float, expected: int
) -> None:
    target = "$TargetLowPriorityNodes" if scale.spot else "$TargetDedicatedNodes"
    other = "$TargetDedicatedNodes" if scale.spot else "$TargetLowPriorityNodes"
    text = formula(scale, "2027-01-15T08:00:00Z", startup)
    found = evaluate(text, 1_800_000_000.0 + age, History(pending), {target: before, other: 0.0})
    assert int(float(str(found[target]))) == expected
    assert found[other] == 0.0
    assert len(text) < 8192
