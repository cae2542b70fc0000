"""/pipelines/{id}/versions"""

from typing import Annotated, Any

from fastapi import Depends, Response

from shared.api import records
from shared.api.answers import pipelines as answers
from shared.api.auth import ByUser
from shared.api.intake import Here, MaybeWorkspace, body, decided
from shared.api.launch import environment_in
from shared.api.paging import Most, Offset, matches, page
from shared.api.pipeline_bodies import ManageVersion, UpdatePipeline
from shared.api.pipelines import CONFLICT, changed, version_in
from shared.api.problem import Problem, bad
from shared.api.routes import Routes
from shared.errors import Exists, Fault
from shared.steps import pipelines as steps

router = Routes(prefix="/pipelines/{id}/versions", tags=["pipeline-versions"])


@router.get("")
def list_versions(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    id: int,
    most: Most = 100,
    offset: Offset = 0,
    search: str = "",
    isPublished: bool | None = None,  # noqa: N803
) -> dict[str, Any]:
    """The newest first. The published ones have a name; the others are what it was before a change."""
    found = records.pipeline(world, id, workspace)
    versions = [
        each
        for each in steps.versions(world, found)
        if matches(search, each.name) and isPublished in (None, bool(each.name))
    ]
    bearing = records.labels_of(world, [found])
    shown = [
        answers.pipeline(found, bearing, environment_in(world, each.launch), each)
        for each in page(versions, most, offset)
    ]
    return {"versions": shown, "totalSize": len(versions)}


@router.get("/validate", status_code=204, responses=CONFLICT)
def validate_name(
    world: Here, _token: ByUser, workspace: MaybeWorkspace, id: int, name: str = ""
) -> Response:
    """204 when the name can be had."""
    if not name:
        raise bad(Fault("name", "is required"))
    versions = steps.versions(world, records.pipeline(world, id, workspace))
    if any(each.name.lower() == name.lower() for each in versions):
        raise Problem(409, f"version {name[:100]} already exists")
    return Response(status_code=204)


@router.post("/{version_id}", responses=CONFLICT)
def update_version(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    id: int,
    version_id: str,
    request: Annotated[UpdatePipeline, Depends(body(UpdatePipeline))],
) -> dict[str, Any]:
    """As an update of the pipeline, of this version's launch."""
    return {"pipeline": changed(world, id, workspace, request, version_id)}


@router.put("/{version_id}/manage", status_code=204, responses=CONFLICT)
def manage_version(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    id: int,
    version_id: str,
    request: Annotated[ManageVersion, Depends(body(ManageVersion))],
) -> Response:
    """Names it, makes it the default."""

    def manage() -> None:
        found = records.pipeline(world, id, workspace)
        version = version_in(world, found, version_id)
        steps.manage(world, found, version, request.name, request.is_default)

    try:
        decided(manage)
    except Exists:
        raise Problem(409, f"version {request.name} already exists") from None
    return Response(status_code=204)
