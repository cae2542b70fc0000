"""Tokens, routes, versions, errors, faults and the journal: what every call goes through."""

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceResponseError
from azure.identity import ManagedIdentityCredential

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import ARM, Clients, token
from tests.clock import FakeClock

GROUPS = "2025-04-01"


def test_a_client_secret_gives_a_token_for_one_audience(azure: EmulatedAzure):
    assert azure.state.directory.read(token(azure)).audience == ARM

    known = azure.environment()
    asked = {
        "grant_type": "client_credentials",
        "client_id": known["AZURE_CLIENT_ID"],
        "scope": f"{ARM}/.default",
    }
    url = f"{azure.url}/{known['AZURE_TENANT_ID']}/oauth2/v2.0/token"

    wrong = httpx.post(url, data={**asked, "client_secret": "no"})
    assert (wrong.status_code, wrong.json()["error"], wrong.json()["error_codes"]) == (
        401,
        "invalid_client",
        [7000215],
    )
    nobody = httpx.post(url, data={**asked, "client_id": "nobody", "client_secret": "no"})
    assert (nobody.status_code, nobody.json()["error"]) == (400, "unauthorized_client")
    elsewhere = httpx.post(f"{azure.url}/elsewhere/oauth2/v2.0/token", data=asked)
    assert elsewhere.json()["error_codes"] == [90002]
    assert (
        "token_endpoint"
        in httpx.get(f"{azure.url}/{known['AZURE_TENANT_ID']}/v2.0/.well-known/openid-configuration").json()
    )


def test_a_function_asks_for_its_own_identity(azure: EmulatedAzure, monkeypatch: pytest.MonkeyPatch):
    for name, value in azure.function_environment().items():
        monkeypatch.setenv(name, value)

    found = ManagedIdentityCredential().get_token(f"{ARM}/.default")

    assert azure.state.directory.read(found.token).principal == azure.state.directory.function.object_id
    monkeypatch.setenv("IDENTITY_HEADER", "guessed")
    with pytest.raises(ClientAuthenticationError):
        ManagedIdentityCredential().get_token(f"{ARM}/.default")


@pytest.mark.parametrize(
    ("bearer", "code"),
    [
        ("", "AuthenticationFailed"),
        ("nonsense", "InvalidAuthenticationToken"),
        ("expired", "ExpiredAuthenticationToken"),
        ("https://monitor.azure.com", "InvalidAuthenticationTokenAudience"),
    ],
)
def test_without_a_good_token_there_is_401(
    azure: EmulatedAzure, azure_clock: FakeClock, bearer: str, code: str
):
    text = (
        token(azure, bearer if bearer.startswith("http") else ARM)
        if bearer not in ("", "nonsense")
        else bearer
    )
    if bearer == "expired":
        azure_clock.advance(3600)
    subscription = f"{azure.url}/subscriptions/{azure.environment()['AZURE_SUBSCRIPTION_ID']}"
    url = f"{subscription}/resourceGroups?api-version={GROUPS}"

    answer = httpx.get(url, headers={"Authorization": f"Bearer {text}"} if text else {})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert "WWW-Authenticate" in answer.headers


def test_what_is_not_modelled_is_501_and_named(azure: EmulatedAzure, clients: Clients):
    path = clients.arm("GET", "/providers/Microsoft.Quantum/workspaces", GROUPS)
    version = clients.arm("GET", "/resourceGroups", "2016-02-01")
    method = clients.arm("PATCH", "/resourceGroups/rg", GROUPS)

    assert (path.status_code, version.status_code, method.status_code) == (501, 501, 501)
    assert "Microsoft.Quantum/workspaces" in path.json()["error"]["message"]
    assert "2016-02-01" in version.json()["error"]["message"]
    assert "PATCH" in method.json()["error"]["message"]


def test_a_version_must_be_said(azure: EmulatedAzure, clients: Clients):
    answer = clients.arm("GET", "/resourceGroups", "")

    assert answer.json()["error"]["code"] == "MissingApiVersionParameter"


