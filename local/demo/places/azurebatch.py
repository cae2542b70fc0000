"""An emulated Azure Batch account. Is it really gone? Asked of the cloud itself."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.cli.requests import environment_file
from local.clouds.azure.batch.models import Job
from local.clouds.azure.blob.keys import SHARED_KEY
from local.demo.places.azure import ACCOUNT, GROUP, LOCATION, EmulatedSubscription

BATCH = "headnodebatch"
KEYED = (1, 2, 3, 4, 5, 10)
"""The options for which the accounts' keys do; the others need somebody in Entra."""
EXAMPLES = Path(__file__).parents[3] / "infra" / "examples" / "azure-batch"
MINE, NOBODY = "0" * 8 + "-0000-0000-0000-" + "0" * 12, "1" * 8 + "-1111-1111-1111-" + "1" * 12
"""What the examples have in place of a subscription and of an identity's client id."""
REGISTRY = "quay"
"""What the examples call their login to a registry."""
LOGIN = {"registry": "quay.io", "userName": "lab", "password": "a password of the demo's own"}
USERS = ("/resourcegroups/mine", f"/resourcegroups/{GROUP}/")
BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
"""Azure's built-in role Storage Blob Data Contributor."""
GRANT = "2" * 8 + "-2222-2222-2222-" + "2" * 12
"""The role assignment's name."""
TRANSITIONS = {
    "Microsoft.Batch/batchAccounts/pools/resize": 0.5,
    "Microsoft.Batch/batchAccounts/pools/nodes/boot": 0.5,
    "Microsoft.Batch/batchAccounts/pools/delete": 0.5,
    "Microsoft.Batch/batchAccounts/jobs/terminate": 0.3,
    "Microsoft.Batch/batchAccounts/jobs/delete": 0.3,
}
"""Seconds, as a real Batch needs a hundred times of."""


CARRIED = """
plugins {{ id '{plugin}' }}
process.container = 'ubuntu:24.04'
executor.pollInterval = '1 sec'
"""
"""Of the user's own config, where the real plugin sends the tasks: the release that was built, a container
for processes that name none, and a look at them more often than a real cloud would like."""


class EmulatedBatchAccount(EmulatedSubscription):
    """`Place` for the platform `azure-batch`: the run is a head task, which is really carried out. The
    environment is one of the examples, word for word but for ids."""

    platform = "azure-batch"
    role = "azure-batch"
    plugin = "nf-azure"

    def __init__(self, directory: Path, option: int) -> None:
        super().__init__(directory, spot=False)
        self._example = next(EXAMPLES.glob(f"{option}-*.yaml"))
        self._keyed = option in KEYED
        if "managedIdentity" in self._example.read_text():
            self.plugin += " (of 24.10 or newer, for identities)"
        self._identity = ""

    @property
    def title(self) -> str:
        """With the example that is shown, and who we are there."""
        who = "the accounts' keys" if self._keyed else "an Entra application"
        return f"{super().title}, {self._example.stem}, by {who}"

    def open(self, shared: list[Path]) -> None:
        """The user's Batch account, and what the examples name: an identity and a network."""
        super().open(shared)
        self._cloud.account(ACCOUNT, group=GROUP, location=LOCATION, keyed=self._keyed)
        self._cloud.batch_account(BATCH, group=GROUP, location=LOCATION)
        self._cloud.registry("quay.io/lab", {LOGIN["userName"]: LOGIN["password"]})
        self._cloud.file_share(ACCOUNT, "references")
        self._cloud.timings.transitions |= TRANSITIONS
        self._cloud.timings.autoscale_pause = 0.0
        if self.carried:
            self._cloud.open_door()
        self._identity = made_beforehand(User(self._cloud.url, self._cloud.environment()))

    def credentials(self) -> list[dict[str, Any]]:
        """The keys of the two accounts, or the app's client secret and the accounts that it is for; then the
        login to the registry of private images."""
        login = {"discriminator": "container-reg", **LOGIN}
        return [self._own(), {"name": REGISTRY, "provider": "container-reg", "keys": login}]

    def _own(self) -> dict[str, Any]:
        if self._keyed:
            accounts = {"batchName": BATCH, "batchKey": self._cloud.batch_key(BATCH), "storageName": ACCOUNT}
            known = {**accounts, "storageKey": self._cloud.storage_key(ACCOUNT), "discriminator": "azure"}
            return {"name": "demo", "provider": "azure", "keys": known}
        keys = dict(super().credentials()[0]["keys"])
        keys |= {"discriminator": "azure_entra", "batchName": BATCH}
        return {"name": "demo", "provider": "azure_entra", "keys": keys}

    def config(self) -> dict[str, Any]:
        """The example's."""
        subscription = self._cloud.environment()["AZURE_SUBSCRIPTION_ID"]
        config = environment_file(self._example)["config"]
        known = {MINE: subscription, NOBODY: self._identity}
        found = {name: replaced(value, known) for name, value in config.items()}
        if self.carried:
            own = found.get("nextflowConfig", "")
            found["nextflowConfig"] = own + CARRIED.format(plugin=self.carried)
        return found

    def calls(self, since: int) -> list[str]:
        """Those of the control plane; what the head task does with its signature is its own."""
        ours = (self._cloud.state.directory.operator.object_id, SHARED_KEY)
        entries = self._cloud.journal.entries(since=since)
        return [f"{each.service}:{each.action}" for each in entries if each.principal in ours]

    def leftovers(self) -> list[str]:
        """Pools and jobs of the account, and whatever is not the user's own."""
        account = self._cloud.state.batch.accounts[BATCH]
        others = [
            f"{each.type} {each.name}"
            for each in self._cloud.resources()
            if not any(mine in each.id.lower() for mine in USERS) and each.name != GROUP
        ]
        pools = [f"pool {each.id}" for each in account.pools.values()]
        jobs = [each for each in account.jobs.values() if each not in self._records()]
        return [*others, *pools, *(f"job {each.id}" for each in jobs)]

    def kept(self) -> list[str]:
        """Blobs, and what Nextflow lets stand of its jobs unless `deleteJobsOnCompletionEnabled` is on."""
        return [*super().kept(), *(f"completed job {each.id}" for each in self._records())]

    def _records(self) -> list[Job]:
        """Jobs of Nextflow's own that have ended: they hold nothing, and count in no quota."""
        jobs = self._cloud.state.batch.accounts[BATCH].jobs.values()
        return [each for each in jobs if not each.counts and not each.body.get("metadata")]


