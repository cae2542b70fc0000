"""What a machine asks and says: its runner's program, its spec, and its reports."""

from typing import Annotated, Any, Literal

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.api import records
from shared.api.auth import machine, minted
from shared.api.intake import Here, body, decided
from shared.api.problem import Problem
from shared.api.routes import Routes
from shared.model.access import Token
from shared.model.records import encode
from shared.nextflow import spec as specs
from shared.runner.archive import etag, zipapp_bytes
from shared.steps import repositories, runs

router = Routes(prefix="/headnode", tags=["machines"])

LARGEST_STATUS = 2**31 - 1
LONGEST_MESSAGE = 4000
OVER: dict[int | str, dict[str, Any]] = {410: {"description": "Over"}}


@router.get("/runner.pyz", responses={304: {"description": "Not changed"}})
def runner_program(request: Request) -> Response:
    """The program that runs on a machine. Open to everybody: it holds no secret."""
    state = request.app.state
    if not hasattr(state, "runner"):
        data = zipapp_bytes()
        state.runner = data, etag(data)
    data, tag = state.runner
    headers = {"ETag": tag, "Cache-Control": "public, max-age=0, must-revalidate"}
    if tag in (each.strip() for each in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type="application/zip", headers=headers)


class Speaker(BaseModel):
    """Which machine speaks."""

    model_config = ConfigDict(extra="ignore")

    machine: dict[str, Any] = {}
    machine_id: Annotated[str, Field(max_length=400)] = ""

    @property
    def id(self) -> str:
        """The cloud's id of the machine, as far as it knows itself."""
        found = self.machine_id or self.machine.get("id") or ""
        return found if isinstance(found, str) else ""


class ReportBody(Speaker):
    """A runner's report."""

    event: Literal["boot", "start", "heartbeat", "notice", "end"]
    step: str = ""
    message: str = ""
    error: str = ""
    exit_status: int | None = None

    @field_validator("step", "message", "error")
    @classmethod
    def _cut(cls, value: str) -> str:
        return value[:LONGEST_MESSAGE]

    @field_validator("exit_status")
    @classmethod
    def _bounded(cls, value: int | None) -> int | None:
        """Clients read it as 32 bits; no process ends with more. What is cut stays a failure."""
        return value if value is None else min(max(value, -LARGEST_STATUS), LARGEST_STATUS)


BootOnly = Annotated[Token, Depends(machine("boot"))]
BootOrRun = Annotated[Token, Depends(machine("boot", "run"))]


@router.post("/machine/{run_id}/{attempt}/spec", responses=OVER)
def spec(
    world: Here,
    _token: BootOnly,
    run_id: str,
    attempt: int,
    request: Annotated[Speaker, Depends(body(Speaker))],
) -> Response:
    """What the machine has to do. May be asked again (an answer was lost) until its runner reported
    `start`; then it is gone (410), since it holds the run's token."""
    try:
        run, its = decided(lambda: runs.admitted(world, run_id, attempt, request.id))
    except runs.Over as error:
        raise Problem(410, str(error)) from None
    if its.started_at:
        raise Problem(410, f"attempt {attempt} of run {run_id} has started: its spec is handed out")
    environment = records.environment_of(world, run)
    if environment is None:
        raise Problem(410, f"the compute environment of run {run_id} is gone")
    platform = world.provider(environment).spec(run, its)
    token = minted(world)
    runs.issue_run_token(world, run, its, token)
    built = specs.build(run, its, environment, world.settings, platform, token)
    built["git"] = repositories.access(world, run)
    return Response(encode(built), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.post("/machine/{run_id}/{attempt}/report", responses=OVER)
def report(
    world: Here,
    token: BootOrRun,
    run_id: str,
    attempt: int,
    request: Annotated[ReportBody, Depends(body(ReportBody))],
) -> dict[str, Any]:
    """What happened on the machine. Before its spec, a machine has its boot token only: with that it may
    say how its boot goes, and that it failed."""
    if token.use == "boot" and request.event not in ("boot", "end"):
        raise Problem(403, "this token is for booting only")
    said = runs.Report(
        event=request.event,
        machine_id=request.id,
        step=request.step,
        message=request.message,
        exit_status=request.exit_status,
        error=request.error,
    )

    def hear() -> runs.Answer:
        if token.use == "boot" and request.event == "end":
            _, its = runs.admitted(world, run_id, attempt, request.id)
            if its.started_at:
                raise Problem(403, "this token is for booting only")
        return runs.report(world, run_id, attempt, said)

    try:
        answer = decided(hear)
    except runs.Over as error:
        raise Problem(410, str(error)) from None
    return {"go_on": answer.go_on, "cancel": answer.cancel, "deadline": answer.deadline}
