"""Which VM size Nextflow takes for a task when it makes its own pools. Pure.

The rule, as nf-azure 1.23.2 has it (its documentation says "fewer than" where the program means "at most"):
for a glob, a task of up to 4 CPUs is looked for four times over, then twice; one of up to 8 twice; then as
it is. Of the sizes that hold it, the lowest score wins: ten for each CPU too many, one for each GiB of memory
too many, a hundredth for each GiB of disk too many, and a little for a long name. Price is no part of it.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from shared.errors import Fault, Invalid
from shared.model.records import Model
from shared.nextflow.azure.catalogue import Size

DEFAULT_TYPE = "Standard_D4a_v4"
"""`azure.batch.pools.<name>.vmType` where nobody says one."""
MIB, GIB = 1 << 20, 1 << 30
LONGEST, MOST_WILD = 400, 5
_FAMILY = re.compile(r"(?:[\w.*?-]|\[\^?[\w-]+\])+", re.ASCII)
_SHARE = Decimal("0.001")
_CLOSE = 0.0011
"""Scores further apart than this differ also once they are rounded."""


class Request(Model, frozen=True, kw_only=True):
    """What a task asks for, as in its process's directives: bytes, 0 where the directive is absent."""

    cpus: int = 1
    memory: int = 0
    disk: int = 0
    families: str = DEFAULT_TYPE
    """`machineType`, else the `vmType` of the pool `auto`."""

    def times(self, factor: int) -> "Request":
        """So many of these tasks at once."""
        return self.but(cpus=self.cpus * factor, memory=self.memory * factor, disk=self.disk * factor)

    @property
    def wild(self) -> bool:
        """Whether it names more sizes than one by a pattern."""
        return "*" in self.families or "?" in self.families


def pick(request: Request, sizes: Sequence[Size]) -> Size | None:
    """The size that Nextflow takes from a region's list, or None where it fails with "Cannot find a VM".
    Raises Invalid for a pattern that can not be read."""
    matching = match(request.families, sizes)
    found = (best(request.times(factor), matching) for factor in factors(request))
    return next((each for each in found if each), None)


def factors(request: Request) -> Sequence[int]:
    """How many such tasks Nextflow looks for room for at once, in the order in which it tries."""
    if not request.wild or request.cpus > 8:
        return (1,)
    return (4, 2, 1) if request.cpus <= 4 else (2, 1)


def best(request: Request, sizes: Iterable[Size]) -> Size | None:
    """The size with the lowest score; of equals, the first."""
    scored = [(each, raw) for each in sizes if (raw := _raw(request, each)) is not None]
    if not scored:
        return None
    limit = min(raw for _, raw in scored) + _CLOSE
    return min(((each, raw) for each, raw in scored if raw <= limit), key=lambda pair: _rounded(pair[1]))[0]


def score(request: Request, size: Size) -> float | None:
    """Nextflow's score of a size for a task as it is, lower is better; None when it does not hold it."""
    raw = _raw(request, size)
    return None if raw is None else float(_rounded(raw))


def match(families: str, sizes: Iterable[Size]) -> list[Size]:
    """The sizes that a `machineType` names, family by family. As with Nextflow a blank after a comma is part
    of the name. Raises Invalid."""
    listed = list(sizes)
    found: list[Size] = []
    for pattern in patterns(families):
        found += [each for each in listed if pattern.search(each.name)]
    return found


def patterns(families: str) -> list[re.Pattern[str]]:
    """A `machineType` as regular expressions, of which one may match. Raises Invalid for text in which
    Nextflow would see something else than globs and sets like `[^p]`."""
    if len(families) > LONGEST or sum(families.count(each) for each in "*?") > MOST_WILD * 4:
        raise Invalid(Fault("machineType", f"has more than {LONGEST} characters, or too many wildcards"))
    return [_pattern(each) for each in families.split(",") if each] or [re.compile("")] * (not families)


def faults(families: str) -> Iterable[Fault]:
    """What is wrong with a `machineType`, and what is not but will surprise."""
    yield from unread(families)
    yield from blanks(families)


def unread(families: str) -> Iterable[Fault]:
    """What of it can not be read."""
    try:
        patterns(families)
    except Invalid as error:
        yield from error.faults


def blanks(families: str) -> Iterable[Fault]:
    """What of it Nextflow takes for something else than people mean."""
    if re.search(r",\s|\s,|^\s|\s$", families):
        yield Fault("machineType", "has a blank beside a family: Nextflow never matches that family")


def _pattern(family: str) -> re.Pattern[str]:
    name = family.strip()
    if not _FAMILY.fullmatch(name) or name.count("*") + name.count("?") > MOST_WILD:
        raise Invalid(Fault("machineType", f"{family!r} is no VM size and no pattern of some"))
    if "*" in family:
        text = family.lower().replace("*", ".*")
    else:
        text = family.lower().replace("?", ".{1}") if "?" in family else family
    try:
        return re.compile(f"^{text}$", re.IGNORECASE | re.ASCII)
    except re.error as error:
        raise Invalid(Fault("machineType", f"{family!r} can not be read: {error}")) from None


def _raw(request: Request, size: Size) -> float | None:
    if request.cpus > size.cores or (request.disk and not size.disk):
        return None
    found = (size.cores - request.cpus) * 10.0
    if request.memory:
        memory = (request.memory // MIB) / 1024
        if memory > size.memory_gib:
            return None
        found += size.memory_gib - memory
    if request.disk:
        disk = float(request.disk // GIB)
        if disk > size.disk_gib:
            return None
        found += (size.disk_gib - disk) / 100
    return found + size.name_score


def _rounded(raw: float) -> Decimal:
    return Decimal(raw).quantize(_SHARE, ROUND_HALF_UP)
