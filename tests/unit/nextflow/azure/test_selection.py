"""Nextflow's choice of a VM, against what its own program chose and what its own tests say."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.nextflow.azure.catalogue import Size, date, made, regions, size, sizes
from shared.nextflow.azure.selection import (
    GIB,
    MIB,
    Request,
    best,
    faults,
    match,
    pick,
    score,
)

EASTUS = sizes("eastus")


@pytest.mark.parametrize(
    ("cpus", "memory", "families", "chosen", "scored"),
    [
        (1, 0, "Standard_E*d_v5", "Standard_E4d_v5", 0.933),
        (2, 8, "Standard_E*d_v5", "Standard_E8d_v5", 32.933),
        (4, 16, "Standard_E*d_v5", "Standard_E16d_v5", 64.938),
        (8, 8, "Standard_E*d_v5", "Standard_E16d_v5", 112.938),
        (9, 36, "Standard_E*d_v5", "Standard_E16d_v5", 162.938),
        (2, 8, "Standard_D*d_v5,Standard_E*d_v5", "Standard_D8d_v5", 0.933),
        (2, 8, "Standard_*[^p]_v*", "Standard_D8_v3", 0.929),
        (1, 0, "", "Basic_A0", 0.875),
    ],
)
def test_nextflows_choice_in_eastus(cpus, memory, families, chosen, scored):
    request = Request(cpus=cpus, memory=memory * GIB, families=families)
    found = pick(request, EASTUS)
    assert found
    assert found.name == chosen
    factor = {1: 4, 2: 4, 4: 4, 8: 2}.get(cpus, 1) if request.wild else 1
    assert score(request.times(factor), found) == scored


def test_nextflows_choice_in_northeurope():
    assert pick(Request(cpus=4, families="standard_A?"), sizes("northeurope")).name == "Standard_A4"


@pytest.mark.parametrize(
    ("memory", "disk", "families", "chosen"),
    [
        (7168, 122880, "", "Basic_A3"),
        (7168, 291840, "standard_a?", "Standard_A3"),
        (0, 291840, "standard_a?", "Standard_A3"),
        (7168, 291840, "standard_a2,standard_a*", "Standard_A4_v2"),
    ],
)
def test_the_vectors_of_its_own_suite(memory, disk, families, chosen):
    # That suite gives plain numbers, which are bytes.
    request = Request(cpus=4, memory=memory, disk=disk, families=families)
    assert best(request, match(families, sizes("northeurope"))).name == chosen


@pytest.mark.parametrize(
    ("cpus", "memory", "disk", "vm", "expected"),
    [
        (1, 10 * MIB, 10 * MIB, (1, 10, 10), 0.75),
        (2, 10 * MIB, 10 * MIB, (1, 10, 10), None),
        (1, 10 * GIB, 10 * MIB, (1, 10, 10), None),
        (1, 10 * MIB, 10 * MIB, (2, 10, 10), 10.75),
        (1, 5 * MIB, 10 * MIB, (1, 10, 10), 0.755),
        (1, 10 * MIB, 5 * MIB, (1, 10, 10), 0.75),
        (4, 7 * GIB, 120 * GIB, (4, 7168, 122880), 0.75),
        (4, 7 * GIB, 120 * GIB, (8, 14336, 382976), 50.29),
    ],
)
def test_scores(cpus, memory, disk, vm, expected):
    assert score(Request(cpus=cpus, memory=memory, disk=disk), made("null", *vm)) == expected


@pytest.mark.parametrize(
    ("family", "name", "matches"),
    [
        ("", "Basic_A3", True),
        ("Basic_A3", "Basic_A3", True),
        ("BASIC_A3", "Basic_A3", True),
        ("Basic_A4", "Basic_A3", False),
        ("Basic", "Basic_A3", False),
        ("basic*", "Basic_A3", True),
        ("basic*", "Other_A3", False),
        ("Basic_A?", "Basic_A3", True),
        ("Basic_A?", "Basic_A33", False),
        ("Other,Basic_A3", "Basic_A3", True),
        ("Other, Basic_A3", "Basic_A3", False),
        (",", "Basic_A3", False),
    ],
)
def test_families(family, name, matches):
    assert bool(match(family, [made(name, 1, 1, 1)])) is matches


def test_a_blank_after_a_comma_is_told():
    assert [str(each) for each in faults("A, B")] == [
        "machineType: has a blank beside a family: Nextflow never matches that family"
    ]
    assert not list(faults("Standard_D*d_v5,Standard_*[^p]_v*"))


@pytest.mark.parametrize("families", ["(a+)+$", "a{9}", "***.*.*.*.*", "?*", "[", "x" * 401, "a|b", "é"])
def test_what_is_no_pattern_is_refused(families):
    with pytest.raises(Invalid):
        pick(Request(families=families), EASTUS)
    assert list(faults(families))


def test_a_region_that_is_not_known_has_no_sizes():
    assert sizes("mars") == ()
    assert pick(Request(), sizes("mars")) is None
    assert len(regions()) == 44
    assert date() == "2025-04-22"


def test_what_nextflow_does_not_know_of_a_size():
    found = size("standard_e8-4ADS_v5")
    assert found
    assert (found.name, found.cores, found.vcpus) == ("Standard_E8-4ads_v5", 8, 4)
    assert found.usd == size("Standard_E8ads_v5").usd > 0
    assert found.quota == "standardEADSv5Family"
    new = size("Standard_D4ads_v6")
    assert (new.disk, new.nvme) == (0, 220 * 1024)
    assert size("Standard_D4ps_v5").arm
    assert not size("Standard_NP10s").arm
    assert size("Standard_Z1") is None


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Standard_D4ds_v5", "standardDDSv5Family"),
        ("Standard_D4as_v6", "standardDav6Family"),
        ("Standard_E8ads_v6", "standardEadv6Family"),
        ("Standard_B4ms", "standardBSFamily"),
        ("Standard_A4m_v2", "standardAv2Family"),
        ("Standard_NC4as_T4_v3", "Standard NCASv3_T4 Family"),
        ("Standard_M64ms_v2", "standardMSMediumMemoryv2Family"),
        ("Standard_M416ms_v2", "standardMSv2Family"),
        ("Standard_D2_v2_Promo", "standardDv2PromoFamily"),
    ],
)
def test_quotas_are_kept_by_the_services_own_families(name, family):
    assert size(name).quota.lower() == family.lower()


def slow(request: Request, listed: list[Size]) -> Size | None:
    """The rule written out, without haste."""
    found = []
    for each in listed:
        if request.cpus > each.cores or (request.disk and each.disk == 0):
            continue
        total = 0.0 + abs(request.cpus - each.cores) * 10
        if request.memory:
            if (request.memory >> 20) / 1024 > each.memory / 1024:
                continue
            total += abs((request.memory >> 20) / 1024 - each.memory / 1024)
        if request.disk:
            if float(request.disk >> 30) > each.disk / 1024:
                continue
            total += abs((request.disk >> 30) - each.disk / 1024) / 100
        total += float(1 - (1 / Decimal(len(each.name))).quantize(Decimal("1e-10"), ROUND_HALF_UP))
        found.append((Decimal(total).quantize(Decimal("0.001"), ROUND_HALF_UP), each))
    return min(found, key=lambda pair: pair[0])[1] if found else None


@given(
    cpus=st.integers(1, 200),
    memory=st.one_of(st.just(0), st.integers(1, 600 * GIB)),
    disk=st.one_of(st.just(0), st.integers(1, 600 * GIB)),
    region=st.sampled_from(["eastus", "westindia", "israelcentral"]),
)
def test_the_fast_way_is_the_rule(cpus, memory, disk, region):
    request = Request(cpus=cpus, memory=memory, disk=disk, families="")
    assert best(request, sizes(region)) == slow(request, list(sizes(region)))


@given(
    cpus=st.integers(1, 12),
    memory=st.integers(0, 64 * GIB),
    families=st.sampled_from(["Standard_D*_v5", "*"]),
)
def test_what_is_picked_holds_the_task_and_is_of_the_family(cpus, memory, families):
    request = Request(cpus=cpus, memory=memory, families=families)
    found = pick(request, EASTUS)
    assert found in match(families, EASTUS)
    assert found.cores >= cpus
    assert found.memory * MIB >= memory // MIB * MIB
