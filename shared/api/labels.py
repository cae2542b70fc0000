"""/labels, and putting labels on runs, pipelines, actions and environments"""

import itertools
import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Response
from pydantic import Field, StrictBool, StringConstraints

from shared.api import records
from shared.api.answers import labels as answers
from shared.api.auth import ByUser
from shared.api.bodies import Body, Labels, Line
from shared.api.intake import Here, InWorkspace, MaybeWorkspace, body, decided
from shared.api.paging import Most, Offset, matches, page
from shared.api.problem import Problem, bad
from shared.api.routes import Routes
from shared.errors import Exists, Fault
from shared.model.label import Label
from shared.ports import World
from shared.steps import labels as steps
from shared.steps.labels import Bearer

router = Routes(tags=["labels"])

Id = Annotated[int, Field(ge=0, lt=2**63)]
Key = Annotated[Line, StringConstraints(max_length=22)]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^=,\s][^=,\x00-\x1f\x7f]*$")
]
"""A name. Clients write labels as `name=value`, several with commas between."""
Value = Annotated[str, StringConstraints(max_length=256, pattern=r"^[^,\x00-\x1f\x7f]*$")]
TAG = re.compile(r"[\w +.:@=-]*")
"""What every cloud takes in a tag."""
TYPES = ("simple", "resource", "all")


class CreateLabel(Body):
    """POST /labels"""

    name: Text
    value: Value | None = None
    resource: StrictBool | None = None
    is_default: StrictBool | None = None


class UpdateLabel(Body):
    """PUT /labels/{id}"""

    name: Text | None = None
    value: Value | None = None
    is_default: StrictBool | None = None


class Associate(Body):
    """Labels on several things, by whichever of the ids the things have."""

    label_ids: Labels | None = None
    workflow_ids: Annotated[list[Key], Field(max_length=100)] = []
    pipeline_ids: Annotated[list[Id], Field(max_length=100)] = []
    action_ids: Annotated[list[Key], Field(max_length=100)] = []
    compute_env_ids: Annotated[list[Key], Field(max_length=100)] = []


@router.get("/labels")
def list_labels(
    world: Here,
    _token: ByUser,
    workspace: InWorkspace,
    most: Most = 100,
    offset: Offset = 0,
    search: str = "",
    type: str = "all",
    isDefault: bool | None = None,  # noqa: N803
) -> dict[str, Any]:
    """By name. `search` takes parts of a name or a value; `type` is simple, resource or all.
    A workspace's labels are few: all are read, and filtered."""
    if type not in TYPES:
        raise bad(Fault("type", f"must be one of {', '.join(TYPES)}"))
    found = [
        each
        for each in records.listed(world, Label, "workspace", str(workspace))
        if matches(search, f"{each.name}={each.value}" if each.resource else each.name)
        and type in ("all", "resource" if each.resource else "simple")
        and isDefault in (None, each.default)
    ]
    return {
        "labels": [answers.label(each) for each in page(found, most, offset)],
        "totalSize": len(found),
    }


@router.post("/labels")
def create_label(
    world: Here,
    _token: ByUser,
    workspace: InWorkspace,
    request: Annotated[CreateLabel, Depends(body(CreateLabel))],
) -> dict[str, Any]:
    """A new label, or the one of this name and value that there is."""
    if request.value and request.resource is False:
        raise bad(Fault("value", "only a resource label has a value"))
    if request.resource or request.value:
        as_tag(request.name, request.value or "")
    made = steps.make(
        world,
        workspace,
        request.name,
        request.value or "",
        resource=bool(request.resource),
        default=bool(request.is_default),
    )
    return short(made, resource=made.resource)


def as_tag(name: str, value: str) -> None:
    """Raises Problem 400 where a cloud would not take a resource label as a tag."""
    texts = {"name": name, "value": value}
    if wrong := [field for field, text in texts.items() if not TAG.fullmatch(text)]:
        raise bad(*(Fault(field, "has characters that clouds do not take in tags") for field in wrong))


def short(label: Label, **more: Any) -> dict[str, Any]:
    """A label as it is answered where it was made or changed."""
    value = {"value": label.value} if label.resource else {}
    return {"id": int(label.id), "name": label.name, **value, "isDefault": label.default, **more}


@router.get("/labels/dynamic/allowed")
def allowed_dynamic_labels(_token: ByUser) -> dict[str, Any]:
    """None: labels are what they say."""
    return {"values": []}


@router.put("/labels/{id}")
def update_label(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    id: int,
    request: Annotated[UpdateLabel, Depends(body(UpdateLabel))],
) -> dict[str, Any]:
    """Changes what is sent; what bears the label shows the change."""
    if records.label(world, id, workspace).resource:
        as_tag(request.name or "", request.value or "")
    asked = {"name": request.name, "value": request.value, "default": request.is_default}
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        made = decided(lambda: steps.change(world, records.label(world, id, workspace), **given))
    except Exists:
        raise Problem(400, f"label {request.name or id} already exists") from None
    return short(made)


@router.delete("/labels/{id}", status_code=204)
def delete_label(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: int) -> Response:
    """Takes it off everything that bears it."""
    world.store.remove(Label, [records.label(world, id, workspace).id])
    return Response(status_code=204)


Finder = Callable[[World, Any, int | None], Bearer]

BEARERS: tuple[tuple[str, str, Finder], ...] = (
    ("/workflow", "workflow_ids", records.run),
    ("/pipelines", "pipeline_ids", records.pipeline),
    ("/actions", "action_ids", records.action),
    ("/headnode/compute-envs", "compute_env_ids", records.environment),
)
"""What can bear labels: its path, where a request names it, and how it is read."""


def associate(path: str, field: str, find: Finder, mode: str) -> None:
    """Makes the operation that adds, applies or removes labels on things of one kind."""

    @router.post(f"{path}/labels/{mode}", status_code=204)
    def operation(
        world: Here,
        _token: ByUser,
        workspace: MaybeWorkspace,
        request: Annotated[Associate, Depends(body(Associate))],
    ) -> Response:
        """On all of the things or, when one of them or a label is not found, on none."""
        ids = request.label_ids or []
        found = [find(world, id, workspace) for id in getattr(request, field)]
        if mode != "remove":
            for id, owner in itertools.product(ids, {each.workspace_id for each in found}):
                records.label(world, id, owner)
        for each in found:
            put(world, each.id, workspace, find, ids, mode)
        return Response(status_code=204)


def put(
    world: World,
    id: str,
    workspace: int | None,
    find: Finder,
    ids: list[int],
    mode: str,
) -> None:
    """Changes the labels of one thing, read anew for each try."""
    decided(lambda: steps.put(world, find(world, id, workspace), ids, mode))


for path, field, find in BEARERS:
    for mode in steps.MODES:
        associate(path, field, find, mode)
