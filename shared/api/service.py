"""/service-info and /healthz: what this is, and whether it works."""

import functools
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from shared.api.bodies import CONFIG_TEXT, PARAMS_TEXT
from shared.api.intake import Here
from shared.api.routes import Routes
from shared.model.access import Token

API_VERSION = "1.187.0"
"""The version of the public API description that the answers follow; clients compare it."""

router = Routes(tags=["service-info"])


@functools.cache
def program_version() -> str:
    """This program's version, or 0 where it is not installed as a package."""
    try:
        return version("headnode")
    except PackageNotFoundError:
        return "0"


@router.get("/service-info")
async def service_info(world: Here) -> dict[str, Any]:
    """Open to everybody."""
    return {
        "serviceInfo": {
            "version": program_version(),
            "apiVersion": API_VERSION,
            "authTypes": ["token"],
            "heartbeatInterval": int(world.settings.heartbeat),
            "userWorkspaceEnabled": True,
            "allowInstanceCredentials": True,
            "allowNextflowCliLogs": False,
            "forgePrefix": world.settings.forge_prefix,
            "launchConfigTextMaxSize": CONFIG_TEXT,
            "launchParamsTextMaxSize": PARAMS_TEXT,
            "seqeraCloud": False,
            "seqeraComputeEnabled": False,
            "waveEnabled": False,
            "groundswellEnabled": False,
            "llmEnabled": False,
            "evalWorkspaceIds": [],
            "groundswellAllowedWorkspaces": [],
        }
    }


@router.get("/healthz")
def healthz(world: Here) -> dict[str, str]:
    """200 when records can be read, 503 when not."""
    world.store.get(Token, "healthz")
    return {"status": "ok"}
