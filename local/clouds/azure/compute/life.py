"""The life of VMs: the machine that boots, every way to its end, and what an end leaves behind."""

from typing import TYPE_CHECKING

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.compute import models
from local.clouds.azure.network.models import remove_interface

if TYPE_CHECKING:
    from local.clouds.azure.state import State


def boot(state: "State", vm: Resource) -> None:
    """Starts the machine on a thread of its own; a shutdown from within leaves the VM `stopped`, where
    it goes on costing."""
    vm_id, program = vm.properties["vmId"], models.program(vm.kept["asked"])

    def over(_: int) -> None:
        if vm.kept["power"] in ("starting", "running"):
            vm.kept["power"] = "stopped"

    def start() -> None:
        if ended(state, vm):
            return
        vm.kept["machine"] = state.room.start(vm_id, program, over)
        if ended(state, vm):
            vm.kept["machine"].kill()

    if state.machines:
        state.room.later(0, start)


def ended(state: "State", vm: Resource) -> bool:
    """Whether the VM is on its way out, or gone."""
    return state.store.get(vm.id) is not vm or vm.state == "Deleting" or vm.kept["power"] == "deallocated"


def pull_plug(state: "State", vm: Resource) -> None:
    """Cuts the power of a VM's machine, without waiting. Does nothing for other resources."""
    if vm.type == models.MACHINE:
        machine = vm.kept.get("machine")
        if machine:
            state.room.later(0, machine.kill)


def release(state: "State", vm: Resource, *, with_interfaces: bool = True) -> None:
    """A VM is gone: what is marked Delete goes with it; other interfaces are kept for it for a while."""
    for interface, option in models.interfaces(state, vm):
        if option == "Delete" and with_interfaces:
            remove_interface(state, interface)
        else:
            reserve(state, vm, interface)
    disk = state.store.get(vm.kept["disk"])
    if disk and vm.properties["storageProfile"]["osDisk"]["deleteOption"] == "Delete":
        state.store.remove(disk)
    elif disk:
        disk.body.pop("managedBy", None)
        disk.properties["diskState"] = "Unattached"


def reserve(state: "State", vm: Resource, interface: Resource) -> None:
    """Takes an interface from a VM, but nobody else may have it yet."""
    interface.properties.pop("virtualMachine", None)
    interface.kept["reserved_for"] = vm.id
    interface.kept["reserved_until"] = state.now + state.timings.nic_reservation


def announce(state: "State", vm: Resource, notice: float) -> None:
    """Spot wants its machine back: the Preempt event, and after `notice` seconds the end. Idempotent."""
    if "preempt_at" in vm.kept:
        return
    vm.kept["preempt_at"] = state.now + notice
    state.agenda.at(vm.kept["preempt_at"], lambda: preempt(state, vm))


def preempt(state: "State", vm: Resource) -> None:
    """The eviction itself, by the VM's policy. The interface stays behind, whatever its delete option.
    Idempotent."""
    if ended(state, vm):
        return
    pull_plug(state, vm)
    if vm.properties.get("evictionPolicy", "Deallocate") == "Deallocate":
        vm.kept["power"] = "deallocated"
        return
    vm.state = "Deleting"
    state.store.remove(vm)
    release(state, vm, with_interfaces=False)
