"""How many task slots a task takes on a node, and how many a node has. Pure.

Nextflow gives a node one slot for each core, and a task its share of them by CPUs, memory and disk. Its sizes
are whole GiB, rounded down, and it forgets the disk of a task that names no memory.
"""

import math

from shared.nextflow.azure.catalogue import Size
from shared.nextflow.azure.selection import GIB, Request

MOST = 256
"""Task slots of a node, at the most (Azure Batch)."""


def of_node(size: Size) -> int:
    """`taskSlotsPerNode` of a pool of such nodes."""
    return min(MOST, size.cores)


def of_task(request: Request, size: Size) -> int:
    """`requiredSlots` of a task, as Nextflow says it to Batch."""
    return counted(request.cpus, request.memory, request.disk, size.cores, size.memory << 20, size.disk << 20)


def counted(cpus: int, memory: int, disk: int, vm_cpus: int, vm_memory: int, vm_disk: int) -> int:
    """The same from bare figures, in bytes; 0 is absent."""
    found = min(cpus, vm_cpus, MOST)
    if not memory or not vm_memory:
        return found
    found = max(found, share(memory // GIB, vm_memory // GIB, vm_cpus))
    if not disk or not vm_disk:
        return found
    return max(found, share(disk // GIB, vm_disk // GIB, vm_cpus))


def share(wanted: float, whole: float, slots: int) -> int:
    """Slots for so much of a node's memory or disk, with the quotients that Nextflow takes."""
    return math.ceil(min(wanted, whole) / (whole / slots)) if whole else slots


def at_once(request: Request, size: Size) -> int:
    """Tasks that a node runs at the same time."""
    return of_node(size) // max(1, of_task(request, size))
