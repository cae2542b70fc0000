"""`headnode env export` and `headnode env import`: an environment as one YAML file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from local.cli import env
from local.cli.screen import Format, Output, Screen

File = Annotated[Path, typer.Argument(metavar="FILE", help="YAML or JSON, as `env export` writes it.")]
To = Annotated[
    Path | None,
    typer.Option("-f", "--file", help="Write it here. Default: standard output.", show_default=False),
]
Name = Annotated[str | None, typer.Option(help="Another name than the file's; unique.", show_default=False)]
Keys = Annotated[
    str | None,
    typer.Option("--credentials", help="Name or id. Default: the file's.", show_default=False),
]
MADE = ("discriminator", "forgedResources", "deletedResources")
"""What a config is shown with and nobody asks for."""


def export(which: env.Which, *, file: To = None, output: Output = Format.text) -> None:
    """Write a compute environment as a file that `env import` and `env create -f` take. It names its
    credentials and holds none.
    """
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    found = exported(api, env.id_of(api, which))
    text = as_yaml(found)
    if file:
        file.write_text(text)
        screen.say(f"written to {file}")
    screen.data(found)
    if not file:
        screen.line(text.rstrip())


def exported(api: Any, id: str) -> dict[str, Any]:
    """The environment as it is asked for: under names, which another control plane may have too."""
    from local.cli.labels import text_of

    found = api.get(f"/compute-envs/{id}")["computeEnv"]
    names = {each["id"]: each["name"] for each in api.get("/credentials")["credentials"]}
    config = {key: value for key, value in found["config"].items() if key not in MADE}
    fields = {
        "name": found["name"],
        "platform": found["platform"],
        "description": found.get("description"),
        "credentials": names.get(found.get("credentialsId")),
        "labels": [text_of(each) for each in found["labels"]],
        "config": config,
    }
    return {key: value for key, value in fields.items() if value}


def as_yaml(found: dict[str, Any]) -> str:
    """YAML for people: fields in our order, scripts as blocks."""
    import yaml

    class Blocks(yaml.SafeDumper):
        """Texts of several lines are written as such."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Blocks.add_representer(str, text)
    return yaml.dump(found, Dumper=Blocks, sort_keys=False, allow_unicode=True)


def import_(
    file: File,
    *,
    name: Name = None,
    credentials: Keys = None,
    wait: env.Wait = True,
    output: Output = Format.text,
) -> None:
    """Create a compute environment from a file."""
    env.create_from(name, file, None, credentials, None, {}, wait, output)
