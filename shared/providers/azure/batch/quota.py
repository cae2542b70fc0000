"""What a Batch account still has room for, before anything is made. Quotas are shown by ARM alone; with keys
they cannot be read."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import Fault
from shared.nextflow.azure import quotas
from shared.nextflow.azure.quotas import PoolCores
from shared.providers.azure.batch.account import BatchAccount
from shared.providers.azure.batch.listing import pages
from shared.providers.azure.batch.pools import JOBS_READ, READ

FIELDS = {"pools": "forge", "jobs": "forge", "vmCount": "forge.vmCount", "vmType": "forge.vmType"}
"""What is short -> the field that asks for it."""


def check(account: BatchAccount, shown: Mapping[str, Any]) -> Iterable[Fault]:
    """Faults for pools, jobs, cores and cores of a family that there are not enough of for pools as large as
    they may become. `shown` is the account as ARM shows it. Two listings."""
    query = {"$filter": "state ne 'completed'"}
    jobs = sum(len(page) for page in pages(account, account.url("jobs"), JOBS_READ, query))
    wanted = [
        PoolCores(name=account.pool_name(key), size=pool.vm_type, nodes=pool.most, low_priority=pool.spot)
        for key, pool in account.pools.items()
    ]
    limits = quotas.from_account(shown.get("properties"))
    for fault in quotas.faults(limits, wanted, there(account), jobs, new_jobs=1):
        yield Fault(FIELDS.get(fault.field, "forge"), fault.message)


def there(account: BatchAccount) -> list[PoolCores]:
    """What the account's pools hold of its quotas. One listing."""
    return [
        cores for page in pages(account, account.url("pools"), READ) for pool in page for cores in held(pool)
    ]


def held(pool: Mapping[str, Any]) -> Iterable[PoolCores]:
    """The nodes of a pool as it is, or is becoming: of Spot, and the others. One with both counts
    as two pools: that is rare, and on the safe side."""
    name, size = str(pool.get("id")), str(pool.get("vmSize"))
    kinds = ((False, "DedicatedNodes"), (True, "LowPriorityNodes"))
    nodes = [
        (spot, max(int(pool.get(f"{each}{kind}") or 0) for each in ("current", "target")))
        for spot, kind in kinds
    ]
    some = [(spot, count) for spot, count in nodes if count] or [(False, 0)]
    return [PoolCores(name=name, size=size, nodes=count, low_priority=spot) for spot, count in some]
