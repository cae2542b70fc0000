"""Logins to container registries, which a pool has from its making: nodes pull private images with them.

A login is opened for the one request that needs it. Batch never shows a password again.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.errors import Fault, Refused
from shared.model.access import Registry
from shared.providers.azure.batch import bodies
from shared.providers.azure.batch.account import BatchAccount

FIELD = "forge.containerRegIds"
AZURES = ".azurecr.io"
"""How the names of Azure's own registries end, which let identities in."""
HUB = "docker.io"
HUBS = ("", HUB, "index.docker.io", "registry-1.docker.io", "hub.docker.com", "registry.hub.docker.com")
"""Names of Docker Hub; Batch takes a login of none but the second for its images (Azure/Batch issue 107)."""

Body = dict[str, Any]


def written(account: BatchAccount, key: str) -> list[Body]:
    """The logins of a pool as Batch and ARM take them. Raises Refused for credentials that are gone."""
    identities = bodies.identities_of(account, key)
    return [as_body(account.registries(id), identities) for id in ids(account)]


def as_body(found: Registry, identities: Sequence[str]) -> Body:
    """One login: a user with a password, or else the pool's own identity. Pure."""
    if found.password:
        return {"registryServer": server(found), "username": found.user, "password": found.password}
    return {"registryServer": server(found), "identityReference": {"resourceId": identities[-1]}}


def faults(account: BatchAccount) -> Iterable[Fault]:
    """Logins that there are not, that are of no use, or that are there twice."""
    seen: set[str] = set()
    for id in ids(account):
        try:
            found = account.registries(id)
        except Refused as error:
            yield Fault(FIELD, str(error))
            continue
        name = server(found)
        if name in seen:
            yield Fault(FIELD, f"two logins to {name}: a pool has one to each registry")
        seen.add(name)
        if not found.password:
            yield from unfit(account, name)


def unfit(account: BatchAccount, name: str) -> Iterable[Fault]:
    """Why a registry lets no identity of the pools in."""
    if not name.endswith(AZURES):
        yield Fault(FIELD, f"the login to {name} has no password, and it takes no identities")
        return
    for key in account.pools:
        if not bodies.identities_of(account, key):
            pool = account.pool_name(key)
            yield Fault(FIELD, f"the login to {name} has no password, and the pool {pool} no identity")


def ids(account: BatchAccount) -> tuple[str, ...]:
    """The credentials that the config names; none for pools of the user's own."""
    return account.options.forge.registries if account.options.forge else ()


def server(found: Registry) -> str:
    """The registry's name as images begin with it. Pure."""
    name = found.server.strip().lower().partition("/")[0]
    return HUB if name in HUBS else name


def image(account: BatchAccount) -> str:
    """The head job's image. Where the pool has logins it names its registry: Batch finds the login by that,
    and an image of Docker Hub need not say where it is from."""
    name = account.options.image
    first, slash, _ = name.partition("/")
    if not ids(account) or (slash and (first == "localhost" or "." in first or ":" in first)):
        return name
    return f"{HUB}/{name}" if slash else f"{HUB}/library/{name}"
