"""/pipelines and /pipeline-schemas"""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Depends, Response

from shared.api import records, repositories
from shared.api.answers import launches as launch_answers
from shared.api.answers import pipelines as answers
from shared.api.auth import ByUser
from shared.api.intake import Here, InWorkspace, MaybeWorkspace, body, decided
from shared.api.launch import environment_in
from shared.api.paging import Most, Offset, matches, page
from shared.api.pipeline_bodies import CreatePipeline, CreateSchema, UpdatePipeline
from shared.api.problem import Problem, bad, not_found
from shared.api.routes import Routes
from shared.api.tenancy import USER_NAME
from shared.errors import Exists, Fault
from shared.model.environment import Environment
from shared.model.label import Label
from shared.model.pipeline import Pipeline, PipelineVersion
from shared.ports import World
from shared.steps import labels
from shared.steps import pipelines as steps

router = Routes(tags=["pipelines"])

CONFLICT: dict[int | str, dict[str, Any]] = {409: {"description": "Conflict"}}
ORDERS = {"NAME": "name", "CREATED": "created_at", "MODIFIED": "updated_at"}


@router.get("/pipelines")
def list_pipelines(
    world: Here,
    _token: ByUser,
    workspace: InWorkspace,
    most: Most = 100,
    offset: Offset = 0,
    search: str = "",
    sortBy: str = "NAME",  # noqa: N803
    sortDir: str = "ASCENDING",  # noqa: N803
) -> dict[str, Any]:
    """`search` takes words of a name, a description or an address, and `label:<name>`.
    A workspace's pipelines are few: all are read, and filtered."""
    if sortBy not in ORDERS:
        raise bad(Fault("sortBy", f"must be one of {', '.join(ORDERS)}"))
    words, wanted = terms(world, workspace, search)
    found = [
        each
        for each in records.listed(world, Pipeline, "workspace", str(workspace))
        if matches(words, each.name, each.description, each.repository)
        and all(ids & set(each.label_ids) for ids in wanted)
    ]
    if sortBy != "NAME" or sortDir == "DESCENDING":
        found.sort(key=lambda each: getattr(each, ORDERS[sortBy]), reverse=sortDir == "DESCENDING")
    return {"pipelines": shown(world, page(found, most, offset)), "totalSize": len(found)}


def terms(world: World, workspace: int, search: str) -> tuple[str, list[set[int]]]:
    """The words of a search, and the labels of each `label:` in it."""
    words = [word for word in search.split() if not word.startswith("label:")]
    names = [word.removeprefix("label:").lower() for word in search.split() if word.startswith("label:")]
    known = list(records.listed(world, Label, "workspace", str(workspace))) if names else []
    of = [{int(each.id) for each in known if name in (each.key, each.name.lower())} for name in names]
    return " ".join(words), of


def shown(world: World, found: Iterable[Pipeline]) -> list[dict[str, Any]]:
    """Pipelines of a listing, with their labels and environments read at once."""
    found = list(found)
    bearing = records.labels_of(world, found)
    places = world.store.get_many(Environment, {each.environment_id for each in found} - {""})
    there = {id: place for id, place in places.items() if place.status != "DELETED"}
    return [answers.pipeline(each, bearing, there.get(each.environment_id)) for each in found]


def one(world: World, found: Pipeline, version: PipelineVersion | None = None) -> dict[str, Any]:
    """A pipeline by itself, as one of its versions."""
    version = version or steps.default_of(world, found)
    place = environment_in(world, version.launch)
    return answers.pipeline(found, records.labels_of(world, [found]), place, version)


@router.post("/pipelines", responses=CONFLICT)
def create_pipeline(
    world: Here,
    token: ByUser,
    workspace: InWorkspace,
    request: Annotated[CreatePipeline, Depends(body(CreatePipeline))],
) -> dict[str, Any]:
    """Names a launch."""
    try:
        made = steps.create(
            world,
            workspace_id=workspace,
            user_id=token.user_id,
            owner=USER_NAME,
            name=request.name,
            description=request.description or "",
            icon=request.icon or "",
            launch=launch_answers.stored(request.launch.whole()),
            label_ids=tuple(request.label_ids or ()),
            version=(request.version.name or "") if request.version else "",
        )
    except Exists:
        raise Problem(409, f"pipeline {request.name} already exists") from None
    return {"pipeline": one(world, made)}


