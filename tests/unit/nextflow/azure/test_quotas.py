"""What an account has no room for, in numbers."""

from hypothesis import given
from hypothesis import strategies as st

from shared.nextflow.azure.quotas import PoolCores, Quotas, cores_of, faults, from_account, nodes_left

SHOWN = {
    "poolQuota": 2,
    "activeJobAndJobScheduleQuota": 10,
    "dedicatedCoreQuota": 40,
    "lowPriorityCoreQuota": 8,
    "dedicatedCoreQuotaPerVMFamilyEnforced": True,
    "dedicatedCoreQuotaPerVMFamily": [
        {"name": "standardEDv5Family", "coreQuota": 20},
        {"name": "standardDv5Family", "coreQuota": 100},
    ],
}
QUOTAS = from_account(SHOWN)


def pool(name: str, size: str, nodes: int, **more: bool) -> PoolCores:
    return PoolCores(name=name, size=size, nodes=nodes, **more)


def said(*args, **kwargs) -> list[str]:
    return [str(each) for each in faults(*args, **kwargs)]


def test_a_family_that_is_nearly_used_up():
    there = [pool("other", "Standard_E16d_v5", 1)]
    assert said(QUOTAS, [pool("mine", "standard_e8d_v5", 2)], there) == [
        "vmType: needs 16 EDv5 cores, 4 left of 20"
    ]


def test_every_limit_at_once():
    there = [pool("a", "Standard_D8_v5", 2), pool("b", "Standard_D8_v5", 1, low_priority=True)]
    wanted = [pool("c", "Standard_D32_v5", 1), pool("d", "Standard_F4s_v2", 1, low_priority=True)]
    assert said(QUOTAS, wanted, there, jobs=10, new_jobs=1) == [
        "pools: needs 2 pools, 0 left of 2",
        "jobs: needs 1 active jobs, 0 left of 10",
        "vmCount: needs 32 dedicated cores, 24 left of 40",
        "vmCount: needs 4 low-priority (Spot) cores, 0 left of 8",
    ]


def test_a_family_that_is_not_listed_has_none():
    assert said(QUOTAS, [pool("c", "Standard_F4s_v2", 1)]) == ["vmType: needs 4 FSv2 cores, 0 left of 0"]
    assert not said(QUOTAS, [pool("c", "Standard_F4s_v2", 1, low_priority=True)])
    assert not said(QUOTAS.but(enforced=False), [pool("c", "Standard_F4s_v2", 1)])


def test_a_pool_that_is_there_is_counted_once():
    assert not said(QUOTAS, [pool("A", "Standard_D8_v5", 5)], [pool("a", "Standard_D8_v5", 5)])


def test_sizes_that_nobody_knows_are_told():
    assert said(Quotas(), [pool("a", "Standard_Z9", 1)]) == [
        "vmType: 'Standard_Z9' is no VM size that is known"
    ]


def test_limits_that_are_not_shown_are_none():
    assert (
        from_account({"poolQuota": None, "dedicatedCoreQuota": "x", "lowPriorityCoreQuota": True}) == Quotas()
    )
    assert nodes_left(Quotas(), pool("a", "Standard_D8_v5", 1)) is None


@given(
    dedicated=st.integers(0, 300),
    family=st.integers(0, 300),
    has=st.integers(0, 20),
    size=st.sampled_from(["Standard_E8d_v5", "Standard_E16d_v5"]),
)
def test_what_is_left_is_exactly_what_passes(dedicated, family, has, size):
    quotas = Quotas(dedicated=dedicated, families={"standardedv5family": family}, enforced=True)
    there = [pool("other", "Standard_E8d_v5", has)]
    left = nodes_left(quotas, pool("mine", size, 0), there)
    assert left is not None and left * cores_of(size) <= min(dedicated, family)
    assert not faults(quotas, [pool("mine", size, left)], there)
    assert faults(quotas, [pool("mine", size, left + 1)], there)
