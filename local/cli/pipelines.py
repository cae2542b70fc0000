"""`headnode pipelines`: launches with a name."""

import json
from typing import Annotated, Any

import typer

from local.cli import launch as launching
from local.cli.screen import Format, Output, Screen, moment

app = typer.Typer(help="Pipelines.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="PIPELINE", help="Its name or id.")]
Address = Annotated[str, typer.Argument(help="URL, GitHub OWNER/NAME, or folder.")]


@app.command("list")
def list_(
    *,
    search: Annotated[str | None, typer.Option(help="Words, and label:NAME.", show_default=False)] = None,
    output: Output = Format.text,
) -> None:
    """List pipelines."""
    from local.cli.client import connect

    screen = Screen(output)
    found = connect().get("/pipelines", max=1000, search=search)["pipelines"]
    screen.data(found)
    rows = (
        (
            each["pipelineId"],
            each["name"],
            each["repository"],
            (each.get("computeEnv") or {}).get("name", ""),
            moment(each.get("lastUpdated")),
        )
        for each in found
    )
    screen.table(("ID", "NAME", "REPOSITORY", "ENVIRONMENT", "CHANGED"), rows, "no pipelines")


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Its name; unique.")],
    address: Address,
    *,
    env: launching.Env = None,
    revision: launching.Revision = None,
    params: launching.Params = None,
    profile: launching.Profiles = None,
    work_dir: launching.WorkDir = None,
    config: launching.Config = None,
    main_script: launching.Main = None,
    description: Annotated[str | None, typer.Option(help="For people.", show_default=False)] = None,
    label: launching.Labels = [],  # noqa: B006 (Typer makes a list of its own)
    output: Output = Format.text,
) -> None:
    """Add a pipeline; `headnode launch NAME` runs it."""
    from local.cli.client import connect
    from local.cli.requests import label_of

    screen, api = Screen(output), connect()
    asked = {
        "pipeline": address,
        "computeEnvId": launching.environment_id(api, env) if env else None,
        "revision": revision,
        "paramsText": launching.params_text(None, params) if params else None,
        "configProfiles": profile,
        "workDir": work_dir,
        "configText": config.read_text() if config else None,
        "mainScript": main_script,
    }
    body = {
        "name": name,
        "description": description,
        "launch": {key: value for key, value in asked.items() if value},
        "labelIds": [label_of(api, each)["id"] for each in label],
    }
    made = api.post("/pipelines", body)["pipeline"]
    screen.data(made)
    screen.line(str(made["pipelineId"]))


@app.command("show")
def show(which: Which, *, output: Output = Format.text) -> None:
    """Show one, and what it launches."""
    from local.cli.client import connect
    from local.cli.labels import text_of

    screen, api = Screen(output), connect()
    id = id_of(api, which)
    found = api.get(f"/pipelines/{id}")["pipeline"]
    launch = api.get(f"/pipelines/{id}/launch")["launch"]
    screen.data({**found, "launch": launch})
    screen.pairs(
        [
            ("id", id),
            ("name", found["name"]),
            ("description", found.get("description")),
            ("environment", (found.get("computeEnv") or {}).get("name")),
            ("labels", ", ".join(map(text_of, found["labels"]))),
            ("version", found["version"].get("name") or found["version"]["id"]),
            *(
                (key, short(value))
                for key, value in sorted(launch.items())
                if key not in ("id", "computeEnv")
            ),
        ]
    )


def short(value: Any) -> str:
    """A launch's value in one line."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) < 80 and "\n" not in text else f"({len(text)} characters)"


@app.command("update")
def update(
    which: Which,
    *,
    address: Annotated[
        str | None, typer.Option("--pipeline", help="Another URL or folder.", show_default=False)
    ] = None,
    name: Annotated[str | None, typer.Option(help="Another name; unique.", show_default=False)] = None,
    env: launching.Env = None,
    revision: launching.Revision = None,
    params: launching.Params = None,
    profile: launching.Profiles = None,
    work_dir: launching.WorkDir = None,
    config: launching.Config = None,
    description: Annotated[str | None, typer.Option(help="For people.", show_default=False)] = None,
    output: Output = Format.text,
) -> None:
    """Change what is said of a pipeline; the rest stays. Its launch before stays as a version of it."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    id = id_of(api, which)
    found = api.get(f"/pipelines/{id}")["pipeline"]
    before = launching.stored(api, id)
    asked = {
        "pipeline": address,
        "computeEnvId": launching.environment_id(api, env) if env else None,
        "revision": revision,
        "paramsText": launching.params_text(before.get("paramsText"), params) if params else None,
        "configProfiles": profile,
        "workDir": work_dir,
        "configText": config.read_text() if config else None,
    }
    launch = {**before, **{key: value for key, value in asked.items() if value}}
    labels = [each["id"] for each in found["labels"]]
    body = {"name": name, "description": description, "launch": launch, "labelIds": labels}
    changed = api.put(f"/pipelines/{id}", body)["pipeline"]
    screen.data(changed)
    screen.line(f"{changed['name']} changed")


@app.command("delete")
def delete(which: Which, *, output: Output = Format.text) -> None:
    """Delete a pipeline; its runs stay."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    id = id_of(api, which)
    api.delete(f"/pipelines/{id}")
    screen.data({"deleted": int(id)})
    screen.line(f"{which} deleted")


def id_of(api: Any, which: str) -> str:
    """The id of the pipeline with that id or name. Raises Refused when there is none."""
    from local.cli.requests import one_of

    listed = api.get("/pipelines", max=1000)["pipelines"]
    return str(one_of([{**each, "id": str(each["pipelineId"])} for each in listed], which, "pipeline")["id"])
