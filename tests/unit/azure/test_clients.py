"""Who we are, how it is proven, and what becomes of an answer that does not come."""

import logging

import pytest

from local.clouds.azure import EmulatedAzure
from shared.azure_endpoints import ARM_SCOPE, endpoints
from shared.errors import Forbidden, Invalid, Refused, Throttled, Unreachable
from shared.providers.azure.clients import Clients
from tests.clock import FakeClock

GROUPS = "/subscriptions/{}/resourceGroups"
READ = "Microsoft.Resources/subscriptions/resourceGroups/read"
CANARY = "c4nary-s3cret-that-nobody-may-see"


def groups(clients: Clients) -> int:
    return clients.arm("GET", GROUPS.format(clients.subscription), "2024-11-01", action=READ).status


def keys(azure: EmulatedAzure, secret: str | None = None) -> dict[str, str]:
    known = azure.environment()
    return {
        "clientId": known["AZURE_CLIENT_ID"],
        "clientSecret": secret or known["AZURE_CLIENT_SECRET"],
        "tenantId": known["AZURE_TENANT_ID"],
        "subscriptionId": known["AZURE_SUBSCRIPTION_ID"],
        "storageName": "labdata",
    }


@pytest.fixture
def nobody(azure: EmulatedAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without credentials of its own."""
    for name in azure.environment():
        if name.startswith("AZURE_"):
            monkeypatch.delenv(name)


def callers(azure: EmulatedAzure) -> set[str]:
    return {entry.principal for entry in azure.journal.entries("resources")}


@pytest.mark.usefixtures("nobody")
def test_credentials_with_a_secret(azure: EmulatedAzure) -> None:
    clients = Clients(keys(azure))
    assert groups(clients) == 200
    assert clients.storage_name == "labdata"
    assert callers(azure) == {azure.state.directory.operator.object_id}


def test_the_hosts_own_app(azure: EmulatedAzure) -> None:
    assert groups(Clients(None)) == 200
    assert callers(azure) == {azure.state.directory.operator.object_id}


@pytest.mark.usefixtures("nobody")
def test_the_hosts_own_identity(azure: EmulatedAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in azure.function_environment().items():
        monkeypatch.setenv(name, value)
    assert groups(Clients(None)) == 200
    assert callers(azure) == {azure.state.directory.function.object_id}


def test_given_credentials_win_over_the_hosts(azure: EmulatedAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in azure.function_environment().items():
        monkeypatch.setenv(name, value)
    assert groups(Clients(keys(azure))) == 200
    assert callers(azure) == {azure.state.directory.operator.object_id}


def test_a_token_is_asked_for_once(azure: EmulatedAzure) -> None:
    clients = Clients(keys(azure))
    for _ in range(5):
        groups(clients)
    assert azure.journal.totals()["token:issue"] == 1


def test_a_token_that_ended_mid_way_is_replaced(azure: EmulatedAzure, azure_clock: FakeClock) -> None:
    clients = Clients(keys(azure))
    groups(clients)
    azure_clock.advance(2 * 3600)
    since = azure.journal.count
    assert groups(clients) == 200
    assert [entry.status for entry in azure.journal.entries("resources", since=since)] == [401, 200]


def test_a_token_that_is_never_good_is_not_asked_for_without_end(
    azure: EmulatedAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = Clients(keys(azure))
    monkeypatch.setattr(clients, "token", lambda _: "nonsense")
    with pytest.raises(Refused, match="does not accept these credentials"):
        groups(clients)
    assert len(azure.journal.entries("resources")) == 2


def test_a_wrong_secret_is_refused_and_never_told(
    azure: EmulatedAzure, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Refused, match="AADSTS7000215") as refused:
        groups(Clients(keys(azure, CANARY)))
    assert CANARY not in str(refused.value)
    assert CANARY not in caplog.text


def test_neither_secret_nor_token_is_logged(azure: EmulatedAzure, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    clients = Clients(keys(azure))
    groups(clients)
    assert azure.environment()["AZURE_CLIENT_SECRET"] not in caplog.text
    assert clients.token(ARM_SCOPE)[:40] not in caplog.text
    assert azure.environment()["AZURE_CLIENT_SECRET"] not in repr(vars(clients)["_credential_now"])


def test_credentials_that_lack_a_part(azure: EmulatedAzure) -> None:
    with pytest.raises(Refused, match="lack tenantId, clientSecret"):
        groups(Clients({"clientId": "x", "subscriptionId": azure.environment()["AZURE_SUBSCRIPTION_ID"]}))


def test_an_entra_that_is_down_is_not_a_refusal(azure: EmulatedAzure) -> None:
    azure.faults.add("token", "issue", kind="503")
    with pytest.raises(Unreachable):
        groups(Clients(keys(azure)))
    assert groups(Clients(keys(azure))) == 200


@pytest.mark.parametrize("kind", ["reset-before", "reset-after", "5xx", "503"])
def test_a_lost_answer_is_unreachable_and_asked_for_once(azure: EmulatedAzure, kind: str) -> None:
    azure.faults.add("resources", "*", kind=kind)
    with pytest.raises(Unreachable):
        groups(Clients(keys(azure)))
    assert len(azure.journal.entries("resources")) == 1


@pytest.mark.parametrize(("seconds", "after"), [(7, 7.0), (0, 5.0)])
def test_a_throttle_is_ours_to_wait_for(azure: EmulatedAzure, seconds: float, after: float) -> None:
    azure.faults.add("resources", "*", kind="throttle", seconds=seconds)
    with pytest.raises(Throttled) as throttled:
        groups(Clients(keys(azure)))
    assert throttled.value.after == after
    assert len(azure.journal.entries("resources")) == 1


def test_a_missing_permission_is_named(azure: EmulatedAzure) -> None:
    azure.enforce("operator", {"actions": []})
    with pytest.raises(Forbidden) as forbidden:
        groups(Clients(keys(azure)))
    assert forbidden.value.action == READ


@pytest.mark.parametrize(
    "address",
    ["http://example.com", "http://10.0.0.1:80", "ftp://127.0.0.1", "//x", "http://127.0.0.1.evil.org"],
)
def test_tokens_travel_over_http_to_this_machine_only(address: str) -> None:
    with pytest.raises(Invalid, match="HEADNODE_AZURE_URL"):
        endpoints({"HEADNODE_AZURE_URL": address})


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "http://localhost:1", "http://[::1]:1"])
def test_this_machine_is_known_by_its_names(address: str) -> None:
    found = endpoints({"HEADNODE_AZURE_URL": address})
    assert found.plain
    assert found.arm == address.rstrip("/")


def test_the_public_cloud_is_the_default() -> None:
    found = endpoints({})
    assert not found.plain
    assert found.arm == "https://management.azure.com"
    assert found.blob("a") == "https://a.blob.core.windows.net"
    assert found.vault("v") == "https://v.vault.azure.net"
    assert found.query("c") == "https://api.loganalytics.io/v1/workspaces/c/query"
