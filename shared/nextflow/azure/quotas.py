"""Whether a Batch account has room for pools and jobs, said before anything is made: a quota that is reached
raises no error in Azure, only a run that waits for ever. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence

from shared.errors import Fault
from shared.model.records import Model
from shared.nextflow.azure.catalogue import made, size


class Quotas(Model, frozen=True, kw_only=True):
    """A Batch account's limits, as ARM shows them; None where they are not known. `families` are dedicated
    cores by quota family, which count where `enforced`; a family that is not among them has none."""

    pools: int | None = None
    jobs: int | None = None
    dedicated: int | None = None
    low_priority: int | None = None
    families: Mapping[str, int] = {}
    enforced: bool = False


class PoolCores(Model, frozen=True, kw_only=True):
    """A pool: nodes at the most for one that is wanted, those it has or is getting for one that is there."""

    name: str
    size: str
    nodes: int
    low_priority: bool = False


def from_account(properties: object) -> Quotas:
    """The limits out of a Batch account as ARM shows it (2025-06-01, `properties`); none of those that have
    another shape there."""
    shown = properties if isinstance(properties, dict) else {}
    listed = shown.get("dedicatedCoreQuotaPerVMFamily")
    families = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    whole = isinstance(listed, list) and len(families) == len(listed)
    return Quotas(
        pools=_limit(shown.get("poolQuota")),
        jobs=_limit(shown.get("activeJobAndJobScheduleQuota")),
        dedicated=_limit(shown.get("dedicatedCoreQuota")),
        low_priority=_limit(shown.get("lowPriorityCoreQuota")),
        families={str(each.get("name")).lower(): _limit(each.get("coreQuota")) or 0 for each in families},
        enforced=whole and shown.get("dedicatedCoreQuotaPerVMFamilyEnforced") is True,
    )


def faults(
    quotas: Quotas,
    wanted: Sequence[PoolCores],
    there: Sequence[PoolCores] = (),
    jobs: int = 0,
    new_jobs: int = 0,
) -> list[Fault]:
    """What is missing for the wanted pools and jobs beside what is there already; each says how much is
    needed and how much is left. A wanted pool that is already there is counted once."""
    names = {each.name.lower() for each in wanted}
    others = [each for each in there if each.name.lower() not in names]
    found = [
        _short("pools", "pools", quotas.pools, len({each.name.lower() for each in others}), len(wanted)),
        _short("jobs", "active jobs", quotas.jobs, jobs, new_jobs),
        *_account_cores(quotas, wanted, others),
        *(_family_cores(quotas, wanted, others) if quotas.enforced else ()),
        *_unknown_sizes(wanted),
    ]
    return [each for each in found if each]


def nodes_left(quotas: Quotas, of: PoolCores, there: Sequence[PoolCores] = ()) -> int | None:
    """How many nodes of such a size the account still has room for; None where no limit is known."""
    cores = cores_of(of.size)
    others = [each for each in there if each.name.lower() != of.name.lower()]
    limit = quotas.low_priority if of.low_priority else quotas.dedicated
    rooms = [] if limit is None else [limit - _cores(others, of.low_priority)]
    if quotas.enforced and not of.low_priority:
        family = family_of(of.size)
        same = [each for each in others if family_of(each.size) == family]
        rooms.append(quotas.families.get(family.lower(), 0) - _cores(same, low_priority=False))
    return max(0, min(rooms) // cores) if rooms and cores else None


def cores_of(name: str) -> int:
    """Cores that count against a quota; 0 for a size that is not known."""
    known = size(name)
    return known.cores if known else 0


def family_of(name: str) -> str:
    """The quota family of a size by its name, also of one newer than our lists."""
    known = size(name)
    return (known or made(name, 0, 0, 0)).quota


def spoken(family: str) -> str:
    """A family as people say it: EDv5."""
    return re.sub(r"^standard ?| ?family$", "", family, flags=re.IGNORECASE)


def _account_cores(
    quotas: Quotas, wanted: Sequence[PoolCores], others: Sequence[PoolCores]
) -> Iterable[Fault | None]:
    for low, limit, what in (
        (False, quotas.dedicated, "dedicated cores"),
        (True, quotas.low_priority, "low-priority (Spot) cores"),
    ):
        yield _short("vmCount", what, limit, _cores(others, low), _cores(wanted, low))


def _family_cores(
    quotas: Quotas, wanted: Sequence[PoolCores], others: Sequence[PoolCores]
) -> Iterable[Fault | None]:
    families = {family_of(each.size) for each in wanted if not each.low_priority and cores_of(each.size)}
    for family in sorted(families):
        needs, has = (
            _cores([each for each in pools if family_of(each.size) == family], low_priority=False)
            for pools in (wanted, others)
        )
        limit = quotas.families.get(family.lower(), 0)
        yield _short("vmType", f"{spoken(family)} cores", limit, has, needs)


def _unknown_sizes(wanted: Sequence[PoolCores]) -> Iterable[Fault]:
    for each in wanted:
        if not cores_of(each.size):
            yield Fault("vmType", f"{each.size!r} is no VM size that is known")


def _cores(pools: Iterable[PoolCores], low_priority: bool) -> int:
    return sum(each.nodes * cores_of(each.size) for each in pools if each.low_priority is low_priority)


def _short(field: str, what: str, limit: int | None, used: int, needed: int) -> Fault | None:
    left = None if limit is None else max(0, limit - used)
    if left is None or needed <= left:
        return None
    return Fault(field, f"needs {needed} {what}, {left} left of {limit}")


def _limit(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
