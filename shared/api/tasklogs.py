"""/workflow/{id}/log/{taskId} and /workflow/{id}/download/{taskId}: the files of one task."""

import re
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response

from shared.api import records
from shared.api.auth import ByUserOrRun
from shared.api.intake import Here, MaybeWorkspace
from shared.api.logs import LARGEST_PAGE, source_of
from shared.api.problem import Problem, bad, not_found
from shared.api.routes import Routes
from shared.api.sending import PARTS, sent
from shared.api.tasks import Task
from shared.errors import Fault, Refused
from shared.model.run import Run
from shared.ports import World
from shared.steps.reported import is_over
from shared.steps.taskfiles import FILES, LOGS, Files, files_of

router = Routes(prefix="/workflow/{workflow_id}", tags=["workflows"])

CURSOR = re.compile(rf"({'|'.join(map(re.escape, LOGS))}):(\d{{1,15}})")
ELSEWHERE = "the files of a run that was started elsewhere are where its Nextflow runs"
LATER = "nothing that the task printed was kept yet; its log is kept now and then, and at its end"
NOTHING = "no log of this task was kept"
TaskId = Annotated[int, Path(ge=0, le=2**53)]


@router.get("/log/{task_id}")
def log(
    world: Here,
    _token: ByUserOrRun,
    workspace: MaybeWorkspace,
    workflow_id: str,
    task_id: TaskId,
    next: str = "",
    max_length: Annotated[int, Query(alias="maxLength", ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE,
) -> dict[str, Any]:
    """What a task printed, from its first line on or from where `next` (a forwardToken) says. Without
    `next` the files that can be had are named too. `pending`: the task is not over, more may come."""
    run = records.run(world, workflow_id, workspace)
    task = records.task(world, run, task_id)
    begun = CURSOR.fullmatch(next)
    if next and begun is None:
        raise bad(Fault("next", "must be a forwardToken of this log"))
    pending = not is_over(task) and not run.is_over
    try:
        files = files_for(world, run, task)
    except Refused as error:
        return {"log": nothing(pending, str(error))}
    name = begun.group(1) if begun else first_log(files)
    if not name:
        return {"log": nothing(pending, LATER if pending else NOTHING, downloads(files))}
    start = int(begun.group(2)) if begun else 0
    found = page(files, name, start, max_length, pending)
    found["downloads"] = [] if next else downloads(files)
    if next:
        found["rewindToken"] = next
    return {"log": found}


def files_for(world: World, run: Run, task: Task) -> Files:
    """A task's files. Raises Refused where they cannot be had."""
    source = source_of(world, run)
    if source is None:
        raise Refused(ELSEWHERE)
    return files_of(run, str(task.get("workdir") or ""), source)


def first_log(files: Files) -> str:
    """The file that the log is read from; empty while none has anything."""
    return next((name for name in LOGS if files.size(name)), "")


def page(files: Files, name: str, start: int, most: int, pending: bool) -> dict[str, Any]:
    """Whole lines of a log file, about `most` bytes of them. A line that is still being written is left for
    later; one longer than a page is cut."""
    size = files.size(name) or 0
    data = files.read(name, start, min(most, size - start)) if start < size else b""
    behind = start + len(data)
    if pending or behind < size:
        whole = data[: data.rfind(b"\n") + 1]
        data = whole or (data if len(data) >= most else b"")
    until = start + len(data)
    text = data.removesuffix(b"\n").decode(errors="replace") if data else None
    found: dict[str, Any] = {
        "entries": [] if text is None else [line.rstrip("\r") for line in text.split("\n")],
        "truncated": until < behind or until < size,
        "pending": pending,
    }
    if pending or until < size:
        found["forwardToken"] = f"{name}:{until}"
    return found


def nothing(pending: bool, message: str, found: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """A page without a line, and why."""
    return {
        "entries": [], "truncated": False, "pending": pending, "message": message, "downloads": found or []
    }  # fmt: skip


def downloads(files: Files) -> list[dict[str, str]]:
    """The files that are there."""
    return [
        {"saveName": name.removeprefix("."), "fileName": name, "displayText": title}
        for name, title in FILES.items()
        if files.size(name) is not None
    ]


@router.get("/download/{task_id}", responses=PARTS)
def download(
    request: Request,
    world: Here,
    _token: ByUserOrRun,
    workspace: MaybeWorkspace,
    workflow_id: str,
    task_id: TaskId,
    fileName: str = "",  # noqa: N803
) -> Response:
    """One of the task's files, whole or (Range) a part."""
    run = records.run(world, workflow_id, workspace)
    task = records.task(world, run, task_id)
    if fileName not in FILES:
        raise bad(Fault("fileName", f"must be one of {', '.join(FILES)}"))
    try:
        files = files_for(world, run, task)
    except Refused as error:
        raise Problem(404, f"file {fileName} of task {task_id} not found: {error}") from None
    size = files.size(fileName)
    if size is None:
        raise not_found("file", fileName)
    media = "text/plain; charset=utf-8"
    return sent(
        request, fileName.removeprefix("."), media, size, lambda at, most: files.read(fileName, at, most)
    )
