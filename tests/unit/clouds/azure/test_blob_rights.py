"""Who may touch a blob: data actions, scopes, delays, conditions, tokens and signatures."""

import datetime
import uuid
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobClient, BlobSasPermissions, generate_blob_sas, generate_container_sas

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import ARM, LOCATION, STORAGE, Clients
from tests.clock import FakeClock

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
MISMATCH = (403, "AuthorizationPermissionMismatch")


class Somebody:
    """A managed identity with a token for storage, and nothing else."""

    def __init__(self, azure: EmulatedAzure, clients: Clients) -> None:
        clients.group()
        self.azure, self.clients = azure, clients
        made = clients.identities.user_assigned_identities.create_or_update(
            "rg", "id", {"location": LOCATION}
        )
        self.id = str(made.principal_id)

    def token(self, audience: str = STORAGE) -> str:
        directory = self.azure.state.directory
        return directory.issue(directory.by_object[self.id], audience, self.azure.state.now)

    def may(self, scope: str, role: str, **extra: str) -> None:
        properties = {
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "principalId": self.id,
            "principalType": "ServicePrincipal",
            **extra,
        }
        assignments = self.clients.authorization.role_assignments
        assignments.create(scope, str(uuid.uuid4()), {"properties": properties})

    def ask(
        self, method: str, path: str, body: bytes = b"", token: str = "", **headers: str
    ) -> tuple[int, str]:
        said = {
            "Authorization": f"Bearer {token or self.token()}",
            "x-ms-version": "2025-01-05",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        answer = httpx.request(method, f"{self.azure.url}/blob/{path}", content=body, headers=said)
        return answer.status_code, answer.headers.get("x-ms-error-code", "")

    def put(self, path: str, kind: str = "BlockBlob") -> tuple[int, str]:
        return self.ask("PUT", path, x_ms_blob_type=kind)


@pytest.fixture
def account(azure: EmulatedAzure) -> str:
    return azure.account("store", containers=["work", "other"])


@pytest.fixture
def somebody(azure: EmulatedAzure, clients: Clients, account: str) -> Somebody:
    return Somebody(azure, clients)


def container(account: str, name: str) -> str:
    return f"{account}/blobServices/default/containers/{name}"


def test_an_identity_reaches_the_container_that_it_was_given(somebody: Somebody, account: str):
    assert somebody.put("store/work/x") == MISMATCH
    somebody.may(container(account, "work"), CONTRIBUTOR)

    assert somebody.put("store/work/x") == (201, "")
    assert somebody.ask("GET", "store/work/x") == (200, "")
    assert somebody.put("store/other/x") == MISMATCH
    assert somebody.ask("DELETE", "store/work/x") == (202, "")
    assert somebody.azure.judge.refusals[-1].scope == container(account, "other")


@pytest.mark.parametrize("place", ["account", "group", "subscription"])
def test_a_role_counts_for_all_that_is_below_its_scope(somebody: Somebody, account: str, place: str):
    scope = {"account": account, "group": account.partition("/providers")[0]}.get(
        place, account.partition("/resourceGroups")[0]
    )
    somebody.may(scope, READER)

    assert somebody.ask("GET", "store/work?restype=container&comp=list") == (200, "")
    assert somebody.ask("GET", "store/work?restype=container") == (200, "")
    assert somebody.put("store/work/x") == MISMATCH
    assert somebody.ask("PUT", "store/new?restype=container") == MISMATCH


def test_a_new_assignment_takes_its_time(azure_clock: FakeClock, somebody: Somebody, account: str):
    somebody.azure.timings.propagation = 120
    somebody.may(account, CONTRIBUTOR)

    assert somebody.put("store/work/x") == MISMATCH
    azure_clock.advance(120)
    assert somebody.put("store/work/x") == (201, "")


def test_each_operation_needs_its_own_action(azure: EmulatedAzure, somebody: Somebody):
    only = {
        "read": {"GET store/work/x", "HEAD store/work/x", "GET store/work?restype=container&comp=list"},
        "write": {"PUT store/work/x", "PUT store/work/n", "PUT store/work/x?comp=metadata"},
        "add/action": {"PUT store/work/n", "PUT store/work/log?comp=appendblock"},
        "delete": {"DELETE store/work/x"},
    }
    only["write"].add("PUT store/work/log?comp=appendblock")
    everything = [*sorted(set().union(*only.values()) - {"DELETE store/work/x"}), "DELETE store/work/x"]
    for action, may in only.items():
        azure.enforce("id", {"dataActions": [f"{BLOBS}/*"]})
        somebody.put("store/work/x")
        somebody.put("store/work/log", "AppendBlob")
        somebody.ask("DELETE", "store/work/n")
        azure.enforce("id", {"dataActions": [f"{BLOBS}/{action}"]})
        allowed = set()
        for each in everything:
            method, path = each.split()
            headers = {} if "?" in path or method != "PUT" else {"x_ms_blob_type": "BlockBlob"}
            body = b"x" if "append" in path else b""
            if somebody.ask(method, path, body, **headers) != MISMATCH:
                allowed.add(each)
        assert allowed == may, action


def test_actions_on_containers_are_none_on_data(azure: EmulatedAzure, somebody: Somebody):
    azure.enforce("id", {"actions": ["*"]})
    assert somebody.ask("PUT", "store/new?restype=container") == (201, "")
    assert somebody.put("store/new/x") == MISMATCH
    azure.enforce("id", {"dataActions": ["*"]})
    assert somebody.put("store/new/x") == (201, "")
    assert somebody.ask("GET", "store/new?restype=container") == MISMATCH


def limited(account: str, container: str) -> str:
    return (
        f"((!(ActionMatches{{'{BLOBS}/read'}}) AND !(ActionMatches{{'{BLOBS}/write'}})"
        f" AND !(ActionMatches{{'{BLOBS}/add/action'}})) OR"
        f" (@Resource[Microsoft.Storage/storageAccounts:name] StringEquals '{account}' AND"
        " @Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name]"
        f" StringEquals '{container}'))"
    )


def test_a_condition_narrows_a_role_to_a_container(somebody: Somebody, account: str):
    somebody.azure.account("store2", containers=["work"])
    subscription = account.partition("/resourceGroups")[0]
    somebody.may(subscription, CONTRIBUTOR, condition=limited("store", "work"), conditionVersion="2.0")

    assert somebody.put("store/work/x") == (201, "")
    assert somebody.put("store/other/x") == MISMATCH
    assert somebody.put("store2/work/x") == MISMATCH
    assert somebody.ask("GET", "store/other?restype=container&comp=list") == MISMATCH
    assert somebody.ask("DELETE", "store/other/x") == (404, "BlobNotFound"), "the condition is silent on it"


@pytest.mark.parametrize(
    "extra",
    [
        {
            "condition": "@Resource[Microsoft.Storage/storageAccounts:kind] StringEquals 'x'",
            "conditionVersion": "2.0",
        },
        {"condition": "true", "conditionVersion": "2.0"},
        {"condition": "ActionMatches{'a'}", "conditionVersion": "1.0"},
        {"condition": "ActionMatches{'a'}"},
        {"conditionVersion": "2.0"},
    ],
)
def test_a_condition_that_nobody_understands_is_refused(
    somebody: Somebody, account: str, extra: dict[str, str]
):
    with pytest.raises(HttpResponseError) as caught:
        somebody.may(account, CONTRIBUTOR, **extra)

    assert caught.value.status_code == 400
    assert "The given role assignment condition is invalid" in caught.value.message
    assert somebody.azure.resources("Microsoft.Authorization/roleAssignments") == []


def test_a_role_in_an_account_that_is_not_there_is_refused(somebody: Somebody, account: str):
    with pytest.raises(HttpResponseError) as caught:
        somebody.may(container(account.replace("/store", "/gone"), "work"), CONTRIBUTOR)

    assert caught.value.error.code == "ResourceNotFound"


def test_tokens_are_for_storage_and_expire(azure_clock: FakeClock, somebody: Somebody, account: str):
    somebody.may(account, CONTRIBUTOR)
    token = somebody.token()

    assert somebody.ask("GET", "store/work/x", token=token) == (404, "BlobNotFound")
    own = somebody.token("https://store.blob.core.windows.net")
    assert somebody.ask("GET", "store/work/x", token=own) == (404, "BlobNotFound")
    assert somebody.ask("GET", "store/work/x", token=somebody.token(ARM)) == (
        401,
        "InvalidAuthenticationInfo",
    )
    assert somebody.ask("GET", "store/work/x", token="forged") == (401, "InvalidAuthenticationInfo")
    azure_clock.advance(3601)
    assert somebody.ask("GET", "store/work/x", token=token) == (401, "InvalidAuthenticationInfo")


def test_account_keys_and_strangers_are_turned_away(azure: EmulatedAzure, account: str):
    blob = BlobClient(f"{azure.url}/blob/store", "work", "x", credential=None, retry_total=0)
    with pytest.raises(HttpResponseError) as caught:
        blob.download_blob()
    assert (caught.value.status_code, caught.value.error_code) == (401, "NoAuthenticationInformation")
    assert STORAGE in caught.value.response.headers["WWW-Authenticate"]

    key = {"account_name": "store", "account_key": "c2VjcmV0"}
    keyed = BlobClient(f"{azure.url}/blob/store", "work", "x", credential=key, retry_total=0)
    refused_as_keyed(keyed)
    signed = generate_blob_sas(
        "store",
        "work",
        "x",
        account_key="c2VjcmV0",
        permission=BlobSasPermissions(read=True),
        expiry=later(0, 60),
    )
    refused_as_keyed(BlobClient(f"{azure.url}/blob/store", "work", "x", credential=signed, retry_total=0))


def refused_as_keyed(blob: BlobClient) -> None:
    with pytest.raises(HttpResponseError) as caught:
        blob.download_blob()
    assert (caught.value.status_code, caught.value.error_code) == (403, "KeyBasedAuthenticationNotPermitted")


def later(now: float, seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(now + seconds, datetime.UTC)


class Signer:
    """Signs with a delegation key of `operator`."""

    def __init__(self, azure: EmulatedAzure, clients: Clients) -> None:
        self.azure, self.now = azure, azure.state.now
        self.key = clients.blobs("store").get_user_delegation_key(later(self.now, -60), later(self.now, 3600))
        clients.blobs("store").get_blob_client("work", "a b/x").upload_blob(b"hello")

    def blob(self, name: str = "a b/x", seconds: float = 600, **permission: Any) -> BlobClient:
        token = generate_blob_sas(
            "store",
            "work",
            name,
            user_delegation_key=self.key,
            permission=BlobSasPermissions(**(permission or {"read": True})),
            expiry=later(self.now, seconds),
            content_type="text/plain",
        )
        return BlobClient(f"{self.azure.url}/blob/store", "work", name, credential=token, retry_total=0)


@pytest.fixture
def signer(azure: EmulatedAzure, clients: Clients, account: str) -> Signer:
    return Signer(azure, clients)


def refused(act: Any, *arguments: Any) -> tuple[int, str]:
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments)
    return caught.value.status_code, caught.value.error_code


def test_a_delegated_signature_opens_one_blob_for_a_while(azure_clock: FakeClock, signer: Signer):
    blob = signer.blob()

    assert blob.download_blob().readall() == b"hello"
    assert blob.get_blob_properties().content_settings.content_type == "text/plain"
    assert refused(blob.delete_blob) == MISMATCH
    assert refused(blob.upload_blob, b"x") == MISMATCH
    azure_clock.advance(600)
    assert refused(blob.download_blob) == (403, "AuthenticationFailed")


def test_a_signature_is_for_what_was_signed(azure: EmulatedAzure, signer: Signer):
    token = signer.blob().url.partition("?")[2]

    for url in (
        f"{azure.url}/blob/store/work/other?{token}",
        f"{azure.url}/blob/store/work/a%20b/x?{token.replace('sp=r', 'sp=rd')}",
    ):
        answer = httpx.get(url)
        assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthenticationFailed")
        assert "Signature did not match" in answer.text
    assert httpx.get(f"{azure.url}/blob/store/work/a%20b/x?{token}").text == "hello"


def test_a_signature_gives_no_more_than_its_maker_has(azure: EmulatedAzure, signer: Signer):
    blob = signer.blob()
    azure.enforce("operator", {"dataActions": [f"{BLOBS}/write"]})

    assert refused(blob.download_blob) == MISMATCH


def test_creating_is_not_overwriting(signer: Signer):
    assert signer.blob("new", create=True).upload_blob(b"1")
    assert refused(lambda: signer.blob("new", create=True).upload_blob(b"2", overwrite=True)) == MISMATCH
    assert signer.blob("new", write=True).upload_blob(b"3", overwrite=True)


def test_a_signature_of_a_container_lists_it(azure: EmulatedAzure, signer: Signer):
    token = generate_container_sas(
        "store", "work", user_delegation_key=signer.key, permission="rl", expiry=later(signer.now, 60)
    )
    listed = httpx.get(f"{azure.url}/blob/store/work?restype=container&comp=list&{token}")
    assert "<Name>a b/x</Name>" in listed.text
    assert httpx.get(f"{azure.url}/blob/store/other?restype=container&comp=list&{token}").status_code == 403


def test_a_delegation_key_needs_its_action_and_lives_a_week(
    azure: EmulatedAzure, clients: Clients, account: str
):
    now = azure.state.now
    service = clients.blobs("store")
    assert refused(service.get_user_delegation_key, later(now, 0), later(now, 9 * 86400))[0] == 400
    azure.enforce("operator", {"dataActions": ["*"]})
    assert refused(service.get_user_delegation_key, later(now, 0), later(now, 60)) == MISMATCH
