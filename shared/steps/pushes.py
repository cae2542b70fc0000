"""A push to a repository as the trigger of an action: who signed it, whether it is meant, and once only.

The signature covers the body alone. A delivery's number is a mere header, so the body's digest is
remembered too, and a push that is older than what is remembered is refused by its own (signed) time.
"""

import hashlib
import hmac
from contextlib import suppress
from typing import Any

from shared.errors import Conflict, Exists, HeadnodeError, Refused
from shared.model.action import PUSHED, Action, PushTaken
from shared.model.run import Run
from shared.ports import World
from shared.steps import actions

KEPT = 30 * 86400.0
"""Seconds for which a push is remembered; GitHub itself offers to send one again for three days."""
SCHEME = "sha256="
NOBODY = "0" * 64
"""A key that signs nothing: for an action that is not there, so that both answers take the same time."""


class Unsigned(Refused):
    """The signature is missing or does not fit, or there is no such action: nobody is told which."""


class Replayed(Conflict):
    """This push was taken already, or is too old to know."""


def verified(world: World, action_id: str, body: bytes, signature: str) -> Action:
    """The action that a signed body is for. Raises Unsigned. Compares in constant time."""
    found = world.store.get(Action, action_id)
    action = found if found is not None and found.source == PUSHED and found.secret else None
    secret = world.vault.open(action.secret, actions.context(action.id)) if action else NOBODY
    wanted = SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    fits = hmac.compare_digest(wanted.encode(), signature.encode(errors="replace"))
    if action is None or not fits:
        raise Unsigned("the signature does not fit")
    return action


def ignored(action: Action, push: dict[str, Any]) -> str:
    """Why a push is not this action's business, or "". Without a revision the repository's default
    branch is meant. Pure."""
    repository = push.get("repository")
    repository = repository if isinstance(repository, dict) else {}
    ref = str(push.get("ref") or "")
    if not is_of(str(action.launch.get("pipeline") or ""), repository):
        return "ignored: it is of another repository"
    if push.get("deleted") is True:
        return "ignored: it deletes a branch"
    wanted = str(action.launch.get("revision") or repository.get("default_branch") or "")
    if ref not in (f"refs/heads/{wanted}", f"refs/tags/{wanted}"):
        return f"ignored: it is not to {wanted}"
    return ""


def is_of(pipeline: str, repository: dict[str, Any]) -> bool:
    """Whether a pipeline's address is one of a repository's. A bare `owner/name` fits by that."""
    names = [repository.get(key) for key in ("full_name", "html_url", "clone_url", "ssh_url", "git_url")]
    return bool(pipeline) and plain(pipeline) in {plain(name) for name in names if isinstance(name, str)}


def plain(address: str) -> str:
    """An address without what may differ between spellings of it."""
    return address.lower().rstrip("/").removesuffix(".git")


def take(world: World, action: Action, delivery: str, body: bytes, push: dict[str, Any]) -> Run:
    """The run that a push becomes. A push whose run was never made, after a crash or since the environment
    was not there, may be sent again and makes the one run then. Raises Replayed, Paused, Conflict."""
    now = world.clock.now()
    if pushed_at(push) < now - KEPT:
        raise Replayed("this push is too old")
    taken = remembered(world, action, delivery, body)
    event = described(push)
    try:
        run = actions.launched(world, action, revision_of(event), taken.run_id)
    except Exists:
        raise Replayed(f"delivery {delivery} was taken already") from None
    except HeadnodeError as error:
        actions.noted(world, action, event, str(error))
        raise
    with suppress(Conflict):
        world.store.save(taken.but(done=True))
    actions.noted(world, action, event)
    return run


def remembered(world: World, action: Action, delivery: str, body: bytes) -> PushTaken:
    """The record of this delivery, kept before anything is launched. Raises Replayed for one whose run
    was made, and for the same bytes under another number."""
    id = f"{action.id}/{delivery}"
    taken = world.store.get(PushTaken, id)
    if taken is not None and taken.done:
        raise Replayed(f"delivery {delivery} was taken already")
    if taken is not None:
        return taken
    taken = PushTaken(id=id, run_id=world.ids.new(16), expires_at=world.clock.now() + 2 * KEPT)
    bytes_of = taken.but(id=f"{action.id}/bytes-{hashlib.sha256(body).hexdigest()}")
    try:
        world.store.save_all(taken, bytes_of)
    except Exists:
        raise Replayed("this push was taken already") from None
    return taken.but(generation=1)


def pushed_at(push: dict[str, Any]) -> float:
    """When GitHub says that it was pushed (epoch seconds); no end of time where it does not say."""
    repository = push.get("repository")
    at = repository.get("pushed_at") if isinstance(repository, dict) else None
    return float(at) if isinstance(at, (int, float)) and not isinstance(at, bool) else float("inf")


def described(push: dict[str, Any]) -> dict[str, Any]:
    """What is remembered of a push: texts only, none of them long."""
    commit, pusher = push.get("head_commit"), push.get("pusher")
    commit = commit if isinstance(commit, dict) else {}
    pusher = pusher if isinstance(pusher, dict) else {}
    given = {
        "ref": push.get("ref"),
        "commitId": commit.get("id") or push.get("after"),
        "commitMessage": commit.get("message"),
        "pusherName": pusher.get("name"),
        "pusherEmail": pusher.get("email"),
    }
    return {name: value[:1000] for name, value in given.items() if isinstance(value, str)}


def revision_of(event: dict[str, Any]) -> dict[str, Any]:
    """What a push changes of the launch: exactly the commit that was pushed is run."""
    commit = str(event.get("commitId") or "")
    is_commit = len(commit) == 40 and all(c in "0123456789abcdef" for c in commit)
    return {"commitId": commit} if is_commit else {}
