"""An `azure-batch` config held against the account: quota first, then all that it names. Reads only."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from shared.errors import Fault, Refused
from shared.providers.azure import versions
from shared.providers.azure.batch import configs, images, manual, pools, quota, registries, shares, signing
from shared.providers.azure.batch.account import BatchAccount, knows_arm, objects, shown_account
from shared.providers.azure.batch.form import form
from shared.providers.azure.batch.shapes import LONGEST
from shared.providers.azure.batch.sizes import slots
from shared.providers.azure.catalogue import plain
from shared.providers.azure.errors import hushed
from shared.providers.azure.errors import is_gone as arm_gone
from shared.providers.azure.ordering import FRESH_GRANT
from shared.providers.azure.workdir import absent

NEEDS_ENTRA = "needs an Entra application or an identity: the Batch service refuses it to holders of keys"


def check(account: BatchAccount) -> list[Fault]:
    """The config's own faults, then the account's. No call is made for a region that is not ours, or without
    the name of an account."""
    faults = form(account.environment.config)
    bad = {fault.field for fault in faults}
    if "region" in bad:
        return faults
    if not (account.options.account or account.clients.batch_name):
        return [*faults, Fault("batchAccount", "missing: neither the config nor the credentials name one")]
    for fields, look in LOOKS:
        if not bad & set(fields):
            faults += looked(account, functools.partial(look, account))
    return list(dict.fromkeys(faults))


def looked(account: BatchAccount, look: Callable[[], Iterable[Fault]]) -> list[Fault]:
    """The faults that a look finds. What the credentials may not see, or cannot do at all, is a fault of
    theirs; a grant that may be on its way is waited for."""
    try:
        return list(look())
    except Refused as error:
        # Keys are good or not at once; only what Entra granted may be on its way.
        waiting = error if account.clients.keyed else hushed(error, account.age, FRESH_GRANT)
        if waiting is not error:
            raise waiting from error
        return [Fault("credentialsId", str(error))]


def place(account: BatchAccount) -> Iterable[Fault]:
    """The Batch account is in the region and has room; the service takes our credentials."""
    if knows_arm(account):
        shown = shown_account(account)
        where = plain(str(shown.get("location") or "")[:LONGEST])
        if where != account.options.region:
            yield Fault("region", f"the Batch account {account.name} is in {where}")
            return
        if account.pools:
            yield from quota.check(account, shown)
    else:
        pools.get(account, account.head_pool)


def sizes(account: BatchAccount) -> Iterable[Fault]:
    """The service has an image for each size, and the sizes are sizes."""
    for key, pool in account.pools.items():
        field = {"head-pool": "forge.headPool.vmType", "worker-pool": "forge.workerPool.vmType"}.get(
            key, "forge.vmType"
        )
        if not slots(pool.vm_type):
            yield Fault(field, f"{pool.vm_type} is not a VM size")
            continue
        try:
            images.chosen(account, pool.vm_type)
        except Refused as error:
            if "image" not in str(error):
                raise
            yield Fault(field, str(error))


def identities(account: BatchAccount) -> Iterable[Fault]:
    """The identities exist and have the client ids that are named. Only ARM can attach one."""
    options = account.options
    for field, id, client_field, client in (
        (
            "managedIdentityHeadResourceId",
            options.head_identity,
            "managedIdentityClientId",
            options.head_client,
        ),
        (
            "managedIdentityPoolResourceId",
            options.pool_identity,
            "managedIdentityPoolClientId",
            options.pool_client,
        ),
    ):
        if not id:
            continue
        if account.clients.keyed:
            yield Fault(field, NEEDS_ENTRA)
            continue
        action = "Microsoft.ManagedIdentity/userAssignedIdentities/read"
        shown = account.clients.arm("GET", id, versions.IDENTITIES, action=action, accept=(404,))
        if arm_gone(shown):
            yield Fault(field, f"{id.rpartition('/')[2]} does not exist")
        elif client and client.lower() != str(shown.properties.get("clientId") or "").lower():
            yield Fault(client_field, f"is not that of {id.rpartition('/')[2]}")


def subnet(account: BatchAccount) -> Iterable[Fault]:
    """The subnet exists, in the account's region."""
    id = account.options.subnet
    if not id:
        return
    if account.clients.keyed:
        yield Fault("subnetId", NEEDS_ENTRA)
        return
    network, _, name = id.rpartition("/subnets/")
    action = "Microsoft.Network/virtualNetworks/read"
    shown = account.clients.arm("GET", network, versions.NETWORK, action=action, accept=(404,))
    if arm_gone(shown):
        yield Fault("subnetId", f"the network {network.rpartition('/')[2]} does not exist")
        return
    where = plain(str(shown.body.get("location") or "")[:LONGEST])
    if where != account.options.region:
        yield Fault("subnetId", f"is in {where}, the Batch account in {account.options.region}")
    known = [str(each.get("name")).lower() for each in objects(shown.properties.get("subnets"))]
    if name.lower() not in known:
        yield Fault("subnetId", f"{name} does not exist in {network.rpartition('/')[2]}")


def container(account: BatchAccount) -> Iterable[Fault]:
    """The work container exists and may be looked at; and what a run needs to reach it lasts long enough."""
    options = account.options
    delegated = not account.clients.keyed and not options.head_client
    if account.storage_name and delegated and options.token_duration > signing.MOST_DELEGATED:
        yield Fault("tokenDuration", "is longer than 7d, for which Azure signs without a storage key")
    yield from absent(account.clients, account.storage_name, options.container)


def details(account: BatchAccount) -> dict[str, Any]:
    """What `Environment.details` keeps: the account's ARM id, `mounts` of the user's pool of tasks, and
    `notes`: what nobody checked. One listing at most, and reads of the user's pools."""
    notes, mounts = [*manual.notes(account), *configs.remarks(account)], manual.mounts(account)
    if not knows_arm(account):
        return {"notes": [UNREAD, *notes], **mounts}
    shown: Mapping[str, Any] = shown_account(account)
    return {"accountId": str(shown["id"]), "notes": notes, **mounts}


UNREAD = "the Batch account's quotas could not be read: keys, or no subscription, do not let ARM be asked"
MANUAL = ("headPool", "workerPool", "subnetId", "managedIdentityClientId", "managedIdentityPoolClientId")
SETTINGS = ("nextflowConfig", "jobMaxWallClockTime", "tokenDuration", "subnetId", "managedIdentityClientId")
IDENTITIES = ("managedIdentityHeadResourceId", "managedIdentityPoolResourceId")
LOOKS: tuple[tuple[tuple[str, ...], Callable[[BatchAccount], Iterable[Fault]]], ...] = (
    (("subscriptionId", "batchAccount", "forge.vmType", "forge.vmCount"), place),
    (MANUAL, manual.faults),
    (("forge.vmType", "forge.headPool.vmType", "forge.workerPool.vmType"), sizes),
    (IDENTITIES, identities),
    (("subnetId",), subnet),
    ((registries.FIELD, *IDENTITIES), registries.faults),
    (("workDir", "storageAccount"), container),
    (SETTINGS, configs.faults),
    (("nextflowConfig", "storageAccount"), shares.faults),
)
"""Fields that a look depends on (skipped when one of them is malformed) -> the look."""
