"""Answers about workspaces."""

import base64
import hashlib
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import accepted, existing, group_of, leaving, make, pages, region
from local.clouds.azure.call import Call
from local.clouds.azure.operationalinsights import errors, models

if TYPE_CHECKING:
    from local.clouds.azure.state import State

_MOVING = ("Creating", "Updating")


def put(state: "State", call: Call) -> Answer:
    """Makes or changes one. A deleted one of the same name in the same group comes back as it was."""
    group_of(state, call, writes=True)
    back = models.recoverable(state, call.path.rstrip("/"))
    if back:
        _recover(state, call, back)
    old = state.store.get(call.path)
    if old and old.state in _MOVING:
        raise errors.busy(old.name, old.state)
    asked = call.document().get("properties") or {}
    shown = models.workspace_properties(asked, old)
    workspace, new = make(state, call, shown, begins="Updating" if old else "Creating")
    return accepted(state, call, workspace, new)


def _recover(state: "State", call: Call, workspace: Resource) -> None:
    if region(call.document()) != region(workspace.body):
        raise errors.elsewhere(workspace.name, region(workspace.body))
    models.recover(state, workspace)


def delete(state: "State", call: Call) -> Answer:
    """With force=true it is gone for good; otherwise it can come back, and its name is taken."""
    group_of(state, call)
    workspace = state.store.get(call.path)
    if workspace is None:
        return Answer(204)
    if call.query.get("force", "").lower() == "true":
        workspace.kept["forced"] = True
    tables = [each for each in state.store.of(models.TABLE, workspace.id) if each.state != "Deleting"]
    return leaving(state, call, workspace, lambda: models.put_aside(state, workspace, tables))


def deleted(state: "State", call: Call) -> Answer:
    """Those that can come back."""
    below = f"/subscriptions/{call.names['subscription']}"
    if "group" in call.names:
        below = group_of(state, call).id
    ids = [id for id in list(state.soft_deleted) if id.startswith(below.lower() + "/")]
    found = [each for each in (models.recoverable(state, id) for id in ids) if each]
    return pages(state, call, [each.shown() for each in found])


def shared_keys(state: "State", call: Call) -> Answer:
    """Keys of the old ingestion, which nobody here takes any more."""
    call.path = call.path.rpartition("/")[0]
    workspace = existing(state, call)
    seed = str(workspace.properties["customerId"])
    first, second = (
        base64.b64encode(hashlib.sha512(f"{seed}/{name}".encode()).digest()).decode() for name in "12"
    )
    return Answer.json({"primarySharedKey": first, "secondarySharedKey": second})
