"""The size that Nextflow takes beside the one that does the same work for less. Pure."""

from collections.abc import Sequence

from shared.model.records import Model
from shared.nextflow.azure import selection, slots
from shared.nextflow.azure.catalogue import MIB, Size
from shared.nextflow.azure.selection import Request


class Offer(Model, frozen=True, kw_only=True):
    """A size for a request. `usd`: for a node and hour, 0 where it is not known."""

    size: Size
    tasks: int
    """Tasks that a node runs at the same time."""
    usd: float
    autopool: bool
    """Whether Nextflow takes it by itself when it is the process's `machineType`; else it needs a pool that
    is made by somebody else, named by `queue`."""
    warnings: Sequence[str] = ()

    @property
    def usd_per_task(self) -> float:
        """What an hour of one task costs on a full node; 0 where it is not known."""
        return self.usd / self.tasks if self.tasks else 0.0


class Choice(Model, frozen=True, kw_only=True):
    """What Nextflow takes (None where it fails), and what would be better (None where nothing is)."""

    nextflow: Offer | None
    cheaper: Offer | None


def choice(request: Request, sizes: Sequence[Size], today: str, *, arm: bool = False) -> Choice:
    """Nextflow's choice from a region's list, and the cheapest size that is correct: one that holds the task,
    is not retired on `today` (2026-11-20), is no Arm machine unless `arm`, has its CPUs in truth, and costs
    less for as many tasks at once as Nextflow's own node runs. Raises selection's Invalid."""
    matching = selection.match(request.families, sizes)
    picked = selection.pick(request, sizes)
    theirs = offer(request, picked, today, arm=arm) if picked else None
    correct = [each for each in matching if not warnings(request, each, today, arm=arm)]
    wanted = theirs.tasks if theirs else 1
    offers = [offer(request, each, today, arm=arm) for each in correct if each.usd]
    ours = min(offers, key=lambda each: _order(each, wanted), default=None)
    if ours and theirs and not theirs.warnings and 0 < theirs.usd <= _order(ours, wanted)[0]:
        ours = None
    return Choice(nextflow=theirs, cheaper=None if ours and theirs and ours.size == theirs.size else ours)


def offer(request: Request, size: Size, today: str, *, arm: bool = False) -> Offer:
    """A size as an offer."""
    named = request.but(families=size.name)
    return Offer(
        size=size,
        tasks=slots.at_once(request, size),
        usd=size.usd,
        autopool=selection.best(named, [size]) is not None,
        warnings=warnings(request, size, today, arm=arm),
    )


def warnings(request: Request, size: Size, today: str, *, arm: bool = False) -> Sequence[str]:
    """What is wrong with a size for a request, though Nextflow may take it."""
    name = size.name
    found = {
        f"{name} is retired" + (f" since {size.retires}" if size.retires else ""): size.basic
        or "" < size.retires <= today,
        f"{name} is an Arm machine: images for x64 do not run on it, nor does Nextflow's azcopy": size.arm
        and not arm,
        f"{name} has {size.vcpus} vCPUs, not the {size.cores} that Nextflow counts": size.vcpus < size.cores,
        f"{name} has fewer than {request.cpus} vCPUs": size.vcpus < request.cpus,
        f"{name} has {size.memory_gib:g} GiB of memory": size.memory << 20 < request.memory,
        f"{name} has {size.local_disk // MIB} GiB of local disk": size.local_disk << 20 < request.disk,
    }
    return tuple(text for text, wrong in found.items() if wrong)


def _order(each: Offer, wanted: int) -> tuple[float, int, int, str]:
    """What it costs to run so many tasks at once; of equals the fewest nodes, each of which has to boot and
    pull images, then the smallest."""
    nodes = -(-wanted // max(1, each.tasks))
    return nodes * each.usd, nodes, each.size.cores, each.size.name
