"""What every call of one environment on Azure Batch is made with, and the names that follow from it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.errors import Fault, Invalid, Refused, Unreachable
from shared.model import tags
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Clock, Registries
from shared.providers.azure.account import takeable
from shared.providers.azure.batch.clients import BatchClients
from shared.providers.azure.batch.options import MOST_WALL_CLOCK, BatchOptions, PoolOptions, read
from shared.providers.azure.batch.shapes import LONGEST
from shared.providers.azure.batch.signing import MOST_DELEGATED
from shared.providers.azure.errors import Answer
from shared.providers.azure.listing import IN_GROUP, PART, arm_pages

POOL, HEAD, WORKER = "pool", "head-pool", "worker-pool"
"""Keys of the resources: the one pool, or the two."""
SLACK = 3600.0
"""Seconds for which a signature outlives a run: its last files are written then."""
ACCOUNTS = "Microsoft.Batch/batchAccounts"
ACCOUNT_ID = re.compile(rf"{IN_GROUP}/microsoft\.batch/batchaccounts/{PART}", re.IGNORECASE)
ARM_VERSION = "2025-06-01"


@dataclass(frozen=True)
class BatchAccount:
    """One environment's place in somebody's Batch account."""

    environment: Environment
    clients: BatchClients
    settings: Settings
    clock: Clock
    registries: Registries
    """Opens a login to a container registry."""
    options: BatchOptions = field(init=False)

    def __post_init__(self) -> None:
        """Reads the config once."""
        object.__setattr__(self, "options", read(self.environment.config))

    @property
    def name(self) -> str:
        """The Batch account's name. Raises Invalid when nobody says which."""
        found = self.options.account or self.clients.batch_name
        if not found:
            raise Invalid(Fault("batchAccount", "missing: neither the config nor the credentials name one"))
        return found

    @property
    def storage_name(self) -> str:
        """The storage account of the work directory; empty when nobody names one."""
        return self.options.storage_account or self.clients.storage_name

    @property
    def age(self) -> float:
        """Seconds since the environment was asked for."""
        return self.clock.now() - self.environment.created_at

    def url(self, path: str) -> str:
        """An address of the account's service; `path` begins with its kind (`pools/...`)."""
        return f"{self.clients.endpoints.batch(self.name, self.options.region)}/{path}"

    @property
    def pools(self) -> dict[str, PoolOptions]:
        """The pools that Forge makes, by key; none where they are the user's own."""
        forge = self.options.forge
        if forge is None:
            return {}
        return {POOL: forge.head} if forge.worker is None else {HEAD: forge.head, WORKER: forge.worker}

    def pool_name(self, key: str) -> str:
        """What a pool is called: what the record says, else the public platform's name for it."""
        recorded = next((row.name for row in self.environment.resources if row.key == key), "")
        suffix = {POOL: "", HEAD: "-head", WORKER: "-worker"}[key]
        return recorded or f"tower-pool-{self.environment.id}{suffix}"

    @property
    def head_pool(self) -> str:
        """The pool of head jobs: the user's own, or ours."""
        if self.options.forge is None:
            return self.options.head_pool
        return self.pool_name(HEAD if HEAD in self.pools else POOL)

    @property
    def worker_pool(self) -> str:
        """The pool of tasks: the user's own, or ours; that of head jobs when there is no other."""
        if self.options.forge is None:
            return self.options.worker_pool or self.options.head_pool
        return self.pool_name(WORKER) if WORKER in self.pools else self.head_pool

    @property
    def head_slots(self) -> int:
        """Task slots that a head job takes."""
        return max(1, self.options.head_cpus)

    @property
    def longest(self) -> float:
        """Seconds that a run may take: what the environment says, and less than Azure signs for, where all
        that a run can do hangs on a signature without a key."""
        signed = not self.clients.keyed and not self.options.head_client
        most = MOST_DELEGATED - SLACK if signed else MOST_WALL_CLOCK
        return min(self.options.wall_clock, most)

    @property
    def marker(self) -> dict[str, str]:
        """In the metadata of whatever the environment makes."""
        return {tags.INSTALLATION: self.settings.installation, tags.ENVIRONMENT: self.environment.id}

    @property
    def labels(self) -> dict[str, str]:
        """The user's labels (`labels` of the config)."""
        given = self.environment.config.get("labels")
        return takeable(given) if isinstance(given, dict) else {}

    def owns(self, shown: Mapping[str, Any]) -> bool:
        """Whether a pool or job that Azure shows carries this environment's marker."""
        return self.marker.items() <= metadata(shown).items()

    @property
    def arm_id(self) -> str:
        """The Batch account's ARM id: looked up when the environment was checked, else by a listing.
        Raises Refused when it cannot be found."""
        kept = self.environment.details.get("accountId")
        return str(kept) if kept else str(shown_account(self)["id"])


def knows_arm(account: BatchAccount) -> bool:
    """Whether ARM can be asked: by somebody in Entra who knows the subscription."""
    options = account.options
    known = options.subscription or account.clients.subscription or subscription_of(options)
    return bool(known) and not account.clients.keyed


def shown_account(account: BatchAccount) -> Mapping[str, Any]:
    """The Batch account as ARM shows it, with its quotas. Raises Refused when the subscription has none of
    that name, or nobody says which subscription."""
    known = account.options.subscription or account.clients.subscription or subscription_of(account.options)
    if not known:
        raise Invalid(Fault("subscriptionId", "missing: neither the config nor the credentials name one"))
    path = f"/subscriptions/{known}/providers/{ACCOUNTS}"
    for page in arm_pages(account.clients, path, ARM_VERSION, f"{ACCOUNTS}/read"):
        for each in page:
            if str(each.get("name", "")).lower() != account.name.lower():
                continue
            if len(each["id"]) > LONGEST or not ACCOUNT_ID.fullmatch(each["id"]):
                raise Unreachable(f"{ACCOUNTS}/read: the answer cannot be read: id is of another type")
            return each
    raise Refused(f"there is no Batch account {account.name} in the subscription {known}")


def subscription_of(options: BatchOptions) -> str:
    """The subscription in the id of an identity or subnet; empty where there is none."""
    ids = (*options.identities, options.subnet)
    return next((each.split("/")[2] for each in ids if each.startswith("/subscriptions/")), "")


def listed(answer: Answer) -> list[dict[str, Any]]:
    """The items of one page."""
    return objects(answer.body.get("value"))


def objects(found: Any) -> list[dict[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def metadata(shown: Mapping[str, Any]) -> dict[str, str]:
    """The metadata of a pool or job."""
    return {str(each.get("name")): str(each.get("value") or "") for each in objects(shown.get("metadata"))}


def as_metadata(pairs: Mapping[str, str]) -> list[dict[str, str]]:
    """Metadata as Batch takes it."""
    return [{"name": name, "value": value} for name, value in pairs.items()]
