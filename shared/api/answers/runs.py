"""Runs as the public API shows them: what Nextflow reported, under what we know ourselves."""

import json
from collections.abc import Mapping
from typing import Any

from shared.api.answers import labels as label_answers
from shared.api.answers.environments import config_of
from shared.api.answers.progress import progress
from shared.api.answers.shape import Kinds, iso, present, typed
from shared.api.tenancy import shown_workspace
from shared.model.environment import Environment
from shared.model.label import Label
from shared.model.pipeline import pipeline_of_launch
from shared.model.run import Run
from shared.model.trace import Trace

REPORTED: Kinds = {
    "projectDir": str, "projectName": str, "scriptName": str, "scriptFile": str, "scriptId": str,
    "repository": str, "commitId": str, "revision": str, "commandLine": str, "launchDir": str,
    "homeDir": str, "profile": str, "container": str, "containerEngine": str, "configFiles": list,
    "configText": str, "params": dict, "resume": bool, "start": str, "complete": str, "duration": int,
    "success": bool, "exitStatus": int, "errorMessage": str, "errorReport": str, "operationId": str,
    "logFile": str, "outFile": str,
}  # fmt: skip
MANIFEST: Kinds = dict.fromkeys(
    ("name", "description", "author", "version", "mainScript", "defaultBranch", "homePage", "gitmodules",
     "nextflowVersion", "icon"), str,
)  # fmt: skip
NEXTFLOW: Kinds = {"version": str, "build": (str, int), "timestamp": str}
STATS: Kinds = {
    "computeTimeFmt": str, "cachedCount": int, "failedCount": int, "ignoredCount": int, "succeedCount": int,
    "cachedDuration": int, "failedDuration": int, "succeedDuration": int, "cachedPct": float,
    "failedPct": float, "ignoredPct": float, "succeedPct": float, "cachedCountFmt": str,
    "succeedCountFmt": str, "failedCountFmt": str, "ignoredCountFmt": str,
}  # fmt: skip
ENABLED: Kinds = {"enabled": bool, "version": str}
NESTED: dict[str, Kinds] = {
    "manifest": MANIFEST, "nextflow": NEXTFLOW, "stats": STATS, "wave": ENABLED, "fusion": ENABLED,
}  # fmt: skip
LAUNCH_FIELDS = (
    "pipeline", "revision", "commitId", "workDir", "configProfiles", "configText", "paramsText",
    "preRunScript", "postRunScript", "mainScript", "entryName", "schemaName", "resume", "pullLatest",
    "stubRun", "userSecrets", "workspaceSecrets", "headJobCpus", "headJobMemoryMb", "launchContainer",
    "towerConfig", "optimizationId", "optimizationTargets", "outputDir", "nextflowVersion", "syntaxParser",
    "pipelineSchemaId",
)  # fmt: skip
LAUNCH_ID = "Launch"
"""A launch's id is its run's id and this: 22 characters, and nothing more to be stored."""


def workflow(run: Run, launched: bool = True) -> dict[str, Any]:
    """The run itself. `launched` adds what it was launched with."""
    found = typed(run.workflow, REPORTED)
    found |= {
        name: inner
        for name, kinds in NESTED.items()
        if isinstance(run.workflow.get(name), dict) and (inner := typed(run.workflow[name], kinds))
    }
    if "build" in found.get("nextflow", {}):
        found["nextflow"]["build"] = str(found["nextflow"]["build"])
    pipeline = str(run.launch.get("pipeline") or "")
    found = {**fallbacks(run, pipeline), **found, **ours(run)}
    if launched:
        found |= present(
            configProfiles=run.launch.get("configProfiles"),
            preRunScript=run.launch.get("preRunScript"),
            postRunScript=run.launch.get("postRunScript"),
        )
    return found


def fallbacks(run: Run, pipeline: str) -> dict[str, Any]:
    """What Nextflow reports better, for as long as it has not."""
    return present(
        projectName=run.project,
        repository=pipeline if "://" in pipeline else None,
        revision=run.launch.get("revision"),
        commandLine=f"nextflow run {pipeline}" if pipeline else "",
        profile=",".join(run.launch.get("configProfiles") or ()) or None,
        params=params_of(run),
        configFiles=[],
        resume=bool(run.launch.get("resume")),
    )


