"""Slots of tasks and nodes: the vectors of Nextflow's own suite, and what must hold for all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.nextflow.azure.catalogue import size, sizes
from shared.nextflow.azure.selection import GIB, Request
from shared.nextflow.azure.slots import at_once, counted, of_node, of_task


@pytest.mark.parametrize(
    ("task", "vm", "expected"),
    [
        ((1, 1, 1), (1, 1, 1), 1),
        ((1, 1, 1), (4, 64, 4), 1),
        ((1, 8, 1), (4, 64, 4), 1),
        ((1, 16, 1), (4, 64, 4), 1),
        ((1, 32, 1), (4, 64, 4), 2),
        ((1, 1, 4), (4, 64, 4), 4),
        ((1, 1, 4), (4, 64, 8), 2),
        ((2, 1, 1), (4, 64, 4), 2),
        ((4, 1, 1), (4, 64, 4), 4),
        ((2, 64, 1), (4, 64, 4), 4),
        ((1, 1, 1), (256, 256, 256), 1),
        ((1, 5, 0), (4, 8, 0), 3),
        ((1, 0, 4), (4, 64, 4), 1),  # no memory: the disk is forgotten
        ((999, 0, 0), (832, 0, 0), 256),
    ],
)
def test_slots_of_a_task(task, vm, expected):
    cpus, memory, disk = task
    vm_cpus, vm_memory, vm_disk = vm
    assert counted(cpus, memory * GIB, disk * GIB, vm_cpus, vm_memory * GIB, vm_disk * GIB) == expected


def test_sizes_are_whole_gib_rounded_down():
    d4 = size("Standard_D4d_v5")
    assert d4
    assert of_task(Request(cpus=1, memory=int(4.9 * GIB)), d4) == 1
    assert of_task(Request(cpus=1, memory=5 * GIB), d4) == 2
    assert of_task(Request(cpus=2, memory=8 * GIB, disk=75 * GIB), d4) == 2
    assert of_task(Request(cpus=4, memory=16 * GIB, disk=150 * GIB), d4) == 4


def test_a_node_has_at_most_256():
    assert of_node(size("Standard_M416s_v2")) == 256
    assert of_node(size("Standard_D4d_v5")) == 4


@given(
    cpus=st.integers(1, 300),
    memory=st.integers(0, 900 * GIB),
    disk=st.integers(0, 900 * GIB),
    vm=st.sampled_from(sizes("eastus")),
)
def test_a_task_that_fits_runs_at_least_once_at_a_time(cpus, memory, disk, vm):
    request = Request(cpus=cpus, memory=memory, disk=disk)
    taken = of_task(request, vm)
    assert taken >= min(cpus, vm.cores, 256)
    if vm.cores <= 256:
        assert 1 <= taken <= of_node(vm)
        assert at_once(request, vm) >= 1
