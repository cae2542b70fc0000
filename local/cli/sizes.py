"""`headnode sizes`: which VM a task gets, and what would be cheaper."""

from typing import Annotated, Any

import typer

from local.cli.screen import Format, Output, Screen

ROWS = (
    ("size", "name"),
    ("US dollars an hour", "usd"),
    ("US dollars an hour for a task", "usdPerTask"),
    ("tasks at once", "tasks"),
    ("slots", "slots"),
    ("slots for a task", "slotsPerTask"),
    ("vCPUs", "vcpus"),
    ("memory, GiB", "memoryGiB"),
    ("disk, GiB", "diskGiB"),
    ("NVMe disk, GiB", "nvmeGiB"),
    ("architecture", "architecture"),
    ("retires", "retires"),
    ("quota family", "quotaFamily"),
)


def sizes(
    platform: Annotated[str, typer.Argument(help="azure-batch.")],
    *,
    region: Annotated[str, typer.Option(help="Where the pools are, such as westeurope.")],
    cpus: Annotated[int, typer.Option(help="The process's `cpus`.")] = 1,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Its `memory`, such as 8.GB.", show_default=False)
    ] = None,
    disk: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Its `disk`, such as 100.GB.", show_default=False)
    ] = None,
    machine_type: Annotated[
        str | None,
        typer.Option(
            metavar="FAMILIES",
            help="Its `machineType`: sizes and patterns, such as Standard_D*_v5,Standard_E*_v5.",
            show_default=False,
        ),
    ] = None,
    arm: Annotated[bool, typer.Option("--arm", help="Its image is made for Arm too.")] = False,
    credentials: Annotated[
        str | None,
        typer.Option(help="Name or id: shows how many nodes their account has room for.", show_default=False),
    ] = None,
    output: Output = Format.text,
) -> None:
    """Show which VM size Nextflow takes for a task on pools that it makes by itself, and a cheaper one that
    does the same work."""
    from local.cli.client import connect
    from local.cli.requests import credentials_id

    screen, api = Screen(output), connect()
    found = api.get(
        f"/headnode/platforms/{platform}/sizes",
        regionId=region,
        cpus=cpus,
        memory=memory,
        disk=disk,
        machineType=machine_type,
        arm=arm,
        credentialsId=credentials_id(api, credentials) if credentials else None,
    )
    screen.data(found)
    offers = (found["nextflow"], found["cheaper"])
    screen.table(("", "NEXTFLOW TAKES", "CHEAPER"), rows(offers), "no size")
    for each in dict.fromkeys(remarks(found, offers)):
        screen.line(each)


def rows(offers: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """What the offers have, side by side; without what neither has."""
    known = [each for each in offers if each]
    if not known:
        return []
    found = [(name, *(told(each, key) for each in offers)) for name, key in ROWS]
    found += [
        (f"room for nodes, {kind}", *(left(each, kind) for each in offers)) for kind in ("dedicated", "spot")
    ]
    return [row for row in found if any(cell != "" for cell in row[1:])]


def told(offer: Any, key: str) -> Any:
    """One fact of an offer."""
    value = offer.get(key) if offer else None
    return "" if value is None else f"{value:g}" if isinstance(value, float) else value


def left(offer: Any, kind: str) -> Any:
    """Nodes that there is room for."""
    value = (offer["nodesLeft"] or {}).get(kind) if offer else None
    return "" if value is None else value


def remarks(found: Any, offers: tuple[Any, ...]) -> list[str]:
    """What is to be said of the sizes and of the answer."""
    said = [warning for each in offers if each for warning in each["warnings"]]
    dates = f"sizes as Azure listed them on {found['listed']}, prices of {found['priced']}, Linux, on demand"
    return [*said, *found["notes"], dates]
