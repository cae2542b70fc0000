"""A VM of the emulated Azure with an identity of its own, as the runner on it sees the world."""

import uuid
from typing import Any

from local.clouds.azure import EmulatedAzure
from shared.runner.azure import Azure
from shared.runner.azure_imds import Instance
from tests.azure_cloud import LOCATION, Clients, vm_body

CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
"""Storage Blob Data Contributor."""
WRITES_LOGS = {"dataActions": ["Microsoft.Insights/Telemetry/Write"]}


class AzureVm:
    """One VM with one identity, which may do nothing until it is told so. Its account is `store`, with the
    container `work`."""

    def __init__(
        self, cloud: EmulatedAzure, name: str = "vm", custom_data: str = "", **properties: Any
    ) -> None:
        self.cloud = cloud
        self.name = name
        self.clients = Clients(cloud)
        self.clients.group()
        self.account = cloud.account("store", containers=["work"])
        made = self.clients.identities.user_assigned_identities.create_or_update(
            "rg", "id", {"location": LOCATION}
        )
        self.principal, self.client_id = str(made.principal_id), str(made.client_id)
        self._identity = str(made.id)
        self._subnet = self.clients.subnet()
        self._body = vm_body(self._subnet, custom_data, **properties)

    def boots(self, custom_data: str, **properties: Any) -> str:
        """Makes a VM that carries out custom data; its ARM id."""
        self._body = vm_body(self._subnet, custom_data, **properties)
        return self.start()

    def start(self) -> str:
        """Makes the VM; its ARM id."""
        identity = {"type": "UserAssigned", "userAssignedIdentities": {self._identity: {}}}
        answer = self.clients.arm(
            "PUT",
            f"/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/{self.name}",
            "2024-07-01",
            json={**self._body, "identity": identity},
        )
        assert answer.status_code in (200, 201), answer.text
        self.id = str(answer.json()["id"])
        self.vm_id = str(answer.json()["properties"]["vmId"])
        return self.id

    @property
    def environment(self) -> dict[str, str]:
        """What a process on the machine sees."""
        host = f"{self.cloud.url}/imds/{self.vm_id}"
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": host, "HEADNODE_AZURE_URL": self.cloud.url}

    @property
    def storage_url(self) -> str:
        return f"{self.cloud.url}/blob/store"

    def may(self, role: str = CONTRIBUTOR, scope: str = "") -> None:
        """Gives the identity a built-in role: on the account, unless told otherwise."""
        assignment = {
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "principalId": self.principal,
            "principalType": "ServicePrincipal",
        }
        self.clients.authorization.role_assignments.create(
            scope or self.account, str(uuid.uuid4()), {"properties": assignment}
        )

    def instance(self) -> Instance:
        """The runner's own view of the metadata service."""
        return Instance(self.client_id, self.environment)

    def azure(self, **options: Any) -> Azure:
        """The runner's own client."""
        return Azure(self.instance(), **options)

    def said_to_imds(self, path: str) -> int:
        """How often a part of the metadata service was asked."""
        return len([each for each in self.cloud.journal.entries() if each.action == path])
