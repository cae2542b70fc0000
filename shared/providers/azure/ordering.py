"""An order as the one PUT of a VM that it is, and what its refusals mean.

The VM describes its own network interface (and address), so that Azure makes them with it: one write, and
nothing is left behind by a request that is refused. The name follows from run, attempt and token, and
the request may only create: the same order twice is one machine.
"""

import base64
import hashlib
import re
from typing import Any

from shared.errors import Fault, HeadnodeError, Invalid, NoCapacity, NotYet, Refused
from shared.model import tags
from shared.model.machine import Offer, Order
from shared.providers.azure import versions
from shared.providers.azure.account import VALUE_LIMIT, Account, tags_of, takeable
from shared.providers.azure.catalogue import size
from shared.providers.azure.errors import Answer, hushed, is_gone, refusal

MACHINE = "Microsoft.Compute/virtualMachines"
WRITE, READ = f"{MACHINE}/write", f"{MACHINE}/read"
CUSTOM_DATA_LIMIT = 65_535
"""Bytes before base64 (Azure's documented limit)."""
YOUNG = 600.0
"""Seconds for which what an environment is made of may still be unknown to Compute."""
FRESH_GRANT = 300.0
"""Seconds for which a permission of a young environment may still be on its way."""
MACHINE_TAG = "headnode:machine"
"""On what is made with a VM: the VM's name."""
USER = "headnode"
IMAGE = {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest"}
"""Ubuntu 24.04, whose cloud-init carries out the custom data. Generation 2, so `sku` differs for Arm64."""
ARM_SKU = "server-arm64"
UNSEEN = frozenset(["InvalidResourceReference", "ResourceNotFound", "FailedIdentityOperation"])
"""How Compute says that it does not know what the VM refers to."""
EXISTS = ("PreconditionFailed", "Conflict", "PropertyChangeNotAllowed", "ResourceExists", 412)


def offers(account: Account) -> list[Offer]:
    """Sizes x zones x subnets, all of them as spot first where spot comes first, then on-demand."""
    return [
        Offer(machine_type=kind, place=place, spot=spot)
        for spot in account.options.markets
        for kind in account.options.types
        for place in places(account)
    ]


def places(account: Account) -> list[str]:
    """`zone`, or `zone/subnet` where there are several subnets; the zone may be empty: Azure chooses."""
    subnets = subnet_names(account)
    zones = account.options.zones or ("",)
    if len(subnets) < 2:
        return list(zones)
    return [f"{zone}/{subnet}" for zone in zones for subnet in subnets]


def subnet_names(account: Account) -> tuple[str, ...]:
    """The subnets to try, in order: those of the config, or those that were found in the user's network,
    or the one of our own."""
    options = account.options
    if not options.network_id:
        return ("default",)
    found = account.environment.details.get("subnets")
    looked_up = tuple(map(str, found)) if isinstance(found, list | tuple) else ()
    return options.subnets or looked_up or ("default",)


def start(account: Account, order: Order) -> str:
    """The machine's id, after one write. Raises what `meaning` says."""
    path = f"{account.group}/providers/{MACHINE}/{name_of(order)}"
    answer = account.clients.arm(
        "PUT",
        path,
        versions.COMPUTE,
        action=WRITE,
        body=request_for(account, order),
        headers={"If-None-Match": "*"},
        accept=(400, 403, 404, 409, 412),
    )
    if answer.status < 400:
        return path.lower()
    if answer.code in EXISTS or answer.status in EXISTS:
        return known(account, order, path, answer)
    raise meaning(account, answer)


def known(account: Account, order: Order, path: str, said: Answer) -> str:
    """The id of the machine that this order made before. A conflict without a machine is only that; a
    machine on its way out will not come back under this name."""
    shown = account.clients.arm("GET", path, versions.COMPUTE, action=READ, accept=(404,))
    if is_gone(shown):
        raise meaning(account, said)
    carried = tags_of(shown.body)
    wanted = {**account.tags, tags.RUN: order.run_id, tags.ATTEMPT: str(order.attempt)}
    if not wanted.items() <= carried.items():
        raise Refused(f"{path.rpartition('/')[2]} exists and is not ours")
    if shown.state == "Deleting":
        raise NoCapacity("the machine of this order is being removed", "MachineBeingDeleted")
    return path.lower()


def meaning(account: Account, answer: Answer) -> HeadnodeError:
    """What a refusal of the PUT means for this environment."""
    error = refusal(answer, WRITE)
    if answer.code in UNSEEN:
        return NotYet(str(error), after=10.0) if account.age < YOUNG else Refused(str(error))
    return hushed(error, account.age, FRESH_GRANT)


def name_of(order: Order) -> str:
    """The VM's name, within Azure's 64 characters; its interface and its disk have it too."""
    token = re.sub("[^A-Za-z0-9]", "", order.token)[:8]
    return f"headnode-{order.run_id}-{order.attempt}-{token}"


def request_for(account: Account, order: Order) -> dict[str, Any]:
    """The VM. The same order makes the same request. Raises Invalid for user data that is too long."""
    zone, subnet = place_of(account, order.offer)
    name = name_of(order)
    carried = machine_tags(account, order)
    properties: dict[str, Any] = {
        "hardwareProfile": {"vmSize": order.offer.machine_type},
        "storageProfile": storage(account, order, name),
        "osProfile": system(order, name),
        "networkProfile": {
            "networkApiVersion": versions.INLINE_NETWORK,
            "networkInterfaceConfigurations": [interface(account, name, subnet, carried)],
        },
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
    }
    if order.offer.spot:
        # -1: never above the on-demand price, so only a lack of capacity evicts.
        properties |= {"priority": "Spot", "evictionPolicy": "Delete", "billingProfile": {"maxPrice": -1}}
    request: dict[str, Any] = {
        "location": account.options.region,
        "tags": carried,
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {account.identity_id: {}}},
        "properties": properties,
    }
    return {**request, "zones": [zone]} if zone else request


