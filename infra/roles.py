"""The custom roles that the Function Apps have in the subscription, one file for each.

They follow from the permissions that the two providers publish. Write them again with

    python -m infra.roles
"""

import json
from pathlib import Path
from typing import Any

from shared.model.message import STEPS
from shared.providers.azure import permissions
from shared.providers.azure.batch import permissions as batch

FOLDER = Path(__file__).parent / "azure" / "roles"
HOLDERS = ("api", *STEPS)
"""Who has a role of its own."""
SHOWN = ("logs", "create")
"""The steps that the API may look for: it shows logs, and holds a plan against what exists."""


def role(holder: str) -> dict[str, Any]:
    """A holder's role as Azure's command line and the Bicep files take it."""
    return {
        "properties": {
            "roleName": f"headnode-{holder}",
            "description": f"headnode: compute environments on Azure Cloud and Azure Batch, {holder}",
            "assignableScopes": [permissions.SCOPE],
            # The portal shows the first block alone.
            "permissions": [{kind: list(dict.fromkeys(allowed(holder, kind))) for kind in permissions.KINDS}],
        }
    }


def allowed(holder: str, kind: str) -> list[str]:
    """The actions of one kind, of both platforms; some may be there twice."""
    if holder == "api":
        return [each for step in SHOWN for each in allowed(step, kind) if each.lower().endswith("/read")]
    return [*permissions.permissions(holder)[kind], *batch.of_host(holder)[kind]]


def text(holder: str) -> str:
    """The file's contents."""
    return json.dumps(role(holder), indent=2) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in HOLDERS:
        (FOLDER / f"{each}.json").write_text(text(each))
