"""`headnode labels`: words on runs, pipelines, environments and actions."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from local.cli.screen import Format, Output, Screen, moment
from shared.errors import Refused

app = typer.Typer(help="Labels.", no_args_is_help=True)

Text = Annotated[str, typer.Argument(metavar="LABEL", help="NAME, or NAME=VALUE for a resource label.")]
Texts = Annotated[list[str], typer.Argument(metavar="LABEL...", help="NAME or NAME=VALUE; made when new.")]
Run = Annotated[list[str], typer.Option("--run", help="A run's id; may be repeated.", show_default=False)]
Pipeline = Annotated[
    list[str], typer.Option("--pipeline", help="A pipeline's name; may be repeated.", show_default=False)
]
Action = Annotated[
    list[str], typer.Option("--action", help="An action's name; may be repeated.", show_default=False)
]
Env = Annotated[
    list[str], typer.Option("--env", help="An environment's name; may be repeated.", show_default=False)
]
MODES = {"put": "add", "set": "apply", "take": "remove"}


@app.command("list")
def list_(
    *,
    search: Annotated[str | None, typer.Option(help="Part of a name.", show_default=False)] = None,
    output: Output = Format.text,
) -> None:
    """List labels."""
    from local.cli.client import connect

    screen = Screen(output)
    found = connect().get("/labels", max=1000, search=search)["labels"]
    screen.data(found)
    rows = ((each["id"], text_of(each), moment(each.get("dateCreated"))) for each in found)
    screen.table(("ID", "LABEL", "MADE"), rows, "no labels")


@app.command("add")
def add(label: Text, *, output: Output = Format.text) -> None:
    """Make a label; one that is there already is no error."""
    from local.cli.client import connect
    from local.cli.requests import label_of

    screen = Screen(output)
    made = label_of(connect(), label)
    screen.data(made)
    screen.line(str(made["id"]))


@app.command("delete")
def delete(label: Text, *, output: Output = Format.text) -> None:
    """Delete a label, on everything that bears it."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    found = known(api, label)
    if found is None:
        raise Refused(f"no label {label!r}")
    api.delete(f"/labels/{found['id']}")
    screen.data({"deleted": found["id"]})
    screen.line(f"{label} deleted")


def associating(verb: str, said: str) -> Callable[..., None]:
    """A command that changes which labels things bear."""

    def act(
        labels: Texts,
        *,
        run: Run = [],  # noqa: B006 (Typer makes a list of its own)
        pipeline: Pipeline = [],  # noqa: B006
        action: Action = [],  # noqa: B006
        env: Env = [],  # noqa: B006
        output: Output = Format.text,
    ) -> None:
        associate(verb, labels, run, pipeline, action, env, output)

    act.__doc__ = said
    return act


for verb, said in {
    "put": "Put labels on things, besides those that they bear.",
    "set": "Put labels on things, instead of those that they bear.",
    "take": "Take labels off things.",
}.items():
    app.command(verb)(associating(verb, said))


def associate(
    verb: str,
    labels: list[str],
    run: list[str],
    pipeline: list[str],
    action: list[str],
    env: list[str],
    output: Format,
) -> None:
    """One request for each kind of thing that was named."""
    from local.cli.client import connect
    from local.cli.requests import label_of

    screen, api = Screen(output), connect()
    if not (run or pipeline or action or env):
        raise typer.BadParameter("name something: --run, --pipeline, --action or --env")
    targets = {
        "/workflow": ("workflowIds", run),
        "/pipelines": ("pipelineIds", ids(api, "/pipelines", "pipelines", "pipelineId", pipeline)),
        "/actions": ("actionIds", ids(api, "/actions", "actions", "id", action)),
        "/headnode/compute-envs": ("computeEnvIds", ids(api, "/compute-envs", "computeEnvs", "id", env)),
    }
    found = [each["id"] for each in (label_of(api, label) for label in labels)]
    done = 0
    for path, (field, things) in targets.items():
        if things:
            api.post(f"{path}/labels/{MODES[verb]}", {field: things, "labelIds": found})
            done += len(things)
    screen.data({"labelIds": found, "changed": done})
    screen.line(f"{done} changed")


def ids(api: Any, path: str, listing: str, key: str, wanted: list[str]) -> list[Any]:
    """The ids of the things with these names or ids. Raises Refused for one that is not there."""
    from local.cli.requests import one_of

    if not wanted:
        return []
    listed = [{**each, "id": str(each[key])} for each in api.get(path, max=1000)[listing]]
    return [one_of(listed, each, path[1:].rstrip("s"))[key] for each in wanted]


def known(api: Any, text: str) -> dict[str, Any] | None:
    """The label of that text, or with that id, if it is there."""
    listed = api.get("/labels", max=1000)["labels"]
    found = (each for each in listed if text in (str(each["id"]), text_of(each)))
    return next(found, None)


def text_of(label: dict[str, Any]) -> str:
    """A label as it is written."""
    return f"{label['name']}={label.get('value') or ''}" if label.get("resource") else str(label["name"])