def test_another_subscription_is_not_found(azure: EmulatedAzure):
    answer = httpx.get(
        f"{azure.url}/subscriptions/11111111-0000-0000-0000-000000000000/resourceGroups?api-version={GROUPS}",
        headers={"Authorization": f"Bearer {token(azure)}"},
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SubscriptionNotFound")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttle", 429, "TooManyRequests"),
        ("5xx", 500, "InternalServerError"),
        ("503", 503, "ServerBusy"),
        ("denied", 403, "AuthorizationFailed"),
        ("MissingSubscriptionRegistration", 409, "MissingSubscriptionRegistration"),
    ],
)
def test_a_fault_refuses_and_nothing_is_done(
    azure: EmulatedAzure, clients: Clients, kind: str, status: int, code: str
):
    azure.faults.add("resources", "subscriptions/resourceGroups/write", kind=kind, status=409)

    with pytest.raises(HttpResponseError) as caught:
        clients.group()

    assert (caught.value.status_code, caught.value.error.code) == (status, code)
    assert azure.resources() == []
    clients.group()


def test_a_throttle_may_say_when_to_come_back(azure: EmulatedAzure, clients: Clients):
    azure.faults.add("*", "subscriptions/resourceGroups/read", kind="throttle", times=2, seconds=7)

    assert clients.arm("GET", "/resourceGroups", GROUPS).headers["Retry-After"] == "7"
    azure.faults.clear()
    azure.faults.add("*", "subscriptions/resourceGroups/read", kind="throttle")
    assert "Retry-After" not in clients.arm("GET", "/resourceGroups", GROUPS).headers


@pytest.mark.parametrize(("kind", "done"), [("reset-before", 0), ("reset-after", 1)])
def test_a_lost_answer_may_have_done_the_work(azure: EmulatedAzure, clients: Clients, kind: str, done: int):
    azure.faults.add("resources", "subscriptions/resourceGroups/write", kind=kind)

    with pytest.raises((ServiceResponseError, HttpResponseError)):
        clients.group()

    assert len(azure.resources()) == done
    [entry] = azure.journal.entries("resources", "subscriptions/resourceGroups/write")
    assert (entry.status, entry.writes) == (0, True)


def test_faults_can_look_at_the_call(azure: EmulatedAzure, clients: Clients):
    azure.faults.add("resources", "*", when={"group": "b"}, kind="5xx", times=None)

    clients.group("a")
    with pytest.raises(HttpResponseError):
        clients.group("b")


def test_the_journal_knows_who_asked_for_what(azure: EmulatedAzure, clients: Clients):
    clients.group()
    list(clients.resources.resource_groups.list())

    assert azure.journal.totals() == {
        "token:issue": 1,
        "resources:subscriptions/resourceGroups/write": 1,
        "resources:subscriptions/resourceGroups/read": 1,
    }
    assert azure.journal.writes == 1
    assert azure.journal.entries("resources")[0].principal == azure.state.directory.operator.object_id


def test_ids_are_the_same_in_any_case(azure: EmulatedAzure, clients: Clients):
    clients.group("Mixed")

    assert clients.arm("GET", "/RESOURCEGROUPS/mIXED", GROUPS).json()["name"] == "Mixed"


def test_a_body_that_is_no_object_is_refused(azure: EmulatedAzure, clients: Clients):
    answer = clients.arm("PUT", "/resourceGroups/rg", GROUPS, json=["no"])

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")


def test_a_reset_cloud_is_empty(azure: EmulatedAzure, clients: Clients):
    old = token(azure)
    clients.group()
    azure.faults.add("*", "*", kind="5xx", times=None)
    azure.enforce("operator", {"actions": []})

    azure.reset()

    assert (azure.resources(), azure.journal.count) == ([], 0)
    assert azure.state.directory.read(old) is None
    Clients(azure).group()
