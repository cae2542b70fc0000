"""The permissions that Azure Cloud needs in a user's subscription, by step.

`permissions.json` holds the roles that the public platform publishes for this environment type, so that
people can keep the role they have: `full`, and one block each for `create`, `launch`, `logs`,
`data-links` and `dispose`.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.errors import Fault, Invalid

BY_STEP: Mapping[str, tuple[str, ...]] = {
    "create": ("create",),
    "launch": ("launch",),
    "logs": ("logs", "data-links"),
    "reap": ("launch", "dispose"),
    "dispose": ("dispose",),
}
"""Step -> the published blocks that cover every call it makes."""
OF_MACHINES = (
    "Microsoft.Compute/virtualMachines/",
    "Microsoft.Network/networkInterfaces/",
    "Microsoft.Network/publicIPAddresses/",
)
"""What `reap` has of its blocks: a machine and what belongs to it, and nothing else."""
KINDS = ("actions", "notActions", "dataActions", "notDataActions")
SCOPE = "/subscriptions/<SUBSCRIPTION-ID>"


def policy(step: str | None = None) -> dict[str, Any]:
    """The custom role of one step, or of them all, as the portal and the command line take it.
    `<SUBSCRIPTION-ID>` stands for the subscription. Pure; a new value each time. Raises Invalid for a step
    that does not exist."""
    whole = step is None
    return {
        "properties": {
            "roleName": "headnode-azure-cloud" if whole else f"headnode-azure-cloud-{step}",
            "description": "headnode: Azure Cloud compute environments" + ("" if whole else f", {step}"),
            "assignableScopes": [SCOPE],
            "permissions": [permissions(step)],
        }
    }


def permissions(step: str | None = None) -> dict[str, list[str]]:
    """What the role of a step (None: of them all) allows. Raises Invalid for a step that does not
    exist."""
    if step is None:
        return {kind: list(published()["full"][kind]) for kind in KINDS}
    if step not in BY_STEP:
        raise Invalid(Fault("step", f"{step!r} is not one of {', '.join(BY_STEP)}"))
    found = {kind: together(kind, BY_STEP[step]) for kind in KINDS}
    if step == "reap":
        found["actions"] = [each for each in found["actions"] if each.startswith(OF_MACHINES)]
        found["dataActions"] = []
    return found


def together(kind: str, blocks: tuple[str, ...]) -> list[str]:
    """Actions of one kind of several blocks, each once."""
    return list(dict.fromkeys(action for block in blocks for action in published()[block][kind]))


@functools.cache
def published() -> dict[str, Any]:
    """The published roles by block. Read once; not to be changed."""
    found: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())
    return found
