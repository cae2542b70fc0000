"""What a Batch account still has room for, before anything is made: a quota that is reached makes no error,
only a run that waits for ever. Quotas are shown by ARM alone; with keys they cannot be read."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import Fault
from shared.providers.azure.batch.account import BatchAccount
from shared.providers.azure.batch.listing import pages
from shared.providers.azure.batch.options import PoolOptions
from shared.providers.azure.batch.pools import JOBS_READ, READ
from shared.providers.azure.batch.sizes import cores, family, spoken


def check(account: BatchAccount, shown: Mapping[str, Any]) -> Iterable[Fault]:
    """Faults for pools, jobs, cores and cores of a family that there are not enough of. `shown` is the
    account as ARM shows it. Two listings."""
    limits = shown.get("properties") or {}
    pools = [each for page in pages(account, account.url("pools"), READ) for each in page]
    ours = {account.pool_name(key).lower() for key in account.pools}
    others = [each for each in pools if str(each.get("id")).lower() not in ours]
    if fault := counted("forge", "pools", limits.get("poolQuota"), len(others), len(ours)):
        yield fault
    query = {"$filter": "state ne 'completed'"}
    jobs = sum(len(page) for page in pages(account, account.url("jobs"), JOBS_READ, query))
    if fault := counted("forge", "active jobs", limits.get("activeJobAndJobScheduleQuota"), jobs, 1):
        yield fault
    yield from of_cores(account, limits, others)


def counted(field: str, what: str, limit: Any, used: int, needed: int) -> Fault | None:
    """A fault when less is left than is needed."""
    if not isinstance(limit, int) or limit - used >= needed:
        return None
    return Fault(
        field, f"needs {needed} {what}, {max(0, limit - used)} left of {limit} (Batch account quota)"
    )


def of_cores(
    account: BatchAccount, limits: Mapping[str, Any], others: list[dict[str, Any]]
) -> Iterable[Fault]:
    """Cores that the pools would have when they are as large as they may be."""
    for spot, name, what in (
        (False, "dedicatedCoreQuota", "dedicated cores"),
        (True, "lowPriorityCoreQuota", "Spot cores"),
    ):
        wanted = sum(needed(each) for each in account.pools.values() if each.spot is spot)
        fault = counted(
            "forge.vmCount", what, limits.get(name), sum(used(each, spot) for each in others), wanted
        )
        if wanted and fault:
            yield fault
    if limits.get("dedicatedCoreQuotaPerVMFamilyEnforced") is True:
        yield from of_families(account, limits, others)


def of_families(
    account: BatchAccount, limits: Mapping[str, Any], others: list[dict[str, Any]]
) -> Iterable[Fault]:
    """Dedicated cores of each family: a family that is not listed has none."""
    listed = limits.get("dedicatedCoreQuotaPerVMFamily") or []
    allowed = {str(each.get("name")).lower(): int(each.get("coreQuota") or 0) for each in listed}
    wanted: dict[str, int] = {}
    for pool in account.pools.values():
        if not pool.spot:
            wanted[family(pool.vm_type)] = wanted.get(family(pool.vm_type), 0) + needed(pool)
    for name, count in wanted.items():
        same = [each for each in others if family(str(each.get("vmSize"))).lower() == name.lower()]
        has = sum(used(each, False) for each in same)
        limit = allowed.get(name.lower(), 0)
        if fault := counted("forge.vmType", f"{spoken(name)} cores", limit, has, count):
            yield fault


def needed(pool: PoolOptions) -> int:
    """Cores of a pool that is as large as it may be."""
    return pool.most * cores(pool.vm_type)


def used(pool: Mapping[str, Any], spot: bool) -> int:
    """Cores of a pool as it is, or is becoming."""
    kind = "LowPriorityNodes" if spot else "DedicatedNodes"
    nodes = max(int(pool.get(f"{each}{kind}") or 0) for each in ("current", "target"))
    return nodes * cores(str(pool.get("vmSize")))