def place_of(account: Account, offer: Offer) -> tuple[str, str]:
    """Zone and subnet of an offer."""
    zone, _, subnet = offer.place.partition("/")
    return zone, subnet or subnet_names(account)[0]


def storage(account: Account, order: Order, name: str) -> dict[str, Any]:
    """Image and OS disk; the disk dies with the machine (Azure's own default is to keep it)."""
    known_size = size(order.offer.machine_type)
    image = {**IMAGE, "sku": ARM_SKU} if known_size and known_size.arm else IMAGE
    disk = {
        "name": name,
        "createOption": "FromImage",
        "deleteOption": "Delete",
        "caching": "ReadWrite",
        "diskSizeGB": account.options.disk,
        "managedDisk": {"storageAccountType": "StandardSSD_LRS"},
    }
    return {"imageReference": dict(image), "osDisk": disk}


def system(order: Order, name: str) -> dict[str, Any]:
    """User data, and a way in that nobody can use: Azure wants a password or a key."""
    data = order.boot.encode()
    if len(data) > CUSTOM_DATA_LIMIT:
        raise Invalid(Fault("userData", f"{len(data)} bytes, Azure takes {CUSTOM_DATA_LIMIT}"))
    key = {"path": f"/home/{USER}/.ssh/authorized_keys", "keyData": nobodys_key(name)}
    return {
        "computerName": f"headnode-{hashlib.sha256(name.encode()).hexdigest()[:6]}",
        "adminUsername": USER,
        "customData": base64.b64encode(data).decode(),
        "linuxConfiguration": {
            "disablePasswordAuthentication": True,
            "provisionVMAgent": True,
            "ssh": {"publicKeys": [key]},
        },
    }


def nobodys_key(name: str) -> str:
    """A public SSH key in Azure's form (ed25519) whose private half nobody has: it is a hash, and not
    made from a secret. The same for the same machine."""
    kind = b"ssh-ed25519"
    point = hashlib.sha256(b"headnode: nobody may log in to " + name.encode()).digest()
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (kind, point))
    return f"{kind.decode()} {base64.b64encode(blob).decode()} nobody@headnode"


def interface(account: Account, name: str, subnet: str, carried: dict[str, str]) -> dict[str, Any]:
    """The network interface that Azure makes with the VM and deletes with it, and its public address
    where one is wanted."""
    properties: dict[str, Any] = {"primary": True, "subnet": {"id": f"{account.network_id}/subnets/{subnet}"}}
    if account.options.public_ip:
        properties["publicIPAddressConfiguration"] = {
            "name": name,
            "tags": carried,
            "sku": {"name": "Standard"},
            "properties": {"deleteOption": "Delete", "publicIPAllocationMethod": "Static"},
        }
    return {
        "name": name,
        "tags": carried,
        "properties": {
            "primary": True,
            "deleteOption": "Delete",
            "ipConfigurations": [{"name": "ip", "properties": properties}],
        },
    }


def machine_tags(account: Account, order: Order) -> dict[str, str]:
    """Ours, then the user's labels as far as Azure takes them. A label never replaces a tag of ours. The
    interface and the address carry them too, to be known for ours when nothing else is left."""
    ours = {
        **account.tags,
        tags.RUN: order.run_id,
        tags.ATTEMPT: str(order.attempt),
        tags.OWNER: order.owner[:VALUE_LIMIT],
        tags.DEADLINE: str(int(order.deadline)),
        MACHINE_TAG: name_of(order),
    }
    return {**takeable(order.labels), **ours}
