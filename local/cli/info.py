"""`headnode info`, `permissions` and `version`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from local.cli.fields import with_config
from local.cli.screen import Format, Output, Screen


class Step(StrEnum):
    """The lifecycle steps, each with permissions of its own."""

    create = "create"
    launch = "launch"
    logs = "logs"
    reap = "reap"
    dispose = "dispose"


def info(*, output: Output = Format.text) -> None:
    """Show which control plane answers, as whom, and what it can do."""
    from local.cli.client import connect

    screen, api = Screen(output), connect()
    service = api.get("/service-info")["serviceInfo"]
    user = api.get("/user-info")["user"]
    screen.data({"url": api.url, "serviceInfo": service, "user": user})
    screen.pairs(
        [
            ("url", api.url),
            ("version", service.get("version")),
            ("API version", service.get("apiVersion")),
            ("user", user.get("userName")),
            ("heartbeat", service.get("heartbeatInterval")),
        ]
    )


File = Annotated[
    Path | None,
    typer.Option(
        "-f", "--file", help="An environment's file: the least that its options need.", show_default=False
    ),
]


@with_config
def permissions(
    platform: Annotated[str, typer.Argument(help="aws-cloud, aws-batch or azure-cloud.")],
    *,
    step: Annotated[Step | None, typer.Option(help="Only this step's.", show_default=False)] = None,
    file: File = None,
    output: Output = Format.text,
    config: dict[str, Any],
) -> None:
    """Print the policy (AWS) or role (Azure) that a platform needs, whole or for one step; with a file or an
    environment's options the least that those need (aws-batch)."""
    import json

    from local.cli.client import connect
    from local.cli.requests import environment_file, keys_of

    screen, api, wanted = Screen(output), connect(), step.value if step else None
    given = {**(environment_file(file).get("config") or {} if file else {}), **keys_of(platform, config)}
    if given:
        body = {"step": wanted, "config": given}
        policy = api.post(f"/headnode/permissions/{platform}", body)
    else:
        policy = api.get(f"/headnode/permissions/{platform}", step=wanted)
    screen.data(policy)
    screen.line(json.dumps(policy, indent=2))


def version(*, output: Output = Format.text) -> None:
    """Print this program's version."""
    from importlib.metadata import version as installed

    screen = Screen(output)
    screen.data({"version": installed("headnode")})
    screen.line(installed("headnode"))
