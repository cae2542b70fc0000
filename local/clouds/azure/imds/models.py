"""The metadata document of a VM, and its events."""

import json
import time
from typing import TYPE_CHECKING, Any

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.compute import models
from local.clouds.azure.entra.models import Principal, guid

if TYPE_CHECKING:
    from local.clouds.azure.state import State


def document(state: "State", vm: Resource) -> dict[str, Any]:
    """compute and network, as far as programs on a machine look at them."""
    parts, properties = vm.id.split("/"), vm.properties
    image, tags = properties["storageProfile"]["imageReference"], vm.body.get("tags") or {}
    compute = {
        "azEnvironment": "AzurePublicCloud",
        "customData": "",
        "evictionPolicy": properties.get("evictionPolicy", ""),
        "location": vm.body["location"],
        "name": vm.name,
        "offer": image.get("offer", ""),
        "osType": "Linux",
        "priority": properties.get("priority", ""),
        "publisher": image.get("publisher", ""),
        "resourceGroupName": parts[4],
        "resourceId": vm.id,
        "sku": image.get("sku", ""),
        "subscriptionId": parts[2],
        "tags": ";".join(f"{name}:{value}" for name, value in tags.items()),
        "tagsList": [{"name": name, "value": value} for name, value in tags.items()],
        "userData": vm.kept["asked"].get("userData", ""),
        "vmId": properties["vmId"],
        "vmSize": properties["hardwareProfile"]["vmSize"],
        "zone": (vm.body.get("zones") or [""])[0],
    }
    return {
        "compute": compute,
        "network": {"interface": [_interface(each) for each, _ in models.interfaces(state, vm)]},
    }


def _interface(interface: Resource) -> dict[str, Any]:
    found = [each["properties"] for each in interface.properties["ipConfigurations"]]
    addresses = [{"privateIpAddress": each["privateIPAddress"], "publicIpAddress": ""} for each in found]
    return {"ipv4": {"ipAddress": addresses}, "macAddress": "000D3A000001"}


def identity(state: "State", vm: Resource, asked: dict[str, str]) -> Principal | None:
    """The attached identity that a request names, or the only one."""
    attached = (vm.body.get("identity") or {}).get("userAssignedIdentities") or {}
    found = [state.directory.by_object.get(each.get("principalId", "")) for each in attached.values()]
    known = [each for each in found if each]
    for name, of in (("client_id", "client_id"), ("object_id", "object_id"), ("msi_res_id", "resource_id")):
        if asked.get(name):
            return next((each for each in known if getattr(each, of).lower() == asked[name].lower()), None)
    return known[0] if len(known) == 1 else None


def scheduled(vm: Resource) -> dict[str, Any]:
    """A Preempt event while spot is about to take the VM."""
    at = vm.kept.get("preempt_at")
    if at is None:
        return {"DocumentIncarnation": 1, "Events": []}
    event = {
        "EventId": guid(vm.properties["vmId"], "preempt").upper(),
        "EventStatus": "Started" if vm.kept.get("acknowledged") else "Scheduled",
        "EventType": "Preempt",
        "ResourceType": "VirtualMachine",
        "Resources": [vm.name],
        "NotBefore": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(at)),
        "Description": "",
        "EventSource": "Platform",
        "DurationInSeconds": -1,
    }
    return {"DocumentIncarnation": 2, "Events": [event]}


def leaf(tree: Any, path: list[str]) -> Any:
    """What is at a path of the document. Raises LookupError."""
    for part in path:
        tree = tree[int(part)] if isinstance(tree, list) else tree[part]
    return tree


def requested(body: bytes) -> set[str]:
    """The ids of the events that a machine agrees to. Raises ValueError, KeyError or TypeError."""
    return {str(each["EventId"]) for each in json.loads(body)["StartRequests"]}
