"""`headnode env`: compute environments."""

from pathlib import Path
from typing import Annotated, Any

import typer

from local.cli.fields import with_config
from local.cli.screen import Format, Output, Screen, ago, moment, span
from shared.errors import HeadnodeError

app = typer.Typer(help="Compute environments.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Its name or id.")]
File = Annotated[
    Path | None,
    typer.Option("-f", "--file", help="YAML or JSON file; options win over it.", show_default=False),
]
Name = Annotated[str | None, typer.Argument(help="Its name; unique.", show_default=False)]
Platform = Annotated[
    str | None, typer.Option(help="aws-cloud, azure-cloud or local. Default: aws-cloud.", show_default=False)
]
Keys = Annotated[
    str | None,
    typer.Option("--credentials", help="Name or id. Default: the control plane's own.", show_default=False),
]
Describe = Annotated[str | None, typer.Option("--description", help="For people.", show_default=False)]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Stay until it is done, showing each step.")]


@app.command("create")
@with_config
def create(
    *,
    name: Name = None,
    file: File = None,
    platform: Platform = None,
    credentials: Keys = None,
    description: Describe = None,
    wait: Wait = True,
    output: Output = Format.text,
    config: dict[str, Any],
) -> None:
    """Create a compute environment."""
    create_from(name, file, platform, credentials, description, config, wait, output)


def create_from(
    name: str | None,
    file: Path | None,
    platform: str | None,
    credentials: str | None,
    description: str | None,
    config: dict[str, Any],
    wait: bool,
    output: Format,
) -> None:
    """Creates one from a file and options, and shows how it comes to be. Raises HeadnodeError when it does
    not."""
    from local.cli import watch
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    body = body_of(api, name, file, platform, credentials, description, config)
    made = api.post("/compute-envs", body)["computeEnvId"]
    screen.say(f"creating {body['computeEnv']['name']} ({made})")
    if not wait:
        screen.data({"computeEnvId": made})
        screen.line(made)
        return
    record = watch.environment(api, made, screen, ("AVAILABLE", "ERRORED", "INVALID", "DELETING", "DELETED"))
    screen.data(record)
    if record["status"] != "AVAILABLE":
        raise HeadnodeError(f"{record['name']} is {record['status']}: {record.get('message', '')}")
    screen.line(f"{record['name']} is AVAILABLE ({made})")


@app.command("plan")
@with_config
def plan(
    *,
    name: Name = None,
    file: File = None,
    platform: Platform = None,
    credentials: Keys = None,
    description: Describe = None,
    output: Output = Format.text,
    config: dict[str, Any],
) -> None:
    """Show what `create` would make and what the account has against it; changes nothing."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    body = body_of(api, name or "plan", file, platform, credentials, description, config)
    planned = api.post("/headnode/environments/plan", body)
    screen.data(planned)
    rows = planned.get("resources", [])
    heads = ("RESOURCE", "NAME", "AFTER")
    cells = ((row["type"], row["name"], ", ".join(row.get("needs", ()))) for row in rows)
    screen.table(heads, cells, "nothing would be made: everything is your own")
    for note in planned.get("notes", ()):
        screen.line(f"note: {note}")
    for number, offer in enumerate(planned.get("offers", ()), 1):
        screen.line(f"offer {number}: {offer_text(offer)}")
    if faults := planned.get("faults"):
        raise HeadnodeError("; ".join(f"{fault['field']}: {fault['message']}" for fault in faults))


def offer_text(found: dict[str, Any]) -> str:
    """An offer in words."""
    kind = "spot" if found.get("spot") else "on-demand"
    return " ".join(part for part in (found.get("machine_type", ""), found.get("place", ""), kind) if part)


def body_of(
    api: Any,
    name: str | None,
    file: Path | None,
    platform: str | None,
    credentials: str | None,
    description: str | None,
    config: dict[str, Any],
) -> dict[str, Any]:
    """The request's body from the command line's parts."""
    from local.cli.requests import environment_body

    options = {"name": name, "platform": platform, "credentials": credentials, "description": description}
    return environment_body(api, file, config, options)


@app.command("list")
def list_(*, output: Output = Format.text) -> None:
    """List compute environments."""
    from local.cli.client import connect

    screen = Screen(output)
    found = connect().get("/compute-envs")["computeEnvs"]
    screen.data(found)
    rows = (
        (
            each["id"],
            each["name"],
            each["platform"],
            each.get("region") or "",
            each["status"],
            "yes" if each.get("primary") else "",
            ago(each.get("lastUsed")),
        )
        for each in found
    )
    heads = ("ID", "NAME", "PLATFORM", "REGION", "STATUS", "PRIMARY", "LAST USED")
    screen.table(heads, rows, "no compute environments; make one with `headnode env create`")


@app.command("show")
def show(which: Which, *, output: Output = Format.text) -> None:
    """Show one: its resources, what it waits for, and what happened so far."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    record = api.get(f"/headnode/environments/{id_of(api, which)}")
    screen.data(record)
    wait = record.get("wait") or {}
    screen.pairs(
        [
            ("id", record["id"]),
            ("name", record["name"]),
            ("platform", record["platform"]),
            ("status", record["status"]),
            ("message", record.get("message")),
            ("waiting", wait.get("reason")),
            ("next look", moment(wait.get("next_at"))),
            *((f"config.{key}", short(value)) for key, value in sorted(record.get("config", {}).items())),
        ]
    )
    screen.line("")
    resources(screen, record)
    timeline(screen, record)
    receipt(screen, record)


