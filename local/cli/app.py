"""The command tree."""

import typer

from local.cli import (
    actions,
    credentials,
    env,
    envfile,
    here,
    info,
    labels,
    launch,
    parked,
    pipelines,
    runs,
    sizes,
    tasks,
    tokens,
    workspaces,
)

app = typer.Typer(
    help="A serverless control plane for Nextflow in your own cloud account.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
env.app.command("export")(envfile.export)
env.app.command("import")(envfile.import_)
app.add_typer(env.app, name="env")
app.command("launch")(launch.launch)
app.add_typer(runs.app, name="runs")
app.add_typer(tasks.app, name="tasks")
app.add_typer(pipelines.app, name="pipelines")
app.add_typer(actions.app, name="actions")
app.add_typer(labels.app, name="labels")
app.add_typer(credentials.app, name="credentials")
app.add_typer(tokens.app, name="tokens")
app.add_typer(workspaces.app, name="workspaces")
app.add_typer(parked.app, name="parked")
app.command("sizes")(sizes.sizes)
app.command("permissions")(info.permissions)
app.command("info")(info.info)
app.command("version")(info.version)
app.command("serve")(here.serve)
app.command("demo")(here.demo)
app.add_typer(here.clouds, name="clouds")
app.add_typer(here.package, name="package")
