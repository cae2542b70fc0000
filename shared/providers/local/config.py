"""A local environment's config: workDir, environment, scripts, nextflowConfig, maxMachines."""

from typing import Any

from shared.errors import Fault


def faults(config: dict[str, Any]) -> list[Fault]:
    """What is wrong with a config by its own words; calls nothing."""
    found = []
    work_dir = config.get("workDir")
    if not isinstance(work_dir, str) or not work_dir.startswith("/") or ".." in work_dir.split("/"):
        found.append(Fault("workDir", "must be the absolute path of a directory on this machine"))
    most = config.get("maxMachines")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        found.append(Fault("maxMachines", "must be a whole number of at least 1"))
    listed = config.get("environment")
    if listed is not None and not (
        isinstance(listed, list) and all(isinstance(each, dict) for each in listed)
    ):
        found.append(Fault("environment", "must be a list of variables with name and value"))
    texts = ("preRunScript", "postRunScript", "nextflowConfig")
    return found + [
        Fault(each, "must be text") for each in texts if not isinstance(config.get(each) or "", str)
    ]


def variables(config: dict[str, Any]) -> dict[str, str]:
    """The config's environment variables. Head and compute are one machine here, so a variable for
    either is set; one for neither is not."""
    return {
        str(each["name"]): str(each.get("value") or "")
        for each in config.get("environment") or []
        if isinstance(each, dict)
        and each.get("name")
        and (each.get("head", True) or each.get("compute", True))
    }
