"""Who may touch a blob: data actions, scopes, delays, conditions and tokens."""

import uuid

import httpx
import pytest
from azure.core.exceptions import HttpResponseError

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


def test_a_condition_is_silent_on_containers_themselves(somebody: Somebody, account: str):
    only = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'work'"
    somebody.may(account, CONTRIBUTOR, condition=only, conditionVersion="2.0")

    assert somebody.put("store/other/x") == MISMATCH
    assert somebody.ask("GET", "store/other?restype=container") == (200, "")
    assert somebody.ask("PUT", "store/new?restype=container") == (201, "")


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
