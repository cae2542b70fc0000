"""What a VM is made of, checked as Azure checks it."""

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import copied
from local.clouds.azure.compute import errors
from local.clouds.azure.network.models import INTERFACE, id_in

if TYPE_CHECKING:
    from local.clouds.azure.state import State

MACHINE = "Microsoft.Compute/virtualMachines"
DISK = "Microsoft.Compute/disks"
LONGEST_DATA = 65_535
"""Bytes of custom data, and of user data, before base64."""
LONGEST_NAME = 64
_SIZE = re.compile(r"(Standard|Basic)_[A-Z]+[0-9]+[A-Za-z0-9_-]*")


def check(name: str, properties: dict[str, Any]) -> None:
    """Raises Refused for a request that no VM could be made of."""
    size = str((properties.get("hardwareProfile") or {}).get("vmSize") or "")
    if not _SIZE.fullmatch(size):
        raise errors.bad_size(size)
    if len(name) > LONGEST_NAME:
        raise errors.too_long("The name of the virtual machine", LONGEST_NAME)
    _check_system(properties)
    storage = properties.get("storageProfile") or {}
    if not storage.get("imageReference") or not (storage.get("osDisk") or {}).get("createOption"):
        raise errors.required("storageProfile.imageReference, storageProfile.osDisk.createOption")
    if properties.get("evictionPolicy") and properties.get("priority") != "Spot":
        raise errors.not_spot()
    network = properties.get("networkProfile") or {}
    if network.get("networkInterfaceConfigurations") and not network.get("networkApiVersion"):
        raise errors.required("networkProfile.networkApiVersion")
    if not (network.get("networkInterfaceConfigurations") or network.get("networkInterfaces")):
        raise errors.required("networkProfile.networkInterfaces")


def _check_system(properties: dict[str, Any]) -> None:
    system = properties.get("osProfile") or {}
    for what in ("computerName", "adminUsername"):
        if not system.get(what):
            raise errors.required(f"osProfile.{what}")
    if len(system["computerName"]) > LONGEST_NAME:
        raise errors.too_long("osProfile.computerName", LONGEST_NAME)
    keys = ((system.get("linuxConfiguration") or {}).get("ssh") or {}).get("publicKeys")
    if not keys and not system.get("adminPassword"):
        raise errors.no_way_in()
    _check_data("osProfile.customData", system.get("customData"))
    _check_data("userData", properties.get("userData"))


def _check_data(what: str, coded: Any) -> None:
    try:
        plain = base64.b64decode(coded or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise errors.not_base64(what) from None
    if len(plain) > LONGEST_DATA:
        raise errors.too_long(what, LONGEST_DATA)


def program(properties: dict[str, Any]) -> bytes:
    """What a machine carries out when it boots: custom data, or else user data."""
    coded = (properties.get("osProfile") or {}).get("customData") or properties.get("userData") or ""
    return base64.b64decode(coded)


def shown(properties: dict[str, Any], vm_id: str) -> dict[str, Any]:
    """The properties that Azure shows: secrets and programs are never given back."""
    found: dict[str, Any] = copied(properties)
    found.pop("userData", None)
    system = found.get("osProfile") or {}
    for secret in ("customData", "adminPassword"):
        system.pop(secret, None)
    disk = found["storageProfile"]["osDisk"]
    disk.setdefault("osType", "Linux")
    disk.setdefault("deleteOption", "Detach")
    found["storageProfile"].setdefault("dataDisks", [])
    found["networkProfile"] = {
        "networkInterfaces": found.get("networkProfile", {}).get("networkInterfaces") or []
    }
    return {**found, "vmId": vm_id}


def differs(vm: Resource, asked: dict[str, Any]) -> str:
    """The property that a second PUT would change and can not; empty when none."""
    before = vm.kept["asked"]
    for path in ("osProfile.customData", "osProfile.adminUsername", "osProfile.computerName", "priority",
                 "storageProfile.imageReference", "storageProfile.osDisk.name"):  # fmt: skip
        if _at(before, path) != _at(asked, path):
            return path
    return ""


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = (value or {}).get(part)
    return value


def interfaces(state: "State", vm: Resource) -> list[tuple[Resource, str]]:
    """The VM's interfaces, each with its delete option."""
    found = []
    for each in vm.properties["networkProfile"]["networkInterfaces"]:
        interface = state.store.get(id_in(each))
        if interface and interface.type == INTERFACE:
            found.append((interface, (each.get("properties") or {}).get("deleteOption", "Detach")))
    return found


def find(state: "State", who: str) -> Resource | None:
    """A VM by resource id, vmId or name."""
    for each in state.store.of(MACHINE):
        if who.lower() in (each.id.lower(), each.name.lower(), each.properties.get("vmId")):
            return each
    return None
