"""`headnode workspaces`: where things belong."""

from typing import Any

import typer

from local.cli.screen import Format, Output, Screen

app = typer.Typer(help="Workspaces.", no_args_is_help=True)


@app.command("list")
def list_(*, output: Output = Format.text) -> None:
    """List workspaces. HEADNODE_WORKSPACE (or TOWER_WORKSPACE_ID) chooses one by its id; without it,
    commands are about your personal one.
    """
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    user = api.get("/user-info")["user"]
    rows = api.get(f"/user/{user['id']}/workspaces")["orgsAndWorkspaces"]
    found = [row for row in rows if row.get("workspaceId")]
    screen.data(found)
    table = [
        (row["workspaceId"], f"{row['orgName']}/{row['workspaceName']}", *chosen(api, row["workspaceId"]))
        for row in found
    ]
    personal = ("", f"{user['userName']} (personal)", *chosen(api, ""))
    screen.table(("ID", "NAME", "CHOSEN"), [personal, *table], "no workspaces")


def chosen(api: Any, id: Any) -> tuple[str]:
    """Whether commands are about this one."""
    return ("yes" if api.workspace == str(id) else "",)


@app.command("members")
def members(*, output: Output = Format.text) -> None:
    """List who takes part in the chosen workspace, or else in all of them."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    user = api.get("/user-info")["user"]
    rows = api.get(f"/user/{user['id']}/workspaces")["orgsAndWorkspaces"]
    found = [
        {**each, "workspaceName": row["workspaceName"]}
        for row in rows
        if row.get("workspaceId") and api.workspace in ("", str(row["workspaceId"]))
        for each in api.get(f"/orgs/{row['orgId']}/workspaces/{row['workspaceId']}/participants")[
            "participants"
        ]
    ]
    screen.data(found)
    table = ((each["workspaceName"], each["userName"], each["wspRole"]) for each in found)
    screen.table(("WORKSPACE", "USER", "ROLE"), table, "nobody")
