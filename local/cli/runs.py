"""`headnode runs`: what was launched."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from local.cli import env as environments
from local.cli.screen import Format, Output, Screen, moment, span
from shared.errors import HeadnodeError

app = typer.Typer(help="Runs.", no_args_is_help=True)

RunId = Annotated[str, typer.Argument(metavar="RUN", help="Its id, or its name (the newest of that name).")]
RunIds = Annotated[list[str], typer.Argument(metavar="RUN...", help="Their ids or names.")]
OVER = ("SUCCEEDED", "FAILED", "CANCELLED")
FILES = {"nextflow": "nf-{}.log", "console": "nf-{}.txt", "timeline": "timeline-{}.html"}


@app.command("list")
def list_(
    *,
    status: Annotated[str | None, typer.Option(help="Only those of this status.", show_default=False)] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=100, help="The newest so many.")] = 20,
    output: Output = Format.text,
) -> None:
    """List runs, the newest first."""
    from local.cli.client import connect

    screen = Screen(output)
    search = f"status:{status.lower()}" if status else None
    found = connect().get("/workflow", max=limit, search=search)["workflows"]
    flows = [each["workflow"] for each in found]
    if status:
        flows = [flow for flow in flows if flow["status"] == status.upper()]
    screen.data(flows)
    rows = (
        (
            flow["id"],
            flow["runName"],
            flow.get("projectName") or "",
            flow["status"],
            moment(flow.get("submit")),
        )
        for flow in flows
    )
    screen.table(("ID", "NAME", "PIPELINE", "STATUS", "SUBMITTED"), rows, "no runs")


@app.command("show")
def show(run: RunId, *, output: Output = Format.text) -> None:
    """Show one: where it runs, what it waits for, its machines, and what happened so far."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    record = api.get(f"/headnode/runs/{found(api, run)['id']}")
    screen.data(record)
    wait = record.get("wait") or {}
    screen.pairs(
        [
            ("id", record["id"]),
            ("name", record["name"]),
            ("pipeline", (record.get("launch") or {}).get("pipeline")),
            ("status", record.get("status", "SUBMITTED")),
            ("error", record.get("error_message")),
            ("exit status", record.get("exit_status")),
            ("waiting", wait.get("reason")),
            ("next look", moment(wait.get("next_at"))),
            ("environment", record.get("environment_id")),
            ("work dir", record.get("work_dir")),
            ("session", record.get("session_id")),
        ]
    )
    screen.line("")
    screen.table(
        ("ATTEMPT", "MACHINE", "OFFER", "STATE", "ENDED", "LIVED"), machines(record), "no machine yet"
    )
    environments.timeline(screen, record)


def machines(record: dict[str, Any]) -> list[tuple[Any, ...]]:
    """One row for each offer that was refused and one for each attempt, in order."""
    rows: list[tuple[Any, ...]] = []
    for attempt in record.get("attempts") or ():
        number = attempt["number"]
        rows += [
            (number, "", environments.offer_text(refusal["offer"]), "refused", refusal["reason"][:80], "")
            for refusal in attempt.get("refusals") or ()
        ]
        ended, state = attempt.get("end_reason", ""), attempt.get("state", "intended")
        rows.append(
            (
                number,
                attempt.get("machine_id", ""),
                environments.offer_text(attempt["offer"]),
                state,
                ended,
                lived(attempt),
            )
        )
    return rows


def lived(attempt: dict[str, Any]) -> str:
    """How long an attempt's machine existed; empty while it does."""
    placed, gone = attempt.get("placed_at"), attempt.get("gone_at")
    return span(gone - placed) if placed and gone else ""


@app.command("cancel")
def cancel(runs: RunIds, *, output: Output = Format.text) -> None:
    """Stop runs; their machines are removed. One that is over stays as it is."""
    each(Screen(output), runs, "cancelled", stopped)


@app.command("delete")
def delete(runs: RunIds, *, output: Output = Format.text) -> None:
    """Forget runs that are over."""
    each(Screen(output), runs, "deleted", forgotten)


def stopped(api: Any, flow: dict[str, Any]) -> None:
    """Cancels a run. Raises HeadnodeError for one that is over."""
    if flow["status"] in OVER:
        raise HeadnodeError(f"already {flow['status']}")
    api.post(f"/workflow/{flow['id']}/cancel")


