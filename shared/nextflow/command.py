"""A launch in Nextflow's own terms: its extra arguments, its config files, its parameters. Pure."""

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

BASE = """// Set by headnode: this machine is the whole cluster.
process.executor = 'local'
"""
DOCKER = """docker.enabled = true
"""
AZURE = """azure.storage.accountName = {account}
azure.managedIdentity.clientId = {identity}
"""
"""How a pipeline gets at az:// paths: as the machine's identity, without any key."""
CONTAINER_PLATFORMS = ("aws-cloud", "azure-cloud")
"""Platforms whose machines have Docker."""
AZURE_SCHEME, AZURE_PLUGIN = "az://", "nf-azure"
ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
"""What Groovy writes otherwise in single quotes."""
SAID_IN = ("paramsText", "configText", "outputDir", "preRunScript", "pipeline")
"""Fields of a launch in which a pipeline may be told about az:// paths."""


def arguments(run_id: str, launch: Mapping[str, Any]) -> list[str]:
    """What follows `nextflow run <pipeline>`, besides what the runner itself knows: profile, entry,
    parameters file, and switches."""
    words: list[str] = []
    if profiles := launch.get("configProfiles"):
        words += ["-profile", ",".join(profiles)]
    for option, field in (("-entry", "entryName"), ("-output-dir", "outputDir")):
        if launch.get(field):
            words += [option, str(launch[field])]
    for option, field in (("-latest", "pullLatest"), ("-stub-run", "stubRun")):
        if launch.get(field):
            words.append(option)
    if parameters(launch) is None:
        words += ["-params-file", params_file(run_id)]
    return words


def params_file(run_id: str) -> str:
    """The name of the file for parameters that were given as YAML."""
    return f"nf-{run_id}-params.yml"


def parameters(launch: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameters, or None when they are YAML, which only Nextflow reads."""
    try:
        found = json.loads(launch.get("paramsText") or "{}")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def files(
    run_id: str,
    platform: str,
    config: Mapping[str, Any],
    launch: Mapping[str, Any],
    azure: Mapping[str, Any] | None = None,
    tasks: str = "",
) -> dict[str, str]:
    """Files for the run's directory, by name. Nextflow reads the configs in the order of their names,
    and a later one wins: headnode's, then the environment's, then the launch's. `azure` is that part of
    the runner's spec. `tasks` is the platform's own config where tasks run elsewhere: the environment's
    comes before it then, since what the platform owns is not its to change."""
    ours, environments = ("2", "1") if tasks else ("1", "2")
    base = tasks or base_config(platform, launch) + azure_config(azure or {})
    texts = {
        f"nf-{run_id}-{ours}-headnode.config": base,
        f"nf-{run_id}-{environments}-environment.config": str(config.get("nextflowConfig") or ""),
        f"nf-{run_id}-3-launch.config": str(launch.get("configText") or ""),
    }
    found = {
        name: text if text.endswith("\n") else f"{text}\n" for name, text in texts.items() if text.strip()
    }
    if parameters(launch) is None:
        found[params_file(run_id)] = str(launch["paramsText"])
    return found


def base_config(platform: str, launch: Mapping[str, Any]) -> str:
    """What makes any pipeline run on one machine. A launch with profiles chooses by them how its tasks
    get their software; one without gets Docker, where the machines have it."""
    containers = platform in CONTAINER_PLATFORMS and not launch.get("configProfiles")
    return BASE + (DOCKER if containers else "")


def azure_config(azure: Mapping[str, Any]) -> str:
    """What az:// paths need; empty where the machine has no identity or account."""
    account, identity = azure.get("storage_account"), azure.get("client_id")
    if not (account and identity):
        return ""
    return AZURE.format(account=quoted(str(account)), identity=quoted(str(identity)))


def plugins(config: Mapping[str, Any], launch: Mapping[str, Any]) -> dict[str, str]:
    """The variable that names Azure's plugin where az:// paths are spoken of. Not a `plugins` block: one in
    a later config file takes the place of the pipeline's own, whereas this variable only adds to it."""
    said = [*(str(launch.get(field) or "") for field in SAID_IN), str(config.get("nextflowConfig") or "")]
    return {"NXF_PLUGINS_DEFAULT": AZURE_PLUGIN} if any(AZURE_SCHEME in text for text in said) else {}


def quoted(text: str) -> str:
    """A text in Groovy's single quotes, on one line whatever ends one in Groovy, Python or Unicode."""
    return "'" + "".join(ESCAPES.get(each) or spelt(each) for each in text) + "'"


def spelt(sign: str) -> str:
    """A sign as Groovy reads it in quotes: by its number where it may end a line or not be seen."""
    return f"\\u{ord(sign):04x}" if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign
