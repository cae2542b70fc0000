"""`headnode tokens`: your own access tokens."""

import re
from typing import Annotated

import typer

from local.cli.screen import Format, Output, Screen, ago, moment

app = typer.Typer(help="Access tokens.", no_args_is_help=True)

SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}


@app.command("list")
def list_(*, output: Output = Format.text) -> None:
    """List your tokens; what they open with is not kept."""
    from local.cli.client import connect

    screen = Screen(output)
    found = connect().get("/tokens")["tokens"]
    screen.data(found)
    rows = (
        (each["id"], each["name"], moment(each.get("dateCreated")), ago(each.get("lastUsed")))
        for each in found
    )
    screen.table(("ID", "NAME", "MADE", "LAST USED"), rows, "no tokens")


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Its name; unique.")],
    *,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="12h, 30d or 8w. Default: never.", show_default=False)
    ] = None,
    output: Output = Format.text,
) -> None:
    """Create a token and print it: it is shown now and never again."""
    from local.cli.client import connect

    screen = Screen(output)
    body = {"name": name, **({"expiresIn": seconds(expires)} if expires else {})}
    made = connect().post("/tokens", body)
    screen.data(made)
    screen.line(made["accessKey"])


def seconds(text: str) -> int:
    """A time such as 30d. Raises BadParameter."""
    found = re.fullmatch(r"(\d{1,4})([hdw])", text)
    if not found or not int(found[1]):
        raise typer.BadParameter("is a number and h, d or w", param_hint="--expires")
    return int(found[1]) * SECONDS[found[2]]


@app.command("delete")
def delete(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its name or id.")],
    *,
    output: Output = Format.text,
) -> None:
    """Delete a token; it opens nothing from now on."""
    from local.cli.client import connect
    from local.cli.requests import one_of

    screen, api = Screen(output), connect()
    listed = [{**each, "id": str(each["id"])} for each in api.get("/tokens")["tokens"]]
    found = one_of(listed, token, "token")["id"]
    api.delete(f"/tokens/{found}")
    screen.data({"deleted": int(found)})
    screen.line(f"{token} deleted")
