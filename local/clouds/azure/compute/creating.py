"""PUT of a VM: checked, judged with all that it refers to, and only then made."""

import uuid
from typing import TYPE_CHECKING, Any

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import accepted, copied, group_of, make
from local.clouds.azure.call import Call
from local.clouds.azure.compute import errors, life, models
from local.clouds.azure.compute.models import DISK
from local.clouds.azure.compute.responses import shown
from local.clouds.azure.errors import conflict, unmodelled
from local.clouds.azure.network import errors as network_errors
from local.clouds.azure.network.models import (
    ADDRESS,
    INTERFACE,
    SUBNET,
    check_free,
    id_in,
    interface_properties,
    next_public,
    referenced,
)

if TYPE_CHECKING:
    from local.clouds.azure.state import State

_ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"


def put(state: "State", call: Call) -> Answer:
    """201 for a new VM. A VM that exists: 412 with If-None-Match, 200 when nothing would change, 409
    when something would that can not."""
    group_of(state, call, writes=True)
    asked = call.document()
    properties, old = asked.get("properties") or {}, state.store.get(call.path)
    if old:
        return _again(state, call, old, properties)
    models.check(call.names["name"], properties)
    _judge(state, call, asked, properties)
    for each in _configurations(properties):
        interface_properties(state, call.path, _with_subnets(each), asked)
    for each in properties["networkProfile"].get("networkInterfaces") or []:
        check_free(state, referenced(state, id_in(each), call.path))
    disk = _disk_id(call, properties)
    if state.store.get(disk):
        raise errors.disk_exists(disk.rpartition("/")[2])
    state.strike(call)
    return _made(state, call, properties, disk)


def _made(state: "State", call: Call, properties: dict[str, Any], disk: str) -> Answer:
    vm_id = str(uuid.uuid4())
    vm, _ = make(state, call, models.shown(properties, vm_id), begins="Creating")
    vm.kept = {"asked": copied(properties), "power": "starting", "disk": disk}
    vm.properties["storageProfile"]["osDisk"]["name"] = disk.rpartition("/")[2]
    vm.properties["storageProfile"]["osDisk"].setdefault("managedDisk", {})["id"] = disk
    _make_interfaces(state, call, vm, properties)
    for interface, _option in models.interfaces(state, vm):
        interface.properties["virtualMachine"] = {"id": vm.id}
    size = vm.properties["storageProfile"]["osDisk"].get("diskSizeGB", 30)
    state.store.put(
        Resource(
            disk,
            DISK,
            disk.rpartition("/")[2],
            {"location": vm.body["location"], "managedBy": vm.id},
            {"diskSizeGB": size, "diskState": "Attached"},
            "Succeeded",
        )
    )
    _identities(state, vm)
    fate = call.fate

    def done() -> None:
        if fate:
            vm.kept["failure"] = fate
            vm.kept["power"] = "stopped"
        elif vm.kept["power"] == "starting":
            vm.kept["power"] = "running"

    if fate is None:
        life.boot(state, vm)
    answer = accepted(state, call, vm, True, done)
    return Answer(answer.status, Answer.json(shown(state, vm)).body, answer.headers)


def _again(state: "State", call: Call, vm: Resource, properties: dict[str, Any]) -> Answer:
    if call.headers.get("if-none-match") == "*":
        raise errors.exists(vm.name)
    if vm.state == "Deleting":
        raise conflict("Conflict", f"The virtual machine '{vm.name}' is being deleted.")
    wanted = call.headers.get("if-match", "*")
    if wanted not in ("*", str(vm.generation), f'"{vm.generation}"'):
        raise errors.changed(vm.name)
    models.check(vm.name, properties)
    what = models.differs(vm, properties)
    if what:
        raise errors.unchangeable(what)
    if properties["hardwareProfile"] != vm.kept["asked"]["hardwareProfile"]:
        raise unmodelled("resizing a virtual machine")
    state.strike(call)
    vm.generation += 1
    vm.body["tags"] = call.document().get("tags") or vm.body.get("tags") or {}
    return Answer.json(shown(state, vm))


