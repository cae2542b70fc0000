"""Our signatures are those of Azure's own clients, byte for byte."""

import base64
import datetime
from typing import Any

import httpx
import pytest
from azure.storage.blob import ContainerSasPermissions, UserDelegationKey, generate_container_sas
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy

from local.clouds.azure import EmulatedAzure
from shared.azure_endpoints import ARM_SCOPE, BATCH_SCOPE
from shared.errors import Refused
from shared.providers.azure.batch import signing
from shared.providers.azure.batch.clients import BatchClients
from tests.clock import FakeClock
from tests.unit.clouds.azure.batch import service

KEY = base64.b64encode(b"k" * 64).decode()
BEGINS, ENDS = 1_800_000_000.0, 1_800_086_400.0
ALLOWED = ContainerSasPermissions(read=True, add=True, create=True, write=True, delete=True, list=True)


def parts(query: str) -> dict[str, str]:
    return dict(httpx.QueryParams(query).items())


def moment(at: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, datetime.UTC)


def of_sdk(**how: Any) -> dict[str, str]:
    """The SDK's own signature, of the version that we sign for."""
    made = generate_container_sas(
        "store",
        "work",
        permission=ALLOWED,
        start=moment(BEGINS),
        expiry=moment(ENDS),
        protocol="https",
        **how,
    )
    return parts(made)


@pytest.fixture(autouse=True)
def same_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK signs for its newest version; signatures differ between versions."""
    monkeypatch.setattr("azure.storage.blob._shared.constants.X_MS_VERSION", signing.VERSION)
    monkeypatch.setattr("azure.storage.blob._shared.shared_access_signature.X_MS_VERSION", signing.VERSION)
    monkeypatch.setattr("azure.storage.blob._shared_access_signature.X_MS_VERSION", signing.VERSION)


def test_a_containers_signature_by_the_accounts_key() -> None:
    ours = parts(signing.container_sas("store", "work", KEY, BEGINS, ENDS))
    theirs = of_sdk(account_key=KEY)
    assert {**ours, "sig": ""} == {**theirs, "sig": ""}
    assert ours["sig"] == theirs["sig"]


@pytest.mark.parametrize(
    ("method", "url", "headers", "body"),
    [
        ("GET", "https://store.blob.core.windows.net/work?restype=container", {}, b""),
        ("GET", "https://store.blob.core.windows.net/work/a%20b", {"x-ms-range": "bytes=0-9"}, b""),
        ("PUT", "https://store.blob.core.windows.net/work/x", {"Content-Type": "text/plain"}, b"data"),
        ("GET", "https://store.blob.core.windows.net/work?comp=list&restype=container&prefix=a%2Fb", {}, b""),
    ],
)
def test_a_request_of_the_blob_service(method: str, url: str, headers: dict[str, str], body: bytes) -> None:
    given = {"x-ms-version": signing.VERSION, **headers}
    ours = signing.blob_headers("store", KEY, method, url, given, body)
    length = {"Content-Length": str(len(body))} if body else {}
    request = Request(method, url, {**given, **length, "x-ms-date": ours["x-ms-date"]})
    theirs = Policy("store", KEY)
    theirs.on_request(Wrapped(request))  # type: ignore[arg-type]
    assert request.headers["Authorization"] == ours["Authorization"]


class Policy(SharedKeyCredentialPolicy):  # type: ignore[misc]
    """The SDK's own, with the date that ours has."""

    def on_request(self, request: Any) -> None:
        headers = request.http_request.headers
        text = request.http_request.method + "\n"
        names = ["content-encoding", "content-language", "content-length", "content-md5", "content-type"]
        names += ["date", "if-modified-since", "if-match", "if-none-match", "if-unmodified-since"]
        text += self._get_headers(request, [*names, "byte_range"])
        text += self._get_canonicalized_headers(request)
        text += self._get_canonicalized_resource(request)
        text += self._get_canonicalized_resource_query(request)
        self._add_authorization_header(request, text)
        assert headers["Authorization"]


class Request:
    """What the policy looks at."""

    def __init__(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.method, self.url, self.headers = method, url, headers
        self.query = dict(httpx.URL(url).params)


class Wrapped:
    """As a pipeline hands a request to its policies."""

    def __init__(self, request: Request) -> None:
        self.http_request = request
        self.context = type("Context", (), {"transport": None})()


@pytest.fixture
def keyed(azure: EmulatedAzure) -> BatchClients:
    with service(azure):
        pass
    return BatchClients({"batchName": "acct", "batchKey": azure.batch_key("acct")})


def test_a_request_of_batch_is_taken_by_a_service_that_checks_it(
    azure: EmulatedAzure, keyed: BatchClients
) -> None:
    url = f"{azure.url}/batch/acct"
    query = {"$filter": "startswith(id,'a b&c') and state ne 'completed'"}
    assert keyed.batch("GET", f"{url}/jobs", action="read", query=query).body["value"] == []
    body = {"id": "j", "poolInfo": {"poolId": "p"}}
    assert keyed.batch("POST", f"{url}/jobs", action="write", body=body).status == 201
    assert keyed.batch("POST", f"{url}/jobs/j/terminate", action="write", body={}).status == 202
    assert keyed.batch("DELETE", f"{url}/jobs/j", action="delete").status == 202
    assert {each.principal for each in azure.journal.entries("batch")} == {"SharedKey"}


def test_another_key_is_refused_and_no_key_is_sent_anywhere_else(
    azure: EmulatedAzure, keyed: BatchClients
) -> None:
    other = BatchClients({"batchName": "acct", "batchKey": KEY})
    with pytest.raises(Refused, match="does not accept these credentials"):
        other.batch("GET", f"{azure.url}/batch/acct/jobs", action="read")
    with pytest.raises(Refused, match="neither https nor the emulator"):
        keyed.wire.send("GET", "http://elsewhere/pools", scope=BATCH_SCOPE)
    with pytest.raises(Refused, match="takes an Entra application"):
        keyed.wire.send("GET", f"{azure.url}/subscriptions", scope=ARM_SCOPE)
    broken = BatchClients({"batchName": "acct", "batchKey": "no key"})
    with pytest.raises(Refused, match="is not a key"):
        broken.batch("GET", f"{azure.url}/batch/acct/jobs", action="read")


@pytest.mark.usefixtures("azure")
def test_azure_signs_for_a_week_without_a_key(azure_clock: FakeClock) -> None:
    now = azure_clock.now()
    with pytest.raises(Refused, match="7 days"):
        BatchClients(None).sas("store", "work", now, now + 8 * 86400)
    weeks = BatchClients({"storageName": "store", "storageKey": KEY, "batchKey": KEY})
    assert "sig=" in weeks.sas("store", "work", now, now + 30 * 86400)


def test_a_containers_signature_by_a_delegated_key() -> None:
    key = {
        "SignedOid": "oid",
        "SignedTid": "tid",
        "SignedStart": signing.utc(BEGINS),
        "SignedExpiry": signing.utc(ENDS),
        "SignedService": "b",
        "SignedVersion": signing.VERSION,
        "Value": KEY,
    }
    theirs = UserDelegationKey()
    for name, value in key.items():
        attribute = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
        setattr(theirs, attribute, value)
    ours = parts(signing.delegated_sas("store", "work", key, BEGINS, ENDS))
    found = of_sdk(user_delegation_key=theirs)
    # From 2025 on the SDK always signs more fields for a delegated key: the emulator checks ours (`sas`).
    assert {**ours, "sig": ""} == {**found, "sig": ""}
