"""Cores of VM sizes: from the dated catalogue, else as Azure's naming says
(learn.microsoft.com, "Azure virtual machine sizes naming conventions"; read 2026-11-20)."""

import re

from shared.providers.azure.catalogue import size

NAME = re.compile(
    r"(?:standard_)?(?P<family>[a-z]+)(?P<cores>\d{1,4})(?:-(?P<constrained>\d{1,4}))?(?P<features>[a-z]*)"
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
