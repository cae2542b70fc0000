"""Reading records for the API: one by its id, all of a listing, or a 404."""

import re
from collections.abc import Iterable, Iterator

from shared.api import tasks
from shared.api.bodies import NAME
from shared.api.problem import Problem, bad, not_found
from shared.errors import Fault
from shared.model.access import Credentials
from shared.model.action import Action
from shared.model.environment import Environment
from shared.model.label import Label
from shared.model.pipeline import Pipeline, pipeline_of_launch
from shared.model.records import R
from shared.model.run import Run
from shared.model.trace import Trace, shown
from shared.ports import World
from shared.steps.labels import Bearer

PAGE = 200
LONGEST_ID = 64


def kept(world: World, kind: type[R], id: str) -> R | None:
    """A record by an id that somebody sent; a text longer than any id is none, and no store's key."""
    return world.store.get(kind, id) if len(id) <= LONGEST_ID else None


def environment(world: World, id: str, workspace: int | None) -> Environment:
    """An environment, also one that was deleted. Raises Problem 404."""
    found = kept(world, Environment, id)
    if found is None or workspace not in (None, found.workspace_id):
        raise not_found("compute environment", id)
    return found


def credentials(world: World, id: str, workspace: int | None) -> Credentials:
    """Credentials that were not deleted. Raises Problem 404."""
    found = kept(world, Credentials, id)
    if found is None or found.deleted or workspace not in (None, found.workspace_id):
        raise not_found("credentials", id)
    return found


def run(world: World, id: str, workspace: int | None) -> Run:
    """A run. Raises Problem 404."""
    found = kept(world, Run, id)
    if found is None or workspace not in (None, found.workspace_id):
        raise not_found("workflow", id)
    return found


def task(world: World, run: Run, id: int) -> tasks.Task:
    """One task of a run. Raises Problem 404."""
    found = tasks.one(world, trace_of(world, run), id)
    if found is None:
        raise not_found("task", id)
    return found


def pipeline(world: World, id: int | str, workspace: int | None) -> Pipeline:
    """A pipeline. Raises Problem 404."""
    found = world.store.get(Pipeline, str(id))
    if found is None or workspace not in (None, found.workspace_id):
        raise not_found("pipeline", id)
    return found


def action(world: World, id: str, workspace: int | None) -> Action:
    """An action. Raises Problem 404."""
    found = kept(world, Action, id)
    if found is None or workspace not in (None, found.workspace_id):
        raise not_found("action", id)
    return found


def label(world: World, id: int, workspace: int | None) -> Label:
    """A label. Raises Problem 404."""
    found = world.store.get(Label, str(id))
    if found is None or workspace not in (None, found.workspace_id):
        raise not_found("label", id)
    return found


def labels_of(world: World, bearers: Iterable[Bearer]) -> dict[int, Label]:
    """All labels that these bear, by id, in one read; those that were deleted are missing."""
    ids = {str(id) for bearer in bearers for id in bearer.label_ids}
    return {int(id): label for id, label in world.store.get_many(Label, ids).items()} if ids else {}


def listed(
    world: World, kind: type[R], index: str, partition: str, newest_first: bool = False
) -> Iterator[R]:
    """All records of an index partition, read page by page as far as they are asked for."""
    after = ""
    while True:
        page = world.store.find(kind, index, partition, after=after, limit=PAGE, newest_first=newest_first)
        yield from page.items
        after = page.after
        if not after:
            return


def check_name(world: World, kind: type[Pipeline | Action], workspace: int, name: str, most: int) -> None:
    """Raises Problem 400 for a name that cannot be one, 409 for one that the workspace has, whatever its
    case."""
    if not re.fullmatch(NAME, name) or len(name) > most:
        raise bad(Fault("name", f"must be 1 to {most} letters, digits, dashes or underscores"))
    key = name.lower()
    found = world.store.find(kind, "workspace", str(workspace), upto=key, newest_first=True, limit=1)
    if any(each.name.lower() == key for each in found.items):
        raise Problem(409, f"{kind.kind} {name} already exists")


def environment_of(world: World, run: Run) -> Environment | None:
    """Where a run was launched; None for one that was started elsewhere."""
    return world.store.get(Environment, run.environment_id) if run.environment_id else None


def trace_of(world: World, run: Run) -> Trace:
    """What its newest Nextflow reported while it worked; an empty trace before that."""
    return shown(run, world.store.get(Trace, run.id))


def traces_of(world: World, runs: Iterable[Run]) -> dict[str, Trace]:
    """The traces of these runs by their ids, in one read."""
    return world.store.get_many(Trace, [run.id for run in runs])


def pipeline_of(world: World, run: Run) -> Pipeline | None:
    """The pipeline that a run was launched from, while it is there."""
    id = pipeline_of_launch(str(run.launch.get("id") or ""))
    return world.store.get(Pipeline, id) if id else None
