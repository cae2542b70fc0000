"""Answers about VMs."""

from typing import TYPE_CHECKING, Any

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import accepted, existing, group_of, leaving, pages, stamp
from local.clouds.azure.call import Call
from local.clouds.azure.compute import errors, life
from local.clouds.azure.compute.models import MACHINE
from local.clouds.azure.errors import conflict, unmodelled

if TYPE_CHECKING:
    from local.clouds.azure.state import State

_LEVEL = {"failed": "Error"}


def shown(state: "State", vm: Resource, expand: str = "") -> dict[str, Any]:
    """A VM as GET and PUT answer it; `expand` may ask for instanceView or userData."""
    found = vm.shown()
    found["etag"] = f'"{vm.generation}"'
    found["properties"] = {**found["properties"], "timeCreated": stamp(vm.made_at)}
    if "instanceview" in expand.lower():
        found["properties"]["instanceView"] = view(state, vm)
    if "userdata" in expand.lower() and vm.kept["asked"].get("userData"):
        found["properties"]["userData"] = vm.kept["asked"]["userData"]
    return found


def view(state: "State", vm: Resource) -> dict[str, Any]:
    """The state of the provisioning and of the power, and where the console is."""
    failure, at = vm.kept.get("failure"), stamp(state.now)
    code = f"ProvisioningState/{vm.state.lower()}" + (f"/{failure.code}" if failure else "")
    status = {
        "code": code,
        "level": _LEVEL.get(vm.state.lower(), "Info"),
        "displayStatus": f"Provisioning {vm.state.lower()}",
        "time": at,
    }
    if failure:
        status["message"] = failure.message
    power = vm.kept["power"]
    statuses = [status]
    if not failure:
        statuses.append({"code": f"PowerState/{power}", "level": "Info", "displayStatus": f"VM {power}"})
    found: dict[str, Any] = {
        "statuses": statuses,
        "disks": [{"name": vm.properties["storageProfile"]["osDisk"]["name"], "statuses": [status]}],
    }
    if power == "running":
        found["computerName"] = vm.properties["osProfile"]["computerName"]
    if ((vm.properties.get("diagnosticsProfile") or {}).get("bootDiagnostics") or {}).get("enabled"):
        found[
            "bootDiagnostics"
        ] = {}  # links are given by retrieveBootDiagnosticsData, when storage is managed
    return found


def get(state: "State", call: Call) -> Answer:
    """One."""
    return Answer.json(shown(state, existing(state, call), call.query.get("$expand", "")))


def instance_view(state: "State", call: Call) -> Answer:
    """Only the instance view."""
    call.path = call.path.rpartition("/")[0]
    return Answer.json(view(state, existing(state, call)))


def listing(state: "State", call: Call) -> Answer:
    """All of a group, or of the subscription; with statusOnly how they run, and no more of them."""
    below = (
        group_of(state, call).id if "group" in call.names else f"/subscriptions/{call.names['subscription']}"
    )
    expand = call.query.get("$expand", "")
    found = state.store.of(MACHINE, below)
    if call.query.get("statusOnly", "").lower() == "true":
        return pages(state, call, [status(state, vm) for vm in found])
    return pages(state, call, [shown(state, vm, expand) for vm in found])


def status(state: "State", vm: Resource) -> dict[str, Any]:
    """How a VM runs, without what it is made of."""
    whole = vm.shown()
    known = {key: whole[key] for key in ("id", "name", "type", "location")}
    return {**known, "properties": {"vmId": vm.properties["vmId"], "instanceView": view(state, vm)}}


def patch(state: "State", call: Call) -> Answer:
    """Changes the tags: those that are sent are all that there are."""
    vm = existing(state, call)
    if vm.state == "Deleting":
        raise conflict("Conflict", f"The virtual machine '{vm.name}' is being deleted.")
    asked = call.document()
    if asked.keys() - {"tags"}:
        raise unmodelled(f"PATCH of {', '.join(sorted(asked.keys() - {'tags'}))}")
    vm.body["tags"] = asked.get("tags") or {}
    vm.generation += 1
    return Answer.json(shown(state, vm))


def delete(state: "State", call: Call) -> Answer:
    """Cuts the power; the VM is gone, with what is marked Delete, when the time has passed."""
    group_of(state, call)
    vm = state.store.get(call.path)
    if vm and vm.state == "Deleting":
        return leaving(state, call, vm)
    if vm:
        life.pull_plug(state, vm)
        vm.kept["power"] = "stopped"
    return leaving(state, call, vm, (lambda: life.release(state, vm)) if vm else None)


def deallocate(state: "State", call: Call) -> Answer:
    """Stops the machine and its costs; the VM stays."""
    call.path = call.path.rpartition("/")[0]
    vm = existing(state, call)
    life.pull_plug(state, vm)
    vm.kept["power"], vm.state = "deallocated", "Updating"
    answer = accepted(state, call, vm, False)
    return Answer(202, b"", answer.headers)


def evict(state: "State", call: Call) -> Answer:
    """204: spot will take this VM."""
    call.path = call.path.rpartition("/")[0]
    vm = existing(state, call)
    if vm.properties.get("priority") != "Spot":
        raise errors.not_spot()
    life.announce(state, vm, state.timings.spot_notice)
    return Answer(204)
