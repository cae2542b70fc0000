"""Which VM size Nextflow takes for a task when it makes its own pools, and a cheaper one that does the same
work; and how many nodes of each the Batch account has room for."""

from datetime import UTC, datetime
from typing import Any

from shared.errors import Fault, Invalid, Refused, Retry
from shared.model.access import Registry
from shared.model.environment import Environment
from shared.model.machine import Task
from shared.model.settings import Settings
from shared.nextflow.azure import catalogue, offers, quotas, selection, slots, units
from shared.nextflow.azure.catalogue import MIB
from shared.nextflow.azure.quotas import PoolCores, Quotas
from shared.nextflow.azure.selection import Request
from shared.ports import Clock
from shared.providers.azure.batch import quota, room
from shared.providers.azure.batch.account import BatchAccount
from shared.providers.azure.batch.clients import BatchClients
from shared.providers.azure.catalogue import plain

UNTOLD = "how many nodes there is room for is not known: "
Room = tuple[Quotas, list[PoolCores]]
"""An account's quotas, and what its pools hold of them."""


def sizes(
    clients: BatchClients | None, region: str, task: Task, settings: Settings, clock: Clock
) -> dict[str, Any]:
    """Nextflow's choice and the cheaper one (None where there is none), and what is to be said of them. With
    clients up to three reads of their account, else none. Raises Invalid for a task that is none, or a region
    that Nextflow has no sizes for."""
    request = requested(task)
    listed = catalogue.sizes(plain(region))
    if not listed:
        raise Invalid(Fault("regionId", "Nextflow knows no VM sizes there"))
    today = datetime.fromtimestamp(clock.now(), UTC).date().isoformat()
    found = offers.choice(request, listed, today, arm=task.arm)
    notes = said(task, found)
    left: Room | None = None
    if clients is not None:
        left, why = measured(clients, region, settings, clock)
        notes += [why] if why else []
    return {
        "region": plain(region),
        "machineType": request.families,
        "nextflow": shown(request, found.nextflow, left),
        "cheaper": shown(request, found.cheaper, left),
        "notes": notes,
        "listed": catalogue.date(),
        "priced": catalogue.priced(),
    }


def requested(task: Task) -> Request:
    """The task as Nextflow's rule takes it. Raises Invalid with every fault."""
    faults = [Fault("cpus", f"{task.cpus} is not between 1 and 1000")] if not 1 <= task.cpus <= 1000 else []
    amounts = {"memory": 0, "disk": 0}
    for field, text in (("memory", task.memory), ("disk", task.disk)):
        try:
            amounts[field] = units.size(text) if text else 0
        except ValueError as error:
            faults.append(Fault(field, str(error)))
    families = task.machine_type or selection.DEFAULT_TYPE
    faults += selection.unread(families)
    if faults:
        raise Invalid(*faults)
    return Request(cpus=task.cpus, families=families, **amounts)


def said(task: Task, found: offers.Choice) -> list[str]:
    """What people would not expect of the choice."""
    notes = [str(each) for each in selection.blanks(task.machine_type)]
    if not task.machine_type:
        notes.append(
            f"without machineType Nextflow takes {selection.DEFAULT_TYPE} and no other size: name families,"
            " such as Standard_D*_v5,Standard_E*_v5, and it chooses"
        )
    if found.nextflow is None:
        notes.append("Nextflow finds no size that holds the task, and fails: Cannot find a VM")
    if found.cheaper and not found.cheaper.autopool:
        name = found.cheaper.size.name
        notes.append(f"Nextflow does not take {name} by itself: make a pool of it and name that by queue")
    return notes


def shown(request: Request, offer: offers.Offer | None, left: Room | None) -> dict[str, Any] | None:
    """An offer as the API shows it."""
    if offer is None:
        return None
    size = offer.size
    return {
        "name": size.name,
        "usd": offer.usd or None,
        "usdPerTask": round(offer.usd_per_task, 6) or None,
        "tasks": offer.tasks,
        "slots": slots.of_node(size),
        "slotsPerTask": slots.of_task(request, size),
        "vcpus": size.vcpus,
        "memoryGiB": size.memory_gib,
        "diskGiB": size.disk // MIB,
        "nvmeGiB": size.nvme // MIB,
        "architecture": "arm64" if size.arm else "x64",
        "retires": size.retires or None,
        "quotaFamily": size.quota,
        "autopool": offer.autopool,
        "warnings": list(offer.warnings),
        "nodesLeft": rooms(left, size.name) if left else None,
    }


def rooms(left: Room, size: str) -> dict[str, int | None]:
    """Nodes of a size that there is room for, of each kind; None where nothing limits them that we know."""
    limits, there = left
    kinds = {"dedicated": False, "spot": True}
    return {
        kind: quotas.nodes_left(limits, PoolCores(name="", size=size, nodes=0, low_priority=low), there)
        for kind, low in kinds.items()
    }


def no_registries(id: str) -> Registry:
    """Opens no login: nothing is made here."""
    raise Refused(f"credentials {id} not found")


def measured(clients: BatchClients, region: str, settings: Settings, clock: Clock) -> tuple[Room | None, str]:
    """The account's quotas and what its pools hold of them, or why nobody knows."""
    if not clients.batch_name:
        return None, f"{UNTOLD}the credentials name no Batch account"
    place = Environment(id="", name="", platform="azure-batch", config={"region": region})
    account = BatchAccount(place, clients, settings, clock, no_registries)
    try:
        limits = room.limits_of(account)
        if limits is None:
            return None, f"{UNTOLD}these credentials cannot read the quotas of {account.name}"
        return (limits, quota.there(account)), ""
    except (Refused, Retry) as error:
        return None, f"{UNTOLD}{error}"
