"""`headnode tasks`: what a run's Nextflow did, and what each task printed."""

from typing import Annotated, Any

import typer

from local.cli import runs
from local.cli.screen import Format, Output, Screen, moment, span

app = typer.Typer(help="Tasks of a run.", no_args_is_help=True)

TaskId = Annotated[int, typer.Argument(metavar="TASK", min=0, help="Its number in the list.")]
FILES = {
    "log": ".command.log", "stdout": ".command.out", "stderr": ".command.err",
    "script": ".command.sh", "wrapper": ".command.run", "exit": ".exitcode",
}  # fmt: skip
PAGE = 100


@app.command("list")
def list_(
    run: runs.RunId,
    *,
    search: Annotated[
        str | None, typer.Option(help="Words of its name, tag or hash, or a status.", show_default=False)
    ] = None,
    output: Output = Format.text,
) -> None:
    """List a run's tasks in the order of their numbers."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    found = every(api, runs.found(api, run)["id"], search)
    screen.data(found)
    heads = ("TASK", "NAME", "STATUS", "EXIT", "SUBMITTED", "TOOK")
    screen.table(heads, map(row, found), "no tasks")


def every(api: Any, run: str, search: str | None) -> list[dict[str, Any]]:
    """All tasks of a run, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        page = api.get(f"/workflow/{run}/tasks", max=PAGE, offset=len(found), search=search)
        found += [entry["task"] for entry in page["tasks"]]
        if not page["tasks"] or len(found) >= page["total"]:
            return found


def row(task: dict[str, Any]) -> tuple[Any, ...]:
    """A line of the list."""
    took = task.get("realtime")
    return (
        task["taskId"], task.get("name", ""), task["status"], task.get("exit", ""),
        moment(task.get("submit")), span(took / 1000) if took else "",
    )  # fmt: skip


@app.command("show")
def show(run: runs.RunId, task: TaskId, *, output: Output = Format.text) -> None:
    """Show one: how it ended, what it used, where it worked."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    found = api.get(f"/workflow/{runs.found(api, run)['id']}/task/{task}")["task"]
    screen.data(found)
    screen.pairs([(name, value) for name, value in found.items() if name != "script" and value is not None])
    if found.get("script"):
        screen.line(f"\n{found['script'].rstrip()}")


@app.command("logs")
def logs(
    run: runs.RunId,
    task: TaskId,
    *,
    file: Annotated[str | None, typer.Option(help=f"One of {', '.join(FILES)}.", show_default=False)] = None,
    output: Output = Format.text,
) -> None:
    """Print what a task printed, or one of its files."""
    from local.cli.client import connect

    if file is not None and file not in FILES:
        raise typer.BadParameter(f"one of {', '.join(FILES)}", param_hint="--file")
    screen, api = Screen(output), connect()
    id = runs.found(api, run)["id"]
    if file:
        lines = api.text(f"/workflow/{id}/download/{task}", fileName=FILES[file]).splitlines()
    else:
        lines = whole_log(api, id, task, screen)
    screen.data(lines)
    for line in lines:
        screen.line(line)


def whole_log(api: Any, run: str, task: int, screen: Screen) -> list[str]:
    """Every line that there is now; says why there is none."""
    lines: list[str] = []
    token = None
    while True:
        page = api.get(f"/workflow/{run}/log/{task}", next=token)["log"]
        lines += page["entries"]
        if page.get("message"):
            screen.say(page["message"])
        token = page.get("forwardToken")
        if not token or not page["entries"]:
            return lines
