"""Request bodies. They say what is acceptable; what they do not mention is let through, and kept where
the body is a config or a launch."""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

NAME = r"^[A-Za-z0-9_-]+$"
CONFIG_TEXT = 100_000
PARAMS_TEXT = 100_000
SCRIPT_TEXT = 64_000
"""Characters. A record has to fit into one item of the smallest store (400 KB)."""
LARGEST = 200_000

PROVIDERS = (
    "aws", "azure", "azure_entra", "azure-cloud", "google", "github", "github_app", "gitlab", "bitbucket",
    "ssh", "k8s", "container-reg", "tw-agent", "codecommit", "gitea", "azurerepos", "seqeracompute", "s3",
    "local",
)  # fmt: skip

Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[Line, StringConstraints(min_length=1, max_length=100, pattern=NAME)]
ShortLine = Annotated[Line, StringConstraints(max_length=1024)]
Script = Annotated[str, StringConstraints(max_length=SCRIPT_TEXT, pattern=r"^[^\x00]*$")]
ConfigText = Annotated[str, StringConstraints(max_length=CONFIG_TEXT, pattern=r"^[^\x00]*$")]
NoOption = Annotated[
    str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00-\x20\x7f-][^\x00-\x1f\x7f]*$")
]
"""A word of a command line that can not be taken for an option."""


class Body(BaseModel):
    """camelCase outside, and unknown fields ignored. What checks a body is built when the first one comes:
    no start pays for all of them."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", defer_build=True)


class Kept(Body):
    """A body whose unknown fields are kept too."""

    model_config = ConfigDict(alias_generator=to_camel, extra="allow", defer_build=True)

    def whole(self) -> dict[str, Any]:
        """What was sent, under the names that were sent."""
        return self.model_dump(by_alias=True, exclude_unset=True)


def bounded(value: Any) -> Any:
    """The value, unless it is more than a record may hold. Raises ValueError."""
    if len(str(value)) > LARGEST:
        raise ValueError(f"is larger than {LARGEST} characters")
    return value


class Variable(Kept):
    """An environment variable of an environment."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=255)]
    value: Script | None = None
    head: StrictBool | None = None
    compute: StrictBool | None = None


class Config(Kept):
    """What every platform's config has in common; the rest is the platform's to judge."""

    discriminator: Line | None = None
    work_dir: ShortLine | None = None
    environment: list[Variable] | None = None
    pre_run_script: Script | None = None
    post_run_script: Script | None = None
    nextflow_config: ConfigText | None = None

    @model_validator(mode="before")
    @classmethod
    def _small_enough(cls, value: Any) -> Any:
        return bounded(value)


class ComputeEnv(Body):
    """A compute environment to be made."""

    name: Name
    platform: Annotated[Line, StringConstraints(min_length=1, max_length=30)]
    credentials_id: Annotated[Line, StringConstraints(max_length=22)] | None = None
    description: Annotated[str, StringConstraints(max_length=2000)] | None = None
    config: Config

    @model_validator(mode="after")
    def _one_platform(self) -> Self:
        if self.config.discriminator not in (None, "", self.platform):
            raise ValueError("config.discriminator is of another platform than platform")
        return self

    def stored_config(self) -> dict[str, Any]:
        """The config as it is kept: everything that was sent, and its platform."""
        return {**self.config.whole(), "discriminator": self.platform}


Labels = Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=100)]


class PermissionsFor(Body):
    """For what permissions are asked: a step (none: all of them) and an environment's config."""

    step: str | None = None
    config: dict[str, Any] = {}


class CreateComputeEnv(Body):
    """POST /compute-envs"""

    compute_env: ComputeEnv
    label_ids: Labels | None = None


class UpdateComputeEnv(Body):
    """PUT /compute-envs/{id}"""

    name: Name | None = None
    description: Annotated[str, StringConstraints(max_length=2000)] | None = None
    credentials_id: Annotated[Line, StringConstraints(max_length=22)] | None = None


class ChangeEnvironment(Body):
    """PUT /headnode/environments/{id}: the fields of its config that change, nested ones within theirs."""

    config: dict[str, Any]


