"""Cores and quota families of VM sizes: from the dated catalogue, else as Azure's naming says
(learn.microsoft.com, "Azure virtual machine sizes naming conventions"; read 2026-11-20)."""

import re

from shared.providers.azure.catalogue import size

NAME = re.compile(
    r"(?:standard_)?(?P<family>[a-z]+)(?P<cores>\d+)(?:-(?P<constrained>\d+))?(?P<features>[a-z]*)"
    r"(?P<accelerator>(?:_(?!v\d)[a-z]+\d+)*)(?:_(?P<version>v\d+))?",
    re.IGNORECASE,
)
MOST_SLOTS = 256
"""Task slots that a node of Batch has at the most."""


def cores(name: str) -> int:
    """vCPUs of a size; 0 for a text that is no size."""
    known = size(name)
    if known:
        return known.vcpus
    found = NAME.fullmatch(name.strip())
    return int(found["constrained"] or found["cores"]) if found else 0


def slots(name: str) -> int:
    """Task slots of a node: one for each vCPU, as Nextflow wants it."""
    return min(MOST_SLOTS, cores(name))


def family(name: str) -> str:
    """The family that Batch counts a size's cores in: standardDDSv5Family for Standard_D4ds_v5."""
    found = NAME.fullmatch(name.strip())
    if found is None:
        return ""
    letters = f"{found['family']}{found['features']}{found['accelerator']}".replace("_", "").upper()
    return f"standard{letters}{(found['version'] or '').lower()}Family"


def spoken(family_name: str) -> str:
    """A family as people call it: DDSv5."""
    return family_name.removeprefix("standard").removesuffix("Family")
