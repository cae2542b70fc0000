"""An emulated Azure for tests, and the real SDKs' clients for it."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
import pytest
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.core.polling.arm_polling import ARMPolling, BodyContentPolling

from local.clouds.azure import EmulatedAzure
from tests.clock import FakeClock

ARM = "https://management.azure.com"
STORAGE = "https://storage.azure.com"
LOCATION = "westeurope"
IMAGE = {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest"}
RETRIES_OFF = {"retry_total": 0}


def token(cloud: EmulatedAzure, audience: str = ARM) -> str:
    """A token of the app that `environment()` speaks of."""
    known = cloud.environment()
    answer = httpx.post(
        f"{cloud.url}/{known['AZURE_TENANT_ID']}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": known["AZURE_CLIENT_ID"],
            "client_secret": known["AZURE_CLIENT_SECRET"],
            "scope": f"{audience}/.default",
        },
    )
    answer.raise_for_status()
    return str(answer.json()["access_token"])


class Bearer(SansIOHTTPPolicy[Any, Any]):
    """The SDKs' own token policy wants TLS; this one does not."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask = ask
        self._token = ""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        self._token = self._token or self._ask()
        request.http_request.headers["Authorization"] = f"Bearer {self._token}"


class Credential:
    """What the clients insist on; the policy does the work."""

    def get_token(self, *_: str, **__: Any) -> Any:
        raise AssertionError("the policy has the token")


def by_resource() -> ARMPolling:
    """Polls the resource, not the operation."""
    return ARMPolling(0, lro_algorithms=[BodyContentPolling()])


@dataclass
class Clients:
    """The SDKs, as the app `operator`."""

    cloud: EmulatedAzure

    def arguments(self) -> dict[str, Any]:
        policy = Bearer(lambda: token(self.cloud))
        return {
            "credential": Credential(),
            "subscription_id": self.cloud.environment()["AZURE_SUBSCRIPTION_ID"],
            "base_url": self.cloud.url,
            "authentication_policy": policy,
            "polling_interval": 0,
            **RETRIES_OFF,
        }

    @cached_property
    def resources(self) -> Any:
        from azure.mgmt.resource.resources import ResourceManagementClient

        return ResourceManagementClient(**self.arguments())

    @cached_property
    def compute(self) -> Any:
        from azure.mgmt.compute import ComputeManagementClient

        return ComputeManagementClient(**self.arguments())

    @cached_property
    def network(self) -> Any:
        from azure.mgmt.network import NetworkManagementClient

        return NetworkManagementClient(**self.arguments())

    @cached_property
    def identities(self) -> Any:
        from azure.mgmt.msi import ManagedServiceIdentityClient

        return ManagedServiceIdentityClient(**self.arguments())

    @cached_property
    def authorization(self) -> Any:
        from azure.mgmt.authorization import AuthorizationManagementClient

        return AuthorizationManagementClient(**self.arguments(), api_version="2022-04-01")

    @cached_property
    def workspaces(self) -> Any:
        """The management of Log Analytics: `.workspaces`, `.tables`."""
        from azure.mgmt.loganalytics import LogAnalyticsManagementClient

        return LogAnalyticsManagementClient(**self.arguments())

    @cached_property
    def monitor(self) -> Any:
        """`.data_collection_endpoints`, `.data_collection_rules`."""
        from azure.mgmt.monitor import MonitorManagementClient

        return MonitorManagementClient(**self.arguments())

    def logs(self, **options: Any) -> Any:
        """The query client of Log Analytics."""
        from azure.monitor.query import LogsQueryClient

        policy = Bearer(lambda: token(self.cloud, "https://api.loganalytics.io"))
        options = {**RETRIES_OFF, "authentication_policy": policy, **options}
        return LogsQueryClient(Credential(), endpoint=self.cloud.url, **options)

    def ingestion(self, endpoint: str, bearer: str = "") -> Any:
        """The client that sends records to a data collection endpoint."""
        from azure.monitor.ingestion import LogsIngestionClient

        policy = Bearer(lambda: bearer or token(self.cloud, "https://monitor.azure.com/"))
        return LogsIngestionClient(endpoint, Credential(), authentication_policy=policy, **RETRIES_OFF)

    def blobs(self, account: str, **options: Any) -> Any:
        """The blob service of an account of the emulator's."""
        from azure.storage.blob import BlobServiceClient

        # A credential on plain HTTP is refused by the SDK, so the token comes with a policy of its own.
        options["_additional_pipeline_policies"] = [Bearer(lambda: token(self.cloud, STORAGE))]
        return BlobServiceClient(f"{self.cloud.url}/blob/{account}", **RETRIES_OFF, **options)

    def arm(self, method: str, path: str, version: str, json: Any = None, **headers: str) -> httpx.Response:
        """One bare call of ARM; `path` from the subscription on ("/resourceGroups/...")."""
        known = self.cloud.environment()["AZURE_SUBSCRIPTION_ID"]
        return httpx.request(
            method,
            f"{self.cloud.url}/subscriptions/{known}{path}{'&' if '?' in path else '?'}api-version={version}",
            json=json,
            headers={"Authorization": f"Bearer {token(self.cloud)}", **headers},
        )

    def group(self, name: str = "rg") -> str:
        """Makes a resource group; its id."""
        return str(self.resources.resource_groups.create_or_update(name, {"location": LOCATION}).id)

    def subnet(self, group: str = "rg") -> str:
        """Makes a network with one subnet; the subnet's id."""
        network = self.network.virtual_networks.begin_create_or_update(
            group,
            "net",
            {
                "location": LOCATION,
                "properties": {
                    "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                    "subnets": [{"name": "default", "properties": {"addressPrefix": "10.0.0.0/20"}}],
                },
            },
        ).result()
        return str(network.subnets[0].id)


