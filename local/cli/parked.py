"""`headnode parked`: messages that a person must look at."""

import json
from typing import Annotated

import typer

from local.cli.screen import Format, Output, Screen, ago, moment

app = typer.Typer(help="Messages that failed for good, with their history.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id.")]


@app.command("list")
def list_(*, output: Output = Format.text) -> None:
    """List parked messages."""
    from local.cli.client import connect

    screen = Screen(output)
    found = connect().get("/headnode/parked")["parked"]
    screen.data(found)
    rows = ((each["id"], each["step"], each["subject"], ago(each["at"]), each["reason"]) for each in found)
    screen.table(("ID", "STEP", "SUBJECT", "PARKED", "REASON"), rows, "nothing is parked")


@app.command("show")
def show(message: Id, *, output: Output = Format.text) -> None:
    """Show one with all that happened to it."""
    from local.cli.client import connect

    screen = Screen(output)
    found = connect().get(f"/headnode/parked/{message}")
    screen.data(found)
    screen.pairs([(key, found.get(key)) for key in ("id", "step", "subject", "reason")])
    for note in found.get("history") or ():
        screen.line(f"{moment(note['at'])}  {note['reason']}")
    screen.line(pretty(found.get("body", "")))


def pretty(body: str) -> str:
    """A message's body, indented where it is JSON."""
    try:
        return json.dumps(json.loads(body), indent=2)
    except ValueError:
        return body


@app.command("replay")
def replay(message: Id, *, output: Output = Format.text) -> None:
    """Send one again, after what was wrong is repaired."""
    from local.cli.client import connect

    screen = Screen(output)
    answer = connect().post(f"/headnode/parked/{message}/replay")
    screen.data(answer or {"replayed": message})
    screen.line(f"{message} sent again")


@app.command("drop")
def drop(message: Id, *, output: Output = Format.text) -> None:
    """Forget one that need not be replayed."""
    from local.cli.client import connect

    screen = Screen(output)
    connect().delete(f"/headnode/parked/{message}")
    screen.data({"dropped": message})
    screen.line(f"{message} dropped")
