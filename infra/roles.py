"""The custom roles that the Function Apps have in the subscription, one file for each.

They follow from the permissions that the provider publishes. Write them again with

    python -m infra.roles
"""

import json
from pathlib import Path
from typing import Any

from shared.model.message import STEPS
from shared.providers.azure import permissions

FOLDER = Path(__file__).parent / "azure" / "roles"
HOLDERS = ("api", *STEPS)
"""Who has a role of its own."""
SHOWN = ("logs", "create")
"""The steps that the API may look for: it shows logs, and holds a plan against what exists."""


def role(holder: str) -> dict[str, Any]:
    """A holder's role as Azure's command line and the Bicep files take it."""
    if holder != "api":
        return permissions.policy(holder)
    found = permissions.policy("logs")
    found["properties"]["roleName"] = "headnode-azure-cloud-api"
    found["properties"]["description"] = "headnode: Azure Cloud compute environments, api"
    [allowed] = found["properties"]["permissions"]
    for kind in ("actions", "dataActions"):
        allowed[kind] = list(dict.fromkeys(action for step in SHOWN for action in reads(step, kind)))
    return found


def reads(step: str, kind: str) -> list[str]:
    """What a step may look at."""
    return [action for action in permissions.permissions(step)[kind] if action.lower().endswith("/read")]


def text(holder: str) -> str:
    """The file's contents."""
    return json.dumps(role(holder), indent=2) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in HOLDERS:
        (FOLDER / f"{each}.json").write_text(text(each))