def params_of(run: Run) -> dict[str, Any]:
    """The launch's parameters, where they are JSON."""
    try:
        found = json.loads(run.launch.get("paramsText") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def ours(run: Run) -> dict[str, Any]:
    """What we know ourselves, and better than any report."""
    ended = run.completed_at
    took = int((ended - (run.started_at or run.submitted_at)) * 1000) if ended else None
    return present(
        id=run.id,
        runName=run.name,
        sessionId=run.session_id,
        status=run.status,
        submit=iso(run.submitted_at),
        start=iso(run.started_at),
        complete=iso(ended),
        duration=took,
        dateCreated=iso(run.submitted_at),
        lastUpdated=iso(run.updated_at),
        ownerId=run.user_id,
        userName=run.owner,
        workDir=run.work_dir,
        launchId=launch_id(run) if run.launch else None,
        exitStatus=run.exit_status,
        errorMessage=run.error_message or None,
        errorReport=run.error_report or None,
        success=run.status == "SUCCEEDED" if run.is_over else None,
        deleted=False,
        requiresAttention=False,
    )


def launch_id(run: Run) -> str:
    """The id of the run's launch."""
    return run.id + LAUNCH_ID


def entry(run: Run, trace: Trace | None, labels: Mapping[int, Label], user: int) -> dict[str, Any]:
    """A run in a user's listing."""
    return {
        "workflow": workflow(run, launched=False),
        "progress": progress(run, trace),
        **shown_workspace(run.workspace_id),
        **pipeline_of(run),
        "labels": label_answers.of(run, labels),
        "starred": user in run.starred_by,
        "optimized": False,
    }


def described(
    run: Run, trace: Trace | None, environment: Environment | None, labels: Mapping[int, Label]
) -> dict[str, Any]:
    """A run in full, with why it waits."""
    return {
        "workflow": workflow(run),
        "progress": progress(run, trace),
        "platform": platform(environment),
        "jobInfo": job(run),
        "messages": messages(run),
        **shown_workspace(run.workspace_id),
        **pipeline_of(run),
        "labels": label_answers.of(run, labels),
        "optimized": False,
        "instancesProvisioned": sum(1 for attempt in run.attempts if attempt.machine_id),
    }


def pipeline_of(run: Run) -> dict[str, Any]:
    """The pipeline that it was launched from, if it was."""
    id = pipeline_of_launch(str(run.launch.get("id") or ""))
    shown = present(id=int(id), workspaceId=run.workspace_id or None) if id else None
    return {"pipelineInfo": shown} if shown else {}


def platform(environment: Environment | None) -> dict[str, Any]:
    """Where it runs; nothing for a run that was started elsewhere."""
    return {"id": environment.platform, "name": environment.name} if environment else {}


def job(run: Run) -> dict[str, Any]:
    """The newest machine."""
    last = run.last
    if last is None:
        return {"status": run.status}
    return present(
        id=last.number,
        operationId=last.machine_id or None,
        status=last.state,
        exitCode=last.exit_status,
        message=last.end_reason or str(last.offer),
    )


def messages(run: Run) -> list[str]:
    """Why it is not further on, and what could not be had."""
    waits = [run.wait.reason] if run.wait is not None else []
    refused = [
        f"{refusal.offer}: {refusal.reason}" for attempt in run.attempts[-1:] for refusal in attempt.refusals
    ]
    return [*waits, *refused]


def launch(run: Run, environment: Environment | None) -> dict[str, Any]:
    """What a run was launched with."""
    found = {name: run.launch[name] for name in LAUNCH_FIELDS if run.launch.get(name) is not None}
    return {
        **found,
        **present(
            id=launch_id(run),
            workDir=run.work_dir,
            sessionId=run.session_id,
            dateCreated=iso(run.submitted_at),
            computeEnv=environment_of(environment),
        ),
    }


def environment_of(environment: Environment | None) -> dict[str, Any] | None:
    """The environment inside a launch."""
    if environment is None:
        return None
    return present(
        id=environment.id,
        name=environment.name,
        platform=environment.platform,
        credentialsId=environment.credentials_id or None,
        config=config_of(environment),
        status=environment.status,
        dateCreated=iso(environment.created_at),
        lastUpdated=iso(environment.updated_at),
        primary=environment.primary,
    )