@dataclass(frozen=True)
class User:
    """Somebody who made things in the subscription by hand, as the portal or `az` would: requests of ARM."""

    url: str
    known: dict[str, str]

    @property
    def home(self) -> str:
        """The subscription."""
        return f"/subscriptions/{self.known['AZURE_SUBSCRIPTION_ID']}"

    @functools.cached_property
    def token(self) -> str:
        """A token of the app's."""
        asked = {
            "grant_type": "client_credentials",
            "client_id": self.known["AZURE_CLIENT_ID"],
            "client_secret": self.known["AZURE_CLIENT_SECRET"],
            "scope": "https://management.azure.com/.default",
        }
        where = f"{self.url}/{self.known['AZURE_TENANT_ID']}/oauth2/v2.0/token"
        answer = httpx.post(where, data=asked).raise_for_status()
        return str(answer.json()["access_token"])

    def put(self, path: str, version: str, body: dict[str, Any]) -> dict[str, Any]:
        """Makes a resource; it as ARM shows it."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.url}{path}?api-version={version}"
        made: dict[str, Any] = httpx.put(url, json=body, headers=headers).raise_for_status().json()
        return made


def made_beforehand(user: User) -> str:
    """The user's own group, network, and identity, which may write blobs; the identity's client id."""
    mine, place = f"{user.home}/resourceGroups/mine", {"location": LOCATION}
    user.put(mine, "2024-11-01", place)
    space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
    subnets = [{"name": "default", "properties": {"addressPrefix": "10.0.0.0/20"}}]
    network = {**place, "properties": {**space, "subnets": subnets}}
    user.put(f"{mine}/providers/Microsoft.Network/virtualNetworks/net", "2024-05-01", network)
    path = f"{mine}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nextflow"
    identity = user.put(path, "2023-01-31", place)["properties"]
    storage = f"{user.home}/resourceGroups/{GROUP}/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"
    assignment = {
        "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{BLOB_CONTRIBUTOR}",
        "principalId": identity["principalId"],
        "principalType": "ServicePrincipal",
    }
    where = f"{storage}/providers/Microsoft.Authorization/roleAssignments/{GRANT}"
    user.put(where, "2022-04-01", {"properties": assignment})
    return str(identity["clientId"])


def replaced(value: Any, known: dict[str, str]) -> Any:
    """A text of an example with the ids that are really there."""
    for example, real in known.items() if isinstance(value, str) else ():
        value = value.replace(example, real)
    return value
