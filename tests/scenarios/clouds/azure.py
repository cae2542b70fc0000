"""The emulated Azure under the scenarios."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.clouds.azure import EmulatedAzure
from shared.model.run import Run
from shared.providers.azure.permissions import permissions
from tests.azure_cloud import LOCATION, Clients, vm_body
from tests.scenarios.clouds import Shown

ACCOUNT, GROUP, CONTAINER = "rigdata", "rig-data", "work"
MACHINE = "Microsoft.Compute/virtualMachines"
WRITE = "virtualMachines/write"
CALLS = {"launch": WRITE, "list": "virtualMachines/read", "remove": "virtualMachines/delete"}
NOTHING: dict[str, list[str]] = {"actions": [], "dataActions": []}


@dataclass
class Azure:
    """`Cloud` on our own emulator; its time is the test's."""

    emulated: EmulatedAzure
    platform = "azure-cloud"
    types = ("Standard_D2ds_v4", "Standard_D2ds_v5")
    capacity = "SkuNotAvailable"
    refuses = True
    made = [
        "ResourceGroup",
        "ManagedIdentity",
        "RoleDefinition",
        "RoleAssignment",
        "StorageAssignment",
        "LogWorkspace",
        "LogTable",
        "DataCollectionEndpoint",
        "DataCollectionRule",
        "VirtualNetwork",
    ]

    def __post_init__(self) -> None:
        self.emulated.account(ACCOUNT, group=GROUP, location=LOCATION, containers=[CONTAINER])
        self.us = self.emulated.state.directory.operator.object_id

    def config(self) -> dict[str, Any]:
        return {"region": LOCATION, "workDir": f"az://{CONTAINER}/runs", "storageResourceGroup": GROUP}

    def credentials(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        known = self.emulated.environment()
        public = {
            "tenantId": known["AZURE_TENANT_ID"],
            "clientId": known["AZURE_CLIENT_ID"],
            "subscriptionId": known["AZURE_SUBSCRIPTION_ID"],
            "storageName": ACCOUNT,
        }
        return "azure-cloud", public, {"clientSecret": known["AZURE_CLIENT_SECRET"]}

    def machines(self) -> list[Shown]:
        return [
            Shown(each.id.lower(), dict(each.body.get("tags") or {}), each.state != "Deleting")
            for each in self.emulated.resources(MACHINE)
        ]

    def started(self, run: Run) -> list[str]:
        made = self.emulated.journal.entries("compute", WRITE)
        asked = [each for each in made if each.status in (0, 201) and each.principal == self.us]
        ours = [each for each in asked if (each.params.get("tags") or {}).get("headnode:run") == run.id]
        return list(dict.fromkeys(str(each.params["name"]).lower() for each in ours))

    def resources(self) -> list[str]:
        ours = [each for each in self.emulated.resources() if each.name not in (ACCOUNT, GROUP)]
        return [each.name for each in ours if each.type != MACHINE and not stands_in_another(each.type)]

    def tag(self, id: str, key: str, value: str) -> None:
        found = next(each for each in self.emulated.resources(MACHINE) if each.id.lower() == id.lower())
        found.body["tags"] = {**(found.body.get("tags") or {}), key: value}

    def end(self, id: str) -> None:
        parts = id.split("/")
        compute = Clients(self.emulated).compute
        compute.virtual_machines.begin_delete(parts[4], parts[8], polling=False)
        self.emulated.settle()

    def stranger(self, tags: dict[str, str]) -> str:
        clients = Clients(self.emulated)
        clients.group("theirs")
        name = f"vm-{len(self.machines())}"
        body = {**vm_body(clients.subnet("theirs")), "tags": tags}
        body["properties"]["storageProfile"]["osDisk"]["name"] = name
        made = clients.compute.virtual_machines.begin_create_or_update("theirs", name, body, polling=False)
        return str(made.result().id if made.result() else name)

    def keep(self, run: Run) -> None:
        self.emulated.put(ACCOUNT, CONTAINER, f"runs/nf-{run.id}.txt", b"done\n")

    def strike(self, call: str, kind: str, times: int | None = 1) -> None:
        if call != "forge":
            self.emulated.faults.add("compute", CALLS[call], kind=kind, times=times)
            return
        seen: set[tuple[str, str]] = set()

        def first(each: Any) -> bool:
            about = (each.service, each.action)
            control = each.service not in ("token", "imds", "compute")
            return control and about not in seen and not seen.add(about)  # type: ignore[func-returns-value]

        self.emulated.faults.add("*", "*", when=first, kind=kind, times=None)

    def no_capacity(self, type: str | None = None, times: int | None = None) -> None:
        self.emulated.faults.no_capacity(size=type, times=times)

    def enforce(self, step: str | None, without: str = "") -> None:
        block = permissions(step) if step else NOTHING
        kept = {kind: [each for each in listed if each != without] for kind, listed in block.items()}
        self.emulated.enforce("operator", kept)

    def refused(self) -> list[str]:
        return [
            f"{each.service}:{each.action} {each.code}"
            for each in self.emulated.journal.entries()
            if each.status == 403
        ]

    def cut(self, write: Callable[[Callable[[], Any]], Any], monkeypatch: Any) -> None:
        from urllib3.connectionpool import HTTPConnectionPool

        send = HTTPConnectionPool.urlopen
        monkeypatch.setattr(
            HTTPConnectionPool, "urlopen", lambda *args, **given: write(lambda: send(*args, **given))
        )


def stands_in_another(type: str) -> bool:
    """Whether resources of this type come and go with a VM, or stand within another one."""
    return type in (
        "Microsoft.Network/networkInterfaces",
        "Microsoft.Network/publicIPAddresses",
        "Microsoft.Compute/disks",
        "Microsoft.Network/virtualNetworks/subnets",
    )
