"""An emulated Azure subscription. Is it really gone? Asked of the cloud itself, not of our own records."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.clouds.azure import EmulatedAzure

LOCATION = "westeurope"
ACCOUNT, GROUP, CONTAINER = "headnodedemo", "demo-data", "work"
CHECKPOINTS = "/.headnode/"
NOTICE = 8.0
"""Seconds between the Preempt event and the end of a spot VM."""
TRANSITIONS = {
    "Microsoft.Compute/virtualMachines/write": 1.0,
    "Microsoft.Compute/virtualMachines/delete": 0.6,
    "Microsoft.Network/virtualNetworks/write": 0.3,
    "Microsoft.Network/virtualNetworks/delete": 0.3,
    "Microsoft.OperationalInsights/workspaces/write": 0.8,
    "Microsoft.OperationalInsights/workspaces/tables/write": 0.6,
    "Microsoft.Resources/subscriptions/resourceGroups/delete": 0.8,
}
"""Seconds, as a real Azure needs ten times and more of."""
RESERVATION = 6.0
"""Seconds for which an interface is kept for its evicted VM; Azure's are 180."""
INGESTION = 180.0
"""Seconds until the table shows a line: what the real one needs on a bad day."""


class EmulatedSubscription:
    """`Place` for the platform `azure-cloud`. The control plane is the app `operator`."""

    platform = "azure-cloud"
    role = "azure-cloud"
    plugin = ""
    carried = ""

    def __init__(self, directory: Path, spot: bool) -> None:
        self._spot = spot
        self._cloud = EmulatedAzure(directory=directory / "cloud")

    @property
    def title(self) -> str:
        """With its address."""
        return f"an emulated Azure at {self._cloud.url}"

    def start(self) -> Mapping[str, str]:
        """Only the address: who we are is in the credentials."""
        self._cloud.start()
        return {"HEADNODE_AZURE_URL": self._cloud.url}

    def stop(self) -> None:
        """Machines are ended first."""
        self._cloud.stop()

    def open(self, shared: list[Path]) -> None:
        """The user's storage account with its container, and a cloud that takes its time."""
        self._cloud.account(ACCOUNT, group=GROUP, location=LOCATION, containers=[CONTAINER])
        self._cloud.timings.transitions = dict(TRANSITIONS)
        self._cloud.timings.ingestion = INGESTION
        self._cloud.timings.nic_reservation = RESERVATION
        self._cloud.room.share = shared

    def enforce(self, permissions: Any) -> None:
        """A role definition, for the app."""
        self._cloud.enforce("operator", *permissions["properties"]["permissions"])

    def credentials(self) -> list[dict[str, Any]]:
        """The app's client secret, as a user would store it."""
        known = self._cloud.environment()
        keys = {
            "tenantId": known["AZURE_TENANT_ID"],
            "clientId": known["AZURE_CLIENT_ID"],
            "clientSecret": known["AZURE_CLIENT_SECRET"],
            "subscriptionId": known["AZURE_SUBSCRIPTION_ID"],
            "storageName": ACCOUNT,
        }
        keys["discriminator"] = "azure-cloud"
        return [{"name": "demo", "provider": "azure-cloud", "keys": keys}]

    def config(self) -> dict[str, Any]:
        """A small machine; spot when it is to be taken away."""
        return {
            "discriminator": "azure-cloud",
            "region": LOCATION,
            "workDir": f"az://{CONTAINER}/runs",
            "storageResourceGroup": GROUP,
            "instanceType": "Standard_D2ds_v4",
            "spot": "first" if self._spot else "never",
        }

    def interrupt(self) -> str:
        """By a Preempt event."""
        machine = self._cloud.resources("Microsoft.Compute/virtualMachines")[0]
        self._cloud.evict(machine.id, notice=NOTICE)
        return machine.name

    @property
    def mark(self) -> int:
        """How many calls there were."""
        return self._cloud.journal.count

    def calls(self, since: int) -> list[str]:
        """Those of the app."""
        us = self._cloud.state.directory.operator.object_id
        entries = self._cloud.journal.entries(since=since)
        return [f"{each.service}:{each.action}" for each in entries if each.principal == us]

    def reads_log(self, call: str) -> bool:
        """Queries and reads of blobs."""
        return call.startswith(("storage:", "query:", "operationalinsights:workspaces/query"))

    def leftovers(self) -> list[str]:
        """All that exists but for the user's storage account and its group."""
        return [
            f"{each.type} {each.name}"
            for each in self._cloud.resources()
            if each.name not in (ACCOUNT, GROUP)
        ]

    def kept(self) -> list[str]:
        """Blobs."""
        names = sorted(self._blobs())
        files = [f"az://{CONTAINER}/{name}" for name in names if CHECKPOINTS not in name]
        if saved := len(names) - len(files):
            place = f"az://{CONTAINER}/runs{CHECKPOINTS}"
            files.append(f"{place} ({saved} blobs, for logs and a later --resume)")
        return files

    def result(self, run: str) -> Any:
        """From the container."""
        found = self._blobs().get(f"runs/results/{run}/summary.json")
        return None if found is None else json.loads(found)

    def _blobs(self) -> dict[str, bytes]:
        return self._cloud.files(ACCOUNT, CONTAINER)
