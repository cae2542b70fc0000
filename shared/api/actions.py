"""/actions: launches that a call of a hook or a push triggers"""

from typing import Annotated, Any

from fastapi import Depends, Response

from shared.api import records
from shared.api.answers import actions as answers
from shared.api.answers import launches as launch_answers
from shared.api.auth import ByUser, ByUserOrHook, minted
from shared.api.bodies import LaunchFields
from shared.api.intake import Here, InWorkspace, MaybeWorkspace, body, decided
from shared.api.launch import environment_in
from shared.api.pipeline_bodies import CreateAction, LaunchAction, UpdateAction
from shared.api.problem import Problem, bad
from shared.api.routes import Routes
from shared.api.tenancy import USER_NAME
from shared.errors import Exists, Fault
from shared.model.action import HOOKED, PUSHED, Action
from shared.steps import actions as steps

router = Routes(tags=["actions"])

TYPES = (
    (HOOKED, "Launch hook", "A call of the action's own address, with its token.", True),
    (PUSHED, "GitHub push", "A push to the pipeline's repository, signed with the action's secret.", True),
    ("cron", "Schedule", "Not served.", False),
    ("bucket", "Bucket", "Not served.", False),
)
SERVED = tuple(source for source, _, _, served in TYPES if served)


@router.get("/actions")
def list_actions(world: Here, _token: ByUser, workspace: InWorkspace) -> dict[str, Any]:
    """By name; all of a workspace, which are few."""
    found = list(records.listed(world, Action, "workspace", str(workspace)))
    bearing = records.labels_of(world, found)
    return {"actions": [answers.entry(each, bearing, world) for each in found]}


@router.post("/actions", responses={501: {"description": "Not served"}})
def create_action(
    world: Here,
    token: ByUser,
    workspace: InWorkspace,
    request: Annotated[CreateAction, Depends(body(CreateAction))],
) -> dict[str, Any]:
    """Its hook opens once it was given a token, or a secret."""
    if request.source not in SERVED:
        raise Problem(501, f"actions of source {request.source} are not served")
    try:
        made = steps.create(
            world,
            workspace_id=workspace,
            user_id=token.user_id,
            owner=USER_NAME,
            name=request.name,
            source=request.source,
            launch=repeatable(request.launch),
        )
    except Exists:
        raise Problem(400, f"action {request.name} already exists") from None
    return {"actionId": made.id}


def repeatable(asked: LaunchFields) -> dict[str, Any]:
    """The launch as it is kept. One that resumes a session can not be launched again and again."""
    if asked.resume:
        raise bad(Fault("launch.resume", "an action makes new runs"))
    return launch_answers.stored(asked.whole())


@router.get("/actions/types")
def list_types(_token: ByUser) -> dict[str, Any]:
    """What can trigger an action."""
    shown = [
        {"source": source, "display": display, "description": description, "enabled": served}
        for source, display, description, served in TYPES
    ]
    return {"eventTypes": shown}


@router.get("/actions/validate", status_code=204, responses={409: {"description": "Conflict"}})
def validate_name(world: Here, _token: ByUser, workspace: InWorkspace, name: str = "") -> Response:
    """204 when the name can be had."""
    records.check_name(world, Action, workspace, name, 100)
    return Response(status_code=204)


@router.get("/actions/{action_id}")
def describe_action(world: Here, _token: ByUser, workspace: MaybeWorkspace, action_id: str) -> dict[str, Any]:
    """With what it launches; without what opens its hook."""
    found = records.action(world, action_id, workspace)
    place = environment_in(world, found.launch)
    return {"action": answers.described(found, records.labels_of(world, [found]), place, world)}


@router.put("/actions/{action_id}", status_code=204)
def update_action(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    action_id: str,
    request: Annotated[UpdateAction, Depends(body(UpdateAction))],
) -> Response:
    """Changes the name or the launch; what is not sent stays."""
    launch = repeatable(request.launch) if request.launch else None
    try:
        decided(
            lambda: steps.update(world, records.action(world, action_id, workspace), request.name, launch)
        )
    except Exists:
        raise Problem(400, f"action {request.name} already exists") from None
    return Response(status_code=204)


@router.delete("/actions/{action_id}", status_code=204)
def delete_action(world: Here, _token: ByUser, workspace: MaybeWorkspace, action_id: str) -> Response:
    """Its hook opens nothing from now on; its runs stay."""
    steps.delete(world, records.action(world, action_id, workspace))
    return Response(status_code=204)


@router.post("/actions/{action_id}/pause", status_code=204)
def pause_action(world: Here, _token: ByUser, workspace: MaybeWorkspace, action_id: str) -> Response:
    """Pauses an active one, resumes a paused one."""
    decided(lambda: steps.pause(world, records.action(world, action_id, workspace)))
    return Response(status_code=204)


@router.post("/actions/{action_id}/launch")
def launch_action(
    world: Here,
    _token: ByUserOrHook,
    workspace: MaybeWorkspace,
    action_id: str,
    request: Annotated[LaunchAction, Depends(body(LaunchAction, optional=True))],
) -> dict[str, Any]:
    """One run, with these parameters over the action's own. Not idempotent. A user may launch any action
    this way, to try it; its own token launches it alone."""
    found = records.action(world, action_id, workspace)
    return {"workflowId": steps.trigger(world, found, request.params or {}).id}


@router.post("/headnode/actions/{action_id}/token")
def renew_token(world: Here, _token: ByUser, workspace: MaybeWorkspace, action_id: str) -> dict[str, Any]:
    """A fresh token for the hook; the one before is void. Shown now and never again."""
    text = minted(world)
    made = decided(lambda: steps.renew_token(world, records.action(world, action_id, workspace), text))
    usage = answers.usage(world, made) or ""
    return {
        "token": text,
        "hookUrl": answers.hook_url(world, made),
        "usageCmd": usage.replace("<token>", text),
    }


@router.post("/headnode/actions/{action_id}/secret")
def renew_secret(world: Here, _token: ByUser, workspace: MaybeWorkspace, action_id: str) -> dict[str, Any]:
    """A fresh secret for GitHub's settings of the webhook; the one before is void. Shown only now."""
    found = records.action(world, action_id, workspace)
    secret = decided(lambda: steps.renew_secret(world, records.action(world, action_id, workspace)))
    return {"secret": secret, "hookUrl": answers.hook_url(world, found)}