class CredentialsFields(Body):
    """Credentials. `keys` are kept as they are, whatever their provider calls them."""

    name: Name
    provider: Literal[PROVIDERS]  # type: ignore[valid-type]
    description: Annotated[str, StringConstraints(max_length=2000)] | None = None
    base_url: Annotated[Line, StringConstraints(max_length=200)] | None = None
    category: Annotated[Line, StringConstraints(max_length=20)] | None = None
    keys: dict[str, Any] = {}

    @field_validator("keys")
    @classmethod
    def _plain(cls, keys: dict[str, Any]) -> dict[str, Any]:
        for name, value in keys.items():
            if not isinstance(value, (str, bool, int, float, type(None))):
                raise ValueError(f"{name[:40]}: must be text")
            if isinstance(value, str) and len(value) > 20_000:
                raise ValueError(f"{name[:40]}: is longer than 20000 characters")
        return keys


class CreateCredentials(Body):
    """POST and PUT /credentials"""

    credentials: CredentialsFields


RUN_NAME = r"^[A-Za-z](?:[-_]?[A-Za-z0-9])*$"


class LaunchFields(Kept):
    """What to run, with what, where."""

    pipeline: NoOption | None = None
    compute_env_id: Annotated[Line, StringConstraints(max_length=22)] | None = None
    run_name: Annotated[str, StringConstraints(pattern=RUN_NAME, max_length=80)] | None = None
    work_dir: ShortLine | None = None
    revision: NoOption | None = None
    commit_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{0,40}$")] | None = None
    session_id: (
        Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
        | None
    ) = None
    resume: StrictBool | None = None
    pull_latest: StrictBool | None = None
    stub_run: StrictBool | None = None
    main_script: NoOption | None = None
    entry_name: (
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_:]*$", max_length=80)] | None
    ) = None
    config_profiles: (
        list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_.-]*$", max_length=100)]]
        | None
    ) = None
    config_text: ConfigText | None = None
    params_text: Annotated[str, StringConstraints(max_length=PARAMS_TEXT, pattern=r"^[^\x00]*$")] | None = (
        None
    )
    pre_run_script: Script | None = None
    post_run_script: Script | None = None
    launch_container: NoOption | None = None
    output_dir: NoOption | None = None
    pipeline_schema_id: Annotated[int, Field(ge=0)] | None = None
    nextflow_version: Annotated[str, StringConstraints(pattern=r"^\d[A-Za-z0-9.-]{0,30}$")] | None = None
    syntax_parser: Literal["v1", "v2"] | None = None
    head_job_cpus: Annotated[int, Field(ge=1, le=1024)] | None = None
    head_job_memory_mb: Annotated[int, Field(ge=1)] | None = None
    user_secrets: list[Name] | None = None
    workspace_secrets: list[Name] | None = None
    label_ids: Labels | None = None
    engine: Literal["nextflow", "script"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, value: Any) -> Any:
        bounded(value)
        # Forms and clients send empty fields for those that nobody filled in.
        return {k: v for k, v in value.items() if v not in (None, "")} if isinstance(value, dict) else value

    @field_validator("main_script")
    @classmethod
    def _inside(cls, value: str | None) -> str | None:
        if value and (value.startswith("/") or ".." in value.split("/")):
            raise ValueError("must be a path inside the pipeline's folder")
        return value

    @field_validator("params_text")
    @classmethod
    def _parameters(cls, value: str | None) -> str | None:
        try:
            parsed = json.loads(value) if value else {}
        except (ValueError, RecursionError):
            return value  # YAML: Nextflow reads it
        if not isinstance(parsed, dict):
            raise ValueError("must be an object of parameters")
        return value

    @model_validator(mode="after")
    def _resumable(self) -> Self:
        if self.resume and not self.session_id:
            raise ValueError("sessionId is required to resume")
        return self


class SubmitLaunch(Body):
    """POST /workflow/launch"""

    launch: LaunchFields


class DeleteRuns(Body):
    """POST /workflow/delete"""

    workflow_ids: Annotated[list[Annotated[Line, StringConstraints(max_length=16)]], Field(max_length=100)]
