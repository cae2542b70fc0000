"""What people do with actions, and what happens when one is triggered by a call of its hook."""

import json
from contextlib import suppress
from typing import Any

from shared.errors import Conflict, Fault, Invalid
from shared.model.access import Token, token_id
from shared.model.action import PUSHED, Action
from shared.model.run import Run
from shared.ports import World
from shared.steps import environment_changes, labels, launching, pipelines, runs

LONGEST = 100_000
"""Characters of a run's parameters, as in any other launch."""


class Paused(Conflict):
    """The action takes no triggers."""


def create(
    world: World,
    *,
    workspace_id: int,
    user_id: int,
    owner: str,
    name: str,
    source: str,
    launch: dict[str, Any],
) -> Action:
    """Records an action. Its hook works once it has a token or a secret. Raises Invalid, Exists."""
    check(world, workspace_id, launch)
    now = world.clock.now()
    return world.store.save(
        Action(
            id=world.ids.new(16),
            workspace_id=workspace_id,
            user_id=user_id,
            owner=owner,
            name=name,
            source=source,
            launch=launch,
            created_at=now,
            updated_at=now,
        )
    )


def check(world: World, workspace_id: int, launch: dict[str, Any]) -> None:
    """Raises Invalid where a launch names what the workspace does not have."""
    pipelines.check(world, workspace_id, launch)
    labels.known(world, workspace_id, launch.get("labelIds") or (), "launch.labelIds")


def update(world: World, action: Action, name: str | None, launch: dict[str, Any] | None) -> Action:
    """The action with another name or launch. Raises Invalid, Exists."""
    if launch is not None:
        check(world, action.workspace_id, launch)
        action = action.but(launch=launch, error="")
    return world.store.save(action.but(name=name or action.name, updated_at=world.clock.now()))


def pause(world: World, action: Action) -> Action:
    """Pauses an active action and resumes a paused one, as the public API has it."""
    status = "ACTIVE" if action.status == "PAUSED" else "PAUSED"
    return world.store.save(action.but(status=status, updated_at=world.clock.now()))


def delete(world: World, action: Action) -> None:
    """Forgets an action and the token of its hook, that first. Runs that it made stay. Idempotent."""
    world.store.remove(Token, [action.token_id] if action.token_id else [])
    world.store.remove(Action, [action.id])


def renew_token(world: World, action: Action, text: str) -> Action:
    """Makes this the token of the action's hook; the one before is void. Raises Conflict for an action
    that pushes trigger, and Stale."""
    if action.source == PUSHED:
        raise Conflict(f"action {action.name} is triggered by pushes: it has a secret, not a token")
    now = world.clock.now()
    token = Token(
        id=token_id(text), use="action", name=f"action {action.name}"[:50], action_id=action.id,
        user_id=action.user_id, created_at=now,
    )  # fmt: skip
    changed = action.but(token_id=token.id, updated_at=now)
    world.store.save_all(token, changed)
    world.store.remove(Token, [action.token_id] if action.token_id else [])
    return changed.but(generation=action.generation + 1)


def renew_secret(world: World, action: Action) -> str:
    """A fresh secret that pushes must be signed with; the one before is void. It is kept sealed and
    returned only now. Raises Conflict for an action that is triggered by a call, and Stale."""
    if action.source != PUSHED:
        raise Conflict(f"action {action.name} is triggered by a call: it has a token, not a secret")
    secret = world.ids.secret()
    sealed = world.vault.seal(secret, context(action.id))
    world.store.save(action.but(secret=sealed, updated_at=world.clock.now()))
    return secret


def context(id: str) -> str:
    """What the secret of this action is sealed for."""
    return f"action/{id}"


def trigger(world: World, action: Action, params: dict[str, Any]) -> Run:
    """One run of the action with these parameters over its own. Not idempotent. Raises Paused, Invalid,
    Conflict."""
    changes = {"paramsText": merged(str(action.launch.get("paramsText") or ""), params)} if params else {}
    run = launched(world, action, changes)
    noted(world, action, run_event(run))
    return run


def merged(text: str, params: dict[str, Any]) -> str:
    """Parameters over those in a text. Raises Invalid where the text is not JSON, or both are too much.
    Pure."""
    try:
        own = json.loads(text) if text.strip() else {}
    except ValueError:
        raise Invalid(Fault("params", "cannot be added: the action's own parameters are not JSON")) from None
    whole = json.dumps({**own, **params}, ensure_ascii=False)
    if len(whole) > LONGEST:
        raise Invalid(Fault("params", f"are longer than {LONGEST} characters with the action's own"))
    return whole


def launched(world: World, action: Action, changes: dict[str, Any], run_id: str = "") -> Run:
    """A run of what the action launches, with some of it changed."""
    if action.status != "ACTIVE":
        raise Paused(f"action {action.name} is {action.status}")
    environment = launching.environment_for(
        world, action.workspace_id, str(action.launch.get("computeEnvId") or "")
    )
    run = runs.submit_run(
        world,
        workspace_id=action.workspace_id,
        user_id=action.user_id,
        owner=action.owner,
        environment=environment,
        launch=launching.whole({**action.launch, "id": action.launch_id, **changes}, environment),
        label_ids=labels.after(action.label_ids, action.launch.get("labelIds") or (), "add"),
        run_id=run_id,
    )
    environment_changes.used(world, environment)
    return run


def run_event(run: Run) -> dict[str, Any]:
    """What is remembered of a call of the hook."""
    return {"workflowId": run.id}


def noted(world: World, action: Action, event: dict[str, Any] | None, error: str = "") -> None:
    """Keeps what triggered the action last, or why that came to nothing. Only for people to see: a lost
    race is let go."""
    now = world.clock.now()
    changes = {"event": {**event, "at": now}} if event else {}
    with suppress(Conflict):
        world.store.save(action.but(seen_at=now, error=error, **changes))
