"""Batch accounts as ARM knows them: made by the emulator's owner, not by a request."""

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import existing, lister
from local.clouds.azure.batch.leaving import TYPE, drop
from local.clouds.azure.batch.models import Account, Quotas
from local.clouds.azure.call import Call
from local.clouds.azure.resources.models import TYPE as GROUP

if TYPE_CHECKING:
    from local.clouds.azure.state import State

_NAME = re.compile(r"[a-z0-9]{3,24}")
ACCOUNT_QUOTA = 5
"""Accounts in a region of a subscription."""


def make(
    state: "State", subscription: str, name: str, group: str, location: str, quotas: Quotas | None
) -> str:
    """Makes an account, and its group, as far as they are not there; quotas that are given are set in
    any case. The account's ARM id. Raises ValueError for a name that Azure would not take."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name of a Batch account: '{name}'")
    found = find(state, name)
    if found is None:
        where = f"/subscriptions/{subscription}/resourceGroups/{group}"
        if state.store.get(where) is None:
            body = {"location": location, "tags": {}}
            state.store.put(Resource(where, GROUP, group, body, {}, "Succeeded", made_at=state.now))
        id = f"{where}/providers/{TYPE}/{name}"
        state.store.put(_resource(state, id, name, location))
        found = Account(
            name, id, quotas or Quotas(), {each: _key(name, each) for each in ("primary", "secondary")}
        )
        state.batch.accounts[name] = found
    found.quotas = quotas or found.quotas
    return found.home


def _resource(state: "State", id: str, name: str, location: str) -> Resource:
    body = {"location": location, "tags": {}}
    properties = {
        "accountEndpoint": f"{name}.{location}.batch.azure.com",
        "nodeManagementEndpoint": f"{name}.{location}.service.batch.azure.com",
        "poolAllocationMode": "BatchService",
        "publicNetworkAccess": "Enabled",
        "allowedAuthenticationModes": ["SharedKey", "AAD", "TaskAuthenticationToken"],
    }
    return Resource(id, TYPE, name, body, properties, "Succeeded", made_at=state.now)


def _key(*words: str) -> str:
    return base64.b64encode(hashlib.sha512("/".join(words).encode()).digest()).decode()


def find(state: "State", name: str) -> Account | None:
    """The account of that name; it is gone with its resource."""
    found = state.batch.accounts.get(name.lower())
    if found and state.store.get(found.home) is None:
        drop(state, name)
        return None
    return found


def of(state: "State", call: Call) -> Account:
    """The account that a request of ARM names. Raises Refused."""
    group = f"/subscriptions/{call.names['subscription']}/resourceGroups/{call.names['group']}"
    path = f"{group}/providers/{TYPE}/{call.names['account']}"
    resource = existing(state, _at(call, path))
    return state.batch.accounts[resource.name.lower()]


def _at(call: Call, path: str) -> Call:
    return Call(call.method, path, call.query, {}, b"", names=call.names)


def get(state: "State", call: Call) -> Answer:
    """One account with its quotas."""
    of(state, call)
    return Answer.json(_shown(state, existing(state, call)))


def _shown(state: "State", resource: Resource) -> dict[str, Any]:
    shown = resource.shown()
    limits = state.batch.accounts[resource.name.lower()].quotas
    return {**shown, "properties": {**shown["properties"], **quotas(limits)}}


every = lister(TYPE, _shown)


def quotas(limits: Quotas) -> dict[str, Any]:
    """As an account shows them."""
    families = [{"name": name, "coreQuota": cores} for name, cores in limits.families.items()]
    return {
        "dedicatedCoreQuota": limits.dedicated,
        "lowPriorityCoreQuota": limits.low_priority,
        "dedicatedCoreQuotaPerVMFamily": families,
        "dedicatedCoreQuotaPerVMFamilyEnforced": bool(families),
        "poolQuota": limits.pools,
        "activeJobAndJobScheduleQuota": limits.jobs,
    }


def list_keys(state: "State", call: Call) -> Answer:
    """Both keys: who has them may everything in the account."""
    account = of(state, call)
    return Answer.json({"accountName": account.name, **account.keys})


def location_quotas(_: "State", __: Call) -> Answer:
    """How many accounts a region takes."""
    return Answer.json({"accountQuota": ACCOUNT_QUOTA})