@router.get("/pipelines/validate", status_code=204, responses=CONFLICT)
def validate_name(world: Here, _token: ByUser, workspace: InWorkspace, name: str = "") -> Response:
    """204 when the name can be had."""
    records.check_name(world, Pipeline, workspace, name, 99)
    return Response(status_code=204)


@router.get("/pipelines/info")
def describe_repository(_token: ByUser, name: str = "", revision: str = "") -> dict[str, Any]:
    """What the address says by itself; the repository is not read."""
    try:
        return {"pipelineInfo": repositories.described(name, revision)}
    except ValueError as error:
        raise bad(Fault("name", str(error))) from None


@router.get("/pipelines/repositories")
def list_repositories(world: Here, _token: ByUser, workspace: InWorkspace) -> dict[str, Any]:
    """Those of the workspace's pipelines."""
    found = records.listed(world, Pipeline, "workspace", str(workspace))
    return {"pipelines": sorted({each.repository for each in found})}


@router.get("/pipelines/{id}")
def describe_pipeline(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: int) -> dict[str, Any]:
    """With its default version."""
    return {"pipeline": one(world, records.pipeline(world, id, workspace))}


@router.put("/pipelines/{id}", responses=CONFLICT)
def update_pipeline(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    id: int,
    request: Annotated[UpdatePipeline, Depends(body(UpdatePipeline))],
) -> dict[str, Any]:
    """Changes what is sent; labels that are not sent are taken off, as the public API has it."""
    return {"pipeline": changed(world, id, workspace, request, "")}


def changed(
    world: World, id: int, workspace: int | None, request: UpdatePipeline, version_id: str
) -> dict[str, Any]:
    """The pipeline after a request; of the named version, or of the default one."""
    asked = {"name": request.name, "description": request.description, "icon": request.icon}
    given = {name: value for name, value in asked.items() if value is not None}
    launch = launch_answers.stored(request.launch.whole()) if request.launch else None

    def change() -> Pipeline:
        found = records.pipeline(world, id, workspace)
        version = version_in(world, found, version_id) if version_id else steps.default_of(world, found)
        bears = labels.known(world, found.workspace_id, request.label_ids or ())
        return steps.update(world, found, version, launch, label_ids=bears, **given)

    try:
        return one(world, decided(change))
    except Exists:
        raise Problem(409, f"pipeline {request.name} already exists") from None


def version_in(world: World, found: Pipeline, id: str) -> PipelineVersion:
    """A version of this pipeline. Raises Problem 404."""
    version = steps.version_of(world, found, id)
    if version is None:
        raise not_found("version", id)
    return version


@router.delete("/pipelines/{id}", status_code=204)
def delete_pipeline(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: int) -> Response:
    """Its runs stay."""
    steps.delete(world, records.pipeline(world, id, workspace))
    return Response(status_code=204)


@router.get("/pipelines/{id}/launch")
def describe_launch(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    id: int,
    versionId: str = "",  # noqa: N803
) -> dict[str, Any]:
    """What it launches."""
    found = records.pipeline(world, id, workspace)
    version = version_in(world, found, versionId) if versionId else steps.default_of(world, found)
    return {"launch": launch_answers.of_pipeline(found, version, environment_in(world, version.launch))}


@router.get("/pipelines/{id}/schema", responses={204: {"description": "No schema"}})
def describe_schema(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    id: int,
    versionId: str = "",  # noqa: N803
) -> Any:
    """The schema that its launch names, and its parameters; 204 without one. Repositories are not read."""
    found = records.pipeline(world, id, workspace)
    version = version_in(world, found, versionId) if versionId else steps.default_of(world, found)
    schema = version.launch.get("pipelineSchemaId")
    kept = steps.schema_of(world, found.workspace_id, schema) if schema is not None else None
    if kept is None:
        return Response(status_code=204)
    params = version.launch.get("paramsText")
    return {"schema": kept.content, **({"params": params} if params else {})}


@router.post("/pipeline-schemas")
def create_schema(
    world: Here,
    _token: ByUser,
    workspace: InWorkspace,
    request: Annotated[CreateSchema, Depends(body(CreateSchema))],
) -> dict[str, Any]:
    """Keeps a schema that launches can name as `pipelineSchemaId`."""
    made = steps.keep_schema(world, workspace, request.content)
    return {"pipelineSchema": {"id": int(made.id), "content": made.content}}
