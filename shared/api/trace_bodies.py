"""What Nextflow sends about a run. Strict about what would break readers, lenient about the rest: a
refusal ends somebody's run."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from shared.api.bodies import Body, Kept, Line

TASK_STATUSES = ("NEW", "SUBMITTED", "RUNNING", "CACHED", "COMPLETED", "FAILED", "ABORTED")
MOST_TASKS = 1000
"""Tasks in one request, ten times what Nextflow sends."""

RunId = Annotated[Line, StringConstraints(max_length=16)]
Instant = Annotated[int, Field(ge=0, le=2**53)]
Dict = dict[str, Any]


class TraceCreate(Body):
    """POST /trace/create"""

    session_id: Annotated[Line, StringConstraints(min_length=1, max_length=36)]
    run_name: Annotated[Line, StringConstraints(min_length=1, max_length=80)]
    project_name: Annotated[Line, StringConstraints(max_length=200)] | None = None
    repository: Annotated[Line, StringConstraints(max_length=1024)] | None = None
    workflow_id: RunId | None = None

    @model_validator(mode="before")
    @classmethod
    def _old_name(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("launchId") and not value.get("workflowId"):
            return {**value, "workflowId": value["launchId"]}
        return value


class TraceBegin(Body):
    """PUT /trace/{id}/begin"""

    workflow: Dict
    process_names: list[Annotated[str, StringConstraints(max_length=255)]] | None = None
    instant: Instant | None = None


class TraceTask(Kept):
    """One task as its client last saw it."""

    task_id: Annotated[int, Field(ge=0, le=2**31 - 1)]
    status: Literal[TASK_STATUSES]  # type: ignore[valid-type]


class TraceProgress(Body):
    """PUT /trace/{id}/progress"""

    tasks: Annotated[list[TraceTask], Field(max_length=MOST_TASKS)] | None = None
    progress: Dict | None = None
    instant: Instant | None = None


class TraceHeartbeat(Body):
    """PUT /trace/{id}/heartbeat"""

    progress: Dict | None = None
    instant: Instant | None = None


class TraceComplete(Body):
    """PUT /trace/{id}/complete"""

    workflow: Dict
    metrics: list[Dict] | None = None
    progress: Dict | None = None
    instant: Instant | None = None
