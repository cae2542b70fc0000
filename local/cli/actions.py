"""`headnode actions`: launches that something outside triggers."""

from typing import Annotated, Any

import typer

from local.cli import launch as launching
from local.cli.screen import Format, Output, Screen, ago, moment
from shared.errors import Refused

app = typer.Typer(help="Actions.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ACTION", help="Its name or id.")]
Address = Annotated[str, typer.Argument(help="URL, GitHub OWNER/NAME, or the name of a pipeline of yours.")]
OPENED = {"tower": "token", "github": "secret"}


@app.command("list")
def list_(*, output: Output = Format.text) -> None:
    """List actions."""
    from local.cli.client import connect

    screen = Screen(output)
    found = connect().get("/actions")["actions"]
    screen.data(found)
    rows = (
        (
            each["id"],
            each["name"],
            each["source"],
            each["pipeline"],
            each["status"],
            ago(each.get("lastSeen")),
        )
        for each in found
    )
    screen.table(("ID", "NAME", "TRIGGER", "PIPELINE", "STATUS", "LAST SEEN"), rows, "no actions")


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Its name; unique.")],
    address: Address,
    *,
    on: Annotated[str, typer.Option(help="call (of its own address) or push (to GitHub).")] = "call",
    env: launching.Env = None,
    revision: launching.Revision = None,
    params: launching.Params = None,
    profile: launching.Profiles = None,
    work_dir: launching.WorkDir = None,
    main_script: launching.Main = None,
    output: Output = Format.text,
) -> None:
    """Add an action, and print what is to be called and what opens it: that is shown now and never again."""
    from local.cli.client import connect

    if on not in ("call", "push"):
        raise typer.BadParameter("is call or push", param_hint="--on")
    screen, api = Screen(output), connect()
    base = launching.named(api, address)
    asked = {
        "pipeline": None if base else address,
        "computeEnvId": launching.environment_id(api, env) if env else None,
        "revision": revision,
        "paramsText": launching.params_text(base.get("paramsText"), params) if params else None,
        "configProfiles": profile,
        "workDir": work_dir,
        "mainScript": main_script,
    }
    launch = {**base, **{key: value for key, value in asked.items() if value}}
    launch.pop("id", None)
    source = "tower" if on == "call" else "github"
    made = api.post("/actions", {"name": name, "source": source, "launch": launch})["actionId"]
    opened = api.post(f"/headnode/actions/{made}/{OPENED[source]}")
    screen.data({"actionId": made, **opened})
    shown(screen, opened)


def shown(screen: Screen, opened: dict[str, Any]) -> None:
    """What is to be called, and what opens it."""
    if "usageCmd" in opened:
        screen.line(opened["usageCmd"])
    else:
        screen.pairs([("payload URL", opened["hookUrl"]), ("secret", opened["secret"])])
        screen.say("give both to GitHub: settings of the repository, webhooks, content type application/json")


@app.command("renew")
def renew(which: Which, *, output: Output = Format.text) -> None:
    """Print a fresh token or secret of an action; the one before is void."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    found = one(api, which)
    opened = api.post(f"/headnode/actions/{found['id']}/{OPENED[found['source']]}")
    screen.data(opened)
    shown(screen, opened)


@app.command("show")
def show(which: Which, *, output: Output = Format.text) -> None:
    """Show one: what it launches, and what triggered it last."""
    from local.cli.client import connect
    from local.cli.pipelines import short

    screen, api = Screen(output), connect()
    found = api.get(f"/actions/{one(api, which)['id']}")["action"]
    screen.data(found)
    event = found.get("event") or {}
    launch = {key: value for key, value in found["launch"].items() if key not in ("id", "computeEnv")}
    screen.pairs(
        [
            *((key, found.get(key)) for key in ("id", "name", "source", "status", "hookUrl", "error")),
            ("environment", (found["launch"].get("computeEnv") or {}).get("name")),
            ("last seen", moment(found.get("lastSeen"))),
            *((f"event.{key}", value) for key, value in event.items() if key != "discriminator"),
            *((key, short(value)) for key, value in sorted(launch.items())),
        ]
    )


@app.command("launch")
def launch(which: Which, *, params: launching.Params = None, output: Output = Format.text) -> None:
    """Launch an action once, as its hook would, to try it."""
    from local.cli.client import connect
    from local.cli.requests import parameters

    screen, api = Screen(output), connect()
    body = {"params": parameters(params or [])}
    made = api.post(f"/actions/{one(api, which)['id']}/launch", body)
    screen.data(made)
    screen.line(made["workflowId"])


@app.command("pause")
def pause(which: Which, *, output: Output = Format.text) -> None:
    """Pause an action: it takes no triggers."""
    switch(which, "ACTIVE", "PAUSED", output)


@app.command("resume")
def resume(which: Which, *, output: Output = Format.text) -> None:
    """Resume a paused action."""
    switch(which, "PAUSED", "ACTIVE", output)


def switch(which: str, now: str, then: str, output: Format) -> None:
    """Pauses or resumes. Raises Refused for one that is so already."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    found = one(api, which)
    if found["status"] != now:
        raise Refused(f"action {found['name']} is {found['status']}")
    api.post(f"/actions/{found['id']}/pause")
    screen.data({"actionId": found["id"], "status": then})
    screen.line(f"{found['name']} is {then}")


@app.command("delete")
def delete(which: Which, *, output: Output = Format.text) -> None:
    """Delete an action; its runs stay."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    found = one(api, which)["id"]
    api.delete(f"/actions/{found}")
    screen.data({"deleted": found})
    screen.line(f"{which} deleted")


def one(api: Any, which: str) -> dict[str, Any]:
    """The action with that id or name. Raises Refused when there is none."""
    from local.cli.requests import one_of

    return one_of(api.get("/actions")["actions"], which, "action")