def _judge(state: "State", call: Call, asked: dict[str, Any], properties: dict[str, Any]) -> None:
    def linked(action: str, id: str) -> None:
        state.judge.require_linked(call.principal, action, call.path, id)

    for id in (asked.get("identity") or {}).get("userAssignedIdentities") or {}:
        linked(_ASSIGN, id)
        if state.store.get(id) is None:
            raise network_errors.no_reference(id, call.path)
    for each in properties["networkProfile"].get("networkInterfaces") or []:
        linked(f"{INTERFACE}/join/action", id_in(each))
    for each in _configurations(properties):
        linked(f"{INTERFACE}/write", call.path)
        linked(f"{INTERFACE}/join/action", call.path)
        for configuration in _with_subnets(each):
            linked(f"{SUBNET}/join/action", id_in(configuration["properties"].get("subnet")))
            if configuration["properties"].get("publicIPAddressConfiguration"):
                linked(f"{ADDRESS}/write", call.path)
                linked(f"{ADDRESS}/join/action", call.path)


def _configurations(properties: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = properties["networkProfile"].get("networkInterfaceConfigurations") or []
    return found


def _with_subnets(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (configuration.get("properties") or {}).get("ipConfigurations") or []
    if not found:
        raise errors.required("networkInterfaceConfigurations.ipConfigurations")
    return found


def _make_interfaces(state: "State", call: Call, vm: Resource, properties: dict[str, Any]) -> None:
    """The interfaces that the request describes. Their names end in something that nobody can
    foresee, so find them by the VM, or by their tags."""
    for each in _configurations(properties):
        wanted = each.get("properties") or {}
        id = f"{_home(call)}/providers/{INTERFACE}/{each['name']}-{uuid.uuid4().hex[:8]}"
        asked = [_with_address(state, vm, call, configuration) for configuration in _with_subnets(each)]
        body = {"location": vm.body["location"], "tags": each.get("tags") or {}}
        shown_properties = interface_properties(state, id, asked, body)
        state.store.put(
            Resource(id, INTERFACE, id.rpartition("/")[2], body, shown_properties, "Succeeded", state.now)
        )
        entry = {"primary": wanted.get("primary", True), "deleteOption": wanted.get("deleteOption", "Detach")}
        vm.properties["networkProfile"]["networkInterfaces"].append({"id": id, "properties": entry})


def _with_address(state: "State", vm: Resource, call: Call, configuration: dict[str, Any]) -> dict[str, Any]:
    asked: dict[str, Any] = copied(configuration)
    public = asked["properties"].pop("publicIPAddressConfiguration", None)
    if public:
        id = f"{_home(call)}/providers/{ADDRESS}/{public['name']}-{uuid.uuid4().hex[:8]}"
        option = (public.get("properties") or {}).get("deleteOption", "Detach")
        properties = {
            "ipAddress": next_public(state),
            "publicIPAllocationMethod": "Static",
            "deleteOption": option,
        }
        body = {
            "location": vm.body["location"],
            "tags": public.get("tags") or {},
            "sku": {"name": "Standard"},
        }
        state.store.put(
            Resource(id, ADDRESS, id.rpartition("/")[2], body, properties, "Succeeded", state.now)
        )
        asked["properties"]["publicIPAddress"] = {"id": id, "properties": {"deleteOption": option}}
    return asked


def _identities(state: "State", vm: Resource) -> None:
    attached = (vm.body.get("identity") or {}).get("userAssignedIdentities") or {}
    for id in attached:
        found = state.store.get(id)
        if found:
            attached[id] = {key: found.properties[key] for key in ("principalId", "clientId")}


def _disk_id(call: Call, properties: dict[str, Any]) -> str:
    given = properties["storageProfile"]["osDisk"].get("name")
    return f"{_home(call)}/providers/{DISK}/{given or call.names['name'] + '_OsDisk_1_' + uuid.uuid4().hex}"


def _home(call: Call) -> str:
    return call.path.partition("/providers/")[0]
