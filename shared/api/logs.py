"""/workflow/{id}/log and /download"""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from shared.api import records
from shared.api.auth import ByUserOrRun
from shared.api.intake import Here, MaybeWorkspace
from shared.api.problem import bad, not_found
from shared.api.routes import Routes
from shared.api.sending import PARTS, sent
from shared.errors import Fault, Refused
from shared.model.run import Run
from shared.ports import LogPage, LogSource, World
from shared.steps.logs import read_log

router = Routes(prefix="/workflow/{workflow_id}", tags=["workflows"])

LINES_AT_ONCE = 10_000
LARGEST_PAGE = 4 * 1024 * 1024
"""Characters of one page: with JSON's own signs under the 6 MB that a Lambda may answer."""
MOST_EMPTY = 5
"""Empty answers in a row after which the end is assumed: a log service may give some amid the lines."""

FILES: dict[str, tuple[str, str]] = {
    "nf-{}.txt": ("Nextflow console output", "text/plain; charset=utf-8"),
    "nf-{}.log": ("Nextflow log file", "text/plain; charset=utf-8"),
    "timeline-{}.html": ("Execution timeline", "text/html; charset=utf-8"),
    "nf-{}-report.html": ("Execution report", "text/html; charset=utf-8"),
    "nf-{}-reports.tsv": ("Reports that the pipeline announces", "text/tab-separated-values; charset=utf-8"),
}
"""Every file of a run that can be had, with the run's id in it: nothing else is ever read."""


@router.get("/log")
def log(
    world: Here,
    _token: ByUserOrRun,
    workspace: MaybeWorkspace,
    workflow_id: str,
    next: str = "",
    max_length: Annotated[int, Query(alias="maxLength", ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE,
) -> dict[str, Any]:
    """The log from its first line on, or from where `next` (a forwardToken) says. Lines never change and
    never go: pages put together are the log."""
    run = records.run(world, workflow_id, workspace)
    source = source_of(world, run)
    if source is None:
        message = "the log of a run that was started elsewhere is where its Nextflow runs"
        return {
            "log": {"entries": [], "truncated": False, "pending": False, "message": message, "downloads": []}
        }
    try:
        page = page_of(run, source, next, max_length)
    except (ValueError, OverflowError):
        raise bad(Fault("next", "must be a forwardToken of this log")) from None
    return {"log": shown(run, source, page, next)}


def source_of(world: World, run: Run) -> LogSource | None:
    """Where the log of a run is; None for a run that was started elsewhere."""
    environment = records.environment_of(world, run)
    return world.logs(environment) if environment else None


def page_of(run: Run, source: LogSource, given: str, most: int) -> LogPage:
    """Lines up to so many characters, at least one line if there is one. From the beginning all that is
    there now is read; from a token the next lines, since who has a token asks again."""
    lines: list[str] = []
    size = empty = 0
    cursor = given
    while True:
        limit = max(1, min(LINES_AT_ONCE, (most - size) // 80))
        page = read_log(run, source, cursor, limit)
        lines.extend(page.lines)
        size += sum(len(line) + 1 for line in page.lines)
        empty = 0 if page.lines else empty + 1
        still = page.cursor == cursor or empty > MOST_EMPTY
        cursor = page.cursor
        if page.end or still or size >= most or (given and lines):
            return LogPage(lines=tuple(lines), cursor=cursor, end=page.end)


def shown(run: Run, source: LogSource, page: LogPage, cursor: str) -> dict[str, Any]:
    """A page as clients read it. `pending`: more may come."""
    found: dict[str, Any] = {
        "entries": list(page.lines),
        "truncated": run.is_over and not page.end,
        "pending": not page.end,
        "downloads": downloads(run, source),
    }
    if cursor:
        found["rewindToken"] = cursor
    if not page.end:
        found["forwardToken"] = page.cursor
    if not page.lines and run.wait is not None:
        found["message"] = run.wait.reason
    return found


def downloads(run: Run, source: LogSource) -> list[dict[str, str]]:
    """The files that are there. Before the end there are none to look for."""
    if not run.is_over:
        return []
    names = [(form.format(run.id), title) for form, (title, _) in FILES.items()]
    return [
        {"saveName": name, "fileName": name, "displayText": title}
        for name, title in names
        if is_there(run, source, name)
    ]


def is_there(run: Run, source: LogSource, name: str) -> bool:
    """Whether a file can be had; one that cannot be looked for can not."""
    try:
        return source.size(run, name) is not None
    except Refused:
        return False


@router.get("/download", responses=PARTS)
def download(
    request: Request,
    world: Here,
    _token: ByUserOrRun,
    workspace: MaybeWorkspace,
    workflow_id: str,
    fileName: str = "",  # noqa: N803
) -> Response:
    """One of the run's files, whole or (Range) a part."""
    run = records.run(world, workflow_id, workspace)
    kinds = {form.format(run.id): media for form, (_, media) in FILES.items()}
    media = kinds.get(fileName)
    if media is None:
        raise bad(Fault("fileName", f"must be one of {', '.join(kinds)}"))
    source = source_of(world, run)
    size = source.size(run, fileName) if source else None
    if source is None or size is None:
        raise not_found("file", fileName)
    return sent(request, fileName, media, size, lambda start, most: source.read(run, fileName, start, most))
