"""The spec: everything that a machine's runner has to know about its run. Pure."""

from collections.abc import Mapping
from typing import Any

from shared.model.environment import Environment
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.nextflow import command

IMAGE = "nextflow/nextflow"
"""The container image for a launch that names a Nextflow version."""
SECRET = "aws-secretsmanager:tower-{run}/{name}"  # noqa: S105 (a name, not a secret)
"""Where a run's secrets lie, in the form that the public platform uses."""


def build(
    run: Run,
    attempt: Attempt,
    environment: Environment,
    settings: Settings,
    platform: Mapping[str, Any],
    token: str,
) -> dict[str, Any]:
    """The spec of one attempt. `platform` is the provider's part (`logs`, `region`, `environment`,
    on Azure `azure`, and `tasks`, a config, where tasks run elsewhere), `token` lets the machine speak for
    this run."""
    launch, config = run.launch, environment.config
    azure = dict(platform.get("azure", {}))
    engine = engine_of(launch, config)
    nextflow = engine == "nextflow"
    tasks = str(platform.get("tasks") or "")
    files = command.files(run.id, environment.platform, config, launch, azure, tasks)
    return {
        "run": run.id,
        "attempt": attempt.number,
        "name": run.name,
        "session": run.session_id,
        "resume": bool(launch.get("resume")) or attempt.number > 1,
        "engine": engine,
        "pipeline": str(launch.get("pipeline") or ""),
        "revision": str(launch.get("commitId") or launch.get("revision") or ""),
        "main": str(launch.get("mainScript") or ""),
        "args": command.arguments(run.id, launch) if nextflow else [],
        "params": command.parameters(launch) or {},
        "files": files if nextflow else {},
        "environment": {
            **(command.plugins(config, launch) if azure else {}),
            **platform.get("environment", {}),
            **chosen_nextflow(launch),
        },
        "secrets": secrets(run),
        "pre_run": str(launch.get("preRunScript") or ""),
        "post_run": str(launch.get("postRunScript") or ""),
        "work_dir": run.work_dir,
        "container": container(launch, config),
        "deadline": attempt.deadline or run.deadline,
        "heartbeat": settings.heartbeat,
        "logs": dict(platform.get("logs", {})),
        "region": str(platform.get("region") or ""),
        "token": token,
        "api": settings.api_url.rstrip("/"),
        "workspace": run.workspace_id or None,
        "azure": azure,
    }


def engine_of(launch: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """`nextflow` or `script`: what the launch says, else the environment, else what the main script's
    name says."""
    said = launch.get("engine") or config.get("engine")
    if said in ("nextflow", "script"):
        return str(said)
    main = str(launch.get("mainScript") or "")
    return "script" if main and not main.endswith(".nf") else "nextflow"


def chosen_nextflow(launch: Mapping[str, Any]) -> dict[str, str]:
    """The variables by which Nextflow's launcher takes a version and a parser."""
    fields = (("NXF_VER", "nextflowVersion"), ("NXF_SYNTAX_PARSER", "syntaxParser"))
    return {variable: str(launch[field]) for variable, field in fields if launch.get(field)}


def container(launch: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """The image that the engine runs in, or None for the runner's default."""
    named = launch.get("launchContainer") or config.get("engineContainer")
    if named:
        return str(named)
    version = launch.get("nextflowVersion")
    return f"{IMAGE}:{version}" if version else None


def secrets(run: Run) -> list[dict[str, str]]:
    """The secrets that the launch asks for, and where they lie."""
    asked = [*(run.launch.get("workspaceSecrets") or ()), *(run.launch.get("userSecrets") or ())]
    return [{"name": name, "source": SECRET.format(run=run.id, name=name)} for name in dict.fromkeys(asked)]
