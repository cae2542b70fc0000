"""Which image nodes are made of: chosen from the list of the service itself, since images and their agents
come and go (the Ubuntu 22.04 agent ends on 2027-06-30, Azure/Batch issue 200)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import Refused
from shared.providers.azure.batch.account import BatchAccount
from shared.providers.azure.batch.listing import pages
from shared.providers.azure.catalogue import size
from shared.providers.azure.listing import moment

PUBLISHER, OFFER = "microsoft-dsvm", "ubuntu-hpc"
"""Microsoft's own image with Docker, which Nextflow takes too."""
DOCKER = "dockercompatible"
NEWEST = 24.04
"""The Ubuntu that new pools get: Nextflow knows this one; a newer one is not taken by itself."""
AGENT = re.compile(r"batch\.node\.ubuntu (\d+\.\d+)")


def chosen(account: BatchAccount, vm_type: str) -> dict[str, Any]:
    """`imageReference` and `nodeAgentSKUId` for nodes of a size. One call. Raises Refused when the service
    has no image for it."""
    shown = listed(account)
    known = size(vm_type)
    arm = known.arm if known else bool(re.search(r"\d[a-z]*p[a-z]*_v\d", vm_type.lower()))
    found = best(shown, arm, account.clock.now())
    if found is None:
        raise Refused(f"Batch has no verified Ubuntu image with Docker for {vm_type}")
    return {name: found[name] for name in ("imageReference", "nodeAgentSKUId")}


def listed(account: BatchAccount) -> list[dict[str, Any]]:
    """The images that nodes can be made of, as the service knows them."""
    url, action = account.url("supportedimages"), "Microsoft.Batch/batchAccounts/pools/read"
    return [each for page in pages(account, url, action) for each in page]


def best(images: Sequence[Mapping[str, Any]], arm: bool, now: float) -> Mapping[str, Any] | None:
    """The newest Ubuntu up to NEWEST that is verified, has Docker, fits the processor and is supported for
    another while. Pure."""
    fitting = [each for each in images if is_fitting(each, arm, now)]
    return max(fitting, key=ubuntu, default=None)


def is_fitting(image: Mapping[str, Any], arm: bool, now: float) -> bool:
    """Whether nodes may be made of it."""
    reference = image.get("imageReference") or {}
    sku = str(reference.get("sku") or "").lower()
    ends = str(image.get("batchSupportEndOfLife") or "")
    return (
        str(reference.get("publisher", "")).lower() == PUBLISHER
        and str(reference.get("offer", "")).lower() == OFFER
        and image.get("verificationType") == "verified"
        and DOCKER in [str(each).lower() for each in image.get("capabilities") or []]
        and ("arm64" in sku) == arm
        and 0 < ubuntu(image) <= NEWEST
        and (not ends or moment(ends) > now)
    )


def ubuntu(image: Mapping[str, Any]) -> float:
    """The Ubuntu of an image's node agent; 0.0 for another system."""
    found = AGENT.fullmatch(str(image.get("nodeAgentSKUId") or ""))
    return float(found[1]) if found else 0.0
