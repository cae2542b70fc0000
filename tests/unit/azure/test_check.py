"""An environment is held against the account by reads alone, and everything that is wrong is said."""

from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.errors import Throttled, Unreachable
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.providers.azure import permissions, workdir
from shared.providers.azure.clients import Clients
from shared.providers.azure.cloud import AzureCloud
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.clock import FakeClock
from tests.unit.azure.conftest import ACCOUNT, CONTAINER, Bind, environment

NOBODY = "00000000-0000-0000-0000-000000000000"
STRANGER = f"/subscriptions/{NOBODY}/resourceGroups/lab/providers"


def faults(cloud: AzureCloud) -> dict[str, str]:
    return {fault.field: fault.message for fault in cloud.check()}


@pytest.fixture
def lab(sdk: Sdk) -> dict[str, str]:
    """The user's own group, network and identity."""
    sdk.group("lab")
    network = sdk.subnet("lab").rpartition("/subnets/")[0]
    made = sdk.identities.user_assigned_identities.create_or_update("lab", "me", {"location": LOCATION})
    return {"network": network, "identity": str(made.id), "client": str(made.client_id)}


def test_what_is_well_is_found_by_reads_within_the_block(
    bind: Bind, azure: EmulatedAzure, account: str, lab: dict[str, str]
) -> None:
    azure.enforce("operator", permissions.permissions("create"))
    everything = {
        "resourceGroup": "lab",
        "networkId": lab["network"],
        "subnets": ["default"],
        "managedIdentityId": lab["identity"],
        "managedIdentityClientId": lab["client"],
        "storageResourceGroup": "data",
    }
    writes = azure.journal.writes
    for config in ({}, everything, {**everything, "subnets": None}):
        cloud = bind(**config)
        assert faults(cloud) == {}
        assert cloud.details()
    assert azure.journal.writes == writes
    assert azure.judge.refusals == []


def test_everything_that_is_missing_is_said_at_once(
    bind: Bind, azure: EmulatedAzure, lab: dict[str, str]
) -> None:
    cloud = bind(
        resourceGroup="nowhere",
        networkId=f"{lab['network']}x",
        managedIdentityId=f"{lab['identity']}x",
        storageAccount="other",
    )
    azure.account("other", containers=["else"])
    assert set(faults(cloud)) == {"resourceGroup", "networkId", "managedIdentityId", "workDir"}


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"networkId": "{network}", "subnets": ["absent"]}, "subnets"),
        ({"networkId": "{network}", "region": "northeurope"}, "networkId"),
        ({"networkId": f"{STRANGER}/Microsoft.Network/virtualNetworks/n"}, "networkId"),
        (
            {"managedIdentityId": "{identity}", "managedIdentityClientId": NOBODY},
            "managedIdentityClientId",
        ),
        ({"storageResourceGroup": "lab"}, "storageResourceGroup"),
        ({"workDir": "az://absent/runs"}, "workDir"),
        ({"storageAccount": "absent"}, "workDir"),
        ({"storageAccount": None}, "storageAccount"),
        ({"subscriptionId": NOBODY}, "subscriptionId"),
        ({"region": "moonbase"}, "region"),
    ],
)
def test_what_is_wrong(
    bind: Bind, account: str, lab: dict[str, str], config: dict[str, Any], field: str
) -> None:
    filled = {key: value.format(**lab) if isinstance(value, str) else value for key, value in config.items()}
    assert field in faults(bind(**filled))


def test_subnets_that_no_machine_can_stand_in(
    bind: Bind, sdk: Sdk, account: str, lab: dict[str, str]
) -> None:
    delegated = {
        "addressPrefix": "10.0.64.0/24",
        "delegations": [{"name": "d", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}],
    }
    for name, properties in (("web", delegated), ("GatewaySubnet", {"addressPrefix": "10.0.65.0/24"})):
        sdk.network.subnets.begin_create_or_update(
            "lab", "net", name, {"properties": properties}, polling=False
        ).result()
    assert set(faults(bind(networkId=lab["network"], subnets=["web"]))) == {"subnets"}
    assert set(faults(bind(networkId=lab["network"], subnets=["GatewaySubnet"]))) == {"subnets"}
    assert bind(networkId=lab["network"]).details()["subnets"] == ["default"]