def short(value: Any) -> str:
    """A config value in one line."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) < 80 and "\n" not in text else f"({len(text)} characters)"


def resources(screen: Screen, record: dict[str, Any]) -> None:
    """The environment's resources as a table."""
    rows = (
        (row["type"], row["name"], row.get("state", "planned"), row.get("reason", ""))
        for row in record.get("resources") or ()
    )
    screen.table(("RESOURCE", "NAME", "STATE", "NOTE"), rows, "it owns no resources")


def timeline(screen: Screen, record: dict[str, Any]) -> None:
    """What happened, with the time since the beginning."""
    from local.cli.watch import event_text

    events = record.get("timeline") or ()
    for event in events:
        since = span(event["at"] - events[0]["at"])
        screen.line(f"{moment(event['at'])}  +{since:<8} {event_text(event)}")


def receipt(screen: Screen, record: dict[str, Any]) -> None:
    """What was made, removed and left, when it is over."""
    if not (found := record.get("receipt")):
        return
    for title in ("made", "removed", "kept", "left"):
        things = found.get(title) or ()
        if title == "kept" and not things:
            continue
        screen.line(f"{title}: {len(things)}")
        for thing in things:
            screen.line(f"  {thing if isinstance(thing, str) else thing['type'] + ' ' + thing['cloud_id']}")


@app.command("update")
def update(
    which: Which,
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            "-f", "--file", help="Environment file: what its config says is set.", show_default=False
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="forge.vmCount=8: one field of the config; several times.", show_default=False
        ),
    ] = None,
    output: Output = Format.text,
) -> None:
    """Change the config of a compute environment that stands: sizes of the pools of Azure Batch."""
    from local.cli.client import connect
    from local.cli.requests import changes, with_registries

    screen, api = Screen(output), connect()
    config = with_registries(api, changes(file, settings or ()))
    record = api.put(f"/headnode/environments/{id_of(api, which)}", {"config": config})
    screen.data(record)
    screen.line(f"{record['name']} is changed")


@app.command("dispose")
def dispose(which: Which, *, wait: Wait = True, output: Output = Format.text) -> None:
    """Remove a compute environment and everything that was made for it; print the receipt."""
    from local.cli import watch
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    known = id_of(api, which)
    api.delete(f"/compute-envs/{known}")
    screen.say(f"disposing of {which} ({known})")
    if not wait:
        screen.data({"computeEnvId": known})
        return
    record = watch.environment(api, known, screen, ("DELETED",))
    screen.data(record.get("receipt") or {})
    receipt(screen, record)


def id_of(api: Any, which: str) -> str:
    """The id of the environment of that id or name; one that is gone is known by its id only."""
    from local.cli.requests import one_of

    listed = api.get("/compute-envs")["computeEnvs"]
    if any(which in (each["id"], each["name"]) for each in listed):
        return str(one_of(listed, which, "compute environment")["id"])
    if len(which) == 22:
        return str(api.get(f"/headnode/environments/{which}")["id"])
    return str(one_of([], which, "compute environment")["id"])
