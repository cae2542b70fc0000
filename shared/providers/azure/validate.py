"""What is wrong with an environment's config: by its own words (`form`), and held against the account
(`check`). Every fault at once, each with its field; a field that is malformed is not asked about.

Only reads that the published role for creation allows. What it does not allow, so cannot be checked: the
location of the storage account, sizes and quotas of the subscription, and whether resource providers are
registered. Those show when something is made or launched.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any

from shared.errors import Fault, Refused
from shared.providers.azure import bodies, graph, versions
from shared.providers.azure.account import Account
from shared.providers.azure.catalogue import date, plain, size
from shared.providers.azure.errors import Answer, hushed, is_gone
from shared.providers.azure.form import form
from shared.providers.azure.ordering import FRESH_GRANT
from shared.providers.azure.workdir import absent

__all__ = ["check", "details", "form"]

RESERVED_SUBNETS = ("gatewaysubnet", "azurebastionsubnet", "azurefirewallsubnet", "routeserversubnet")
"""Subnets in which Azure lets no VM stand."""


def check(account: Account) -> list[Fault]:
    """The config's own faults, then the account's. No call is made for a region that is not ours, or
    without a subscription."""
    faults = form(account.environment.config)
    bad = {fault.field for fault in faults}
    if bad & {"region", "subscriptionId"}:
        return faults
    if not (account.options.subscription or account.clients.subscription):
        return [*faults, Fault("subscriptionId", "missing: neither the config nor the credentials name one")]
    for fields, look in LOOKS:
        if not bad & set(fields):
            faults += looked(account, functools.partial(look, account))
    return list(dict.fromkeys(faults))


def looked(account: Account, look: Callable[[], Iterable[Fault]]) -> list[Fault]:
    """The faults that a look finds. What the credentials may not see, or cannot do at all, is a fault of
    the credentials; a grant that may be on its way is waited for."""
    try:
        return list(look())
    except Refused as error:
        waiting = hushed(error, account.age, FRESH_GRANT)
        if waiting is not error:
            raise waiting from error
        return [Fault("credentialsId", str(error))]


def group(account: Account) -> Iterable[Fault]:
    """The user's resource group exists and stays. Ours is asked for too: the answer that there is none
    shows that credentials and subscription are good."""
    kind = graph.KINDS[graph.GROUP]
    accept = (404, "SubscriptionNotFound")
    shown = account.clients.arm("GET", account.group, kind.version, action=f"{kind.arm}/read", accept=accept)
    if shown.code == "SubscriptionNotFound":
        yield Fault("subscriptionId", "does not exist, or these credentials do not see it")
        return
    if not account.options.group:
        return
    if is_gone(shown):
        yield Fault("resourceGroup", f"{account.options.group} does not exist in the subscription")
    elif shown.state == "Deleting":
        yield Fault("resourceGroup", f"{account.options.group} is being deleted")


def network(account: Account) -> Iterable[Fault]:
    """The user's network is in the environment's subscription and region and has the subnets."""
    options = account.options
    if not options.network_id:
        return
    if not options.network_id.lower().startswith(f"{account.subscription.lower()}/"):
        yield Fault("networkId", "is in another subscription than the environment")
        return
    shown = shown_network(account)
    if is_gone(shown):
        yield Fault("networkId", f"{options.network_id.rpartition('/')[2]} does not exist")
        return
    place = plain(str(shown.body.get("location") or ""))
    if place != options.region:
        yield Fault("networkId", f"is in {place}, the compute environment in {options.region}")
    known = subnets_of(shown)
    for name in options.subnets:
        if name.lower() not in known:
            yield Fault("subnets", f"{name} does not exist in {options.network_id.rpartition('/')[2]}")
        elif not known[name.lower()]:
            yield Fault("subnets", f"{name} is kept for another service: no VM can stand in it")
    if not options.subnets and not any(known.values()):
        yield Fault("networkId", "has no subnet for VMs")


def shown_network(account: Account) -> Answer:
    """The network as Azure shows it, or its 404."""
    kind = graph.KINDS[graph.NETWORK]
    path = account.network_id
    return account.clients.arm("GET", path, kind.version, action=f"{kind.arm}/read", accept=(404,))


def subnets_of(shown: Answer) -> dict[str, str]:
    """Subnets by name in lower case -> their name, empty where no VM can stand."""
    found: dict[str, str] = {}
    for each in shown.properties.get("subnets") or []:
        name = str(each.get("name") or "")
        usable = not (each.get("properties") or {}).get("delegations")
        found[name.lower()] = name if usable and name.lower() not in RESERVED_SUBNETS else ""
    return found


def identity(account: Account) -> Iterable[Fault]:
    """The user's identity exists, and has the client id that is named."""
    options = account.options
    if not options.identity_id:
        return
    shown = shown_identity(account)
    name = options.identity_id.rpartition("/")[2]
    if is_gone(shown):
        yield Fault("managedIdentityId", f"{name} does not exist")
        return
    client_id = str(shown.properties.get("clientId") or "")
    if options.identity_client_id and options.identity_client_id.lower() != client_id.lower():
        yield Fault("managedIdentityClientId", f"is not that of {name}")


def shown_identity(account: Account) -> Answer:
    """The user's identity as Azure shows it, or its 404."""
    kind = graph.KINDS[graph.IDENTITY]
    path = account.options.identity_id
    return account.clients.arm("GET", path, kind.version, action=f"{kind.arm}/read", accept=(404,))


def container(account: Account) -> Iterable[Fault]:
    """The work container exists and may be looked at; and it is in the group that is named for it."""
    options = account.options
    if account.storage_name and not options.container:
        return
    faults = list(absent(account.clients, account.storage_name, options.container))
    yield from faults
    if options.storage_group and not faults:
        yield from container_group(account)


def container_group(account: Account) -> Iterable[Fault]:
    """The storage account is in the resource group that is said to hold it."""
    path = graph.container_id(account, account.options.storage_group)
    action = f"{bodies.CONTAINERS}/read"
    if is_gone(account.clients.arm("GET", path, versions.STORAGE, action=action, accept=(404,))):
        where = account.options.storage_group
        yield Fault("storageResourceGroup", f"{account.storage_name} is not in {where}")


def details(account: Account) -> dict[str, Any]:
    """What `Environment.details` keeps: of the user's identity its ids, of the user's network its subnets,
    and `notes`: what could not be checked. Up to two reads; raises Refused when something is gone."""
    options = account.options
    found: dict[str, Any] = {"notes": notes(account)}
    if options.identity_id:
        shown = shown_identity(account)
        if is_gone(shown):
            raise Refused("managedIdentityId: does not exist")
        found["identity"] = {name: shown.properties.get(name) for name in ("principalId", "clientId")}
    if options.network_id and not options.subnets:
        found["subnets"] = [name for name in subnets_of(shown_network(account)).values() if name]
    return found


def notes(account: Account) -> list[str]:
    """What nobody checked, in words for people."""
    said = [f"the location of storage account {account.storage_name} is not visible to the published role"]
    unknown = [each for each in account.options.types if size(each) is None]
    if unknown:
        said.append(f"not in the catalogue of {date()}: {', '.join(unknown)}")
    return said


LOOKS: tuple[tuple[tuple[str, ...], Callable[[Account], Iterable[Fault]]], ...] = (
    (("resourceGroup",), group),
    (("networkId", "subnets"), network),
    (("managedIdentityId", "managedIdentityClientId"), identity),
    (("workDir", "storageAccount", "storageResourceGroup"), container),
)
"""Fields that a look depends on (skipped when one of them is malformed) -> the look."""
