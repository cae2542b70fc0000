"""Nextflow's choice beside a cheaper one that is correct."""

from hypothesis import given
from hypothesis import strategies as st

from shared.nextflow.azure.catalogue import made, sizes
from shared.nextflow.azure.offers import choice, offer
from shared.nextflow.azure.selection import GIB, Request
from shared.nextflow.azure.slots import at_once

TODAY = "2026-11-20"
EASTUS = sizes("eastus")


def test_a_retired_size_is_told_and_another_is_offered():
    found = choice(Request(cpus=1, families=""), EASTUS, TODAY)
    assert found.nextflow and found.nextflow.size.name == "Basic_A0"
    assert found.nextflow.warnings == ("Basic_A0 is retired since 2024-08-31",)
    assert found.cheaper and not found.cheaper.warnings


def test_the_cheaper_one_is_of_the_same_families():
    families = "Standard_D*_v5,Standard_D*_v4"
    found = choice(Request(cpus=2, memory=8 * GIB, families=families), EASTUS, TODAY)
    assert found.nextflow and found.nextflow.size.name == "Standard_D8_v5"
    assert found.cheaper and found.cheaper.size.name == "Standard_D8as_v5"
    assert found.cheaper.usd < found.nextflow.usd
    assert found.cheaper.tasks >= found.nextflow.tasks
    assert found.cheaper.autopool


def test_nextflow_counts_cores_that_are_not_there():
    found = offer(Request(cpus=4), made("Standard_E8-2s_v5", 8, 65536, 0), TODAY)
    assert "Standard_E8-2s_v5 has 2 vCPUs, not the 8 that Nextflow counts" in found.warnings
    assert found.usd == offer(Request(cpus=4), made("Standard_E8s_v5", 8, 65536, 0), TODAY).usd


def test_an_nvme_disk_is_a_disk_but_not_for_autopools():
    request = Request(cpus=4, disk=100 * GIB, families="Standard_D*ads_v6")
    found = choice(request, EASTUS, TODAY)
    assert found.nextflow is None
    assert found.cheaper and found.cheaper.size.name == "Standard_D4ads_v6"
    assert not found.cheaper.autopool


def test_arm_only_for_who_asks():
    request = Request(cpus=4, families="Standard_D*ps_v5,Standard_D*s_v5")
    plain, arm = choice(request, EASTUS, TODAY), choice(request, EASTUS, TODAY, arm=True)
    assert plain.cheaper is None or not plain.cheaper.size.arm
    assert arm.cheaper and arm.cheaper.size.arm


def test_nothing_is_offered_where_nextflow_is_right():
    assert choice(Request(cpus=4, families="Standard_D4as_v5"), EASTUS, TODAY).cheaper is None


@given(
    cpus=st.integers(1, 64),
    memory=st.integers(0, 512 * GIB),
    disk=st.integers(0, 512 * GIB),
    families=st.sampled_from(["", "Standard_*", "Standard_D*_v5", "Standard_E*d*_v?"]),
)
def test_an_offer_is_correct_and_never_dearer(cpus, memory, disk, families):
    request = Request(cpus=cpus, memory=memory, disk=disk, families=families)
    found = choice(request, EASTUS, TODAY)
    if found.cheaper is None:
        return
    size = found.cheaper.size
    assert size.vcpus >= cpus and (size.memory << 20) >= memory and (size.local_disk << 20) >= disk
    assert not size.arm and not size.basic
    assert at_once(request, size) >= 1
    if found.nextflow and found.nextflow.usd and not found.nextflow.warnings:
        nodes = -(-found.nextflow.tasks // found.cheaper.tasks)
        assert nodes * found.cheaper.usd < found.nextflow.usd
