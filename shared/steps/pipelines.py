"""What people do with pipelines: add, change, version, delete."""

import hashlib
from typing import Any

from shared.errors import Conflict, Fault, Invalid
from shared.model.pipeline import Pipeline, PipelineSchema, PipelineVersion
from shared.model.records import encode
from shared.ports import World
from shared.steps import labels, launching, numbers

VERSIONS = 50
"""Kept of one pipeline; the oldest draft makes room, and named ones stay."""


class Last(Conflict):
    """A pipeline keeps one version."""


def create(
    world: World,
    *,
    workspace_id: int,
    user_id: int,
    owner: str,
    name: str,
    description: str,
    icon: str,
    launch: dict[str, Any],
    label_ids: tuple[int, ...],
    version: str = "",
) -> Pipeline:
    """Records a pipeline and its first version. Raises Invalid, Exists for a name that is taken."""
    check(world, workspace_id, launch)
    now = world.clock.now()
    blank = Pipeline(
        id=str(numbers.fresh(world)),
        workspace_id=workspace_id,
        user_id=user_id,
        owner=owner,
        name=name,
        description=description,
        icon=icon,
        label_ids=labels.known(world, workspace_id, label_ids),
        created_at=now,
    )
    first = drafted(world, blank, launch, version)
    pipeline = showing(blank, first).but(updated_at=now)
    world.store.save_all(pipeline, first)
    return pipeline.but(generation=1)


def check(world: World, workspace_id: int, launch: dict[str, Any]) -> None:
    """Raises Invalid where a launch names what the workspace does not have."""
    if not launch.get("pipeline"):
        raise Invalid(Fault("launch.pipeline", "is required"))
    if id := launch.get("computeEnvId"):
        launching.environment_named(world, workspace_id, str(id))
    schema = launch.get("pipelineSchemaId")
    if schema is not None and schema_of(world, workspace_id, schema) is None:
        raise Invalid(Fault("launch.pipelineSchemaId", f"pipeline schema {schema} not found"))


def drafted(world: World, pipeline: Pipeline, launch: dict[str, Any], name: str = "") -> PipelineVersion:
    """A new version, not stored yet."""
    now = world.clock.now()
    return PipelineVersion(
        id=world.ids.new(22),
        pipeline_id=pipeline.id,
        name=name,
        launch=launch,
        hash=hash_of(launch),
        user_id=pipeline.user_id,
        created_at=now,
        updated_at=now,
    )


def hash_of(launch: dict[str, Any]) -> str:
    """What tells two launches apart."""
    return hashlib.sha256(encode(launch)).hexdigest()


def showing(pipeline: Pipeline, version: PipelineVersion) -> Pipeline:
    """The pipeline with this version as its default. Pure."""
    return pipeline.but(
        version_id=version.id,
        repository=str(version.launch.get("pipeline") or ""),
        environment_id=str(version.launch.get("computeEnvId") or ""),
    )


def default_of(world: World, pipeline: Pipeline) -> PipelineVersion:
    """What the pipeline launches. Raises Conflict when it is being deleted."""
    found = world.store.get(PipelineVersion, pipeline.version_id)
    if found is None:
        raise Conflict(f"pipeline {pipeline.name} is being deleted")
    return found


def version_of(world: World, pipeline: Pipeline, id: str) -> PipelineVersion | None:
    """One of its versions, if it is one of its."""
    found = world.store.get(PipelineVersion, id)
    return found if found is not None and found.pipeline_id == pipeline.id else None


def versions(world: World, pipeline: Pipeline) -> list[PipelineVersion]:
    """All of them, the newest first."""
    found = world.store.find(PipelineVersion, "pipeline", pipeline.id, limit=2 * VERSIONS, newest_first=True)
    return list(found.items)


def update(
    world: World,
    pipeline: Pipeline,
    version: PipelineVersion,
    launch: dict[str, Any] | None,
    **changes: Any,
) -> Pipeline:
    """The pipeline changed. A launch that differs from the version's becomes a new version, which takes
    over its name, and its place where it was the default one; the old one stays as a draft. Raises
    Invalid, Exists."""
    pipeline = pipeline.but(**changes, updated_at=world.clock.now())
    if launch is None or hash_of(launch) == version.hash:
        return world.store.save(pipeline)
    check(world, pipeline.workspace_id, launch)
    new = drafted(world, pipeline, launch)
    if pipeline.version_id == version.id:
        pipeline = showing(pipeline, new)
    world.store.save_all(pipeline, new)
    if version.name:
        # One after the other: in one commit both would hold the name.
        world.store.save(version.but(name=""))
        world.store.save(new.but(name=version.name, generation=1))
    prune(world, pipeline)
    return pipeline.but(generation=pipeline.generation + 1)


def prune(world: World, pipeline: Pipeline) -> None:
    """Forgets the oldest drafts of a pipeline that has too many."""
    drafts = [each for each in versions(world, pipeline) if not each.name and each.id != pipeline.version_id]
    world.store.remove(PipelineVersion, [each.id for each in drafts[VERSIONS:]])


def manage(
    world: World, pipeline: Pipeline, version: PipelineVersion, name: str | None, default: bool | None
) -> None:
    """Names a version and makes it the default one. Raises Exists, and Last for taking the default away:
    another one has to take it."""
    if default is False and pipeline.version_id == version.id:
        raise Last(f"version {version.name or version.id} is the default: make another one the default")
    now = world.clock.now()
    if name and name != version.name:
        version = world.store.save(version.but(name=name, updated_at=now))
    if default and pipeline.version_id != version.id:
        world.store.save(showing(pipeline, version).but(updated_at=now))


def delete(world: World, pipeline: Pipeline) -> None:
    """Forgets a pipeline with its versions. Runs that it made stay. Idempotent."""
    world.store.remove(Pipeline, [pipeline.id])
    while found := versions(world, pipeline):
        world.store.remove(PipelineVersion, [each.id for each in found])


def keep_schema(world: World, workspace_id: int, content: str) -> PipelineSchema:
    """Records a schema of parameters. Not idempotent."""
    schema = PipelineSchema(
        id=str(numbers.fresh(world)),
        workspace_id=workspace_id,
        content=content,
        created_at=world.clock.now(),
    )
    return world.store.save(schema)


def schema_of(world: World, workspace_id: int, id: Any) -> PipelineSchema | None:
    """The workspace's schema with this number, if there is one."""
    found = world.store.get(PipelineSchema, str(id))
    return found if found is not None and found.workspace_id == workspace_id else None
