"""`headnode credentials`: what a control plane may use in your cloud account."""

import os
from typing import Annotated, Any

import typer

from local.cli.screen import Format, Output, Screen, ago

app = typer.Typer(help="Cloud credentials.", no_args_is_help=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Its name; unique.")],
    *,
    provider: Annotated[str, typer.Option(help="The cloud.")] = "aws",
    access_key: Annotated[
        str | None,
        typer.Option(envvar="AWS_ACCESS_KEY_ID", help="Access key id.", show_default=False, show_envvar=True),
    ] = None,
    role: Annotated[
        str | None, typer.Option(help="Role to assume.", show_default=False, metavar="ARN")
    ] = None,
    external_id: Annotated[
        str | None, typer.Option(help="External id for that role.", show_default=False)
    ] = None,
    description: Annotated[str, typer.Option(help="For people.")] = "",
    output: Output = Format.text,
) -> None:
    """Add credentials. The secret key is read from AWS_SECRET_ACCESS_KEY, or asked for: it never is
    an argument, which others on the machine could read.
    """
    from local.cli.client import connect

    screen = Screen(output)
    keys: dict[str, Any] = {"discriminator": provider, "mode": "role" if role and not access_key else "keys"}
    if access_key:
        keys |= {"accessKey": access_key, "secretKey": secret()}
    if role:
        keys |= {"assumeRoleArn": role} | ({"externalId": external_id} if external_id else {})
    if not access_key and not role:
        raise typer.BadParameter("needs --access-key, --role, or both")
    body = {"name": name, "provider": provider, "description": description, "keys": keys}
    made = connect().post("/credentials", {"credentials": body})["credentialsId"]
    screen.data({"credentialsId": made})
    screen.line(made)


def secret() -> str:
    """The secret access key, from the environment or the keyboard."""
    found = os.environ.get("AWS_SECRET_ACCESS_KEY") or typer.prompt(
        "Secret access key", hide_input=True, err=True
    )
    return str(found).strip()


@app.command("list")
def list_(*, output: Output = Format.text) -> None:
    """List credentials; secrets are never shown."""
    from local.cli.client import connect

    screen = Screen(output)
    found = connect().get("/credentials")["credentials"]
    screen.data(found)
    rows = ((each["id"], each["name"], each["provider"], ago(each.get("lastUsed"))) for each in found)
    screen.table(("ID", "NAME", "PROVIDER", "LAST USED"), rows, "no credentials")


@app.command("delete")
def delete(
    credentials: Annotated[str, typer.Argument(metavar="CREDENTIALS", help="Their name or id.")],
    *,
    output: Output = Format.text,
) -> None:
    """Forget credentials that no environment uses."""
    from local.cli.client import connect
    from local.cli.requests import credentials_id

    screen, api = Screen(output), connect()
    found = credentials_id(api, credentials)
    api.delete(f"/credentials/{found}")
    screen.data({"deleted": found})
    screen.line(f"{found} deleted")
