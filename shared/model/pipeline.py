"""Pipelines: launches that people gave a name, with their versions and schemas."""

from typing import Any, ClassVar

from shared.model.records import Record

LAUNCH = "pipeline"
"""A launch's id is this and the pipeline's number in 14 digits: 22 characters, nothing more to be stored."""


class Pipeline(Record, frozen=True, kw_only=True):
    """A pipeline. `id` is a number as text. What it launches is in its versions; `repository` and
    `environment_id` are those of the default one, so that listings read no version."""

    kind: ClassVar[str] = "pipeline"

    workspace_id: int = 0
    name: str
    description: str = ""
    icon: str = ""
    repository: str = ""
    environment_id: str = ""
    version_id: str = ""
    """The default version."""
    label_ids: tuple[int, ...] = ()
    user_id: int = 1
    owner: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def launch_id(self) -> str:
        """The id of its launch."""
        return f"{LAUNCH}{int(self.id):014d}"

    def indexes(self) -> dict[str, tuple[str, str]]:
        """`workspace` lists by name."""
        return {"workspace": (str(self.workspace_id), self.name.lower())}

    def names(self) -> tuple[str, ...]:
        """A name is unique in its workspace."""
        return (f"{self.workspace_id}/{self.name.lower()}",)


class PipelineVersion(Record, frozen=True, kw_only=True):
    """What a pipeline launches: a launch request's own body, kept losslessly. One without a name is a
    draft: what the pipeline was before somebody changed it."""

    kind: ClassVar[str] = "pipeline-version"

    pipeline_id: str
    name: str = ""
    launch: dict[str, Any]
    hash: str = ""
    """SHA-256 of the launch."""
    user_id: int = 1
    created_at: float = 0.0
    updated_at: float = 0.0

    def indexes(self) -> dict[str, tuple[str, str]]:
        """`pipeline` lists a pipeline's versions by the time they were made."""
        return {"pipeline": (self.pipeline_id, f"{self.created_at:017.3f}")}

    def names(self) -> tuple[str, ...]:
        """A name is unique in its pipeline."""
        return (f"{self.pipeline_id}/{self.name.lower()}",) if self.name else ()


class PipelineSchema(Record, frozen=True, kw_only=True):
    """A schema of parameters that somebody uploaded, as the text that it was. `id` is a number as text;
    launches name it as `pipelineSchemaId`."""

    kind: ClassVar[str] = "pipeline-schema"

    workspace_id: int = 0
    content: str
    created_at: float = 0.0


def pipeline_of_launch(launch_id: str) -> str:
    """The id of the pipeline whose launch has this id, or ""."""
    number = launch_id.removeprefix(LAUNCH)
    return str(int(number)) if len(number) == 14 and number.isascii() and number.isdigit() else ""
