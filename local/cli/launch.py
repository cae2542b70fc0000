"""`headnode launch`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from local.cli.screen import Format, Output, Screen
from shared.errors import Refused

Pipeline = Annotated[
    str | None,
    typer.Argument(help="URL, GitHub OWNER/NAME, folder, or a pipeline of yours.", show_default=False),
]
Env = Annotated[str | None, typer.Option(help="Environment. Default: the primary one.", show_default=False)]
Revision = Annotated[
    str | None, typer.Option("-r", "--revision", help="Branch, tag or commit.", show_default=False)
]
Params = Annotated[
    list[str] | None,
    typer.Option(help="NAME=VALUE, or a YAML or JSON file; may be repeated.", show_default=False),
]
Profiles = Annotated[
    list[str] | None, typer.Option(help="Nextflow profile; may be repeated.", show_default=False)
]
Name = Annotated[str | None, typer.Option(help="Name of the run. Default: made up.", show_default=False)]
WorkDir = Annotated[
    str | None, typer.Option(help="Default: the environment's.", show_default=False, metavar="URI")
]
Config = Annotated[Path | None, typer.Option(help="Nextflow config for this run.", show_default=False)]
Main = Annotated[str | None, typer.Option(help="Default: main.nf (or main.sh).", show_default=False)]
Latest = Annotated[bool, typer.Option("--latest", help="Pull the newest revision.")]
Stub = Annotated[bool, typer.Option("--stub-run", help="Run the processes' stubs.")]
Resume = Annotated[
    str | None,
    typer.Option(help="Continue this run, with its pipeline and options.", show_default=False, metavar="RUN"),
]
Labels = Annotated[
    list[str],
    typer.Option("--label", help="NAME or NAME=VALUE; may be repeated.", show_default=False),
]
ShowConfig = Annotated[
    bool,
    typer.Option(
        "--show-config",
        help="Launch nothing: show the Nextflow config, whose each setting is, and what it replaces.",
    ),
]
Follow = Annotated[bool, typer.Option("--follow", help="Stay and show the log; exit 1 unless it succeeds.")]


def launch(
    pipeline: Pipeline = None,
    *,
    env: Env = None,
    revision: Revision = None,
    params: Params = None,
    profile: Profiles = None,
    name: Name = None,
    work_dir: WorkDir = None,
    config: Config = None,
    main_script: Main = None,
    latest: Latest = False,
    stub_run: Stub = False,
    resume: Resume = None,
    label: Labels = [],  # noqa: B006 (Typer makes a list of its own)
    follow: Follow = False,
    show_config: ShowConfig = False,
    output: Output = Format.text,
) -> None:
    """Launch a pipeline."""
    from local.cli.client import connect
    from local.cli.requests import label_ids

    screen, api = Screen(output), connect()
    asked = {
        "pipeline": pipeline,
        "revision": revision,
        "runName": name,
        "workDir": work_dir,
        "mainScript": main_script,
        "configProfiles": profile,
        "configText": config.read_text() if config else None,
        "pullLatest": latest or None,
        "stubRun": stub_run or None,
        "labelIds": label_ids(api, label),
    }
    base = named(api, pipeline) if pipeline and not resume else {}
    if base:
        del asked["pipeline"]
    body = {**before(api, resume), **base, **{key: value for key, value in asked.items() if value}}
    if not body.get("pipeline"):
        raise typer.BadParameter("needs a PIPELINE, or --resume RUN")
    if params:
        body["paramsText"] = params_text(body.get("paramsText"), params)
    if env or not body.get("computeEnvId"):
        body["computeEnvId"] = environment_id(api, env)
    if show_config:
        from local.cli.nextflow_config import show

        return show(screen, api.post("/headnode/launch/config", {"launch": body}))
    made = api.post("/workflow/launch", {"launch": body})["workflowId"]
    return shown(screen, api, made, follow)


def shown(screen: Screen, api: Any, run: str, follow: bool) -> None:
    """The run's id; with `follow` also its log and its end."""
    if not follow:
        screen.data({"workflowId": run})
        screen.line(run)
        return
    from local.cli import runs

    screen.say(f"launched {run}")
    runs.follow(screen, api, run)


def params_text(before: str | None, given: list[str]) -> str:
    """The parameters as JSON text, over those of a run that is resumed."""
    from local.cli.requests import parameters

    return json.dumps({**(json.loads(before) if before else {}), **parameters(given)})


def before(api: Any, run: str | None) -> dict[str, Any]:
    """What a run was launched with, as the body that resumes it; empty without one."""
    if run is None:
        return {}
    record = api.get(f"/headnode/runs/{run}")
    launched = {key: value for key, value in (record.get("launch") or {}).items() if value is not None}
    for key in ("id", "runName", "dateCreated"):
        launched.pop(key, None)
    return {**launched, "sessionId": record["session_id"], "resume": True}


def named(api: Any, name: str) -> dict[str, Any]:
    """What the pipeline of that name launches, as the body of a launch; empty where there is none, or the
    name is an address or a folder."""
    if "/" in name or ":" in name or Path(name).exists():
        return {}
    listed = api.get("/pipelines", search=name, max=1000)["pipelines"]
    found = [each["pipelineId"] for each in listed if each["name"] == name]
    if not found:
        return {}
    return stored(api, found[0])


def stored(api: Any, id: object) -> dict[str, Any]:
    """What the pipeline with this id launches, as the body of a launch."""
    launch: dict[str, Any] = api.get(f"/pipelines/{id}/launch")["launch"]
    place = launch.pop("computeEnv", None)
    kept = {key: value for key, value in launch.items() if key not in ("dateCreated", "lastUpdated")}
    return {**kept, **({"computeEnvId": place["id"]} if place else {})}


def environment_id(api: Any, wanted: str | None) -> str:
    """The id of the environment of that name or id; without one the primary one, or the only one."""
    from local.cli.requests import one_of

    listed = api.get("/compute-envs")["computeEnvs"]
    if wanted:
        return str(one_of(listed, wanted, "compute environment")["id"])
    usable = [each for each in listed if each.get("status") == "AVAILABLE"]
    chosen = [each for each in usable if each.get("primary")] or (usable if len(usable) == 1 else [])
    if not chosen:
        raise Refused("which compute environment? say --env (see `headnode env list`)")
    return str(chosen[0]["id"])
