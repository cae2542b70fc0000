"""Signatures: with a key of user delegation they open a blob, with account keys nothing."""

import datetime
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobClient, BlobSasPermissions, generate_blob_sas, generate_container_sas

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import STORAGE, Clients
from tests.clock import FakeClock

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
MISMATCH = (403, "AuthorizationPermissionMismatch")


@pytest.fixture
def account(azure: EmulatedAzure) -> str:
    return azure.account("store", containers=["work", "other"])


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
