"""What a subscription offers to somebody who fills in a compute environment: sizes, networks, containers.

Sizes and regions are the catalogue's, since the published role may list neither. What the credentials may
not list is left empty and named in `warnings`.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError

from shared.azure_endpoints import ARM_SCOPE, STORAGE_SCOPE
from shared.errors import Forbidden, Retry, Unreachable
from shared.logs.wire import refusal
from shared.providers.azure import catalogue, versions
from shared.providers.azure.catalogue import plain
from shared.providers.azure.clients import Clients
from shared.providers.azure.workdir import BLOB_VERSION

MOST = 1000
"""Entries of one list; more are of no use in a drop-down."""
PAGES = 10
NETWORKS = "Microsoft.Network/virtualNetworks"
GROUPS = "Microsoft.Resources/subscriptions/resourceGroups"
CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers/read"
GROUP = re.compile(r"/resourceGroups/([^/]+)/", re.IGNORECASE)


def cloud(clients: Clients, region: str) -> dict[str, Any]:
    """The choices of an `azure-cloud` environment, under the public API's names. Raises Refused when Entra
    does not accept the credentials."""
    warnings: list[str] = []
    shown = tried(lambda: list(itertools.islice(networks(clients), MOST)), warnings)
    here = [each for each in shown if plain(str(each.get("location") or "")) == plain(region)]
    return {
        "instanceTypes": sorted(size.name for size in catalogue.sizes().values()),
        "containers": tried(lambda: container_names(clients), warnings),
        "networks": [network(each) for each in here],
        "subnets": [subnet for each in here for subnet in subnets(each)],
        "warnings": warnings,
    }


def tried(look: Callable[[], list[Any]], warnings: list[str]) -> list[Any]:
    """A list; where it may not be read or cannot be had, none and a warning."""
    try:
        return look()
    except (Forbidden, Retry) as error:
        warnings.append(str(error))
        return []


def networks(clients: Clients) -> Iterator[dict[str, Any]]:
    """The subscription's networks, page by page. Raises Refused when nobody names a subscription, and
    Unreachable for a listing that leads elsewhere."""
    if not clients.subscription:
        raise Forbidden("the credentials name no subscription: its networks cannot be listed", NETWORKS)
    action = f"{NETWORKS}/read"
    path = f"/subscriptions/{clients.subscription}/providers/{NETWORKS}"
    answer = clients.arm("GET", path, versions.NETWORK, action=action)
    for _ in range(PAGES):
        yield from (each for each in answer.body.get("value") or () if isinstance(each, dict))
        following = str(answer.body.get("nextLink") or "")
        if not following:
            return
        if urlsplit(following)[:2] != urlsplit(clients.endpoints.arm)[:2]:
            raise Unreachable(f"{action}: a listing leads elsewhere")
        answer = clients.arm("GET", following, "", action=action)


def network(each: dict[str, Any]) -> dict[str, Any]:
    """A network as the public API shows it."""
    id = str(each.get("id") or "")
    found = GROUP.search(id)
    return {
        "id": id,
        "name": str(each.get("name") or ""),
        "region": plain(str(each.get("location") or "")),
        "resourceGroup": found.group(1) if found else "",
    }


def subnets(each: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The subnets of a network in which VMs can stand."""
    shown = network(each)
    for subnet in (each.get("properties") or {}).get("subnets") or ():
        if not (subnet.get("properties") or {}).get("delegations"):
            yield {"name": str(subnet.get("name")), "networkId": shown["id"], "region": shown["region"]}


def container_names(clients: Clients) -> list[str]:
    """The containers of the credentials' storage account, as work directories name them; none where the
    credentials name no account."""
    if not clients.storage_name:
        return []
    names = (str(each.findtext("Name") or "") for each in listed(clients, MOST).iter("Container"))
    return [f"az://{name}" for name in names if name]


def listed(clients: Clients, most: int) -> Element:
    """The first page of the storage account's containers (List Containers)."""
    from xml.etree.ElementTree import fromstring

    account = clients.endpoints.blob(clients.storage_name)
    reply = clients.wire.send(
        "GET", f"{account}/?comp=list&maxresults={most}", scope=STORAGE_SCOPE, headers=BLOB_VERSION
    )
    if reply.status != 200:
        raise refusal(reply, CONTAINERS)
    if b"<!" in reply.body:
        raise Unreachable(f"{CONTAINERS}: the answer cannot be read")
    try:
        return fromstring(reply.body.removeprefix(b"\xef\xbb\xbf"))  # noqa: S314 - without a document type
    except ParseError:
        raise Unreachable(f"{CONTAINERS}: the answer cannot be read") from None


def prove(clients: Clients) -> str:
    """Asks Entra for a token, the subscription for a resource group, and the storage account for its first
    container; what of this was not asked. Raises Refused or Forbidden for a refusal, Retry without an
    answer."""
    left = []
    if clients.own_subscription:
        path = f"/subscriptions/{clients.own_subscription}/resourceGroups/headnode"
        clients.arm("GET", path, versions.GROUPS, action=f"{GROUPS}/read", accept=(404,))
    else:
        left.append("no subscription is named")
        clients.token(ARM_SCOPE)
    if clients.storage_name:
        listed(clients, 1)
    else:
        left.append("no storage account is named")
    return f"the application was accepted; not checked: {', '.join(left)}" if left else ""
