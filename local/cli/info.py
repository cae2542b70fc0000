"""`headnode info`, `permissions` and `version`."""

from enum import StrEnum
from typing import Annotated

import typer

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


def permissions(
    platform: Annotated[str, typer.Argument(help="aws-cloud or azure-cloud.")],
    *,
    step: Annotated[Step | None, typer.Option(help="Only this step's.", show_default=False)] = None,
    output: Output = Format.text,
) -> None:
    """Print the policy (AWS) or role (Azure) that a platform needs, whole or for one step."""
    import json

    from local.cli.client import connect

    screen = Screen(output)
    policy = connect().get(f"/headnode/permissions/{platform}", step=step.value if step else None)
    screen.data(policy)
    screen.line(json.dumps(policy, indent=2))


def version(*, output: Output = Format.text) -> None:
    """Print this program's version."""
    from importlib.metadata import version as installed

    screen = Screen(output)
    screen.data({"version": installed("headnode")})
    screen.line(installed("headnode"))