def forgotten(api: Any, flow: dict[str, Any]) -> None:
    """Deletes a run."""
    api.delete(f"/workflow/{flow['id']}")


def found(api: Any, wanted: str) -> dict[str, Any]:
    """The run with that id, else the newest with that name. Raises Missing when there is neither."""
    from local.cli.client import Missing

    try:
        return dict(api.get(f"/workflow/{quote(wanted, safe='')}")["workflow"])
    except Missing:
        listed = api.get("/workflow", max=100, search=wanted)["workflows"]
        named = [entry["workflow"] for entry in listed if entry["workflow"]["runName"] == wanted]
        if not named:
            raise
        return dict(named[0])


def each(screen: Screen, runs: list[str], word: str, act: Any) -> None:
    """Does it to every run, also when one of them fails; then raises what the failures said."""
    from local.cli.client import connect

    api, did, failed = connect(), [], []
    for run in runs:
        try:
            act(api, found(api, run))
        except HeadnodeError as error:
            failed.append(f"{run}: {error}")
        else:
            did.append(run)
            screen.line(f"{run} {word}")
    screen.data({word: did, "failed": failed})
    if failed:
        raise HeadnodeError("; ".join(failed))


@app.command("logs")
def logs(
    run: RunId,
    *,
    following: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the run is over.")] = False,
    file: Annotated[
        str, typer.Option(help="console, nextflow or timeline; the last two once it is over.")
    ] = "console",
    output: Output = Format.text,
) -> None:
    """Print a run's log, from its first line."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    if file not in FILES:
        raise typer.BadParameter(f"one of {', '.join(FILES)}", param_hint="--file")
    run = found(api, run)["id"]
    if file != "console":
        text = api.text(f"/workflow/{run}/download", fileName=FILES[file].format(run))
        screen.data(text.splitlines())
        screen.line(text)
    elif following:
        follow(screen, api, run)
    else:
        lines = [line for page in pages(api, run) for line in page]
        screen.data(lines)
        for line in lines:
            screen.line(line)


def pages(api: Any, run: str) -> Any:
    """The log that is there now, page by page."""
    token = None
    while True:
        log = api.get(f"/workflow/{run}/log", next=token)["log"]
        yield log.get("entries") or []
        token = log.get("forwardToken")
        if not token or not log.get("entries"):
            return


def follow(screen: Screen, api: Any, run: str) -> None:
    """Prints a run's log as it grows until the run is over. Raises HeadnodeError when it did not
    succeed. Ctrl-C ends the looking, not the run."""
    lines: list[str] = []

    def seen(line: str) -> None:
        lines.append(line) if screen.json else print(line, flush=True)

    try:
        record = tail(api, run, seen, screen.say)
    except KeyboardInterrupt:
        screen.say(f"the run goes on; see it with `headnode runs logs -f {run}`")
        raise
    screen.data(
        {"workflowId": run, "status": record["status"], "exitStatus": record.get("exit_status"), "log": lines}
    )
    if record["status"] != "SUCCEEDED":
        why = record.get("error_message") or f"exit status {record.get('exit_status')}"
        raise HeadnodeError(f"{record['name']} {record['status']}: {why}")
    screen.say(f"{record['name']} SUCCEEDED")


def tail(api: Any, run: str, line: Any, note: Any) -> dict[str, Any]:
    """Hands every log line to `line` and every new event to `note` until the run is over; returns its
    record."""
    from local.cli import watch

    token: str | None = None
    told: set[tuple[float, str]] = set()
    read = False

    def look() -> tuple[dict[str, Any], dict[str, Any]]:
        # The record first: when a run is over before its log is read, that log is whole.
        record = api.get(f"/headnode/runs/{run}")
        return record, {} if read else api.get(f"/workflow/{run}/log", next=token)["log"]

    for record, log in watch.looks(look):
        for entry in log.get("entries") or ():
            line(entry)
        for event in record.get("timeline") or ():
            if (event["at"], event["what"]) not in told:
                told.add((event["at"], event["what"]))
                note(f"-- {watch.event_text(event)}")
        token = log.get("forwardToken") or token
        read = read or not log.get("pending")
        if record.get("status") in OVER and (read or not log.get("entries")):
            return dict(record)
    raise AssertionError("looks never ends")