def test_details_are_what_a_launch_needs(
    bind: Bind, azure: EmulatedAzure, account: str, lab: dict[str, str]
) -> None:
    config = {"managedIdentityId": lab["identity"], "networkId": lab["network"]}
    details = bind(**config).details()
    assert details["identity"]["clientId"] == lab["client"]
    cloud = bind(details, **config)
    since = azure.journal.count
    run = Run(id="run1", name="r", session_id="s")
    attempt = Attempt(number=1, offer=cloud.offers(run)[0])
    assert cloud.spec(run, attempt)["azure"]["client_id"] == lab["client"]
    assert [offer.place for offer in cloud.offers(run)] == [""]
    assert azure.journal.count == since


def test_what_was_not_checked_is_noted(bind: Bind, account: str) -> None:
    cloud = bind(instanceType="Standard_Q9zz_v99")
    assert cloud.check() == []
    notes = " ".join(cloud.details()["notes"])
    assert "Standard_Q9zz_v99" in notes
    assert ACCOUNT in notes


def test_no_subscription_is_a_fault_and_no_call(
    azure: EmulatedAzure, azure_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_SUBSCRIPTION_ID")
    cloud = AzureCloud(environment(), Clients(None), Settings(installation="this"), azure_clock)
    since = azure.journal.count
    assert set(faults(cloud)) == {"subscriptionId"}
    assert azure.journal.count == since


def test_the_credentials_storage_account_is_the_default(
    azure: EmulatedAzure, azure_clock: FakeClock, account: str
) -> None:
    known = azure.environment()
    clients = Clients(
        {
            "clientId": known["AZURE_CLIENT_ID"],
            "clientSecret": known["AZURE_CLIENT_SECRET"],
            "tenantId": known["AZURE_TENANT_ID"],
            "subscriptionId": known["AZURE_SUBSCRIPTION_ID"],
            "storageName": ACCOUNT,
        }
    )
    cloud = AzureCloud(environment(storageAccount=None), clients, Settings(installation="this"), azure_clock)
    assert faults(cloud) == {}


def test_a_missing_permission_is_a_fault_of_the_credentials(
    bind: Bind, azure: EmulatedAzure, account: str
) -> None:
    block = permissions.permissions("create")
    read = "Microsoft.Storage/storageAccounts/blobServices/containers/read"
    azure.enforce("operator", {"actions": [each for each in block["actions"] if each != read]})
    assert read in faults(bind())["credentialsId"]


@pytest.mark.parametrize(
    ("service", "kind", "error"),
    [
        ("resources", "503", Unreachable),
        ("resources", "throttle", Throttled),
        ("storage", "5xx", Unreachable),
    ],
)
def test_no_usable_answer_is_no_fault(
    bind: Bind, azure: EmulatedAzure, account: str, service: str, kind: str, error: type[Exception]
) -> None:
    azure.faults.add(service, "*", kind=kind)
    with pytest.raises(error):
        bind().check()


def test_an_account_that_nobody_has_is_told_from_a_silent_resolver() -> None:
    def said(text: str) -> Unreachable:
        error = Unreachable("GET x")
        error.__cause__ = OSError(text)
        return error

    host = "<urllib3.connection.HTTPSConnection>: Failed to resolve 'x.blob.core.windows.net'"
    assert workdir.is_unresolved(said(f"{host} ([Errno -2] Name or service not known)"))
    assert not workdir.is_unresolved(said(f"{host} ([Errno -3] Temporary failure in name resolution)"))
    assert not workdir.is_unresolved(said("timed out"))


def test_a_container_of_another_form_is_not_asked_about(bind: Bind, azure: EmulatedAzure) -> None:
    azure.account(ACCOUNT, containers=[CONTAINER])
    since = azure.journal.count
    assert set(faults(bind(workDir="az://UPPER/x"))) == {"workDir"}
    assert azure.journal.entries("storage", since=since) == []
