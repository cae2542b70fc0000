"""Regions and VM sizes, from a dated file: the role that we run under may list neither."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.model.records import Model


class Size(Model, frozen=True, kw_only=True):
    """A VM size. Memory and the local temporary disk are in GiB."""

    name: str
    family: str
    vcpus: int
    memory: int
    temporary_disk: int
    generations: str
    """Of Hyper-V: `1,2` or `2`."""
    arm: bool
    spot: bool


@functools.cache
def catalogue() -> Mapping[str, Any]:
    """The file as it is. Read once; not to be changed."""
    found: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())
    return found


@functools.cache
def sizes() -> Mapping[str, Size]:
    """Sizes by name in lower case: Azure does not care about their case."""
    return {
        name.lower(): Size(
            name=name,
            family=family,
            vcpus=figures[0],
            memory=figures[1],
            temporary_disk=figures[2],
            generations=known["generations"],
            arm=known["architecture"] == "Arm64",
            spot=known["spot"],
        )
        for family, known in catalogue()["families"].items()
        for name, figures in known["sizes"].items()
    }


def size(name: str) -> Size | None:
    """The size of that name."""
    return sizes().get(name.strip().lower())


def date() -> str:
    """When the file was compiled."""
    return str(catalogue()["date"])


def regions() -> tuple[str, ...]:
    """Azure's names of the public regions, sorted."""
    return tuple(sorted(catalogue()["regions"]))


def zones(region: str) -> int:
    """How many availability zones a region has; 0 for one without, or one that is not known."""
    return int(catalogue()["regions"].get(region, 0))


def plain(region: str) -> str:
    """A region as ARM names it: `West Europe` is westeurope."""
    return "".join(region.split()).lower()
