"""Actions as the public API shows them."""

from collections.abc import Mapping
from typing import Any

from shared.api.answers import labels as label_answers
from shared.api.answers.launches import of_action
from shared.api.answers.shape import iso, present
from shared.api.tenancy import PERSONAL
from shared.model.action import PUSHED, Action
from shared.model.environment import Environment
from shared.model.label import Label
from shared.ports import World

EVENT_FIELDS = {
    "github": ("ref", "commitId", "commitMessage", "pusherName", "pusherEmail"),
    "tower": ("workflowId",),
}


def entry(action: Action, labels: Mapping[int, Label], world: World) -> dict[str, Any]:
    """An action in a listing."""
    return present(
        **both(action, labels),
        pipeline=action.launch.get("pipeline"),
        endpoint=hook_url(world, action),
        usageCmd=usage(world, action),
    )


def described(
    action: Action, labels: Mapping[int, Label], environment: Environment | None, world: World
) -> dict[str, Any]:
    """An action in full, but for what its hook is opened with: that is shown when it is made."""
    return present(
        **both(action, labels),
        hookId=action.id,
        hookUrl=hook_url(world, action),
        lastUpdated=iso(action.updated_at),
        launch=of_action(action, environment),
    )


def both(action: Action, labels: Mapping[int, Label]) -> dict[str, Any]:
    """What a listing and a description have in common."""
    return {
        "id": action.id,
        "name": action.name,
        "source": action.source,
        "status": action.status,
        "config": config(action),
        "event": event(action),
        "error": action.error or None,
        "lastSeen": iso(action.seen_at),
        "dateCreated": iso(action.created_at),
        "labels": label_answers.of(action, labels),
    }


def config(action: Action) -> dict[str, Any]:
    """What it listens to."""
    events = {"events": ["push"]} if action.source == PUSHED else {}
    return {"discriminator": action.source, **events}


def event(action: Action) -> dict[str, Any] | None:
    """What triggered it last."""
    if not action.event:
        return None
    known = {name: action.event[name] for name in EVENT_FIELDS[action.source] if name in action.event}
    return {"discriminator": action.source, "timestamp": iso(action.event.get("at", 0.0)), **known}


def hook_url(world: World, action: Action) -> str:
    """What is to be called."""
    base = world.settings.api_url.rstrip("/")
    if action.source == PUSHED:
        return f"{base}/headnode/hooks/github/{action.id}"
    where = "" if action.workspace_id == PERSONAL else f"?workspaceId={action.workspace_id}"
    return f"{base}/actions/{action.id}/launch{where}"


def usage(world: World, action: Action) -> str | None:
    """How its hook is called; nothing for a push, which GitHub calls."""
    if action.source == PUSHED:
        return None
    return (
        "curl -H 'Content-Type: application/json' -H 'Authorization: Bearer <token>' "
        f"""-d '{{"params": {{}}}}' '{hook_url(world, action)}'"""
    )
