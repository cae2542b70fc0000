"""Commands that do their work on this machine: serve, clouds, demo, package."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from local.cli.screen import Format, Output, Screen

clouds = typer.Typer(help="Emulated clouds, to try things without an account.", no_args_is_help=True)
package = typer.Typer(help="What is deployed to a cloud.", no_args_is_help=True)

Port = Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")]
Address = Annotated[str, typer.Option("--host", help="Address to listen on.")]


def default_data() -> Path:
    """Where a host keeps everything, unless told otherwise."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "headnode"


def serve(
    *,
    host: Address = "127.0.0.1",
    port: Port = 8080,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Directory for everything it keeps. Default: ~/.local/share/headnode.", show_default=False
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Steps at once.")] = 8,
    output: Output = Format.text,
) -> None:
    """Run a control plane on this machine: API, workers and timers in one process."""
    import json
    import logging

    from local.serve import Host, asked_to_stop

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    where = data or default_data()
    token = os.environ.get("HEADNODE_TOKEN", "")
    served = Host(where, host=host, port=port, workers=workers, token=token)
    served.start()
    asked = asked_to_stop()
    shown = {"url": served.url, "data": str(where), "token": served.token if served.made_token else None}
    if output is Format.json:
        print(json.dumps(shown), flush=True)
    else:
        print(f"headnode is at {served.url} (data in {where})", flush=True)
        if served.made_token:
            print(f"its first token, shown only now: export HEADNODE_TOKEN='{served.token}'", flush=True)
    asked.wait()
    served.stop()
    # A step that is still under way must not keep the process: the queue delivers it again.
    sys.stdout.flush()
    os._exit(0)


@clouds.command("aws")
def aws(*, host: Address = "127.0.0.1", port: Port = 4566, output: Output = Format.text) -> None:
    """Run an emulated AWS whose machines are processes here; use it with AWS_ENDPOINT_URL."""
    from local.clouds.aws import EmulatedAws
    from local.serve import asked_to_stop

    with EmulatedAws(port, host=host) as cloud:
        asked = asked_to_stop()
        _exported(cloud.environment(), output)
        asked.wait()


@clouds.command("azure")
def azure(
    *,
    host: Address = "127.0.0.1",
    port: Port = 4577,
    storage: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ACCOUNT/CONTAINER",
            help="A storage account and a container to begin with; repeatable. Default: headnode/work.",
            show_default=False,
        ),
    ] = None,
    output: Output = Format.text,
) -> None:
    """Run an emulated Azure whose machines are processes here; use it with HEADNODE_AZURE_URL."""
    from local.clouds.azure import EmulatedAzure
    from local.serve import asked_to_stop

    wanted = [each.partition("/")[::2] for each in storage or ["headnode/work"]]
    with EmulatedAzure(port, host=host) as cloud:
        try:
            for account, container in wanted:
                cloud.account(account, containers=[container] if container else [])
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--storage") from None
        asked = asked_to_stop()
        _exported(cloud.environment(), output)
        asked.wait()


def _exported(variables: dict[str, str], output: Format) -> None:
    """Prints what points an SDK at a cloud: lines for a shell, or one JSON document."""
    import json

    if output is Format.json:
        print(json.dumps(variables), flush=True)
        return
    for name, value in variables.items():
        print(f"export {name}={value}", flush=True)


class Engine(StrEnum):
    """What runs the demo's pipeline."""

    auto = "auto"
    nextflow = "nextflow"
    script = "script"


class DemoPlatform(StrEnum):
    """Where the demo runs."""

    aws_cloud = "aws-cloud"
    aws_batch = "aws-batch"
    azure_batch = "azure-batch"
    azure_cloud = "azure-cloud"
    local = "local"


def demo(
    *,
    platform: Annotated[
        DemoPlatform, typer.Option(help="A cloud (all are emulated), or local.")
    ] = DemoPlatform.aws_cloud,
    pipeline: Annotated[
        Path | None,
        typer.Option(help="Your own pipeline's folder. Default: the bundled example.", show_default=False),
    ] = None,
    engine: Annotated[Engine, typer.Option(help="auto takes Nextflow where it can be had.")] = Engine.auto,
    spot_interruption: Annotated[
        bool, typer.Option("--spot-interruption", help="Take the machine away in the middle of the run.")
    ] = False,
    option: Annotated[
        int, typer.Option(min=1, max=10, help="azure-batch: which of infra/examples/azure-batch.")
    ] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the demo's files and say where.")] = False,
    output: Output = Format.text,
) -> None:
    """Show everything once, on this machine: environment, run, live log, removal, receipt."""
    from local.demo import Options, run

    screen = Screen(output)
    chosen = Options(
        platform=platform.value,
        pipeline=pipeline,
        engine=engine.value,
        keep=keep,
        spot_interruption=spot_interruption,
        option=option,
    )
    raise typer.Exit(run(chosen, screen))


@package.command("aws")
def package_aws(
    *,
    out: Annotated[Path, typer.Option(help="Directory for the archives and the template.")],
    python: Annotated[str, typer.Option(help="Python of the Lambda runtime.")] = "3.13",
    architecture: Annotated[str, typer.Option(help="arm64 or x86_64.")] = "arm64",
    output: Output = Format.text,
) -> None:
    """Make the archives of the Lambda functions; the same source gives the same bytes."""
    from infra import package as packages

    screen = Screen(output)
    screen.say("fetching what the functions need, and packing it")
    show_made(screen, packages.aws(out, python, architecture), packages.next_commands(out))


@package.command("azure")
def package_azure(
    *,
    out: Annotated[Path, typer.Option(help="Directory for the archive and the Bicep files.")],
    output: Output = Format.text,
) -> None:
    """Make the archive of the Azure Functions; the same source gives the same bytes."""
    from infra import package_azure as packages

    screen = Screen(output)
    screen.say("fetching what the functions need, and packing it")
    show_made(screen, packages.azure(out), packages.next_commands(out))


def show_made(screen: Screen, made: list[Path], then: str) -> None:
    """What was built, and the shell lines that deploy it."""
    screen.data({path.name: path.stat().st_size for path in made})
    for path in made:
        screen.line(f"{path}  {path.stat().st_size:,} bytes")
    screen.say(then)
