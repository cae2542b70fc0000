"""VM sizes as Nextflow sees them, with what it does not know: price, architecture, NVMe disks, retirement and
quota family. From three dated files beside this one, each of which says where its figures are from."""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from shared.model.records import Model

NAME = re.compile(
    r"(?P<tier>Standard|Basic)_(?P<family>[A-Z]+)(?P<cores>\d+)(?:-(?P<active>\d+))?(?P<features>[a-z]*)"
    r"(?P<extra>(?:_(?!v\d)[A-Za-z0-9]+)*)(?:_(?P<version>v\d+))?(?P<promo>_Promo)?"
)
"""learn.microsoft.com, "Azure virtual machine sizes naming conventions"."""
MIB = 1024
"""MiB in a GiB."""
HOME = "eastus"
"""The region whose prices sizes have that nobody asks for by region."""
UNIT = 1e-5
"""US dollars in a price of the file."""


class Size(Model, frozen=True, kw_only=True):
    """A VM size. `cores`, `memory` and `disk` (MiB) are what Azure lists, and all that Nextflow knows;
    `vcpus` are those a machine really has. `usd`: for an hour, on demand, Linux; 0 where it is not known."""

    name: str
    cores: int
    memory: int
    disk: int
    series: str
    vcpus: int
    arm: bool
    basic: bool
    nvme: int = 0
    usd: float = 0.0
    retires: str = ""
    quota: str = ""
    memory_gib: float = 0.0
    disk_gib: float = 0.0
    name_score: float = 0.0

    @property
    def local_disk(self) -> int:
        """MiB of local disk of either kind."""
        return max(self.disk, self.nvme)


def size(name: str) -> Size | None:
    """The size of that name, whatever its case, at East US's price."""
    return _by_name().get(name.strip().lower())


def sizes(region: str) -> Sequence[Size]:
    """What Azure lists for a region, in its order and at its prices; nothing for a region that is not known,
    as with Nextflow."""
    name = region.strip().lower()
    return _region(name) if name in _file("sizes")["regions"] else ()


def regions() -> Sequence[str]:
    """Regions that have a list."""
    return tuple(_file("sizes")["regions"])


def date() -> str:
    """The day of the lists."""
    return str(_file("sizes")["date"])


def priced() -> str:
    """The day of the prices."""
    return str(_file("prices")["date"])


def made(name: str, cores: int, memory: int, disk: int) -> Size:
    """A size from what Azure lists of it (MiB), completed with what its name says and its series has, at East
    US's price."""
    found = NAME.fullmatch(name)
    series = _series_of(found) if found else ""
    known = _file("series")["series"].get(series, {})
    active = int(found["active"] or cores) if found else cores
    return Size(
        name=name,
        cores=cores,
        memory=memory,
        disk=disk,
        series=series,
        vcpus=active,
        arm=bool(found and "p" in found["features"]),
        basic=name.startswith("Basic_"),
        nvme=int(known.get("nvme", 0) * cores * MIB),
        usd=round(_home().get(name.lower(), 0.0) * cores, 6),
        retires=known.get("retires", ""),
        quota=_file("series")["quotas"].get(name) or known.get("quota") or (_quota(found) if found else ""),
        memory_gib=memory / MIB,
        disk_gib=disk / MIB,
        name_score=_name_score(name),
    )


def _series_of(name: re.Match[str]) -> str:
    extra, version = name["extra"], f"_{name['version']}" if name["version"] else ""
    return f"{name['family']}{name['features']}{extra}{version}"


def _quota(name: re.Match[str]) -> str:
    letters = f"{name['family']}{name['features']}{name['extra']}".replace("_", "").upper()
    promo = (name["promo"] or "").removeprefix("_")
    return f"{name['tier'].lower()}{letters}{name['version'] or ''}{promo}Family"


def _name_score(name: str) -> float:
    """Nextflow's 1 - 1/length, the quotient with Groovy's ten decimals."""
    share = (Decimal(1) / len(name)).quantize(Decimal(1).scaleb(-10), ROUND_HALF_UP)
    return float(1 - share)


@functools.cache
def _file(name: str) -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_text())
    return found


@functools.cache
def _all() -> Sequence[Size]:
    return tuple(made(name, *figures) for name, figures in _file("sizes")["sizes"].items())


@functools.cache
def _by_name() -> Mapping[str, Size]:
    return {each.name.lower(): each for each in _all()}


@functools.cache
def _region(name: str) -> Sequence[Size]:
    """The sizes of one region, made when somebody first asks for it."""
    listed = zip(_expanded(_file("sizes")["regions"][name]), _prices(name), strict=True)
    return tuple(each.but(usd=round(usd * each.cores, 6)) for each, usd in listed)


@functools.cache
def _home() -> Mapping[str, float]:
    """What a vCPU of a size costs for an hour in East US, by the size's name in lower case."""
    names = [name.lower() for name in _file("sizes")["sizes"]]
    places = _positions(_file("sizes")["regions"][HOME])
    return {names[at]: usd for at, usd in zip(places, _prices(HOME), strict=True)}


def _prices(region: str) -> list[float]:
    """What a vCPU of each size of a region's list costs for an hour."""
    found: list[float] = []
    for run in _file("prices")["regions"][region].split():
        figure, _, times = run.partition("*")
        found += [int(figure) * UNIT] * int(times or 1)
    return found


def _expanded(runs: str) -> list[Size]:
    return [_all()[at] for at in _positions(runs)]


def _positions(runs: str) -> list[int]:
    found: list[int] = []
    for run in runs.split():
        first, _, last = run.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