def vm_body(subnet: str, custom_data: str = "", **properties: Any) -> dict[str, Any]:
    """A VM that makes its own network interface."""
    system: dict[str, Any] = {
        "computerName": "vm",
        "adminUsername": "azureuser",
        "linuxConfiguration": {
            "disablePasswordAuthentication": True,
            "ssh": {
                "publicKeys": [{"path": "/home/azureuser/.ssh/authorized_keys", "keyData": "ssh-rsa AAAA"}]
            },
        },
    }
    if custom_data:
        system["customData"] = custom_data
    configuration = {
        "name": "nic",
        "properties": {
            "primary": True,
            "deleteOption": "Delete",
            "ipConfigurations": [{"name": "ip", "properties": {"subnet": {"id": subnet}}}],
        },
    }
    return {
        "location": LOCATION,
        "tags": {"headnode:run": "r1"},
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_D2ds_v4"},
            "storageProfile": {
                "imageReference": IMAGE,
                "osDisk": {"name": "vm-os", "createOption": "FromImage", "deleteOption": "Delete"},
            },
            "osProfile": system,
            "networkProfile": {
                "networkApiVersion": "2022-11-01",
                "networkInterfaceConfigurations": [configuration],
            },
            **properties,
        },
    }


@pytest.fixture(scope="session")
def _emulated_azure() -> Iterator[tuple[EmulatedAzure, FakeClock]]:
    clock = FakeClock()
    with EmulatedAzure(machines=False, clock=clock.now) as cloud:
        yield cloud, clock


@pytest.fixture
def azure_clock(_emulated_azure: tuple[EmulatedAzure, FakeClock]) -> FakeClock:
    """What the emulated Azure takes for the time; advance it."""
    return _emulated_azure[1]


@pytest.fixture
def azure(
    _emulated_azure: tuple[EmulatedAzure, FakeClock], monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmulatedAzure]:
    """An empty emulated Azure without machines, in whose time nothing passes by itself. Fails the test
    when the emulator itself breaks."""
    cloud, _ = _emulated_azure
    cloud.reset()
    for name in list(os.environ):
        if name.startswith(("AZURE_", "IDENTITY_")):
            monkeypatch.delenv(name)
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    yield cloud
    assert not cloud.crashes, cloud.crashes[0]


@pytest.fixture
def azure_with_machines(azure: EmulatedAzure) -> Iterator[EmulatedAzure]:
    """As `azure`, and VMs are real processes that carry out their custom data. All are gone after the
    test."""
    if shutil.which("bwrap") is None:
        pytest.skip("machines need bubblewrap")
    azure.state.machines = True
    yield azure
    azure.reset()
