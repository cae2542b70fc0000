"""Containers on a pool: its logins to registries, and whether an image can be pulled with them."""

from typing import TYPE_CHECKING, Any

from local.clouds.azure.batch import errors
from local.clouds.azure.batch.models import Body, Pool, Registry, Task

if TYPE_CHECKING:
    from local.clouds.azure.state import State

TYPES = ("dockercompatible", "cricompatible")
HUB = "docker.io"
AZURES = ".azurecr.io"
INVALID_IMAGE: Body = {
    "category": "usererror",
    "code": "ContainerInvalidImage",
    "message": "One or more container images specified are invalid",
}


INVALID_REGISTRY: Body = {
    "code": "ContainerInvalidRegistry",
    "message": "One or more container registries specified are invalid",
}


def check(body: Body, identity: Body | None) -> None:
    """Raises Refused for a container configuration that could not be. No refusal quotes a password."""
    given = (body.get("virtualMachineConfiguration") or {}).get("containerConfiguration")
    if given is None:
        return
    if not isinstance(given, dict) or str(given.get("type")).lower() not in TYPES:
        raise errors.invalid(
            "containerConfiguration", "", "The type must be dockerCompatible or criCompatible."
        )
    logins = given.get("containerRegistries") or []
    if not isinstance(logins, list) or not all(isinstance(each, dict) for each in logins):
        raise errors.invalid("containerRegistries", "", "A list of registries is required.")
    for each in logins:
        _check_login(each, identity)


def _check_login(login: Body, identity: Body | None) -> None:
    for name in ("registryServer", "username", "password"):
        if login.get(name) is not None and not isinstance(login[name], str):
            raise errors.invalid(name, "", "A value of type str is required.")
    reference = login.get("identityReference")
    if reference is None:
        for name in ("username", "password"):
            if not login.get(name):
                raise errors.missing(name)
        return
    if login.get("username") or login.get("password"):
        raise errors.invalid("identityReference", "", "A registry has a user or an identity, not both.")
    wanted = str(reference.get("resourceId") if isinstance(reference, dict) else "").lower()
    if wanted not in {id.lower() for id in (identity or {}).get("userAssignedIdentities", {})}:
        raise errors.invalid("identityReference", wanted, "The pool does not have this identity.")
    if not _server(login).endswith(AZURES):
        raise errors.invalid("registryServer", _server(login), "Only Azure's registries take identities.")


def locked_out(state: "State", pool: Pool) -> list[Body]:
    """The errors of a node that a registry does not let in; it is unusable then."""
    return [
        {**INVALID_REGISTRY, "errorDetails": _details("ContainerRegistry", server, _unauthorized(server))}
        for login in _logins(pool.body)
        if not _opens(state, login, server := _server(login))
    ]


def _opens(state: "State", login: Body, server: str) -> bool:
    """Whether a login is good for anything of its server. One that nobody emulates lets everybody in."""
    found = [each for name, each in state.batch.registries.items() if name.partition("/")[0] == server]
    return not found or any(_right(login, each) for each in found)


def _right(login: Body, registry: Registry) -> bool:
    reference = str((login.get("identityReference") or {}).get("resourceId") or "").lower()
    if reference:
        return reference in registry.identities
    return registry.users.get(str(login.get("username"))) == login.get("password")


def _unauthorized(server: str) -> str:
    return f"Get https://{server}/v2/: unauthorized: authentication required"


def _details(kind: str, name: str, said: str) -> list[Body]:
    return [{"name": kind, "value": name}, {"name": "Message", "value": said}]


def refused(state: "State", pool: Pool, task: Task) -> Body | None:
    """How a task fails whose image its node cannot pull; None for one that it can."""
    image = str((task.body.get("containerSettings") or {}).get("imageName") or "")
    if not image:
        return None
    host = _host(image)
    whole = (image if host else f"{HUB}/{image}").lower()
    wanted = [each for each in state.batch.registries if f"{whole}:".startswith((f"{each}/", f"{each}:"))]
    if not wanted or any(_may(state, pool, name, host) for name in wanted):
        return None
    said = _unauthorized(host)
    if host in ("", HUB):
        said = (
            f"pull access denied for {image}, repository does not exist or may require 'docker login':"
            " denied: requested access to the resource is denied"
        )
    return {**INVALID_IMAGE, "details": _details("ContainerImage", image, said)}


def _may(state: "State", pool: Pool, name: str, host: str) -> bool:
    """Whether a login of the pool opens a registry. It is found by the server that the image names: an image
    of Docker Hub that names none is pulled by nobody (Azure/Batch issue 107)."""
    registry, logins = state.batch.registries[name], _logins(pool.body)
    return any(_server(each) == host and _right(each, registry) for each in logins)


def _logins(body: Body) -> list[dict[str, Any]]:
    machine = body.get("virtualMachineConfiguration") or {}
    return list((machine.get("containerConfiguration") or {}).get("containerRegistries") or [])


def _server(login: Body) -> str:
    return str(login.get("registryServer") or HUB).lower()


def _host(image: str) -> str:
    """The server that an image names; empty where it names none."""
    first, slash, _ = image.partition("/")
    return first.lower() if slash and (first == "localhost" or "." in first or ":" in first) else ""
